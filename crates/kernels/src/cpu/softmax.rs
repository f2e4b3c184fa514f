//! The softmax of a row of logits in f64, and a draw from it: what sampling computes for a whole vocabulary.

use pulp::{Simd, WithSimd};

use super::simd_float::SimdFloat;
use super::simd_level::SimdLevel;

/// Weights that are summed at a time. A draw searches only one such block value by value.
const BLOCK: usize = 64;
/// Vectors of maxima, so that one comparison need not wait for the one before.
const MAXIMA: usize = 4;

/// Replaces each logit x by e^((x − max) / `temperature`), its probability up to the sum of all. The largest logit becomes
/// 1, and −∞ becomes 0. Returns the sum: NaN if a logit is NaN or +∞, or none is finite.
pub fn softmax_weights(level: SimdLevel, logits: &mut [f64], temperature: f64) -> f64 {
    // 1 / τ is infinite for the smallest numbers.
    let scale = temperature.recip().min(f64::MAX);
    level.run(Weigh { values: logits, scale })
}

/// The sum of the weights above `threshold`, which is not negative.
pub fn sum_of_weights(level: SimdLevel, weights: &[f64], threshold: f64) -> f64 {
    level.run(Sum { weights, threshold })
}

/// The index whose part of the cumulative sum of `weights` contains `uniform`, from 0 to below 1, times the sum of all. Never
/// that of a weight of 0, unless all are.
pub fn draw(level: SimdLevel, weights: &[f64], uniform: f64) -> usize {
    level.run(Draw { weights, uniform })
}

struct Weigh<'a, T> {
    values: &'a mut [T],
    scale: T,
}

impl<T: SimdFloat> WithSimd for Weigh<'_, T> {
    type Output = T;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> T {
        let Self { values, scale } = self;
        let (max, scale) = (T::splat(simd, largest::<T, S>(simd, values)), T::splat(simd, scale));
        let (vectors, rest) = T::vectors_mut::<S>(values);
        let mut sums = T::splat(simd, T::default());
        for x in vectors {
            *x = T::exp(simd, T::mul(simd, T::sub(simd, *x, max), scale));
            sums = T::add(simd, sums, *x);
        }
        let x = T::load_partial(simd, rest);
        T::store_partial(simd, rest, T::exp(simd, T::mul(simd, T::sub(simd, x, max), scale)));
        let mut sum = T::reduce_sum(simd, sums);
        for &x in &*rest {
            sum += x;
        }
        sum
    }
}

/// The largest value that is not NaN; −∞ if there is none.
#[inline(always)]
fn largest<T: SimdFloat, S: Simd>(simd: S, values: &[T]) -> T {
    let (vectors, rest) = T::vectors::<S>(values);
    let mut maxima = [T::splat(simd, T::from_f64(f64::NEG_INFINITY)); MAXIMA];
    for group in vectors.chunks(MAXIMA) {
        for (max, &x) in maxima.iter_mut().zip(group) {
            // NaN as the first operand is ignored.
            *max = T::max(simd, x, *max);
        }
    }
    let [a, b, c, d] = maxima;
    let mut largest = T::reduce_max(simd, T::max(simd, T::max(simd, a, b), T::max(simd, c, d)));
    for &x in rest {
        if x > largest {
            largest = x;
        }
    }
    largest
}

struct Sum<'a> {
    weights: &'a [f64],
    threshold: f64,
}

impl WithSimd for Sum<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        let mut sum = 0.0;
        for block in self.weights.chunks(BLOCK) {
            sum += sum_of_block(simd, block, self.threshold);
        }
        sum
    }
}

/// The sum of the values of a block that are above `threshold`.
#[inline(always)]
fn sum_of_block<T: SimdFloat, S: Simd>(simd: S, block: &[T], threshold: T) -> T {
    let threshold = T::splat(simd, threshold);
    let (vectors, rest) = T::vectors::<S>(block);
    let part = T::load_partial(simd, rest);
    let mut sum = T::where_positive(simd, T::sub(simd, part, threshold), part);
    for &vector in vectors {
        sum = T::add(simd, sum, T::where_positive(simd, T::sub(simd, vector, threshold), vector));
    }
    T::reduce_sum(simd, sum)
}

struct Draw<'a> {
    weights: &'a [f64],
    uniform: f64,
}

impl WithSimd for Draw<'_> {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> usize {
        let Self { weights, uniform } = self;
        let target = uniform * Sum { weights, threshold: 0.0 }.with_simd(simd);
        let mut before = 0.0;
        for (at, block) in weights.chunks(BLOCK).enumerate() {
            let after = before + sum_of_block(simd, block, 0.0);
            if target < after {
                // Added one by one the weights may sum to slightly less: then it is the last possible one of the block.
                let mut last = at * BLOCK;
                for (index, &weight) in (last..).zip(block) {
                    if weight > 0.0 {
                        (before, last) = (before + weight, index);
                        if target < before {
                            break;
                        }
                    }
                }
                return last;
            }
            before = after;
        }
        weights.iter().rposition(|&weight| weight > 0.0).unwrap_or(0)
    }
}
