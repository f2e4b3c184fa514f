//! Word segmentation: Unicode's boundaries (UAX #29) and some more, so that a span can be part of a
//! compound.

use std::ops::Range;

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
use unicode_segmentation::UnicodeSegmentation;

use super::key;
use crate::chars::{is_apostrophe, is_extender, is_white_space};
use crate::segmentation::{Dictionary, Segmentation, has_unspaced, is_unspaced};

/// One word of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Its byte range in the text; never empty, always whole characters.
    pub range: Range<usize>,
    /// Its normalized form, see [`key`].
    pub key: String,
}

/// The words of `text` in order: disjoint, without white space; together they cover all text that is
/// not white space.
///
/// In addition to the boundaries of UAX #29 there is one
/// - before an apostrophe after a letter or a numeral: Newton|'s, don|'t, 90|'s;
/// - between letters and numerals: 1990|s, $|5|bn (but 3.14 and 1,000 are one word);
/// - around a full stop between letters, except in initials: end|.|Next, but U.S;
/// - around every underscore.
///
/// So every punctuation character is a word, except inside numbers and initials and at the start of a
/// contraction.
///
/// In scripts that are written without spaces, UAX #29 has a boundary after nearly every letter; with
/// [`Segmentation::Dictionary`] the words are those of a dictionary.
pub fn words(text: &str, segmentation: Segmentation) -> Vec<Word> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for (at, segment) in text.split_word_bound_indices() {
        split_segment(segment, |part| {
            let part = at + part.start..at + part.end;
            match found.as_slice() {
                [.., before, apostrophe] if is_contraction(text, before, apostrophe, &part) => {
                    let start = apostrophe.start;
                    found.pop();
                    found.push(start..part.end);
                }
                _ => found.push(part),
            }
        });
    }
    if segmentation == Segmentation::Dictionary && has_unspaced(text) {
        found = divide_by_dictionary(text, &found);
    }
    let word = |range: Range<usize>| Word { key: key(&text[range.clone()]), range };
    found.into_iter().map(word).collect()
}

/// `words` with those of scripts without spaces joined where nothing is between them, and divided by the dictionary.
fn divide_by_dictionary(text: &str, words: &[Range<usize>]) -> Vec<Range<usize>> {
    let dictionary = Dictionary::new();
    let is_unspaced = |word: &Range<usize>| text[word.clone()].starts_with(is_unspaced);
    let mut found = Vec::new();
    for run in words.chunk_by(|word, next| word.end == next.start && is_unspaced(word) && is_unspaced(next)) {
        let range = run[0].start..run[run.len() - 1].end;
        if !is_unspaced(&range) {
            found.push(range);
            continue;
        }
        let mut start = range.start;
        dictionary.for_each_word(&text[range], |word| {
            found.push(start..start + word.len());
            start += word.len();
        });
    }
    found
}

/// Whether an apostrophe between two parts starts the second one: UAX #29 does not split letters at an
/// apostrophe, but it splits a numeral and a letter.
fn is_contraction(text: &str, before: &Range<usize>, apostrophe: &Range<usize>, part: &Range<usize>) -> bool {
    let mut chars = text[apostrophe.clone()].chars();
    before.end == apostrophe.start
        && apostrophe.end == part.start
        && chars.next().is_some_and(is_apostrophe)
        && chars.next().is_none()
        && text[before.clone()].ends_with(char::is_alphanumeric)
        && text[part.clone()].starts_with(char::is_alphabetic)
}

/// The kind of the last character in a segment.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Other,
    Letter,
    Numeral,
    /// A character that is always a word of its own.
    Single,
}

/// Splits a segment of UAX #29 further and calls `f` with the parts.
fn split_segment(segment: &str, mut f: impl FnMut(Range<usize>)) {
    let split_at_stops = !is_initials(segment);
    let (mut start, mut last) = (0, Kind::Other);
    for (at, c) in segment.char_indices() {
        // In a segment, combining marks may follow a space, and numbers may contain spaces.
        if is_white_space(c) {
            if start < at {
                f(start..at);
            }
            (start, last) = (at + c.len_utf8(), Kind::Other);
            continue;
        }
        if is_extender(c) {
            continue;
        }
        let (boundary, kind) = match c {
            _ if is_apostrophe(c) => (last == Kind::Letter, last),
            '.' if last == Kind::Letter => (split_at_stops, if split_at_stops { Kind::Single } else { last }),
            _ if is_underscore(c) => (true, Kind::Single),
            _ if c.is_numeric() => (matches!(last, Kind::Letter | Kind::Single), Kind::Numeral),
            _ if c.is_alphabetic() => (matches!(last, Kind::Numeral | Kind::Single), Kind::Letter),
            _ => (last == Kind::Single, if last == Kind::Single { Kind::Other } else { last }),
        };
        if boundary && start < at {
            f(start..at);
            start = at;
        }
        last = kind;
    }
    if start < segment.len() {
        f(start..segment.len());
    }
}

/// Whether `segment`, up to an apostrophe, consists of single letters with full stops between them.
fn is_initials(segment: &str) -> bool {
    let single = |part: &str| part.chars().filter(|&c| !is_extender(c)).count() == 1;
    segment.split(is_apostrophe).next().unwrap_or_default().split('.').all(single)
}

/// The underscore and other connector punctuation, which UAX #29 does not split.
fn is_underscore(c: char) -> bool {
    c == '_' || !c.is_ascii() && c.general_category() == GeneralCategory::ConnectorPunctuation
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::test_strategies;

    fn split(text: &str) -> Vec<&str> {
        words(text, Segmentation::Spaces).into_iter().map(|word| &text[word.range]).collect()
    }

    fn check(text: &str, expected: &str) {
        assert_eq!(split(text).join(" "), expected, "{text}");
    }

    #[test]
    fn possessives_and_contractions_are_split_before_the_apostrophe() {
        check("Newton's don't dogs' ’tis", "Newton 's don 't dogs ' ’ tis");
        check("O’Neil rock'n'roll", "O ’Neil rock 'n 'roll");
        check("the 90's, F-16's 'a'", "the 90 's , F - 16 's ' a '");
    }

    #[test]
    fn numbers_stay_whole_and_are_split_from_letters() {
        check("3.14 1,000 1'000 1,000.5", "3.14 1,000 1'000 1,000.5");
        check("1990s 5km $5bn US$10.7m 34%", "1990 s 5 km $ 5 bn US $ 10.7 m 34 %");
        check("B2B v1.2 21st 1\u{202f}000", "B 2 B v 1.2 21 st 1 000");
    }

    #[test]
    fn every_punctuation_character_is_a_word() {
        check("well-known... (so--it is)!", "well - known . . . ( so - - it is ) !");
        check("“Why?” 7–8 a/b snake_case __", "“ Why ? ” 7 – 8 a / b snake _ case _ _");
        check("the U.S. U.S's e.g. end.Next x.com", "the U.S . U.S 's e.g . end . Next x . com");
    }

    #[test]
    fn other_scripts_and_symbols_are_split_as_by_unicode() {
        check("여우가 왔다.", "여우가 왔다 .");
        check("漢字テスト", "漢 字 テスト");
        check("👩\u{200d}🔬🇰🇷🇰🇷", "👩\u{200d}🔬 🇰🇷 🇰🇷");
        check("e\u{301}1\u{301}a", "e\u{301} 1\u{301} a");
        assert!(split(" \n\u{3000}").is_empty());
    }

    #[test]
    fn words_of_scripts_without_spaces_are_found_in_a_dictionary() {
        let split = |text: &'static str| -> Vec<&str> {
            words(text, Segmentation::Dictionary).into_iter().map(|word| &text[word.range]).collect()
        };
        assert_eq!(
            split("猫's 吾輩は猫である。 テスト"),
            ["猫", "'s", "吾輩", "は", "猫", "で", "ある", "。", "テスト"]
        );
        assert_eq!(split("2024年、แม่ขาย ขนมปัง"), ["2024", "年", "、", "แม่", "ขาย", "ขนมปัง"]);
        let other = "Newton's 1990s snake_case 여우가 e\u{301}";
        assert_eq!(split(other), super::tests::split(other));
    }

    #[test]
    fn words_have_keys() {
        let keys: Vec<_> = words("The “Fox”’s ﬁn", Segmentation::Spaces).into_iter().map(|word| word.key).collect();
        assert_eq!(keys, ["the", "\"", "fox", "\"", "'", "s", "fin"]);
    }

    proptest! {
        #![proptest_config(test_strategies::cases(2048))]

        #[test]
        fn words_cover_all_text_that_is_not_white_space(
            text in prop_oneof![test_strategies::text(), test_strategies::unspaced_text()]
        ) {
            for segmentation in [Segmentation::Spaces, Segmentation::Dictionary] {
                let mut end = 0;
                for word in words(&text, segmentation) {
                    prop_assert!(end <= word.range.start && word.range.start < word.range.end);
                    prop_assert!(text[end..word.range.start].chars().all(is_white_space));
                    prop_assert!(!text[word.range.clone()].contains(is_white_space));
                    prop_assert!(!word.key.is_empty() && !word.key.contains(is_white_space));
                    prop_assert_eq!(key(&word.key), word.key);
                    end = word.range.end;
                }
                prop_assert!(text[end..].chars().all(is_white_space));
            }
        }
    }
}
