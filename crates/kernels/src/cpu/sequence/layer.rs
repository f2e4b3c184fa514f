//! The data of a layer: sizes, input, weights, and what the forward pass saves.

use super::block_order::first_block;
use super::cell::{Cell, MAX_BLOCKS};
use super::regions::Division;
use super::resets::Resets;
use super::unique_ids::UniqueIds;
use crate::cpu::bf16::Operands;
use crate::cpu::rows::PaddedRows;
use crate::cpu::simd_float::SimdFloat;
use crate::cpu::view::MatrixView;

/// N sequences of T steps, from D inputs to H units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequenceShape {
    /// N.
    pub batch: usize,
    /// T.
    pub time: usize,
    /// D.
    pub inputs: usize,
    /// H.
    pub units: usize,
}

impl SequenceShape {
    /// S of the output `[N, S, H]`: the returned steps (all or the last), plus one for the last c if the cell has
    /// one.
    pub fn slots(&self, all_steps: bool, has_cell_state: bool) -> usize {
        let steps = if all_steps { self.time } else { 1 };
        steps + usize::from(has_cell_state)
    }
}

/// The input of a layer at each step.
#[derive(Clone, Copy)]
pub enum Input<'a, T> {
    /// Row `n · T + t` of a matrix.
    Vectors(MatrixView<'a, T>),
    /// Row `ids[n · T + t]` of a table.
    Ids(MatrixView<'a, T>, &'a [u32]),
}

/// The weights and the state of a layer.
#[derive(Clone, Copy)]
pub struct Layer<'a, T> {
    /// W, `[D, G · H]`.
    pub kernel: MatrixView<'a, T>,
    /// U, `[H, G · H]`.
    pub recurrent: MatrixView<'a, T>,
    /// The biases of all sums, `BLOCKS` blocks of H.
    pub bias: &'a [T],
    /// h before the first step, `[N, H]`.
    pub hidden: MatrixView<'a, T>,
    /// c before the first step, `[N, H]`.
    pub cell_state: Option<MatrixView<'a, T>>,
    /// 0 where a row's state is reset to zeros before a step, and 1 elsewhere, `[N, T]`; `None` if none is reset.
    pub keep_state: Option<&'a [T]>,
    /// How the factors of products are rounded.
    pub operands: Operands,
}

/// What the backward pass needs of the forward pass.
#[derive(Debug)]
pub struct ForwardCache<T: SimdFloat> {
    pub(super) shape: SequenceShape,
    /// x: T · N rows for vectors, one row per unique id for ids.
    pub(super) inputs: PaddedRows<T>,
    /// The unique ids and their positions.
    pub(super) ids: Option<UniqueIds>,
    /// What the cell saved, T · N rows.
    pub(super) sums: PaddedRows<T>,
    /// h before the first step and after each step, (T + 1) · N rows; zeros where it is reset.
    pub(super) hidden: PaddedRows<T>,
    /// The same for c.
    pub(super) cell_state: PaddedRows<T>,
    /// Where the state is reset.
    pub(super) resets: Option<Resets<T>>,
    pub(super) all_steps: bool,
    pub(super) division: Division,
}

/// Checks everything that the kernels rely on for unchecked memory access.
pub(super) fn check<T: SimdFloat, C: Cell<T>>(shape: SequenceShape, input: Input<T>, layer: Layer<T>) {
    let SequenceShape { batch, time, inputs, units } = shape;
    let empty = [batch, time, inputs, units].contains(&0);
    assert!(!empty, "{shape:?} must not be empty");
    let are_adjacent = |blocks: &[usize]| {
        let mut all = first_block(blocks)..first_block(blocks) + blocks.len();
        all.end <= C::BLOCKS && all.all(|block| blocks.contains(&block))
    };
    assert!(
        C::BLOCKS <= MAX_BLOCKS && first_block(C::INPUT) == 0 && are_adjacent(C::INPUT) && are_adjacent(C::RECURRENT)
    );
    let sizes = |view: MatrixView<T>| [view.rows, view.columns];
    match input {
        Input::Vectors(vectors) => assert_eq!(sizes(vectors), [batch * time, inputs], "x"),
        Input::Ids(table, ids) => {
            assert_eq!((table.columns, ids.len()), (inputs, batch * time), "table and ids");
            assert!(ids.iter().all(|&id| (id as usize) < table.rows), "an id is not in the table");
        }
    }
    assert_eq!(sizes(layer.kernel), [inputs, C::INPUT.len() * units], "W");
    assert_eq!(sizes(layer.recurrent), [units, C::RECURRENT.len() * units], "U");
    assert_eq!(layer.bias.len(), C::BLOCKS * units, "biases");
    assert_eq!(sizes(layer.hidden), [batch, units], "h");
    let expected = C::HAS_CELL_STATE.then_some([batch, units]);
    assert_eq!(layer.cell_state.map(sizes), expected, "c");
    assert!(layer.keep_state.is_none_or(|keep| keep.len() == batch * time), "resets");
}
