//! One JSON object a line: the format that is written by hand.
//!
//! What it does not know: other formats, and which answers are whole words.

use std::collections::HashMap;

use serde::{Deserialize, Deserializer};

use super::Read;
use super::collect::{Asked, Collector, Place, wrong};
use super::error::Result;
use super::json::Piece;
use super::locate::Context;

const EXPECTED: &str = "{\"context\", \"question\", \"answer\"} and perhaps \"start\", \"id\", \
                        \"document\" on every line";

#[derive(Deserialize)]
struct Line {
    context: String,
    question: String,
    /// `null` where the context does not answer.
    #[serde(deserialize_with = "present")]
    answer: Option<String>,
    /// In code points.
    start: Option<usize>,
    id: Option<String>,
    document: Option<String>,
}

/// Without this, a misspelt key would pass for `null`.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Option::deserialize(deserializer)
}

/// Reads `text`, the whole of `file`. Lines with the same context share a passage, lines with the
/// same `document` a document; a context without `document` is a document of its own, named after
/// its first line, as a question without `id` is after its line.
pub(super) fn read(file: &str, text: &str) -> Result<Read> {
    let mut collector = Collector::new(file);
    let mut documents: HashMap<String, usize> = HashMap::new();
    let mut passages: HashMap<(Option<String>, String), Place> = HashMap::new();
    let mut bytes_before = 0;
    for (lines_before, text) in text.split_inclusive('\n').enumerate() {
        let piece = Piece { file, text, lines_before, bytes_before, expected: EXPECTED };
        bytes_before += text.len();
        if text.trim().is_empty() {
            continue;
        }
        let line: Line = piece.parse()?;
        let place = format!("line {}", lines_before + 1);
        let key = (line.document, line.context);
        let to = match passages.get(&key) {
            Some(&to) => to,
            None => {
                let index = match &key.0 {
                    None => collector.document(&place),
                    Some(title) => {
                        *documents.entry(title.clone()).or_insert_with(|| collector.document(title))
                    }
                };
                let to = collector.passage(index, &key.1, &place)?;
                passages.insert(key, to);
                to
            }
        };
        let id = line.id.unwrap_or_else(|| place.clone());
        let asked = Asked { id: &id, text: &line.question, place: &place };
        let answer = match line.answer.as_deref() {
            None => None,
            // Left to the collector, which has words for it.
            Some("") => Some(0..0),
            Some(answer) => {
                let context = Context::new(collector.text(to));
                let found = match line.start {
                    Some(start) => context.at(start, answer),
                    None => context.only(answer),
                };
                Some(found.map_err(|problem| wrong(file, &asked, problem))?)
            }
        };
        collector.question(to, &asked, answer.as_slice())?;
    }
    collector.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOX: &str = r#"{"context": "A fox ran.", "question": "Who?", "answer": "fox"}"#;

    fn message(text: &str) -> String {
        read("a.jsonl", text).unwrap_err().to_string()
    }

    #[test]
    fn lines_become_documents_and_passages() {
        let text = format!(
            "{FOX}\r\n\n{}\n{}\n{}\n{}\n{}",
            r#"{"context": "A fox ran.", "question": "What did it?", "answer": "ran", "id": "x"}"#,
            r#"{"context": "여우 여우", "question": "?", "answer": "여우", "start": 3, "document": "D"}"#,
            r#"{"context": "Two.", "question": "?", "answer": "Two", "document": "D", "extra": 1}"#,
            r#"{"context": "A fox ran.", "question": "Who?", "answer": "fox", "document": "D"}"#,
            r#"{"context": "A fox ran.", "question": "When?", "answer": null}"#,
        );
        let found = read("a.jsonl", &text).unwrap();
        let titles: Vec<_> =
            found.documents.iter().map(|d| (d.title.as_str(), d.passages.len())).collect();
        assert_eq!(titles, [("line 1", 1), ("D", 3)]);
        let ids = |document: usize, passage: usize| -> Vec<&str> {
            let passage = &found.documents[document].passages[passage];
            passage.questions.iter().map(|question| question.id.as_str()).collect()
        };
        assert_eq!((ids(0, 0), ids(1, 2)), (vec!["line 1", "x"], vec!["line 6"]));
        assert_eq!(found.documents[1].passages[0].questions[0].answers, [7..13]);
        assert_eq!((found.counts.found, found.counts.unanswerable), (6, 1));
    }

    #[test]
    fn an_answer_that_cannot_be_placed_is_named_with_its_line() {
        let text = format!("{FOX}\n{}", r#"{"context": "A a", "question": "?", "answer": "b"}"#);
        assert_eq!(
            message(&text),
            "`a.jsonl`: question `line 2` of line 2 has no `start` and its answer \"b\" stands in \
             its context 0 times; expected once; correct the answer, or say where it starts"
        );
        for (line, problem) in [
            (r#"{"context": "A a", "question": "?", "answer": ""}"#, "has an empty answer"),
            (
                r#"{"context": "A a", "question": "?", "answer": "a", "start": 1}"#,
                "holds \" \" there",
            ),
            (
                r#"{"context": "", "question": "?", "answer": "a"}"#,
                "line 2 has a passage without text",
            ),
            (
                r#"{"context": "A a", "question": "?"}"#,
                "line 2, column 35, in the outermost level: missing field `answer`",
            ),
            (r#"{"context": "A a", "question": 1}"#, "in `question`: invalid type"),
            (r#"{"context": "A a", "que"#, "ends early, at byte 86 (line 2)"),
        ] {
            let message = message(&format!("{FOX}\n{line}"));
            assert!(message.contains(problem), "{message}");
        }
    }
}
