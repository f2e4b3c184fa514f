//! Why nothing can be written or scored, each said in one line.

/// The result of writing or scoring.
pub type Result<T> = std::result::Result<T, Error>;

/// What stands in the way.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting is out of range.
    #[error("`{option}` is {found}; expected {expected}")]
    OutOfRange {
        /// The option, as given on the command line.
        option: &'static str,
        /// What was found.
        found: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// The prompt, or the text to score, cannot be read.
    #[error(transparent)]
    Prompt(#[from] text_prep::Error),
    /// The ids of the text to score cannot be kept.
    #[error(transparent)]
    Ids(#[from] seqdata::Error),
    /// Nothing of the prompt is left to go on from.
    #[error(
        "nothing is left of the prompt once unseen words are skipped: write it with words that \
         the model knows, or use --unseen unknown"
    )]
    EmptyPrompt,
    /// The token to stop at is not in the vocabulary.
    #[error("the model does not know the token `{0}` to stop at")]
    UnknownStop(String),
    /// The text holds too little to score.
    #[error(
        "the text holds {tokens} tokens, scoring needs {needed} ({window} to read first and one to \
         predict): take a longer text"
    )]
    TooShort {
        /// Tokens found.
        tokens: usize,
        /// Tokens needed.
        needed: usize,
        /// Tokens read before the first is scored.
        window: usize,
    },
    /// The device did not give its numbers back.
    #[error("the device did not return its numbers: {0}")]
    Device(#[from] burn::tensor::TensorReadError),
    /// The model predicts no numbers.
    #[error(
        "the model's predictions are not finite numbers: its weights have run away; train it again \
         with a lower `train.learning_rate`"
    )]
    NotFinite,
    /// The text could not be handed on.
    #[error("the text cannot be written out: {0}")]
    Output(#[from] std::io::Error),
}
