//! Errors of this crate. Each message is one line: what was found, what was expected, what to do.

use std::borrow::Cow;
use std::path::PathBuf;

use text_prep::{counted, short_number};

/// The characters of a token on average from which a text is not short, but its tokens are long.
const LONG_TOKEN: usize = 20;
/// The characters of a usual token, with the space after it: a text that has fewer for each token that is needed is short,
/// however long its tokens are.
const USUAL_TOKEN: usize = 6;

/// The result of preparing data.
pub type Result<T> = std::result::Result<T, Error>;

/// A configuration option with an invalid value. Shared by the crates that have a configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` is {found}; expected {expected}")]
pub struct ConfigError {
    /// The option, by its name in the configuration.
    pub key: String,
    /// The value.
    pub found: String,
    /// The values that are allowed.
    pub expected: Cow<'static, str>,
}

impl ConfigError {
    /// The error of the option `key` with the value `found`.
    pub fn new(key: impl Into<String>, found: impl ToString, expected: impl Into<Cow<'static, str>>) -> Self {
        Self { key: key.into(), found: short_number(found), expected: expected.into() }
    }
}

/// Why a text cannot become a dataset.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text has tokens that are not in a trained model's vocabulary.
    #[error(
        "{} of the text {} not in the model's vocabulary ({first}): map {} to the unknown token or extend the vocabulary",
        counted(*.count, "token"), if *.count == 1 { "is" } else { "are" }, if *.count == 1 { "it" } else { "them" }
    )]
    NewTokens {
        /// How many distinct new tokens there are.
        count: usize,
        /// The most frequent of them.
        first: String,
    },
    /// A vocabulary of subwords is to be extended to fewer ids than it has.
    #[error(
        "`vocabulary.size` is {given}, but the vocabulary that is extended has {existing} ids: give {existing} for no more \
         subwords, a higher number, or none for a quarter more"
    )]
    SmallerVocabulary {
        /// The number of ids that was given.
        given: usize,
        /// The number of ids that there are.
        existing: usize,
    },
    /// The text is shorter than one window and its target.
    #[error(
        "the text has {}, but a window of {context_len} and its target need {needed}: \
         lower `windows.context_len` or use a longer text",
        counted(*.tokens, "token")
    )]
    TextTooShort {
        /// Tokens in the text.
        tokens: usize,
        /// Input tokens per window.
        context_len: usize,
        /// Tokens needed.
        needed: usize,
    },
    /// The text is long, but repetition or words without spaces between them make it too few tokens for the windows.
    #[error(
        "the text has {}, but only {}, because text without spaces, such as a passage that is repeated, becomes few tokens; \
         a window of {context_len} and its target need {needed} in each split: use a text with more words, or a new model \
         with `tokens.kind = \"characters\"`",
        counted(*.characters, "character"), counted(*.tokens, "token")
    )]
    LongTokens {
        /// Characters in the text.
        characters: usize,
        /// Tokens in the text, before words are divided into subwords.
        tokens: usize,
        /// Input tokens per window.
        context_len: usize,
        /// Tokens needed.
        needed: usize,
    },
    /// A split is shorter than one window and its target.
    #[error(
        "the {split} split has {}, but a window of {context_len} and its target need \
         {needed}: use a longer text, lower `windows.context_len` or `vocabulary.min_count`, or make the split larger with \
         `split.valid_fraction` and `split.test_fraction`",
        counted(*.tokens, "token")
    )]
    SplitTooShort {
        /// The name of the split.
        split: &'static str,
        /// Tokens in the split.
        tokens: usize,
        /// Input tokens per window.
        context_len: usize,
        /// Tokens needed.
        needed: usize,
    },
    /// The training split is too short for the number of streams.
    #[error(
        "the training split has {}, but {} need {needed}: lower `train.batch_size` or use a longer text",
        counted(*.tokens, "token"), counted(*.streams, "stream")
    )]
    TooManyStreams {
        /// Streams requested.
        streams: usize,
        /// Tokens in the training split.
        tokens: usize,
        /// Tokens needed.
        needed: usize,
    },
    /// The validation split is too short for the number of streams.
    #[error(
        "`split.valid_streams` is {streams}, but the validation split of {} is long enough for at most {most}: lower it, or \
         leave it out for an automatic number",
        counted(*.tokens, "token")
    )]
    TooManyValidStreams {
        /// Streams requested.
        streams: usize,
        /// Tokens in the validation split.
        tokens: usize,
        /// The highest possible number of streams.
        most: usize,
    },
    /// The vocabulary has no token except reserved ones and the document separator.
    #[error("no token occurs {min_count} or more times in the training split: lower `vocabulary.min_count`")]
    EmptyVocabulary {
        /// The lowest count of a token in the vocabulary.
        min_count: u64,
    },
    /// The vocabulary is given, has no unknown token, and nothing of the text is in it.
    #[error(
        "no token of `tokens.path`, which has {}, occurs in the text, and none stands for unknown ones: use another file, or set \
         `tokens` and `clean` so that they divide the text as there",
        counted(*.given, "token")
    )]
    NoGivenToken {
        /// The number of its tokens.
        given: usize,
    },
    /// There are too few different documents for all parts of the split.
    #[error(
        "the text has {}, but training and the held-out parts need {needed}: add documents, give separate held-out \
         files, or check how the text is divided into documents",
        counted(*.distinct, "different document")
    )]
    TooFewDocuments {
        /// Documents with different tokens.
        distinct: usize,
        /// Documents needed.
        needed: usize,
    },
    /// An input has no documents.
    #[error("the {part} input has no document with a known token: give another one")]
    NoDocuments {
        /// The name of the part.
        part: &'static str,
    },
    /// There are more documents than can be numbered.
    #[error("the text has more than 4294967295 documents: use fewer, or join some of them")]
    TooManyDocuments,
    /// There are too many different labels.
    #[error("the documents have more than {most} different labels: choose labels with fewer values")]
    TooManyLabels {
        /// The highest number allowed.
        most: usize,
    },
    /// A document has a label that the trained model does not have.
    #[error("a document has the label `{label}`, which the model does not have; it has {known}")]
    UnknownLabel {
        /// The label.
        label: String,
        /// The labels of the model.
        known: String,
    },
    /// A held-out input is of another kind than the training input.
    #[error(
        "the training input is {}, but the {part} input is {}: read both in the same way",
        kind(.documents), other_kind(.documents)
    )]
    MixedInputs {
        /// The name of the held-out part.
        part: &'static str,
        /// Whether the training input has documents.
        documents: bool,
    },
    /// A trained model is of another kind than the inputs.
    #[error("the model was trained on {}, but the text is {}: read it in the same way", other_kind(.documents), kind(.documents))]
    OtherKindOfText {
        /// Whether the text has documents.
        documents: bool,
    },
    /// A configuration option is out of range.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Ids beyond the memory limit cannot be written to a temporary file.
    #[error(
        "the ids of the text do not fit into memory and cannot be written to a temporary file in \
         `{}`: {source}; free disk space there, or set TMPDIR (on Windows, TMP) to another folder",
        .folder.display()
    )]
    TemporaryFile {
        /// The folder of the file.
        folder: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The text could not be read or tokenized.
    #[error(transparent)]
    Text(#[from] text_prep::Error),
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "thiserror passes references")]
fn other_kind(has_documents: &bool) -> &'static str {
    kind(&!has_documents)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "thiserror passes references")]
fn kind(has_documents: &bool) -> &'static str {
    if *has_documents { "documents" } else { "running text" }
}

impl Error {
    /// The error of a text with so many characters and tokens: that of a text or a split that is too short, if only because
    /// the tokens are long, says so.
    pub(crate) fn about_long_tokens(self, characters: usize, tokens: usize) -> Self {
        match self {
            Self::TextTooShort { context_len, needed, .. } | Self::SplitTooShort { context_len, needed, .. }
                if characters > LONG_TOKEN * tokens && characters >= USUAL_TOKEN * needed =>
            {
                Self::LongTokens { characters, tokens, context_len, needed }
            }
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DatasetConfig, TextDataset};

    fn message(text: &str) -> String {
        let config = DatasetConfig::words().context_len(20);
        TextDataset::from_text(text).config(config).build().err().unwrap().to_string()
    }

    #[test]
    fn only_a_text_that_is_long_enough_for_usual_tokens_has_long_ones() {
        // A window and its target need 21 tokens: 126 characters.
        for letters in [1, 25, 125] {
            let short = message(&"a".repeat(letters));
            assert!(short.starts_with("the text has 1 token, but a window of 20 and its target need 21: "), "{short}");
        }
        for letters in [126, 2_000] {
            let long = message(&"a".repeat(letters));
            let expected = format!("the text has {}, but only 1 token, because ", counted(letters, "character"));
            assert!(long.starts_with(&expected), "{long}");
        }
        let short = message("the fox saw the crow");
        assert!(short.starts_with("the text has 5 tokens, but a window of 20"), "{short}");
    }

    #[test]
    fn a_number_that_is_out_of_range_is_not_printed_with_all_its_zeros() {
        let message = |found: f64| ConfigError::new("model.dropout", found, "0 or more and below 1").to_string();
        assert_eq!(message(1.5), "`model.dropout` is 1.5; expected 0 or more and below 1");
        assert_eq!(message(1e30), "`model.dropout` is 1e30; expected 0 or more and below 1");
    }
}
