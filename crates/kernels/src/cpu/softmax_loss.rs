//! The output layer with its loss: y = x W + b, −ln softmax(y) at the target, and the backward pass.
//!
//! The forward pass of training keeps y for the backward pass if it is not too large. Otherwise only one block of rows of
//! y is in memory at a time, and the backward pass computes y again, which costs less than the memory.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::bf16::Operands;
use super::matmul::{PackedMatrix, pack};
use super::row_blocks::RowBlocks;
use super::rows::{PaddedRows, SharedRows};
use super::scratch::Scratch;
use super::simd_float::SimdFloat;
use super::simd_level::SimdLevel;
use super::view::{MatrixPtr, MatrixView};
use super::weight_columns::WeightColumns;
use crate::profile::{self, Part};

/// The largest number of values of y that training keeps: 256 MiB in f32.
pub const KEPT: usize = 1 << 26;
/// Values in a block of a larger y: 8 MiB in f32. A block has at least one row.
const BLOCK: usize = 1 << 21;
/// Columns of y that a thread processes at a time: several panels of a [`PackedMatrix`].
const COLUMNS: usize = 192;
/// Rows of W that a thread processes at a time.
const UNITS: usize = 32;
/// Terms of a sum over V that are packed at a time.
const TERMS: usize = 512;

/// The inputs.
#[derive(Clone, Copy)]
pub struct Inputs<'a, T> {
    /// x, `[N, H]`.
    pub input: MatrixView<'a, T>,
    /// W, `[H, V]`.
    pub kernel: MatrixView<'a, T>,
    /// b, `[V]`.
    pub bias: &'a [T],
    /// The target of each row.
    pub targets: &'a [u32],
    /// How the factors of products are rounded.
    pub operands: Operands,
}

/// What the backward pass needs of the forward pass.
#[derive(Debug)]
pub struct ForwardCache<T: SimdFloat> {
    /// ln Σ exp(y) of each row.
    normalizers: Scratch<T>,
    /// y, if it was kept.
    logits: Option<PaddedRows<T>>,
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

/// −ln softmax(y) at the target of each row, `[N]`; y is kept for the backward pass if it has at most `kept` values.
///
/// # Panics
/// If sizes do not match, any of them is zero, or a target is not below V.
pub fn forward<T: SimdFloat>(level: SimdLevel, inputs: Inputs<T>, kept: usize) -> (Vec<T>, ForwardCache<T>) {
    inputs.check();
    let keeps = inputs.input.rows.saturating_mul(inputs.kernel.columns) <= kept;
    let (nats, _, cache) = level.run(RunForward { inputs, keeps, with_accuracy: false });
    (nats, cache)
}

/// The same losses, and for each row whether its target is the (first) maximum of y.
///
/// # Panics
/// As [`forward`].
pub fn with_accuracy<T: SimdFloat>(level: SimdLevel, inputs: Inputs<T>) -> (Vec<T>, Vec<bool>) {
    inputs.check();
    let (nats, correct, _) = level.run(RunForward { inputs, keeps: false, with_accuracy: true });
    (nats, correct)
}

/// The backward pass, from the gradient d of each row's loss: dy = d · (softmax(y) − onehot(target)), then through W.
///
/// # Panics
/// If the inputs differ from those of the forward pass, or there is not one gradient per row.
pub fn backward<T: SimdFloat>(
    level: SimdLevel,
    inputs: Inputs<T>,
    cache: ForwardCache<T>,
    gradient: &[T],
) -> Gradients<T> {
    inputs.check();
    let (rows, width) = (inputs.input.rows, inputs.kernel.columns.next_multiple_of(T::PAD));
    assert_eq!(cache.normalizers.len(), rows, "the cache must be from the same rows");
    let fits = |y: &PaddedRows<T>| (y.count(), y.width) == (rows, width);
    assert!(cache.logits.as_ref().is_none_or(fits), "the cache must be from the same W");
    assert_eq!(gradient.len(), rows, "there must be one gradient per row");
    level.run(RunBackward { inputs, cache, gradient })
}

impl<T: SimdFloat> Inputs<'_, T> {
    /// Checks everything that the kernels rely on for unchecked memory access.
    fn check(&self) {
        let Self { input, kernel, bias, targets, .. } = self;
        let sizes = [input.rows, kernel.rows, kernel.columns];
        assert!(sizes.iter().all(|&size| size > 0), "N, H and V are {sizes:?}; none may be 0");
        assert_eq!(input.columns, kernel.rows, "W must have one row per input");
        assert_eq!(bias.len(), kernel.columns, "W and b must have the same number of columns");
        assert_eq!(targets.len(), input.rows, "there must be one target per row");
        let known = targets.iter().all(|&target| (target as usize) < kernel.columns);
        assert!(known, "a target must be below {}", kernel.columns);
    }

    /// The rows of each block of y: all rows if it is kept.
    fn blocks(&self, is_kept: bool) -> impl Iterator<Item = Range<usize>> + use<T> {
        let rows = self.input.rows;
        let count = if is_kept { 1 } else { (rows * self.kernel.columns).div_ceil(BLOCK).min(rows) };
        (0..count).map(move |at| at * rows / count..(at + 1) * rows / count)
    }

    /// y of the rows in `block`; writes ln Σ exp(y) of each to `normalizers`.
    fn logits<S: Simd>(&self, simd: S, block: Range<usize>, normalizers: &mut [T]) -> PaddedRows<T> {
        let mut logits = PaddedRows::new(block.len(), self.kernel.columns);
        let shared = logits.shared();
        let x = self.input.rows(block);
        let _section = profile::section(Part::Waiting);
        columns(self.kernel.columns).into_par_iter().for_each(|columns| {
            let (w, b) = (self.kernel.columns(columns.clone()), &self.bias[columns.clone()]);
            simd.vectorize(Dense { operands: self.operands, x, w, b, y: shared, columns });
        });
        let columns = self.kernel.columns;
        normalizers.par_iter_mut().enumerate().for_each(|(row, normalizer)| {
            let _section = profile::section(Part::ElementWise);
            // SAFETY: each row belongs to one task, and all columns have been written.
            let row = unsafe { &shared.row(row)[..columns] };
            *normalizer = simd.vectorize(LogSumExp(row));
        });
        logits
    }
}

fn columns(count: usize) -> Vec<Range<usize>> {
    (0..count).step_by(COLUMNS).map(|from| from..(from + COLUMNS).min(count)).collect()
}

struct RunForward<'a, T> {
    inputs: Inputs<'a, T>,
    /// Whether y is kept for the backward pass.
    keeps: bool,
    with_accuracy: bool,
}

impl<T: SimdFloat> WithSimd for RunForward<'_, T> {
    /// The losses; if wanted, whether the target of each row is the maximum; and what the backward pass needs.
    type Output = (Vec<T>, Vec<bool>, ForwardCache<T>);

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
        let _section = profile::section(Part::ElementWise);
        let Self { inputs, keeps, with_accuracy } = self;
        let rows = inputs.input.rows;
        let mut normalizers = Scratch::new(rows);
        let mut nats = Vec::with_capacity(rows);
        let mut correct = Vec::new();
        let mut saved = None;
        for block in inputs.blocks(keeps) {
            let normalizers = &mut normalizers[block.clone()];
            let logits = inputs.logits(simd, block.clone(), normalizers);
            let row_of = |row: usize| &logits.row(row - block.start)[..inputs.kernel.columns];
            let target_of = |row: usize| inputs.targets[row] as usize;
            nats.extend(
                block
                    .clone()
                    .zip(&*normalizers)
                    .map(|(row, &normalizer)| T::from_f64(normalizer.to_f64() - row_of(row)[target_of(row)].to_f64())),
            );
            if with_accuracy {
                correct.par_extend(block.clone().into_par_iter().map(|row| is_maximum(row_of(row), target_of(row))));
            }
            saved = keeps.then_some(logits);
        }
        (nats, correct, ForwardCache { normalizers, logits: saved })
    }
}

/// Whether the value at `index` is the first maximum.
fn is_maximum<T: SimdFloat>(values: &[T], index: usize) -> bool {
    let (before, after) = values.split_at(index);
    let value = values[index];
    before.iter().all(|&other| other < value) && after.iter().all(|&other| other <= value)
}

struct RunBackward<'a, T: SimdFloat> {
    inputs: Inputs<'a, T>,
    cache: ForwardCache<T>,
    gradient: &'a [T],
}

impl<T: SimdFloat> WithSimd for RunBackward<'_, T> {
    type Output = Gradients<T>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Gradients<T> {
        let _section = profile::section(Part::Copying);
        let Self { inputs, cache: ForwardCache { mut normalizers, mut logits }, gradient } = self;
        let Inputs { input: x, kernel: w, targets, operands, .. } = inputs;
        let (units, vocabulary) = (w.rows, w.columns);
        let mut input = vec![T::default(); x.rows * units];
        let mut kernel = Vec::with_capacity(units * vocabulary);
        let mut bias = vec![T::default(); vocabulary];
        // SAFETY: each task writes its own columns, and nothing reads them before all are written.
        let (dw, db) =
            unsafe { (MatrixPtr::new(kernel.as_mut_ptr(), vocabulary), MatrixPtr::new(bias.as_mut_ptr(), 0)) };
        for block in inputs.blocks(logits.is_some()) {
            let normalizers = &mut normalizers[block.clone()];
            let mut dy = logits.take().unwrap_or_else(|| inputs.logits(simd, block.clone(), normalizers));
            let shared = dy.shared();
            let waiting = profile::section(Part::Waiting);
            normalizers.par_iter().enumerate().for_each(|(at, &normalizer)| {
                let _section = profile::section(Part::ElementWise);
                // SAFETY: each row belongs to one task.
                let y = unsafe { &mut shared.row(at)[..vocabulary] };
                let gradient = gradient[block.start + at];
                simd.vectorize(ScaledSoftmax { y, normalizer, gradient });
                y[targets[block.start + at] as usize] += T::from_f64(-gradient.to_f64());
            });
            let first = block.start == 0;
            let dy = dy.view(0..block.len(), 0..vocabulary);
            let x = RowBlocks::new_parallel(simd, x.rows(block.clone()).transposed());
            columns(vocabulary).into_par_iter().for_each(|columns| {
                let (dw, db) = (dw.offset(0, columns.start), db.offset(0, columns.start));
                let dy = dy.columns(columns);
                simd.vectorize(WeightColumns { operands, x: &x, dy, dw, db, first });
            });
            waiting.end();
            input_gradient(simd, operands, dy, w, &mut input[block.start * units..block.end * units]);
        }
        // SAFETY: together the tasks of the first block have written all columns, and N > 0, so there is a block.
        unsafe { kernel.set_len(units * vocabulary) };
        Gradients { input, kernel, bias }
    }
}

/// dx = dy Wᵀ, computed as W dyᵀ: this way W, the larger matrix, is read in memory order.
#[inline(always)]
fn input_gradient<T: SimdFloat, S: Simd>(
    simd: S,
    operands: Operands,
    dy: MatrixView<T>,
    kernel: MatrixView<T>,
    dx: &mut [T],
) {
    let (units, rows) = (kernel.rows, dy.rows);
    let mut transposed = PaddedRows::new(units, rows);
    let shared = transposed.shared();
    let parts: Vec<Range<usize>> =
        (0..dy.columns).step_by(TERMS).map(|from| from..(from + TERMS).min(dy.columns)).collect();
    let waiting = profile::section(Part::Waiting);
    let packed = |part: Range<usize>| (pack(simd, operands, dy.columns(part.clone()).transposed()), part);
    let parts: Vec<(PackedMatrix<T>, Range<usize>)> = parts.into_par_iter().map(packed).collect();
    (0..units.div_ceil(UNITS)).into_par_iter().for_each(|at| {
        let units = at * UNITS..((at + 1) * UNITS).min(units);
        let (row, kernel) = (units.start, kernel.rows(units));
        simd.vectorize(InputRows { parts: &parts, kernel, out: shared, row });
    });
    waiting.end();
    let columns = transposed.view(0..units, 0..rows).transposed();
    let _waiting = profile::section(Part::Waiting);
    dx.par_chunks_exact_mut(units).enumerate().with_min_len(16).for_each(|(row, dx)| {
        let _section = profile::section(Part::Copying);
        columns.rows(row..row + 1).copy_to(dx);
    });
}

/// Some rows of W dyᵀ.
struct InputRows<'a, T: SimdFloat> {
    parts: &'a [(PackedMatrix<T>, Range<usize>)],
    kernel: MatrixView<'a, T>,
    out: SharedRows<'a, T>,
    row: usize,
}

impl<T: SimdFloat> WithSimd for InputRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for (at, (packed, part)) in self.parts.iter().enumerate() {
            // SAFETY: these rows belong to this task and are as wide as the product; the other parts add to what the
            // first one has written.
            unsafe {
                let out = self.out.ptr(self.row, 0);
                packed.multiply(simd, self.kernel.columns(part.clone()), out, at > 0);
            }
        }
    }
}

/// Some columns of y = x W + b.
struct Dense<'a, T> {
    operands: Operands,
    x: MatrixView<'a, T>,
    w: MatrixView<'a, T>,
    b: &'a [T],
    y: SharedRows<'a, T>,
    columns: Range<usize>,
}

impl<T: SimdFloat> WithSimd for Dense<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let _section = profile::section(Part::Copying);
        let Self { operands, x, w, b, y, columns } = self;
        let packed = PackedMatrix::new(simd, operands, w);
        let mut bias = Scratch::zeros(packed.columns());
        bias[..b.len()].copy_from_slice(b);
        // SAFETY: these columns belong to this task, and so does the padding after the last one: rows of y have the
        // same padding.
        unsafe { packed.multiply_biased(simd, x, y.ptr(0, columns.start), &bias) };
    }
}

/// ln Σ exp(y) of a row.
struct LogSumExp<'a, T>(&'a [T]);

impl<T: SimdFloat> WithSimd for LogSumExp<'_, T> {
    type Output = T;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> T {
        let (vectors, rest) = T::vectors::<S>(self.0);
        let mut max = T::splat(simd, T::from_f64(f64::NEG_INFINITY));
        for &y in vectors {
            max = T::max(simd, max, y);
        }
        let max = T::reduce_max(simd, max);
        let max = rest.iter().fold(max, |max, &y| if y > max { y } else { max });
        let shift = T::splat(simd, max);
        let mut sums = T::splat(simd, T::default());
        for &y in vectors {
            sums = T::add(simd, sums, T::exp(simd, T::sub(simd, y, shift)));
        }
        let rest: f64 = rest.iter().map(|y| (y.to_f64() - max.to_f64()).exp()).sum();
        T::from_f64((T::reduce_sum(simd, sums).to_f64() + rest).ln() + max.to_f64())
    }
}

/// Overwrites y with d · softmax(y), and 0 where that is negligible.
struct ScaledSoftmax<'a, T> {
    y: &'a mut [T],
    normalizer: T,
    gradient: T,
}

impl<T: SimdFloat> WithSimd for ScaledSoftmax<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { y, normalizer, gradient } = self;
        let (vectors, rest) = T::vectors_mut::<S>(y);
        let (shift, scale) = (T::splat(simd, normalizer), T::splat(simd, gradient));
        let negligible = T::splat(simd, T::NEGLIGIBLE);
        for y in vectors {
            let dy = T::mul(simd, scale, T::exp(simd, T::sub(simd, *y, shift)));
            *y = T::zero_below(simd, negligible, dy);
        }
        for y in rest {
            let dy = gradient.to_f64() * (y.to_f64() - normalizer.to_f64()).exp();
            *y = T::from_f64(if dy.abs() < T::NEGLIGIBLE.to_f64() { 0.0 } else { dy });
        }
    }
}
