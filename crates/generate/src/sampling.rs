//! From logits to probabilities: temperature, top-k, top-p and min-p.

use serde::{Deserialize, Serialize};

use seqdata::ConfigError;

use crate::error::{Error, Result};

/// How the next token is sampled.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// τ divides the logits; 0 is greedy decoding.
    pub temperature: f64,
    /// Keeps only the k most likely tokens (Fan et al. 2018).
    pub top_k: Option<usize>,
    /// Keeps only the most likely tokens whose probabilities sum to this value (nucleus sampling,
    /// Holtzman et al. 2020).
    pub top_p: Option<f64>,
    /// Keeps only tokens with at least this fraction of the highest probability (Nguyen et al. 2024).
    pub min_p: Option<f64>,
    /// No n-gram of this length occurs twice in a text.
    #[serde(rename = "no_repeat")]
    pub no_repeat_ngram: Option<usize>,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { temperature: 1.0, top_k: None, top_p: None, min_p: None, no_repeat_ngram: None }
    }
}

impl Sampling {
    /// Checks the values.
    ///
    /// # Errors
    /// Names the first option that is out of range.
    pub fn check(&self) -> Result<()> {
        let reject = |key, found: f64, expected| Err(ConfigError::new(key, found, expected).into());
        let Self { temperature, top_k, top_p, min_p, no_repeat_ngram } = *self;
        if !(temperature >= 0.0 && temperature.is_finite()) {
            return reject("temperature", temperature, "a number of 0 or more");
        }
        for (key, fraction) in [("top_p", top_p), ("min_p", min_p)] {
            if let Some(fraction) = fraction.filter(|&p| !(p > 0.0 && p <= 1.0)) {
                return reject(key, fraction, "a number above 0 and at most 1");
            }
        }
        for (key, count) in [("top_k", top_k), ("no_repeat_ngram", no_repeat_ngram)] {
            if count == Some(0) {
                return reject(key, 0.0, "1 or more");
            }
        }
        Ok(())
    }

    /// The probability of each token: softmax of `logits / τ` in f64, over the tokens that the
    /// filters keep. A logit of −∞ gives probability 0. The filters are applied in the order top-k,
    /// min-p, top-p. With τ = 0 the most likely token (the first of equals) has probability 1.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if a logit is NaN or +∞, or none is finite.
    pub fn probabilities(&self, logits: &[f64]) -> Result<Vec<f64>> {
        let best = argmax(logits);
        let max = logits[best];
        if !max.is_finite() || logits.iter().any(|logit| logit.is_nan()) {
            return Err(Error::NotFinite);
        }
        if self.temperature == 0.0 {
            let mut certain = vec![0.0; logits.len()];
            certain[best] = 1.0;
            return Ok(certain);
        }
        let weight = |logit: &f64| ((logit - max) / self.temperature).exp();
        let mut weights: Vec<f64> = logits.iter().map(weight).collect();
        if self.top_k.is_some() || self.top_p.is_some() || self.min_p.is_some() {
            self.filter(&mut weights);
        }
        let total: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= total);
        Ok(weights)
    }

    /// Sets the weight of every token that is filtered out to zero.
    fn filter(&self, weights: &mut [f64]) {
        let mut order: Vec<usize> = (0..weights.len()).collect();
        // A stable sort: equal weights stay in the order of their ids, so that a seed gives one text.
        order.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]));
        let mut kept = self.top_k.unwrap_or(order.len()).min(order.len());
        if let Some(fraction) = self.min_p {
            // The most likely token has weight 1.
            kept = kept.min(order.iter().take_while(|&&at| weights[at] >= fraction).count().max(1));
        }
        if let Some(fraction) = self.top_p {
            let total: f64 = order[..kept].iter().map(|&at| weights[at]).sum();
            let mut reached = 0.0;
            let mut count = 0;
            while count < kept && reached < fraction * total {
                reached += weights[order[count]];
                count += 1;
            }
            kept = count.max(1);
        }
        order[kept..].iter().for_each(|&at| weights[at] = 0.0);
    }
}

/// The index of the largest logit, the first of equals.
fn argmax(logits: &[f64]) -> usize {
    (0..logits.len()).fold(0, |best, at| if logits[at] > logits[best] { at } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGITS: [f64; 4] = [1.0, 3.0, 2.0, f64::NEG_INFINITY];

    fn probabilities(sampling: Sampling) -> Vec<f64> {
        let probabilities = sampling.probabilities(&LOGITS).unwrap();
        assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        probabilities
    }

    #[test]
    fn temperature_divides_the_logits() {
        for temperature in [0.2, 1.0, 5.0] {
            let found = probabilities(Sampling { temperature, ..Sampling::default() });
            assert!(((found[1] / found[2]).ln() - 1.0 / temperature).abs() < 1e-9);
            assert_eq!(found[3], 0.0);
        }
    }

    #[test]
    fn temperature_zero_is_greedy_and_near_zero_is_finite() {
        let greedy = probabilities(Sampling { temperature: 0.0, ..Sampling::default() });
        assert_eq!(greedy, [0.0, 1.0, 0.0, 0.0]);
        let nearly = probabilities(Sampling { temperature: 1e-300, ..Sampling::default() });
        assert_eq!(nearly, greedy);
        let equal = Sampling { temperature: 0.0, ..Sampling::default() };
        let equal = equal.probabilities(&[2.0, 2.0]).unwrap();
        assert_eq!(equal, [1.0, 0.0]);
    }

    #[test]
    fn filters_keep_the_most_likely_tokens() {
        let kept = |sampling: Sampling| -> Vec<usize> {
            let found = probabilities(sampling);
            (0..found.len()).filter(|&at| found[at] > 0.0).collect()
        };
        let all = Sampling::default();
        assert_eq!(kept(Sampling { top_k: Some(2), ..all }), [1, 2]);
        assert_eq!(kept(Sampling { top_k: Some(99), ..all }), [0, 1, 2]);
        // The probabilities are 0.090, 0.665, 0.245.
        assert_eq!(kept(Sampling { top_p: Some(0.6), ..all }), [1]);
        assert_eq!(kept(Sampling { top_p: Some(0.7), ..all }), [1, 2]);
        assert_eq!(kept(Sampling { top_p: Some(1.0), ..all }), [0, 1, 2]);
        assert_eq!(kept(Sampling { min_p: Some(0.3), ..all }), [1, 2]);
        assert_eq!(kept(Sampling { min_p: Some(1.0), ..all }), [1]);
        assert_eq!(kept(Sampling { top_k: Some(2), top_p: Some(0.7), ..all }), [1]);
    }

    #[test]
    fn logits_that_are_not_finite_are_rejected() {
        for logits in [[f64::NAN, 1.0], [1.0, f64::NAN], [f64::NEG_INFINITY; 2], [f64::INFINITY; 2]] {
            let rejected = Sampling::default().probabilities(&logits);
            assert!(matches!(rejected, Err(Error::NotFinite)), "{logits:?}");
        }
    }

    #[test]
    fn values_out_of_range_are_rejected_by_name() {
        let all = Sampling::default();
        let cases = [
            (Sampling { temperature: -1.0, ..all }, "`temperature`"),
            (Sampling { temperature: f64::NAN, ..all }, "`temperature`"),
            (Sampling { top_p: Some(0.0), ..all }, "`top_p`"),
            (Sampling { top_p: Some(1.5), ..all }, "`top_p`"),
            (Sampling { min_p: Some(-0.1), ..all }, "`min_p`"),
            (Sampling { top_k: Some(0), ..all }, "`top_k`"),
            (Sampling { no_repeat_ngram: Some(0), ..all }, "`no_repeat_ngram`"),
        ];
        for (sampling, key) in cases {
            let error = sampling.check().unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
        all.check().unwrap();
    }
}
