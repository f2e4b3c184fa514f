//! Weights of a softmax against the standard library's `exp`, and draws against a search value by value.

use super::super::simd_level::SimdLevel;
use super::super::softmax::{draw, softmax_weights, sum_of_weights};
use super::{assert_near, values};

/// Lengths around those of vectors and blocks.
const LENGTHS: [usize; 9] = [1, 2, 7, 8, 9, 63, 64, 65, 300];

/// Each SIMD level with each length.
fn cases() -> impl Iterator<Item = (SimdLevel, usize)> {
    SimdLevel::available().into_iter().flat_map(|level| LENGTHS.map(|length| (level, length)))
}

#[test]
fn weights_are_powers_and_sums_have_a_threshold() {
    for (level, length) in cases() {
        for temperature in [0.3, 1.0, 5e-324] {
            let mut logits = values(length as u64, length);
            logits[length / 2] = f64::NEG_INFINITY;
            logits[length - 1] = 2.0;
            let expected: Vec<f64> = logits.iter().map(|x| ((x - 2.0) / temperature).exp()).collect();
            let mut weights = logits;
            let sum = softmax_weights(level, &mut weights, temperature);
            assert_near("weights", &weights, &expected, 1e-15);
            assert_eq!(weights[length - 1], 1.0);
            for threshold in [0.0, 0.2] {
                let expected: f64 = weights.iter().filter(|&&weight| weight > threshold).sum();
                assert!((sum_of_weights(level, &weights, threshold) - expected).abs() < 1e-12);
            }
            assert!((sum - sum_of_weights(level, &weights, 0.0)).abs() < 1e-12);
        }
    }
}

#[test]
fn logits_that_are_not_finite_give_nan() {
    for (level, length) in cases() {
        for (at, logit) in [(0, f64::NAN), (length - 1, f64::NAN), (length / 2, f64::INFINITY)] {
            let mut logits = vec![-1.0; length];
            logits[at] = logit;
            assert!(softmax_weights(level, &mut logits, 1.0).is_nan(), "{logit} at {at} of {length} by {level:?}");
        }
        assert!(softmax_weights(level, &mut vec![f64::NEG_INFINITY; length], 1.0).is_nan());
    }
}

#[test]
fn a_draw_inverts_the_cumulative_sum() {
    for (level, length) in cases() {
        // Multiples of 2⁻⁴, so that sums are exact in any order.
        let weights = values(3, length).into_iter().map(|value| (value * 16.0).round().max(0.0) / 16.0);
        let mut weights: Vec<f64> = weights.collect();
        weights[length / 2] = 0.5;
        let total: f64 = weights.iter().sum();
        for step in 0..64 {
            let uniform = f64::from(step) / 64.0;
            let mut cumulative = 0.0;
            let expected = weights.iter().position(|weight| {
                cumulative += weight;
                uniform * total < cumulative
            });
            assert_eq!(Some(draw(level, &weights, uniform)), expected);
        }
        let last = weights.iter().rposition(|&weight| weight > 0.0);
        assert_eq!(Some(draw(level, &weights, 1.0 - f64::EPSILON / 2.0)), last);
    }
}

#[test]
fn the_first_index_is_drawn_if_all_weights_are_zero() {
    for (level, length) in cases() {
        for uniform in [0.0, 0.5, 1.0 - f64::EPSILON / 2.0] {
            assert_eq!(draw(level, &vec![0.0; length], uniform), 0);
        }
    }
}
