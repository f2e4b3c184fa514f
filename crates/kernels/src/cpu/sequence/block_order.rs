//! Weights with their blocks in the order of the cell's sums.

use crate::cpu::rows::PaddedRows;
use crate::cpu::simd_float::SimdFloat;
use crate::cpu::view::MatrixView;

/// The lowest block in the list.
pub(super) fn first_block(blocks: &[usize]) -> usize {
    *blocks.iter().min().expect("a cell has weights")
}

/// Weights with their blocks in the order of the sums, each padded with zeros.
pub enum ReorderedWeights<'a, T: SimdFloat> {
    /// They were in this order already.
    Unchanged(MatrixView<'a, T>),
    /// A copy, with its number of rows.
    Copied(PaddedRows<T>, usize),
}

impl<T: SimdFloat> ReorderedWeights<'_, T> {
    /// The reordered weights.
    pub fn as_view(&self) -> MatrixView<'_, T> {
        match self {
            Self::Unchanged(view) => *view,
            Self::Copied(rows, count) => rows.view(0..*count, 0..rows.width),
        }
    }
}

/// `weights` with each block of `units` columns at its position in `blocks`, relative to the first of them.
pub fn reorder_blocks<'a, T: SimdFloat>(
    weights: MatrixView<'a, T>,
    units: usize,
    blocks: &[usize],
) -> ReorderedWeights<'a, T> {
    let width = units.next_multiple_of(T::PAD);
    if width == units && blocks.is_sorted() {
        return ReorderedWeights::Unchanged(weights);
    }
    let mut rows = PaddedRows::new(weights.rows, blocks.len() * width);
    for row in 0..weights.rows {
        let to = rows.row_mut(row);
        for (at, &block) in blocks.iter().enumerate() {
            let block = block - first_block(blocks);
            let from = weights.rows(row..row + 1).columns(at * units..(at + 1) * units);
            from.copy_padded_to(&mut to[block * width..(block + 1) * width]);
        }
    }
    ReorderedWeights::Copied(rows, weights.rows)
}
