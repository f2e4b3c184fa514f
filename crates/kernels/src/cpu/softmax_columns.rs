//! The backward pass of the output layer for many rows and a large vocabulary, some columns of dy at a time.
//!
//! dy is then larger than the caches. A task computes some columns of it and all that follows from them, so that y is read
//! from memory once and dy is never written there.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::bf16::Operands;
use super::matmul::PackedMatrix;
use super::row_blocks::RowBlocks;
use super::rows::PaddedRows;
use super::simd_float::SimdFloat;
use super::softmax_loss::{COLUMNS, ScaledSoftmax, columns};
use super::view::{MatrixPtr, MatrixView};
use super::weight_columns::WeightColumns;
use crate::profile::{self, Part};

/// Values of y from which on it does not fit into the caches: 4 MiB in f32.
const LARGE: usize = 1 << 20;
/// Columns from which on each of several threads has enough of them.
const MANY_COLUMNS: usize = 2048;
/// Columns of dy that a task computes at a time.
const PART: usize = 2 * COLUMNS;
/// The most tasks, and terms of dx. It does not depend on the number of threads, so that the order of the sum does not either.
const TASKS: usize = 16;

/// Some rows of all matrices.
pub(super) struct Block<'a, T: SimdFloat> {
    pub operands: Operands,
    /// x.
    pub x: MatrixView<'a, T>,
    /// W, all of it.
    pub w: MatrixView<'a, T>,
    /// y.
    pub y: &'a PaddedRows<T>,
    /// ln Σ exp(y) of each row.
    pub normalizers: &'a [T],
    /// The target of each row.
    pub targets: &'a [u32],
    /// The gradient of the loss of each row.
    pub gradient: &'a [T],
    /// Whether dW is written, not added to.
    pub first: bool,
}

/// Whether rows of y are computed by columns.
pub(super) fn is_by_columns(rows: usize, columns: usize) -> bool {
    columns >= MANY_COLUMNS && rows.saturating_mul(columns) >= LARGE
}

impl<T: SimdFloat> Block<'_, T> {
    /// Writes dx to the rows `dx`, and the gradients of the weights to `dw` and `db`, which started as zeros.
    ///
    /// # Safety
    /// `dw` and `db` have a column for each of y, and may be written; unless `first`, `dw` is initialized.
    pub unsafe fn backward<S: Simd>(&self, simd: S, dw: MatrixPtr<T>, db: MatrixPtr<T>, dx: &mut [T]) {
        let units = self.w.rows;
        let parts: Vec<Range<usize>> = columns(self.w.columns, PART);
        let x = RowBlocks::new_parallel(simd, self.x.transposed());
        let _section = profile::section(Part::Waiting);
        let tasks = parts.par_chunks(parts.len().div_ceil(TASKS));
        let sums: Vec<PaddedRows<T>> =
            tasks.map(|parts| simd.vectorize(Task { block: self, parts, x: &x, dw, db })).collect();
        let (first, others) = sums.split_first().expect("there are columns");
        dx.par_chunks_exact_mut(units).enumerate().with_min_len(16).for_each(|(row, dx)| {
            let _section = profile::section(Part::ElementWise);
            dx.copy_from_slice(&first.row(row)[..units]);
            for other in others {
                dx.iter_mut().zip(other.row(row)).for_each(|(sum, &value)| *sum += value);
            }
        });
    }

    /// Writes these columns of dy = d · (softmax(y) − onehot(target)).
    #[inline(always)]
    fn gradients<S: Simd>(&self, simd: S, columns: Range<usize>, dy: &mut PaddedRows<T>) {
        let _section = profile::section(Part::ElementWise);
        for (row, &normalizer) in self.normalizers.iter().enumerate() {
            let to = &mut dy.row_mut(row)[..columns.len()];
            to.copy_from_slice(&self.y.row(row)[columns.clone()]);
            let gradient = self.gradient[row];
            ScaledSoftmax { y: &mut *to, normalizer, gradient }.with_simd(simd);
            let target = self.targets[row] as usize;
            if columns.contains(&target) {
                to[target - columns.start] += T::from_f64(-gradient.to_f64());
            }
        }
    }
}

/// Some columns, one part after another.
struct Task<'a, T: SimdFloat> {
    block: &'a Block<'a, T>,
    parts: &'a [Range<usize>],
    /// xᵀ.
    x: &'a RowBlocks<T>,
    dw: MatrixPtr<T>,
    db: MatrixPtr<T>,
}

impl<T: SimdFloat> WithSimd for Task<'_, T> {
    /// What these columns add to dx.
    type Output = PaddedRows<T>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> PaddedRows<T> {
        let Self { block, parts, x, dw, db } = self;
        let (rows, w, operands) = (block.x.rows, block.w, block.operands);
        let mut dx = PaddedRows::new(rows, w.rows);
        let mut dy = PaddedRows::new(rows, PART);
        for (at, part) in parts.iter().enumerate() {
            block.gradients(simd, part.clone(), &mut dy);
            let dy = dy.all(part.len());
            for columns in columns(part.len(), COLUMNS) {
                let start = part.start + columns.start;
                let (dw, db, dy) = (dw.offset(0, start), db.offset(0, start), dy.columns(columns));
                WeightColumns { operands, x, dy, dw, db, first: block.first }.with_simd(simd);
            }
            let transposed = PackedMatrix::new(simd, operands, w.columns(part.clone()).transposed());
            // SAFETY: `dx` has as many rows as dy and is as wide as the product; the other parts add to what the first one has
            // written.
            unsafe { transposed.multiply(simd, dy, dx.shared().ptr(0, 0), at > 0) };
        }
        dx
    }
}
