//! The softmax of a row of logits in f64, and draws from it, by the widest SIMD instructions of this CPU.

use crate::cpu::simd_level::SimdLevel;
use crate::cpu::softmax;

/// Replaces each logit x by e^((x − max) / `temperature`), its probability up to the sum of all. The largest logit becomes
/// 1, and −∞ becomes 0. Returns the sum: NaN if a logit is NaN or +∞, or none is finite.
pub fn softmax_weights(logits: &mut [f64], temperature: f64) -> f64 {
    softmax::softmax_weights(SimdLevel::selected(), logits, temperature)
}

/// ln softmax(`logits`) in f64; NaN if a logit is NaN or +∞, or none is finite.
pub fn log_softmax(logits: &[f32]) -> Vec<f64> {
    let log_sum = log_sum_exp(logits);
    logits.iter().map(|&logit| f64::from(logit) - log_sum).collect()
}

/// ln Σ exp(`logits`) in f64, which the log-probability of a token is its logit minus; NaN as for [`log_softmax`].
pub fn log_sum_exp(logits: &[f32]) -> f64 {
    let max = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    let mut weights: Vec<f64> = logits.iter().map(|&logit| logit.into()).collect();
    max + softmax_weights(&mut weights, 1.0).ln()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_softmax_is_the_logarithm_of_the_probabilities() {
        let logits = [1.0, 3.0, 2.0, f32::NEG_INFINITY];
        let sum: f64 = logits.iter().map(|&logit| f64::from(logit).exp()).sum();
        for (log_prob, logit) in log_softmax(&logits).iter().zip(logits) {
            assert!((log_prob.exp() - f64::from(logit).exp() / sum).abs() < 1e-12);
        }
        assert!((log_sum_exp(&logits) - sum.ln()).abs() < 1e-12);
        assert!(log_softmax(&[f32::NAN, 1.0]).iter().all(|log_prob| log_prob.is_nan()));
    }
}
