//! Matrices that lie somewhere in memory: to read from, and to write to.

use std::marker::PhantomData;
use std::ops::Range;

use super::number::Number;

/// A matrix somewhere in memory, with any distance between its rows and between its columns.
#[derive(Clone, Copy)]
pub struct View<'a, T> {
    pub(super) start: *const T,
    /// How many rows.
    pub(crate) rows: usize,
    /// How many columns.
    pub(crate) columns: usize,
    pub(super) row_stride: usize,
    pub(super) column_stride: usize,
    memory: PhantomData<&'a [T]>,
}

// SAFETY: a view is a shared slice with strides, and may go where a shared slice may.
unsafe impl<T: Sync> Send for View<'_, T> {}
// SAFETY: the same.
unsafe impl<T: Sync> Sync for View<'_, T> {}

impl<'a, T: Number> View<'a, T> {
    /// `rows` × `columns` numbers of `slice`, from one row to the next `row` numbers on, and from one column
    /// to the next `column` numbers on.
    ///
    /// # Panics
    /// If the last of them lies outside.
    pub fn new(slice: &'a [T], [rows, columns]: [usize; 2], [row, column]: [usize; 2]) -> Self {
        let offset = |count: usize, stride| count.saturating_sub(1).saturating_mul(stride);
        let last = offset(rows, row).saturating_add(offset(columns, column));
        let empty = rows == 0 || columns == 0;
        assert!(empty || last < slice.len(), "a view must lie inside its slice");
        let start = slice.as_ptr();
        Self { start, rows, columns, row_stride: row, column_stride: column, memory: PhantomData }
    }

    /// Rows of `columns` numbers that follow one another.
    pub fn dense(slice: &'a [T], columns: usize) -> Self {
        Self::new(slice, [slice.len() / columns.max(1), columns], [columns, 1])
    }

    /// Whether both are the same numbers.
    pub fn is(&self, other: &Self) -> bool {
        let lie = |view: &Self| (view.start, view.row_stride, view.column_stride);
        lie(self) == lie(other) && (self.rows, self.columns) == (other.rows, other.columns)
    }

    /// Rows and columns exchanged.
    pub fn transposed(self) -> Self {
        let Self { rows, columns, row_stride, column_stride, .. } = self;
        Self {
            rows: columns,
            columns: rows,
            row_stride: column_stride,
            column_stride: row_stride,
            ..self
        }
    }

    /// The rows of `range`.
    ///
    /// # Panics
    /// If there are fewer.
    pub fn rows(self, range: Range<usize>) -> Self {
        assert!(range.end <= self.rows && range.start <= range.end);
        let start = self.start.wrapping_add(range.start * self.row_stride);
        Self { start, rows: range.len(), ..self }
    }

    /// The columns of `range`.
    ///
    /// # Panics
    /// If there are fewer.
    pub fn columns(self, range: Range<usize>) -> Self {
        self.transposed().rows(range).transposed()
    }

    /// Writes the numbers of a single row to `to`.
    ///
    /// # Panics
    /// If there are several rows, or another count of numbers.
    #[inline(always)]
    pub fn copy_to(self, to: &mut [T]) {
        assert!(self.rows == 1 && self.columns == to.len());
        // SAFETY: there is a row, and as many columns as numbers (see above).
        to.iter_mut().enumerate().for_each(|(column, to)| *to = unsafe { self.at(0, column) });
    }

    /// Adds the numbers of a single row to those of `to`, which may be more.
    ///
    /// # Panics
    /// If there are several rows, or more numbers.
    #[inline(always)]
    pub fn add_to(self, to: &mut [T]) {
        assert!(self.rows == 1 && self.columns <= to.len());
        let to = to[..self.columns].iter_mut().enumerate();
        // SAFETY: there is a row, and a column for each of these numbers (see above).
        to.for_each(|(column, number)| *number += unsafe { self.at(0, column) });
    }

    /// Where row `row` begins.
    #[inline(always)]
    pub(super) fn row(&self, row: usize) -> *const T {
        self.start.wrapping_add(row * self.row_stride)
    }

    /// The number in row `row` and column `column`.
    ///
    /// # Safety
    /// There is such a row and such a column.
    #[inline(always)]
    pub(super) unsafe fn at(&self, row: usize, column: usize) -> T {
        debug_assert!(row < self.rows && column < self.columns);
        // SAFETY: `new` has seen to it that all rows and columns lie inside the slice, and what was cut out
        // of the view since then has no others; the slice is borrowed for 'a.
        unsafe { *self.start.add(row * self.row_stride + column * self.column_stride) }
    }
}

/// Where C goes: rows of numbers that follow one another, `stride` apart.
#[derive(Clone, Copy)]
pub struct Target<T> {
    pub(super) start: *mut T,
    stride: usize,
}

// SAFETY: it is a pointer to numbers that may go to other threads; who makes it answers for it that what one
// thread writes through it no other one reads or writes at the same time (see `Target::new`).
unsafe impl<T: Send> Send for Target<T> {}
// SAFETY: the same.
unsafe impl<T: Send> Sync for Target<T> {}

impl<T> Target<T> {
    /// A matrix that begins at `start`.
    ///
    /// # Safety
    /// All that is written by it, or by what [`Target::from`] makes of it, lies in memory that lives as long
    /// as that is used; and while it is written, it is not read or written in any other way, by this
    /// thread or another.
    pub unsafe fn new(start: *mut T, stride: usize) -> Self {
        Self { start, stride }
    }

    /// The same matrix from this row and column on.
    pub fn from(self, row: usize, column: usize) -> Self {
        let start = self.start.wrapping_add(row * self.stride + column);
        Self { start, ..self }
    }

    /// Writes `numbers` to the beginning of the first row.
    ///
    /// # Safety
    /// The row holds as many, and may be written (see [`Target::new`]).
    #[inline(always)]
    pub unsafe fn write(self, numbers: &[T]) {
        // SAFETY: the caller says so; and `numbers` lie elsewhere, since nobody reads where this writes.
        unsafe { self.start.copy_from_nonoverlapping(numbers.as_ptr(), numbers.len()) }
    }
}

impl<T: Number> Target<T> {
    /// Adds `numbers` to those at the beginning of the first row.
    ///
    /// # Safety
    /// The row holds as many, they were written before, and may be written (see [`Target::new`]).
    #[inline(always)]
    pub unsafe fn add(self, numbers: &[T]) {
        for (at, &number) in numbers.iter().enumerate() {
            // SAFETY: the caller says so.
            unsafe { *self.start.add(at) += number };
        }
    }
}
