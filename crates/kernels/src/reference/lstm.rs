//! LSTM (Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000).

use burn::tensor::activation::sigmoid;
use burn::tensor::{Tensor, s};

use super::layer::ReferenceCell;
use crate::types::{CellState, LstmWeights};

/// ```text
/// a      = x W + h U + b               four blocks of H columns: i, f, g, o
/// i, f, o = σ(aᵢ), σ(a_f), σ(aₒ)       input, forget and output gate
/// g      = tanh(a_g)                   candidate
/// c′     = f ∘ c + i ∘ g
/// h′     = o ∘ tanh(c′)
/// ```
#[derive(Clone, Debug)]
pub struct Lstm(pub LstmWeights);

impl ReferenceCell for Lstm {
    fn project(&self, rows: Tensor<2>) -> Tensor<2> {
        rows.matmul(self.0.kernel.clone()) + self.0.bias.clone().unsqueeze()
    }

    fn step(&self, projected: Tensor<2>, state: CellState) -> CellState {
        let CellState { hidden, cell } = state;
        let (output_gate, c) = next_cell_state(projected + hidden.matmul(self.0.recurrent.clone()), cell);
        CellState { hidden: output_gate * c.clone().tanh(), cell: Some(c) }
    }
}

/// o and c′, from the sums a `[N, 4H]` and c.
///
/// # Panics
/// If there is no c.
pub(super) fn next_cell_state(a: Tensor<2>, cell: Option<Tensor<2>>) -> (Tensor<2>, Tensor<2>) {
    let cell = cell.expect("the state of an LSTM has a cell state c");
    let units = cell.dims()[1];
    let gate = |k: usize| a.clone().slice(s![.., k * units..(k + 1) * units]);
    let (i, f, g, o) = (sigmoid(gate(0)), sigmoid(gate(1)), gate(2).tanh(), sigmoid(gate(3)));
    (o, f * cell + i * g)
}
