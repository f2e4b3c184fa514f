//! Words with the bytes where they stand: Unicode's borders (UAX #29), and some more, so that an
//! answer within a compound can be pointed at.
//!
//! What it does not know: sentences, vocabularies, answers.

use std::ops::Range;

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
use unicode_segmentation::UnicodeSegmentation;

use super::key;
use crate::chars::{is_apostrophe, is_extender, is_white_space};

/// One word of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The bytes of the text that it takes; never empty, always whole characters.
    pub range: Range<usize>,
    /// The form under which it is counted, see [`key`].
    pub key: String,
}

/// The words of `text` in order: disjoint, without white space; together they hold all that is not
/// white space.
///
/// Besides the borders of UAX #29 there is one
/// - before an apostrophe behind a letter or a numeral: Newton|'s, don|'t, 90|'s;
/// - between letters and numerals: 1990|s, $|5|bn, while 3.14 and 1,000 stay whole;
/// - around a full stop between letters, unless it belongs to initials: end|.|Next, but U.S;
/// - around every low line.
///
/// So every mark of punctuation is a word, except within numbers and initials and at the head of
/// what is cut off by an apostrophe.
pub fn words(text: &str) -> Vec<Word> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for (at, segment) in text.split_word_bound_indices() {
        cut(segment, |piece| {
            let piece = at + piece.start..at + piece.end;
            match found.as_slice() {
                [.., before, mark] if is_cut_off(text, before, mark, &piece) => {
                    let start = mark.start;
                    found.pop();
                    found.push(start..piece.end);
                }
                _ => found.push(piece),
            }
        });
    }
    let word = |range: Range<usize>| Word { key: key(&text[range.clone()]), range };
    found.into_iter().map(word).collect()
}

/// Whether an apostrophe between two pieces begins the second one: UAX #29 keeps letters together
/// around an apostrophe, but not a numeral and a letter.
fn is_cut_off(
    text: &str,
    before: &Range<usize>,
    mark: &Range<usize>,
    piece: &Range<usize>,
) -> bool {
    let mut apostrophe = text[mark.clone()].chars();
    before.end == mark.start
        && mark.end == piece.start
        && apostrophe.next().is_some_and(is_apostrophe)
        && apostrophe.next().is_none()
        && text[before.clone()].ends_with(char::is_alphanumeric)
        && text[piece.clone()].starts_with(char::is_alphabetic)
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Nothing,
    Letter,
    Numeral,
    Alone,
}

/// Calls `f` with the pieces of what UAX #29 leaves whole.
fn cut(segment: &str, mut f: impl FnMut(Range<usize>)) {
    let stops_part = !is_initials(segment);
    let (mut start, mut last) = (0, Kind::Nothing);
    for (at, c) in segment.char_indices() {
        // Marks may follow a space within a segment, and some spaces stand within numbers.
        if is_white_space(c) {
            if start < at {
                f(start..at);
            }
            (start, last) = (at + c.len_utf8(), Kind::Nothing);
            continue;
        }
        if is_extender(c) {
            continue;
        }
        let (parts, kind) = match c {
            _ if is_apostrophe(c) => (last == Kind::Letter, last),
            '.' if last == Kind::Letter => {
                (stops_part, if stops_part { Kind::Alone } else { last })
            }
            _ if is_low_line(c) => (true, Kind::Alone),
            _ if c.is_numeric() => (matches!(last, Kind::Letter | Kind::Alone), Kind::Numeral),
            _ if c.is_alphabetic() => (matches!(last, Kind::Numeral | Kind::Alone), Kind::Letter),
            _ => (last == Kind::Alone, if last == Kind::Alone { Kind::Nothing } else { last }),
        };
        if parts && start < at {
            f(start..at);
            start = at;
        }
        last = kind;
    }
    if start < segment.len() {
        f(start..segment.len());
    }
}

/// Single letters with full stops between them, whatever an apostrophe cuts off.
fn is_initials(segment: &str) -> bool {
    let single = |part: &str| part.chars().filter(|&c| !is_extender(c)).count() == 1;
    segment.split(is_apostrophe).next().unwrap_or_default().split('.').all(single)
}

/// The low line and its kin, which join words in UAX #29.
fn is_low_line(c: char) -> bool {
    c == '_' || !c.is_ascii() && c.general_category() == GeneralCategory::ConnectorPunctuation
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::samples;

    fn split(text: &str) -> Vec<&str> {
        words(text).into_iter().map(|word| &text[word.range]).collect()
    }

    fn check(text: &str, expected: &str) {
        assert_eq!(split(text).join(" "), expected, "{text}");
    }

    #[test]
    fn possessives_and_contractions_are_cut_before_the_apostrophe() {
        check("Newton's don't dogs' ’tis", "Newton 's don 't dogs ' ’ tis");
        check("O’Neil rock'n'roll", "O ’Neil rock 'n 'roll");
        check("the 90's, F-16's 'a'", "the 90 's , F - 16 's ' a '");
    }

    #[test]
    fn numbers_stay_whole_and_leave_their_letters() {
        check("3.14 1,000 1'000 1,000.5", "3.14 1,000 1'000 1,000.5");
        check("1990s 5km $5bn US$10.7m 34%", "1990 s 5 km $ 5 bn US $ 10.7 m 34 %");
        check("B2B v1.2 21st 1\u{202f}000", "B 2 B v 1.2 21 st 1 000");
    }

    #[test]
    fn every_mark_of_punctuation_is_a_word() {
        check("well-known... (so--it is)!", "well - known . . . ( so - - it is ) !");
        check("“Why?” 7–8 a/b snake_case __", "“ Why ? ” 7 – 8 a / b snake _ case _ _");
        check("the U.S. U.S's e.g. end.Next x.com", "the U.S . U.S 's e.g . end . Next x . com");
    }

    #[test]
    fn other_scripts_and_symbols_are_cut_as_unicode_has_it() {
        check("여우가 왔다.", "여우가 왔다 .");
        check("漢字テスト", "漢 字 テスト");
        check("👩\u{200d}🔬🇰🇷🇰🇷", "👩\u{200d}🔬 🇰🇷 🇰🇷");
        check("e\u{301}1\u{301}a", "e\u{301} 1\u{301} a");
        assert!(split(" \n\u{3000}").is_empty());
    }

    #[test]
    fn a_word_carries_its_key() {
        let keys: Vec<_> = words("The “Fox”’s ﬁn").into_iter().map(|word| word.key).collect();
        assert_eq!(keys, ["the", "\"", "fox", "\"", "'", "s", "fin"]);
    }

    proptest! {
        #![proptest_config(samples::cases(2048))]

        #[test]
        fn words_hold_all_that_is_not_white_space(text in samples::text()) {
            let mut end = 0;
            for word in words(&text) {
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
