//! A matrix A with contiguous columns, copied once for several products.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::scratch::Scratch;
use super::simd_float::SimdFloat;
use super::view::MatrixView;
use crate::profile::{self, Part};

/// A matrix `[M, K]` in blocks of [`SimdFloat::PAD`] rows. Within a block the columns come one after another: a tile of a
/// product, which reads a few rows column by column, finds them in one cache line.
pub struct RowBlocks<T: SimdFloat> {
    values: Scratch<T>,
    rows: usize,
    columns: usize,
}

impl<T: SimdFloat> RowBlocks<T> {
    /// Copies `a`.
    #[inline(always)]
    pub fn new(a: MatrixView<T>) -> Self {
        let _section = profile::section(Part::Copying);
        let mut blocks = Self::empty(a);
        for (at, block) in blocks.parts().enumerate() {
            copy_block(block_of(a, at), block);
        }
        blocks
    }

    /// The same on all threads; for matrices that are not copied inside a parallel loop.
    pub fn new_parallel<S: Simd>(simd: S, a: MatrixView<T>) -> Self {
        let mut blocks = Self::empty(a);
        let parts: Vec<_> = blocks.parts().enumerate().collect();
        let _section = profile::section(Part::Waiting);
        parts.into_par_iter().for_each(|(at, block)| {
            simd.vectorize(CopyBlock(block_of(a, at), block));
        });
        blocks
    }

    fn empty(a: MatrixView<T>) -> Self {
        let len = a.rows.next_multiple_of(T::PAD) * a.columns;
        Self { values: Scratch::new(len), rows: a.rows, columns: a.columns }
    }

    /// The memory of each block.
    fn parts(&mut self) -> impl Iterator<Item = &mut [T]> {
        self.values.chunks_exact_mut((T::PAD * self.columns).max(1))
    }

    /// M.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The first row of each block, and the block.
    #[inline(always)]
    pub fn blocks(&self) -> impl Iterator<Item = (usize, MatrixView<'_, T>)> {
        (0..self.rows).step_by(T::PAD).map(|row| {
            let rows = (self.rows - row).min(T::PAD);
            (row, MatrixView::new(&self.values[row * self.columns..], [rows, self.columns], [1, T::PAD]))
        })
    }
}

/// The rows of `a` in block `at`.
#[inline(always)]
fn block_of<T: SimdFloat>(a: MatrixView<T>, at: usize) -> MatrixView<T> {
    a.rows(at * T::PAD..((at + 1) * T::PAD).min(a.rows))
}

struct CopyBlock<'a, T>(MatrixView<'a, T>, &'a mut [T]);

impl<T: SimdFloat> WithSimd for CopyBlock<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let _section = profile::section(Part::Copying);
        copy_block(self.0, self.1);
    }
}

/// Copies a few rows, column by column.
#[inline(always)]
fn copy_block<T: SimdFloat>(a: MatrixView<T>, block: &mut [T]) {
    for (column, values) in (0..a.columns).zip(block.chunks_exact_mut(T::PAD)) {
        let values = &mut values[..a.rows];
        if a.row_stride == 1 {
            // SAFETY: `a` has this column, which is contiguous and has one value per row.
            let from = unsafe { std::slice::from_raw_parts(a.transposed().row(column), a.rows) };
            values.copy_from_slice(from);
        } else {
            // SAFETY: `a` has this column and these rows.
            values.iter_mut().enumerate().for_each(|(row, value)| *value = unsafe { a.at(row, column) });
        }
    }
}
