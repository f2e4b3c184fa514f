//! Errors of question generation and its evaluation, as one-line messages.

use text_prep::counted;

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
    /// The ranking of a model is not valid.
    #[error(
        "ranking.json of the model is damaged or of a later version; expected weights and a threshold: train the model again"
    )]
    InvalidRanking,
    /// Rules ask alone.
    #[error("the questions are made by rules alone, without a network that answers: load a question model")]
    NoNetwork,
    /// The text has no sentence.
    #[error("the text has no sentence with a word; use another text")]
    NoSentences,
    /// All sentences of the text are left out.
    #[error(
        "every sentence of the text has a word of more than {} characters; use another text",
        crate::generate::MAX_WORD_LEN
    )]
    OnlyLongWords,
    /// No question can be evaluated.
    #[error(
        "of {}, none can be evaluated ({unmapped} with answers that begin or end within a word, the others without any): use \
         a file whose answers are whole words",
        counted(*.questions, "question")
    )]
    NothingToEvaluate {
        /// The number of questions.
        questions: usize,
        /// Those whose answer begins or ends within a word.
        unmapped: usize,
    },
}
