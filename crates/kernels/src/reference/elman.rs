//! Vanilla RNN (Elman 1990).

use burn::tensor::Tensor;
use burn::tensor::activation::{relu, sigmoid};

use super::layer::ReferenceCell;
use crate::cpu::elman::Activation;
use crate::types::{CellState, ElmanWeights};

/// ```text
/// h′ = φ(x W + h U + b)                φ = tanh, σ or max(0, ·)
/// ```
#[derive(Clone, Debug)]
pub struct Elman(pub ElmanWeights);

impl ReferenceCell for Elman {
    fn project(&self, rows: Tensor<2>) -> Tensor<2> {
        rows.matmul(self.0.kernel.clone()) + self.0.bias.clone().unsqueeze()
    }

    fn step(&self, projected: Tensor<2>, state: CellState) -> CellState {
        let a = projected + state.hidden.matmul(self.0.recurrent.clone());
        let hidden = match self.0.activation {
            Activation::Tanh => a.tanh(),
            Activation::Sigmoid => sigmoid(a),
            Activation::Relu => relu(a),
        };
        CellState { hidden, cell: None }
    }
}
