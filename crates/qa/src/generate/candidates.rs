//! What in a sentence a question could be about: what the network finds, and numbers, dates and names by rule.

use std::ops::Range;

use crate::data::Sentence;
use serde::Serialize;
use text_prep::Vocabulary;
use text_prep::passage::{Shape, Word};

use super::network::Heard;

/// Who found an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FoundBy {
    /// The network.
    Network,
    /// A rule that needs no training: a number, a date or a name.
    Rule,
}

/// A possible answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Its words.
    pub words: Range<usize>,
    /// Who found it.
    pub found_by: FoundBy,
    /// How likely the network takes it for an answer.
    pub probability: f64,
}

/// Up to `count` answers that share no word, the likeliest first: what the network finds, then what the rules
/// find beside it.
pub fn candidates(text: &str, words: &[Word], heard: &Heard, count: usize) -> Vec<Candidate> {
    let mut all: Vec<Candidate> = Vec::new();
    let apart = |all: &[Candidate], span: &Range<usize>| {
        all.iter().all(|known| known.words.end <= span.start || span.end <= known.words.start)
    };
    for (span, probability) in heard.ranked() {
        if all.len() == count {
            return all;
        }
        // What is hardly an answer is none, but for the best, which a sentence may do with.
        if probability < LEAST && !all.is_empty() {
            break;
        }
        if apart(&all, &span) && is_something(text, &words[span.clone()]) {
            all.push(Candidate { words: span, found_by: FoundBy::Network, probability });
        }
    }
    for span in by_rule(text, words) {
        if all.len() == count {
            break;
        }
        if apart(&all, &span) {
            let probability = heard.about(&span);
            all.push(Candidate { words: span, found_by: FoundBy::Rule, probability });
        }
    }
    all
}

/// The probability below which the network's spans are not asked about.
const LEAST: f64 = 0.02;

/// Whether some word is more than a mark.
fn is_something(text: &str, words: &[Word]) -> bool {
    words.iter().any(|word| Shape::of(&text[word.range.clone()]) != Shape::Punctuation)
}

/// Numbers with the capitalised words around them, as in "12 May 1820", and names: runs of capitalised words,
/// but for a single one at the beginning, which every sentence has.
fn by_rule(text: &str, words: &[Word]) -> Vec<Range<usize>> {
    let shapes: Vec<Shape> =
        words.iter().map(|word| Shape::of(&text[word.range.clone()])).collect();
    let is_part = |at: usize| {
        matches!(shapes[at], Shape::Number | Shape::Title | Shape::Upper | Shape::Mixed)
    };
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let end = (at..words.len()).find(|&at| !is_part(at)).unwrap_or(words.len());
        let alone = end == at + 1 && at == 0 && shapes[0] != Shape::Number;
        if end > at && !alone {
            found.push(at..end);
        }
        at = end.max(at + 1);
    }
    found
}

/// How a word of a question is written: as it stands in the sentence where that says more than the
/// vocabulary does, for names keep their capitals.
pub fn written<'a>(
    text: &'a str,
    words: &[Word],
    sentence: &'a Sentence,
    vocabulary: &'a Vocabulary,
    id: u32,
) -> &'a str {
    let places = || (0..words.len()).filter(|&at| sentence.extended[at] == id);
    // The first word of a sentence has a capital that may not be its own.
    let inside = places().find(|&at| at > 0);
    let known = (id as usize) < vocabulary.len();
    match inside.or_else(|| places().next().filter(|_| !known)) {
        Some(at) => &text[words[at].range.clone()],
        None => vocabulary.token(id).unwrap_or_default(),
    }
}
