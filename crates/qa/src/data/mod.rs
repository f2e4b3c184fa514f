//! Questions about passages, each answered by a piece of its passage: read from SQuAD, NewsQA or
//! JSON lines, checked, kept with exact offsets, and made into examples and batches.
//!
//! What it does not know: models. Tensors appear in `batch` alone.

// An answer is a range, and a question may well have a single one.
#![cfg_attr(test, allow(clippy::single_range_in_vec_init))]

mod batch;
mod collect;
pub mod error;
mod example;
mod json;
mod jsonl;
mod locate;
mod mapping;
mod newsqa;
mod prepared;
mod split;
mod squad;
mod write;

use std::ops::Range;
use std::path::Path;

pub use batch::{Answers, FEATURES, Known, Marks, QuestionBatch, Sentences, Targets};
pub use collect::Counts;
pub use error::{Error, Result};
pub use example::{Example, Examples, Sentence, held};
pub use mapping::words_of;
pub use prepared::{Located, PreparedQuestions, QuestionRecipe, Used, locate};
pub use split::split;
pub use write::to_squad;

/// Passages that belong together, such as those of one article.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its title, or where in the file it stands if it has none.
    pub title: String,
    /// In the order of the file.
    pub passages: Vec<Passage>,
}

/// A text and what is asked about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// The text as in the file, white space included.
    pub text: String,
    /// In the order of the file; may be empty.
    pub questions: Vec<Question>,
}

/// A question and its answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Unlike every other question's in the file.
    pub id: String,
    /// What is asked, as in the file.
    pub text: String,
    /// The bytes of each answer in the passage: at least one answer, none of them twice, and each
    /// of them whole words, so that [`words_of`] finds it.
    pub answers: Vec<Range<usize>>,
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    /// All documents that hold a passage, with the questions that can be used.
    pub documents: Vec<Document>,
    /// What was found and what was left out.
    pub counts: Counts,
}

/// Reads a file whole into memory: SQuAD 1.1 or 2.0 from `.json`, NewsQA's tokenized table from
/// `.csv`, one object a line from `.jsonl`. A file of another name is judged by how it begins.
///
/// Questions that are well-formed but of no use are counted and left out, see [`Counts`].
///
/// # Errors
/// Whatever is damaged or contradicts itself is refused with its place: see [`Error`].
pub fn read(path: &Path) -> Result<Read> {
    let bytes = bytes_of(path)?;
    let file = path.to_string_lossy().into_owned();
    let text = String::from_utf8(bytes).map_err(|error| Error::NotUtf8 {
        file: file.clone(),
        offset: error.utf8_error().valid_up_to(),
    })?;
    // Spreadsheets write a byte order mark, which is no part of JSON nor of a column's name.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    if text.trim().is_empty() {
        return Err(Error::Empty { file });
    }
    match Format::of(path, text) {
        Some(Format::Squad) => squad::read(&file, text),
        Some(Format::NewsQa) => newsqa::read(&file, text),
        Some(Format::Lines) => jsonl::read(&file, text),
        None => Err(Error::UnknownFormat { file }),
    }
}

/// Reads SQuAD's JSON; `name` is what errors call it.
///
/// # Errors
/// As [`read`].
pub fn read_squad(name: &str, text: &str) -> Result<Read> {
    squad::read(name, text)
}

fn bytes_of(path: &Path) -> Result<Vec<u8>> {
    // Asked first, since reading a directory gives another error on every system.
    if path.is_dir() {
        return Err(text_prep::Error::Directory { path: path.to_owned() }.into());
    }
    std::fs::read(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => Error::Missing { file: path.to_string_lossy().into() },
        _ => text_prep::Error::Read { path: path.to_owned(), source }.into(),
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Squad,
    NewsQa,
    Lines,
}

impl Format {
    fn of(path: &Path, text: &str) -> Option<Self> {
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        match extension.to_str() {
            Some("json") => return Some(Self::Squad),
            Some("csv") => return Some(Self::NewsQa),
            Some("jsonl" | "ndjson") => return Some(Self::Lines),
            _ => {}
        }
        let first = text.trim_start().lines().next().unwrap_or_default();
        if serde_json::from_str::<serde_json::Map<_, _>>(first)
            .is_ok_and(|map| map.contains_key("context"))
        {
            Some(Self::Lines)
        } else if first.starts_with('{') {
            Some(Self::Squad)
        } else {
            first.contains(newsqa::RANGES).then_some(Self::NewsQa)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_bytes(name: &str, bytes: &[u8]) -> Result<Read> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        read(&path)
    }

    fn message(name: &str, bytes: &[u8]) -> String {
        let message = read_bytes(name, bytes).unwrap_err().to_string();
        assert!(!message.contains('\n'), "{message}");
        // Without the temporary folder.
        let cut = message.find(name).unwrap_or(0);
        message[cut..].to_owned()
    }

    const LINE: &str = r#"{"context":"A fox ran.","question":"Who ran?","answer":"fox"}"#;
    const SQUAD: &str = r#"{"data":[{"title":"T","paragraphs":[{"context":"A fox ran.","qas":[
        {"id":"1","question":"Who ran?","answers":[{"text":"fox","answer_start":2}]}]}]}]}"#;
    const TABLE: &str = "story_text,question,answer_token_ranges\nA fox ran .,Who ran?,1:2\n";

    #[test]
    fn a_format_is_known_by_its_name_or_its_beginning() {
        for (text, names) in [
            (LINE, ["a.jsonl", "b.ndjson", "c.txt"]),
            (SQUAD, ["a.json", "b.JSON", "c"]),
            (TABLE, ["a.csv", "b.CSV", "c.txt"]),
        ] {
            for name in names {
                for mark in ["", "\u{feff}"] {
                    let found = read_bytes(name, format!("{mark}{text}").as_bytes()).unwrap();
                    let passage = &found.documents[0].passages[0];
                    assert_eq!(&passage.text[passage.questions[0].answers[0].clone()], "fox");
                    assert_eq!((found.counts.found, found.counts.kept()), (1, 1));
                }
            }
        }
        assert_eq!(
            message("a.txt", b"Once upon a time"),
            "a.txt` holds no questions that this program can read: expected SQuAD's JSON (.json), \
             NewsQA's tokenized table (.csv) or one JSON object a line (.jsonl); name another file"
        );
    }

    #[test]
    fn a_file_that_cannot_be_text_is_refused() {
        assert_eq!(
            message("a.json", b"{\"data\": \"\xff\"}"),
            "a.json` is not UTF-8: byte 10 begins an invalid sequence; convert the file to UTF-8"
        );
        for bytes in [&b""[..], b" \n", b"\xef\xbb\xbf"] {
            assert_eq!(
                message("a.csv", bytes),
                "a.csv` is empty: expected questions with their passages; name another file"
            );
        }
        let folder = tempfile::tempdir().unwrap();
        assert!(read(folder.path()).unwrap_err().to_string().contains("is a directory"));
        let missing = read(&folder.path().join("a.json")).unwrap_err().to_string();
        assert!(missing.starts_with("no file at `") && missing.ends_with("check the path"));
    }

    #[test]
    fn a_file_without_a_question_to_use_is_refused() {
        assert_eq!(
            message("a.json", br#"{"data": []}"#),
            "a.json` holds no question that can be used (of 0: 0 unanswerable, 0 unmappable, \
             0 empty, 0 duplicated); expected at least one; name another file"
        );
    }
}
