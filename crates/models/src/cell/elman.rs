//! The vanilla RNN (Elman 1990).

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use kernels::inference::KernelCell;
use kernels::{Activation, CellState, ElmanWeights, Input, SequenceOptions, elman_sequence};

use super::recurrent_cell::{CellSpec, CellWeightsMut, RecurrentCell, f32_values};
use crate::init::{Initialization, Initializer};

/// The weights of a vanilla RNN layer from `D` inputs to `H` units.
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
    /// Initial weights as in Keras: Glorot uniform W, orthogonal U, zero bias.
    pub fn new(inputs: usize, units: usize, activation: Activation, weights: &Initialization) -> Self {
        let (kernel, recurrent) = ([inputs, units], [units, units]);
        Self {
            kernel: weights.matrix("kernel", kernel, Initializer::GlorotUniform),
            recurrent_kernel: weights.matrix("recurrent_kernel", recurrent, Initializer::Orthogonal),
            bias: weights.vector("bias", vec![0.0; units]),
            activation,
        }
    }

    pub(super) const fn spec() -> CellSpec {
        CellSpec {
            gates: 1,
            biases: 1,
            // The activation's input and the state after it.
            activations_per_unit: 2,
            keras_class: "SimpleRNN",
            keras_name: "simple_rnn",
            pytorch_order: &[0],
        }
    }
}

impl RecurrentCell for Elman {
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
        let Self { kernel, recurrent_kernel, bias, .. } = self;
        CellWeightsMut { kernel, recurrent_kernel, bias, recurrent_bias: None, other_matrices: Vec::new() }
    }

    fn forward(
        &self,
        input: Input,
        recurrent: Tensor<2>,
        state: CellState,
        options: &SequenceOptions,
    ) -> (Tensor<3>, CellState) {
        let (kernel, bias) = (self.kernel.val(), self.bias.val());
        let weights = ElmanWeights { kernel, recurrent, bias, activation: self.activation };
        elman_sequence(input, weights, state, options)
    }

    fn inference_kernel(&self) -> Option<(KernelCell, Vec<f32>)> {
        Some((KernelCell::Elman(self.activation), f32_values(self.bias.val())))
    }
}
