//! One question as a JSON object: the keys that SQuAD, Hugging Face's data sets and our JSON Lines share, and how
//! passages are found for questions that carry their own context.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::char_index::CharIndex;
use super::collector::{Collector, PassageIndex, RawQuestion};
use super::error::{InvalidKind, Result};

/// A text that may be written as a number, as ids are by programs that count.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected a string or a number")]
pub(super) enum Name {
    Text(String),
    Number(serde_json::Number),
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => number.fmt(f),
        }
    }
}

/// The answers to a question: SQuAD's list `[{"text", "answer_start"}]`, or Hugging Face's columns
/// `{"text": […], "answer_start": […]}`.
#[derive(Clone, Debug)]
pub(super) struct Answers(Vec<Answer>);

#[derive(Clone, Debug, Deserialize)]
struct Answer {
    text: String,
    /// In code points.
    answer_start: usize,
}

#[derive(Deserialize)]
struct AnswerColumns {
    text: Vec<String>,
    answer_start: Vec<usize>,
}

impl<'de> Deserialize<'de> for Answers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnswersVisitor;
        impl<'de> Visitor<'de> for AnswersVisitor {
            type Value = Answers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of answers, or an object with the lists `text` and `answer_start`")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Answers, A::Error> {
                Deserialize::deserialize(SeqAccessDeserializer::new(list)).map(Answers)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Answers, A::Error> {
                let AnswerColumns { text, answer_start } = Deserialize::deserialize(MapAccessDeserializer::new(map))?;
                if text.len() != answer_start.len() {
                    let (texts, starts) = (text.len(), answer_start.len());
                    return Err(A::Error::custom(format!("`text` has {texts} entries and `answer_start` {starts}")));
                }
                let answers = text.into_iter().zip(answer_start);
                Ok(Answers(answers.map(|(text, answer_start)| Answer { text, answer_start }).collect()))
            }
        }
        deserializer.deserialize_any(AnswersVisitor)
    }
}

/// A question with its answers in SQuAD's spelling.
#[derive(Deserialize)]
pub(super) struct Qa {
    pub id: Option<Name>,
    pub question: String,
    pub answers: Option<Answers>,
    /// SQuAD 2.0 has it, SQuAD 1.1 and Hugging Face's copies do not.
    pub is_impossible: Option<bool>,
}

impl Qa {
    /// The byte ranges of the answers in `context`; none if there is no answer.
    ///
    /// # Errors
    /// If they cannot be found. The message continues a sentence whose subject is the question.
    pub fn find_answers(&self, context: &str) -> Result<Vec<Range<usize>>, (InvalidKind, String)> {
        match &self.answers {
            _ if self.is_impossible == Some(true) => Ok(Vec::new()),
            Some(answers) => answers.find(context),
            None => {
                let problem = "has no `answers`; expected a list, or `is_impossible`; add one of them";
                Err((InvalidKind::Format, problem.to_owned()))
            }
        }
    }
}

impl Answers {
    fn find(&self, context: &str) -> Result<Vec<Range<usize>>, (InvalidKind, String)> {
        let context = CharIndex::new(context);
        let range = |answer: &Answer| context.find_at(answer.answer_start, &answer.text);
        self.0.iter().map(|answer| range(answer).map_err(|problem| (InvalidKind::Answer, problem))).collect()
    }
}

/// A question that carries its own context.
#[derive(Deserialize)]
pub(super) struct QuestionRecord {
    context: String,
    question: String,
    /// `null` if the context has no answer; `None` if the key is missing.
    #[serde(default, deserialize_with = "present")]
    answer: Option<Option<String>>,
    /// In code points.
    start: Option<usize>,
    answers: Option<Answers>,
    is_impossible: Option<bool>,
    id: Option<Name>,
    /// The title of the document.
    document: Option<Name>,
    /// The same in Hugging Face's data sets.
    title: Option<Name>,
}

/// Distinguishes `null` from a missing key.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl QuestionRecord {
    fn find_answers(&self, context: &str) -> Result<Vec<Range<usize>>, (InvalidKind, String)> {
        match (&self.answer, &self.answers) {
            _ if self.is_impossible == Some(true) => Ok(Vec::new()),
            (_, Some(answers)) => answers.find(context),
            (Some(None), None) => Ok(Vec::new()),
            // The collector reports empty answers.
            (Some(Some(answer)), None) if answer.is_empty() => Ok(std::iter::once(0..0).collect()),
            (Some(Some(answer)), None) => {
                let context = CharIndex::new(context);
                let range = match self.start {
                    Some(start) => context.find_at(start, answer),
                    None => context.find_unique(answer),
                };
                Ok(vec![range.map_err(|problem| (InvalidKind::Answer, problem))?])
            }
            (None, None) => {
                let problem = "has neither `answer` nor `answers`; expected one of them, or `null` if there is no \
                               answer; add it";
                Err((InvalidKind::Format, problem.to_owned()))
            }
        }
    }
}

/// Groups records into passages and documents: those with the same context share a passage, those with the same
/// document title a document. A context without title becomes a document that is named after its first record.
#[derive(Default)]
pub(super) struct RecordGroups {
    documents: HashMap<String, usize>,
    passages: HashMap<(Option<String>, String), PassageIndex>,
}

impl RecordGroups {
    /// Adds a question. `location` names its place in the file, and the question itself if it has no id.
    ///
    /// # Errors
    /// As [`Collector::reject`].
    pub fn add(&mut self, collector: &mut Collector, record: QuestionRecord, location: &str) -> Result<()> {
        let title = record.document.as_ref().or(record.title.as_ref());
        let key = (title.map(Name::to_string), record.context.clone());
        let passage = match self.passages.get(&key) {
            Some(&passage) => passage,
            None => {
                let document = match &key.0 {
                    None => collector.add_document(location),
                    Some(title) => {
                        *self.documents.entry(title.clone()).or_insert_with(|| collector.add_document(title))
                    }
                };
                let Some(passage) = collector.add_passage(document, &key.1, location)? else { return Ok(()) };
                self.passages.insert(key, passage);
                passage
            }
        };
        let id = record.id.as_ref().map_or_else(|| location.to_owned(), Name::to_string);
        let question = RawQuestion { id: &id, text: &record.question, location };
        let answers = record.find_answers(collector.text(passage));
        collector.add_question(passage, &question, answers)
    }
}
