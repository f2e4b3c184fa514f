//! JSON Lines with one question per line, a format that is easy to write by hand. Does not check that answers are whole
//! words.

use std::collections::HashMap;

use serde::{Deserialize, Deserializer};

use super::LoadedDocuments;
use super::char_index::CharIndex;
use super::collector::{Collector, PassageIndex, RawQuestion, question_error};
use super::error::Result;
use super::json::JsonText;

const EXPECTED: &str = "{\"context\", \"question\", \"answer\"} and optionally \"start\", \"id\", \
                        \"document\" on every line";

#[derive(Deserialize)]
struct Line {
    context: String,
    question: String,
    /// `null` if the context has no answer.
    #[serde(deserialize_with = "required")]
    answer: Option<String>,
    /// In code points.
    start: Option<usize>,
    id: Option<String>,
    document: Option<String>,
}

/// Requires the key; by default serde treats a missing `Option` as `null`.
fn required<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Option::deserialize(deserializer)
}

/// Parses `text`, the contents of `file`. Lines with the same context share a passage, lines with the same `document`
/// share a document. A context without `document` becomes a document named after its first line; a question without
/// `id` is named after its line.
pub(super) fn read(file: &str, text: &str) -> Result<LoadedDocuments> {
    let mut collector = Collector::new(file);
    let mut documents: HashMap<String, usize> = HashMap::new();
    let mut passages: HashMap<(Option<String>, String), PassageIndex> = HashMap::new();
    let mut bytes_before = 0;
    for (lines_before, text) in text.split_inclusive('\n').enumerate() {
        let json = JsonText { file, text, lines_before, bytes_before, expected: EXPECTED };
        bytes_before += text.len();
        if text.trim().is_empty() {
            continue;
        }
        let line: Line = json.parse()?;
        let location = format!("line {}", lines_before + 1);
        let key = (line.document, line.context);
        let passage = match passages.get(&key) {
            Some(&passage) => passage,
            None => {
                let index = match &key.0 {
                    None => collector.add_document(&location),
                    Some(title) => *documents.entry(title.clone()).or_insert_with(|| collector.add_document(title)),
                };
                let passage = collector.add_passage(index, &key.1, &location)?;
                passages.insert(key, passage);
                passage
            }
        };
        let id = line.id.unwrap_or_else(|| location.clone());
        let question = RawQuestion { id: &id, text: &line.question, location: &location };
        let answer = match line.answer.as_deref() {
            None => None,
            // The collector reports empty answers.
            Some("") => Some(0..0),
            Some(answer) => {
                let context = CharIndex::new(collector.text(passage));
                let range = match line.start {
                    Some(start) => context.find_at(start, answer),
                    None => context.find_unique(answer),
                };
                Some(range.map_err(|problem| question_error(file, &question, problem))?)
            }
        };
        collector.add_question(passage, &question, answer.as_slice())?;
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
    fn lines_are_grouped_into_documents_and_passages() {
        let text = format!(
            "{FOX}\r\n\n{}\n{}\n{}\n{}\n{}",
            r#"{"context": "A fox ran.", "question": "What did it?", "answer": "ran", "id": "x"}"#,
            r#"{"context": "여우 여우", "question": "?", "answer": "여우", "start": 3, "document": "D"}"#,
            r#"{"context": "Two.", "question": "?", "answer": "Two", "document": "D", "extra": 1}"#,
            r#"{"context": "A fox ran.", "question": "Who?", "answer": "fox", "document": "D"}"#,
            r#"{"context": "A fox ran.", "question": "When?", "answer": null}"#,
        );
        let loaded = read("a.jsonl", &text).unwrap();
        let titles: Vec<_> = loaded.documents.iter().map(|d| (d.title.as_str(), d.passages.len())).collect();
        assert_eq!(titles, [("line 1", 1), ("D", 3)]);
        let ids = |document: usize, passage: usize| -> Vec<&str> {
            let passage = &loaded.documents[document].passages[passage];
            passage.questions.iter().map(|question| question.id.as_str()).collect()
        };
        assert_eq!((ids(0, 0), ids(1, 2)), (vec!["line 1", "x"], vec!["line 6"]));
        assert_eq!(loaded.documents[1].passages[0].questions[0].answers, [7..13]);
        assert_eq!((loaded.counts.found, loaded.counts.unanswerable), (6, 1));
    }

    #[test]
    fn answers_that_are_not_found_are_reported_with_their_line() {
        let text = format!("{FOX}\n{}", r#"{"context": "A a", "question": "?", "answer": "b"}"#);
        assert_eq!(
            message(&text),
            "`a.jsonl`: question `line 2` of line 2 has no `start`, and its answer \"b\" occurs \
             0 times in the context; expected exactly once; correct the answer or add `start`"
        );
        for (line, problem) in [
            (r#"{"context": "A a", "question": "?", "answer": ""}"#, "has an empty answer"),
            (r#"{"context": "A a", "question": "?", "answer": "a", "start": 1}"#, "the context has \" \" there"),
            (r#"{"context": "", "question": "?", "answer": "a"}"#, "line 2 has a passage without text"),
            (
                r#"{"context": "A a", "question": "?"}"#,
                "line 2, column 35, in the outermost level: missing field `answer`",
            ),
            (r#"{"context": "A a", "question": 1}"#, "in `question`: invalid type"),
            (r#"{"context": "A a", "que"#, "is truncated at byte 86 (line 2)"),
        ] {
            let message = message(&format!("{FOX}\n{line}"));
            assert!(message.contains(problem), "{message}");
        }
    }
}
