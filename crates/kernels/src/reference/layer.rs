//! A recurrent layer, step by step, for any cell.

use burn::tensor::{Tensor, s};

use crate::types::{CellState, Input, SequenceOptions, Steps};

/// The equations of a cell.
pub trait ReferenceCell {
    /// What a step needs of its input and can be computed without the state, for any number of rows: `x W + b` in most
    /// cells.
    fn project(&self, rows: Tensor<2>) -> Tensor<2>;

    /// One step: from the projected input, `[N, G · H]` with G gates in most cells, and the state before it to the state after
    /// it.
    fn step(&self, projected: Tensor<2>, state: CellState) -> CellState;
}

/// Runs `cell` over whole sequences; returns the hidden states and the state after the last step.
pub fn run(
    input: Input,
    cell: &impl ReferenceCell,
    mut state: CellState,
    options: &SequenceOptions,
) -> (Tensor<3>, CellState) {
    let [batch, time] = input.batch_and_time();
    // Time-major: a step is a contiguous block of rows, which makes slicing and its backward pass cheap.
    let rows: Tensor<2> = input.into_vectors().swap_dims(0, 1).flatten(0, 1);
    let projected = cell.project(rows);
    let mut hidden = Vec::new();
    for t in 0..time {
        if let Some(keep) = &options.keep_state {
            state = reset(keep.clone().slice(s![.., t..t + 1]), state);
        }
        let step = projected.clone().slice(s![t * batch..(t + 1) * batch, ..]);
        let after = cell.step(step, state.clone());
        state = match &options.mask {
            None => after,
            Some(mask) => select(mask.clone().slice(s![.., t..t + 1]), after, state),
        };
        if options.steps == Steps::Every || t + 1 == time {
            hidden.push(state.hidden.clone());
        }
    }
    (Tensor::stack(hidden, 1), state)
}

/// `state` in the rows where `keep` `[N, 1]` is 1, and zeros where it is 0.
fn reset(keep: Tensor<2>, state: CellState) -> CellState {
    let dims = state.hidden.dims();
    let resets = keep.lower_scalar(0.5).expand(dims);
    let reset = |state: Tensor<2>| state.mask_fill(resets.clone(), 0.0);
    CellState { hidden: reset(state.hidden), cell: state.cell.map(reset) }
}

/// `after` in the rows where `mask` `[N, 1]` is 1, and `before` where it is 0.
fn select(mask: Tensor<2>, after: CellState, before: CellState) -> CellState {
    // Selected, not multiplied by the mask: a NaN computed from padding must not reach the state.
    let select = |new: Tensor<2>, old: Tensor<2>| {
        let mask = mask.clone().greater_scalar(0.5).expand(old.dims());
        old.mask_where(mask, new)
    };
    let cell = after.cell.zip(before.cell).map(|(new, old)| select(new, old));
    CellState { hidden: select(after.hidden, before.hidden), cell }
}
