//! JSON Lines with one question per line, a format that is easy to write by hand. Does not check that answers are whole
//! words.

use text_prep::source::strip_byte_order_mark;

use super::LoadedDocuments;
use super::collector::Collector;
use super::error::{InvalidKind, Result};
use super::json::JsonText;
use super::record::RecordGroups;

/// The keys of a question that carries its own context.
pub(super) const EXPECTED: &str = "{\"context\", \"question\", \"answer\"} and optionally \"start\", \"id\", \"document\", \
                                   or \"answers\": {\"text\": […], \"answer_start\": […]} instead of \"answer\"";

/// Parses `text`, the contents of `file`. Lines with the same context share a passage, lines with the same `document`
/// (or `title`) share a document. A context without `document` becomes a document named after its first line; a
/// question without `id` is named after its line.
pub(super) fn read(file: &str, text: &str, strict: bool) -> Result<LoadedDocuments> {
    let mut collector = Collector::new(file, strict);
    let mut groups = RecordGroups::default();
    let mut bytes_before = 0;
    for (lines_before, line) in text.split_inclusive('\n').enumerate() {
        // Joined files have marks inside.
        let text = strip_byte_order_mark(line);
        let bytes = bytes_before + line.len() - text.len();
        let json = JsonText { file, text, lines_before, bytes_before: bytes, expected: EXPECTED };
        bytes_before += line.len();
        if text.trim().is_empty() {
            continue;
        }
        let location = format!("line {}", lines_before + 1);
        match serde_json::from_str(text) {
            Ok(record) => groups.add(&mut collector, record, &location)?,
            Err(error) => collector.reject(InvalidKind::Format, &location, || json.located_error(text, &error))?,
        }
    }
    collector.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOX: &str = r#"{"context": "A fox ran.", "question": "Who?", "answer": "fox"}"#;

    fn message(text: &str) -> String {
        read("a.jsonl", text, true).unwrap_err().to_string()
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
        let loaded = read("a.jsonl", &text, true).unwrap();
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
                "question `line 2` of line 2 has neither `answer` nor `answers`",
            ),
            (r#"{"context": "A a", "question": 1}"#, "in `question`: invalid type"),
            (r#"{"context": "A a", "que"#, "is truncated at byte 86 (line 2)"),
        ] {
            let message = message(&format!("{FOX}\n{line}"));
            assert!(message.contains(problem), "{message}");
        }
    }

    #[test]
    fn hugging_face_columns_are_read() {
        let lines = [
            r#"{"id": 7, "title": "T", "context": "A fox ran.", "question": "Who?", "answers": {"text": ["fox"], "answer_start": [2]}}"#,
            r#"{"id": 7, "title": "T", "context": "A fox ran.", "question": "What?", "answers": {"answer_start": [6], "text": ["ran"]}}"#,
            r#"{"id": 8, "title": 9, "context": "It ran.", "question": "Who?", "answers": {"text": [], "answer_start": []}}"#,
            r#"{"context": "It ran.", "question": "Who?", "answers": [{"text": "It", "answer_start": 0}], "is_impossible": null}"#,
        ];
        let loaded = read("a.jsonl", &lines.join("\n\u{feff}"), false).unwrap();
        assert_eq!((loaded.counts.found, loaded.counts.unanswerable, loaded.counts.repeated_ids), (4, 1, 1));
        let titles: Vec<_> = loaded.documents.iter().map(|d| (d.title.as_str(), d.passages.len())).collect();
        assert_eq!(titles, [("T", 1), ("9", 1), ("line 4", 1)]);
        let passage = &loaded.documents[0].passages[0];
        let answers: Vec<_> = passage.questions.iter().map(|q| (q.id.as_str(), q.answers.as_slice())).collect();
        assert_eq!(answers, [("7", &[2..5][..]), ("7 (2)", &[6..9])]);
        let uneven = lines[0].replace("[2]", "[2, 3]");
        assert!(
            message(&uneven).contains("in `answers`: `text` has 1 entries and `answer_start` 2"),
            "{}",
            message(&uneven)
        );
    }

    #[test]
    fn invalid_lines_are_left_out_and_counted() {
        let bad = [
            r#"{"context": "A a", "question": "?", "answer": "b"}"#,
            "{\"cont",
            "[1]",
            r#"{"context": "", "question": "?"}"#,
        ];
        let text = format!("{}\n{FOX}\n{}", bad[..2].join("\n"), bad[2..].join("\n"));
        let counts = read("a.jsonl", &text, false).unwrap().counts;
        assert_eq!((counts.found, counts.usable()), (5, 1));
        assert_eq!(
            counts.to_string(),
            "of 5: 1 with an answer that is not at its place in the passage (line 1), 2 not in the expected format \
             (line 2, line 4), 1 without the text of a passage (line 5)"
        );
    }
}
