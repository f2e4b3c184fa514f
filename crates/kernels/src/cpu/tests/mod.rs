//! What every kernel must hold to, on every set of vector instructions that this machine has, and for both
//! kinds of numbers.

mod cells;
mod naive;
mod number;
mod optimizer;
mod product;
mod softmax_loss;
mod threads;

use super::number::Number;
use super::view::View;

/// Numbers between −1 and 1, always the same for a seed (SplitMix64).
fn numbers(seed: u64, count: usize) -> Vec<f64> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) >> 11
    };
    // Rounded to f32, so that both kinds of numbers begin with the same.
    (0..count).map(|_| (next() as f64 / (1u64 << 52) as f64 - 1.0) as f32 as f64).collect()
}

fn scaled(numbers: Vec<f64>, by: f64) -> Vec<f64> {
    numbers.into_iter().map(|number| (number * by) as f32 as f64).collect()
}

fn of<T: Number>(numbers: &[f64]) -> Vec<T> {
    numbers.iter().map(|&number| T::of(number)).collect()
}

/// A matrix in memory of its own, in one of the ways in which matrices lie there.
struct Matrix<T> {
    numbers: Vec<T>,
    shape: [usize; 2],
    strides: [usize; 2],
}

/// How a matrix lies in memory.
#[derive(Clone, Copy, Debug)]
enum Lie {
    /// Row after row.
    Dense,
    /// Column after column.
    Transposed,
    /// Row after row of a wider matrix.
    Slice,
}

impl<T: Number> Matrix<T> {
    fn new(numbers: &[f64], columns: usize, lie: Lie) -> Self {
        let shape @ [rows, _] = [numbers.len() / columns, columns];
        let (strides, count) = match lie {
            Lie::Dense => ([columns, 1], rows * columns),
            Lie::Transposed => ([1, rows], rows * columns),
            Lie::Slice => ([columns + 3, 1], rows * (columns + 3) - 3),
        };
        let mut lying = vec![T::of(f64::NAN); count];
        for (at, &number) in numbers.iter().enumerate() {
            lying[at / columns * strides[0] + at % columns * strides[1]] = T::of(number);
        }
        Self { numbers: lying, shape, strides }
    }

    fn view(&self) -> View<'_, T> {
        View::new(&self.numbers, self.shape, self.strides)
    }
}

/// # Panics
/// If the numbers differ by more than `tolerance`, measured by the largest of them.
fn assert_near<T: Number>(what: &str, found: &[T], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}: another count");
    let scale = expected.iter().fold(1.0, |largest: f64, number| largest.max(number.abs()));
    for (at, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let near = (found.wide() - expected).abs() <= tolerance * scale;
        assert!(near, "{what}[{at}] is {found:?}, expected {expected} (largest {scale})");
    }
}

/// What of f32 and f64 may get lost on the way.
fn tolerance<T: Number>() -> f64 {
    if size_of::<T>() == 4 { 2e-5 } else { 1e-10 }
}
