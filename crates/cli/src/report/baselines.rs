//! Validation losses of simple baselines, to compare a trained model with.

use eval::KneserNey;
use seqdata::TextDataset;

use crate::report::counting::{Counting, MAX_COUNTED};
use crate::report::held_out::HeldOut;
use crate::view::format::thousands;

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
    /// How many tokens it counted, if not all of the training text.
    pub ngram_tokens: Option<usize>,
    /// The best Kneser–Ney model of characters.
    pub counting: Option<Counting>,
    /// The targets that `counting` and the network are compared on; `None` if bits per byte are not defined.
    pub held_out: Option<HeldOut>,
}

impl Baselines {
    /// Fits the baselines on the training split and evaluates them on the validation split, `counting` after the first
    /// `context_len` ids of it. Of a long training text, the n-gram models count the last part.
    pub fn compute(dataset: &TextDataset, context_len: usize) -> Self {
        Self::of_last(dataset, context_len, MAX_COUNTED)
    }

    /// The same, with an n-gram model of at most this many tokens of the training text.
    fn of_last(dataset: &TextDataset, context_len: usize, max_tokens: usize) -> Self {
        let (train, valid) = (last_train_ids(dataset, max_tokens), valid_ids(dataset));
        let ngram_tokens = (train.len() < dataset.split.train.len()).then_some(train.len());
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
        Self { uniform, unigram, ngram, ngram_tokens, counting, held_out }
    }

    /// What the n-gram model of the tokens counted, in words, if not all of the training text.
    pub fn protocol(&self) -> Option<String> {
        let tokens = thousands(self.ngram_tokens?);
        Some(format!("{NGRAM}: the last {tokens} tokens of the training text are counted"))
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

/// The last ids of the training split, at most this many.
pub fn last_train_ids(dataset: &TextDataset, max_tokens: usize) -> Vec<u32> {
    let train = dataset.split.train.clone();
    dataset.ids.slice(train.end.saturating_sub(max_tokens).max(train.start)..train.end)
}

/// The ids of the validation split.
pub fn valid_ids(dataset: &TextDataset) -> Vec<u32> {
    dataset.ids.slice(dataset.split.valid.clone())
}

#[cfg(test)]
mod tests {
    use seqdata::DatasetConfig;

    use super::*;

    #[test]
    fn the_last_part_of_a_long_text_is_counted() {
        let text: String = (0..90).map(|n| format!("The fox saw {} crows.\n", n * n % 37)).collect();
        let config = DatasetConfig::characters().split(0.25, 0.0).context_len(3);
        let dataset = TextDataset::from_text(text).config(config).build().unwrap();
        let context_len = dataset.valid_context_len();
        let (train, valid) = (train_ids(&dataset), valid_ids(&dataset));
        let size = dataset.tokenizer.vocabulary.len();
        let nats =
            |train: &[u32]| KneserNey::fit(train, ORDER, size, None).nats_per_token(&valid, context_len..valid.len());

        let whole = Baselines::compute(&dataset, context_len);
        assert_eq!((whole.ngram, whole.ngram_tokens, whole.protocol()), (nats(&train), None, None));
        let part = Baselines::of_last(&dataset, context_len, 400);
        assert_eq!((part.ngram, part.ngram_tokens), (nats(&train[train.len() - 400..]), Some(400)));
        assert_eq!(part.protocol().unwrap(), "5-gram: the last 400 tokens of the training text are counted");
        assert_eq!((part.unigram, part.counting), (whole.unigram, whole.counting));
    }
}
