//! What can be wrong with a file of questions, each said in one line with its place.
//!
//! What it does not know: which questions are merely of no use; those are counted.

use text_prep::error::one_line;

/// The result of reading questions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a file of questions is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No file is at the path.
    #[error("no file at `{}`: expected questions with their passages; check the path", one_line(.file))]
    Missing {
        /// The path as given.
        file: String,
    },
    /// The file holds nothing but white space.
    #[error("`{}` is empty: expected questions with their passages; name another file", one_line(.file))]
    Empty {
        /// The file's name.
        file: String,
    },
    /// The bytes are not UTF-8.
    #[error("`{}` is not UTF-8: byte {offset} begins an invalid sequence; convert the file to UTF-8", one_line(.file))]
    NotUtf8 {
        /// The file's name.
        file: String,
        /// Offset of the first byte that cannot be read, from 0.
        offset: usize,
    },
    /// Neither the file's name nor its beginning tells its format.
    #[error("`{}` holds no questions that this program can read: expected SQuAD's JSON (.json), NewsQA's tokenized table (.csv) or one JSON object a line (.jsonl); name another file", one_line(.file))]
    UnknownFormat {
        /// The file's name.
        file: String,
    },
    /// JSON that breaks off.
    #[error("`{}` ends early, at byte {offset} (line {line}), within {place}: expected the rest of the JSON; take the file from the original again", one_line(.file))]
    EndsEarly {
        /// The file's name.
        file: String,
        /// Bytes of the file that are there.
        offset: usize,
        /// The last line, from 1.
        line: usize,
        /// Keys and indices that lead to the end, such as `data[3].title`.
        place: String,
    },
    /// Something that is not JSON, or JSON of another shape.
    #[error("`{}` is not as expected at line {line}, column {column}, in {place}: {}; expected {expected}; correct the file or name another", one_line(.file), one_line(.problem))]
    Shape {
        /// The file's name.
        file: String,
        /// From 1.
        line: usize,
        /// From 1, in bytes.
        column: usize,
        /// Keys and indices that lead there, such as `data[3].title`.
        place: String,
        /// What the reader of JSON found.
        problem: String,
        /// What the whole should look like.
        expected: &'static str,
    },
    /// A table without the columns that are needed, or a row that does not fit them.
    #[error("`{}` {problem}", one_line(.file))]
    Table {
        /// The file's name.
        file: String,
        /// What was found, what was expected and what to do.
        problem: String,
    },
    /// A passage that has no text.
    #[error("`{}`: {} has a passage without text; expected at least one word; correct or remove the passage", one_line(.file), one_line(.place))]
    NoText {
        /// The file's name.
        file: String,
        /// The document, line or row.
        place: String,
    },
    /// A question whose answer cannot be taken from its passage.
    #[error("`{}`: question `{}` of {} {problem}", one_line(.file), one_line(.id), one_line(.place))]
    Answer {
        /// The file's name.
        file: String,
        /// The document, line or row.
        place: String,
        /// The question's id.
        id: String,
        /// What was found, what was expected and what to do.
        problem: String,
    },
    /// All has been read and nothing remains.
    #[error("`{}` holds no question that can be used ({counts}); expected at least one; name another file", one_line(.file))]
    NoQuestions {
        /// The file's name.
        file: String,
        /// How many were left out, and why.
        counts: String,
    },
    /// Nothing is left to learn from or to be judged by.
    #[error("{0}")]
    NoExamples(String),
    /// Documents that cannot be divided.
    #[error("{0}")]
    Split(String),
    /// The system refuses to read the file.
    #[error(transparent)]
    Text(#[from] text_prep::Error),
}

/// `text` as it is quoted in an error: short, on one line, in quotes.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", one_line(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_cross_threads_and_stay_on_one_line() {
        fn check<T: Send + Sync + 'static>() {}
        check::<Error>();
        let (file, place) = ("a\nb.json".to_owned(), "document \"x\ny\"".to_owned());
        let message = Error::NoText { file, place }.to_string();
        assert!(!message.contains('\n') && message.contains("a\\nb.json"), "{message}");
        assert_eq!(quoted("a\tb"), "\"a\\tb\"");
    }
}
