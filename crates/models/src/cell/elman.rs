//! The plain recurrent network (Elman 1990).

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use burn::tensor::activation::{relu, sigmoid};
use serde::{Deserialize, Serialize};

use super::CellState;
use crate::init::{Initialization, Initializer};

/// What an Elman network puts its sums through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// tanh, between −1 and 1.
    #[default]
    Tanh,
    /// The logistic function σ, between 0 and 1.
    Sigmoid,
    /// max(0, ·), without an upper bound.
    Relu,
}

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

    /// One step of the equation above with U = `recurrent`; `input` is `[N, D]`.
    pub(super) fn step(
        &self,
        recurrent: &Tensor<2>,
        input: Tensor<2>,
        state: CellState,
    ) -> CellState {
        let a = input.matmul(self.kernel.val())
            + state.hidden.matmul(recurrent.clone())
            + self.bias.val().unsqueeze();
        let hidden = match self.activation {
            Activation::Tanh => a.tanh(),
            Activation::Sigmoid => sigmoid(a),
            Activation::Relu => relu(a),
        };
        CellState { hidden, memory: None }
    }
}
