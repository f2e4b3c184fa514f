//! SQuAD 1.1 and 2.0: articles, their paragraphs, questions and answers by character.
//!
//! What it does not know: other formats, and which answers are whole words.

use serde::Deserialize;

use super::Read;
use super::collect::{Asked, Collector, document, wrong};
use super::error::Result;
use super::json::Piece;
use super::locate::Context;

const EXPECTED: &str = "SQuAD's {\"data\": [{\"title\", \"paragraphs\": [{\"context\", \"qas\": \
                        [{\"id\", \"question\", \"answers\": [{\"text\", \"answer_start\"}]}]}]}]}";

#[derive(Deserialize)]
struct Squad {
    data: Vec<Article>,
}

#[derive(Deserialize)]
struct Article {
    title: Option<String>,
    paragraphs: Vec<Paragraph>,
}

#[derive(Deserialize)]
struct Paragraph {
    context: String,
    qas: Vec<Asking>,
}

#[derive(Deserialize)]
struct Asking {
    id: String,
    question: String,
    answers: Option<Vec<Answer>>,
    #[serde(default)]
    is_impossible: bool,
}

#[derive(Deserialize)]
struct Answer {
    text: String,
    /// In code points.
    answer_start: usize,
}

/// Reads `text`, the whole of `file`. Other keys than SQuAD's are passed over.
pub(super) fn read(file: &str, text: &str) -> Result<Read> {
    let piece = Piece { file, text, lines_before: 0, bytes_before: 0, expected: EXPECTED };
    let squad: Squad = piece.parse()?;
    let mut collector = Collector::new(file);
    for (number, article) in squad.data.iter().enumerate() {
        let title = article.title.clone().unwrap_or_else(|| format!("data[{number}]"));
        let place = document(&title);
        let index = collector.document(&title);
        for Paragraph { context, qas } in &article.paragraphs {
            let to = collector.passage(index, context, &place)?;
            let context = Context::new(context);
            for asking in qas {
                let asked = Asked { id: &asking.id, text: &asking.question, place: &place };
                let answers = match (&asking.answers, asking.is_impossible) {
                    (_, true) => &[],
                    (Some(answers), false) => answers.as_slice(),
                    (None, false) => {
                        let problem = "has no `answers`; expected a list of them, or \
                                       `is_impossible`; add either";
                        return Err(wrong(file, &asked, problem.to_owned()));
                    }
                };
                let at = |answer: &Answer| context.at(answer.answer_start, &answer.text);
                let found: Result<Vec<_>, _> = answers.iter().map(at).collect();
                let found = found.map_err(|problem| wrong(file, &asked, problem))?;
                collector.question(to, &asked, &found)?;
            }
        }
    }
    collector.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn squad(context: &str, qas: &str) -> Result<Read> {
        let text = format!(
            "{{\"version\": \"1.1\", \"data\": [{{\"title\": \"Fables\", \"paragraphs\": \
             [{{\"context\": \"{context}\", \"qas\": [{qas}]}}]}}]}}"
        );
        read("a.json", &text)
    }

    fn message(context: &str, qas: &str) -> String {
        squad(context, qas).unwrap_err().to_string()
    }

    #[test]
    fn answers_are_counted_in_characters_and_kept_in_bytes() {
        let found = squad(
            "한글 \\ud83e\\udd8a: the fox’s den",
            r#"{"id": "q", "question": "Whose?", "answers": [
                {"text": "fox", "answer_start": 10}, {"text": "the fox’s", "answer_start": 6},
                {"text": "fox", "answer_start": 10}]}"#,
        )
        .unwrap();
        let [document] = found.documents.as_slice() else { panic!("{found:?}") };
        let passage = &document.passages[0];
        let answers = &passage.questions[0].answers;
        let texts: Vec<_> = answers.iter().map(|range| &passage.text[range.clone()]).collect();
        assert_eq!((document.title.as_str(), texts), ("Fables", vec!["fox", "the fox’s"]));
    }

    #[test]
    fn unanswerable_questions_are_counted_and_left_out() {
        let found = squad(
            "A fox ran.",
            r#"{"id": "1", "question": "Who?", "answers": [{"text": "fox", "answer_start": 2}]},
               {"id": "2", "question": "When?", "answers": [], "is_impossible": true,
                "plausible_answers": [{"text": "fox", "answer_start": 2}]},
               {"id": "3", "question": "Why?", "is_impossible": true},
               {"id": "4", "question": "Where?", "answers": []}"#,
        )
        .unwrap();
        assert_eq!((found.counts.found, found.counts.unanswerable), (4, 3));
        assert_eq!(found.documents[0].passages[0].questions.len(), 1);
    }

    #[test]
    fn a_span_that_does_not_match_is_named() {
        assert_eq!(
            message(
                "A fox ran.",
                r#"{"id": "q7", "question": "Who?", "answers": [{"text": "fox", "answer_start": 1}]}"#
            ),
            "`a.json`: question `q7` of document \"Fables\" should be answered by \"fox\" from \
             character 1 on, but its context holds \" fo\" there; it stands at 2 alone; correct \
             its start"
        );
        let empty =
            r#"{"id": "q", "question": "Who?", "answers": [{"text": "", "answer_start": 2}]}"#;
        assert!(
            message("A fox ran.", empty).contains("`q` of document \"Fables\" has an empty answer")
        );
        assert!(message("A fox.", r#"{"id": "q", "question": "?"}"#).contains("has no `answers`"));
        assert!(message(" ", "").contains("document \"Fables\" has a passage without text"));
    }

    #[test]
    fn another_shape_is_told_by_its_key() {
        let message = message("A fox.", r#"{"id": 5, "question": "Who?", "answers": []}"#);
        assert!(
            message.contains("in `data[0].paragraphs[0].qas[0].id`: invalid type"),
            "{message}"
        );
        assert!(message.contains("expected SQuAD's {\"data\""), "{message}");
    }
}
