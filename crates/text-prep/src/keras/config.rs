//! The arguments of Keras's `Tokenizer`.

use crate::error::{Error, Result};

/// Keras's default filters: ASCII punctuation without the apostrophe, tab and newline.
pub const DEFAULT_FILTERS: &str = "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n";

/// The arguments of Keras's `Tokenizer`, with Keras's defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KerasConfig {
    /// Sequences contain only indices below this: the `num_words - 1` most frequent words. No limit
    /// for `None` and (as in Python) 0.
    pub num_words: Option<usize>,
    /// Characters that are replaced by `split`. Not applied to token lists and at character level.
    pub filters: String,
    /// Whether texts are lower-cased.
    pub lower: bool,
    /// The separator between words; empty words are dropped.
    pub split: String,
    /// Whether every character is a token.
    pub char_level: bool,
    /// The token for out-of-vocabulary words, with index 1.
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
        // Python's `str.split` rejects it too, but only when a text is split.
        if self.split.is_empty() {
            return Err(Error::BadKeras {
                problem: "`split` is empty: expected the separator between words; use \" \" or set `char_level`"
                    .to_owned(),
            });
        }
        Ok(())
    }

    /// Whether `num_words` excludes `index`.
    pub(crate) fn excludes(&self, index: u64) -> bool {
        self.num_words.is_some_and(|limit| limit != 0 && index >= limit as u64)
    }
}
