//! The equations as they are written, on Burn's own operations: for every backend without a kernel, and what
//! the kernels are held against.

mod elman;
mod gru;
mod loss;
mod lstm;

use burn::tensor::{Tensor, s};

use crate::sequence::{CellState, Input, Pass, Steps};

pub use elman::Elman;
pub use gru::Gru;
pub use loss::nats_per_token;
pub use lstm::Lstm;

/// A layer's equations.
pub trait Equations {
    /// `x W + b`, for any number of rows.
    fn project(&self, rows: Tensor<2>) -> Tensor<2>;

    /// One step: from the projected input `[N, G · H]` and the state before to the state after.
    fn step(&self, projected: Tensor<2>, state: CellState) -> CellState;
}

/// Runs `layer` over whole sequences, step by step: the hidden states and the state after the last.
pub fn run(
    input: Input,
    layer: &impl Equations,
    mut state: CellState,
    pass: &Pass,
) -> (Tensor<3>, CellState) {
    let [batch, time] = input.steps();
    // Time-major, so that a step is one block of rows: cheap to cut, forwards and backwards.
    let rows: Tensor<2> = input.vectors().swap_dims(0, 1).flatten(0, 1);
    let projected = layer.project(rows);
    let mut hidden = Vec::new();
    for t in 0..time {
        let step = projected.clone().slice(s![t * batch..(t + 1) * batch, ..]);
        let after = layer.step(step, state.clone());
        state = match &pass.real {
            None => after,
            Some(real) => chosen(real.clone().slice(s![.., t..t + 1]), after, state),
        };
        if pass.steps == Steps::Every || t + 1 == time {
            hidden.push(state.hidden.clone());
        }
    }
    (Tensor::stack(hidden, 1), state)
}

/// `after` in the rows where `real` `[N, 1]` is 1, and `before` in those where it is 0.
fn chosen(real: Tensor<2>, after: CellState, before: CellState) -> CellState {
    // Chosen, not blended: whatever is computed from padding must not reach the state.
    let choose = |new: Tensor<2>, old: Tensor<2>| {
        let real = real.clone().greater_scalar(0.5).expand(old.dims());
        old.mask_where(real, new)
    };
    let memory = after.memory.zip(before.memory).map(|(new, old)| choose(new, old));
    CellState { hidden: choose(after.hidden, before.hidden), memory }
}
