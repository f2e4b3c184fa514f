//! One line for whatever went wrong behind the front door.

use std::fmt;
use std::path::PathBuf;

/// The result of a command.
pub type Result<T> = std::result::Result<T, Error>;

/// An error as the user reads it: what was found, what was expected, what to do; one line.
#[derive(Debug)]
pub struct Error(String);

impl Error {
    /// An error that says this.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// The file system refused to do this to `path`.
    pub fn io(path: impl Into<PathBuf>, verb: &str) -> impl FnOnce(std::io::Error) -> Self {
        let message = format!("{} cannot be {verb}", path.into().display());
        move |error| Self(format!("{message}: {error}"))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Whatever a library says, it is said in one line.
        f.write_str(&self.0.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

impl std::error::Error for Error {}

macro_rules! from {
    ($($error:ty),*) => {
        $(impl From<$error> for Error {
            fn from(error: $error) -> Self {
                Self(error.to_string())
            }
        })*
    };
}

from!(
    durable::Error,
    text_prep::Error,
    seqdata::Error,
    qa::data::Error,
    models::Error,
    trainer::Error,
    generate::Error,
    qa::Error
);
