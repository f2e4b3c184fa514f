//! Answer candidates of a sentence: spans that the model extracts, and numbers, dates and names found by heuristics.

use std::ops::Range;

use text_prep::Vocabulary;
use text_prep::spans::{Word, WordShape};

use super::pipeline::SpanScores;
use crate::data::EncodedSentence;

/// The model's spans with a lower probability are not candidates.
const MIN_PROBABILITY: f64 = 0.02;

/// Up to `count` candidates that do not overlap: first the model's, the most probable first, then those of the
/// heuristics. Each is a range of words.
pub fn candidates(text: &str, words: &[Word], scores: &SpanScores, count: usize) -> Vec<Range<usize>> {
    let mut all: Vec<Range<usize>> = Vec::new();
    let is_disjoint = |all: &[Range<usize>], span: &Range<usize>| {
        all.iter().all(|known| known.end <= span.start || span.end <= known.start)
    };
    for (span, probability) in scores.ranked() {
        if all.len() == count {
            return all;
        }
        // The best span is accepted with any probability.
        if probability < MIN_PROBABILITY && !all.is_empty() {
            break;
        }
        if is_disjoint(&all, &span) && has_word(text, &words[span.clone()]) {
            all.push(span);
        }
    }
    for span in numbers_and_names(text, words) {
        if all.len() == count {
            break;
        }
        if is_disjoint(&all, &span) {
            all.push(span);
        }
    }
    all
}

/// Whether these tokens are not all punctuation.
pub fn has_word(text: &str, words: &[Word]) -> bool {
    words.iter().any(|word| WordShape::of(&text[word.range.clone()]) != WordShape::Punctuation)
}

/// Runs of numbers and capitalised words, such as "12 May 1820" or a name. A single capitalised word at the
/// beginning is left out, because every sentence has one.
fn numbers_and_names(text: &str, words: &[Word]) -> Vec<Range<usize>> {
    let shapes: Vec<WordShape> = words.iter().map(|word| WordShape::of(&text[word.range.clone()])).collect();
    let is_part =
        |at: usize| matches!(shapes[at], WordShape::Number | WordShape::Title | WordShape::Upper | WordShape::Mixed);
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let end = (at..words.len()).find(|&at| !is_part(at)).unwrap_or(words.len());
        let is_first_word = end == at + 1 && at == 0 && shapes[0] != WordShape::Number;
        if end > at && !is_first_word {
            found.push(at..end);
        }
        at = end.max(at + 1);
    }
    found
}

/// The spelling of a word of a question: that of the sentence if the word occurs in it, because names are
/// capitalised there; else that of the vocabulary.
pub fn surface_form<'a>(
    text: &'a str,
    words: &[Word],
    sentence: &'a EncodedSentence,
    vocabulary: &'a Vocabulary,
    id: u32,
) -> &'a str {
    let positions = || (0..words.len()).filter(|&at| sentence.extended_ids[at] == id);
    // The first word of a sentence is capitalised in any case; it is used only for words without an id.
    let inside = positions().find(|&at| at > 0);
    let in_vocab = (id as usize) < vocabulary.len();
    match inside.or_else(|| positions().next().filter(|_| !in_vocab)) {
        Some(at) => &text[words[at].range.clone()],
        None => vocabulary.token(id).unwrap_or_default(),
    }
}
