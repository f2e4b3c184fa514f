//! From an answer's bytes to its words.
//!
//! What it does not know: files, questions, ids.

use std::ops::Range;

use text_prep::passage::Word;

/// The words of an answer, as a range of indices into `words`, which are those of the text that
/// `answer` counts bytes of; `None` if the answer does not begin where a word begins and end where
/// one ends.
///
/// White space at the ends of the answer does not count: words hold all else of their text, so what
/// lies between them is white space. Nothing more is forgiven.
pub fn words_of(answer: &Range<usize>, words: &[Word]) -> Option<Range<usize>> {
    let first = words.partition_point(|word| word.range.end <= answer.start);
    let end = words.partition_point(|word| word.range.start < answer.end);
    let whole = first < end
        && words[first].range.start >= answer.start
        && words[end - 1].range.end <= answer.end;
    whole.then_some(first..end)
}

#[cfg(test)]
mod tests {
    use text_prep::passage::words;

    use super::*;

    const TEXT: &str = "In 1990s’ 한글, $5bn.";

    fn of(answer: &str) -> Option<Range<usize>> {
        let start = TEXT.find(answer).unwrap();
        words_of(&(start..start + answer.len()), &words(TEXT))
    }

    #[test]
    fn an_answer_is_whole_words_or_has_none() {
        assert_eq!(of("In"), Some(0..1));
        assert_eq!(of("1990"), Some(1..2));
        assert_eq!(of("한글, $5"), Some(4..8));
        assert_eq!(of(" 한글"), Some(4..5));
        assert_eq!(of(TEXT), Some(0..10));
        assert_eq!(of("I"), None);
        assert_eq!(of("99"), None);
        assert_eq!(of("한"), None);
    }

    #[test]
    fn no_words_are_found_for_nothing_or_beyond_the_text() {
        let words = words(TEXT);
        for answer in [0..0, 2..3, 4..4, 900..1_000] {
            assert_eq!(words_of(&answer, &words), None, "{answer:?}");
        }
        assert_eq!(words_of(&(0..0), &[]), None);
    }

    #[test]
    fn every_run_of_words_is_found_again() {
        let words = words(TEXT);
        for first in 0..words.len() {
            for last in first..words.len() {
                let answer = words[first].range.start..words[last].range.end;
                assert_eq!(words_of(&answer, &words), Some(first..last + 1));
            }
        }
    }
}
