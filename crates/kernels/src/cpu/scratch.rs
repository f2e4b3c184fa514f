//! Memory that is used again and again: what a step needs, the next step needs too.
//!
//! Fresh memory costs a page fault every 4 KiB and a pass of zeros; a buffer from here costs neither,
//! and begins at a cache line.

use std::ops::{Deref, DerefMut};
use std::sync::Mutex;

use super::number::Number;

/// A cache line of 64 bytes.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Buffers nobody holds.
static FREE: Mutex<Vec<Vec<Line>>> = Mutex::new(Vec::new());

/// `len` numbers of any value; they go back when this is dropped.
pub struct Scratch<T> {
    lines: Vec<Line>,
    len: usize,
    numbers: std::marker::PhantomData<T>,
}

impl<T: Number> Scratch<T> {
    /// A buffer with whatever it held before.
    ///
    /// # Panics
    /// If no memory is that large.
    pub fn new(len: usize) -> Self {
        let needed =
            len.checked_mul(size_of::<T>()).expect("fewer bytes than addresses").div_ceil(64);
        let mut free = FREE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let fits = |lines: &Vec<Line>| (needed..=2 * needed + 16).contains(&lines.len());
        let smallest =
            (0..free.len()).filter(|&at| fits(&free[at])).min_by_key(|&at| free[at].len());
        let lines = smallest.map(|at| free.swap_remove(at));
        drop(free);
        let lines = lines.unwrap_or_else(|| vec![Line([0; 64]); needed]);
        Self { lines, len, numbers: std::marker::PhantomData }
    }

    /// A buffer of zeros.
    pub fn zeros(len: usize) -> Self {
        let mut scratch = Self::new(len);
        scratch.fill(T::default());
        scratch
    }
}

impl<T> std::fmt::Debug for Scratch<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Scratch({})", self.len)
    }
}

impl<T> Drop for Scratch<T> {
    fn drop(&mut self) {
        let mut free = FREE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        free.push(std::mem::take(&mut self.lines));
    }
}

impl<T: Number> Deref for Scratch<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: the lines hold at least `len` numbers' bytes (see `new`), all of them written, at an
        // address that is a multiple of 64, and any bytes are numbers of type f32 or f64.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl<T: Number> DerefMut for Scratch<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above; and the buffer is this one's alone, which is borrowed to be written to.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Larger than any other test needs: nobody else may take it in between.
    const LARGE: usize = 1 << 23;

    #[test]
    fn a_buffer_comes_back() {
        let mut scratch = Scratch::<f64>::new(LARGE);
        scratch[LARGE - 1] = 7.0;
        let address = scratch.as_ptr();
        drop(scratch);
        let again = Scratch::<f32>::new(2 * LARGE - 3);
        assert_eq!(again.as_ptr().cast(), address);
        assert_eq!(again.len(), 2 * LARGE - 3);
        drop(again);
        // Twice the memory that is needed is too much.
        assert_ne!(Scratch::<f64>::new(LARGE / 2 - 100).as_ptr(), address);
        let zeros = Scratch::<f64>::zeros(LARGE);
        assert_eq!(zeros.as_ptr(), address);
        assert_eq!(zeros[LARGE - 1], 0.0);
    }

    #[test]
    fn buffers_begin_at_cache_lines_and_do_not_overlap() {
        let lengths = [0, 1, 15, 16, 17, 1000];
        let mut all: Vec<Scratch<f32>> = lengths.map(Scratch::new).into();
        for (at, scratch) in all.iter_mut().enumerate() {
            assert_eq!(scratch.as_ptr().addr() % 64, 0);
            scratch.fill(at as f32);
        }
        for (at, scratch) in all.iter().enumerate() {
            assert_eq!(scratch.len(), lengths[at]);
            assert!(scratch.iter().all(|&number| number == at as f32));
        }
    }

    #[test]
    #[should_panic = "fewer bytes than addresses"]
    fn more_than_all_memory_is_refused() {
        Scratch::<f64>::new(usize::MAX / 4);
    }
}
