//! Questions whose answers are spans of a passage: reads SQuAD, NewsQA and JSON Lines, checks the byte offsets and
//! makes examples and batches. Independent of models; only `batch` uses tensors.

// Tests compare answer lists such as `[4..9]`, a list of one range.
#![cfg_attr(test, allow(clippy::single_range_in_vec_init))]

mod batch;
mod char_index;
mod collector;
mod dataset;
mod dataset_builder;
pub mod error;
mod example;
mod json;
mod jsonl;
mod newsqa;
mod passages;
mod question_counts;
mod record;
mod split;
mod squad;
mod squad_writer;
mod word_range;

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use durable::read::{Accept, WHOLE_TEXT};
use serde::de::IgnoredAny;
use text_prep::source::{decode, strip_byte_order_mark};

pub(crate) use batch::int_tensor;
pub use batch::{AnswerBatch, FEATURES, QuestionBatch, QuestionTargets, SentenceBatch, SentenceFeatures, VocabSizes};
pub use dataset::{ExampleCounts, LocatedQuestion, QaDataset, QaDatasetConfig, locate_answers};
pub use dataset_builder::QaDatasetBuilder;
pub use error::{Error, InvalidKind, Result};
pub use example::{EncodedSentence, Example, Examples, in_question};
pub use passages::{PassageBatch, PassageDataset, PassageSentences};
pub use question_counts::{InvalidItems, QuestionCounts};
pub use split::{num_documents_with_questions, split};
pub use squad_writer::to_squad;
pub use word_range::word_range;

/// Passages that belong together, such as the paragraphs of an article.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The title, or the location in the file if there is none.
    pub title: String,
    /// In the order of the file.
    pub passages: Vec<Passage>,
}

/// A text and the questions about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// The text as in the file, including white space.
    pub text: String,
    /// In the order of the file; may be empty.
    pub questions: Vec<Question>,
}

/// A question and its answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Unique in the file.
    pub id: String,
    /// The question's text as in the file.
    pub text: String,
    /// The byte range of each answer in the passage: at least one answer, no duplicates. Each answer consists of
    /// whole words, so [`word_range`] returns a range for it.
    pub answers: Vec<Range<usize>>,
}

/// The contents of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadedDocuments {
    /// All documents that have a passage, with the usable questions.
    pub documents: Vec<Document>,
    /// The numbers of questions found and left out.
    pub counts: QuestionCounts,
}

/// Reads a file of questions with the default [`ReadOptions`].
///
/// # Errors
/// As [`ReadOptions::read`].
pub fn read(path: impl AsRef<Path>) -> Result<LoadedDocuments> {
    ReadOptions::default().read(path)
}

/// How a file of questions is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// Whether an invalid item, such as an answer that is not in its passage or a question without text, is an error. Default: false; such items are
    /// counted and left out, see [`QuestionCounts::invalid`].
    pub strict: bool,
    /// The encoding by its label, as in [`SourceOptions`](text_prep::SourceOptions); a byte order mark takes precedence.
    /// Default: UTF-8.
    pub encoding: Option<String>,
}

impl ReadOptions {
    /// Sets [`strict`](Self#structfield.strict).
    pub fn strict(self, strict: bool) -> Self {
        Self { strict, ..self }
    }

    /// Sets [`encoding`](Self#structfield.encoding).
    pub fn encoding(self, label: impl Into<String>) -> Self {
        Self { encoding: Some(label.into()), ..self }
    }

    /// Reads a whole file into memory: SQuAD 1.1 or 2.0 or a list of questions that carry their own context (`.json`),
    /// the tokenized NewsQA table (`.csv`) or JSON Lines (`.jsonl`). Answers may be Hugging Face's columns
    /// `{"text": […], "answer_start": […]}`. The format of a file with another extension is detected from its start.
    ///
    /// Unusable questions are counted and left out, see [`QuestionCounts`].
    ///
    /// # Errors
    /// If the file is no JSON or table of these formats, or has no usable question; the error gives the location, see
    /// [`Error`].
    pub fn read(&self, path: impl AsRef<Path>) -> Result<LoadedDocuments> {
        let path = path.as_ref();
        self.read_bytes(path, read_bytes(path)?)
    }

    /// Reads the contents of a file. The extension of `name` determines the format, or else their start.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_bytes(&self, name: impl AsRef<Path>, bytes: Vec<u8>) -> Result<LoadedDocuments> {
        let path = name.as_ref();
        let file = path.to_string_lossy().into_owned();
        let text = decode(bytes, self.encoding.as_deref(), &file).map_err(|error| match error {
            text_prep::Error::InvalidUtf8 { offset, .. } => Error::NotUtf8 { file: file.clone(), offset },
            error => error.into(),
        })?;
        // Spreadsheets write a byte order mark; it is not part of the JSON or of a column name.
        let text = strip_byte_order_mark(&text);
        if text.trim().is_empty() {
            return Err(Error::Empty { file });
        }
        match reader(path, text) {
            Some(read) => read(&file, text, self.strict),
            None => Err(Error::UnknownFormat { file }),
        }
    }
}

/// Reads SQuAD JSON; `name` is the file name in errors.
///
/// # Errors
/// As [`read`].
pub fn read_squad(name: &str, text: &str) -> Result<LoadedDocuments> {
    squad::read(name, text, false)
}

fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    Accept::FileOrPipe.read(path, WHOLE_TEXT).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => Error::Missing { file: path.to_string_lossy().into() },
        std::io::ErrorKind::IsADirectory => text_prep::Error::Directory { path: path.to_owned() }.into(),
        _ => text_prep::Error::Read { path: path.to_owned(), source }.into(),
    })
}

/// Parses a text of one format. The first argument is the file's name in errors, the last whether an invalid item is an
/// error.
type ReadFn = fn(&str, &str, bool) -> Result<LoadedDocuments>;

/// The reader of the file's format: by its extension, else by its first line. JSON Lines are often named `.json`.
fn reader(path: &Path, text: &str) -> Option<ReadFn> {
    let first = text.trim_start().lines().next().unwrap_or_default();
    let is_record = || {
        let keys = serde_json::from_str::<HashMap<String, IgnoredAny>>(first);
        keys.is_ok_and(|keys| keys.contains_key("context"))
    };
    match path.extension().unwrap_or_default().to_ascii_lowercase().to_str() {
        Some("json") if !is_record() => Some(squad::read),
        Some("csv") => Some(newsqa::read),
        Some("json" | "jsonl" | "ndjson") => Some(jsonl::read),
        _ if is_record() => Some(jsonl::read),
        _ if first.starts_with(['{', '[']) => Some(squad::read),
        _ => first.contains(newsqa::RANGES).then_some(newsqa::read),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_file(name: &str, bytes: &[u8]) -> Result<LoadedDocuments> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        read(&path)
    }

    fn message(name: &str, bytes: &[u8]) -> String {
        let message = read_file(name, bytes).unwrap_err().to_string();
        assert!(!message.contains('\n'), "{message}");
        // Without the path of the temporary directory.
        let start = message.find(name).unwrap_or(0);
        message[start..].to_owned()
    }

    const LINE: &str = r#"{"context":"A fox ran.","question":"Who ran?","answer":"fox"}"#;
    const SQUAD: &str = r#"{"data":[{"title":"T","paragraphs":[{"context":"A fox ran.","qas":[
        {"id":"1","question":"Who ran?","answers":[{"text":"fox","answer_start":2}]}]}]}]}"#;
    const LIST: &str =
        r#"[{"context":"A fox ran.","question":"Who ran?","answers":{"text":["fox"],"answer_start":[2]}}]"#;
    const TABLE: &str = "story_text,question,answer_token_ranges\nA fox ran .,Who ran?,1:2\n";

    #[test]
    fn the_format_is_detected_from_the_extension_or_the_first_line() {
        for (text, names) in [
            (LINE, ["a.jsonl", "b.ndjson", "c.txt"]),
            (LINE, ["a.json", "c", "c.text"]),
            (SQUAD, ["a.json", "b.JSON", "c"]),
            (LIST, ["a.json", "b.JSON", "c"]),
            (TABLE, ["a.csv", "b.CSV", "c.txt"]),
        ] {
            for name in names {
                let utf16 = format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
                for bytes in [text.as_bytes().to_vec(), format!("\u{feff}{text}").into_bytes(), utf16] {
                    let loaded = read_file(name, &bytes).unwrap();
                    let passage = &loaded.documents[0].passages[0];
                    assert_eq!(&passage.text[passage.questions[0].answers[0].clone()], "fox");
                    assert_eq!((loaded.counts.found, loaded.counts.usable()), (1, 1));
                }
            }
        }
        assert_eq!(
            message("a.txt", b"Once upon a time"),
            "a.txt` has an unknown format: expected SQuAD JSON (.json), the tokenized NewsQA table (.csv) \
             or JSON Lines (.jsonl); use another file"
        );
    }

    #[test]
    fn files_that_are_not_text_are_rejected() {
        assert_eq!(
            message("a.json", b"{\"data\": \"\xff\"}"),
            "a.json` is not UTF-8: byte 10 starts an invalid sequence; read it in its encoding, or convert it to UTF-8"
        );
        let error = message("a.json", b"{\0\"\0d\0a\0t\0a\0\"\0}\0");
        assert!(error.contains("a.json` seems to be UTF-16LE without a byte order mark"), "{error}");
        for bytes in [&b""[..], b" \n", b"\xef\xbb\xbf"] {
            assert_eq!(
                message("a.csv", bytes),
                "a.csv` is empty: expected questions with their passages; use another file"
            );
        }
        let dir = tempfile::tempdir().unwrap();
        assert!(read(dir.path()).unwrap_err().to_string().contains("is a directory"));
        let missing = read(dir.path().join("a.json")).unwrap_err().to_string();
        assert!(missing.starts_with("no file at `") && missing.ends_with("check the path"));
    }

    #[test]
    fn a_file_without_usable_questions_is_rejected() {
        assert_eq!(
            message("a.json", br#"{"data": []}"#),
            "a.json` has no usable question (of 0); expected at least one; correct the file or use another"
        );
    }

    #[test]
    fn the_encoding_can_be_named() {
        let bytes: Vec<u8> = LINE.replace("fox", "f\u{f4}x").chars().map(|c| c as u8).collect();
        assert!(matches!(ReadOptions::default().read_bytes("a.jsonl", bytes.clone()), Err(Error::NotUtf8 { .. })));
        let loaded = ReadOptions::default().encoding("latin1").read_bytes("a.jsonl", bytes).unwrap();
        assert_eq!(loaded.documents[0].passages[0].text, "A fôx ran.");
    }

    #[test]
    fn invalid_items_are_errors_on_request() {
        let text = format!("{LINE}\n{}", LINE.replace("\"fox\"", "\"owl\""));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.jsonl");
        std::fs::write(&path, text).unwrap();
        let counts = read(&path).unwrap().counts;
        assert_eq!((counts.found, counts.usable(), counts.invalid[0].kind), (2, 1, InvalidKind::Answer));
        let error = ReadOptions::default().strict(true).read(&path).unwrap_err().to_string();
        assert!(error.contains("question `line 2` of line 2") && error.contains("\"owl\" occurs 0 times"), "{error}");
    }
}
