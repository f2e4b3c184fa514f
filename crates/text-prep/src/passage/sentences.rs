//! Sentences: Unicode's borders (UAX #29), less those that every reader would call wrong.
//!
//! What it does not know: words and languages, but for a short list of abbreviations.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use crate::chars::is_white_space;

/// Abbreviations that a name or an example follows: their full stop ends no sentence.
const BEFORE_ANYTHING: [&str; 28] = [
    "Mr", "Mrs", "Ms", "Messrs", "Dr", "St", "Prof", "Gen", "Col", "Lt", "Maj", "Capt", "Cpt",
    "Sgt", "Adm", "Rev", "Hon", "Gov", "Sen", "Rep", "Pres", "Mt", "Ft", "vs", "cf", "viz", "e.g",
    "i.e",
];
/// Abbreviations that belong to a number, and end a sentence before all else.
const BEFORE_A_NUMBER: [&str; 29] = [
    "No", "Nos", "no", "nos", "c", "ca", "approx", "est", "p", "pp", "vol", "Vol", "ch", "Ch",
    "fig", "Fig", "art", "Art", "Jan", "Feb", "Mar", "Apr", "Jun", "Jul", "Aug", "Sept", "Oct",
    "Nov", "Dec",
];

/// The sentences of `text`, as ranges of bytes in order: disjoint, not empty, without white space
/// at their ends; together they hold all that is not white space.
///
/// Where UAX #29 sees a border there is none
/// - before a small letter: `"Stop!" he said.` is one sentence;
/// - behind an initial: J. Smith, J.-P. Sartre, the U.S. Army. The letter I alone is rather a
///   number or a pronoun, as in "World War I.", and ends its sentence;
/// - behind abbreviations such as Mr., Dr., e.g., and behind No., c., Dec. before a number. Those
///   that end sentences as often, such as etc. and Jr., are left to UAX #29: it sees a border
///   only where no small letter follows;
/// - behind an opening bracket;
/// - at a line's end: lines may be wrapped. A blank line, on the other hand, always is a border.
///
/// So "He left the U.S. She stayed." stays whole: two sentences in one do less harm than half of
/// one.
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for paragraph in paragraphs(text) {
        // A space takes as many bytes as a line's end: the offsets hold.
        let line = text[paragraph.clone()].replace(['\n', '\r'], " ");
        let mut begun = None;
        for (at, piece) in line.split_sentence_bound_indices() {
            let (start, end) = (*begun.get_or_insert(at), at + piece.len());
            if goes_on(&line[start..end], &line[end..]) {
                continue;
            }
            begun = None;
            let sentence = line[start..end].trim_end_matches(is_white_space);
            let bare = sentence.trim_start_matches(is_white_space);
            if !bare.is_empty() {
                let end = paragraph.start + start + sentence.len();
                found.push(end - bare.len()..end);
            }
        }
    }
    found
}

/// What stands between blank lines, blank lines left out.
fn paragraphs(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let (mut at, mut after_blank) = (0, true);
    for line in text.split_inclusive('\n') {
        let end = at + line.len();
        let blank = line.chars().all(is_white_space);
        match found.last_mut() {
            _ if blank => {}
            Some(paragraph) if !after_blank => paragraph.end = end,
            _ => found.push(at..end),
        }
        (at, after_blank) = (end, blank);
    }
    found
}

/// Whether the sentence goes on behind `before`, which ends where UAX #29 sees a border.
fn goes_on(before: &str, after: &str) -> bool {
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
    is_initial(word)
        || BEFORE_ANYTHING.contains(&word)
        || next.is_numeric() && BEFORE_A_NUMBER.contains(&word)
}

/// One capital, alone or behind others and their full stops or hyphens.
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
    use crate::samples;

    fn split(text: &str) -> Vec<&str> {
        sentences(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn sentences_end_where_a_reader_ends_them() {
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
    fn initials_and_titles_end_nothing() {
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
    fn speech_goes_on_before_a_small_letter() {
        assert_eq!(
            split("\"Stop!\" he said. “Why?” She ran."),
            ["\"Stop!\" he said.", "“Why?”", "She ran."]
        );
        assert_eq!(split("Yahoo! is a firm."), ["Yahoo! is a firm."]);
        assert_eq!(split("He said so.[12] It was."), ["He said so.[12] It was."]);
    }

    #[test]
    fn blank_lines_part_and_line_ends_do_not() {
        assert_eq!(
            split("A title\r\n \r\nOne line\r\nand another. End"),
            ["A title", "One line\r\nand another.", "End"]
        );
        assert_eq!(split("by Dr.\n\nJohn"), ["by Dr.", "John"]);
    }

    proptest! {
        #![proptest_config(samples::cases(2048))]

        #[test]
        fn sentences_hold_all_that_is_not_white_space(text in samples::text()) {
            let mut end = 0;
            for sentence in sentences(&text) {
                prop_assert!(end <= sentence.start && sentence.start < sentence.end);
                prop_assert!(text[end..sentence.start].chars().all(is_white_space));
                let inner = &text[sentence.clone()];
                prop_assert_eq!(inner.trim_matches(is_white_space), inner);
                end = sentence.end;
            }
            prop_assert!(text[end..].chars().all(is_white_space));
        }
    }
}
