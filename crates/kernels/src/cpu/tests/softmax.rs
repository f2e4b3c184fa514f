//! Weights of a softmax against the standard library's `exp`, and draws against a search value by value.

use super::super::softmax::{draw, softmax_weights, sum_of_weights};
use super::{assert_near, values};

/// Lengths around those of vectors and blocks.
const LENGTHS: [usize; 9] = [1, 2, 7, 8, 9, 63, 64, 65, 300];

#[test]
fn weights_are_powers_and_sums_have_a_threshold() {
    for length in LENGTHS {
        for temperature in [0.3, 1.0, 5e-324] {
            let mut logits = values(length as u64, length);
            logits[length / 2] = f64::NEG_INFINITY;
            logits[length - 1] = 2.0;
            let expected: Vec<f64> = logits.iter().map(|x| ((x - 2.0) / temperature).exp()).collect();
            let mut weights = logits;
            let sum = softmax_weights(&mut weights, temperature);
            assert_near("weights", &weights, &expected, 1e-15);
            assert_eq!(weights[length - 1], 1.0);
            for threshold in [0.0, 0.2] {
                let expected: f64 = weights.iter().filter(|&&weight| weight > threshold).sum();
                assert!((sum_of_weights(&weights, threshold) - expected).abs() < 1e-12);
            }
            assert!((sum - sum_of_weights(&weights, 0.0)).abs() < 1e-12);
        }
    }
}

#[test]
fn logits_that_are_not_finite_give_nan() {
    for length in LENGTHS {
        for (at, logit) in [(0, f64::NAN), (length - 1, f64::NAN), (length / 2, f64::INFINITY)] {
            let mut logits = vec![-1.0; length];
            logits[at] = logit;
            assert!(softmax_weights(&mut logits, 1.0).is_nan(), "{logit} at {at} of {length}");
        }
        assert!(softmax_weights(&mut vec![f64::NEG_INFINITY; length], 1.0).is_nan());
    }
}

#[test]
fn a_draw_inverts_the_cumulative_sum() {
    for length in LENGTHS {
        // Multiples of 2⁻⁴, so that sums are exact in any order.
        let weights: Vec<f64> = values(3, length).iter().map(|value| (value * 16.0).round().max(0.0) / 16.0).collect();
        let total: f64 = weights.iter().sum();
        if total == 0.0 {
            continue;
        }
        for step in 0..64 {
            let uniform = f64::from(step) / 64.0;
            let mut cumulative = 0.0;
            let expected = weights.iter().position(|weight| {
                cumulative += weight;
                uniform * total < cumulative
            });
            assert_eq!(Some(draw(&weights, uniform)), expected);
        }
        let last = weights.iter().rposition(|&weight| weight > 0.0);
        assert_eq!(Some(draw(&weights, 1.0 - f64::EPSILON / 2.0)), last);
    }
}
