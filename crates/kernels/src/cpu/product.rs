//! C = A B and C += A B, with B packed beforehand: what all kernels spend their time in.
//!
//! B lies in panels of a few vectors' width, row after row, so that the inner loop reads it from front
//! to back; a tile of C stays in registers while it does so. A library that takes both matrices as they
//! are packs B at every call: for the sixteen rows that a processor core gets of a batch, that costs
//! as much as the product itself. Sums go over k in order, in blocks of fixed length: a number of C does
//! not depend on how its rows are split over threads.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::number::Number;
use super::scratch::Scratch;
use super::shape::Rows;
use super::view::{Target, View};

/// Vectors in a panel's row.
pub(super) const WIDTH: usize = 3;
/// The rows of B that one pass goes through: with a panel's width, 24 KiB or less.
pub(super) const DEPTH: usize = 128;

/// A matrix B `[K, N]`, packed for one kind of processor.
pub struct Packed<T: Number> {
    numbers: Scratch<T>,
    rows: usize,
    columns: usize,
    /// Columns of a full panel.
    width: usize,
}

impl<T: Number> Packed<T> {
    /// Packs `b`, made wider with zeros to a multiple of [`Number::PAD`].
    ///
    /// # Panics
    /// If `b` has no rows.
    #[inline(always)]
    pub fn new<S: Simd>(simd: S, b: View<T>) -> Self {
        let mut packed = Self::empty::<S>(b);
        for (panel, columns) in packed.panels_of(b) {
            pack_panel(simd, b.columns(columns), panel);
        }
        packed
    }

    /// The same by all threads: for matrices that are packed by themselves.
    ///
    /// # Panics
    /// If `b` has no rows.
    pub fn shared<S: Simd>(simd: S, b: View<T>) -> Self {
        let mut packed = Self::empty::<S>(b);
        let panels: Vec<_> = packed.panels_of(b).collect();
        panels.into_par_iter().for_each(|(panel, columns)| {
            simd.vectorize(PackPanel(b.columns(columns), panel));
        });
        packed
    }

    fn empty<S: Simd>(b: View<T>) -> Self {
        let columns = b.columns.next_multiple_of(T::PAD);
        let width = WIDTH * T::lanes::<S>();
        Self { numbers: Scratch::new(b.rows * columns), rows: b.rows, columns, width }
    }

    /// The memory of each panel, and which columns of `b` go there.
    #[inline(always)]
    fn panels_of<'a>(
        &'a mut self,
        b: View<'a, T>,
    ) -> impl Iterator<Item = (&'a mut [T], Range<usize>)> {
        let width = self.width;
        let panels = self.numbers.chunks_mut(width * b.rows);
        panels.enumerate().map(move |(at, panel)| {
            (panel, (at * width).min(b.columns)..((at + 1) * width).min(b.columns))
        })
    }

    /// K.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns, with those that only fill up.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// How many panels.
    pub fn panels(&self) -> usize {
        self.columns.div_ceil(self.width)
    }

    /// All numbers, panel after panel.
    pub fn numbers(&self) -> &[T] {
        &self.numbers
    }

    /// Adds the sum of each column to `totals`, `columns()` numbers.
    ///
    /// # Panics
    /// If there are more totals.
    #[inline(always)]
    pub fn column_sums<S: Simd>(&self, simd: S, totals: &mut [T]) {
        let (totals, _) = T::vectors_mut::<S>(totals);
        let (panels, _) = T::vectors::<S>(&self.numbers);
        for (at, totals) in totals.chunks_mut(WIDTH).enumerate() {
            let panel = &panels[at * WIDTH * self.rows..][..totals.len() * self.rows];
            for row in panel.chunks_exact(totals.len()) {
                for (total, &number) in totals.iter_mut().zip(row) {
                    *total = T::add(simd, *total, number);
                }
            }
        }
    }

    /// Writes the first `columns` columns of A B to `c`, and nothing beside them.
    ///
    /// # Panics
    /// If A has not as many columns as B has rows, or there are fewer columns.
    ///
    /// # Safety
    /// `c` holds as many rows as A and as many columns, and they may be written (see [`Target::new`]).
    #[inline(always)]
    pub unsafe fn multiply_into<S: Simd>(&self, simd: S, a: View<T>, c: Target<T>, columns: usize) {
        // SAFETY: the caller says so. A product that is wider than wanted goes through rows of its own, as
        // many and as wide as its; they are read only when all of it is there.
        unsafe {
            if columns == self.columns && self.rows <= DEPTH {
                return self.multiply(simd, a, c, false);
            }
            let mut rows = Rows::new(a.rows, self.columns);
            self.multiply(simd, a, rows.shared().target(0, 0), false);
            for row in 0..a.rows {
                c.from(row, 0).write(&rows.row(row)[..columns]);
            }
        }
    }

    /// C = A B, or C += A B if `add`; C has as many rows as A.
    ///
    /// # Panics
    /// If A has not as many columns as B has rows.
    ///
    /// # Safety
    /// `c` holds as many rows as A and `columns()` columns, written before if `add`; and they may be written
    /// (see [`Target::new`]).
    #[inline(always)]
    pub unsafe fn multiply<S: Simd>(&self, simd: S, a: View<T>, c: Target<T>, add: bool) {
        // SAFETY: the caller says so.
        unsafe { self.multiply_panels(simd, a, c, add, 0..self.panels()) }
    }

    /// The same in the columns of some panels.
    ///
    /// # Panics
    /// If A has not as many columns as B has rows, or there are fewer panels.
    ///
    /// # Safety
    /// `c` holds as many rows as A and `columns()` columns, those of the panels written before if `add`; and
    /// they may be written (see [`Target::new`]).
    #[inline(always)]
    pub unsafe fn multiply_panels<S: Simd>(
        &self,
        simd: S,
        a: View<T>,
        c: Target<T>,
        add: bool,
        panels: Range<usize>,
    ) {
        assert_eq!(a.columns, self.rows, "A must have as many columns as B has rows");
        assert_eq!(self.width, WIDTH * T::lanes::<S>(), "B was packed for other instructions");
        let depth = 0..self.rows;
        // SAFETY: the caller says so of all rows and columns, and what a later block of columns of A adds to, the
        // first one has written.
        unsafe {
            if a.row_stride != 1 || a.column_stride == 1 {
                return self.multiply_rows(simd, a, c, add, panels, depth);
            }
            // A lies column by column: reading it along its rows would touch a cache line for every number. Some
            // rows are laid side by side, for all panels at once.
            let mut laid = Scratch::new(T::PAD * DEPTH.min(a.columns));
            for from in depth.step_by(DEPTH) {
                let depth = from..(from + DEPTH).min(a.columns);
                for row in (0..a.rows).step_by(T::PAD) {
                    let part = a.rows(row..(row + T::PAD).min(a.rows)).columns(depth.clone());
                    let part = lay_out(part, &mut laid);
                    let (c, add) = (c.from(row, 0), add || from > 0);
                    self.multiply_rows(simd, part, c, add, panels.clone(), depth.clone());
                }
            }
        }
    }

    /// The same with the rows of B in `depth` alone, as many as A has columns.
    ///
    /// # Safety
    /// As [`Self::multiply_panels`]; there are as many rows and panels.
    #[inline(always)]
    unsafe fn multiply_rows<S: Simd>(
        &self,
        simd: S,
        a: View<T>,
        c: Target<T>,
        add: bool,
        panels: Range<usize>,
        depth: Range<usize>,
    ) {
        let lanes = T::lanes::<S>();
        for panel in panels {
            let start = panel * self.width;
            let width = self.width.min(self.columns - start);
            let b = &self.numbers[start * self.rows..(start + width) * self.rows];
            let b = &b[depth.start * width..depth.end * width];
            // SAFETY: the panel's columns are among those of `c`.
            unsafe {
                match width / lanes {
                    3 => panel_product::<T, S, 3>(simd, a, b, c.from(0, start), add),
                    2 => panel_product::<T, S, 2>(simd, a, b, c.from(0, start), add),
                    _ => panel_product::<T, S, 1>(simd, a, b, c.from(0, start), add),
                }
            }
        }
    }
}

/// The same numbers as `a`, whose columns follow one another, in a place where nothing else lies between them.
#[inline(always)]
fn lay_out<'a, T: Number>(a: View<T>, laid: &'a mut [T]) -> View<'a, T> {
    for (column, numbers) in (0..a.columns).zip(laid.chunks_exact_mut(T::PAD)) {
        // SAFETY: `a` has this column, and its numbers follow one another, as many as rows.
        let from = unsafe { std::slice::from_raw_parts(a.transposed().row(column), a.rows) };
        numbers[..a.rows].copy_from_slice(from);
    }
    View::new(laid, [a.rows, a.columns], [1, T::PAD])
}

/// [`Packed::new`] with the instructions of `simd`, wherever it is called from.
pub fn pack<T: Number, S: Simd>(simd: S, b: View<T>) -> Packed<T> {
    struct Pack<'a, T>(View<'a, T>);
    impl<T: Number> WithSimd for Pack<'_, T> {
        type Output = Packed<T>;

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> Packed<T> {
            Packed::new(simd, self.0)
        }
    }
    simd.vectorize(Pack(b))
}

struct PackPanel<'a, T>(View<'a, T>, &'a mut [T]);

impl<T: Number> WithSimd for PackPanel<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        pack_panel(simd, self.0, self.1);
    }
}

/// Writes the rows of `b` one after another, each filled up with zeros, so that they fill the panel.
#[inline(always)]
fn pack_panel<T: Number, S: Simd>(_: S, b: View<T>, panel: &mut [T]) {
    let width = panel.len() / b.rows.max(1);
    assert!(panel.len() == width * b.rows, "a panel must have as many rows as B");
    if b.columns < width {
        panel.fill(T::default());
    }
    if b.column_stride == 1 {
        for (k, row) in panel.chunks_exact_mut(width).enumerate() {
            // SAFETY: `b` has as many rows as the panel, and row k holds as many numbers, one after
            // another, as `b` has columns.
            let source = unsafe { std::slice::from_raw_parts(b.row(k), b.columns) };
            row[..b.columns].copy_from_slice(source);
        }
        return;
    }
    // Columns follow one another: small blocks, so that reading and writing both stay in the cache.
    for (at, block) in panel.chunks_mut(T::PAD * width).enumerate() {
        let from = at * T::PAD;
        for column in 0..b.columns {
            for (k, row) in block.chunks_exact_mut(width).enumerate() {
                // SAFETY: `b` has as many rows as the panel, and this column.
                row[column] = unsafe { b.at(from + k, column) };
            }
        }
    }
}

/// C (+)= A B for one panel B of `W` vectors a row.
///
/// # Safety
/// `c` holds as many rows as A, of `W` vectors, written before if `add`; and they may be written.
#[inline(always)]
pub(super) unsafe fn panel_product<T: Number, S: Simd, const W: usize>(
    simd: S,
    a: View<T>,
    b: &[T],
    c: Target<T>,
    add: bool,
) {
    let (b, _) = T::vectors::<S>(b);
    for from in (0..a.columns).step_by(DEPTH) {
        let to = (from + DEPTH).min(a.columns);
        let (a, b) = (a.columns(from..to), &b[from * W..to * W]);
        let add = add || from > 0;
        let mut row = 0;
        // SAFETY: all rows below `a.rows` are rows of `c`, and what a later block of columns adds to, the
        // first one has written. Of A and B there are as many columns and rows: both were cut so.
        unsafe {
            if S::REGISTER_COUNT >= 32 {
                while a.rows - row >= 8 {
                    tile::<T, S, 8, W>(simd, a.rows(row..row + 8), b, c.from(row, 0), add);
                    row += 8;
                }
            }
            while a.rows - row >= 4 {
                tile::<T, S, 4, W>(simd, a.rows(row..row + 4), b, c.from(row, 0), add);
                row += 4;
            }
            if a.rows - row >= 2 {
                tile::<T, S, 2, W>(simd, a.rows(row..row + 2), b, c.from(row, 0), add);
                row += 2;
            }
            if a.rows > row {
                tile::<T, S, 1, W>(simd, a.rows(row..row + 1), b, c.from(row, 0), add);
            }
        }
    }
}

/// One tile of `M` rows and `W` vectors a row.
///
/// # Safety
/// A has `M` rows and as many columns as `b` has rows of `W` vectors. `c` holds `M` rows of `W` vectors,
/// written before if `add`; and they may be written.
#[inline(always)]
unsafe fn tile<T: Number, S: Simd, const M: usize, const W: usize>(
    simd: S,
    a: View<T>,
    b: &[T::Lanes<S>],
    c: Target<T>,
    add: bool,
) {
    let mut sums = [[T::splat(simd, T::default()); W]; M];
    let mut column = a.start;
    for b in b.chunks_exact(W) {
        for (m, sums) in sums.iter_mut().enumerate() {
            // SAFETY: row m of A holds a number for each row of `b`, and this loop is at one of them.
            let a = T::splat(simd, unsafe { *column.add(m * a.row_stride) });
            for (sum, &b) in sums.iter_mut().zip(b) {
                *sum = T::mul_add(simd, a, b, *sum);
            }
        }
        column = column.wrapping_add(a.column_stride);
    }
    for (m, sums) in sums.into_iter().enumerate() {
        let c = c.from(m, 0).start.cast::<T::Lanes<S>>();
        for (w, sum) in sums.into_iter().enumerate() {
            // SAFETY: `c` holds `W` vectors in row m, and this is vector w: a few numbers one after another
            // and nothing else, read and written at whatever address they have.
            unsafe {
                let c = c.add(w);
                let sum = if add { T::add(simd, c.read_unaligned(), sum) } else { sum };
                c.write_unaligned(sum);
            }
        }
    }
}
