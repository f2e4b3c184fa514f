//! Long short-term memory (Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000).

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use kernels::inference::KernelCell;
use kernels::{CellState, Input, LstmWeights, SequenceOptions, lstm_sequence};

use super::recurrent_cell::{CellSpec, CellWeightsMut, RecurrentCell, f32_values};
use crate::init::{Initialization, Initializer};

/// The weights of an LSTM layer from `D` inputs to `H` units.
///
/// ```text
/// a       = x W + h U + b              four blocks of H columns: i, f, g, o
/// i, f, o = σ(aᵢ), σ(a_f), σ(aₒ)       input, forget and output gate
/// g       = tanh(a_g)                  cell candidate
/// c′      = f ∘ c + i ∘ g
/// h′      = o ∘ tanh(c′)
/// ```
///
/// No peepholes, no coupled gates; the order of the blocks is that of Keras and of PyTorch.
#[derive(Module, Debug)]
pub struct Lstm {
    /// W, `[D, 4H]`.
    pub kernel: Param<Tensor<2>>,
    /// U, `[H, 4H]`.
    pub recurrent_kernel: Param<Tensor<2>>,
    /// b, `[4H]`.
    pub bias: Param<Tensor<1>>,
}

impl Lstm {
    /// Initial weights as in Keras: Glorot uniform over all of W, orthogonal over all of U, zero bias
    /// except for the forget gate's, which is 1 (Jozefowicz et al. 2015, section 2.2).
    pub fn new(inputs: usize, units: usize, weights: &Initialization) -> Self {
        let mut bias = vec![0.0; 4 * units];
        bias[units..2 * units].fill(1.0);
        let (kernel, recurrent) = ([inputs, 4 * units], [units, 4 * units]);
        Self {
            kernel: weights.matrix("kernel", kernel, Initializer::GlorotUniform),
            recurrent_kernel: weights.matrix("recurrent_kernel", recurrent, Initializer::Orthogonal),
            bias: weights.vector("bias", bias),
        }
    }

    pub(super) const fn spec() -> CellSpec {
        CellSpec {
            gates: 4,
            biases: 1,
            // Four gates before and after their activation, three products, two states, an output.
            activations_per_unit: 14,
            keras_class: "LSTM",
            keras_name: "lstm",
            pytorch_order: &[0, 1, 2, 3],
        }
    }
}

impl RecurrentCell for Lstm {
    fn kernel(&self) -> &Param<Tensor<2>> {
        &self.kernel
    }

    fn recurrent_kernel(&self) -> &Param<Tensor<2>> {
        &self.recurrent_kernel
    }

    fn bias(&self) -> &Param<Tensor<1>> {
        &self.bias
    }

    fn weights_mut(&mut self) -> CellWeightsMut<'_> {
        let Self { kernel, recurrent_kernel, bias } = self;
        CellWeightsMut { kernel, recurrent_kernel, bias, recurrent_bias: None, other_matrices: Vec::new() }
    }

    fn init_state(&self, batch: usize) -> CellState {
        zero_state(&self.recurrent_kernel, batch)
    }

    fn forward(
        &self,
        input: Input,
        recurrent: Tensor<2>,
        state: CellState,
        options: &SequenceOptions,
    ) -> (Tensor<3>, CellState) {
        let (kernel, bias) = (self.kernel.val(), self.bias.val());
        lstm_sequence(input, LstmWeights { kernel, recurrent, bias }, state, options)
    }

    fn inference_kernel(&self) -> Option<(KernelCell, Vec<f32>)> {
        Some((KernelCell::Lstm, f32_values(self.bias.val())))
    }
}

/// The zero state of an LSTM with U of `[H, 4H]`, for `batch` rows.
pub(super) fn zero_state(recurrent_kernel: &Param<Tensor<2>>, batch: usize) -> CellState {
    let weights = recurrent_kernel.val();
    let hidden = Tensor::zeros([batch, weights.dims()[0]], (&weights.device(), weights.dtype()));
    CellState { cell: Some(hidden.clone()), hidden }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn the_forget_bias_is_one_and_the_rest_is_zero() {
        let cell = Lstm::new(2, 3, &Initialization::new(1, &Device::flex()));
        let expected = [0., 0., 0., 1., 1., 1., 0., 0., 0., 0., 0., 0.];
        assert_eq!(cell.bias.val().try_into_vec_as::<f64>().unwrap(), expected);
    }
}
