//! How `generate` reports what it samples with.

use generate::{CacheSettings, Sampling};
use serde::Serialize;

use crate::view::format::{short_number, thousands};

/// How the samples were generated: what is not off.
#[derive(Serialize)]
pub struct Settings {
    seed: u64,
    temperature: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    typical: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mirostat: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repetition_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    repetition_window: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    no_repeat_ngram: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    best_of: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache: Option<CacheSettings>,
}

impl Settings {
    /// The settings of `sampling`.
    pub fn of(sampling: &Sampling) -> Self {
        Self {
            seed: sampling.seed,
            temperature: sampling.temperature,
            top_k: sampling.top_k,
            min_p: sampling.min_p,
            top_p: sampling.top_p,
            typical: sampling.typical,
            mirostat: sampling.mirostat,
            repetition_penalty: sampling.repetition_penalty,
            repetition_window: sampling.repetition_window,
            no_repeat_ngram: sampling.no_repeat_ngram,
            best_of: (sampling.best_of > 1).then_some(sampling.best_of),
            cache: sampling.cache,
        }
    }
}

/// How tokens are sampled, besides the seed: `, temperature 0.8, top-p 0.9`.
pub fn in_words(sampling: &Sampling) -> String {
    let counts = [
        ("top-k", sampling.top_k),
        ("repetition window", sampling.repetition_window),
        ("no repeated n-grams of", sampling.no_repeat_ngram),
        ("best of", Some(sampling.best_of).filter(|&count| count > 1)),
    ];
    let numbers = [
        ("temperature", Some(sampling.temperature)),
        ("min-p", sampling.min_p),
        ("top-p", sampling.top_p),
        ("typical", sampling.typical),
        ("mirostat", sampling.mirostat),
        ("repetition penalty", sampling.repetition_penalty),
    ];
    let numbers = numbers.into_iter().filter_map(|(name, value)| Some(format!(", {name} {}", short_number(value?))));
    let counts = counts.into_iter().filter_map(|(name, count)| Some(format!(", {name} {}", count?)));
    let cache = sampling.cache.map(|CacheSettings { size, weight, theta }| {
        let [weight, theta] = [weight, theta].map(short_number);
        format!(", cache of {} tokens with weight {weight} and theta {theta}", thousands(size))
    });
    numbers.chain(counts).chain(cache).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_in_words_are_short() {
        let sampling = Sampling::default().temperature(0.7).top_p(1e-300).best_of(3);
        assert_eq!(in_words(&sampling), ", temperature 0.7, top-p 1e-300, best of 3");
    }
}
