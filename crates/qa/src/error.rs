//! Errors of question generation and its evaluation, one line each.

/// The result of generating or evaluating questions.
pub type Result<T> = std::result::Result<T, Error>;

/// Why questions cannot be generated or evaluated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A data file was rejected.
    #[error(transparent)]
    Data(#[from] crate::data::Error),
    /// The device did not return a tensor's values.
    #[error("the device did not return its numbers: {0}")]
    Device(#[from] burn::tensor::TensorReadError),
    /// The model's predictions are not finite.
    #[error(
        "the model's predictions are not finite numbers: its weights have diverged; train it again with a \
         lower `train.learning_rate`"
    )]
    NotFinite,
    /// The text has no sentence of a usable length.
    #[error(
        "the text holds no sentence to ask about: expected at least one of 1 to 200 words; give another text"
    )]
    NoSentences,
    /// No question can be evaluated.
    #[error(
        "none of the {questions} questions can be scored: {unmapped} have answers that begin or end within \
         a word, the others have none; give a file whose answers consist of whole words"
    )]
    NothingToScore {
        /// Questions found.
        questions: usize,
        /// Those whose answer is part of a word.
        unmapped: usize,
    },
}
