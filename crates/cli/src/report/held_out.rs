//! The held-out text of a run, for which losses are given: the number of its targets, and their bytes.

use std::f64::consts::LN_2;

use generate::TargetBytes;
use seqdata::{Part, TextDataset};
use text_prep::PreTokenizer;

use crate::report::characters;

/// The validation text after the first ids, which are context only, as the network writes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeldOut {
    /// The number of ids before the first target.
    pub context_len: usize,
    /// The number of targets.
    pub targets: usize,
    /// Their bytes in UTF-8, with unknown tokens as in the text; the end of a document has one.
    pub bytes: usize,
    /// What it costs to say which tokens the unknown ones among them are, in nats.
    pub unknown_nats: f64,
}

impl HeldOut {
    /// The validation text of `dataset` after the first `context_len` ids; `None` if there is none, or if tokens are left out
    /// of it.
    ///
    /// The network predicts unknown tokens as such. Which character an unknown one is costs the logarithm of the number of
    /// different unknown characters in the whole text; unknown words are spelled by a Kneser–Ney model of characters.
    pub fn new(dataset: &TextDataset, context_len: usize) -> Option<Self> {
        let sequence = dataset.sequence(Part::Valid);
        let counted = TargetBytes::count(&dataset.tokenizer, &sequence, context_len, false);
        let bytes = counted.total().unwrap_or_else(|| {
            let (all, targets) = characters::targets(dataset, context_len);
            characters::bytes(&all[targets])
        });
        if dataset.valid_dropped > 0 || bytes == 0 {
            return None;
        }
        let unknown_nats = match (counted.unknown(), &dataset.tokenizer.pre_tokenizer) {
            (0, _) => 0.0,
            (unknown, PreTokenizer::Characters(_) | PreTokenizer::Subwords(_)) => {
                unknown as f64 * (dataset.unknown_tokens.distinct() as f64).ln()
            }
            (unknown, PreTokenizer::Words(_) | PreTokenizer::Spans(_)) => {
                characters::spelling_nats(dataset, dataset.unknown_tokens.of(Part::Valid).len() - unknown)
            }
        };
        Some(Self { context_len, targets: sequence.len() - context_len, bytes, unknown_nats })
    }

    /// A loss in bits per byte, which can be compared between kinds of tokens.
    pub fn bits_per_byte(&self, nats_per_token: f64) -> f64 {
        (nats_per_token * self.targets as f64 + self.unknown_nats) / LN_2 / self.bytes as f64
    }

    /// The loss with these bits per byte.
    pub fn nats_per_token(&self, bits_per_byte: f64) -> f64 {
        (bits_per_byte * LN_2 * self.bytes as f64 - self.unknown_nats) / self.targets as f64
    }

    /// How unknown tokens are counted, in words, if there are any.
    pub fn protocol(&self, dataset: &TextDataset) -> Option<&'static str> {
        (self.unknown_nats > 0.0).then_some(match dataset.tokenizer.pre_tokenizer {
            PreTokenizer::Characters(_) | PreTokenizer::Subwords(_) => {
                "bits per byte: which character an unknown one is costs the logarithm of the number of different unknown \
                 characters"
            }
            PreTokenizer::Words(_) | PreTokenizer::Spans(_) => {
                "bits per byte: unknown words are spelled by a Kneser–Ney model of the characters of the training words"
            }
        })
    }
}
