//! Collects the documents of a file in any format: counts and leaves out questions that are unusable or invalid.
//! Independent of file formats.

use std::collections::HashMap;
use std::ops::Range;

use text_prep::Segmentation;
use text_prep::error::one_line;
use text_prep::source::{ControlCharacters, FoundControlCharacters};
use text_prep::spans::{is_white_space, words};

use super::error::{Error, InvalidKind, Result, quoted};
use super::question_counts::QuestionCounts;
use super::word_range::word_range;
use super::{Document, LoadedDocuments, Passage, Question};

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
    /// Whether an invalid item is an error.
    strict: bool,
    documents: Vec<Document>,
    counts: QuestionCounts,
    /// The location of each id, and the number of questions with it.
    ids: HashMap<String, (String, usize)>,
    /// The error of the first invalid item.
    first_error: Option<Error>,
}

impl<'a> Collector<'a> {
    pub fn new(file: &'a str, strict: bool) -> Self {
        let (documents, counts, ids) = (Vec::new(), QuestionCounts::default(), HashMap::new());
        Self { file, strict, documents, counts, ids, first_error: None }
    }

    /// Leaves out an invalid item and counts it.
    ///
    /// # Errors
    /// `error`, if the collector is strict.
    pub fn reject(&mut self, kind: InvalidKind, place: &str, error: impl FnOnce() -> Error) -> Result<()> {
        if self.strict {
            return Err(error());
        }
        self.first_error.get_or_insert_with(error);
        self.counts.add_invalid(kind, place);
        Ok(())
    }

    /// [Leaves out](Self::reject) an invalid question; `problem` continues a sentence whose subject is the question.
    fn reject_question(&mut self, kind: InvalidKind, question: &RawQuestion, problem: String) -> Result<()> {
        let RawQuestion { id, location, .. } = *question;
        let file = self.file;
        // A question without an id is named after its location.
        let place = if id == location { id.to_owned() } else { format!("question `{id}` of {location}") };
        self.reject(kind, &place, || Error::Answer {
            file: file.to_owned(),
            location: location.to_owned(),
            id: id.to_owned(),
            problem,
        })
    }

    /// Adds a document and returns its index.
    pub fn add_document(&mut self, title: &str) -> usize {
        self.documents.push(Document { title: title.to_owned(), passages: Vec::new() });
        self.documents.len() - 1
    }

    /// Adds a passage to a document; `location` is for errors. `None` if the passage has no text or a NUL: it is
    /// left out.
    ///
    /// # Errors
    /// As [`reject`](Self::reject).
    pub fn add_passage(&mut self, document: usize, text: &str, location: &str) -> Result<Option<PassageIndex>> {
        if text.chars().all(is_white_space) {
            let file = self.file;
            let error = || Error::NoText { file: file.to_owned(), location: location.to_owned() };
            self.reject(InvalidKind::NoText, location, error)?;
            return Ok(None);
        }
        if let Some(found) = rejected_control_characters(text) {
            let (file, location_) = (self.file.to_owned(), location.to_owned());
            let error = || Error::ControlCharacters { file, location: location_, found };
            self.reject(InvalidKind::ControlCharacters, location, error)?;
            return Ok(None);
        }
        let passages = &mut self.documents[document].passages;
        passages.push(Passage { text: text.to_owned(), questions: Vec::new() });
        Ok(Some((document, passages.len() - 1)))
    }

    /// The text of a passage.
    pub fn text(&self, (document, passage): PassageIndex) -> &str {
        &self.documents[document].passages[passage].text
    }

    /// Adds a question with the byte ranges of its answers, or why they cannot be found. A question without answers is
    /// unanswerable. Duplicate answers are removed.
    ///
    /// # Errors
    /// As [`reject`](Self::reject), if the question has no text or a NUL, the answers are invalid or one is empty; if the collector is strict, also if the
    /// id is already used.
    pub fn add_question(
        &mut self,
        (document, passage_index): PassageIndex,
        question: &RawQuestion,
        answers: Result<Vec<Range<usize>>, (InvalidKind, String)>,
    ) -> Result<()> {
        if question.text.chars().all(is_white_space) {
            let problem = "has no text; expected at least one word; correct or remove the question";
            return self.reject_question(InvalidKind::NoQuestionText, question, problem.to_owned());
        }
        if let Some(found) = rejected_control_characters(question.text) {
            let problem = format!("has {found}; expected a text without NUL; correct or remove the question");
            return self.reject_question(InvalidKind::ControlCharacters, question, problem);
        }
        let answers = match answers {
            Ok(answers) => answers,
            Err((kind, problem)) => return self.reject_question(kind, question, problem),
        };
        let RawQuestion { id, text, location } = *question;
        let passage = &self.documents[document].passages[passage_index];
        let mut distinct: Vec<Range<usize>> = Vec::new();
        for answer in answers {
            if passage.text[answer.clone()].chars().all(is_white_space) {
                let problem = "has an empty answer; expected text of the passage; correct it, or give no \
                               answer if there is none";
                return self.reject_question(InvalidKind::EmptyAnswer, question, problem.to_owned());
            }
            if !distinct.contains(&answer) {
                distinct.push(answer);
            }
        }
        let is_same = |other: &Question| other.text == text && other.answers == distinct;
        let reason = if distinct.is_empty() {
            Some(&mut self.counts.unanswerable)
        } else if passage.questions.iter().any(is_same) {
            Some(&mut self.counts.duplicate)
        } else {
            None
        };
        if let Some(count) = reason {
            *count += 1;
            self.counts.found += 1;
            return Ok(());
        }
        if self.strict
            && let Some((first, _)) = self.ids.get(id)
        {
            let first = one_line(first);
            let problem = format!("has the same id as a question of {first}; expected unique ids; change one of them");
            return self.reject_question(InvalidKind::Format, question, problem);
        }
        self.counts.found += 1;
        let question = Question { id: self.unique_id(id, location), text: text.to_owned(), answers: distinct };
        self.documents[document].passages[passage_index].questions.push(question);
        Ok(())
    }

    /// `id`, with a number if an earlier question has it, too.
    fn unique_id(&mut self, id: &str, location: &str) -> String {
        let mut unique = id.to_owned();
        while let Some((_, count)) = self.ids.get_mut(&unique) {
            *count += 1;
            self.counts.repeated_ids += usize::from(unique == id);
            unique = format!("{id} ({count})");
        }
        self.ids.insert(unique.clone(), (location.to_owned(), 1));
        unique
    }

    /// Removes the answers that are not whole words, and then the questions without answers.
    ///
    /// # Errors
    /// If no question is left.
    pub fn finish(mut self) -> Result<LoadedDocuments> {
        for passage in self.documents.iter_mut().flat_map(|document| &mut document.passages) {
            // The shortest words: whether those of a dictionary are whole is checked when examples are made.
            let words = words(&passage.text, Segmentation::Spaces);
            passage.questions.retain_mut(|question| {
                let before = question.answers.len();
                question.answers.retain(|answer| word_range(answer, &words).is_some());
                self.counts.unmappable_answers += before - question.answers.len();
                let is_mappable = !question.answers.is_empty();
                if !is_mappable {
                    self.counts.add_unmappable(&question.id);
                }
                is_mappable
            });
        }
        self.documents.retain(|document| !document.passages.is_empty());
        if self.counts.usable() == 0 {
            if let Some(error) = self.first_error.filter(|_| self.counts.found == 1) {
                return Err(error);
            }
            let (file, counts) = (self.file.to_owned(), self.counts.to_string());
            return Err(Error::NoQuestions { file, counts });
        }
        Ok(LoadedDocuments { documents: self.documents, counts: self.counts })
    }
}

/// The control characters of a passage or question that no text has: its escapes may stand for them in a file without.
fn rejected_control_characters(text: &str) -> Option<FoundControlCharacters> {
    ControlCharacters::default().rejected_in(text)
}

/// The location of a document, for errors.
pub(super) fn document_location(title: &str) -> String {
    format!("document {}", quoted(title))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(collector: &mut Collector, id: &str, text: &str, answers: &[Range<usize>]) -> Result<()> {
        collector.add_question((0, 0), &RawQuestion { id, text, location: "line 1" }, Ok(answers.to_vec()))
    }

    fn collector(strict: bool) -> Collector<'static> {
        let mut collector = Collector::new("a.json", strict);
        let document = collector.add_document("T");
        collector.add_passage(document, "The foxes ran.", "line 1").unwrap();
        collector
    }

    #[test]
    fn unusable_questions_are_counted_under_the_first_reason_that_applies() {
        let mut collector = collector(true);
        let fox = 4..9;
        add(&mut collector, "1", "Who?", &[fox.clone(), fox.clone(), 4..7]).unwrap();
        add(&mut collector, "1", "Who?", &[fox.clone(), 4..7]).unwrap();
        add(&mut collector, "3", "When?", &[]).unwrap();
        add(&mut collector, "4", "What?", &[4..7]).unwrap();
        add(&mut collector, "5", "Which?", &[4..9]).unwrap();
        collector.add_document("empty");
        let LoadedDocuments { documents, counts } = collector.finish().unwrap();
        let expected = QuestionCounts {
            found: 5,
            unanswerable: 1,
            duplicate: 1,
            unmappable: 1,
            unmappable_ids: vec!["4".into()],
            unmappable_answers: 2,
            ..QuestionCounts::default()
        };
        assert_eq!(counts, expected);
        assert_eq!((documents.len(), counts.usable()), (1, 2));
        assert_eq!(documents[0].passages[0].questions[0].answers, [fox]);
        assert_eq!(
            counts.to_string(),
            "of 5: 1 unanswerable, 1 with answers that start or end within a word (4), 1 duplicate"
        );
    }

    #[test]
    fn a_strict_collector_rejects_the_first_invalid_item() {
        let mut collector = collector(true);
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
            add(&mut collector, "3", " \n", &[4..9]).unwrap_err().to_string(),
            "`a.json`: question `3` of line 1 has no text; expected at least one word; correct or remove the question"
        );
        assert_eq!(
            add(&mut collector, "4", "Who\0?", &[4..9]).unwrap_err().to_string(),
            "`a.json`: question `4` of line 1 has 1 control character, U+0000 (NUL) in line 1, column 4; expected a \
             text without NUL; correct or remove the question"
        );
        assert_eq!(
            collector.add_passage(0, "A\n\0\0", "line 2").unwrap_err().to_string(),
            "`a.json`: line 2 has a passage with 2 control characters, the first U+0000 (NUL) in line 2, column 1; \
             expected a text without NUL; correct or remove the passage"
        );
        assert_eq!(
            collector.add_passage(0, " \n", &document_location("T")).unwrap_err().to_string(),
            "`a.json`: document \"T\" has a passage without text; expected at least one word; \
             correct or remove the passage"
        );
    }

    #[test]
    fn invalid_items_are_counted_by_kind_with_the_first_places() {
        let mut collector = collector(false);
        assert_eq!(collector.add_passage(0, " \n", &document_location("T")).unwrap(), None);
        for id in ["1", "2", "3", "4", "5", "6"] {
            add(&mut collector, id, "What?", &[3..4]).unwrap();
        }
        let question = RawQuestion { id: "line 9", text: "What?", location: "line 9" };
        collector.add_question((0, 0), &question, Err((InvalidKind::Answer, "is wrong".into()))).unwrap();
        for text in ["What?", "Who?", "Which?"] {
            add(&mut collector, "1", text, &[4..9]).unwrap();
        }
        let LoadedDocuments { documents, counts } = collector.finish().unwrap();
        assert_eq!((counts.found, counts.usable(), counts.repeated_ids), (11, 3, 2));
        let ids: Vec<&str> = documents[0].passages[0].questions.iter().map(|one| one.id.as_str()).collect();
        assert_eq!(ids, ["1", "1 (2)", "1 (3)"]);
        assert_eq!(
            counts.to_string(),
            "of 11: 1 without the text of a passage (document \"T\"), 6 with an empty answer (question `1` of line 1, \
             question `2` of line 1, question `3` of line 1, question `4` of line 1, question `5` of line 1, …), 1 with an answer that is not at its place in the \
             passage (line 9); 2 with the id of an earlier question, which got a number"
        );
    }

    #[test]
    fn texts_that_are_blank_or_have_a_nul_are_counted_with_their_places() {
        let mut collector = collector(false);
        for (id, text) in [("1", ""), ("2", "Who?"), ("3", " \n"), ("4", "\0Who?"), ("5", "\u{1b}What?")] {
            add(&mut collector, id, text, &[4..9]).unwrap();
        }
        assert_eq!(collector.add_passage(0, "A\0", "line 2").unwrap(), None);
        let LoadedDocuments { counts, .. } = collector.finish().unwrap();
        assert_eq!((counts.found, counts.usable()), (6, 2));
        assert_eq!(
            counts.to_string(),
            "of 6: 2 without the text of a question (question `1` of line 1, question `3` of line 1), 2 with a NUL \
             (question `4` of line 1, line 2)"
        );
    }

    #[test]
    fn without_a_usable_question_the_error_has_the_reasons() {
        let mut one = collector(false);
        add(&mut one, "1", "Who?", &[3..4]).unwrap();
        assert!(one.finish().unwrap_err().to_string().contains("question `1` of line 1 has an empty answer;"));
        let mut two = collector(false);
        add(&mut two, "1", "Who?", &[3..4]).unwrap();
        add(&mut two, "2", "Who?", &[]).unwrap();
        let message = two.finish().unwrap_err().to_string();
        assert!(message.contains("of 2: 1 with an empty answer (question `1` of line 1), 1 unanswerable"), "{message}");
    }
}
