//! C = A B and C += A B with B packed in advance: the kernels spend most of their time here.
//!
//! B is stored in panels a few vectors wide, row after row, so that the inner loop reads it sequentially while a
//! tile of C stays in registers. A library that takes both matrices unpacked packs B at every call: for the
//! sixteen rows of a batch that each CPU core computes, packing costs as much as the product itself. Sums go over k in
//! order, in blocks of fixed length, so a value of C does not depend on how its rows are split over threads.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::bf16::{Operands, PANEL, PairProducts};
use super::bf16_product::PairProduct;
use super::pack_panel::{PackPanel, pack_panel};
use super::rows::PaddedRows;
use super::scratch::Scratch;
use super::simd_float::SimdFloat;
use super::tile::{K_BLOCK, ROW_PANELS, multiply_panel, multiply_row, panel_vectors};
use super::view::{MatrixPtr, MatrixView};
use crate::profile::{self, Part};

/// A matrix B `[K, N]`, packed for one SIMD level; rounded to bf16, for all of them.
pub struct PackedMatrix<T: SimdFloat> {
    values: Scratch<T>,
    rows: usize,
    columns: usize,
    /// Columns of a full panel.
    width: usize,
    /// How the values of A and B are rounded.
    operands: Operands,
}

impl<T: SimdFloat> PackedMatrix<T> {
    /// Packs `b`, padded with zero columns to a multiple of [`SimdFloat::PAD`].
    ///
    /// # Panics
    /// If `b` has no rows.
    #[inline(always)]
    pub fn new<S: Simd>(simd: S, operands: Operands, b: MatrixView<T>) -> Self {
        let _section = profile::section(Part::Copying);
        let mut packed = Self::empty::<S>(operands, b);
        let operands = packed.operands;
        for (panel, columns) in packed.panels_of(b) {
            pack_panel(simd, operands, b.columns(columns), panel);
        }
        packed
    }

    /// The same on all threads; for matrices that are not packed inside a parallel loop.
    ///
    /// # Panics
    /// If `b` has no rows.
    pub fn new_parallel<S: Simd>(simd: S, operands: Operands, b: MatrixView<T>) -> Self {
        let mut packed = Self::empty::<S>(operands, b);
        let operands = packed.operands;
        let panels: Vec<_> = packed.panels_of(b).collect();
        let _section = profile::section(Part::Waiting);
        panels.into_par_iter().for_each(|(panel, columns)| {
            simd.vectorize(PackPanel(operands, b.columns(columns), panel));
        });
        packed
    }

    fn empty<S: Simd>(operands: Operands, b: MatrixView<T>) -> Self {
        let operands = operands.of::<T>();
        let columns = b.columns.next_multiple_of(T::PAD);
        let width = match operands {
            Operands::Unrounded => panel_vectors::<S>() * T::lanes::<S>(),
            Operands::Bf16 => PANEL,
        };
        let values = Scratch::new(operands.stored_rows(b.rows) * columns);
        Self { values, rows: b.rows, columns, width, operands }
    }

    /// Each panel, and the columns of `b` that it holds.
    #[inline(always)]
    fn panels_of<'a>(&'a mut self, b: MatrixView<'a, T>) -> impl Iterator<Item = (&'a mut [T], Range<usize>)> {
        let width = self.width;
        let panels = self.values.chunks_mut(width * self.operands.stored_rows(b.rows));
        panels
            .enumerate()
            .map(move |(at, panel)| (panel, (at * width).min(b.columns)..((at + 1) * width).min(b.columns)))
    }

    /// K.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns, including padding.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The number of panels.
    pub fn panels(&self) -> usize {
        self.columns.div_ceil(self.width)
    }

    /// All values, panel after panel.
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// Adds the sum of each column of `b`, the matrix that was packed, to `totals`, one value for each of
    /// [`Self::columns`]. The values are not rounded.
    ///
    /// # Panics
    /// If there are more totals than columns.
    #[inline(always)]
    pub fn column_sums<S: Simd>(&self, simd: S, b: MatrixView<T>, totals: &mut [T]) {
        let _section = profile::section(Part::ElementWise);
        if self.operands == Operands::Bf16 {
            for row in 0..b.rows {
                b.rows(row..row + 1).add_to(totals);
            }
            return;
        }
        let (totals, _) = T::vectors_mut::<S>(totals);
        let (panels, _) = T::vectors::<S>(&self.values);
        for (at, totals) in totals.chunks_mut(panel_vectors::<S>()).enumerate() {
            let panel = &panels[at * panel_vectors::<S>() * self.rows..][..totals.len() * self.rows];
            for row in panel.chunks_exact(totals.len()) {
                for (total, &value) in totals.iter_mut().zip(row) {
                    *total = T::add(simd, *total, value);
                }
            }
        }
    }

    /// Writes the first `columns` columns of A B to `c`, and nothing else.
    ///
    /// # Panics
    /// If A does not have as many columns as B has rows, or B has fewer columns.
    ///
    /// # Safety
    /// `c` has as many rows as A and `columns` columns, and they may be written (see [`MatrixPtr::new`]).
    #[inline(always)]
    pub unsafe fn multiply_into<S: Simd>(&self, simd: S, a: MatrixView<T>, c: MatrixPtr<T>, columns: usize) {
        let _section = profile::section(Part::Copying);
        // SAFETY: the caller guarantees it. A wider product, or one of several blocks of k, is computed in a buffer,
        // which is read only once it is complete.
        unsafe {
            if columns == self.columns && self.rows <= K_BLOCK {
                return self.multiply(simd, a, c, false);
            }
            let mut rows = PaddedRows::new(a.rows, self.columns);
            self.multiply(simd, a, rows.shared().ptr(0, 0), false);
            for row in 0..a.rows {
                c.offset(row, 0).write(&rows.row(row)[..columns]);
            }
        }
    }

    /// Writes A B to the first columns of the rows of `to`, on all threads.
    ///
    /// # Panics
    /// If A does not have as many columns as B has rows, or the product has more rows or columns than `to`.
    pub fn multiply_parallel<S: Simd>(&self, simd: S, a: MatrixView<T>, to: &mut PaddedRows<T>) {
        struct Product<'a, T: SimdFloat>(MatrixView<'a, T>, &'a PackedMatrix<T>, MatrixPtr<T>);
        impl<T: SimdFloat> WithSimd for Product<'_, T> {
            type Output = ();

            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) {
                // SAFETY: these rows belong to this task, and are at least as wide as the product.
                unsafe { self.1.multiply(simd, self.0, self.2, false) }
            }
        }
        assert!(a.rows <= to.count() && self.columns <= to.width, "the product must fit");
        let shared = to.shared();
        let _section = profile::section(Part::Waiting);
        // Many rows at a time, because each time all of B is read; but two or more times for each thread.
        let count = a.rows.div_ceil(2 * rayon::current_num_threads()).next_multiple_of(8).clamp(32, 128);
        (0..a.rows.div_ceil(count)).into_par_iter().for_each(|at| {
            let rows = at * count..((at + 1) * count).min(a.rows);
            // SAFETY: each task has its own rows.
            let to = unsafe { shared.ptr(rows.start, 0) };
            simd.vectorize(Product(a.rows(rows), self, to));
        });
    }

    /// C = A B, or C += A B if `add`; C has as many rows as A.
    ///
    /// # Panics
    /// If A does not have as many columns as B has rows.
    ///
    /// # Safety
    /// `c` has as many rows as A and [`Self::columns`] columns, initialized if `add`; and they may be written
    /// (see [`MatrixPtr::new`]).
    #[inline(always)]
    pub unsafe fn multiply<S: Simd>(&self, simd: S, a: MatrixView<T>, c: MatrixPtr<T>, add: bool) {
        // SAFETY: the caller guarantees it.
        unsafe { self.multiply_panels(simd, a, c, add, 0..self.panels()) }
    }

    /// The same for the columns of `panels` only.
    ///
    /// # Panics
    /// If A does not have as many columns as B has rows, or there are fewer panels.
    ///
    /// # Safety
    /// `c` has as many rows as A and [`Self::columns`] columns, those of the panels initialized if `add`; and they
    /// may be written (see [`MatrixPtr::new`]).
    #[inline(always)]
    pub unsafe fn multiply_panels<S: Simd>(
        &self,
        simd: S,
        a: MatrixView<T>,
        c: MatrixPtr<T>,
        add: bool,
        panels: Range<usize>,
    ) {
        // SAFETY: the caller guarantees it.
        unsafe { self.multiply_columns(simd, a, c, add.then_some(c), panels) }
    }

    /// C = A B + b, with `bias` b in every row.
    ///
    /// # Panics
    /// If A does not have as many columns as B has rows, or there is not one bias for each of [`Self::columns`].
    ///
    /// # Safety
    /// `c` has as many rows as A and [`Self::columns`] columns, and they may be written (see [`MatrixPtr::new`]).
    #[inline(always)]
    pub unsafe fn multiply_biased<S: Simd>(&self, simd: S, a: MatrixView<T>, c: MatrixPtr<T>, bias: &[T]) {
        assert_eq!(bias.len(), self.columns, "there must be one bias for each column");
        // SAFETY: the biases are only read, as rows with a stride of 0; the caller guarantees the rest.
        unsafe {
            let bias = MatrixPtr::new(bias.as_ptr().cast_mut(), 0);
            self.multiply_columns(simd, a, c, Some(bias), 0..self.panels());
        }
    }

    /// C = A B plus `addend` in the columns of `panels`.
    ///
    /// # Safety
    /// As [`Self::multiply_panels`]; `addend` has the same rows and columns as `c`, initialized.
    #[inline(always)]
    unsafe fn multiply_columns<S: Simd>(
        &self,
        simd: S,
        a: MatrixView<T>,
        c: MatrixPtr<T>,
        addend: Option<MatrixPtr<T>>,
        panels: Range<usize>,
    ) {
        assert_eq!(a.columns, self.rows, "A must have as many columns as B has rows");
        if self.operands == Operands::Bf16 {
            // SAFETY: the caller guarantees it.
            return unsafe { self.multiply_pairs(simd, a, c, addend, panels, PairProducts::best()) };
        }
        assert_eq!(self.width, panel_vectors::<S>() * T::lanes::<S>(), "B was packed for another SIMD level");
        let _section = profile::section(Part::MatrixProduct);
        // SAFETY: the caller guarantees it for all rows and columns; later blocks of columns of A add to what the
        // first one has written.
        unsafe {
            if a.row_stride != 1 || a.column_stride == 1 {
                return self.multiply_rows(simd, a, c, addend, panels, 0..self.rows);
            }
            // A is column-major: reading it along its rows would touch one cache line per value. A few rows at a time
            // are copied to contiguous memory, once for all panels.
            let mut block = Scratch::new(T::PAD * K_BLOCK.min(a.columns));
            for from in (0..self.rows).step_by(K_BLOCK) {
                let depth = from..(from + K_BLOCK).min(a.columns);
                for row in (0..a.rows).step_by(T::PAD) {
                    let part = a.rows(row..(row + T::PAD).min(a.rows)).columns(depth.clone());
                    let part = copy_block(part, &mut block);
                    let addend = if from > 0 { Some(c) } else { addend }.map(|addend| addend.offset(row, 0));
                    self.multiply_rows(simd, part, c.offset(row, 0), addend, panels.clone(), depth.clone());
                }
            }
        }
    }

    /// The same with values rounded to bf16.
    ///
    /// # Safety
    /// As [`Self::multiply_columns`].
    #[inline(always)]
    pub(super) unsafe fn multiply_pairs<S: Simd>(
        &self,
        simd: S,
        a: MatrixView<T>,
        c: MatrixPtr<T>,
        addend: Option<MatrixPtr<T>>,
        panels: Range<usize>,
        by: PairProducts,
    ) {
        let _section = profile::section(Part::MatrixProduct);
        let b = bytemuck::cast_slice(&self.values);
        // A function of its own for each set of instructions, as for the tiles in f32.
        simd.vectorize(PairProduct { a, b, columns: self.columns, c, addend, panels, by });
    }

    /// The same with the rows `depth` of B only, as many as A has columns.
    ///
    /// # Safety
    /// As [`Self::multiply_columns`]; B has these rows and panels.
    #[inline(always)]
    unsafe fn multiply_rows<S: Simd>(
        &self,
        simd: S,
        a: MatrixView<T>,
        c: MatrixPtr<T>,
        addend: Option<MatrixPtr<T>>,
        mut panels: Range<usize>,
        depth: Range<usize>,
    ) {
        // One row is multiplied by several panels at a time, as long as they have the full width.
        let full_panels = if a.rows == 1 && depth.len() == self.rows { self.columns / self.width } else { 0 };
        while panels.start + ROW_PANELS <= panels.end.min(full_panels) {
            let start = panels.start * self.width;
            let b = &self.values[start * self.rows..(start + ROW_PANELS * self.width) * self.rows];
            let addend = addend.map(|addend| addend.offset(0, start));
            // SAFETY: `c` and the addend have the columns of these panels.
            unsafe { multiply_row(simd, a, b, c.offset(0, start), addend) };
            panels.start += ROW_PANELS;
        }
        for panel in panels.clone() {
            let b = self.block(panel, &depth);
            // The first one is read again for the next rows.
            let next = if panel + 1 < panels.end { panel + 1 } else { panels.start };
            let next = self.block(next, &depth);
            let start = panel * self.width;
            let addend = addend.map(|addend| addend.offset(0, start));
            // SAFETY: `c` and the addend have the panel's columns.
            unsafe { multiply_panel(simd, a, b, next, c.offset(0, start), addend) };
        }
    }

    /// The rows `depth` of a panel.
    #[inline(always)]
    fn block(&self, panel: usize, depth: &Range<usize>) -> &[T] {
        let start = panel * self.width;
        let width = self.width.min(self.columns - start);
        &self.values[start * self.rows..][depth.start * width..depth.end * width]
    }
}

/// Copies a matrix with contiguous columns so that its columns are [`SimdFloat::PAD`] values apart.
#[inline(always)]
fn copy_block<'a, T: SimdFloat>(a: MatrixView<T>, block: &'a mut [T]) -> MatrixView<'a, T> {
    for (column, values) in (0..a.columns).zip(block.chunks_exact_mut(T::PAD)) {
        // SAFETY: `a` has this column, which is contiguous and has one value per row.
        let from = unsafe { std::slice::from_raw_parts(a.transposed().row(column), a.rows) };
        values[..a.rows].copy_from_slice(from);
    }
    MatrixView::new(block, [a.rows, a.columns], [1, T::PAD])
}

/// [`PackedMatrix::new`], compiled for the instructions of `simd` even if the caller is not.
pub fn pack<T: SimdFloat, S: Simd>(simd: S, operands: Operands, b: MatrixView<T>) -> PackedMatrix<T> {
    struct Pack<'a, T>(Operands, MatrixView<'a, T>);
    impl<T: SimdFloat> WithSimd for Pack<'_, T> {
        type Output = PackedMatrix<T>;

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> PackedMatrix<T> {
            PackedMatrix::new(simd, self.0, self.1)
        }
    }
    simd.vectorize(Pack(operands, b))
}
