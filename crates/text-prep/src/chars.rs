//! Character classes and lower-casing: one definition of white space, punctuation and word
//! characters for the whole crate.

use crate::byte_search::{HIGH, at_least, find_by_word};
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// White space as defined by Python's `str.isspace`: Unicode White_Space and the four ASCII
/// separators U+001C..U+001F.
pub fn is_white_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

/// Byte length of the white-space character at `at`, or 0. `at` must be a character boundary.
/// A table decides for nearly all bytes.
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

/// Offset and byte length of the first white-space character at or after `from`.
#[inline]
pub(crate) fn find_white_space(text: &str, from: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    // Most words are short ASCII: eight bytes contain the word and the space after it.
    let mut at = find_by_word(bytes, from, |word| (!at_least(word, b'!') | word) & HIGH)?;
    loop {
        match white_space_length(text, at) {
            0 => at += 1,
            length => return Some((at, length)),
        }
        at += bytes[at..].iter().position(|&b| WHITE_SPACE_HINT[usize::from(b)] != 0)?;
    }
}

/// Offset of the first white-space character at or after `from` that is followed by another one, is
/// the last character of `text`, or is not ASCII. It skips only single ASCII white space between other
/// characters.
#[inline]
pub(crate) fn find_white_space_run(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let hint = |at: usize| WHITE_SPACE_HINT[usize::from(bytes[at])];
    let mut at = from;
    loop {
        // Stops only at pairs and non-ASCII bytes, which saves a branch at the end of every word.
        // Control characters count as white space here and are checked exactly below.
        let mut before = u64::from(at > from && hint(at - 1) == 1) << 7;
        let found = find_by_word(bytes, at, |word| {
            let white = !(at_least(word, b'!') | word) & HIGH;
            let pairs = white & (white << 8 | before);
            before = white >> 56;
            pairs | word & HIGH
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
            // Skip a run of non-ASCII text.
            let rest = &bytes[at..];
            at +=
                rest.iter().position(|&b| b.is_ascii() || WHITE_SPACE_HINT[usize::from(b)] != 0).unwrap_or(rest.len());
        }
    }
}

/// By first byte of a character: 0 = never white space, 1 = ASCII white space, 2 = decode the character.
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
        _ => matches!(c.general_category_group(), GeneralCategoryGroup::Punctuation | GeneralCategoryGroup::Symbol),
    }
}

/// Symbols: general categories S*.
pub(crate) fn is_symbol(c: char) -> bool {
    c.general_category_group() == GeneralCategoryGroup::Symbol
}

/// A letter, a digit, or a combining mark. Symbols that Unicode calls alphabetic, such as Ⓐ, are
/// excluded.
pub(crate) fn is_word_character(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric();
    }
    (c.is_alphanumeric() || is_mark(c)) && !is_punctuation(c)
}

fn is_mark(c: char) -> bool {
    c.general_category_group() == GeneralCategoryGroup::Mark
}

/// Zero-width detokenizer: connects the symbols of a composed emoji.
pub(crate) const ZERO_WIDTH_JOINER: char = '\u{200d}';

/// A character that modifies the symbol before it and must stay with it: combining marks, variation
/// selectors, the zero-width detokenizer, skin tones.
pub(crate) fn is_extender(c: char) -> bool {
    !c.is_ascii() && (c == ZERO_WIDTH_JOINER || matches!(c, '\u{1f3fb}'..='\u{1f3ff}') || is_mark(c))
}

/// The straight and the typographic apostrophe.
pub(crate) fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’')
}

/// Hangul syllables and unified ideographs: most characters of East Asian text. A fast path, because
/// they are neither cased nor punctuation.
#[inline]
pub(crate) fn is_caseless_letter(c: char) -> bool {
    matches!(c, '\u{ac00}'..='\u{d7a3}' | '\u{4e00}'..='\u{9fff}')
}

/// Appends `text` to `out` in lower case, character by character.
///
/// Unlike `str::to_lowercase`, a Greek capital sigma at the end of a word becomes σ and not ς: the
/// result for a character never depends on its neighbours, so the text may be split into any chunks.
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
    // General Punctuation has no cased letters; a fast path for curly quotes and dashes.
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
    fn the_white_space_table_matches_the_definition_for_every_character() {
        for c in '\0'..=char::MAX {
            let text = String::from(c);
            let expected = if is_white_space(c) { c.len_utf8() } else { 0 };
            assert_eq!(white_space_length(&text, 0), expected, "{c:?}");
            assert_eq!(find_white_space(&text, 0), (expected > 0).then_some((0, expected)));
        }
    }

    #[test]
    fn the_fast_paths_match_the_general_category() {
        for c in '\0'..=char::MAX {
            let group = c.general_category_group();
            let expected = matches!(group, GeneralCategoryGroup::Punctuation | GeneralCategoryGroup::Symbol);
            assert_eq!(is_punctuation(c), expected, "{c:?}");
        }
    }

    #[test]
    fn every_character_is_lower_cased_independently() {
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
