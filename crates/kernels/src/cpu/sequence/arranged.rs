//! Weights with their blocks where the sums have them.

use super::fill;
use crate::cpu::number::Number;
use crate::cpu::shape::Rows;
use crate::cpu::view::View;

/// The first of the blocks, wherever it stands in the list.
pub(super) fn first(blocks: &[usize]) -> usize {
    *blocks.iter().min().expect("a cell has weights")
}

/// Weights with their blocks where the sums have them, each filled up with zeros.
pub enum Arranged<'a, T: Number> {
    /// They stood so already.
    AsTheyAre(View<'a, T>),
    /// Copied into rows, so many.
    Copied(Rows<T>, usize),
}

impl<T: Number> Arranged<'_, T> {
    /// The weights as they stand now.
    pub fn as_view(&self) -> View<'_, T> {
        match self {
            Self::AsTheyAre(view) => *view,
            Self::Copied(rows, count) => rows.view(0..*count, 0..rows.width),
        }
    }
}

/// `weights` with each block of `units` columns at its place in `blocks`, counted from the first of them.
pub fn arranged<'a, T: Number>(
    weights: View<'a, T>,
    units: usize,
    blocks: &[usize],
) -> Arranged<'a, T> {
    let width = units.next_multiple_of(T::PAD);
    if width == units && blocks.is_sorted() {
        return Arranged::AsTheyAre(weights);
    }
    let mut rows = Rows::new(weights.rows, blocks.len() * width);
    for row in 0..weights.rows {
        let to = rows.row_mut(row);
        for (at, &block) in blocks.iter().enumerate() {
            let block = block - first(blocks);
            let from = weights.rows(row..row + 1).columns(at * units..(at + 1) * units);
            fill(&mut to[block * width..(block + 1) * width], from);
        }
    }
    Arranged::Copied(rows, weights.rows)
}
