//! Sentence segmentation: Unicode's boundaries (UAX #29), with heuristics against wrong ones. Depends on
//! the language only by a short list of English abbreviations.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use super::lines::{is_line_end, paragraphs};
use crate::chars::is_white_space;

/// Abbreviations before a name or an example: their full stop never ends a sentence.
const BEFORE_ANYTHING: [&str; 28] = [
    "Mr", "Mrs", "Ms", "Messrs", "Dr", "St", "Prof", "Gen", "Col", "Lt", "Maj", "Capt", "Cpt", "Sgt", "Adm", "Rev",
    "Hon", "Gov", "Sen", "Rep", "Pres", "Mt", "Ft", "vs", "cf", "viz", "e.g", "i.e",
];
/// Abbreviations whose full stop does not end a sentence before a number.
const BEFORE_A_NUMBER: [&str; 29] = [
    "No", "Nos", "no", "nos", "c", "ca", "approx", "est", "p", "pp", "vol", "Vol", "ch", "Ch", "fig", "Fig", "art",
    "Art", "Jan", "Feb", "Mar", "Apr", "Jun", "Jul", "Aug", "Sept", "Oct", "Nov", "Dec",
];

/// The sentences of `text` as byte ranges, in order: disjoint, not empty, without white space at their
/// ends; together they cover all text that is neither white space nor a byte order mark.
///
/// Boundaries of UAX #29 are ignored
/// - before a lower-case letter: `"Stop!" he said.` is one sentence;
/// - after an initial: J. Smith, J.-P. Sartre, the U.S. Army. A single letter I is usually a numeral or
///   a pronoun, as in "World War I.", and ends its sentence;
/// - after abbreviations such as Mr., Dr., e.g., and after No., c., Dec. before a number. Abbreviations
///   that often end sentences, such as etc. and Jr., follow UAX #29: a boundary unless a lower-case
///   letter follows;
/// - after an opening bracket;
/// - at the end of a line, because lines may be wrapped. A blank line is always a boundary; so are Unicode's
///   paragraph separator and a byte order mark, which is where files were joined.
///
/// LF, CR LF, CR, vertical tab, form feed, NEL and Unicode's line separator end a line.
///
/// So "He left the U.S. She stayed." is not split: two merged sentences are better than half a sentence.
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    paragraphs(text).into_iter().flat_map(|paragraph| sentences_in(text, paragraph)).collect()
}

/// The sentences of `block`, a byte range of `text` without blank lines and byte order marks.
pub(super) fn sentences_in(text: &str, block: Range<usize>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let line = without_line_ends(&text[block.clone()]);
    let mut sentence_start = None;
    for (at, segment) in line.split_sentence_bound_indices() {
        let (start, end) = (*sentence_start.get_or_insert(at), at + segment.len());
        if continues(&line[start..end], &line[end..]) {
            continue;
        }
        sentence_start = None;
        let sentence = block.start + start..block.start + end;
        found.extend(Some(trim(text, sentence)).filter(|sentence| !sentence.is_empty()));
    }
    found
}

/// `range` without white space at its ends.
pub(super) fn trim(text: &str, range: Range<usize>) -> Range<usize> {
    let trimmed = text[range.clone()].trim_end_matches(is_white_space);
    let end = range.start + trimmed.len();
    end - trimmed.trim_start_matches(is_white_space).len()..end
}

/// `text` with spaces instead of line ends, as many as these have bytes, so that offsets do not change.
fn without_line_ends(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if is_line_end(c) { line.extend(std::iter::repeat_n(' ', c.len_utf8())) } else { line.push(c) }
    }
    line
}

/// Whether the boundary of UAX #29 between `before` and `after` is ignored.
fn continues(before: &str, after: &str) -> bool {
    let before = before.trim_end_matches(is_white_space);
    let Some(next) = after.trim_start_matches(is_white_space).chars().next() else {
        return false;
    };
    if next.is_lowercase() || before.ends_with(['(', '[', '{']) {
        return true;
    }
    let Some(before) = before.strip_suffix('.') else { return false };
    let word = before.rsplit(is_white_space).next().unwrap_or_default();
    let word = word.trim_start_matches(|c: char| !c.is_alphanumeric());
    is_initial(word) || BEFORE_ANYTHING.contains(&word) || next.is_numeric() && BEFORE_A_NUMBER.contains(&word)
}

/// Whether `word` is a capital or ends with one after a full stop or a hyphen. "I" alone is excluded.
fn is_initial(word: &str) -> bool {
    let mut chars = word.chars();
    let capital = chars.next_back().is_some_and(char::is_uppercase);
    match chars.next_back() {
        None => capital && word != "I",
        Some(before) => capital && matches!(before, '.' | '-' | '‐' | '‑'),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::source::BYTE_ORDER_MARK;
    use crate::test_strategies;

    fn split(text: &str) -> Vec<&str> {
        sentences(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn sentences_end_at_full_stops_and_question_marks() {
        assert_eq!(
            split("  It rained. Was it cold? Yes!  No. He left…"),
            ["It rained.", "Was it cold?", "Yes!", "No.", "He left…"]
        );
        assert_eq!(split("여우가 왔다. 까마귀도 왔다!"), ["여우가 왔다.", "까마귀도 왔다!"]);
        assert_eq!(split("狐が来た。烏も来た。"), ["狐が来た。", "烏も来た。"]);
        assert_eq!(split("It cost 3.14 dollars, i.e. much."), ["It cost 3.14 dollars, i.e. much."]);
        assert!(split("").is_empty() && split(" \n\n \t").is_empty());
    }

    #[test]
    fn initials_and_titles_do_not_end_a_sentence() {
        for whole in [
            "J. Smith met Dr. John R. Watson, Mrs. Hudson and St. Paul.",
            "The U.S. Army fought.",
            "J.-P. Sartre read W. E. B. Du Bois (e.g. Dusk of Dawn).",
            "Opus No. 5 was begun c. 1801, on Dec. 3.",
        ] {
            assert_eq!(split(whole), [whole]);
        }
        assert_eq!(split("He said no. She left."), ["He said no.", "She left."]);
        assert_eq!(split("It was World War I. He fell."), ["It was World War I.", "He fell."]);
        assert_eq!(split("Cats, dogs, etc. All came."), ["Cats, dogs, etc.", "All came."]);
    }

    #[test]
    fn a_lower_case_letter_continues_the_sentence() {
        assert_eq!(split("\"Stop!\" he said. “Why?” She ran."), ["\"Stop!\" he said.", "“Why?”", "She ran."]);
        assert_eq!(split("Yahoo! is a firm."), ["Yahoo! is a firm."]);
        assert_eq!(split("He said so.[12] It was."), ["He said so.[12] It was."]);
    }

    #[test]
    fn blank_lines_are_boundaries_and_line_ends_are_not() {
        for end in ["\n", "\r\n", "\r", "\u{b}", "\u{c}", "\u{85}", "\u{2028}"] {
            let text = ["A title", " ", "One line", "and another. End", ""].join(end);
            assert_eq!(split(&text), ["A title", &format!("One line{end}and another."), "End"], "{end:?}");
        }
        assert_eq!(split("by Dr.\n\nJohn"), ["by Dr.", "John"]);
        assert_eq!(split("by Dr.\u{2029}John\n\u{c}Page"), ["by Dr.", "John", "Page"]);
    }

    #[test]
    fn byte_order_marks_are_in_no_sentence() {
        assert_eq!(split("\u{feff}One.\n\u{feff}Two\u{feff}three."), ["One.", "Two", "three."]);
        assert_eq!(sentences("\u{feff}One."), std::iter::once(3..7).collect::<Vec<_>>());
    }

    proptest! {
        #![proptest_config(test_strategies::cases(2048))]

        #[test]
        fn sentences_cover_all_text_that_is_not_white_space(text in test_strategies::text()) {
            let is_gap = |c: char| is_white_space(c) || c == BYTE_ORDER_MARK;
            let mut end = 0;
            for sentence in sentences(&text) {
                prop_assert!(end <= sentence.start && sentence.start < sentence.end);
                prop_assert!(text[end..sentence.start].chars().all(is_gap));
                let inner = &text[sentence.clone()];
                prop_assert_eq!(inner.trim_matches(is_white_space), inner);
                end = sentence.end;
            }
            prop_assert!(text[end..].chars().all(is_gap));
        }
    }
}
