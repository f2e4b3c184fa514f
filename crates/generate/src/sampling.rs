//! From logits to probabilities: temperature and the filters that leave tokens out.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How boldly a token is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// τ divides the logits; 0 always takes the likeliest token.
    pub temperature: f64,
    /// Only the k likeliest tokens stay (Fan et al. 2018).
    pub top_k: Option<usize>,
    /// Only the likeliest tokens stay that together reach this probability (nucleus sampling,
    /// Holtzman et al. 2020).
    pub top_p: Option<f64>,
    /// Only tokens stay with at least this share of the likeliest one's probability (Nguyen et
    /// al. 2024).
    pub min_p: Option<f64>,
    /// No n tokens in a row are written twice.
    pub no_repeat: Option<usize>,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { temperature: 1.0, top_k: None, top_p: None, min_p: None, no_repeat: None }
    }
}

impl Sampling {
    /// Refuses numbers without meaning.
    ///
    /// # Errors
    /// Names the first option that is out of range.
    pub fn check(&self) -> Result<()> {
        let refuse =
            |option, found: String, expected| Err(Error::OutOfRange { option, found, expected });
        let Self { temperature, top_k, top_p, min_p, no_repeat } = *self;
        if !(temperature >= 0.0 && temperature.is_finite()) {
            return refuse("--temperature", temperature.to_string(), "a number of 0 or more");
        }
        for (option, share) in [("--top-p", top_p), ("--min-p", min_p)] {
            if share.is_some_and(|share| !(share > 0.0 && share <= 1.0)) {
                let found = share.unwrap_or_default().to_string();
                return refuse(option, found, "a number above 0, 1 at most");
            }
        }
        for (option, count) in [("--top-k", top_k), ("--no-repeat", no_repeat)] {
            if count == Some(0) {
                return refuse(option, "0".into(), "1 or more");
            }
        }
        Ok(())
    }

    /// The probability of each token: softmax of `logits / τ` in f64, over the tokens that the
    /// filters leave. A logit of −∞ is never chosen. The filters work one after another: top-k,
    /// min-p, top-p. With τ = 0 the likeliest token (the first of equals) has probability 1.
    ///
    /// # Errors
    /// If a logit is no number, or none is finite.
    pub fn probabilities(&self, logits: &[f64]) -> Result<Vec<f64>> {
        let likeliest = likeliest(logits);
        let largest = logits[likeliest];
        if !largest.is_finite() || logits.iter().any(|logit| logit.is_nan()) {
            return Err(Error::NotFinite);
        }
        if self.temperature == 0.0 {
            let mut certain = vec![0.0; logits.len()];
            certain[likeliest] = 1.0;
            return Ok(certain);
        }
        let weigh = |logit: &f64| ((logit - largest) / self.temperature).exp();
        let mut weights: Vec<f64> = logits.iter().map(weigh).collect();
        if self.top_k.is_some() || self.top_p.is_some() || self.min_p.is_some() {
            self.filter(&mut weights);
        }
        let total: f64 = weights.iter().sum();
        weights.iter_mut().for_each(|weight| *weight /= total);
        Ok(weights)
    }

    /// Sets the weight of every token that is left out to zero.
    fn filter(&self, weights: &mut [f64]) {
        let mut order: Vec<usize> = (0..weights.len()).collect();
        // A stable order: equals stay as they are numbered, so that a seed means one text.
        order.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]));
        let mut kept = self.top_k.unwrap_or(order.len()).min(order.len());
        if let Some(share) = self.min_p {
            // The likeliest token weighs 1.
            kept = kept.min(order.iter().take_while(|&&at| weights[at] >= share).count().max(1));
        }
        if let Some(share) = self.top_p {
            let total: f64 = order[..kept].iter().map(|&at| weights[at]).sum();
            let mut reached = 0.0;
            let mut count = 0;
            while count < kept && reached < share * total {
                reached += weights[order[count]];
                count += 1;
            }
            kept = count.max(1);
        }
        order[kept..].iter().for_each(|&at| weights[at] = 0.0);
    }
}

/// The first of the largest.
fn likeliest(logits: &[f64]) -> usize {
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
    fn filters_leave_the_likeliest() {
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
    fn logits_that_are_no_numbers_are_refused() {
        for logits in [[f64::NAN, 1.0], [1.0, f64::NAN], [f64::NEG_INFINITY; 2], [f64::INFINITY; 2]]
        {
            let refused = Sampling::default().probabilities(&logits);
            assert!(matches!(refused, Err(Error::NotFinite)), "{logits:?}");
        }
    }

    #[test]
    fn numbers_without_meaning_are_refused_by_name() {
        let all = Sampling::default();
        let cases = [
            (Sampling { temperature: -1.0, ..all }, "--temperature"),
            (Sampling { temperature: f64::NAN, ..all }, "--temperature"),
            (Sampling { top_p: Some(0.0), ..all }, "--top-p"),
            (Sampling { top_p: Some(1.5), ..all }, "--top-p"),
            (Sampling { min_p: Some(-0.1), ..all }, "--min-p"),
            (Sampling { top_k: Some(0), ..all }, "--top-k"),
            (Sampling { no_repeat: Some(0), ..all }, "--no-repeat"),
        ];
        for (sampling, option) in cases {
            let error = sampling.check().unwrap_err().to_string();
            assert!(error.contains(option), "{error}");
        }
        all.check().unwrap();
    }
}
