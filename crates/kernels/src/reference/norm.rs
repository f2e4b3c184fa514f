//! Normalisation of rows, the part of layer normalisation (Ba, Kiros and Hinton 2016) without weights.

use burn::tensor::Tensor;

/// ε under the square root, as in PyTorch.
pub const NORM_EPSILON: f64 = 1e-5;

/// `(x − μ) / √(σ² + ε)`, with the mean μ and the variance σ² of each row; from `[…, H]` to `[…, H]`.
pub fn normalize<const D: usize>(rows: Tensor<D>) -> Tensor<D> {
    let centered = rows.clone() - rows.mean_dim(D - 1);
    let variance = (centered.clone() * centered.clone()).mean_dim(D - 1);
    centered / variance.add_scalar(NORM_EPSILON).sqrt()
}
