//! The output layer and its loss as one operation of CPU backends.

use std::sync::Arc;

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, TensorMetadata};

use super::cpu::{CpuBackend, TensorFloat, by_type};
use super::saved::{Saved, register_gradients, split_autodiff};
use super::traits::SoftmaxLossOps;
use crate::cpu::bf16::Operands;
use crate::cpu::simd_float::SimdFloat;
use crate::cpu::simd_level::SimdLevel;
use crate::cpu::softmax_loss::{self, ForwardCache, Inputs, KEPT};
use crate::cpu::transpose::transposed;

/// x, W, b.
type Tensors<B> = [FloatTensor<B>; 3];

/// Calls `body` with the tensors' values as a kernel takes them.
fn with_inputs<B: CpuBackend, T: TensorFloat, R>(
    operands: Operands,
    targets: &[u32],
    tensors: &Tensors<B>,
    body: impl FnOnce(Inputs<T>) -> R,
) -> R {
    let [input, kernel, bias] = tensors.each_ref().map(B::values::<T>);
    let bias = bias.contiguous();
    body(Inputs { input: input.matrix(), kernel: kernel.matrix(), bias: &bias, targets, operands })
}

/// The loss of each row, and what the backward pass needs if there will be one.
pub(super) fn forward<B: CpuBackend>(
    operands: Operands,
    targets: &[u32],
    tensors: &Tensors<B>,
    is_tracked: bool,
) -> (FloatTensor<B>, Saved) {
    by_type!(tensors[0].dtype(), T => {
        let (nats, cache) = with_inputs::<B, T, _>(operands, targets, tensors, |inputs| {
            let kept = if is_tracked { KEPT } else { 0 };
            softmax_loss::forward(SimdLevel::selected(), inputs, kept)
        });
        let rows = nats.len();
        (B::from_values(nats, &[rows]), Saved::new(cache))
    })
}

/// The loss of each row, and 1 where the target has the highest probability.
pub(super) fn with_accuracy<B: CpuBackend>(targets: &[u32], tensors: &Tensors<B>) -> (FloatTensor<B>, FloatTensor<B>) {
    by_type!(tensors[0].dtype(), T => {
        let (nats, correct) = with_inputs::<B, T, _>(Operands::Unrounded, targets, tensors, |inputs| {
            softmax_loss::with_accuracy(SimdLevel::selected(), inputs)
        });
        let correct: Vec<T> =
            correct.into_iter().map(|correct| T::from_f64(f64::from(correct))).collect();
        let rows = nats.len();
        (B::from_values(nats, &[rows]), B::from_values(correct, &[rows]))
    })
}

fn backward<B: CpuBackend>(
    operands: Operands,
    targets: &[u32],
    tensors: &Tensors<B>,
    saved: Saved,
    gradient: FloatTensor<B>,
) -> Tensors<B> {
    let shapes = tensors.each_ref().map(|tensor| tensor.shape().to_vec());
    by_type!(gradient.dtype(), T => {
        let gradient = B::values::<T>(&gradient);
        let gradients = with_inputs::<B, T, _>(operands, targets, tensors, |inputs| {
            let cache = saved.take::<ForwardCache<T>>();
            softmax_loss::backward(SimdLevel::selected(), inputs, cache, &gradient.contiguous())
        });
        let softmax_loss::Gradients { input, kernel, bias } = gradients;
        let [rows, columns] = [shapes[1][0], shapes[1][1]];
        // Tied weights are a transposed table. Its gradient is added to the one that it has as an embedding, which is
        // slow unless both are in the order of the table.
        let kernel = if B::values::<T>(&tensors[1]).is_transposed() {
            B::float_swap_dims(B::from_values(transposed(&kernel, columns), &[columns, rows]), 0, 1)
        } else {
            B::from_values(kernel, &shapes[1])
        };
        [B::from_values(input, &shapes[0]), kernel, B::from_values(bias, &shapes[2])]
    })
}

/// What the graph holds from the forward to the backward pass.
#[derive(Clone, Debug)]
struct State<B: CpuBackend> {
    operands: Operands,
    targets: Arc<[u32]>,
    tensors: Tensors<B>,
    saved: Saved,
}

#[derive(Debug)]
struct SoftmaxLossBackward;

impl<B: CpuBackend> Backward<B, 3> for SoftmaxLossBackward {
    type State = State<B>;

    fn backward(self, ops: Ops<State<B>, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let parents = ops.parents.map(|parent| parent.map(|parent| parent.id));
        let State { operands, targets, tensors, saved } = ops.state;
        let gradients = backward::<B>(operands, &targets, &tensors, saved, gradient);
        register_gradients::<B, 3>(grads, parents, gradients.map(Some));
    }
}

impl<B: CpuBackend + SoftmaxLossOps, C: CheckpointStrategy> SoftmaxLossOps for Autodiff<B, C> {
    fn softmax_loss(
        operands: Operands,
        targets: Arc<[u32]>,
        input: FloatTensor<Self>,
        kernel: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let (tensors, guards) = split_autodiff::<B, C, 3>([input, kernel, bias]);
        let prepared = SoftmaxLossBackward.prepare::<C>(guards).compute_bound().stateful();
        match prepared {
            OpsKind::Tracked(prepared) => {
                let (nats, saved) = forward::<B>(operands, &targets, &tensors, true);
                prepared.finish(State { operands, targets, tensors, saved }, nats)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(forward::<B>(operands, &targets, &tensors, false).0),
        }
    }
}
