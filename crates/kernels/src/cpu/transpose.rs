//! Copies a matrix into the order of its columns.

use std::mem::MaybeUninit;

use rayon::prelude::*;

use super::simd_float::SimdFloat;
use crate::profile::{self, Part};

/// Rows of a block: a cache line of its copy.
const ROWS: usize = 16;
/// Columns of a block, which a thread copies at a time: a few cache lines of each row. A block stays in the fastest cache,
/// however far apart its rows are.
const COLUMNS: usize = 64;

/// The transposed matrix of a row-major one with `columns` columns, row-major too.
///
/// # Panics
/// If there are no columns, or the last row is incomplete.
pub fn transposed<T: SimdFloat>(values: &[T], columns: usize) -> Vec<T> {
    assert!(columns > 0 && values.len().is_multiple_of(columns), "{} values in {columns} columns", values.len());
    let rows = values.len() / columns;
    let mut output = Vec::with_capacity(values.len());
    let free: &mut [MaybeUninit<T>] = &mut output.spare_capacity_mut()[..values.len()];
    let waiting = profile::section(Part::Waiting);
    free.par_chunks_mut(COLUMNS * rows.max(1)).enumerate().for_each(|(at, to)| {
        let _section = profile::section(Part::Copying);
        for from in (0..rows).step_by(ROWS) {
            let block = from..(from + ROWS).min(rows);
            for (column, to) in to.chunks_exact_mut(rows).enumerate() {
                let column = at * COLUMNS + column;
                for (row, to) in block.clone().zip(&mut to[block.clone()]) {
                    to.write(values[row * columns + column]);
                }
            }
        }
    });
    waiting.end();
    // SAFETY: each value of the output has been written: its column is in one of the chunks, its row in one of the
    // blocks.
    unsafe { output.set_len(values.len()) };
    output
}
