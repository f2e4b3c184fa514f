//! The error of a command, printed as one line.

use std::error::Error as StdError;
use std::fmt;
use std::path::PathBuf;

/// The result of a command.
pub type Result<T> = std::result::Result<T, Error>;

/// Returns from the function with an [`Error`] of this formatted message.
macro_rules! bail {
    ($($message:tt)*) => {
        return Err($crate::error::Error::new(format!($($message)*)))
    };
}
pub(crate) use bail;

/// What was found, what was expected and what to do, in one line.
#[derive(Debug)]
pub enum Error {
    /// An error of this crate.
    Message(String),
    /// The file system failed.
    Io {
        /// The operation, as in "runs/a cannot be created".
        failure: String,
        /// The cause.
        source: std::io::Error,
    },
    /// An error of a library, with its own sources.
    Library(Box<dyn StdError + Send + Sync>),
    /// An error with advice that names options of the command.
    Hint {
        /// What to do.
        hint: String,
        /// The error.
        source: Box<Self>,
    },
}

impl Error {
    /// An error with this message.
    pub fn new(message: impl Into<String>) -> Self {
        Self::Message(message.into())
    }

    /// The file system could not do `verb` with `path`.
    pub fn io(path: impl Into<PathBuf>, verb: &str) -> impl FnOnce(std::io::Error) -> Self {
        let failure = format!("{} cannot be {verb}", path.into().display());
        move |source| Self::Io { failure, source }
    }

    /// Adds advice to the message, if there is any.
    pub fn with_hint(self, hint: Option<&str>) -> Self {
        match hint {
            Some(hint) => Self::Hint { hint: hint.into(), source: Box::new(self) },
            None => self,
        }
    }

    /// Adds the options that fix an error of reading a text: its encoding and, in commands with a configuration, its keys,
    /// which are in the section `keys`.
    pub fn about_text(self, keys: Option<&str>) -> Self {
        let Self::Library(error) = &self else { return self };
        let of_data = match error.downcast_ref() {
            Some(qa::data::Error::NotUtf8 { .. }) => return self.with_hint(Some(&encoding_hint("windows-1252", keys))),
            Some(qa::data::Error::Text(error)) => Some(error),
            _ => None,
        };
        let text_error = of_data.or_else(|| error.downcast_ref()).or_else(|| match error.downcast_ref()? {
            seqdata::Error::Text(error) => Some(error),
            _ => None,
        });
        let text_error = text_error.or_else(|| match error.downcast_ref()? {
            generate::Error::Text(error) => Some(error),
            _ => None,
        });
        let hint = match (text_error, keys) {
            (Some(text_prep::Error::InvalidUtf8 { .. }), _) => encoding_hint("windows-1252", keys),
            (Some(text_prep::Error::InvalidEncoding { .. }), _) => {
                format!("correct {}, or leave it out if the text is UTF-8", encoding_option("", keys))
            }
            (Some(text_prep::Error::NoByteOrderMark { encoding, .. }), _) => {
                encoding_hint(&encoding.to_lowercase(), keys)
            }
            (Some(text_prep::Error::ControlCharacters { .. }), Some("text")) => {
                "`--set text.control_characters=remove` reads it without them, `=keep` with them".into()
            }
            _ => return self,
        };
        self.with_hint(Some(&hint))
    }

    /// Whether a text or questions could not be read or used.
    pub fn is_about_text(&self) -> bool {
        match self {
            Self::Library(error) => {
                error.is::<text_prep::Error>() || error.is::<seqdata::Error>() || error.is::<qa::data::Error>()
            }
            Self::Hint { source, .. } => source.is_about_text(),
            Self::Message(_) | Self::Io { .. } => false,
        }
    }

    /// The name of the file of a model directory that cannot be used, if one is the reason.
    pub fn model_file(&self) -> Option<&str> {
        match self {
            Self::Library(error) => error.downcast_ref::<models::Error>()?.file(),
            Self::Hint { source, .. } => source.model_file(),
            Self::Message(_) | Self::Io { .. } => None,
        }
    }

    /// The message with those of its sources that it does not repeat itself.
    pub fn full_message(&self) -> String {
        let mut message = self.to_string();
        let mut source = self.source();
        while let Some(error) = source {
            let text = one_line(&error.to_string());
            if !message.contains(&text) {
                message = format!("{message}: {text}");
            }
            source = error.source();
        }
        message
    }
}

fn encoding_hint(encoding: &str, keys: Option<&str>) -> String {
    format!("{} names the encoding", encoding_option(&format!(" {encoding}"), keys))
}

/// The option and the key that name the encoding; `value` stands after the option.
fn encoding_option(value: &str, keys: Option<&str>) -> String {
    let key = keys.map_or(String::new(), |section| format!(" or the key `{section}.encoding`"));
    format!("`--encoding{value}`{key}")
}

/// Libraries may use several lines.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&one_line(&match self {
            Self::Message(message) => message.clone(),
            Self::Io { failure, source } => format!("{failure}: {source}"),
            Self::Library(error) => error.to_string(),
            Self::Hint { hint, source } => format!("{source}; {hint}"),
        }))
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Message(_) => None,
            Self::Io { source, .. } => Some(source),
            Self::Library(error) => Some(&**error),
            Self::Hint { source, .. } => Some(source),
        }
    }
}

macro_rules! from {
    ($($error:ty),*) => {
        $(impl From<$error> for Error {
            fn from(error: $error) -> Self {
                Self::Library(Box::new(error))
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
    ranks::RanksError,
    generate::Error,
    qa::Error,
    serve::Error,
    pastiche::DeviceError
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_stay_reachable_and_are_printed_once() {
        let io = std::io::Error::other(std::fmt::Error);
        let error = Error::io("a.txt", "read")(io).with_hint(Some("choose\nanother file"));
        let cause = std::fmt::Error.to_string();
        assert_eq!(error.full_message(), format!("a.txt cannot be read: {cause}; choose another file"));
        let io = error.source().and_then(StdError::source);
        assert!(io.is_some_and(|error| error.is::<std::io::Error>()));
    }

    #[test]
    fn the_file_of_a_model_that_cannot_be_used_is_known_by_the_error() {
        let damaged = models::Error::HashMismatch {
            directory: "runs/a".into(),
            file: "ngram-counts.bin".into(),
            found: "0".into(),
            expected: "1".into(),
        };
        assert_eq!(Error::from(damaged).with_hint(Some("restore it")).model_file(), Some("ngram-counts.bin"));
        let unreadable = models::Error::io("runs/a/ngram-counts.bin", "read")(std::io::Error::other("failed"));
        assert_eq!(Error::from(unreadable).model_file(), Some("ngram-counts.bin"));
        // A message with the name of the file is not enough.
        assert_eq!(Error::new("runs/ngram-counts.bin is no model").model_file(), None);
    }

    #[test]
    fn errors_of_reading_a_text_name_the_options_that_mend_them() {
        let invalid = || text_prep::Error::InvalidUtf8 { name: "a.txt".into(), offset: 3 };
        let hint = |error: Error, keys| {
            let error = error.about_text(keys);
            matches!(&error, Error::Hint { .. }).then(|| error.to_string().rsplit("; ").next().unwrap().to_owned())
        };
        let with_key = "`--encoding windows-1252` or the key `text.encoding` names the encoding";
        for error in [
            Error::from(invalid()),
            seqdata::Error::Text(invalid()).into(),
            generate::Error::Text(invalid()).into(),
            qa::data::Error::Text(invalid()).into(),
            qa::data::Error::NotUtf8 { file: "a.json".into(), offset: 3 }.into(),
        ] {
            assert_eq!(hint(error, Some("text")).as_deref(), Some(with_key));
        }
        let without_mark = || text_prep::Error::NoByteOrderMark { name: "a".into(), encoding: "UTF-16BE", offset: 0 };
        let expected = "`--encoding utf-16be` names the encoding";
        assert_eq!(hint(without_mark().into(), None).as_deref(), Some(expected));
        let other = || text_prep::Error::InvalidEncoding { name: "a".into(), encoding: "UTF-32LE", offset: 0 };
        let expected = "correct `--encoding` or the key `text.encoding`, or leave it out if the text is UTF-8";
        assert_eq!(hint(other().into(), Some("text")).as_deref(), Some(expected));
        // A byte order mark takes precedence over the option.
        let damaged = text_prep::Error::Damaged { name: "a".into(), encoding: "UTF-16LE", offset: 4 };
        assert_eq!(hint(damaged.into(), Some("text")), None);
        assert_eq!(hint(Error::new("other"), Some("text")), None);
        assert_eq!(hint(text_prep::Error::Empty { name: "a".into() }.into(), Some("text")), None);
    }

    #[test]
    fn a_source_that_the_message_leaves_out_is_added() {
        #[derive(Debug)]
        struct Outer(std::fmt::Error);
        impl fmt::Display for Outer {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("outer")
            }
        }
        impl StdError for Outer {
            fn source(&self) -> Option<&(dyn StdError + 'static)> {
                Some(&self.0)
            }
        }
        let error = Error::Library(Box::new(Outer(std::fmt::Error)));
        assert_eq!(error.to_string(), "outer");
        assert_eq!(error.full_message(), format!("outer: {}", std::fmt::Error));
    }
}
