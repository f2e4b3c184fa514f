//! Layer normalisation (Ba, Kiros and Hinton 2016) of the outputs of a layer.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use kernels::reference::normalize;

use crate::init::Initialization;

/// `y = γ ∘ (x − μ) / √(σ² + ε) + β`, with the mean μ and the variance σ² of each row.
#[derive(Module, Debug)]
pub struct LayerNorm {
    /// γ, `[H]`.
    pub gain: Param<Tensor<1>>,
    /// β, `[H]`.
    pub bias: Param<Tensor<1>>,
}

impl LayerNorm {
    /// γ = 1 and β = 0.
    pub fn new(units: usize, weights: &Initialization) -> Self {
        Self { gain: weights.vector("gain", vec![1.0; units]), bias: weights.vector("bias", vec![0.0; units]) }
    }

    /// The number of trainable parameters.
    pub fn num_params(units: usize) -> usize {
        2 * units
    }

    /// From `[…, H]` to `[…, H]`.
    pub fn forward<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        normalize(input) * self.gain.val().unsqueeze() + self.bias.val().unsqueeze()
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn every_row_has_mean_beta_and_deviation_gamma() {
        let device = Device::flex();
        let mut norm = LayerNorm::new(4, &Initialization::new(1, &device));
        let rows = Tensor::<2>::from_floats([[1., 2., 3., 4.], [-40., 0., 0., 40.]], &device);
        let plain: Vec<f64> = norm.forward(rows.clone()).try_into_vec_as().unwrap();
        // (1 − 2.5) / √(1.25 + 1e-5) and so on.
        for (found, expected) in plain.iter().zip([-1.341636, -0.447212, 0.447212, 1.341636]) {
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        }
        norm.gain = norm.gain.map(|gain| gain * 2.0);
        norm.bias = norm.bias.map(|bias| bias + 3.0);
        let moved: Vec<f64> = norm.forward(rows).try_into_vec_as().unwrap();
        for (moved, plain) in moved.iter().zip(&plain) {
            assert!((moved - (2.0 * plain + 3.0)).abs() < 1e-5);
        }
    }
}
