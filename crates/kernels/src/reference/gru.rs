//! Gated recurrent unit (Cho et al. 2014), with the reset gate before or after the product.

use burn::tensor::activation::sigmoid;
use burn::tensor::{Tensor, s};

use super::layer::ReferenceCell;
use crate::types::{CellState, GruWeights};

/// ```text
/// a    = x W + b                       three blocks of H columns: z, r, n
/// z, r = σ(a_z + h U_z + b′_z), σ(a_r + h U_r + b′_r)     update gate, reset gate
/// n    = tanh(a_n + r ∘ (h U_n + b′_n))     reset after the product, as in Keras and PyTorch
/// n    = tanh(a_n + (r ∘ h) U_n)            reset before it, as in Cho et al.; without b′
/// h′   = z ∘ h + (1 − z) ∘ n
/// ```
#[derive(Clone, Debug)]
pub struct Gru(pub GruWeights);

impl ReferenceCell for Gru {
    fn project(&self, rows: Tensor<2>) -> Tensor<2> {
        rows.matmul(self.0.kernel.clone()) + self.0.bias.clone().unsqueeze()
    }

    fn step(&self, a: Tensor<2>, state: CellState) -> CellState {
        let GruWeights { recurrent, recurrent_bias, .. } = &self.0;
        let h = state.hidden;
        let units = h.dims()[1];
        let blocks = |from: usize, to: usize| s![.., from * units..to * units];
        let (z, n) = match recurrent_bias {
            Some(bias) => {
                let b = h.clone().matmul(recurrent.clone()) + bias.clone().unsqueeze();
                let gates = sigmoid(a.clone().slice(blocks(0, 2)) + b.clone().slice(blocks(0, 2)));
                let (z, r) = (gates.clone().slice(blocks(0, 1)), gates.slice(blocks(1, 2)));
                (z, (a.slice(blocks(2, 3)) + r * b.slice(blocks(2, 3))).tanh())
            }
            None => {
                let b = h.clone().matmul(recurrent.clone().slice(blocks(0, 2)));
                let gates = sigmoid(a.clone().slice(blocks(0, 2)) + b);
                let (z, r) = (gates.clone().slice(blocks(0, 1)), gates.slice(blocks(1, 2)));
                let b = (r * h.clone()).matmul(recurrent.clone().slice(blocks(2, 3)));
                (z, (a.slice(blocks(2, 3)) + b).tanh())
            }
        };
        // z ∘ h + (1 − z) ∘ n, with one multiplication less.
        CellState { hidden: n.clone() + z * (h - n), cell: None }
    }
}
