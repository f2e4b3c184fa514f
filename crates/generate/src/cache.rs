//! The continuous cache: words that were read recently are likelier where the model is in a similar state.

use kernels::inference::log_sum_exp;
use seqdata::ConfigError;
use serde::{Deserialize, Serialize};

use crate::error::Result;

/// The largest number of tokens in a cache.
const MAX_SIZE: usize = 1_000_000;
/// The largest θ.
const MAX_THETA: f64 = 1_000.0;

/// The continuous cache of Grave, Joulin and Usunier (2017): the probability of a token w after the outputs h_1 … h_t of the
/// last layer and the tokens x_1 … x_t, where h_i is the output that predicts x_(i+1), is
///
/// ```text
/// p(w) = (1 − λ) p_model(w) + λ p_cache(w)
/// p_cache(w) ∝ Σ_i [x_(i+1) = w] exp(θ h_t · h_i)        over the last N of i < t
/// ```
///
/// Before the document token, the cache is emptied, as the state of the model is. While it is empty, p = p_model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CacheSettings {
    /// N, the number of tokens in the cache. Default: 2000.
    pub size: usize,
    /// λ, from 0 to below 1. Default: 0.1.
    pub weight: f64,
    /// θ, 0 or more: 0 counts the tokens, and the larger it is, the more similar the state has to be. Default: 0.2.
    pub theta: f64,
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self { size: 2_000, weight: 0.1, theta: 0.2 }
    }
}

impl CacheSettings {
    /// Sets [`size`](Self#structfield.size).
    pub fn size(self, size: usize) -> Self {
        Self { size, ..self }
    }

    /// Sets [`weight`](Self#structfield.weight).
    pub fn weight(self, weight: f64) -> Self {
        Self { weight, ..self }
    }

    /// Sets [`theta`](Self#structfield.theta).
    pub fn theta(self, theta: f64) -> Self {
        Self { theta, ..self }
    }

    /// Checks that all settings are in range.
    ///
    /// # Errors
    /// Names the first setting that is out of range.
    pub fn check(&self) -> Result<()> {
        let Self { size, weight, theta } = *self;
        if !(1..=MAX_SIZE).contains(&size) {
            return Err(ConfigError::new("cache_size", size, "a number of tokens from 1 to 1,000,000").into());
        }
        if !(0.0..1.0).contains(&weight) {
            return Err(ConfigError::new("cache_weight", weight, "a number from 0 to below 1").into());
        }
        if !(0.0..=MAX_THETA).contains(&theta) {
            return Err(ConfigError::new("cache_theta", theta, "a number from 0 to 1000").into());
        }
        Ok(())
    }
}

/// Outputs of the last layer, each with the token that followed it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// `[entries, H]`, row by row.
    outputs: Vec<f32>,
    ids: Vec<u32>,
}

impl Memory {
    /// The number of entries.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Appends an output and the token after it. All outputs have the same size.
    pub fn push(&mut self, output: &[f32], id: u32) {
        self.outputs.extend_from_slice(output);
        self.ids.push(id);
    }

    /// Removes the first `count` entries.
    pub fn remove_first(&mut self, count: usize) {
        let units = self.outputs.len().checked_div(self.len()).unwrap_or(0);
        self.outputs.drain(..count * units);
        self.ids.drain(..count);
    }

    /// The entries in `range`, as seen from `output`.
    pub fn seen_from(&self, output: &[f32], range: std::ops::Range<usize>) -> Similar<'_> {
        let units = output.len();
        let rows = self.outputs[range.start * units..range.end * units].chunks_exact(units);
        Similar { ids: &self.ids[range], products: rows.map(|row| dot(output, row)).collect() }
    }
}

/// h_t · h_i in eight sums, which compilers turn into vector instructions.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    let mut sums = [0f32; 8];
    let (a_blocks, b_blocks) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f32 = a_blocks.remainder().iter().zip(b_blocks.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a_blocks.zip(b_blocks) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    f64::from(sums.iter().sum::<f32>() + rest)
}

/// The tokens in a cache with the products h_t · h_i.
pub(crate) struct Similar<'a> {
    ids: &'a [u32],
    products: Vec<f64>,
}

impl Similar<'_> {
    /// Whether the cache is empty.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Each token with exp(θ h_t · h_i), up to a common factor of all: the largest is 1.
    pub fn weights(&self, theta: f64) -> impl Iterator<Item = (u32, f64)> + '_ {
        let largest = self.products.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        self.ids.iter().zip(&self.products).map(move |(&id, product)| (id, (theta * (product - largest)).exp()))
    }

    /// The logits of the mixture, which have the same log-sum-exp as `logits`.
    pub fn mixed(&self, logits: &[f32], settings: &CacheSettings) -> Vec<f32> {
        if self.is_empty() || settings.weight == 0.0 {
            return logits.to_vec();
        }
        let (mut of_cache, mut total) = (vec![0.0; logits.len()], 0.0);
        for (id, weight) in self.weights(settings.theta) {
            of_cache[id as usize] += weight;
            total += weight;
        }
        let log_sum = log_sum_exp(logits);
        let (kept, factor) = (1.0 - settings.weight, settings.weight / total);
        let kept_shift = kept.ln();
        let mixed = logits.iter().zip(&of_cache).map(|(&logit, &of_cache)| {
            let logit = f64::from(logit);
            if of_cache == 0.0 {
                return (logit + kept_shift) as f32;
            }
            ((kept * (logit - log_sum).exp() + factor * of_cache).ln() + log_sum) as f32
        });
        mixed.collect()
    }
}

/// The cache of one text that is written.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    settings: CacheSettings,
    memory: Memory,
    /// The output after the last token; empty before the first.
    last: Vec<f32>,
    document_id: Option<u32>,
}

impl Cache {
    /// An empty cache. It is emptied before each token with the id `document_id`.
    pub fn new(settings: CacheSettings, document_id: Option<u32>) -> Self {
        Self { settings, memory: Memory::default(), last: Vec::new(), document_id }
    }

    /// Adds the token `id`, after which the last layer's output is `output`.
    pub fn push(&mut self, id: u32, output: Vec<f32>) {
        if Some(id) == self.document_id {
            self.memory = Memory::default();
        } else if !self.last.is_empty() {
            self.memory.push(&self.last, id);
            // So that the entries before are moved once per entry on average.
            if self.memory.len() >= 2 * self.settings.size {
                self.memory.remove_first(self.memory.len() - self.settings.size);
            }
        }
        self.last = output;
    }

    /// The logits of the next token, from those of the model.
    pub fn mixed(&self, logits: &[f32]) -> Vec<f32> {
        let entries = self.memory.len();
        let similar = self.memory.seen_from(&self.last, entries.saturating_sub(self.settings.size)..entries);
        similar.mixed(logits, &self.settings)
    }
}

#[cfg(test)]
mod tests {
    use kernels::inference::log_softmax;
    use models::StateMode;

    use super::*;
    use crate::sampling::Sampling;
    use crate::test_model::{WORDS, composed, document_generator, generator};

    const LOGITS: [f32; 4] = [1.0, -2.0, 0.5, 3.0];

    fn output(number: usize) -> Vec<f32> {
        (0..11).map(|unit| ((number * 7 + unit * 5) % 13) as f32 / 13.0 - 0.5).collect()
    }

    /// The equation of [`CacheSettings`], written plainly.
    fn expected(ids: &[u32], settings: CacheSettings) -> Vec<f64> {
        let last = ids.len() - 1;
        let similarity = |i: usize| -> f64 {
            let products = output(last).into_iter().zip(output(i)).map(|(a, b)| f64::from(a) * f64::from(b));
            (settings.theta * products.sum::<f64>()).exp()
        };
        let entries = last.saturating_sub(settings.size)..last;
        let total: f64 = entries.clone().map(similarity).sum();
        let of_model = log_softmax(&LOGITS).into_iter().map(f64::exp);
        let mixed = of_model.enumerate().map(|(w, p)| {
            let same: f64 = entries.clone().filter(|&i| ids[i + 1] as usize == w).map(similarity).sum();
            if entries.is_empty() { p } else { (1.0 - settings.weight) * p + settings.weight * same / total }
        });
        mixed.collect()
    }

    fn cache(ids: &[u32], settings: CacheSettings) -> Cache {
        let mut cache = Cache::new(settings, Some(9));
        ids.iter().enumerate().for_each(|(at, &id)| cache.push(id, output(at)));
        cache
    }

    #[test]
    fn probabilities_follow_the_equation_and_sum_to_one() {
        let ids = [1, 2, 2, 0, 1, 2, 3, 2, 0, 0, 1, 2, 3, 3, 1];
        for (size, weight, theta) in [(100, 0.1, 0.5), (4, 0.3, 2.0), (1, 0.9, 0.0), (3, 0.0, 1.0)] {
            let settings = CacheSettings { size, weight, theta };
            for length in 1..=ids.len() {
                let mixed = cache(&ids[..length], settings).mixed(&LOGITS);
                let found: Vec<f64> = log_softmax(&mixed).into_iter().map(f64::exp).collect();
                let plain = expected(&ids[..length], settings);
                assert!((plain.iter().sum::<f64>() - 1.0).abs() < 1e-12);
                for (found, expected) in found.iter().zip(&plain) {
                    assert!((found - expected).abs() < 1e-6, "{found} {expected}");
                }
                assert!((log_sum_exp(&mixed) - log_sum_exp(&LOGITS)).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn a_document_token_empties_the_cache() {
        let settings = CacheSettings::default().weight(0.5);
        assert_eq!(cache(&[1, 2, 3, 9], settings).mixed(&LOGITS), LOGITS);
        let after = cache(&[1, 2, 3, 9, 2], settings).mixed(&LOGITS);
        assert!(after[2] > LOGITS[2] && after[1] < LOGITS[1] && after[3] < LOGITS[3], "{after:?}");
    }

    #[test]
    fn settings_out_of_range_are_rejected_by_name() {
        let all = CacheSettings::default();
        assert!(all.check().is_ok());
        for (settings, key) in [
            (all.size(0), "cache_size"),
            (all.size(MAX_SIZE + 1), "cache_size"),
            (all.weight(1.0), "cache_weight"),
            (all.weight(f64::NAN), "cache_weight"),
            (all.theta(-0.1), "cache_theta"),
        ] {
            let error = settings.check().unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
    }

    #[test]
    fn a_cache_brings_back_what_the_prompt_says() {
        let packed = generator(WORDS, None);
        let cache = CacheSettings { size: 50, weight: 0.9, theta: 0.0 };
        for generator in [composed(&packed), packed] {
            for state_mode in [StateMode::Carry, StateMode::Window] {
                let greedy = Sampling::default().temperature(0.0).max_tokens(4).state_mode(state_mode);
                for word in ["a", "é", "."] {
                    // The first token of a text is not in the cache: nothing predicts it.
                    let prompt = format!("a {word} {word} {word}");
                    let text = generator.generate(&prompt, &greedy.clone().cache(cache)).unwrap();
                    let expected = generator.tokenizer().vocabulary.id(word).unwrap();
                    let sample = generator.sample(&prompt, &greedy.clone().cache(cache), 0).unwrap();
                    assert_eq!(sample.ids, [expected; 4], "{text}");
                    let without = generator.sample(&prompt, &greedy.clone().cache(cache.weight(0.0)), 0).unwrap();
                    assert_eq!(without, generator.sample(&prompt, &greedy, 0).unwrap());
                }
            }
        }
        let generator = document_generator();
        let sampling = Sampling::default().max_tokens(9).cache(cache.weight(0.5));
        let [alone, batch] = [1, 70].map(|count| generator.samples("a", &sampling, 0..count).unwrap().next().unwrap());
        assert_eq!(alone.unwrap(), batch.unwrap());
        assert!(matches!(generator.generate("a", &sampling.cache(cache.size(0))), Err(crate::Error::Config(_))));
    }
}
