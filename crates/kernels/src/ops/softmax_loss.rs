//! The output layer and its loss as one operation.

use std::sync::Arc;

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, TensorMetadata};

use super::Loss;
use super::host::{Float, Host, by_type};
use super::tape::{Kept, parts, register};
use crate::cpu::number::Number;
use crate::cpu::processor::Processor;
use crate::cpu::softmax_loss::{self, Inputs, Tape};

/// x, W, b.
type Tensors<B> = [FloatTensor<B>; 3];

/// Calls `body` with the tensors' numbers as a kernel takes them.
fn lent<B: Host, T: Float, R>(
    targets: &[u32],
    tensors: &Tensors<B>,
    body: impl FnOnce(Inputs<T>) -> R,
) -> R {
    let [input, kernel, bias] = tensors.each_ref().map(B::lend::<T>);
    let bias = bias.dense();
    body(Inputs { input: input.matrix(), kernel: kernel.matrix(), bias: &bias, targets })
}

/// The loss of each row, and the tape.
pub(super) fn forward<B: Host>(targets: &[u32], tensors: &Tensors<B>) -> (FloatTensor<B>, Kept) {
    by_type!(tensors[0].dtype(), T => {
        let (nats, tape) =
            lent::<B, T, _>(targets, tensors, |inputs| softmax_loss::forward(Processor::best(), inputs));
        let rows = nats.len();
        (B::give(nats, &[rows]), Kept::new(tape))
    })
}

/// The loss of each row, and 1 where the target was the likeliest.
pub(super) fn guesses<B: Host>(
    targets: &[u32],
    tensors: &Tensors<B>,
) -> (FloatTensor<B>, FloatTensor<B>) {
    by_type!(tensors[0].dtype(), T => {
        let (nats, hits) =
            lent::<B, T, _>(targets, tensors, |inputs| softmax_loss::guesses(Processor::best(), inputs));
        let hits: Vec<T> = hits.into_iter().map(|hit| T::of(f64::from(hit))).collect();
        let rows = nats.len();
        (B::give(nats, &[rows]), B::give(hits, &[rows]))
    })
}

fn backward<B: Host>(
    targets: &[u32],
    tensors: &Tensors<B>,
    tape: Kept,
    gradient: FloatTensor<B>,
) -> Tensors<B> {
    let shapes = tensors.each_ref().map(|tensor| tensor.shape().to_vec());
    by_type!(gradient.dtype(), T => {
        let gradient = B::lend::<T>(&gradient);
        let gradients = lent::<B, T, _>(targets, tensors, |inputs| {
            let tape = tape.take::<Tape<T>>();
            softmax_loss::backward(Processor::best(), inputs, tape, &gradient.dense())
        });
        let softmax_loss::Gradients { input, kernel, bias } = gradients;
        [
            B::give(input, &shapes[0]),
            B::give(kernel, &shapes[1]),
            B::give(bias, &shapes[2]),
        ]
    })
}

/// What the graph keeps between the two ways.
#[derive(Clone, Debug)]
struct State<B: Host> {
    targets: Arc<[u32]>,
    tensors: Tensors<B>,
    tape: Kept,
}

#[derive(Debug)]
struct Return;

impl<B: Host> Backward<B, 3> for Return {
    type State = State<B>;

    fn backward(self, ops: Ops<State<B>, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let parents = ops.parents.map(|parent| parent.map(|parent| parent.id));
        let State { targets, tensors, tape } = ops.state;
        let gradients = backward::<B>(&targets, &tensors, tape, gradient);
        register::<B, 3>(grads, parents, gradients.map(Some));
    }
}

impl<B: Host + Loss, C: CheckpointStrategy> Loss for Autodiff<B, C> {
    fn softmax_loss(
        targets: Arc<[u32]>,
        input: FloatTensor<Self>,
        kernel: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let (tensors, guards) = parts::<B, C, 3>([input, kernel, bias]);
        let prepared = Return.prepare::<C>(guards).compute_bound().stateful();
        let (nats, tape) = forward::<B>(&targets, &tensors);
        match prepared {
            OpsKind::Tracked(prepared) => prepared.finish(State { targets, tensors, tape }, nats),
            OpsKind::UnTracked(prepared) => prepared.finish(nats),
        }
    }
}
