//! y = x W + b for many rows, and its backward pass.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::bf16::Operands;
use super::matmul::PackedMatrix;
use super::row_blocks::RowBlocks;
use super::rows::PaddedRows;
use super::simd_float::SimdFloat;
use super::simd_level::SimdLevel;
use super::view::{MatrixPtr, MatrixView};
use super::weight_columns::WeightColumns;
use crate::profile::{self, Part};

/// Rows that a thread copies at a time.
const ROWS: usize = 32;

/// The inputs.
#[derive(Clone, Copy)]
pub struct Inputs<'a, T> {
    /// x, `[N, D]`.
    pub input: MatrixView<'a, T>,
    /// W, `[D, P]`.
    pub kernel: MatrixView<'a, T>,
    /// b, `[P]`.
    pub bias: &'a [T],
    /// How the factors of products are rounded.
    pub operands: Operands,
}

/// The gradients of all inputs.
pub struct Gradients<T> {
    /// Of x.
    pub input: Vec<T>,
    /// Of W.
    pub kernel: Vec<T>,
    /// Of b.
    pub bias: Vec<T>,
}

/// y, `[N, P]`.
///
/// # Panics
/// If sizes do not match, or any of them is zero.
pub fn forward<T: SimdFloat>(level: SimdLevel, inputs: Inputs<T>) -> Vec<T> {
    inputs.check();
    level.run(RunForward(inputs))
}

/// The backward pass, from dy `[N, P]`.
///
/// # Panics
/// If sizes do not match, or any of them is zero.
pub fn backward<T: SimdFloat>(level: SimdLevel, inputs: Inputs<T>, gradient: MatrixView<T>) -> Gradients<T> {
    inputs.check();
    let sizes = [inputs.input.rows, inputs.kernel.columns];
    assert_eq!([gradient.rows, gradient.columns], sizes, "there must be one gradient per output");
    level.run(RunBackward { inputs, gradient })
}

impl<T: SimdFloat> Inputs<'_, T> {
    /// Checks everything that the kernels rely on for unchecked memory access.
    fn check(&self) {
        let Self { input, kernel, bias, .. } = self;
        let sizes = [input.rows, kernel.rows, kernel.columns];
        assert!(sizes.iter().all(|&size| size > 0), "N, D and P are {sizes:?}; none may be 0");
        assert_eq!(input.columns, kernel.rows, "W must have one row per input");
        assert_eq!(bias.len(), kernel.columns, "W and b must have the same number of columns");
    }
}

struct RunForward<'a, T>(Inputs<'a, T>);

impl<T: SimdFloat> WithSimd for RunForward<'_, T> {
    type Output = Vec<T>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<T> {
        let Inputs { input, kernel, bias, operands } = self.0;
        product(simd, operands, input, kernel, Some(bias))
    }
}

struct RunBackward<'a, T> {
    inputs: Inputs<'a, T>,
    gradient: MatrixView<'a, T>,
}

impl<T: SimdFloat> WithSimd for RunBackward<'_, T> {
    type Output = Gradients<T>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Gradients<T> {
        let Self { inputs: Inputs { input: x, kernel: w, bias, operands }, gradient: dy } = self;
        let _section = profile::section(Part::Copying);
        let input = product(simd, operands, dy, w.transposed(), None);
        let mut kernel = Vec::with_capacity(w.rows * w.columns);
        let mut bias = vec![T::default(); bias.len()];
        // SAFETY: each task writes its own columns, and nothing reads them before all are written.
        let (dw, db) =
            unsafe { (MatrixPtr::new(kernel.as_mut_ptr(), w.columns), MatrixPtr::new(bias.as_mut_ptr(), 0)) };
        let x = RowBlocks::new_parallel(simd, x.transposed());
        let waiting = profile::section(Part::Waiting);
        columns(w.columns, T::PAD).into_par_iter().for_each(|columns| {
            let (dw, db) = (dw.offset(0, columns.start), db.offset(0, columns.start));
            let (x, dy) = (&x, dy.columns(columns));
            simd.vectorize(WeightColumns { operands, x, dy, dw, db, first: true });
        });
        waiting.end();
        // SAFETY: together the tasks have written all columns.
        unsafe { kernel.set_len(w.rows * w.columns) };
        Gradients { input, kernel, bias }
    }
}

/// The columns of each task: two tasks or more for each thread, unless there are few columns.
fn columns(count: usize, pad: usize) -> Vec<Range<usize>> {
    let width = count.div_ceil(2 * rayon::current_num_threads()).next_multiple_of(pad).clamp(2 * pad, 12 * pad);
    (0..count).step_by(width).map(|from| from..(from + width).min(count)).collect()
}

/// A B, row-major, plus `bias` in each row.
#[inline(always)]
fn product<T: SimdFloat, S: Simd>(
    simd: S,
    operands: Operands,
    a: MatrixView<T>,
    b: MatrixView<T>,
    bias: Option<&[T]>,
) -> Vec<T> {
    let _section = profile::section(Part::Copying);
    let packed = PackedMatrix::new_parallel(simd, operands, b);
    let mut rows = PaddedRows::new(a.rows, b.columns);
    packed.multiply_parallel(simd, a, &mut rows);
    let mut output = vec![T::default(); a.rows * b.columns];
    let _waiting = profile::section(Part::Waiting);
    output.par_chunks_mut(ROWS * b.columns).enumerate().for_each(|(at, to)| {
        let _section = profile::section(Part::Copying);
        for (row, to) in to.chunks_exact_mut(b.columns).enumerate() {
            to.copy_from_slice(&rows.row(at * ROWS + row)[..b.columns]);
            if let Some(bias) = bias {
                to.iter_mut().zip(bias).for_each(|(value, &bias)| *value += bias);
            }
        }
    });
    output
}
