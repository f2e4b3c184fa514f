//! The softmax of a row of logits in f64, and draws from it, by the widest SIMD instructions of this CPU.

use crate::cpu::simd_level::SimdLevel;
use crate::cpu::softmax;

/// Replaces each logit x by e^((x − max) / `temperature`), its probability up to the sum of all. The largest logit becomes
/// 1, and −∞ becomes 0. Returns the sum: NaN if a logit is NaN or +∞, or none is finite.
pub fn softmax_weights(logits: &mut [f64], temperature: f64) -> f64 {
    softmax::softmax_weights(SimdLevel::selected(), logits, temperature)
}

/// The sum of the weights above `threshold`, which is not negative.
pub fn sum_of_weights(weights: &[f64], threshold: f64) -> f64 {
    softmax::sum_of_weights(SimdLevel::selected(), weights, threshold)
}

/// The index whose part of the cumulative sum of `weights` contains `uniform`, from 0 to below 1, times the sum of all. Never
/// that of a weight of 0, unless all are.
pub fn draw(weights: &[f64], uniform: f64) -> usize {
    softmax::draw(SimdLevel::selected(), weights, uniform)
}
