//! Converts the byte range of an answer to a range of words. Independent of files, questions and ids.

use std::ops::Range;

use text_prep::spans::Word;

/// The words of the byte range `answer`, as a range of indices into `words`, the words of the same text; `None` if
/// the answer does not start at the start of a word and end at the end of one.
///
/// White space at the ends of the answer is ignored: the text between words is white space.
pub fn word_range(answer: &Range<usize>, words: &[Word]) -> Option<Range<usize>> {
    let first = words.partition_point(|word| word.range.end <= answer.start);
    let end = words.partition_point(|word| word.range.start < answer.end);
    let is_whole_words =
        first < end && words[first].range.start >= answer.start && words[end - 1].range.end <= answer.end;
    is_whole_words.then_some(first..end)
}

#[cfg(test)]
mod tests {
    use text_prep::Segmentation;
    use text_prep::spans::words;

    use super::*;

    const TEXT: &str = "In 1990s’ 한글, $5bn.";

    fn find(answer: &str) -> Option<Range<usize>> {
        let start = TEXT.find(answer).unwrap();
        word_range(&(start..start + answer.len()), &words(TEXT, Segmentation::Spaces))
    }

    #[test]
    fn only_whole_words_have_a_range() {
        assert_eq!(find("In"), Some(0..1));
        assert_eq!(find("1990"), Some(1..2));
        assert_eq!(find("한글, $5"), Some(4..8));
        assert_eq!(find(" 한글"), Some(4..5));
        assert_eq!(find(TEXT), Some(0..10));
        assert_eq!(find("I"), None);
        assert_eq!(find("99"), None);
        assert_eq!(find("한"), None);
    }

    #[test]
    fn ranges_that_are_empty_or_beyond_the_text_have_no_words() {
        let words = words(TEXT, Segmentation::Spaces);
        for answer in [0..0, 2..3, 4..4, 900..1_000] {
            assert_eq!(word_range(&answer, &words), None, "{answer:?}");
        }
        assert_eq!(word_range(&(0..0), &[]), None);
    }

    #[test]
    fn every_range_of_words_is_recovered() {
        let words = words(TEXT, Segmentation::Spaces);
        for first in 0..words.len() {
            for last in first..words.len() {
                let answer = words[first].range.start..words[last].range.end;
                assert_eq!(word_range(&answer, &words), Some(first..last + 1));
            }
        }
    }
}
