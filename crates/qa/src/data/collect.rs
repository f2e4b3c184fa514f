//! Documents as they come out of a file, whatever its format: what is not of use is counted and
//! left out, what contradicts itself is refused.
//!
//! What it does not know: formats.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::ops::Range;

use text_prep::passage::{is_white_space, words};

use super::error::{Error, Result, quoted};
use super::mapping::words_of;
use super::{Document, Passage, Question, Read};

/// How many ids are named where many questions have the same fate.
const NAMED: usize = 5;

/// How many questions a file holds and what became of them: those that [`kept`](Self::kept) does
/// not count were left out, each for the first reason of these that applies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All questions in the file.
    pub found: usize,
    /// The question's text is empty.
    pub empty: usize,
    /// The file says that the passage does not answer it, or gives no answer.
    pub unanswerable: usize,
    /// The same question with the same answers was asked of the same passage before.
    pub duplicated: usize,
    /// No answer begins and ends where words do, see [`words_of`].
    pub unmappable: usize,
    /// The ids of the first few of those.
    pub unmappable_ids: Vec<String>,
    /// Answers that were left out since they do not begin and end where words do; some of them
    /// may have belonged to questions with other answers, which were kept.
    pub unmappable_answers: usize,
}

impl Counts {
    /// How many questions can be used.
    pub fn kept(&self) -> usize {
        self.found - self.empty - self.unanswerable - self.duplicated - self.unmappable
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { found, empty, unanswerable, duplicated, unmappable, .. } = self;
        write!(
            f,
            "of {found}: {unanswerable} unanswerable, {unmappable} unmappable, {empty} empty, \
             {duplicated} duplicated"
        )
    }
}

/// Where a passage is put: the index of its document, and its own in there.
pub(super) type Place = (usize, usize);

/// A question and where in the file it stands, in words: a document, a line or a row.
pub(super) struct Asked<'a> {
    pub id: &'a str,
    pub text: &'a str,
    pub place: &'a str,
}

/// Gathers the documents of one file.
pub(super) struct Collector<'a> {
    file: &'a str,
    documents: Vec<Document>,
    counts: Counts,
    /// Where each id was seen first.
    ids: HashMap<String, String>,
}

impl<'a> Collector<'a> {
    pub fn new(file: &'a str) -> Self {
        Self { file, documents: Vec::new(), counts: Counts::default(), ids: HashMap::new() }
    }

    /// Begins a document and gives its index.
    pub fn document(&mut self, title: &str) -> usize {
        self.documents.push(Document { title: title.to_owned(), passages: Vec::new() });
        self.documents.len() - 1
    }

    /// Adds a passage to a document; `place` says in words where it stands.
    ///
    /// # Errors
    /// If it holds no text.
    pub fn passage(&mut self, document: usize, text: &str, place: &str) -> Result<Place> {
        if text.chars().all(is_white_space) {
            return Err(Error::NoText { file: self.file.to_owned(), place: place.to_owned() });
        }
        let passages = &mut self.documents[document].passages;
        passages.push(Passage { text: text.to_owned(), questions: Vec::new() });
        Ok((document, passages.len() - 1))
    }

    /// The text of a passage.
    pub fn text(&self, (document, passage): Place) -> &str {
        &self.documents[document].passages[passage].text
    }

    /// Adds a question; no answers mean that it has none. An answer that comes twice counts once.
    ///
    /// # Errors
    /// If another question has its id, or an answer is empty.
    pub fn question(&mut self, to: Place, asked: &Asked, answers: &[Range<usize>]) -> Result<()> {
        self.counts.found += 1;
        let Asked { id, text, place } = *asked;
        let passage = &mut self.documents[to.0].passages[to.1];
        let mut unlike: Vec<Range<usize>> = Vec::new();
        for answer in answers {
            if passage.text[answer.clone()].chars().all(is_white_space) {
                let problem = "has an empty answer; expected a piece of the passage; correct it, \
                               or give no answer where there is none";
                return Err(wrong(self.file, asked, problem.to_owned()));
            }
            if !unlike.contains(answer) {
                unlike.push(answer.clone());
            }
        }
        let same = |other: &&Question| other.text == text && other.answers == unlike;
        if text.chars().all(is_white_space) {
            self.counts.empty += 1;
        } else if unlike.is_empty() {
            self.counts.unanswerable += 1;
        } else if passage.questions.iter().find(same).is_some() {
            self.counts.duplicated += 1;
        } else {
            match self.ids.entry(id.to_owned()) {
                Entry::Vacant(free) => free.insert(place.to_owned()),
                Entry::Occupied(taken) => {
                    let problem = format!(
                        "has an id that a question of {} has as well; expected another; give \
                         one of them a new id",
                        text_prep::error::one_line(taken.get()),
                    );
                    return Err(wrong(self.file, asked, problem));
                }
            };
            let (id, text) = (id.to_owned(), text.to_owned());
            passage.questions.push(Question { id, text, answers: unlike });
        }
        Ok(())
    }

    /// Leaves out the answers that are not whole words, and then the questions without any.
    ///
    /// # Errors
    /// If no question is left.
    pub fn finish(mut self) -> Result<Read> {
        for passage in self.documents.iter_mut().flat_map(|document| &mut document.passages) {
            let words = words(&passage.text);
            passage.questions.retain_mut(|question| {
                let all = question.answers.len();
                question.answers.retain(|a| words_of(a, &words).is_some());
                self.counts.unmappable_answers += all - question.answers.len();
                let mappable = !question.answers.is_empty();
                if !mappable {
                    self.counts.unmappable += 1;
                    if self.counts.unmappable_ids.len() < NAMED {
                        self.counts.unmappable_ids.push(question.id.clone());
                    }
                }
                mappable
            });
        }
        self.documents.retain(|document| !document.passages.is_empty());
        if self.counts.kept() == 0 {
            let (file, counts) = (self.file.to_owned(), self.counts.to_string());
            return Err(Error::NoQuestions { file, counts });
        }
        Ok(Read { documents: self.documents, counts: self.counts })
    }
}

/// An error that names the question.
pub(super) fn wrong(file: &str, asked: &Asked, problem: String) -> Error {
    let (id, place) = (asked.id.to_owned(), asked.place.to_owned());
    Error::Answer { file: file.to_owned(), place, id, problem }
}

/// How a document is called in errors.
pub(super) fn document(title: &str) -> String {
    format!("document {}", quoted(title))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(
        collector: &mut Collector,
        id: &str,
        text: &str,
        answers: &[Range<usize>],
    ) -> Result<()> {
        collector.question((0, 0), &Asked { id, text, place: "line 1" }, answers)
    }

    fn collector() -> Collector<'static> {
        let mut collector = Collector::new("a.json");
        let document = collector.document("T");
        collector.passage(document, "The foxes ran.", "line 1").unwrap();
        collector
    }

    #[test]
    fn what_is_of_no_use_is_counted_by_its_first_reason() {
        let mut collector = collector();
        let fox = 4..9;
        ask(&mut collector, "1", "Who?", &[fox.clone(), fox.clone(), 4..7]).unwrap();
        ask(&mut collector, "1", "Who?", &[fox.clone(), 4..7]).unwrap();
        ask(&mut collector, "2", " ", &[4..9]).unwrap();
        ask(&mut collector, "3", "When?", &[]).unwrap();
        ask(&mut collector, "4", "What?", &[4..7]).unwrap();
        ask(&mut collector, "5", "Which?", &[4..9]).unwrap();
        collector.document("nothing");
        let Read { documents, counts } = collector.finish().unwrap();
        let expected = Counts {
            found: 6,
            empty: 1,
            unanswerable: 1,
            duplicated: 1,
            unmappable: 1,
            unmappable_ids: vec!["4".into()],
            unmappable_answers: 2,
        };
        assert_eq!(counts, expected);
        assert_eq!((documents.len(), counts.kept()), (1, 2));
        assert_eq!(documents[0].passages[0].questions[0].answers, [fox]);
    }

    #[test]
    fn what_contradicts_itself_is_named() {
        let mut collector = collector();
        ask(&mut collector, "1", "Who?", &[4..9]).unwrap();
        assert_eq!(
            ask(&mut collector, "1", "What?", &[4..9]).unwrap_err().to_string(),
            "`a.json`: question `1` of line 1 has an id that a question of line 1 has as well; \
             expected another; give one of them a new id"
        );
        assert_eq!(
            ask(&mut collector, "2", "What?", &[3..4]).unwrap_err().to_string(),
            "`a.json`: question `2` of line 1 has an empty answer; expected a piece of the \
             passage; correct it, or give no answer where there is none"
        );
        assert_eq!(
            collector.passage(0, " \n", &document("T")).unwrap_err().to_string(),
            "`a.json`: document \"T\" has a passage without text; expected at least one word; \
             correct or remove the passage"
        );
    }
}
