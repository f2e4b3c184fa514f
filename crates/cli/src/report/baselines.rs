//! What the validation text costs without any network: the losses that a trained one is held against.

use eval::NGrams;
use seqdata::Prepared;

/// Tokens in the n-grams that are counted.
const ORDER: usize = 5;
/// What they are called.
pub const NGRAM: &str = "5-gram";

/// Losses on the validation text, in nats a token, of what was counted on the training text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Baselines {
    /// Of guessing blindly: ln V.
    pub uniform: f64,
    /// Of guessing by how frequent tokens are.
    pub unigram: f64,
    /// Of an interpolated Kneser–Ney model of 5-grams.
    pub ngram: f64,
}

impl Baselines {
    /// Counts and scores.
    pub fn of(prepared: &Prepared) -> Self {
        let (train, valid) = (train_ids(prepared), valid_ids(prepared));
        let vocabulary = prepared.tokenizer.vocabulary.len();
        let ngrams = NGrams::count(&train, ORDER, vocabulary);
        Self {
            uniform: (vocabulary as f64).ln(),
            unigram: prepared.unigram_nats_per_token(),
            ngram: ngrams.nats_per_token(&valid, prepared.window()..valid.len()),
        }
    }

    /// By name, the best first.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, f64)> {
        [(NGRAM, self.ngram), ("unigram", self.unigram), ("uniform", self.uniform)].into_iter()
    }

    /// Those that are worth a line in a picture: a uniform guess is so bad that it would flatten the rest.
    pub fn drawn(&self) -> Vec<(String, f64)> {
        self.named().take(2).map(|(name, loss)| (name.to_string(), loss)).collect()
    }
}

/// What is learned from.
pub fn train_ids(prepared: &Prepared) -> Vec<u32> {
    prepared.ids.slice(prepared.split.train.clone())
}

/// What is held out.
pub fn valid_ids(prepared: &Prepared) -> Vec<u32> {
    prepared.ids.slice(prepared.split.valid.clone())
}
