//! Padded matrices that several threads write to.

use std::marker::PhantomData;
use std::ops::Range;

use super::scratch::Scratch;
use super::simd_float::SimdFloat;
use super::view::{MatrixPtr, MatrixView};

/// A matrix with padded rows. The row stride is never a multiple of 4096 bytes: such rows would evict one another
/// from the L1 cache.
#[derive(Debug)]
pub struct PaddedRows<T: SimdFloat> {
    values: Scratch<T>,
    count: usize,
    /// Values in a row, a multiple of [`SimdFloat::PAD`].
    pub(super) width: usize,
    stride: usize,
}

impl<T: SimdFloat> PaddedRows<T> {
    /// `count` rows of at least `width` values, with unspecified contents.
    ///
    /// # Panics
    /// If the number of values overflows.
    pub fn new(count: usize, width: usize) -> Self {
        let width = width.next_multiple_of(T::PAD);
        let stride = width + T::PAD;
        let len = count.checked_mul(stride).expect("the number of values overflows");
        Self { values: Scratch::new(len), count, width, stride }
    }

    /// Values in a row, including padding.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The number of rows.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The first `columns` columns of all rows.
    pub fn all(&self, columns: usize) -> MatrixView<'_, T> {
        self.view(0..self.count, 0..columns)
    }

    /// The given rows and columns.
    ///
    /// # Panics
    /// If any of them does not exist.
    pub fn view(&self, rows: Range<usize>, columns: Range<usize>) -> MatrixView<'_, T> {
        let values = &self.values[rows.start * self.stride + columns.start..];
        MatrixView::new(values, [rows.len(), columns.len()], [self.stride, 1])
    }

    /// Row `row`.
    ///
    /// # Panics
    /// If it does not exist.
    pub fn row(&self, row: usize) -> &[T] {
        &self.values[row * self.stride..][..self.width]
    }

    /// Row `row`, mutable.
    ///
    /// # Panics
    /// If it does not exist.
    pub fn row_mut(&mut self, row: usize) -> &mut [T] {
        &mut self.values[row * self.stride..][..self.width]
    }

    /// The same rows for several threads, each of which writes only its own rows or columns.
    pub fn shared(&mut self) -> SharedRows<'_, T> {
        let Self { width, stride, .. } = *self;
        SharedRows { start: self.values.as_mut_ptr(), width, stride, lifetime: PhantomData }
    }
}

/// [`PaddedRows`] shared by several threads.
#[derive(Clone, Copy)]
pub struct SharedRows<'a, T> {
    start: *mut T,
    width: usize,
    stride: usize,
    lifetime: PhantomData<&'a mut [T]>,
}

// SAFETY: it is a pointer to values that may be sent to other threads. Code that reads or writes through it
// guarantees that there are no data races (see `row`, `view` and `ptr`).
unsafe impl<T: Send> Send for SharedRows<'_, T> {}
// SAFETY: the same.
unsafe impl<T: Send> Sync for SharedRows<'_, T> {}

impl<'a, T: SimdFloat> SharedRows<'a, T> {
    /// Row `row`.
    ///
    /// # Safety
    /// The row exists, and while the reference lives the row is not accessed in any other way.
    #[inline(always)]
    pub unsafe fn row(self, row: usize) -> &'a mut [T] {
        // SAFETY: the row exists, so it is inside the buffer, which is borrowed for 'a; the caller guarantees that
        // there is no other reference to it.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(row * self.stride), self.width) }
    }

    /// The given columns of row `row`.
    ///
    /// # Safety
    /// The row and the columns exist, and while the reference lives these values are not accessed in any other way.
    #[inline(always)]
    pub unsafe fn part(self, row: usize, columns: Range<usize>) -> &'a mut [T] {
        debug_assert!(columns.start <= columns.end && columns.end <= self.width);
        // SAFETY: the row and its columns exist, so they are inside the buffer, which is borrowed for 'a; the caller
        // guarantees that there is no other reference to them.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(row * self.stride + columns.start), columns.len()) }
    }

    /// The given columns of row `row`, to read.
    ///
    /// # Safety
    /// The row and the columns exist, and nothing writes to these values while the reference lives.
    #[inline(always)]
    pub unsafe fn read_part(self, row: usize, columns: Range<usize>) -> &'a [T] {
        debug_assert!(columns.start <= columns.end && columns.end <= self.width);
        // SAFETY: the row and its columns exist, so they are inside the buffer, which is borrowed for 'a; the caller
        // guarantees that nothing writes there.
        unsafe { std::slice::from_raw_parts(self.start.add(row * self.stride + columns.start), columns.len()) }
    }

    /// The given rows and columns, to read.
    ///
    /// # Safety
    /// The rows, at least one, and the columns exist; and nothing writes to the rows while the view is used.
    #[inline(always)]
    pub unsafe fn view(self, rows: Range<usize>, columns: Range<usize>) -> MatrixView<'a, T> {
        let first = rows.start * self.stride + columns.start;
        let len = (rows.len() - 1) * self.stride + columns.len();
        // SAFETY: from the first value of the first row to the last one of the last row, all is inside the
        // buffer; the caller guarantees that nothing writes there.
        let values = unsafe { std::slice::from_raw_parts(self.start.add(first), len) };
        MatrixView::new(values, [rows.len(), columns.len()], [self.stride, 1])
    }

    /// The matrix from this row and column on, to write to.
    ///
    /// # Safety
    /// The row and column exist. All writes are inside existing rows and before 'a ends; and what is written is not
    /// accessed in any other way at the same time.
    #[inline(always)]
    pub unsafe fn ptr(self, row: usize, column: usize) -> MatrixPtr<T> {
        // SAFETY: the row is inside the buffer; the caller guarantees the rest.
        unsafe { MatrixPtr::new(self.start.add(row * self.stride + column), self.stride) }
    }
}
