//! The held-out text of a run, for which losses are given: the number of its targets, and their bytes.

use std::f64::consts::LN_2;

use generate::TargetBytes;
use seqdata::{Part, TextDataset};
use text_prep::PreTokenizer;

/// The validation text after the first ids, which are context only.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeldOut {
    /// The number of ids before the first target.
    pub context_len: usize,
    /// The number of targets.
    pub targets: usize,
    /// Their bytes in UTF-8.
    pub bytes: usize,
    /// What the unknown characters among them cost besides the loss, in nats.
    pub unknown_nats: f64,
}

impl HeldOut {
    /// The validation text of `dataset` after the first `context_len` ids; `None` if the number of its bytes, or what the
    /// model says about them, is not known, because words are unknown or tokens are left out.
    ///
    /// The model predicts an unknown character as the unknown token. Which one it is costs the logarithm of the number of
    /// different unknown characters in the whole text.
    pub fn new(dataset: &TextDataset, context_len: usize) -> Option<Self> {
        let sequence = dataset.sequence(Part::Valid);
        let counted = TargetBytes::count(&dataset.tokenizer, &sequence, context_len, false);
        let unknown = counted.unknown();
        let has_characters = matches!(dataset.tokenizer.pre_tokenizer, PreTokenizer::Characters(_));
        if dataset.valid_dropped > 0 || unknown > 0 && !has_characters {
            return None;
        }
        let of_valid = dataset.unknown_tokens.of(Part::Valid);
        let in_context = of_valid.len() - unknown;
        let unknown_bytes: usize = of_valid.skip(in_context).map(str::len).sum();
        let of_each = (dataset.unknown_tokens.distinct().max(1) as f64).ln();
        let (targets, bytes) = (sequence.len().saturating_sub(context_len), counted.known() + unknown_bytes);
        (bytes > 0).then_some(Self { context_len, targets, bytes, unknown_nats: of_each * unknown as f64 })
    }

    /// A loss in bits per byte, which can be compared between kinds of tokens.
    pub fn bits_per_byte(&self, nats_per_token: f64) -> f64 {
        (nats_per_token * self.targets as f64 + self.unknown_nats) / LN_2 / self.bytes as f64
    }

    /// The loss with these bits per byte.
    pub fn nats_per_token(&self, bits_per_byte: f64) -> f64 {
        (bits_per_byte * LN_2 * self.bytes as f64 - self.unknown_nats) / self.targets as f64
    }
}
