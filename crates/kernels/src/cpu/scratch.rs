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
    pub fn new(len: usize) -> Self {
        let needed = (len * size_of::<T>()).div_ceil(64);
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
        // SAFETY: the lines hold at least `len` numbers' bytes, all of them written, and any bytes are
        // numbers of type f32 or f64.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl<T: Number> DerefMut for Scratch<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as above, and nobody else holds this buffer.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}
