//! Errors of this crate. Each message is one line: what was found, what was expected, what to do.

use seqdata::ConfigError;
use text_prep::error::{one_line, suggestions};
use text_prep::{counted, list_nearest};

/// The result of generation or evaluation.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a text cannot be generated or evaluated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The model cannot be loaded.
    #[error(transparent)]
    Model(#[from] models::Error),
    /// A sampling option is out of range.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The prompt, or the text to evaluate, cannot be read or tokenized.
    #[error(transparent)]
    Text(#[from] text_prep::Error),
    /// The ids of the text to evaluate cannot be stored.
    #[error(transparent)]
    Ids(#[from] seqdata::Error),
    /// All tokens of the prompt are out of vocabulary and were dropped.
    #[error(
        "the prompt is empty after dropping out-of-vocabulary tokens: use words of the model's \
         vocabulary, or map them to the unknown token"
    )]
    EmptyPrompt,
    /// A stop text is empty.
    #[error("a stop text is empty: expected a text that ends a sample; leave it out")]
    EmptyStopText,
    /// A stop text is only white space, and the model's tokens are words.
    #[error(
        "a stop text is only white space, which is not a token of this model: expected a word, a punctuation mark or \
         a line end"
    )]
    BlankStopText,
    /// A token of a stop text is not in the vocabulary.
    #[error(
        "a stop text contains `{}`, which is not in the vocabulary{}, so the model never writes it: correct it or leave \
         it out",
        one_line(.token),
        suggestions(.nearest)
    )]
    StopTextNotInVocabulary {
        /// The token.
        token: String,
        /// The most similar known tokens, nearest first.
        nearest: Vec<String>,
    },
    /// The model has labels, but not this one.
    #[error(
        "the model has no label `{}`; expected one of its labels (nearest first): {}",
        one_line(.label),
        list_nearest(.label, .known)
    )]
    UnknownLabel {
        /// The label.
        label: String,
        /// The labels of the model.
        known: Vec<String>,
    },
    /// A label was given, but the model has none.
    #[error("the label is `{}`, but the model was trained without labels: leave it out", one_line(.label))]
    NoLabels {
        /// The label.
        label: String,
    },
    /// Whole documents are wanted of a model of running text.
    #[error(
        "the model was trained on running text, not on documents, so that it writes no whole documents: train one on documents"
    )]
    NotDocuments,
    /// The hashes of the training documents are missing or invalid.
    #[error(
        "the model directory has no valid {}, so that documents of the training text cannot be recognised: \
         use the model of the run",
        models::bundle::DOCUMENT_HASHES
    )]
    NoDocumentHashes,
    /// The file of n-grams is invalid.
    #[error(
        "{} of the model is invalid or that of another model: use the model of the run, or train one again",
        models::bundle::NGRAM_COUNTS
    )]
    InvalidNgrams,
    /// The probabilities of two models cannot be mixed.
    #[error(
        "the models have vocabularies of {} and {} tokens and do not divide texts into the same tokens, so that their \
         probabilities cannot be mixed: expected models with one vocabulary; use a run and another one that started from it",
        .lengths[0],
        .lengths[1]
    )]
    DifferentVocabularies {
        /// The vocabulary sizes of the two.
        lengths: [usize; 2],
    },
    /// The model cannot be computed with 8-bit weights.
    #[error(
        "the model has no inference kernel for 8-bit weights: use a CPU backend, fused kernels, and GRU layers with \
         `reset_after = true`"
    )]
    NoInt8,
    /// The text is too short to evaluate.
    #[error(
        "the text has {}, but evaluation needs {needed} ({context_len} as context and \
         one as target): use a longer text",
        counted(*.tokens, "token")
    )]
    TooShort {
        /// Tokens in the text.
        tokens: usize,
        /// Tokens needed.
        needed: usize,
        /// Tokens before the first target.
        context_len: usize,
    },
    /// The first token of a text is to be predicted from a line end, and the model has no token for it.
    #[error("the model has no token for line ends, which the first token of a text would be predicted from")]
    NoLineEnd,
    /// The device did not return a tensor.
    #[error("the device did not return a tensor: {0}")]
    Device(#[from] burn::tensor::TensorReadError),
    /// The logits are not finite.
    #[error(
        "the model's logits are not finite: its weights have diverged; train it again with a lower \
         `train.learning_rate`"
    )]
    NotFinite,
}
