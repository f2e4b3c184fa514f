//! The error of this library: one variant per library that it is built on.

use std::fmt::{Debug, Formatter};

use seqdata::ConfigError;

use crate::device::DeviceError;

/// The result of this library's functions. `?` converts the errors of all libraries below it.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong. Every message is one line that says what was found and what to do.
///
/// There is a variant for each library. It has the library's own error, also if another library passed it on: a model
/// that cannot be loaded is [`Error::Model`] in every case. Match on it to find out what happened, and follow
/// [`source`](std::error::Error::source) to the error of the system.
///
/// ```
/// use pastiche::{Error, TextDataset, seqdata};
///
/// let result = TextDataset::from_text("Too short a text.").words().build().map_err(Error::from);
/// match result {
///     Err(Error::Data(seqdata::Error::TextTooShort { tokens, needed, .. })) => {
///         assert_eq!((tokens, needed), (5, 21));
///     }
///     other => panic!("{other:?}"),
/// }
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An option is out of range.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A text cannot be read, cleaned or tokenized.
    #[error(transparent)]
    Text(#[from] text_prep::Error),
    /// A text cannot become a dataset.
    #[error(transparent)]
    Data(seqdata::Error),
    /// A model cannot be created, saved or loaded.
    #[error(transparent)]
    Model(models::Error),
    /// Training failed.
    #[error(transparent)]
    Train(trainer::Error),
    /// Text cannot be generated or evaluated.
    #[error(transparent)]
    Generate(generate::Error),
    /// A file of questions and answers cannot be read or used.
    #[error(transparent)]
    QuestionData(qa::data::Error),
    /// Questions cannot be generated or evaluated.
    #[error(transparent)]
    Questions(qa::Error),
    /// A device cannot be opened.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The model to start from has another tokenizer than the dataset.
    #[error(
        "the tokenizer of the dataset is neither that of the model to start from nor an extension of it: build the \
         dataset with the tokenizer of the model"
    )]
    OtherTokenizer,
    /// The documents of the dataset do not have the labels of the model to start from.
    #[error(
        "the labels of the dataset are neither those of the model to start from nor an extension of them: build the dataset \
         with the labels of the model"
    )]
    OtherLabels,
    /// The data has other sizes than the model to start from, which cannot change its own.
    #[error(
        "a question model can be trained further only on data with its own vocabulary and answer length: use the \
         data that it was trained on, or train a new model"
    )]
    NotExtendable,
    /// The system gives no threads to compute with.
    #[error("the threads to train with cannot be started")]
    Threads(#[source] rayon::ThreadPoolBuildError),
    /// A run without a run directory cannot be resumed.
    #[error("there is no run directory to resume from: give the directory of the run to continue")]
    NoRunDirectory,
    /// No temporary directory can be created for the checkpoints of a run.
    #[error("no temporary directory can be created for the checkpoints: free disk space, or give a run directory")]
    TemporaryDirectory(#[source] std::io::Error),
}

/// The message, with the errors that caused it: Rust prints an error in this form if `main` returns it.
impl Debug for Error {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{self}")?;
        let mut said = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(error) = source {
            let message = error.to_string();
            // Many messages contain that of their source.
            if !said.contains(&message) {
                write!(formatter, ": {message}")?;
            }
            said = message;
            source = error.source();
        }
        Ok(())
    }
}

impl From<seqdata::Error> for Error {
    fn from(error: seqdata::Error) -> Self {
        match error {
            seqdata::Error::Config(error) => error.into(),
            seqdata::Error::Text(error) => error.into(),
            error => Self::Data(error),
        }
    }
}

impl From<models::Error> for Error {
    fn from(error: models::Error) -> Self {
        match error {
            models::Error::Config(error) => error.into(),
            error => Self::Model(error),
        }
    }
}

impl From<trainer::Error> for Error {
    fn from(error: trainer::Error) -> Self {
        match error {
            trainer::Error::Config(error) => error.into(),
            trainer::Error::Data(error) => error.into(),
            trainer::Error::Model(error) => error.into(),
            error => Self::Train(error),
        }
    }
}

impl From<generate::Error> for Error {
    fn from(error: generate::Error) -> Self {
        match error {
            generate::Error::Config(error) => error.into(),
            generate::Error::Text(error) => error.into(),
            generate::Error::Ids(error) => error.into(),
            generate::Error::Model(error) => error.into(),
            error => Self::Generate(error),
        }
    }
}

impl From<qa::data::Error> for Error {
    fn from(error: qa::data::Error) -> Self {
        match error {
            qa::data::Error::Text(error) => error.into(),
            error => Self::QuestionData(error),
        }
    }
}

impl From<qa::Error> for Error {
    fn from(error: qa::Error) -> Self {
        match error {
            qa::Error::Data(error) => error.into(),
            qa::Error::Model(error) => error.into(),
            error => Self::Questions(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn the_error_of_the_system_stays_reachable() {
        let path = std::path::PathBuf::from("a.txt");
        let error = Error::from(text_prep::Error::Read { path, source: std::io::Error::other("broken") });
        assert!(error.to_string().contains("a.txt"), "{error}");
        let source = error.source().and_then(|source| source.downcast_ref::<std::io::Error>());
        assert_eq!(source.unwrap().to_string(), "broken");
    }

    #[test]
    fn an_error_returned_from_main_is_printed_as_its_message() {
        let path = || std::path::PathBuf::from("a.txt");
        let error = Error::from(text_prep::Error::Read { path: path(), source: std::io::Error::other("broken") });
        assert_eq!(format!("{error:?}").matches("broken").count(), 1, "{error:?}");
        let error = Error::TemporaryDirectory(std::io::Error::other("quota exceeded"));
        assert_eq!(format!("{error:?}"), format!("{error}: quota exceeded"));
    }

    #[test]
    fn an_error_has_one_variant_whichever_library_passes_it_on() {
        let config = || ConfigError::new("train.epochs", 0, "1 or more");
        let model = || models::Error::NotAModel("a".into());
        for error in [
            Error::from(config()),
            seqdata::Error::from(config()).into(),
            models::Error::from(config()).into(),
            trainer::Error::from(models::Error::from(config())).into(),
            generate::Error::from(seqdata::Error::from(config())).into(),
        ] {
            assert!(matches!(&error, Error::Config(config) if config.key == "train.epochs"), "{error:?}");
        }
        for error in [
            trainer::Error::from(model()).into(),
            generate::Error::from(model()).into(),
            qa::Error::from(model()).into(),
        ] {
            assert!(matches!(error, Error::Model(models::Error::NotAModel(_))), "{error:?}");
        }
    }
}
