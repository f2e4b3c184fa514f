//! Reads SQuAD 1.1 and 2.0, whose answers are given by character offset. Does not check that answers are whole words.

use serde::Deserialize;

use super::LoadedDocuments;
use super::char_index::CharIndex;
use super::collector::{Collector, RawQuestion, document_location, question_error};
use super::error::Result;
use super::json::JsonText;

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
    qas: Vec<Qa>,
}

#[derive(Deserialize)]
struct Qa {
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

/// Parses `text`, the contents of `file`. Unknown keys are ignored.
pub(super) fn read(file: &str, text: &str) -> Result<LoadedDocuments> {
    let squad: Squad = JsonText { file, text, lines_before: 0, bytes_before: 0, expected: EXPECTED }.parse()?;
    let mut collector = Collector::new(file);
    for (index, article) in squad.data.iter().enumerate() {
        let title = article.title.clone().unwrap_or_else(|| format!("data[{index}]"));
        let location = document_location(&title);
        let document = collector.add_document(&title);
        for Paragraph { context, qas } in &article.paragraphs {
            let passage = collector.add_passage(document, context, &location)?;
            let context = CharIndex::new(context);
            for qa in qas {
                let question = RawQuestion { id: &qa.id, text: &qa.question, location: &location };
                let answers = match &qa.answers {
                    _ if qa.is_impossible => &[],
                    Some(answers) => answers.as_slice(),
                    None => {
                        let problem = "has no `answers`; expected a list, or `is_impossible`; add one of them";
                        return Err(question_error(file, &question, problem.to_owned()));
                    }
                };
                let range = |answer: &Answer| context.find_at(answer.answer_start, &answer.text);
                let ranges: Result<Vec<_>, _> = answers.iter().map(range).collect();
                let ranges = ranges.map_err(|problem| question_error(file, &question, problem))?;
                collector.add_question(passage, &question, &ranges)?;
            }
        }
    }
    collector.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn squad(context: &str, qas: &str) -> Result<LoadedDocuments> {
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
    fn character_offsets_are_converted_to_byte_ranges() {
        let loaded = squad(
            "한글 \\ud83e\\udd8a: the fox’s den",
            r#"{"id": "q", "question": "Whose?", "answers": [
                {"text": "fox", "answer_start": 10}, {"text": "the fox’s", "answer_start": 6},
                {"text": "fox", "answer_start": 10}]}"#,
        )
        .unwrap();
        let [document] = loaded.documents.as_slice() else { panic!("{loaded:?}") };
        let passage = &document.passages[0];
        let answers = &passage.questions[0].answers;
        let texts: Vec<_> = answers.iter().map(|range| &passage.text[range.clone()]).collect();
        assert_eq!((document.title.as_str(), texts), ("Fables", vec!["fox", "the fox’s"]));
    }

    #[test]
    fn unanswerable_questions_are_counted_and_left_out() {
        let loaded = squad(
            "A fox ran.",
            r#"{"id": "1", "question": "Who?", "answers": [{"text": "fox", "answer_start": 2}]},
               {"id": "2", "question": "When?", "answers": [], "is_impossible": true,
                "plausible_answers": [{"text": "fox", "answer_start": 2}]},
               {"id": "3", "question": "Why?", "is_impossible": true},
               {"id": "4", "question": "Where?", "answers": []}"#,
        )
        .unwrap();
        assert_eq!((loaded.counts.found, loaded.counts.unanswerable), (4, 3));
        assert_eq!(loaded.documents[0].passages[0].questions.len(), 1);
    }

    #[test]
    fn answers_that_do_not_match_the_context_are_rejected() {
        assert_eq!(
            message(
                "A fox ran.",
                r#"{"id": "q7", "question": "Who?", "answers": [{"text": "fox", "answer_start": 1}]}"#
            ),
            "`a.json`: question `q7` of document \"Fables\" has the answer \"fox\" at \
             character 1, but the context has \" fo\" there; it occurs only at character 2; correct \
             its start"
        );
        let empty = r#"{"id": "q", "question": "Who?", "answers": [{"text": "", "answer_start": 2}]}"#;
        assert!(message("A fox ran.", empty).contains("`q` of document \"Fables\" has an empty answer"));
        assert!(message("A fox.", r#"{"id": "q", "question": "?"}"#).contains("has no `answers`"));
        assert!(message(" ", "").contains("document \"Fables\" has a passage without text"));
    }

    #[test]
    fn wrong_types_are_reported_with_their_key() {
        let message = message("A fox.", r#"{"id": 5, "question": "Who?", "answers": []}"#);
        assert!(message.contains("in `data[0].paragraphs[0].qas[0].id`: invalid type"), "{message}");
        assert!(message.contains("expected SQuAD's {\"data\""), "{message}");
    }
}
