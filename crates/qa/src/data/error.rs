//! Errors of reading a file of questions; each message is one line with the location. Unusable questions are no
//! errors, they are counted (`collector`), and so are invalid items unless the reader is strict.

use std::fmt;

use text_prep::error::one_line;
use text_prep::source::FoundControlCharacters;

/// The result of reading questions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What is wrong with an item of a file of questions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InvalidKind {
    /// It lacks a key, has a value of another type or a wrong number of fields, or is no JSON.
    Format,
    /// The passage has no text.
    NoText,
    /// The question has no text.
    NoQuestionText,
    /// The passage or the question has a NUL, which no text has.
    ControlCharacters,
    /// The answer is not where the file says, or occurs more than once and the file does not say where.
    Answer,
    /// The answer has no text.
    EmptyAnswer,
}

impl fmt::Display for InvalidKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Format => "not in the expected format",
            Self::NoText => "without the text of a passage",
            Self::NoQuestionText => "without the text of a question",
            Self::ControlCharacters => "with a NUL",
            Self::Answer => "with an answer that is not at its place in the passage",
            Self::EmptyAnswer => "with an empty answer",
        })
    }
}

/// Why a file of questions is rejected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file does not exist.
    #[error("no file at `{}`: expected questions with their passages; check the path", one_line(.file))]
    Missing {
        /// The path as given.
        file: String,
    },
    /// The file is empty or has only white space.
    #[error("`{}` is empty: expected questions with their passages; use another file", one_line(.file))]
    Empty {
        /// The file's name.
        file: String,
    },
    /// The bytes are not UTF-8.
    #[error("`{}` is not UTF-8: byte {offset} starts an invalid sequence; read it in its encoding, or convert it to UTF-8", one_line(.file))]
    NotUtf8 {
        /// The file's name.
        file: String,
        /// Offset of the first invalid byte, from 0.
        offset: usize,
    },
    /// The format follows neither from the extension nor from the first line.
    #[error(
        "`{}` has an unknown format: expected SQuAD JSON (.json), the tokenized NewsQA table (.csv) or JSON \
         Lines (.jsonl); use another file",
        one_line(.file)
    )]
    UnknownFormat {
        /// The file's name.
        file: String,
    },
    /// Truncated JSON.
    #[error(
        "`{}` is truncated at byte {offset} (line {line}), within {location}: expected the rest of the JSON; \
         copy or download the file again",
        one_line(.file)
    )]
    TruncatedJson {
        /// The file's name.
        file: String,
        /// The number of bytes before the end.
        offset: usize,
        /// The last line, from 1.
        line: usize,
        /// The keys and indices of the value that is cut off, such as `data[3].title`.
        location: String,
    },
    /// Invalid JSON, or JSON with other keys or types than expected.
    #[error(
        "`{}` does not match the format at line {line}, column {column}, in {location}: {}; expected \
         {expected}; correct the file or use another",
        one_line(.file), one_line(.problem)
    )]
    InvalidJson {
        /// The file's name.
        file: String,
        /// From 1.
        line: usize,
        /// From 1, in bytes.
        column: usize,
        /// The keys and indices of the value, such as `data[3].title`.
        location: String,
        /// The message of the JSON parser.
        problem: String,
        /// The expected format.
        expected: &'static str,
    },
    /// A table without a required column, or with an invalid row.
    #[error("`{}` {problem}", one_line(.file))]
    Table {
        /// The file's name.
        file: String,
        /// What was found, what was expected and what to do.
        problem: String,
    },
    /// A passage without text.
    #[error(
        "`{}`: {} has a passage without text; expected at least one word; correct or remove the passage",
        one_line(.file), one_line(.location)
    )]
    NoText {
        /// The file's name.
        file: String,
        /// The document, line or row.
        location: String,
    },
    /// A passage with control characters that no text has.
    #[error(
        "`{}`: {} has a passage with {found}; expected a text without NUL; correct or remove the passage",
        one_line(.file), one_line(.location)
    )]
    ControlCharacters {
        /// The file's name.
        file: String,
        /// The document, line or row.
        location: String,
        /// Their number, and the place of the first one in the passage.
        found: FoundControlCharacters,
    },
    /// A question with an invalid id, text or answer.
    #[error("`{}`: question `{}` of {} {problem}", one_line(.file), one_line(.id), one_line(.location))]
    Answer {
        /// The file's name.
        file: String,
        /// The document, line or row.
        location: String,
        /// The question's id.
        id: String,
        /// What was found, what was expected and what to do.
        problem: String,
    },
    /// The file has no usable question.
    #[error(
        "`{}` has no usable question ({counts}); expected at least one; correct the file or use another",
        one_line(.file)
    )]
    NoQuestions {
        /// The file's name.
        file: String,
        /// The numbers of questions left out, by reason.
        counts: String,
    },
    /// No example for training or validation.
    #[error("{0}")]
    NoExamples(String),
    /// The documents cannot be split into training and validation documents.
    #[error("{0}")]
    Split(String),
    /// The file cannot be read.
    #[error(transparent)]
    Text(#[from] text_prep::Error),
}

/// `text` for an error message: shortened, on one line, in quotes.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", one_line(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_send_and_fit_on_one_line() {
        fn check<T: Send + Sync + 'static>() {}
        check::<Error>();
        let (file, location) = ("a\nb.json".to_owned(), "document \"x\ny\"".to_owned());
        let message = Error::NoText { file, location }.to_string();
        assert!(!message.contains('\n') && message.contains("a\\nb.json"), "{message}");
        assert_eq!(quoted("a\tb"), "\"a\\tb\"");
    }
}
