//! Long short-term memory (Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000).

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use kernels::{CellState, Input, LstmWeights, Pass, lstm_sequence};

use crate::init::{Initialization, Initializer};

/// The weights of an LSTM layer from `D` inputs to `H` units.
///
/// ```text
/// a      = x W + h U + b               four blocks of H columns: i, f, g, o
/// i, f, o = σ(aᵢ), σ(a_f), σ(aₒ)       what to add, what to keep, what to show
/// g      = tanh(a_g)                   what could be added
/// c′     = f ∘ c + i ∘ g
/// h′     = o ∘ tanh(c′)
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
    /// Fresh weights as Keras draws them: Glorot uniform over all of W, orthogonal over all of U,
    /// zero bias but for the forget gate's, which is 1 (Jozefowicz et al. 2015, section 2.2).
    pub fn new(inputs: usize, units: usize, weights: &Initialization) -> Self {
        let mut bias = vec![0.0; 4 * units];
        bias[units..2 * units].fill(1.0);
        Self {
            kernel: weights.matrix("kernel", [inputs, 4 * units], Initializer::GlorotUniform),
            recurrent_kernel: weights.matrix(
                "recurrent_kernel",
                [units, 4 * units],
                Initializer::Orthogonal,
            ),
            bias: weights.vector("bias", bias),
        }
    }

    /// Over whole sequences, with U = `recurrent`.
    ///
    /// # Panics
    /// If the state is another cell's, without a memory.
    pub(super) fn run(
        &self,
        input: Input,
        recurrent: Tensor<2>,
        state: CellState,
        pass: &Pass,
    ) -> (Tensor<3>, CellState) {
        let (kernel, bias) = (self.kernel.val(), self.bias.val());
        lstm_sequence(input, LstmWeights { kernel, recurrent, bias }, state, pass)
    }
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
