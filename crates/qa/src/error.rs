//! Errors of question generation and its evaluation, as one-line messages.

/// The result of generating or evaluating questions.
pub type Result<T> = std::result::Result<T, Error>;

/// Why questions cannot be generated or evaluated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A data file was rejected.
    #[error(transparent)]
    Data(#[from] crate::data::Error),
    /// The model cannot be loaded.
    #[error(transparent)]
    Model(#[from] models::Error),
    /// The device did not return a tensor.
    #[error("the device did not return a tensor: {0}")]
    Device(#[from] burn::tensor::TensorReadError),
    /// The model's results are not finite.
    #[error(
        "the model's results are not finite: its weights have diverged; train it again with a lower \
         `train.learning_rate`"
    )]
    NotFinite,
    /// The text has no sentence.
    #[error("the text has no sentence with a word; use another text")]
    NoSentences,
    /// No question can be evaluated.
    #[error(
        "none of the {questions} questions can be evaluated: {unmapped} have answers that begin or end within \
         a word, the others have none; use a file whose answers are whole words"
    )]
    NothingToEvaluate {
        /// The number of questions.
        questions: usize,
        /// Those whose answer begins or ends within a word.
        unmapped: usize,
    },
}
