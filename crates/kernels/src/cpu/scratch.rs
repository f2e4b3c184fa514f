//! A pool of scratch buffers: each training step needs the same buffers as the step before.
//!
//! New memory costs a page fault every 4 KiB and has to be zeroed. A buffer from the pool costs neither, and is
//! aligned to a cache line.

use std::ops::{Deref, DerefMut};
use std::sync::Mutex;

use super::simd_float::SimdFloat;

/// A cache line of 64 bytes.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Buffers that are not in use.
static FREE: Mutex<Vec<Vec<Line>>> = Mutex::new(Vec::new());

/// A buffer of `len` values; returned to the pool when dropped.
pub struct Scratch<T> {
    lines: Vec<Line>,
    len: usize,
    element: std::marker::PhantomData<T>,
}

impl<T: SimdFloat> Scratch<T> {
    /// A buffer with unspecified contents.
    ///
    /// # Panics
    /// If the size in bytes overflows.
    pub fn new(len: usize) -> Self {
        let needed = len.checked_mul(size_of::<T>()).expect("the size in bytes overflows").div_ceil(64);
        let mut free = FREE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let fits = |lines: &Vec<Line>| (needed..=2 * needed + 16).contains(&lines.len());
        let smallest = (0..free.len()).filter(|&at| fits(&free[at])).min_by_key(|&at| free[at].len());
        let lines = smallest.map(|at| free.swap_remove(at));
        drop(free);
        let lines = lines.unwrap_or_else(|| vec![Line([0; 64]); needed]);
        Self { lines, len, element: std::marker::PhantomData }
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

impl<T: SimdFloat> Deref for Scratch<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: the lines hold at least the bytes of `len` values (see `new`), all initialized, at an address
        // that is a multiple of 64, and any bytes are valid values of type f32 or f64.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl<T: SimdFloat> DerefMut for Scratch<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above; and this owns the buffer, and is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Larger than any other test needs, so that no other test takes the buffer in between.
    const LARGE: usize = 1 << 23;

    #[test]
    fn a_buffer_is_reused() {
        let mut scratch = Scratch::<f64>::new(LARGE);
        scratch[LARGE - 1] = 7.0;
        let address = scratch.as_ptr();
        drop(scratch);
        let again = Scratch::<f32>::new(2 * LARGE - 3);
        assert_eq!(again.as_ptr().cast(), address);
        assert_eq!(again.len(), 2 * LARGE - 3);
        drop(again);
        // A buffer more than twice as large as needed is not reused.
        assert_ne!(Scratch::<f64>::new(LARGE / 2 - 100).as_ptr(), address);
        let zeros = Scratch::<f64>::zeros(LARGE);
        assert_eq!(zeros.as_ptr(), address);
        assert_eq!(zeros[LARGE - 1], 0.0);
    }

    #[test]
    fn buffers_are_aligned_to_cache_lines_and_do_not_overlap() {
        let lengths = [0, 1, 15, 16, 17, 1000];
        let mut all: Vec<Scratch<f32>> = lengths.map(Scratch::new).into();
        for (at, scratch) in all.iter_mut().enumerate() {
            assert_eq!(scratch.as_ptr().addr() % 64, 0);
            scratch.fill(at as f32);
        }
        for (at, scratch) in all.iter().enumerate() {
            assert_eq!(scratch.len(), lengths[at]);
            assert!(scratch.iter().all(|&value| value == at as f32));
        }
    }

    #[test]
    #[should_panic = "the size in bytes overflows"]
    fn a_size_that_overflows_is_rejected() {
        Scratch::<f64>::new(usize::MAX / 4);
    }
}
