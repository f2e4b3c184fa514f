//! Validation losses of simple baselines, to compare a trained model with.

use eval::KneserNey;
use seqdata::TextDataset;

/// The order of the n-gram model.
const ORDER: usize = 5;
/// The name of the n-gram baseline.
pub const NGRAM: &str = "5-gram";

/// Losses on the validation text in nats/token of models that are fitted on the training text by counting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Baselines {
    /// Uniform distribution: ln V.
    pub uniform: f64,
    /// Unigram frequencies.
    pub unigram: f64,
    /// Interpolated Kneser–Ney 5-gram model.
    pub ngram: f64,
}

impl Baselines {
    /// Fits the baselines on the training split and evaluates them on the validation split.
    pub fn compute(dataset: &TextDataset) -> Self {
        let (train, valid) = (train_ids(dataset), valid_ids(dataset));
        let vocabulary = dataset.tokenizer.vocabulary.len();
        let document = dataset.tokenizer.vocabulary.document_id();
        let ngrams = KneserNey::fit(&train, ORDER, vocabulary, document);
        Self {
            uniform: (vocabulary as f64).ln(),
            unigram: dataset.unigram_nats_per_token(),
            ngram: ngrams.nats_per_token(&valid, dataset.valid_context_len()..valid.len()),
        }
    }

    /// Names and losses, lowest loss first.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, f64)> {
        [(NGRAM, self.ngram), ("unigram", self.unigram), ("uniform", self.uniform)].into_iter()
    }

    /// The baselines for charts; the uniform loss is so high that it would flatten the other curves.
    pub fn for_chart(&self) -> Vec<(String, f64)> {
        self.named().take(2).map(|(name, loss)| (name.to_string(), loss)).collect()
    }
}

/// The ids of the training split.
pub fn train_ids(dataset: &TextDataset) -> Vec<u32> {
    dataset.ids.slice(dataset.split.train.clone())
}

/// The ids of the validation split.
pub fn valid_ids(dataset: &TextDataset) -> Vec<u32> {
    dataset.ids.slice(dataset.split.valid.clone())
}
