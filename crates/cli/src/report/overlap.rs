//! How much of a text also occurs in the training text, by tokens.

use eval::{Memorization, TrainingText};
use serde::Serialize;
use text_prep::Tokenizer;

/// How much of a text also occurs in the training text.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Overlap {
    /// The number of tokens in the text.
    pub tokens: usize,
    /// The length in tokens of the longest copied run.
    pub longest_run: usize,
    /// That run as text.
    pub longest_run_text: String,
    /// The fraction of n-grams that do not occur in the training text, for n = 2, 3, …, 8; `None` if the text has
    /// fewer than n tokens.
    pub novel_ngrams: Vec<(usize, Option<f64>)>,
}

impl Overlap {
    /// Compares the text of `ids` with the training text.
    pub fn new(training_text: &TrainingText, ids: &[u32], tokenizer: &Tokenizer) -> Self {
        let Memorization { longest, ngrams } = training_text.compare(ids);
        let run = &ids[longest.in_sample..longest.in_sample + longest.length];
        let novel = ngrams.iter().map(|ngrams| (ngrams.n, (ngrams.total > 0).then(|| ngrams.novel_fraction())));
        Self {
            tokens: ids.len(),
            longest_run: longest.length,
            longest_run_text: tokenizer.decode(run),
            novel_ngrams: novel.collect(),
        }
    }
}
