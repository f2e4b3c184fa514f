//! The arguments of Keras's `Tokenizer`.
//!
//! What it does not know: what has been counted.

use crate::error::{Error, Result};

/// Keras's default filters: ASCII punctuation without the apostrophe, tab and newline.
pub const DEFAULT_FILTERS: &str = "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n";

/// The arguments of Keras's `Tokenizer`, with Keras's defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KerasConfig {
    /// Sequences keep the ids below this: the `num_words - 1` most frequent words. `None`, and 0
    /// as in Python, keep all.
    pub num_words: Option<usize>,
    /// Characters that are turned into `split`. Not applied to token lists and characters.
    pub filters: String,
    /// Whether texts are lowered.
    pub lower: bool,
    /// What stands between words; empty pieces are dropped.
    pub split: String,
    /// Whether every character is a token.
    pub char_level: bool,
    /// A word that gets index 1 and stands for all that is unknown.
    pub oov_token: Option<String>,
}

impl Default for KerasConfig {
    fn default() -> Self {
        Self {
            num_words: None,
            filters: DEFAULT_FILTERS.to_owned(),
            lower: true,
            split: " ".to_owned(),
            char_level: false,
            oov_token: None,
        }
    }
}

impl KerasConfig {
    pub(super) fn validate(&self) -> Result<()> {
        // Python's `str.split` refuses it too, only later.
        if self.split.is_empty() {
            return Err(Error::BadKeras {
                problem: "`split` is empty: expected what stands between words; use \" \" or set `char_level`"
                    .to_owned(),
            });
        }
        Ok(())
    }

    /// Whether `num_words` leaves `index` out.
    pub(super) fn leaves_out(&self, index: u64) -> bool {
        self.num_words.is_some_and(|limit| limit != 0 && index >= limit as u64)
    }
}
