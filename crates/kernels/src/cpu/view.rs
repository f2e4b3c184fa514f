//! Strided matrices in memory: views to read, pointers to write.

use std::marker::PhantomData;
use std::ops::Range;

use super::simd_float::SimdFloat;

/// A matrix to read, with any row and column stride.
#[derive(Clone, Copy)]
pub struct MatrixView<'a, T> {
    pub(super) start: *const T,
    /// The number of rows.
    pub(crate) rows: usize,
    /// The number of columns.
    pub(crate) columns: usize,
    pub(super) row_stride: usize,
    pub(super) column_stride: usize,
    lifetime: PhantomData<&'a [T]>,
}

// SAFETY: a view is a shared slice with strides, and may be sent where a shared slice may.
unsafe impl<T: Sync> Send for MatrixView<'_, T> {}
// SAFETY: the same.
unsafe impl<T: Sync> Sync for MatrixView<'_, T> {}

impl<'a, T: SimdFloat> MatrixView<'a, T> {
    /// A matrix `[rows, columns]` that begins at the first value of `slice`, with the strides `[row, column]`.
    ///
    /// # Panics
    /// If the last value is outside the slice.
    pub fn new(slice: &'a [T], [rows, columns]: [usize; 2], [row, column]: [usize; 2]) -> Self {
        let offset = |count: usize, stride| count.saturating_sub(1).saturating_mul(stride);
        let last = offset(rows, row).saturating_add(offset(columns, column));
        let empty = rows == 0 || columns == 0;
        assert!(empty || last < slice.len(), "a view must be inside its slice");
        let start = slice.as_ptr();
        Self { start, rows, columns, row_stride: row, column_stride: column, lifetime: PhantomData }
    }

    /// A row-major matrix with `columns` columns.
    pub fn dense(slice: &'a [T], columns: usize) -> Self {
        Self::new(slice, [slice.len() / columns.max(1), columns], [columns, 1])
    }

    /// Whether both are views of the same values.
    pub fn is(&self, other: &Self) -> bool {
        let layout = |view: &Self| (view.start, view.row_stride, view.column_stride);
        layout(self) == layout(other) && (self.rows, self.columns) == (other.rows, other.columns)
    }

    /// Rows and columns exchanged.
    pub fn transposed(self) -> Self {
        let Self { rows, columns, row_stride, column_stride, .. } = self;
        Self { rows: columns, columns: rows, row_stride: column_stride, column_stride: row_stride, ..self }
    }

    /// The rows in `range`.
    ///
    /// # Panics
    /// If the range is out of bounds.
    pub fn rows(self, range: Range<usize>) -> Self {
        assert!(range.end <= self.rows && range.start <= range.end);
        let start = self.start.wrapping_add(range.start * self.row_stride);
        Self { start, rows: range.len(), ..self }
    }

    /// The columns in `range`.
    ///
    /// # Panics
    /// If the range is out of bounds.
    pub fn columns(self, range: Range<usize>) -> Self {
        self.transposed().rows(range).transposed()
    }

    /// Copies a matrix of one row to `to`.
    ///
    /// # Panics
    /// If there is not exactly one row, or the lengths differ.
    #[inline(always)]
    pub fn copy_to(self, to: &mut [T]) {
        assert!(self.rows == 1 && self.columns == to.len());
        // SAFETY: there is one row, and one column per value (see above).
        to.iter_mut().enumerate().for_each(|(column, to)| *to = unsafe { self.at(0, column) });
    }

    /// Copies a matrix of one row to the beginning of `to`, and fills the rest with zeros.
    ///
    /// # Panics
    /// If there is not exactly one row, or `to` is shorter.
    #[inline(always)]
    pub fn copy_padded_to(self, to: &mut [T]) {
        let (values, padding) = to.split_at_mut(self.columns);
        self.copy_to(values);
        padding.fill(T::default());
    }

    /// Adds a matrix of one row to the beginning of `to`.
    ///
    /// # Panics
    /// If there is not exactly one row, or `to` is shorter.
    #[inline(always)]
    pub fn add_to(self, to: &mut [T]) {
        assert!(self.rows == 1 && self.columns <= to.len());
        let to = to[..self.columns].iter_mut().enumerate();
        // SAFETY: there is one row, and one column for each of these values (see above).
        to.for_each(|(column, value)| *value += unsafe { self.at(0, column) });
    }

    /// The first value of row `row`.
    #[inline(always)]
    pub(super) fn row(&self, row: usize) -> *const T {
        self.start.wrapping_add(row * self.row_stride)
    }

    /// The value in row `row` and column `column`.
    ///
    /// # Safety
    /// The row and the column exist.
    #[inline(always)]
    pub(super) unsafe fn at(&self, row: usize, column: usize) -> T {
        debug_assert!(row < self.rows && column < self.columns);
        // SAFETY: `new` has checked that all rows and columns are inside the slice, and slicing a view only removes
        // some; the slice is borrowed for 'a.
        unsafe { *self.start.add(row * self.row_stride + column * self.column_stride) }
    }
}

/// A matrix to write: contiguous rows, `stride` values apart.
#[derive(Clone, Copy)]
pub struct MatrixPtr<T> {
    pub(super) start: *mut T,
    stride: usize,
}

// SAFETY: it is a pointer to values that may be sent to other threads. The code that creates it guarantees that there
// are no data races (see `MatrixPtr::new`).
unsafe impl<T: Send> Send for MatrixPtr<T> {}
// SAFETY: the same.
unsafe impl<T: Send> Sync for MatrixPtr<T> {}

impl<T> MatrixPtr<T> {
    /// A matrix that begins at `start`.
    ///
    /// # Safety
    /// All writes through it, or through what [`MatrixPtr::offset`] returns, are inside memory that lives as long as
    /// these pointers are used; and what is written is not accessed in any other way at the same time, by this thread
    /// or another.
    pub unsafe fn new(start: *mut T, stride: usize) -> Self {
        Self { start, stride }
    }

    /// A matrix in which every row is `values`: only to read, while these are borrowed.
    pub fn same_rows(values: &[T]) -> Self {
        Self { start: values.as_ptr().cast_mut(), stride: 0 }
    }

    /// The same matrix from this row and column on.
    pub fn offset(self, row: usize, column: usize) -> Self {
        let start = self.start.wrapping_add(row * self.stride + column);
        Self { start, ..self }
    }

    /// Writes `values` to the beginning of the first row.
    ///
    /// # Safety
    /// The row is long enough, and may be written (see [`MatrixPtr::new`]).
    #[inline(always)]
    pub unsafe fn write(self, values: &[T]) {
        // SAFETY: the caller guarantees it; and `values` do not overlap, since nothing reads what is being written.
        unsafe { self.start.copy_from_nonoverlapping(values.as_ptr(), values.len()) }
    }
}

impl<T: SimdFloat> MatrixPtr<T> {
    /// Adds `values` to the beginning of the first row.
    ///
    /// # Safety
    /// The row is long enough, initialized there, and may be written (see [`MatrixPtr::new`]).
    #[inline(always)]
    pub unsafe fn add(self, values: &[T]) {
        for (at, &value) in values.iter().enumerate() {
            // SAFETY: the caller guarantees it.
            unsafe { *self.start.add(at) += value };
        }
    }
}
