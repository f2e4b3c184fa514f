//! Divides a text into pre-tokens, as GPT-2's regular expression does:
//! `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`.
//! A pre-token is a run of letters, of digits or of other characters with the space before it, the end of an English
//! contraction, or white space. Together the pre-tokens are the text.

use std::sync::LazyLock;

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// The classes of characters that the expression distinguishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// `\p{L}`.
    Letter,
    /// `\p{N}`.
    Number,
    /// `\s`.
    Space,
    /// Everything else.
    Other,
}

impl Class {
    fn of(c: char) -> Self {
        if c.is_whitespace() {
            return Self::Space;
        }
        match c.general_category_group() {
            GeneralCategoryGroup::Letter => Self::Letter,
            GeneralCategoryGroup::Number => Self::Number,
            _ => Self::Other,
        }
    }

    /// The class and the byte length of the character at `at`.
    #[inline]
    fn at(text: &str, at: usize) -> Option<(Self, usize)> {
        let byte = *text.as_bytes().get(at)?;
        if byte.is_ascii() {
            return Some((ASCII[usize::from(byte)], 1));
        }
        let c = text[at..].chars().next()?;
        let class = PLANE_0.get(c as usize).copied().unwrap_or_else(|| Self::of(c));
        Some((class, c.len_utf8()))
    }
}

/// By ASCII character.
static ASCII: [Class; 128] = {
    let mut classes = [Class::Other; 128];
    let mut byte = 0;
    while byte < 128 {
        classes[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' => Class::Letter,
            b'0'..=b'9' => Class::Number,
            b'\t'..=b'\r' | b' ' => Class::Space,
            _ => Class::Other,
        };
        byte += 1;
    }
    classes
};

/// By character of the Basic Multilingual Plane, because the tables of categories are searched.
static PLANE_0: LazyLock<Vec<Class>> =
    LazyLock::new(|| (0..=0xffff).map(|code| char::from_u32(code).map_or(Class::Other, Class::of)).collect());

/// Divides one text, in chunks.
#[derive(Default)]
pub(crate) struct SubwordStream {
    /// The pre-token whose end is not known yet.
    pending: String,
}

impl SubwordStream {
    /// Processes the next chunk and calls `f` with each complete pre-token.
    pub fn push(&mut self, chunk: &str, f: &mut impl FnMut(&str)) {
        if self.pending.is_empty() {
            let done = split(chunk, 0, false, f);
            self.pending.push_str(&chunk[done..]);
        } else {
            let scanned = self.pending.len();
            self.pending.push_str(chunk);
            let done = split(&self.pending, scanned, false, f);
            self.pending.drain(..done);
        }
    }

    /// Ends the text and calls `f` with the remaining pre-tokens.
    pub fn finish(self, f: &mut impl FnMut(&str)) {
        split(&self.pending, 0, true, f);
    }
}

/// Calls `f` with each pre-token of `text` whose end is certain, because of what follows or because it is the `last` part of
/// the text. Returns where the first other one begins. The first `scanned` bytes are known to be of one pre-token or of
/// one run of white space, so that a long one is not read again for every chunk.
#[inline]
fn split(text: &str, mut scanned: usize, last: bool, f: &mut impl FnMut(&str)) -> usize {
    let mut start = 0;
    while let Some((mut class, length)) = Class::at(text, start) {
        let mut at = start + length;
        if text.as_bytes()[start] == b'\'' {
            match contraction(&text.as_bytes()[start..], last) {
                Some(0) => {}
                Some(length) => {
                    f(&text[start..start + length]);
                    start += length;
                    scanned = 0;
                    continue;
                }
                None => return start,
            }
        }
        if class == Class::Space {
            let Some((next, next_length)) = Class::at(text, at) else {
                if last {
                    f(&text[start..]);
                    return text.len();
                }
                return start;
            };
            if next == Class::Space {
                let end = run_end(text, at.max(scanned), Class::Space);
                if end == text.len() && !last {
                    return start;
                }
                // The last white space belongs to what follows, unless nothing does.
                let last_space = text[..end].char_indices().next_back().map_or(start, |(at, _)| at);
                let end = if end == text.len() { end } else { last_space };
                f(&text[start..end]);
                start = end;
                scanned = 0;
                continue;
            }
            if text.as_bytes()[start] != b' ' {
                f(&text[start..at]);
                start = at;
                scanned = 0;
                continue;
            }
            (class, at) = (next, at + next_length);
        }
        let end = run_end(text, at.max(scanned), class);
        if end == text.len() && !last {
            return start;
        }
        f(&text[start..end]);
        start = end;
        scanned = 0;
    }
    start
}

/// The end of the run of characters of `class` that continues at `at`.
#[inline]
fn run_end(text: &str, mut at: usize, class: Class) -> usize {
    while let Some((found, length)) = Class::at(text, at)
        && found == class
    {
        at += length;
    }
    at
}

/// The length of the contraction that `text`, which begins with an apostrophe, begins with; 0 if there is none, `None` if
/// that depends on what follows.
fn contraction(text: &[u8], last: bool) -> Option<usize> {
    match text {
        [_, b's' | b't' | b'm' | b'd', ..] => Some(2),
        [_, b'r' | b'v', b'e', ..] | [_, b'l', b'l', ..] => Some(3),
        [_] | [_, b'r' | b'v' | b'l'] if !last => None,
        _ => Some(0),
    }
}

#[cfg(all(test, feature = "reference"))]
pub(super) mod tests {
    use proptest::prelude::*;
    use tokenizers::pre_tokenizers::byte_level::ByteLevel;
    use tokenizers::{OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer as _};

    use super::*;
    use crate::test_strategies;

    fn pieces(chunks: &[&str]) -> Vec<String> {
        let mut pieces = Vec::new();
        let mut stream = SubwordStream::default();
        let mut collect = |piece: &str| pieces.push(piece.to_owned());
        for chunk in chunks {
            stream.push(chunk, &mut collect);
        }
        stream.finish(&mut collect);
        pieces
    }

    /// What the crate `tokenizers` finds with the regular expression.
    fn expected(text: &str) -> Vec<String> {
        let mut pre_tokenized = PreTokenizedString::from(text);
        ByteLevel::new(false, true, true).pre_tokenize(&mut pre_tokenized).unwrap();
        let splits = pre_tokenized.get_splits(OffsetReferential::Original, OffsetType::Byte);
        splits.into_iter().map(|(_, (start, end), _)| text[start..end].to_owned()).collect()
    }

    #[test]
    fn words_keep_the_space_before_them() {
        assert_eq!(
            pieces(&["The fox's  den, won't\n\n it?"]),
            ["The", " fox", "'s", " ", " den", ",", " won", "'t", "\n\n", " it", "?"]
        );
        assert_eq!(pieces(&["a\n  b \n"]), ["a", "\n ", " b", " \n"]);
        assert_eq!(pieces(&["'r", "e'l", "", "l 'v", "e'r"]), ["'re", "'ll", " '", "ve", "'", "r"]);
    }

    #[test]
    fn all_short_texts_are_divided_as_by_the_regular_expression() {
        const PARTS: [&str; 14] =
            [" ", " ", "\n", "\u{3000}", "'", "s", "r", "e", "l", "é", "7", "!", "\u{301}", "\u{fdd0}"];
        let mut texts = vec![String::new()];
        for _ in 0..4 {
            texts = texts.iter().flat_map(|text| PARTS.map(|part| format!("{text}{part}"))).collect();
            for text in &texts {
                assert_eq!(pieces(&[text]), expected(text), "{text:?}");
            }
        }
    }

    /// Whether `chars` are divided as by the regular expression; their neighbours tell the classes apart.
    pub(in super::super) fn agree(chars: &[char]) -> bool {
        let text: String = chars.iter().map(|c| format!("a{c}1{c}!{c}")).collect();
        pieces(&[&text]) == expected(&text)
    }

    #[test]
    fn every_character_has_the_class_of_the_regular_expression() {
        let chars: Vec<char> = ('\0'..='\u{2ffff}').chain('\u{e0000}'..='\u{e01ff}').collect();
        let different = chars.chunks(512).filter(|block| !agree(block)).flatten();
        let others: Vec<char> = different.copied().filter(|&c| !agree(&[c])).collect();
        // Its tables are of an older version of Unicode, in which these letters and digits have no category yet.
        let is_new = |c: &&char| matches!(Class::of(**c), Class::Letter | Class::Number) && **c > '\u{557}';
        let unexpected: Vec<&char> = others.iter().filter(|c| !is_new(c)).take(10).collect();
        assert!(unexpected.is_empty(), "{unexpected:?}");
    }

    #[test]
    fn a_long_run_is_read_once() {
        for (unit, count) in [("a", 1), ("é", 1), (" ", 2), ("'", 1)] {
            let text = format!("x{}y", unit.repeat(300_000));
            let chunks: Vec<&str> = text.split_inclusive(unit).collect();
            let found = pieces(&chunks);
            assert!(found.len() <= count + 2);
            assert_eq!(found.concat(), text);
        }
    }

    proptest! {
        #![proptest_config(test_strategies::cases(1024))]

        #[test]
        fn chunks_of_any_size_give_the_pieces_of_the_regular_expression((text, cuts) in test_strategies::text_and_cuts()) {
            let text: String = text.chars().filter(|&c| agree(&[c])).collect();
            let found = pieces(&test_strategies::cut(&text, &cuts));
            prop_assert_eq!(found.concat(), text.clone());
            prop_assert_eq!(found, expected(&text));
        }
    }
}
