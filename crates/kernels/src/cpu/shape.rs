//! The sizes of one call, and the memory that its threads share.

use std::marker::PhantomData;
use std::ops::Range;

use super::number::Number;
use super::scratch::Scratch;
use super::view::{Target, View};

/// N sequences of T steps, from D numbers to H units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// N.
    pub batch: usize,
    /// T.
    pub time: usize,
    /// D.
    pub inputs: usize,
    /// H.
    pub units: usize,
}

impl Shape {
    /// The parts of a batch that the threads take, one each: whole sequences, so that no thread ever
    /// waits for another.
    pub fn parts(&self) -> Vec<Range<usize>> {
        let count = rayon::current_num_threads().min(self.batch);
        (0..count).map(|part| part * self.batch / count..(part + 1) * self.batch / count).collect()
    }
}

/// Rows of numbers, a fixed distance apart. The distance is never a multiple of 4096 bytes: such rows
/// would push one another out of the first cache.
#[derive(Debug)]
pub struct Rows<T: Number> {
    numbers: Scratch<T>,
    count: usize,
    /// Numbers in a row, a multiple of [`Number::PAD`].
    pub(super) width: usize,
    stride: usize,
}

impl<T: Number> Rows<T> {
    /// `count` rows of at least `width` numbers of any value.
    ///
    /// # Panics
    /// If no memory is that large.
    pub fn new(count: usize, width: usize) -> Self {
        let width = width.next_multiple_of(T::PAD);
        let stride = width + T::PAD;
        let len = count.checked_mul(stride).expect("fewer numbers than addresses");
        Self { numbers: Scratch::new(len), count, width, stride }
    }

    /// Numbers in a row, with those that only fill up.
    pub fn width(&self) -> usize {
        self.width
    }

    /// How many rows.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The first `columns` numbers of all rows.
    pub fn all(&self, columns: usize) -> View<'_, T> {
        self.view(0..self.count, 0..columns)
    }

    /// The rows of `rows`, and of each the numbers of `columns`.
    ///
    /// # Panics
    /// If the last of them lies outside.
    pub fn view(&self, rows: Range<usize>, columns: Range<usize>) -> View<'_, T> {
        let numbers = &self.numbers[rows.start * self.stride + columns.start..];
        View::new(numbers, [rows.len(), columns.len()], [self.stride, 1])
    }

    /// Row `row`.
    ///
    /// # Panics
    /// If there is none.
    pub fn row(&self, row: usize) -> &[T] {
        &self.numbers[row * self.stride..][..self.width]
    }

    /// Row `row`, to write to.
    ///
    /// # Panics
    /// If there is none.
    pub fn row_mut(&mut self, row: usize) -> &mut [T] {
        &mut self.numbers[row * self.stride..][..self.width]
    }

    /// The same rows for several threads, each of which keeps to rows of its own.
    pub fn shared(&mut self) -> Shared<'_, T> {
        let Self { width, stride, .. } = *self;
        Shared { start: self.numbers.as_mut_ptr(), width, stride, memory: PhantomData }
    }
}

/// [`Rows`] in the hands of several threads.
#[derive(Clone, Copy)]
pub struct Shared<'a, T> {
    start: *mut T,
    width: usize,
    stride: usize,
    memory: PhantomData<&'a mut [T]>,
}

// SAFETY: it is a pointer to numbers that may go to other threads; who reads or writes through it answers
// for it that nobody else does so at the same time (see `row`, `view` and `target`).
unsafe impl<T: Send> Send for Shared<'_, T> {}
// SAFETY: the same.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T: Number> Shared<'a, T> {
    /// Row `row`.
    ///
    /// # Safety
    /// There is such a row, and while it is held it is not read or written in any other way.
    #[inline(always)]
    pub unsafe fn row(self, row: usize) -> &'a mut [T] {
        // SAFETY: there is such a row, so it lies inside the memory that this was made from, which is
        // borrowed for 'a; the caller sees to it that nothing else refers to it.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(row * self.stride), self.width) }
    }

    /// Some rows as a matrix to read.
    ///
    /// # Safety
    /// There are such rows, one or more, and such columns; and while it is used nobody writes to these
    /// rows.
    #[inline(always)]
    pub unsafe fn view(self, rows: Range<usize>, columns: Range<usize>) -> View<'a, T> {
        let first = rows.start * self.stride + columns.start;
        let len = (rows.len() - 1) * self.stride + columns.len();
        // SAFETY: from the first number of the first row to the last one of the last row, all lies inside
        // the memory that this was made from; the caller sees to it that nobody writes there.
        let numbers = unsafe { std::slice::from_raw_parts(self.start.add(first), len) };
        View::new(numbers, [rows.len(), columns.len()], [self.stride, 1])
    }

    /// All from this row and column on, as a matrix to write to.
    ///
    /// # Safety
    /// There is such a row and column. All that is written by it lies inside rows that there are, before 'a
    /// ends; and while it is written, it is not read or written in any other way.
    #[inline(always)]
    pub unsafe fn target(self, row: usize, column: usize) -> Target<T> {
        // SAFETY: the row lies inside the memory that this was made from; for the rest the caller answers.
        unsafe { Target::new(self.start.add(row * self.stride + column), self.stride) }
    }
}
