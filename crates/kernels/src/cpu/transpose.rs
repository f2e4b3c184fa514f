//! Copies a matrix into the order of its columns.

use std::mem::MaybeUninit;

use rayon::prelude::*;

use super::simd_float::SimdFloat;
use crate::profile::{self, Part};

/// Rows and columns of a block, and rows that a thread writes at a time. A block touches as few cache lines as it has
/// rows, however far apart they are.
const BLOCK: usize = 16;

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
    free.par_chunks_mut(BLOCK * rows.max(1)).enumerate().for_each(|(at, to)| {
        let _section = profile::section(Part::Copying);
        for from in (0..rows).step_by(BLOCK) {
            let block = from..(from + BLOCK).min(rows);
            for (column, to) in to.chunks_exact_mut(rows).enumerate() {
                let column = at * BLOCK + column;
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
