//! The options of sampling, and from logits to probabilities.

use kernels::inference::{softmax_weights, sum_of_weights};
use models::StateMode;
use seqdata::ConfigError;
use serde::{Deserialize, Serialize};

use crate::cache::CacheSettings;
use crate::error::{Error, Result};
use crate::filters::{keep_likely, keep_most_likely, keep_nucleus, keep_typical};

/// The largest target of Mirostat, in bits, far above the surprise of any vocabulary's tokens.
const MAX_BITS: f64 = 100.0;
/// The largest repetition penalty.
const MAX_PENALTY: f64 = 100.0;
/// The largest number of texts from which the best is taken: they are generated at once.
const MAX_CANDIDATES: usize = 100;

/// How text is sampled: from which distribution, how many tokens, with which random numbers.
///
/// The repetition penalty changes the logits, and n-grams that would repeat become impossible; then the temperature divides
/// the logits. The filters follow in the order top-k, min-p, top-p, typical, Mirostat, each on the probabilities that those
/// before it leave, normalized again.
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
    /// Keeps only the tokens whose surprise −ln p is nearest to the entropy −Σ p ln p, as many as have probabilities that
    /// sum to this value (locally typical sampling, Meister et al. 2023). Not with a temperature of 0. Default: all.
    pub typical: Option<f64>,
    /// Keeps the mean surprise S = −log2 p of the tokens near this target τ in bits, by Mirostat 2.0 (Basu et al. 2021): a
    /// token has S ≤ μ, or is the likeliest; then μ ← μ − 0.1 (S − τ), and at the beginning μ = 2 τ. p is the probability in
    /// the distribution that the temperature and the other filters leave. Not with a temperature of 0. Default: no target.
    pub mirostat: Option<f64>,
    /// θ ≥ 1: the logit z of a token that is in the prompt or was sampled is z / θ if it is positive, and z θ otherwise, before
    /// the temperature. Keskar et al. 2019, section 4.1, always divide, which would favour such tokens where their logits are
    /// negative. It does not apply to document tokens and separators. Default: 1, no penalty.
    pub repetition_penalty: Option<f64>,
    /// The repetition penalty applies only to this number of last tokens. Default: to all.
    pub repetition_window: Option<usize>,
    /// No n-gram of this length occurs twice in a text. Default: no limit.
    #[serde(rename = "no_repeat")]
    pub no_repeat_ngram: Option<usize>,
    /// A sample is the best of this number of texts, the one whose tokens have the highest mean log-probability under the
    /// model with its cache and n-grams, if it has any, without temperature, penalties and filters (sample and rank, Adiwardana et al. 2020, with the mean instead of
    /// the sum). Those of sample n with `best_of` = N are the samples n N to n N + N − 1 without. Default: 1.
    pub best_of: usize,
    /// The continuous cache of the prompt and the text: what they name is likelier to come again. Default: none.
    pub cache: Option<CacheSettings>,
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
    /// Samples say what each token wrote and with which log-probability. It does not change what is sampled. Default: false.
    #[serde(skip)]
    pub token_spans: bool,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            temperature: 1.0,
            top_k: None,
            top_p: None,
            min_p: None,
            typical: None,
            mirostat: None,
            repetition_penalty: None,
            repetition_window: None,
            no_repeat_ngram: None,
            best_of: 1,
            cache: None,
            max_tokens: 200,
            seed: 0,
            state_mode: None,
            single_document: false,
            stop_id: None,
            stop_texts: Vec::new(),
            token_spans: false,
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

    /// Sets [`typical`](Self#structfield.typical).
    pub fn typical(self, typical: impl Into<Option<f64>>) -> Self {
        Self { typical: typical.into(), ..self }
    }

    /// Sets [`mirostat`](Self#structfield.mirostat).
    pub fn mirostat(self, bits: impl Into<Option<f64>>) -> Self {
        Self { mirostat: bits.into(), ..self }
    }

    /// Sets [`repetition_penalty`](Self#structfield.repetition_penalty).
    pub fn repetition_penalty(self, penalty: impl Into<Option<f64>>) -> Self {
        Self { repetition_penalty: penalty.into(), ..self }
    }

    /// Sets [`repetition_window`](Self#structfield.repetition_window).
    pub fn repetition_window(self, tokens: impl Into<Option<usize>>) -> Self {
        Self { repetition_window: tokens.into(), ..self }
    }

    /// Sets [`no_repeat_ngram`](Self#structfield.no_repeat_ngram).
    pub fn no_repeat_ngram(self, length: impl Into<Option<usize>>) -> Self {
        Self { no_repeat_ngram: length.into(), ..self }
    }

    /// Sets [`best_of`](Self#structfield.best_of).
    pub fn best_of(self, best_of: usize) -> Self {
        Self { best_of, ..self }
    }

    /// Sets [`cache`](Self#structfield.cache).
    pub fn cache(self, cache: impl Into<Option<CacheSettings>>) -> Self {
        Self { cache: cache.into(), ..self }
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

    /// Sets [`token_spans`](Self#structfield.token_spans).
    pub fn token_spans(self, token_spans: bool) -> Self {
        Self { token_spans, ..self }
    }

    /// Checks the values, except the stop texts, which need a tokenizer.
    ///
    /// # Errors
    /// Names the first option that is out of range.
    pub fn check(&self) -> Result<()> {
        let reject = |key, found: f64, expected| Err(ConfigError::new(key, found, expected).into());
        let Self { temperature, top_k, top_p, min_p, typical, repetition_window, no_repeat_ngram, best_of, .. } = *self;
        if !(temperature >= 0.0 && temperature.is_finite()) {
            return reject("temperature", temperature, "a finite number of 0 or more");
        }
        for (key, fraction) in [("top_p", top_p), ("min_p", min_p), ("typical", typical)] {
            if let Some(fraction) = fraction.filter(|&p| !(p > 0.0 && p <= 1.0)) {
                return reject(key, fraction, "a number above 0 and at most 1");
            }
        }
        if let Some(bits) = self.mirostat.filter(|&bits| !(bits > 0.0 && bits <= MAX_BITS)) {
            return reject("mirostat", bits, "a number of bits above 0 and at most 100");
        }
        if let Some(penalty) = self.repetition_penalty.filter(|penalty| !(1.0..=MAX_PENALTY).contains(penalty)) {
            return reject("repetition_penalty", penalty, "a number from 1 to 100");
        }
        let counts = [("top_k", top_k), ("repetition_window", repetition_window), ("no_repeat_ngram", no_repeat_ngram)];
        if let Some((key, _)) = counts.into_iter().find(|&(_, count)| count == Some(0)) {
            return reject(key, 0.0, "1 or more");
        }
        if !(1..=MAX_CANDIDATES).contains(&best_of) {
            return reject("best_of", best_of as f64, "1 to 100");
        }
        self.cache.as_ref().map_or(Ok(()), CacheSettings::check)?;
        if temperature == 0.0 {
            if best_of > 1 {
                return reject("best_of", best_of as f64, "1 at a temperature of 0, where all texts are the same");
            }
            for (key, value) in [("typical", typical), ("mirostat", self.mirostat)] {
                if let Some(value) = value {
                    return reject(key, value, "none at a temperature of 0, which always takes the likeliest token");
                }
            }
        }
        Ok(())
    }

    /// The probability of each token: softmax of `logits / τ` in f64, over the tokens that the filters keep, without what
    /// depends on the tokens before: Mirostat, the repetition penalty and repeated n-grams. A logit of −∞, or more than 709 τ
    /// below the largest, gives probability 0. With τ = 0 the most likely token (the first of equals) has probability 1.
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
            keep_likely(&mut weights, fraction);
        }
        // With 1 all tokens are kept, whatever rounding makes of the sum.
        if let Some(fraction) = self.top_p.filter(|&fraction| fraction < 1.0) {
            keep_nucleus(&mut weights, fraction);
        }
        if let Some(fraction) = self.typical.filter(|&fraction| fraction < 1.0) {
            keep_typical(&mut weights, fraction);
        }
        Ok(weights)
    }
}

/// The index of the largest logit, the first of equals.
pub(crate) fn argmax(logits: &[f64]) -> usize {
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
            (all().typical(0.0), "`typical`"),
            (all().mirostat(0.0), "`mirostat`"),
            (all().mirostat(f64::INFINITY), "`mirostat`"),
            (all().repetition_penalty(0.9), "`repetition_penalty`"),
            (all().repetition_penalty(f64::NAN), "`repetition_penalty`"),
            (all().repetition_window(0), "`repetition_window`"),
            (all().best_of(0), "`best_of`"),
            (all().temperature(0.0).best_of(2), "`best_of`"),
            (all().temperature(0.0).typical(0.9), "`typical`"),
            (all().temperature(0.0).mirostat(3.0), "`mirostat`"),
            (all().best_of(101), "`best_of`"),
        ];
        for (sampling, key) in cases {
            let error = sampling.check().unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
        all().check().unwrap();
    }

    #[test]
    fn options_of_earlier_versions_are_read() {
        let json = r#"{"temperature": 0.5, "top_k": 3, "no_repeat": 2}"#;
        let expected = Sampling::default().temperature(0.5).top_k(3).no_repeat_ngram(2);
        assert_eq!(serde_json::from_str::<Sampling>(json).unwrap(), expected);
    }

    #[test]
    fn the_old_name_of_the_id_that_ends_a_sample_is_read() {
        for json in [r#"{"stop": 7}"#, r#"{"stop_id": 7}"#] {
            assert_eq!(serde_json::from_str::<Sampling>(json).unwrap(), Sampling::default().stop_id(7));
        }
    }
}
