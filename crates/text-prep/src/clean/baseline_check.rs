//! Finds in a text what the preset `keras-lowercase` treats in a way that is rarely meant.

use crate::byte_search;
use crate::chars::{is_apostrophe, is_punctuation, is_white_space, is_word_character};

/// Counts, in a text before cleaning, what the preset `keras-lowercase` treats in a way that is rarely meant, and the
/// preset `lowercase` does not. The text may come in chunks.
#[derive(Clone, Debug, Default)]
pub struct KerasBaselineCheck {
    typographic: u64,
    indented_lines: u64,
    /// The last character, without `pending`.
    last: Option<char>,
    /// Typographic punctuation whose next character is not known yet.
    pending: Option<char>,
    line: LineState,
}

/// The line at the end of the input so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum LineState {
    /// It has text.
    #[default]
    Text,
    /// It has text and ends with a space.
    Space,
    /// It is empty so far; the line before has text.
    New,
    /// It has only spaces so far, or the line before, which has text, ends with one.
    Indented,
}

impl KerasBaselineCheck {
    /// Processes the next chunk of the text.
    pub fn push(&mut self, chunk: &str) {
        self.count_indented_lines(chunk.as_bytes());
        self.count_typographic(chunk);
    }

    /// The number of typographic punctuation characters, such as “ — ’, that stay part of a word or of other punctuation.
    /// Apostrophes inside words do not count.
    pub fn typographic_punctuation(&self) -> u64 {
        let at_end = self.pending.is_some() && self.last.is_some_and(|last| !is_white_space(last));
        self.typographic + u64::from(at_end)
    }

    /// The number of line ends next to spaces, between two lines with text: each becomes a full stop.
    pub fn indented_lines(&self) -> u64 {
        self.indented_lines
    }

    fn count_indented_lines(&mut self, bytes: &[u8]) {
        let mut at = 0;
        while at < bytes.len() {
            if self.line == LineState::Text {
                let end = byte_search::find(bytes, at, |byte| byte == b'\n').unwrap_or(bytes.len());
                let ends_with_space = end > at && bytes[end - 1] == b' ';
                self.line = if ends_with_space { LineState::Space } else { LineState::Text };
                if end == bytes.len() {
                    return;
                }
                self.line = if ends_with_space { LineState::Indented } else { LineState::New };
                at = end + 1;
                continue;
            }
            self.line = match (self.line, bytes[at]) {
                (LineState::Space, b'\n') => LineState::Indented,
                (LineState::Space, b' ') => LineState::Space,
                (LineState::New | LineState::Indented, b' ') => LineState::Indented,
                // A blank line becomes a full stop by design.
                (LineState::New | LineState::Indented, b'\n') => LineState::Text,
                (LineState::Indented, _) => {
                    self.indented_lines += 1;
                    LineState::Text
                }
                _ => LineState::Text,
            };
            at += 1;
        }
    }

    fn count_typographic(&mut self, chunk: &str) {
        let mut at = 0;
        while at < chunk.len() {
            if self.pending.is_none() {
                let next = byte_search::find(chunk.as_bytes(), at, |byte| byte >= 0x80).unwrap_or(chunk.len());
                self.last = chunk[at..next].chars().next_back().or(self.last);
                at = next;
            }
            let Some(c) = chunk[at..].chars().next() else { return };
            at += c.len_utf8();
            self.count(c);
        }
    }

    /// Counts `pending` now that its next character is known.
    fn count(&mut self, next: char) {
        if let Some(c) = self.pending.take() {
            let inside = is_apostrophe(c) && self.last.is_some_and(is_word_character) && is_word_character(next);
            let touches = !is_white_space(next) || self.last.is_some_and(|last| !is_white_space(last));
            self.typographic += u64::from(touches && !inside);
            self.last = Some(c);
        }
        if !next.is_ascii() && is_punctuation(next) {
            self.pending = Some(next);
        } else {
            self.last = Some(next);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::test_strategies;

    fn check<'a>(chunks: impl IntoIterator<Item = &'a str>) -> [u64; 2] {
        let mut check = KerasBaselineCheck::default();
        chunks.into_iter().for_each(|chunk| check.push(chunk));
        [check.typographic_punctuation(), check.indented_lines()]
    }

    #[test]
    fn typographic_punctuation_in_words_is_counted() {
        for (text, count) in [
            ("“The gull’s lamp—the lamp,” she said. ", 3),
            ("a — b … don’t “ c ”", 0),
            ("‘Tis dogs’ «L’été»", 4),
            ("\"The gull's\" - 여우 é 灰猫", 0),
            ("……\n", 2),
        ] {
            assert_eq!(check([text]), [count, 0], "{text}");
        }
    }

    #[test]
    fn line_ends_next_to_spaces_are_counted() {
        for (text, count) in
            [("a\n  b\n c \nd\ne  \n  f", 4), ("a\n\n    b\n \n  c", 0), ("  a  b\nc", 0), ("a\n\tb\n \tc", 1)]
        {
            assert_eq!(check([text]), [0, count], "{text:?}");
        }
    }

    proptest! {
        #![proptest_config(test_strategies::cases(256))]

        #[test]
        fn counting_in_chunks_equals_counting_at_once((text, cuts) in test_strategies::text_and_cuts()) {
            prop_assert_eq!(check(test_strategies::cut(&text, &cuts)), check([text.as_str()]));
        }
    }
}
