//! The plain recurrent network (Elman 1990).

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use kernels::{Activation, CellState, ElmanWeights, Input, Pass, elman_sequence};

use crate::init::{Initialization, Initializer};

/// The weights of a plain recurrent layer from `D` inputs to `H` units.
///
/// ```text
/// h′ = φ(x W + h U + b)                φ = tanh, σ or max(0, ·)
/// ```
#[derive(Module, Debug)]
pub struct Elman {
    /// W, `[D, H]`.
    pub kernel: Param<Tensor<2>>,
    /// U, `[H, H]`.
    pub recurrent_kernel: Param<Tensor<2>>,
    /// b, `[H]`.
    pub bias: Param<Tensor<1>>,
    /// φ.
    #[module(skip)]
    pub activation: Activation,
}

impl Elman {
    /// Fresh weights as Keras draws them: Glorot uniform W, orthogonal U, zero bias.
    pub fn new(
        inputs: usize,
        units: usize,
        activation: Activation,
        weights: &Initialization,
    ) -> Self {
        let recurrent = [units, units];
        Self {
            kernel: weights.matrix("kernel", [inputs, units], Initializer::GlorotUniform),
            recurrent_kernel: weights.matrix(
                "recurrent_kernel",
                recurrent,
                Initializer::Orthogonal,
            ),
            bias: weights.vector("bias", vec![0.0; units]),
            activation,
        }
    }

    /// Over whole sequences, with U = `recurrent`.
    pub(super) fn run(
        &self,
        input: Input,
        recurrent: Tensor<2>,
        state: CellState,
        pass: &Pass,
    ) -> (Tensor<3>, CellState) {
        let (kernel, bias) = (self.kernel.val(), self.bias.val());
        let weights = ElmanWeights { kernel, recurrent, bias, activation: self.activation };
        elman_sequence(input, weights, state, pass)
    }
}
