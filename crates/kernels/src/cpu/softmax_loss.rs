//! The output layer and its loss in one: y = x W + b, −ln softmax(y) at the target, and the way back.
//!
//! Never more than one block of rows of y is held. Where all rows are one block, it is kept for the
//! way back; else its rows are computed a second time, which is cheaper than the memory.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::number::Number;
use super::processor::Processor;
use super::product::{Packed, pack};
use super::scratch::Scratch;
use super::shape::{Rows, Shared};
use super::view::{Target, View};

/// Numbers in a block of y, 8 MiB of f32; but a row at least.
const BLOCK: usize = 1 << 21;
/// Columns of y that a thread takes at a time: some panels.
const COLUMNS: usize = 192;
/// Rows of W that a thread takes at a time.
const UNITS: usize = 32;
/// Terms of a sum over V that are packed at a time.
const TERMS: usize = 512;

/// What goes in.
#[derive(Clone, Copy)]
pub struct Inputs<'a, T> {
    /// x, `[N, H]`.
    pub input: View<'a, T>,
    /// W, `[H, V]`.
    pub kernel: View<'a, T>,
    /// b, `[V]`.
    pub bias: &'a [T],
    /// The target of each row.
    pub targets: &'a [u32],
}

/// What the way back needs of the way there.
#[derive(Debug)]
pub struct Tape<T: Number> {
    /// ln Σ exp(y), by row.
    normalizers: Scratch<T>,
    /// y, if all rows are one block.
    logits: Option<Rows<T>>,
}

/// The gradients of all that went in.
pub struct Gradients<T> {
    /// Of x.
    pub input: Vec<T>,
    /// Of W.
    pub kernel: Vec<T>,
    /// Of b.
    pub bias: Vec<T>,
}

/// −ln softmax(y) at the target of each row, `[N]`.
///
/// # Panics
/// If sizes do not fit together, any of them is zero, or a target is not below V.
pub fn forward<T: Number>(processor: Processor, inputs: Inputs<T>) -> (Vec<T>, Tape<T>) {
    inputs.check();
    let (nats, _, tape) = processor.run(There(inputs));
    (nats, tape)
}

/// The same losses, and for each row whether its target is the first of the likeliest.
///
/// # Panics
/// As [`forward`].
pub fn guesses<T: Number>(processor: Processor, inputs: Inputs<T>) -> (Vec<T>, Vec<bool>) {
    inputs.check();
    let (nats, hits, _) = processor.run(There(inputs));
    (nats, hits)
}

/// From the gradient of each row's loss: dy = d · (softmax(y) − the target's one), and so on through W.
///
/// # Panics
/// If the inputs are not those of the way there, or there is not a gradient for each row.
pub fn backward<T: Number>(
    processor: Processor,
    inputs: Inputs<T>,
    tape: Tape<T>,
    gradient: &[T],
) -> Gradients<T> {
    inputs.check();
    let (rows, width) = (inputs.input.rows, inputs.kernel.columns.next_multiple_of(T::PAD));
    assert_eq!(tape.normalizers.len(), rows, "the tape must be that of the same rows");
    let fits = |y: &Rows<T>| (y.count(), y.width) == (rows, width);
    assert!(tape.logits.as_ref().is_none_or(fits), "the tape must be that of the same W");
    assert_eq!(gradient.len(), rows, "there must be a gradient for every row");
    processor.run(Back { inputs, tape, gradient })
}

impl<T: Number> Inputs<'_, T> {
    /// All that the kernels rely on where they write without looking.
    fn check(&self) {
        let Self { input, kernel, bias, targets } = self;
        let sizes = [input.rows, kernel.rows, kernel.columns];
        assert!(sizes.iter().all(|&size| size > 0), "N, H and V are {sizes:?}; none may be 0");
        assert_eq!(input.columns, kernel.rows, "W must have a row for every input");
        assert_eq!(bias.len(), kernel.columns, "W and b must have as many columns");
        assert_eq!(targets.len(), input.rows, "there must be a target for every row");
        let known = targets.iter().all(|&target| (target as usize) < kernel.columns);
        assert!(known, "a target must be below {}", kernel.columns);
    }

    fn blocks(&self) -> impl Iterator<Item = Range<usize>> + use<T> {
        let rows = self.input.rows;
        let count = (rows * self.kernel.columns).div_ceil(BLOCK).min(rows);
        (0..count).map(move |at| at * rows / count..(at + 1) * rows / count)
    }

    /// y of the rows of `block`, and ln Σ exp(y) of each into `normalizers`.
    fn logits<S: Simd>(&self, simd: S, block: Range<usize>, normalizers: &mut [T]) -> Rows<T> {
        let mut logits = Rows::new(block.len(), self.kernel.columns);
        let shared = logits.shared();
        let x = self.input.rows(block);
        columns(self.kernel.columns).into_par_iter().for_each(|columns| {
            let (w, b) = (self.kernel.columns(columns.clone()), &self.bias[columns.clone()]);
            simd.vectorize(Dense { x, w, b, y: shared, columns });
        });
        let columns = self.kernel.columns;
        normalizers.par_iter_mut().enumerate().for_each(|(row, normalizer)| {
            // SAFETY: each row is one task's alone, and nobody writes to columns any more.
            let row = unsafe { &shared.row(row)[..columns] };
            *normalizer = simd.vectorize(LogSumExp(row));
        });
        logits
    }
}

fn columns(count: usize) -> Vec<Range<usize>> {
    (0..count).step_by(COLUMNS).map(|from| from..(from + COLUMNS).min(count)).collect()
}

struct There<'a, T>(Inputs<'a, T>);

impl<T: Number> WithSimd for There<'_, T> {
    type Output = (Vec<T>, Vec<bool>, Tape<T>);

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
        let Self(inputs) = self;
        let rows = inputs.input.rows;
        let mut normalizers = Scratch::new(rows);
        let mut nats = Vec::with_capacity(rows);
        let mut hits = Vec::with_capacity(rows);
        let mut kept = None;
        for block in inputs.blocks() {
            let normalizers = &mut normalizers[block.clone()];
            let logits = inputs.logits(simd, block.clone(), normalizers);
            for (at, (row, &normalizer)) in block.clone().zip(&*normalizers).enumerate() {
                let target = inputs.targets[row] as usize;
                let logits = &logits.row(at)[..inputs.kernel.columns];
                nats.push(T::of(normalizer.wide() - logits[target].wide()));
                let (before, after) = logits.split_at(target);
                let top = logits[target];
                hits.push(before.iter().all(|&y| y < top) && after.iter().all(|&y| y <= top));
            }
            kept = (block.len() == rows).then_some(logits);
        }
        (nats, hits, Tape { normalizers, logits: kept })
    }
}

struct Back<'a, T: Number> {
    inputs: Inputs<'a, T>,
    tape: Tape<T>,
    gradient: &'a [T],
}

impl<T: Number> WithSimd for Back<'_, T> {
    type Output = Gradients<T>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Gradients<T> {
        let Self { inputs, tape: Tape { mut normalizers, mut logits }, gradient } = self;
        let Inputs { input: x, kernel: w, targets, .. } = inputs;
        let (units, vocabulary) = (w.rows, w.columns);
        let mut input = vec![T::default(); x.rows * units];
        let mut kernel = Vec::with_capacity(units * vocabulary);
        let mut bias = vec![T::default(); vocabulary];
        // SAFETY: each task writes to columns of its own, and nobody reads them before all have.
        let (dw, db) = unsafe {
            (Target::new(kernel.as_mut_ptr(), vocabulary), Target::new(bias.as_mut_ptr(), 0))
        };
        for block in inputs.blocks() {
            let normalizers = &mut normalizers[block.clone()];
            let mut dy =
                logits.take().unwrap_or_else(|| inputs.logits(simd, block.clone(), normalizers));
            let shared = dy.shared();
            normalizers.par_iter().enumerate().for_each(|(at, &normalizer)| {
                // SAFETY: each row is one task's alone.
                let y = unsafe { &mut shared.row(at)[..vocabulary] };
                let gradient = gradient[block.start + at];
                simd.vectorize(Differentiate { y, normalizer, gradient });
                y[targets[block.start + at] as usize] += T::of(-gradient.wide());
            });
            let first = block.start == 0;
            let (dy, x) = (dy.view(0..block.len(), 0..vocabulary), x.rows(block.clone()));
            columns(vocabulary).into_par_iter().for_each(|columns| {
                let (dw, db) = (dw.from(0, columns.start), db.from(0, columns.start));
                let dy = dy.columns(columns);
                simd.vectorize(Weights { x: x.transposed(), dy, dw, db, first });
            });
            through(simd, dy, w, &mut input[block.start * units..block.end * units]);
        }
        // SAFETY: the first block's tasks together have written all columns, and there is a block: N > 0.
        unsafe { kernel.set_len(units * vocabulary) };
        Gradients { input, kernel, bias }
    }
}

/// dx = dy Wᵀ, computed as W dyᵀ: W is the large one, and this way it is read as it lies.
#[inline(always)]
fn through<T: Number, S: Simd>(simd: S, dy: View<T>, kernel: View<T>, dx: &mut [T]) {
    let (units, rows) = (kernel.rows, dy.rows);
    let mut transposed = Rows::new(units, rows);
    let shared = transposed.shared();
    let parts: Vec<Range<usize>> =
        (0..dy.columns).step_by(TERMS).map(|from| from..(from + TERMS).min(dy.columns)).collect();
    let parts: Vec<(Packed<T>, Range<usize>)> = parts
        .into_par_iter()
        .map(|part| (pack(simd, dy.columns(part.clone()).transposed()), part))
        .collect();
    (0..units.div_ceil(UNITS)).into_par_iter().for_each(|at| {
        let units = at * UNITS..((at + 1) * UNITS).min(units);
        let (row, kernel) = (units.start, kernel.rows(units));
        simd.vectorize(Through { parts: &parts, kernel, out: shared, row });
    });
    let columns = transposed.view(0..units, 0..rows).transposed();
    for (row, dx) in dx.chunks_exact_mut(units).enumerate() {
        columns.rows(row..row + 1).copy_to(dx);
    }
}

/// Some rows of W dyᵀ.
struct Through<'a, T: Number> {
    parts: &'a [(Packed<T>, Range<usize>)],
    kernel: View<'a, T>,
    out: Shared<'a, T>,
    row: usize,
}

impl<T: Number> WithSimd for Through<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for (at, (packed, part)) in self.parts.iter().enumerate() {
            // SAFETY: these rows are this task's alone; they are as wide as the product, and the first part
            // has written what the others add to.
            unsafe {
                let out = self.out.target(self.row, 0);
                packed.multiply(simd, self.kernel.columns(part.clone()), out, at > 0);
            }
        }
    }
}

/// Some columns of y = x W + b.
struct Dense<'a, T> {
    x: View<'a, T>,
    w: View<'a, T>,
    b: &'a [T],
    y: Shared<'a, T>,
    columns: Range<usize>,
}

impl<T: Number> WithSimd for Dense<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, w, b, y, columns } = self;
        let packed = Packed::new(simd, w);
        let mut bias = Scratch::zeros(packed.columns());
        bias[..b.len()].copy_from_slice(b);
        // SAFETY: these columns are this task's alone, and so are those that only fill up the last ones:
        // a row of y is filled up too. The product adds to the biases.
        unsafe {
            for row in 0..x.rows {
                y.target(row, columns.start).write(&bias);
            }
            packed.multiply(simd, x, y.target(0, columns.start), true);
        }
    }
}

/// ln Σ exp(y) of a row.
struct LogSumExp<'a, T>(&'a [T]);

impl<T: Number> WithSimd for LogSumExp<'_, T> {
    type Output = T;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> T {
        let (vectors, rest) = T::vectors::<S>(self.0);
        let mut largest = T::splat(simd, T::of(f64::NEG_INFINITY));
        for &y in vectors {
            largest = T::max(simd, largest, y);
        }
        let largest = T::largest(simd, largest);
        let largest =
            rest.iter().fold(largest, |largest, &y| if y > largest { y } else { largest });
        let shift = T::splat(simd, largest);
        let mut sums = T::splat(simd, T::default());
        for &y in vectors {
            sums = T::add(simd, sums, T::exp(simd, T::sub(simd, y, shift)));
        }
        let rest: f64 = rest.iter().map(|y| (y.wide() - largest.wide()).exp()).sum();
        T::of((T::sum(simd, sums).wide() + rest).ln() + largest.wide())
    }
}

/// y becomes d · softmax(y).
struct Differentiate<'a, T> {
    y: &'a mut [T],
    normalizer: T,
    gradient: T,
}

impl<T: Number> WithSimd for Differentiate<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { y, normalizer, gradient } = self;
        let (vectors, rest) = T::vectors_mut::<S>(y);
        let (shift, scale) = (T::splat(simd, normalizer), T::splat(simd, gradient));
        for y in vectors {
            *y = T::mul(simd, scale, T::exp(simd, T::sub(simd, *y, shift)));
        }
        for y in rest {
            *y = T::of(gradient.wide() * (y.wide() - normalizer.wide()).exp());
        }
    }
}

/// Some columns of dW (+)= xᵀ dy and db (+)= Σ dy.
struct Weights<'a, T> {
    x: View<'a, T>,
    dy: View<'a, T>,
    dw: Target<T>,
    db: Target<T>,
    first: bool,
}

impl<T: Number> WithSimd for Weights<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, dy, dw, db, first } = self;
        let packed = Packed::new(simd, dy);
        let mut totals = Scratch::zeros(packed.columns());
        packed.column_sums(simd, &mut totals);
        // SAFETY: these columns are this task's alone, and the targets have them; db began as zeros, and what
        // is added to dw later, the first block has written.
        unsafe {
            db.add(&totals[..dy.columns]);
            if first {
                return packed.multiply_into(simd, x, dw, dy.columns);
            }
            let mut rows = Rows::new(x.rows, packed.columns());
            packed.multiply(simd, x, rows.shared().target(0, 0), false);
            for row in 0..x.rows {
                dw.from(row, 0).add(&rows.row(row)[..dy.columns]);
            }
        }
    }
}
