//! A linear layer as one operation of CPU backends.

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, TensorMetadata};

use super::cpu::{CpuBackend, TensorFloat, by_type};
use super::saved::{register_gradients, split_autodiff};
use super::traits::LinearOps;
use crate::cpu::bf16::Operands;
use crate::cpu::linear::{self, Inputs};
use crate::cpu::simd_level::SimdLevel;

/// x, W, b.
type Tensors<B> = [FloatTensor<B>; 3];

/// Calls `body` with the tensors' values as a kernel takes them.
fn with_inputs<B: CpuBackend, T: TensorFloat, R>(
    operands: Operands,
    tensors: &Tensors<B>,
    body: impl FnOnce(Inputs<T>) -> R,
) -> R {
    let [input, kernel, bias] = tensors.each_ref().map(B::values::<T>);
    let bias = bias.contiguous();
    body(Inputs { input: input.matrix(), kernel: kernel.matrix(), bias: &bias, operands })
}

/// The output `[N, P]`.
pub(super) fn forward<B: CpuBackend>(operands: Operands, tensors: &Tensors<B>) -> FloatTensor<B> {
    let shape = [tensors[0].shape()[0], tensors[1].shape()[1]];
    by_type!(tensors[0].dtype(), T => {
        let output = with_inputs::<B, T, _>(operands, tensors, |inputs| linear::forward(SimdLevel::selected(), inputs));
        B::from_values(output, &shape)
    })
}

fn backward<B: CpuBackend>(operands: Operands, tensors: &Tensors<B>, gradient: FloatTensor<B>) -> Tensors<B> {
    let shapes = tensors.each_ref().map(|tensor| tensor.shape().to_vec());
    by_type!(gradient.dtype(), T => {
        let gradient = B::values::<T>(&gradient);
        let linear::Gradients { input, kernel, bias } = with_inputs::<B, T, _>(operands, tensors, |inputs| {
            linear::backward(SimdLevel::selected(), inputs, gradient.matrix())
        });
        [
            B::from_values(input, &shapes[0]),
            B::from_values(kernel, &shapes[1]),
            B::from_values(bias, &shapes[2]),
        ]
    })
}

#[derive(Debug)]
struct LinearBackward;

impl<B: CpuBackend> Backward<B, 3> for LinearBackward {
    type State = (Operands, Tensors<B>);

    fn backward(self, ops: Ops<(Operands, Tensors<B>), 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let parents = ops.parents.map(|parent| parent.map(|parent| parent.id));
        let (operands, tensors) = &ops.state;
        register_gradients::<B, 3>(grads, parents, backward::<B>(*operands, tensors, gradient).map(Some));
    }
}

impl<B: CpuBackend + LinearOps, C: CheckpointStrategy> LinearOps for Autodiff<B, C> {
    fn linear(
        operands: Operands,
        input: FloatTensor<Self>,
        kernel: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let (tensors, guards) = split_autodiff::<B, C, 3>([input, kernel, bias]);
        let output = forward::<B>(operands, &tensors);
        match LinearBackward.prepare::<C>(guards).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish((operands, tensors), output),
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }
}
