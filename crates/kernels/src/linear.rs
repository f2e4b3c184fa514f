//! A linear layer: the fused kernel where there is one, else Burn's operations.

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use crate::dispatch::{KernelMode, is_kernel_type};
use crate::ops::LinearOps;

/// `x W + b`, from x `[N, D]`, W `[D, P]` and b `[P]` to `[N, P]`; differentiable in all three.
///
/// # Panics
/// If sizes do not match, or any of them is zero.
pub fn linear(input: Tensor<2>, kernel: Tensor<2>, bias: Tensor<1>, mode: KernelMode) -> Tensor<2> {
    if !(mode.fuses_all(&kernel.device()) && is_kernel_type(kernel.dtype())) {
        return input.matmul(kernel) + bias.unsqueeze();
    }
    let (input, kernel) = (input.into_dispatch(), kernel.into_dispatch());
    Tensor::from_dispatch(Dispatch::linear(mode.operands(), input, kernel, bias.into_dispatch()))
}
