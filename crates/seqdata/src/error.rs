//! What can go wrong between ids and batches, each said in one line.

use std::path::PathBuf;

/// The result of preparing data.
pub type Result<T> = std::result::Result<T, Error>;

/// Why ids cannot become batches.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text holds tokens that a trained model's vocabulary does not.
    #[error(
        "the text holds {count} tokens that the model has never seen ({first}): choose \
         `--vocabulary keep` to read them as unknown, or `--vocabulary extend` to learn them"
    )]
    NewTokens {
        /// How many different ones.
        count: usize,
        /// The most frequent of them.
        first: String,
    },
    /// The text is shorter than one window and its target.
    #[error(
        "the text holds {tokens} tokens, a window of {length} and its target need {needed}: \
         lower `windows.length` or take a longer text"
    )]
    TextTooShort {
        /// Tokens found.
        tokens: usize,
        /// Tokens in a window.
        length: usize,
        /// Tokens needed.
        needed: usize,
    },
    /// A split cannot hold one window.
    #[error(
        "the {split} split holds {tokens} tokens, a window of {length} and its target need \
         {needed}: lower `windows.length` or `vocabulary.min_count`, or give it a larger share by \
         `split.valid_fraction` and `split.test_fraction`"
    )]
    SplitTooShort {
        /// The name of the split.
        split: &'static str,
        /// Tokens found.
        tokens: usize,
        /// Tokens in a window.
        length: usize,
        /// Tokens needed.
        needed: usize,
    },
    /// There is not a step for every stream.
    #[error(
        "the train split holds {tokens} tokens, {streams} streams need {needed}: lower \
         `train.batch_size` or take a longer text"
    )]
    TooManyStreams {
        /// Streams asked for.
        streams: usize,
        /// Tokens found.
        tokens: usize,
        /// Tokens needed.
        needed: usize,
    },
    /// Nothing is left to write with.
    #[error(
        "no word of the training split occurs {min_count} times or more: lower \
         `vocabulary.min_count`"
    )]
    NoWords {
        /// How often a token must occur.
        min_count: u64,
    },
    /// A setting is out of range.
    #[error("`{key}` is {found}; expected {expected}")]
    OutOfRange {
        /// The setting, as written in a configuration.
        key: &'static str,
        /// What was found.
        found: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// Ids that are too many for memory cannot be put elsewhere.
    #[error(
        "the ids of the text do not fit into memory and cannot be written to a temporary file in \
         `{}`: {source}; make room there, or name another folder by TMPDIR (on Windows, TMP)",
        .folder.display()
    )]
    TemporaryFile {
        /// Where the file was to be.
        folder: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The text could not be read or tokenized.
    #[error(transparent)]
    Text(#[from] text_prep::Error),
}
