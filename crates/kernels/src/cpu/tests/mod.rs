//! Tests of the CPU kernels, at every SIMD level of this machine, in f32 and f64.

mod bf16;
mod cells;
mod elementwise;
mod fma_peak;
mod linear;
mod matmul;
mod optimizer;
mod reference_cells;
mod simd_float;
mod softmax;
mod softmax_loss;
mod threads;

use super::simd_float::SimdFloat;
use super::view::MatrixView;

/// Pseudo-random values between −1 and 1, fixed by `seed` (SplitMix64).
fn values(seed: u64, count: usize) -> Vec<f64> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) >> 11
    };
    // Rounded to f32, so that f32 and f64 start from the same values.
    (0..count).map(|_| (next() as f64 / (1u64 << 52) as f64 - 1.0) as f32 as f64).collect()
}

fn scaled(values: Vec<f64>, by: f64) -> Vec<f64> {
    values.into_iter().map(|value| (value * by) as f32 as f64).collect()
}

fn cast<T: SimdFloat>(values: &[f64]) -> Vec<T> {
    values.iter().map(|&value| T::from_f64(value)).collect()
}

/// A matrix that owns its memory, in one of the layouts.
struct Matrix<T> {
    values: Vec<T>,
    shape: [usize; 2],
    strides: [usize; 2],
}

/// The layout of a matrix.
#[derive(Clone, Copy, Debug)]
enum Layout {
    /// Row-major.
    Dense,
    /// Column-major.
    Transposed,
    /// Rows of a wider matrix.
    Slice,
}

impl<T: SimdFloat> Matrix<T> {
    fn new(values: &[f64], columns: usize, layout: Layout) -> Self {
        let shape @ [rows, _] = [values.len() / columns, columns];
        let (strides, count) = match layout {
            Layout::Dense => ([columns, 1], rows * columns),
            Layout::Transposed => ([1, rows], rows * columns),
            Layout::Slice => ([columns + 3, 1], rows * (columns + 3) - 3),
        };
        let mut memory = vec![T::from_f64(f64::NAN); count];
        for (at, &value) in values.iter().enumerate() {
            memory[at / columns * strides[0] + at % columns * strides[1]] = T::from_f64(value);
        }
        Self { values: memory, shape, strides }
    }

    fn view(&self) -> MatrixView<'_, T> {
        MatrixView::new(&self.values, self.shape, self.strides)
    }
}

/// # Panics
/// If the values differ by more than `tolerance` times the largest of them.
fn assert_near<T: SimdFloat>(what: &str, found: &[T], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}: length");
    let scale = expected.iter().fold(1.0, |largest: f64, value| largest.max(value.abs()));
    for (at, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let near = (found.to_f64() - expected).abs() <= tolerance * scale;
        assert!(near, "{what}[{at}] is {found:?}, expected {expected} (largest {scale})");
    }
}

/// The tolerance for rounding errors of f32 and f64.
fn tolerance<T: SimdFloat>() -> f64 {
    if size_of::<T>() == 4 { 2e-5 } else { 1e-10 }
}
