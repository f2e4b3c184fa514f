//! Passes over the values of whole tensors: a product with a number, a weighted sum, and the sum of the squares.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::simd_float::SimdFloat;
use super::simd_level::SimdLevel;
use crate::profile::{self, Part};

/// Values that a thread processes at a time.
const CHUNK: usize = 1 << 15;

/// x ← a x.
pub fn scale<T: SimdFloat>(level: SimdLevel, factor: T, values: &mut [T]) {
    let _section = profile::section(Part::Waiting);
    values.par_chunks_mut(CHUNK).for_each(|values| {
        let _section = profile::section(Part::Optimizer);
        level.run(ScaledChunk(factor, values));
    });
}

struct ScaledChunk<'a, T>(T, &'a mut [T]);

impl<T: SimdFloat> WithSimd for ScaledChunk<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for value in self.1 {
            *value *= self.0;
        }
    }
}

/// x ← a x + b y, both products and the sum rounded.
///
/// # Panics
/// If the slices have different lengths.
pub fn weighted_sum<T: SimdFloat>(level: SimdLevel, [a, b]: [T; 2], x: &mut [T], y: &[T]) {
    assert_eq!(x.len(), y.len(), "x and y must have the same length");
    let _section = profile::section(Part::Waiting);
    x.par_chunks_mut(CHUNK).zip(y.par_chunks(CHUNK)).for_each(|(x, y)| {
        let _section = profile::section(Part::Optimizer);
        level.run(SumChunk { factors: [a, b], x, y });
    });
}

struct SumChunk<'a, T> {
    factors: [T; 2],
    x: &'a mut [T],
    y: &'a [T],
}

impl<T: SimdFloat> WithSimd for SumChunk<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { factors: [a, b], x, y } = self;
        for (x, &y) in x.iter_mut().zip(y) {
            let mut product = y;
            product *= b;
            *x *= a;
            *x += product;
        }
    }
}

/// Σ x². Each square is rounded, and added to one of eight sums in turn.
pub fn sum_of_squares<T: SimdFloat>(level: SimdLevel, values: &[T]) -> T {
    let _section = profile::section(Part::Optimizer);
    level.run(SumOfSquares(values))
}

struct SumOfSquares<'a, T>(&'a [T]);

impl<T: SimdFloat> WithSimd for SumOfSquares<'_, T> {
    type Output = T;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> T {
        let mut sums = [T::default(); 8];
        let (blocks, rest) = self.0.as_chunks::<8>();
        for block in blocks {
            for (sum, &value) in sums.iter_mut().zip(block) {
                *sum += square(value);
            }
        }
        let mut total = T::default();
        for at in 0..4 {
            let mut pair = sums[at];
            pair += sums[at + 4];
            total += pair;
        }
        for &value in rest {
            total += square(value);
        }
        total
    }
}

#[inline(always)]
fn square<T: SimdFloat>(value: T) -> T {
    let mut square = value;
    square *= value;
    square
}
