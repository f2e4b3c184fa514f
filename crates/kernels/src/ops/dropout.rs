//! Products with dropout masks as one operation of CPU backends.

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, TensorMetadata};

use super::cpu::{CpuBackend, by_type};
use super::saved::{register_gradients, split_autodiff};
use super::traits::DropoutOps;
use crate::cpu::dropout::{self, DropoutMask};
use crate::cpu::simd_level::SimdLevel;

/// The product, in new memory: other tensors share that of a weight.
pub(super) fn forward<B: CpuBackend>(mask: &DropoutMask, values: &FloatTensor<B>) -> FloatTensor<B> {
    let shape = values.shape().to_vec();
    by_type!(values.dtype(), T => {
        let values = B::values::<T>(values);
        B::from_values(dropout::dropped(SimdLevel::selected(), &values.contiguous(), mask), &shape)
    })
}

/// The product, in place where there is no other reference to the gradient.
fn backward<B: CpuBackend>(mask: &DropoutMask, mut gradient: FloatTensor<B>) -> FloatTensor<B> {
    by_type!(gradient.dtype(), T => {
        dropout::drop_in_place(SimdLevel::selected(), B::values_mut::<T>(&mut gradient), mask);
    });
    gradient
}

#[derive(Debug)]
struct DropoutBackward;

impl<B: CpuBackend> Backward<B, 1> for DropoutBackward {
    type State = DropoutMask;

    fn backward(self, ops: Ops<DropoutMask, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<B>(&ops.node);
        let parents = ops.parents.map(|parent| parent.map(|parent| parent.id));
        register_gradients::<B, 1>(grads, parents, [Some(backward::<B>(&ops.state, gradient))]);
    }
}

impl<B: CpuBackend + DropoutOps, C: CheckpointStrategy> DropoutOps for Autodiff<B, C> {
    fn dropout(mask: DropoutMask, values: FloatTensor<Self>) -> FloatTensor<Self> {
        let ([values], guards) = split_autodiff::<B, C, 1>([values]);
        let output = forward::<B>(&mask, &values);
        match DropoutBackward.prepare::<C>(guards).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish(mask, output),
            OpsKind::UnTracked(prepared) => prepared.finish(output),
        }
    }
}
