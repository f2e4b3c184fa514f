//! The options of sampling, and from logits to probabilities: temperature, top-k, top-p and min-p.

use std::cmp::Ordering;

use kernels::inference::{softmax_weights, sum_of_weights};
use models::StateMode;
use seqdata::ConfigError;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How text is sampled: from which distribution, how many tokens, with which random numbers.
///
/// ```
/// use generate::Sampling;
///
/// let sampling = Sampling::default().temperature(0.8).top_p(0.95).max_tokens(50).seed(7);
/// assert_eq!((sampling.max_tokens, sampling.top_k), (50, None));
/// # assert!(sampling.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sampling {
    /// τ divides the logits; 0 is greedy decoding. Default: 1, the model's own distribution.
    pub temperature: f64,
    /// Keeps only the k most likely tokens (Fan et al. 2018). Default: all.
    pub top_k: Option<usize>,
    /// Keeps only the most likely tokens whose probabilities sum to this value (nucleus sampling,
    /// Holtzman et al. 2020). Default: all.
    pub top_p: Option<f64>,
    /// Keeps only tokens with at least this fraction of the highest probability (Nguyen et al. 2024). Default: all.
    pub min_p: Option<f64>,
    /// No n-gram of this length occurs twice in a text. Default: no limit.
    #[serde(rename = "no_repeat")]
    pub no_repeat_ngram: Option<usize>,
    /// The maximum number of tokens per sample. Default: 200.
    pub max_tokens: usize,
    /// The seed of the random numbers. Default: 0.
    pub seed: u64,
    /// How the model uses the past tokens. Default: the mode with the lower validation loss.
    pub state_mode: Option<StateMode>,
    /// Never sample the document separator. Default: false.
    pub single_document: bool,
    /// The id that ends a sample; it is not part of the sample. Default: none.
    #[serde(alias = "stop")]
    pub stop_id: Option<u32>,
    /// Texts that end a sample, cleaned and tokenized as prompts are; a sample ends before the first of them. See
    /// [`StopText`](crate::StopText). Default: none.
    pub stop_texts: Vec<String>,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            temperature: 1.0,
            top_k: None,
            top_p: None,
            min_p: None,
            no_repeat_ngram: None,
            max_tokens: 200,
            seed: 0,
            state_mode: None,
            single_document: false,
            stop_id: None,
            stop_texts: Vec::new(),
        }
    }
}

impl Sampling {
    /// Sets [`temperature`](Self#structfield.temperature).
    pub fn temperature(self, temperature: f64) -> Self {
        Self { temperature, ..self }
    }

    /// Sets [`top_k`](Self#structfield.top_k).
    pub fn top_k(self, top_k: impl Into<Option<usize>>) -> Self {
        Self { top_k: top_k.into(), ..self }
    }

    /// Sets [`top_p`](Self#structfield.top_p).
    pub fn top_p(self, top_p: impl Into<Option<f64>>) -> Self {
        Self { top_p: top_p.into(), ..self }
    }

    /// Sets [`min_p`](Self#structfield.min_p).
    pub fn min_p(self, min_p: impl Into<Option<f64>>) -> Self {
        Self { min_p: min_p.into(), ..self }
    }

    /// Sets [`no_repeat_ngram`](Self#structfield.no_repeat_ngram).
    pub fn no_repeat_ngram(self, length: impl Into<Option<usize>>) -> Self {
        Self { no_repeat_ngram: length.into(), ..self }
    }

    /// Sets [`max_tokens`](Self#structfield.max_tokens).
    pub fn max_tokens(self, max_tokens: usize) -> Self {
        Self { max_tokens, ..self }
    }

    /// Sets [`seed`](Self#structfield.seed).
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Sets [`state_mode`](Self#structfield.state_mode).
    pub fn state_mode(self, state_mode: impl Into<Option<StateMode>>) -> Self {
        Self { state_mode: state_mode.into(), ..self }
    }

    /// Sets [`single_document`](Self#structfield.single_document).
    pub fn single_document(self, single_document: bool) -> Self {
        Self { single_document, ..self }
    }

    /// Sets [`stop_id`](Self#structfield.stop_id).
    pub fn stop_id(self, id: impl Into<Option<u32>>) -> Self {
        Self { stop_id: id.into(), ..self }
    }

    /// Sets [`stop_texts`](Self#structfield.stop_texts).
    pub fn stop_texts(self, texts: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { stop_texts: texts.into_iter().map(Into::into).collect(), ..self }
    }

    /// Checks the values, except the stop texts, which need a tokenizer.
    ///
    /// # Errors
    /// Names the first option that is out of range.
    pub fn check(&self) -> Result<()> {
        let reject = |key, found: f64, expected| Err(ConfigError::new(key, found, expected).into());
        let Self { temperature, top_k, top_p, min_p, no_repeat_ngram, .. } = *self;
        if !(temperature >= 0.0 && temperature.is_finite()) {
            return reject("temperature", temperature, "a finite number of 0 or more");
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
    /// filters keep. A logit of −∞, or more than 709 τ below the largest, gives probability 0. The filters are applied in the order top-k,
    /// min-p, top-p. With τ = 0 the most likely token (the first of equals) has probability 1.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if a logit is NaN or +∞, or none is finite.
    pub fn probabilities(&self, logits: &[f64]) -> Result<Vec<f64>> {
        let mut weights = self.weights(logits.to_vec())?;
        let total = sum_of_weights(&weights, 0.0);
        weights.iter_mut().for_each(|weight| *weight /= total);
        Ok(weights)
    }

    /// The [`probabilities`](Self::probabilities) up to a common factor.
    pub(crate) fn weights(&self, mut logits: Vec<f64>) -> Result<Vec<f64>> {
        if self.temperature == 0.0 {
            let best = argmax(&logits);
            if !logits[best].is_finite() || logits.iter().any(|logit| logit.is_nan()) {
                return Err(Error::NotFinite);
            }
            logits.fill(0.0);
            logits[best] = 1.0;
            return Ok(logits);
        }
        let sum = softmax_weights(&mut logits, self.temperature);
        if sum.is_nan() {
            return Err(Error::NotFinite);
        }
        let mut weights = logits;
        if let Some(count) = self.top_k {
            keep_most_likely(&mut weights, count);
        }
        if let Some(fraction) = self.min_p {
            // The most likely token has weight 1.
            weights.iter_mut().for_each(|weight| *weight = if *weight < fraction { 0.0 } else { *weight });
        }
        // With 1 all tokens are kept, whatever rounding makes of the sum.
        if let Some(fraction) = self.top_p.filter(|&fraction| fraction < 1.0) {
            keep_nucleus(&mut weights, fraction);
        }
        Ok(weights)
    }
}

/// How often [`keep_nucleus`] halves the range of the smallest weight that is kept, on a logarithmic scale. Few weights remain
/// in it, and only they are sorted.
const HALVINGS: usize = 10;

/// Sets all but the `count` largest weights to zero. Of equal ones the first are kept.
fn keep_most_likely(weights: &mut [f64], count: usize) {
    let mut ids: Vec<usize> = (0..weights.len()).collect();
    if count < ids.len() {
        ids.select_nth_unstable_by(count, |&a, &b| order(weights, a, b));
        ids[count..].iter().for_each(|&id| weights[id] = 0.0);
    }
}

/// Sets all weights to zero but the largest ones that together are at least this fraction, below 1, of the sum. The largest
/// of all is 1.
fn keep_nucleus(weights: &mut [f64], fraction: f64) {
    let total = sum_of_weights(weights, 0.0);
    let target = fraction * total;
    // The smallest weight that is kept is above `low`, and at most `high`. Weights below the first `low` are too small to
    // be, even together, all that may be left out.
    let (mut low, mut high) = (0.5 * (1.0 - fraction) * total / weights.len() as f64, 1.0);
    let mut above_high = 0.0;
    for _ in 0..HALVINGS {
        let middle = (low * high).sqrt();
        let sum = sum_of_weights(weights, middle);
        if sum < target {
            (high, above_high) = (middle, sum);
        } else {
            low = middle;
        }
    }
    let mut ids: Vec<usize> = (0..weights.len()).filter(|&id| low < weights[id] && weights[id] <= high).collect();
    ids.sort_unstable_by(|&a, &b| order(weights, a, b));
    let mut reached = above_high;
    for id in ids {
        if reached < target {
            reached += weights[id];
        } else {
            weights[id] = 0.0;
        }
    }
    weights.iter_mut().for_each(|weight| *weight = if *weight > low { *weight } else { 0.0 });
}

/// The larger weight first; of equal ones the smaller id, so that a seed gives one text.
fn order(weights: &[f64], a: usize, b: usize) -> Ordering {
    weights[b].total_cmp(&weights[a]).then(a.cmp(&b))
}

/// ln softmax(`logits`) in f64; NaN if a logit is NaN or +∞, or none is finite.
pub(crate) fn log_softmax(logits: &[f32]) -> Vec<f64> {
    let max = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    let sum: f64 = logits.iter().map(|&logit| (f64::from(logit) - max).exp()).sum();
    let log_sum = max + sum.ln();
    logits.iter().map(|&logit| f64::from(logit) - log_sum).collect()
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
            let found = probabilities(Sampling::default().temperature(temperature));
            assert!(((found[1] / found[2]).ln() - 1.0 / temperature).abs() < 1e-9);
            assert_eq!(found[3], 0.0);
        }
    }

    #[test]
    fn temperature_zero_is_greedy_and_near_zero_is_finite() {
        let greedy = probabilities(Sampling::default().temperature(0.0));
        assert_eq!(greedy, [0.0, 1.0, 0.0, 0.0]);
        let nearly = probabilities(Sampling::default().temperature(1e-300));
        assert_eq!(nearly, greedy);
        let equal = Sampling::default().temperature(0.0).probabilities(&[2.0, 2.0]).unwrap();
        assert_eq!(equal, [1.0, 0.0]);
    }

    #[test]
    fn filters_keep_the_most_likely_tokens() {
        let kept = |sampling: Sampling| -> Vec<usize> {
            let found = probabilities(sampling);
            (0..found.len()).filter(|&at| found[at] > 0.0).collect()
        };
        let all = Sampling::default;
        assert_eq!(kept(all().top_k(2)), [1, 2]);
        assert_eq!(kept(all().top_k(99)), [0, 1, 2]);
        // The probabilities are 0.090, 0.665, 0.245.
        assert_eq!(kept(all().top_p(0.6)), [1]);
        assert_eq!(kept(all().top_p(0.7)), [1, 2]);
        assert_eq!(kept(all().top_p(1.0)), [0, 1, 2]);
        assert_eq!(kept(all().min_p(0.3)), [1, 2]);
        assert_eq!(kept(all().min_p(1.0)), [1]);
        assert_eq!(kept(all().top_k(2).top_p(0.7)), [1]);
    }

    #[test]
    fn filters_keep_what_a_complete_sort_keeps() {
        let mut random = seqdata::Random::keyed(1, "logits", &[]);
        for spread in [0.2, 4.0] {
            // Rounded, so that some are equal; and some are impossible.
            let mut logits: Vec<f64> = (0..500).map(|_| (random.normal() * spread * 16.0).round() / 16.0).collect();
            logits[7] = f64::NEG_INFINITY;
            let all = Sampling::default().probabilities(&logits).unwrap();
            let mut sorted: Vec<usize> = (0..all.len()).collect();
            sorted.sort_by(|&a, &b| all[b].total_cmp(&all[a]));
            let check = |sampling: Sampling, count: usize| {
                let found = sampling.probabilities(&logits).unwrap();
                let total: f64 = sorted[..count].iter().map(|&id| all[id]).sum();
                for (rank, &id) in sorted.iter().enumerate() {
                    let expected = if rank < count { all[id] / total } else { 0.0 };
                    assert!((found[id] - expected).abs() < 1e-12, "{sampling:?}: {} for {expected}", found[id]);
                    assert_eq!(found[id] > 0.0, expected > 0.0, "{sampling:?}: rank {rank} of {count}");
                }
            };
            for count in [1, 2, 50, 499, 500] {
                check(Sampling::default().top_k(count), count);
            }
            for fraction in [1e-300, 0.1, 0.5, 0.9, 0.999, 1.0] {
                let mut cumulative = 0.0;
                let enough = sorted.iter().position(|&id| {
                    cumulative += all[id];
                    cumulative >= fraction
                });
                check(Sampling::default().top_p(fraction), enough.map_or(500, |at| at + 1));
                let likely = sorted.iter().filter(|&&id| all[id] >= fraction * all[sorted[0]]).count();
                check(Sampling::default().min_p(fraction), likely);
            }
        }
        let equal = Sampling::default().top_p(0.5).probabilities(&[1.0; 10]).unwrap();
        assert_eq!(equal, [[0.2; 5], [0.0; 5]].concat());
    }

    #[test]
    fn log_softmax_is_the_logarithm_of_the_probabilities() {
        let log_probs = log_softmax(&LOGITS.map(|logit| logit as f32));
        for (log_prob, probability) in log_probs.iter().zip(probabilities(Sampling::default())) {
            assert!((log_prob.exp() - probability).abs() < 1e-12);
        }
        assert!(log_softmax(&[f32::NAN, 1.0]).iter().all(|log_prob| log_prob.is_nan()));
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
        let all = Sampling::default;
        let cases = [
            (all().temperature(-1.0), "`temperature`"),
            (all().temperature(f64::NAN), "`temperature`"),
            (all().top_p(0.0), "`top_p`"),
            (all().top_p(1.5), "`top_p`"),
            (all().min_p(-0.1), "`min_p`"),
            (all().top_k(0), "`top_k`"),
            (all().no_repeat_ngram(0), "`no_repeat_ngram`"),
        ];
        for (sampling, key) in cases {
            let error = sampling.check().unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
        all().check().unwrap();
    }

    #[test]
    fn the_old_name_of_the_id_that_ends_a_sample_is_read() {
        for json in [r#"{"stop": 7}"#, r#"{"stop_id": 7}"#] {
            assert_eq!(serde_json::from_str::<Sampling>(json).unwrap(), Sampling::default().stop_id(7));
        }
    }
}
