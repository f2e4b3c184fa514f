//! Fused RMSprop and Adam: one pass over each tensor.

use burn::backend::Dispatch;
use burn::tensor::Tensor;

pub use crate::cpu::optimizer::{AdamParams, RmspropParams};
use crate::ops::OptimizerOps;

/// One step of RMSprop; returns w and v. Only for devices where [`crate::KernelMode::fuses_optimizers`].
///
/// ```text
/// v ← ρ v + (1 − ρ) g²        w ← w − η g / √(v + ε)
/// ```
pub fn rmsprop<const D: usize>(
    params: RmspropParams,
    weights: Tensor<D>,
    gradient: Tensor<D>,
    mean_square: Tensor<D>,
) -> (Tensor<D>, Tensor<D>) {
    let [weights, gradient, square] = [weights, gradient, mean_square].map(Tensor::into_dispatch);
    let (weights, square) = Dispatch::rmsprop(params, weights, gradient, square);
    (Tensor::from_dispatch(weights), Tensor::from_dispatch(square))
}

/// One step of Adam; returns w, m and v. Only for devices where [`crate::KernelMode::fuses_optimizers`].
///
/// ```text
/// m ← β₁ m + (1 − β₁) g        v ← β₂ v + (1 − β₂) g²        w ← w − η′ m / (√v + ε)
/// ```
pub fn adam<const D: usize>(
    params: AdamParams,
    weights: Tensor<D>,
    gradient: Tensor<D>,
    mean: Tensor<D>,
    mean_square: Tensor<D>,
) -> (Tensor<D>, Tensor<D>, Tensor<D>) {
    let [weights, gradient, mean, square] = [weights, gradient, mean, mean_square].map(Tensor::into_dispatch);
    let (weights, mean, square) = Dispatch::adam(params, weights, gradient, mean, square);
    let [weights, mean, square] = [weights, mean, square].map(Tensor::from_dispatch);
    (weights, mean, square)
}
