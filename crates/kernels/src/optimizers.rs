//! RMSprop and Adam in one pass over each tensor, by a kernel where there is one.

use burn::backend::Dispatch;
use burn::tensor::Tensor;

pub use crate::cpu::optimizer::{Adam, Rmsprop};
use crate::ops::Updates;

/// One step of RMSprop; gives the weights and v. The tensors must lie where [`crate::updates_are_fused`] says so.
///
/// ```text
/// v ← ρ v + (1 − ρ) g²        w ← w − η g / √(v + ε)
/// ```
pub fn rmsprop<const D: usize>(
    config: Rmsprop,
    weights: Tensor<D>,
    gradient: Tensor<D>,
    square: Tensor<D>,
) -> (Tensor<D>, Tensor<D>) {
    let [weights, gradient, square] = [weights, gradient, square].map(Tensor::into_dispatch);
    let (weights, square) = Dispatch::rmsprop(config, weights, gradient, square);
    (Tensor::from_dispatch(weights), Tensor::from_dispatch(square))
}

/// One step of Adam; gives the weights, m and v. The tensors must lie where [`crate::updates_are_fused`] says so.
///
/// ```text
/// m ← β₁ m + (1 − β₁) g        v ← β₂ v + (1 − β₂) g²        w ← w − η′ m / (√v + ε)
/// ```
pub fn adam<const D: usize>(
    config: Adam,
    weights: Tensor<D>,
    gradient: Tensor<D>,
    mean: Tensor<D>,
    square: Tensor<D>,
) -> (Tensor<D>, Tensor<D>, Tensor<D>) {
    let [weights, gradient, mean, square] =
        [weights, gradient, mean, square].map(Tensor::into_dispatch);
    let (weights, mean, square) = Dispatch::adam(config, weights, gradient, mean, square);
    let [weights, mean, square] = [weights, mean, square].map(Tensor::from_dispatch);
    (weights, mean, square)
}
