//! Collects the documents of a file in any format: counts and leaves out unusable questions, and rejects
//! inconsistent ones. Independent of file formats.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::ops::Range;

use text_prep::error::one_line;
use text_prep::spans::{is_white_space, words};

use super::error::{Error, Result, quoted};
use super::word_range::word_range;
use super::{Document, LoadedDocuments, Passage, Question};

/// The maximum number of question ids listed in a warning.
const MAX_LISTED_IDS: usize = 5;

/// The number of questions in a file, and of those left out, each counted for the first reason that applies. The
/// others are [`usable`](Self::usable).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuestionCounts {
    /// All questions in the file.
    pub found: usize,
    /// The question has no text.
    pub empty: usize,
    /// The file marks it as unanswerable, or gives no answer.
    pub unanswerable: usize,
    /// The passage already has the same question with the same answers.
    pub duplicate: usize,
    /// No answer consists of whole words, see [`word_range`].
    pub unmappable: usize,
    /// The ids of the first unmappable questions.
    pub unmappable_ids: Vec<String>,
    /// Answers left out because they do not consist of whole words. Their questions may be usable through other
    /// answers.
    pub unmappable_answers: usize,
}

impl QuestionCounts {
    /// The number of usable questions.
    pub fn usable(&self) -> usize {
        self.found - self.empty - self.unanswerable - self.duplicate - self.unmappable
    }
}

impl fmt::Display for QuestionCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { found, empty, unanswerable, duplicate, unmappable, .. } = self;
        write!(
            f,
            "of {found}: {unanswerable} unanswerable, {unmappable} unmappable, {empty} empty, \
             {duplicate} duplicate"
        )
    }
}

/// The index of a document and of a passage in it.
pub(super) type PassageIndex = (usize, usize);

/// A question before its answers are checked.
pub(super) struct RawQuestion<'a> {
    pub id: &'a str,
    pub text: &'a str,
    /// The document, line or row, for errors.
    pub location: &'a str,
}

/// Collects the documents of one file.
pub(super) struct Collector<'a> {
    file: &'a str,
    documents: Vec<Document>,
    counts: QuestionCounts,
    /// The location of each id.
    ids: HashMap<String, String>,
}

impl<'a> Collector<'a> {
    pub fn new(file: &'a str) -> Self {
        Self { file, documents: Vec::new(), counts: QuestionCounts::default(), ids: HashMap::new() }
    }

    /// Adds a document and returns its index.
    pub fn add_document(&mut self, title: &str) -> usize {
        self.documents.push(Document { title: title.to_owned(), passages: Vec::new() });
        self.documents.len() - 1
    }

    /// Adds a passage to a document; `location` is for errors.
    ///
    /// # Errors
    /// If the passage has no text.
    pub fn add_passage(&mut self, document: usize, text: &str, location: &str) -> Result<PassageIndex> {
        if text.chars().all(is_white_space) {
            return Err(Error::NoText { file: self.file.to_owned(), location: location.to_owned() });
        }
        let passages = &mut self.documents[document].passages;
        passages.push(Passage { text: text.to_owned(), questions: Vec::new() });
        Ok((document, passages.len() - 1))
    }

    /// The text of a passage.
    pub fn text(&self, (document, passage): PassageIndex) -> &str {
        &self.documents[document].passages[passage].text
    }

    /// Adds a question with the byte ranges of its answers. A question without answers is unanswerable. Duplicate
    /// answers are removed.
    ///
    /// # Errors
    /// If the id is already used, or an answer is empty.
    pub fn add_question(
        &mut self,
        (document, passage): PassageIndex,
        question: &RawQuestion,
        answers: &[Range<usize>],
    ) -> Result<()> {
        self.counts.found += 1;
        let RawQuestion { id, text, location } = *question;
        let passage = &mut self.documents[document].passages[passage];
        let mut distinct: Vec<Range<usize>> = Vec::new();
        for answer in answers {
            if passage.text[answer.clone()].chars().all(is_white_space) {
                let problem = "has an empty answer; expected text of the passage; correct it, or give no \
                               answer if there is none";
                return Err(question_error(self.file, question, problem.to_owned()));
            }
            if !distinct.contains(answer) {
                distinct.push(answer.clone());
            }
        }
        let is_same = |other: &Question| other.text == text && other.answers == distinct;
        if text.chars().all(is_white_space) {
            self.counts.empty += 1;
        } else if distinct.is_empty() {
            self.counts.unanswerable += 1;
        } else if passage.questions.iter().any(is_same) {
            self.counts.duplicate += 1;
        } else {
            match self.ids.entry(id.to_owned()) {
                Entry::Vacant(vacant) => vacant.insert(location.to_owned()),
                Entry::Occupied(first) => {
                    let problem = format!(
                        "has the same id as a question of {}; expected unique ids; change one of them",
                        one_line(first.get()),
                    );
                    return Err(question_error(self.file, question, problem));
                }
            };
            let (id, text) = (id.to_owned(), text.to_owned());
            passage.questions.push(Question { id, text, answers: distinct });
        }
        Ok(())
    }

    /// Removes the answers that are not whole words, and then the questions without answers.
    ///
    /// # Errors
    /// If no question is left.
    pub fn finish(mut self) -> Result<LoadedDocuments> {
        for passage in self.documents.iter_mut().flat_map(|document| &mut document.passages) {
            let words = words(&passage.text);
            passage.questions.retain_mut(|question| {
                let before = question.answers.len();
                question.answers.retain(|answer| word_range(answer, &words).is_some());
                self.counts.unmappable_answers += before - question.answers.len();
                let is_mappable = !question.answers.is_empty();
                if !is_mappable {
                    self.counts.unmappable += 1;
                    if self.counts.unmappable_ids.len() < MAX_LISTED_IDS {
                        self.counts.unmappable_ids.push(question.id.clone());
                    }
                }
                is_mappable
            });
        }
        self.documents.retain(|document| !document.passages.is_empty());
        if self.counts.usable() == 0 {
            let (file, counts) = (self.file.to_owned(), self.counts.to_string());
            return Err(Error::NoQuestions { file, counts });
        }
        Ok(LoadedDocuments { documents: self.documents, counts: self.counts })
    }
}

/// An error with the question's id and location.
pub(super) fn question_error(file: &str, question: &RawQuestion, problem: String) -> Error {
    let (id, location) = (question.id.to_owned(), question.location.to_owned());
    Error::Answer { file: file.to_owned(), location, id, problem }
}

/// The location of a document, for errors.
pub(super) fn document_location(title: &str) -> String {
    format!("document {}", quoted(title))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(collector: &mut Collector, id: &str, text: &str, answers: &[Range<usize>]) -> Result<()> {
        collector.add_question((0, 0), &RawQuestion { id, text, location: "line 1" }, answers)
    }

    fn collector() -> Collector<'static> {
        let mut collector = Collector::new("a.json");
        let document = collector.add_document("T");
        collector.add_passage(document, "The foxes ran.", "line 1").unwrap();
        collector
    }

    #[test]
    fn unusable_questions_are_counted_under_the_first_reason_that_applies() {
        let mut collector = collector();
        let fox = 4..9;
        add(&mut collector, "1", "Who?", &[fox.clone(), fox.clone(), 4..7]).unwrap();
        add(&mut collector, "1", "Who?", &[fox.clone(), 4..7]).unwrap();
        add(&mut collector, "2", " ", &[4..9]).unwrap();
        add(&mut collector, "3", "When?", &[]).unwrap();
        add(&mut collector, "4", "What?", &[4..7]).unwrap();
        add(&mut collector, "5", "Which?", &[4..9]).unwrap();
        collector.add_document("empty");
        let LoadedDocuments { documents, counts } = collector.finish().unwrap();
        let expected = QuestionCounts {
            found: 6,
            empty: 1,
            unanswerable: 1,
            duplicate: 1,
            unmappable: 1,
            unmappable_ids: vec!["4".into()],
            unmappable_answers: 2,
        };
        assert_eq!(counts, expected);
        assert_eq!((documents.len(), counts.usable()), (1, 2));
        assert_eq!(documents[0].passages[0].questions[0].answers, [fox]);
    }

    #[test]
    fn errors_give_the_question_and_its_location() {
        let mut collector = collector();
        add(&mut collector, "1", "Who?", &[4..9]).unwrap();
        assert_eq!(
            add(&mut collector, "1", "What?", &[4..9]).unwrap_err().to_string(),
            "`a.json`: question `1` of line 1 has the same id as a question of line 1; \
             expected unique ids; change one of them"
        );
        assert_eq!(
            add(&mut collector, "2", "What?", &[3..4]).unwrap_err().to_string(),
            "`a.json`: question `2` of line 1 has an empty answer; expected text of the \
             passage; correct it, or give no answer if there is none"
        );
        assert_eq!(
            collector.add_passage(0, " \n", &document_location("T")).unwrap_err().to_string(),
            "`a.json`: document \"T\" has a passage without text; expected at least one word; \
             correct or remove the passage"
        );
    }
}
