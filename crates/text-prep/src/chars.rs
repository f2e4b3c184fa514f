//! What counts as white space, punctuation, a word's letter, and lower case: one answer for all.
//!
//! What it does not know: rules, tokens, vocabularies.

use crate::scan::{HIGH, at_least, find_in_eights};
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// White space as Python's `str.isspace` has it: Unicode's White_Space and the four ASCII
/// separators U+001C..U+001F.
pub fn is_white_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// Byte length of the white-space character that begins at `at`, or 0.
/// `at` must be a character's border; a table answers for nearly all bytes.
#[inline]
pub(crate) fn white_space_length(text: &str, at: usize) -> usize {
    match WHITE_SPACE_HINT[usize::from(text.as_bytes()[at])] {
        0 => 0,
        1 => 1,
        _ => match text[at..].chars().next() {
            Some(c) if is_white_space(c) => c.len_utf8(),
            _ => 0,
        },
    }
}

/// The first white-space character at or after `from`: its offset and its length.
#[inline]
pub(crate) fn find_white_space(text: &str, from: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    // Most words are short and of ASCII: eight bytes hold the space behind them.
    let mut at = find_in_eights(bytes, from, |eight| (!at_least(eight, b'!') | eight) & HIGH)?;
    loop {
        match white_space_length(text, at) {
            0 => at += 1,
            length => return Some((at, length)),
        }
        at += bytes[at..].iter().position(|&b| WHITE_SPACE_HINT[usize::from(b)] != 0)?;
    }
}

/// The first white-space character at or after `from` that another one follows, that ends `text`, or
/// that is none of ASCII. All that is passed over is single white space between other characters.
#[inline]
pub(crate) fn find_white_space_run(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let hint = |at: usize| WHITE_SPACE_HINT[usize::from(bytes[at])];
    let mut at = from;
    loop {
        // No branch at the end of every word: only pairs stop here, and what is not ASCII. Control
        // characters pass for white space until a closer look.
        let mut before = u64::from(at > from && hint(at - 1) == 1) << 7;
        let found = find_in_eights(bytes, at, |eight| {
            let white = !(at_least(eight, b'!') | eight) & HIGH;
            let pairs = white & (white << 8 | before);
            before = white >> 56;
            pairs | eight & HIGH
        });
        let Some(stop) = found else {
            let last = bytes.len().checked_sub(1).filter(|&last| last >= from && hint(last) == 1);
            return last;
        };
        let after_space = stop > from && hint(stop - 1) == 1;
        let length = white_space_length(text, stop);
        if length > 0 && (after_space || !bytes[stop].is_ascii()) {
            return Some(stop - usize::from(after_space));
        }
        at = stop + 1;
        if length == 0 && !bytes[stop].is_ascii() {
            // A stretch of another script.
            let rest = &bytes[at..];
            at += rest
                .iter()
                .position(|&b| b.is_ascii() || WHITE_SPACE_HINT[usize::from(b)] != 0)
                .unwrap_or(rest.len());
        }
    }
}

/// 0: no white space begins with this byte; 1: it is white space itself; 2: look closer.
static WHITE_SPACE_HINT: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 128 {
        if matches!(byte, 9..=13 | 28..=32) {
            table[byte] = 1;
        }
        byte += 1;
    }
    // Lead bytes of U+0085 and U+00A0, U+1680, U+2000..U+205F, U+3000.
    table[0xC2] = 2;
    table[0xE1] = 2;
    table[0xE2] = 2;
    table[0xE3] = 2;
    table
};

/// Punctuation and symbols: general categories P* and S*.
#[inline]
pub(crate) fn is_punctuation(c: char) -> bool {
    match c {
        '\0'..='\x7f' => c.is_ascii_punctuation(),
        _ if is_caseless_letter(c) => false,
        '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}' => true,
        _ => matches!(
            c.general_category_group(),
            GeneralCategoryGroup::Punctuation | GeneralCategoryGroup::Symbol
        ),
    }
}

/// Symbols alone: general categories S*.
pub(crate) fn is_symbol(c: char) -> bool {
    c.general_category_group() == GeneralCategoryGroup::Symbol
}

/// A character that belongs to a word: a letter, a digit, or a mark upon one. Symbols that
/// Unicode calls alphabetic, such as Ⓐ, do not.
pub(crate) fn is_word_character(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric();
    }
    (c.is_alphanumeric() || is_mark(c)) && !is_punctuation(c)
}

fn is_mark(c: char) -> bool {
    c.general_category_group() == GeneralCategoryGroup::Mark
}

/// Zero-width joiner: glues the symbols of an emoji together.
pub(crate) const JOINER: char = '\u{200d}';

/// A character that changes the symbol before it and must not be torn off: marks and variation
/// selectors, the joiner, skin tones.
pub(crate) fn is_extender(c: char) -> bool {
    !c.is_ascii() && (c == JOINER || matches!(c, '\u{1f3fb}'..='\u{1f3ff}') || is_mark(c))
}

/// The two apostrophes.
pub(crate) fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’')
}

/// Hangul syllables and unified ideographs: most of what East Asian text holds, known at once to
/// be neither cased nor punctuation.
#[inline]
pub(crate) fn is_caseless_letter(c: char) -> bool {
    matches!(c, '\u{ac00}'..='\u{d7a3}' | '\u{4e00}'..='\u{9fff}')
}

/// Appends `text` to `out` in lower case, character by character.
///
/// Unlike `str::to_lowercase`, a Greek capital sigma at a word's end becomes σ and not ς: a
/// character's image never depends on its neighbours, so text may come in any pieces.
pub(crate) fn push_lower(text: &str, out: &mut String) {
    let start = out.len();
    out.reserve(text.len());
    if text.is_ascii() {
        out.push_str(text);
        out[start..].make_ascii_lowercase();
        return;
    }
    let mut copied = 0;
    for (at, c) in text.char_indices() {
        if c.is_ascii() || is_caseless_letter(c) || !changes_in_lower_case(c) {
            continue;
        }
        out.push_str(&text[copied..at]);
        out.extend(c.to_lowercase());
        copied = at + c.len_utf8();
    }
    out.push_str(&text[copied..]);
    out[start..].make_ascii_lowercase();
}

fn changes_in_lower_case(c: char) -> bool {
    // No cased letter lives in general punctuation; curly quotes and dashes are common.
    if matches!(c, '\u{2000}'..='\u{206f}') {
        return false;
    }
    let mut lower = c.to_lowercase();
    lower.next() != Some(c) || lower.next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_agrees_with_the_definition_for_every_character() {
        for c in '\0'..=char::MAX {
            let text = String::from(c);
            let expected = if is_white_space(c) { c.len_utf8() } else { 0 };
            assert_eq!(white_space_length(&text, 0), expected, "{c:?}");
            assert_eq!(find_white_space(&text, 0), (expected > 0).then_some((0, expected)));
        }
    }

    #[test]
    fn the_short_cuts_agree_with_the_general_category() {
        for c in '\0'..=char::MAX {
            let group = c.general_category_group();
            let expected =
                matches!(group, GeneralCategoryGroup::Punctuation | GeneralCategoryGroup::Symbol);
            assert_eq!(is_punctuation(c), expected, "{c:?}");
        }
    }

    #[test]
    fn lower_case_of_every_character_is_its_own() {
        for c in '\0'..=char::MAX {
            let (text, mut out) = (String::from(c), String::new());
            push_lower(&text, &mut out);
            assert_eq!(out, c.to_lowercase().collect::<String>(), "{c:?}");
        }
        let mut out = String::from("A");
        push_lower("ΣΑΣ İÉX 한글 “Q”", &mut out);
        assert_eq!(out, "Aσασ i\u{307}éx 한글 “q”");
    }
}
