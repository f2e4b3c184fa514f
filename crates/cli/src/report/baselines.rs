//! Validation losses of simple baselines, to compare a trained model with.

use eval::KneserNey;
use seqdata::TextDataset;

use crate::report::counting::Counting;
use crate::report::held_out::HeldOut;

/// The order of the n-gram model.
const ORDER: usize = 5;
/// The name of the n-gram baseline.
pub const NGRAM: &str = "5-gram";
/// The name of the best Kneser–Ney model of characters.
pub const COUNTING: &str = "counting";
/// The name of the distribution with the highest loss.
const UNIFORM: &str = "uniform";

/// Losses on the validation text of models that are fitted on the training text by counting.
#[derive(Clone, Debug, PartialEq)]
pub struct Baselines {
    /// Uniform distribution: ln V, in nats/token.
    pub uniform: f64,
    /// Unigram frequencies, in nats/token.
    pub unigram: f64,
    /// Interpolated Kneser–Ney 5-gram model of the tokens, in nats/token.
    pub ngram: f64,
    /// The best Kneser–Ney model of characters.
    pub counting: Option<Counting>,
    /// The targets that `counting` and the network are compared on; `None` if bits per byte are not defined.
    pub held_out: Option<HeldOut>,
}

impl Baselines {
    /// Fits the baselines on the training split and evaluates them on the validation split, `counting` after the first
    /// `context_len` ids of it.
    pub fn compute(dataset: &TextDataset, context_len: usize) -> Self {
        let (train, valid) = (train_ids(dataset), valid_ids(dataset));
        let vocabulary = dataset.tokenizer.vocabulary.len();
        let document = dataset.tokenizer.vocabulary.document_id();
        // At the same time: each takes seconds for a text of some megabytes.
        let (ngram, (held_out, counting)) = rayon::join(
            || {
                let ngrams = KneserNey::fit(&train, ORDER, vocabulary, document);
                ngrams.nats_per_token(&valid, dataset.valid_context_len()..valid.len())
            },
            || {
                let held_out = HeldOut::new(dataset, context_len);
                (held_out, held_out.and_then(|held_out| Counting::new(dataset, &held_out)))
            },
        );
        let (uniform, unigram) = ((vocabulary as f64).ln(), dataset.unigram_nats_per_token());
        Self { uniform, unigram, ngram, counting, held_out }
    }

    /// Names and losses in nats/token, the better models first.
    pub fn named(&self) -> Vec<(&'static str, f64)> {
        let counting = self.counting.as_ref().zip(self.held_out);
        let counting = counting.map(|(counting, held_out)| (COUNTING, held_out.nats_per_token(counting.bits_per_byte)));
        let of_tokens = [(NGRAM, self.ngram), ("unigram", self.unigram), (UNIFORM, self.uniform)];
        counting.into_iter().chain(of_tokens).collect()
    }

    /// The baselines for charts, without the uniform distribution, whose loss is so high that it would flatten the other
    /// curves.
    pub fn for_chart(&self) -> Vec<(String, f64)> {
        let named = self.named().into_iter().filter(|&(name, _)| name != UNIFORM);
        named.map(|(name, loss)| (name.to_string(), loss)).collect()
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
