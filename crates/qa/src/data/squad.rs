//! Reads SQuAD 1.1 and 2.0, whose answers are given by character offset, and lists of questions that carry their own
//! context, as Hugging Face's data sets have them. Does not check that answers are whole words.

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::LoadedDocuments;
use super::collector::{Collector, RawQuestion, document_location};
use super::error::{InvalidKind, Result};
use super::json::{JsonText, member, members};
use super::jsonl;
use super::record::{Name, Qa, RecordGroups};

const EXPECTED: &str = "SQuAD's {\"data\": [{\"title\", \"paragraphs\": [{\"context\", \"qas\": \
                        [{\"id\", \"question\", \"answers\": [{\"text\", \"answer_start\"}]}]}]}]}";

/// The keys that hold lists are checked here and read item by item, so that one invalid item does not prevent the others
/// from being read.
#[derive(Deserialize)]
struct Squad {
    #[serde(rename = "data")]
    _data: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
struct Article {
    title: Option<Name>,
    #[serde(rename = "paragraphs")]
    _paragraphs: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
struct Paragraph {
    context: String,
    #[serde(rename = "qas")]
    _qas: Vec<IgnoredAny>,
}

/// Parses `text`, the contents of `file`. Unknown keys are ignored.
pub(super) fn read(file: &str, text: &str, strict: bool) -> Result<LoadedDocuments> {
    let json = JsonText { file, text, lines_before: 0, bytes_before: 0, expected: EXPECTED };
    json.parse::<IgnoredAny>()?;
    let is_list = text.trim_start().starts_with('[');
    let list = if is_list {
        text
    } else {
        json.parse::<Squad>()?;
        member(text, "data").unwrap_or_default()
    };
    let (mut reader, mut groups) =
        (SquadReader { json, collector: Collector::new(file, strict) }, RecordGroups::default());
    for (index, (_, item)) in members(list).into_iter().enumerate() {
        let place = if is_list { format!("[{index}]") } else { format!("data[{index}]") };
        let keys: Vec<&str> = members(item).into_iter().map(|(key, _)| key).collect();
        if keys.contains(&"context") && !keys.contains(&"paragraphs") {
            reader.json.expected = jsonl::EXPECTED;
            if let Some(record) = reader.parse(item, &place)? {
                groups.add(&mut reader.collector, record, &place)?;
            }
        } else {
            reader.json.expected = EXPECTED;
            reader.article(item, &place)?;
        }
    }
    reader.collector.finish()
}

/// Reads items of a file.
struct SquadReader<'a> {
    json: JsonText<'a>,
    collector: Collector<'a>,
}

impl SquadReader<'_> {
    /// Parses an item at `place`; `None` if it is invalid and left out.
    fn parse<T: DeserializeOwned>(&mut self, item: &str, place: &str) -> Result<Option<T>> {
        let json = self.json;
        match serde_json::from_str(item) {
            Ok(value) => Ok(Some(value)),
            Err(error) => {
                self.collector.reject(InvalidKind::Format, place, || json.located_error(item, &error))?;
                Ok(None)
            }
        }
    }

    fn article(&mut self, item: &str, place: &str) -> Result<()> {
        let Some(article) = self.parse::<Article>(item, place)? else { return Ok(()) };
        let title = article.title.map_or_else(|| place.to_owned(), |title| title.to_string());
        let document = self.collector.add_document(&title);
        let paragraphs = member(item, "paragraphs").map(members).unwrap_or_default();
        for (index, (_, paragraph)) in paragraphs.into_iter().enumerate() {
            self.paragraph(paragraph, document, &title, &format!("{place}.paragraphs[{index}]"))?;
        }
        Ok(())
    }

    fn paragraph(&mut self, item: &str, document: usize, title: &str, place: &str) -> Result<()> {
        let location = document_location(title);
        let Some(Paragraph { context, .. }) = self.parse(item, place)? else { return Ok(()) };
        let Some(passage) = self.collector.add_passage(document, &context, &location)? else { return Ok(()) };
        let qas = member(item, "qas").map(members).unwrap_or_default();
        for (index, (_, qa)) in qas.into_iter().enumerate() {
            let place = format!("{place}.qas[{index}]");
            let Some(qa) = self.parse::<Qa>(qa, &place)? else { continue };
            let id = qa.id.as_ref().map_or(place, Name::to_string);
            let question = RawQuestion { id: &id, text: &qa.question, location: &location };
            self.collector.add_question(passage, &question, qa.find_answers(&context))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn squad(context: &str, qas: &str) -> Result<LoadedDocuments> {
        let text = format!(
            "{{\"version\": \"1.1\", \"data\": [{{\"title\": \"Fables\", \"paragraphs\": \
             [{{\"context\": \"{context}\", \"qas\": [{qas}]}}]}}]}}"
        );
        read("a.json", &text, true)
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
        let message = message("A fox.", r#"{"id": 5, "question": 6, "answers": []}"#);
        assert!(message.contains("in `data[0].paragraphs[0].qas[0].question`: invalid type"), "{message}");
        assert!(message.contains("expected SQuAD's {\"data\""), "{message}");
    }

    #[test]
    fn hugging_face_columns_and_ids_that_are_numbers_are_read() {
        let qas = r#"{"id": 5, "question": "Who?", "answers": {"text": ["fox"], "answer_start": [2]}},
                     {"question": "What?", "answers": [{"text": "ran", "answer_start": 6}], "is_impossible": null}"#;
        let loaded = squad("A fox ran.", qas).unwrap();
        let questions = &loaded.documents[0].passages[0].questions;
        let ids: Vec<&str> = questions.iter().map(|question| question.id.as_str()).collect();
        assert_eq!(ids, ["5", "data[0].paragraphs[0].qas[1]"]);
        let records = r#"[{"context": "A fox ran.", "question": "Who?", "answers": {"text": ["fox"], "answer_start": [2]}},
                          {"context": "A fox ran.", "question": "What?", "answer": "ran"},
                          {"context": "It ran.", "question": "Who?", "answer": null, "id": 3}]"#;
        for text in [records.to_owned(), format!("{{\"version\": \"0.1\", \"data\": {records}}}")] {
            let loaded = read("a.json", &text, true).unwrap();
            let passages: Vec<usize> = loaded.documents.iter().map(|document| document.passages.len()).collect();
            assert_eq!((passages, loaded.counts.usable(), loaded.counts.unanswerable), (vec![1, 1], 2, 1));
            assert_eq!(loaded.documents[0].passages[0].questions[0].answers, [2..5]);
        }
    }

    #[test]
    fn invalid_items_are_left_out_and_counted() {
        let text = r#"{"data": [
            {"title": "A", "paragraphs": [
                {"context": "A fox ran.", "qas": [
                    {"id": "1", "question": "Who?", "answers": [{"text": "fox", "answer_start": 3}]},
                    {"id": "2", "question": "Who?", "answers": [{"text": "fox", "answer_start": "2"}]},
                    {"id": "3", "question": "Who?", "answers": [{"text": "fox", "answer_start": 2}]},
                    {"id": "4", "question": "Who?"}]},
                {"context": " ", "qas": []},
                {"context": 5, "qas": []}]},
            {"title": "B"}, 7]}"#;
        let loaded = read("a.json", text, false).unwrap();
        assert_eq!((loaded.counts.found, loaded.counts.usable()), (8, 1));
        assert_eq!(
            loaded.counts.to_string(),
            "of 8: 1 with an answer that is not at its place in the passage (question `1` of document \"A\"), 5 not in \
             the expected format (data[0].paragraphs[0].qas[1], question `4` of document \"A\", \
             data[0].paragraphs[2], data[1], data[2]), 1 without the text of a passage (document \"A\")"
        );
        let error = read("a.json", text, true).unwrap_err().to_string();
        assert!(error.contains("question `1` of document \"A\" has the answer \"fox\" at character 3"), "{error}");
    }
}
