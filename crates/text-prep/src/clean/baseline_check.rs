//! Finds what the preset `keras-lowercase` does not handle in a text.

use crate::byte_search;
use crate::chars::{is_apostrophe, is_punctuation, is_white_space, is_word_character};

/// Counts, in a text before cleaning, what the preset `keras-lowercase` treats in a way that few texts are meant: the
/// preset `lowercase` does not. The text may come in chunks.
#[derive(Clone, Debug, Default)]
pub struct KerasBaselineCheck {
    typographic: u64,
    /// The first words with typographic punctuation.
    example: String,
    indented_lines: u64,
    /// The last character.
    last: Option<char>,
    /// Whether it is typographic punctuation that nothing precedes, or an apostrophe after a letter: the next character
    /// decides.
    pending: Option<char>,
    line: LineStart,
}

/// The white space after a line end.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum LineStart {
    /// There is none.
    #[default]
    No,
    /// The line before has text; no space follows.
    New,
    /// The line before has text; spaces follow.
    Indented,
}

impl KerasBaselineCheck {
    /// Processes the next chunk of the text.
    pub fn push(&mut self, chunk: &str) {
        self.count_indented_lines(chunk);
        self.count_typographic(chunk);
    }

    /// The number of typographic punctuation characters, such as “ — ’, that stay part of a word or of other punctuation.
    /// Apostrophes inside words do not count.
    pub fn typographic_punctuation(&self) -> u64 {
        self.typographic
    }

    /// The number of indented lines after a line with text: each becomes a sentence, after a full stop.
    pub fn indented_lines(&self) -> u64 {
        self.indented_lines
    }

    fn count_indented_lines(&mut self, chunk: &str) {
        let bytes = chunk.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            if self.line == LineStart::No {
                let Some(end) = byte_search::find(bytes, at, |byte| byte == b'\n') else { return };
                self.line = LineStart::New;
                at = end + 1;
                continue;
            }
            match bytes[at] {
                b' ' => self.line = LineStart::Indented,
                // A blank line is a sentence end anyway, and what follows is one if it is indented or not.
                b'\n' => self.line = LineStart::No,
                _ => {
                    self.indented_lines += u64::from(self.line == LineStart::Indented);
                    self.line = LineStart::No;
                    continue;
                }
            }
            at += 1;
        }
    }

    fn count_typographic(&mut self, chunk: &str) {
        let mut at = 0;
        while at < chunk.len() {
            if self.pending.is_none() {
                let Some(next) = byte_search::find(chunk.as_bytes(), at, |byte| byte >= 0x80) else { break };
                if next > at {
                    self.last = chunk[..next].chars().next_back();
                }
                at = next;
            }
            let Some(c) = chunk[at..].chars().next() else { break };
            self.next(c);
            at += c.len_utf8();
        }
        if self.pending.is_none() {
            self.last = chunk.chars().next_back().or(self.last);
        }
    }

    fn next(&mut self, c: char) {
        let touches = !is_white_space(c);
        if let Some(pending) = self.pending.take() {
            let inside = is_apostrophe(pending) && self.last.is_some_and(is_word_character) && is_word_character(c);
            let attached = touches || self.last.is_some_and(|last| !is_white_space(last));
            self.typographic += u64::from(attached && !inside);
            self.last = Some(pending);
        }
        if !c.is_ascii() && is_punctuation(c) {
            self.pending = Some(c);
        } else {
            self.last = Some(c);
        }
    }
}
