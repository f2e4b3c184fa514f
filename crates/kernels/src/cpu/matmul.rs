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
use super::row_blocks::RowBlocks;
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

    /// Writes the first `columns` columns of A B to `c`, or adds them if `add`, and changes nothing else.
    ///
    /// # Panics
    /// If A does not have as many columns as B has rows, or B has fewer columns.
    ///
    /// # Safety
    /// `c` has as many rows as A and `columns` columns, initialized if `add`; and they may be written (see
    /// [`MatrixPtr::new`]).
    #[inline(always)]
    pub unsafe fn multiply_into<S: Simd>(&self, simd: S, a: &RowBlocks<T>, c: MatrixPtr<T>, columns: usize, add: bool) {
        let _section = profile::section(Part::Copying);
        let direct = columns == self.columns && self.rows <= K_BLOCK;
        let mut rows = PaddedRows::new(if direct { 0 } else { T::PAD }, self.columns);
        for (first, block) in a.blocks() {
            let c = c.offset(first, 0);
            // SAFETY: the caller guarantees it. A wider product, or one of several blocks of k, is computed in a buffer,
            // which has room for a block and is read only once it is complete.
            unsafe {
                if direct {
                    self.multiply(simd, block, c, add);
                    continue;
                }
                self.multiply(simd, block, rows.shared().ptr(0, 0), false);
                for row in 0..block.rows {
                    let (to, values) = (c.offset(row, 0), &rows.row(row)[..columns]);
                    if add { to.add(values) } else { to.write(values) }
                }
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
        unsafe { self.multiply_columns(simd, a, c, add.then_some(c), 0..self.panels()) }
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
        // SAFETY: the caller guarantees it; there is a bias for each column.
        unsafe { self.multiply_columns(simd, a, c, Some(MatrixPtr::same_rows(bias)), 0..self.panels()) }
    }

    /// C = A B in the columns of `panels`, plus `addend` if there is one, which may be C itself.
    ///
    /// # Panics
    /// If A does not have as many columns as B has rows, or there are fewer panels.
    ///
    /// # Safety
    /// `c` has as many rows as A and [`Self::columns`] columns, which may be written (see [`MatrixPtr::new`]). `addend` has
    /// as many, those of the panels initialized.
    #[inline(always)]
    pub unsafe fn multiply_columns<S: Simd>(
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
            if a.row_stride != 1 || a.column_stride <= T::PAD {
                return self.multiply_rows(simd, a, c, addend, panels);
            }
            // A is column-major: reading it along its rows would touch one cache line per value.
            for (row, block) in RowBlocks::new(a).blocks() {
                let addend = addend.map(|addend| addend.offset(row, 0));
                self.multiply_rows(simd, block, c.offset(row, 0), addend, panels.clone());
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

    /// The same for A with rows that can be read as they are.
    ///
    /// # Safety
    /// As [`Self::multiply_columns`]; B has these panels, and as many rows as A has columns.
    #[inline(always)]
    unsafe fn multiply_rows<S: Simd>(
        &self,
        simd: S,
        a: MatrixView<T>,
        c: MatrixPtr<T>,
        addend: Option<MatrixPtr<T>>,
        mut panels: Range<usize>,
    ) {
        // One row is multiplied by several panels at a time, as long as they have the full width.
        let full_panels = if a.rows == 1 { self.columns / self.width } else { 0 };
        while panels.start + ROW_PANELS <= panels.end.min(full_panels) {
            let start = panels.start * self.width;
            let b = &self.values[start * self.rows..(start + ROW_PANELS * self.width) * self.rows];
            let addend = addend.map(|addend| addend.offset(0, start));
            // SAFETY: `c` and the addend have the columns of these panels.
            unsafe { multiply_row(simd, a, b, c.offset(0, start), addend) };
            panels.start += ROW_PANELS;
        }
        for panel in panels.clone() {
            let b = self.panel(panel);
            // The first one is read again for the next rows.
            let next = if panel + 1 < panels.end { panel + 1 } else { panels.start };
            let next = self.panel(next);
            let start = panel * self.width;
            let addend = addend.map(|addend| addend.offset(0, start));
            // SAFETY: `c` and the addend have the panel's columns.
            unsafe { multiply_panel(simd, a, b, next, c.offset(0, start), addend) };
        }
    }

    /// The values of a panel.
    #[inline(always)]
    fn panel(&self, panel: usize) -> &[T] {
        let start = panel * self.width;
        let width = self.width.min(self.columns - start);
        &self.values[start * self.rows..][..self.rows * width]
    }
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
