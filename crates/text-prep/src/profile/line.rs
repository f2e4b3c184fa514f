//! One line of a text, of which only what the profile needs is kept.

use super::{EMPTY_HASH, hash_step};
use crate::chars::is_white_space;

/// How many bytes of the beginning of a line are kept.
const HEAD_LEN: u64 = 64;

/// A line so far. White space at its end does not count, except for [`is_empty`](Self::is_empty).
pub(super) struct Line {
    /// All characters, white space at the end included.
    characters: u64,
    /// Bytes, white space at the end included.
    bytes: u64,
    /// Bytes up to the last character that is no white space.
    pub len: u64,
    hash_of_all: u64,
    /// The hash of the line.
    pub hash: u64,
    /// The first bytes, with white space.
    head: String,
    /// The first and the last character that is no white space; `None` in a blank line.
    pub ends: Option<(char, char)>,
    pub is_indented: bool,
    /// Whether it ends as a sentence does, perhaps with closing quotes and brackets.
    pub ends_sentence: bool,
    /// Whether there is a sentence after the end of another one.
    pub has_several_sentences: bool,
    /// Whether white space came after the end of a sentence.
    has_space_after_sentence: bool,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            characters: 0,
            bytes: 0,
            len: 0,
            hash_of_all: EMPTY_HASH,
            hash: EMPTY_HASH,
            head: String::new(),
            ends: None,
            is_indented: false,
            ends_sentence: false,
            has_several_sentences: false,
            has_space_after_sentence: false,
        }
    }
}

impl Line {
    /// Adds a character, which is no line end.
    pub fn push(&mut self, c: char) {
        let is_white = is_white_space(c);
        self.is_indented |= self.characters == 0 && is_white;
        self.characters += 1;
        self.bytes += c.len_utf8() as u64;
        self.hash_of_all = hash_step(self.hash_of_all, c);
        if self.bytes <= HEAD_LEN {
            self.head.push(c);
        }
        if is_white {
            self.has_space_after_sentence = self.ends_sentence;
            return;
        }
        (self.len, self.hash) = (self.bytes, self.hash_of_all);
        self.ends = Some((self.ends.map_or(c, |(first, _)| first), c));
        if is_sentence_end(c) {
            (self.ends_sentence, self.has_space_after_sentence) = (true, is_wide_sentence_end(c));
        } else if self.ends_sentence && !is_closing(c) {
            self.has_several_sentences |= self.has_space_after_sentence;
            (self.ends_sentence, self.has_space_after_sentence) = (false, false);
        }
    }

    /// Begins the next line.
    pub fn clear(&mut self) {
        let mut head = std::mem::take(&mut self.head);
        head.clear();
        *self = Self { head, ..Self::default() };
    }

    /// Whether it has no character at all.
    pub fn is_empty(&self) -> bool {
        self.characters == 0
    }

    pub fn is_blank(&self) -> bool {
        self.ends.is_none()
    }

    /// The first 64 bytes at most, without white space at the end.
    pub fn head(&self) -> &str {
        self.head.trim_end()
    }

    /// The whole line, if it is short enough to be kept.
    pub fn text(&self) -> Option<&str> {
        (self.head().len() as u64 == self.len).then(|| self.head())
    }
}

fn is_sentence_end(c: char) -> bool {
    // Also the danda of Hindi, and the full stops of Burmese and Khmer.
    matches!(c, '.' | '!' | '?' | '…' | '\u{964}' | '\u{104b}' | '\u{17d4}') || is_wide_sentence_end(c)
}

/// The end of a sentence in Chinese and Japanese, which no space follows.
fn is_wide_sentence_end(c: char) -> bool {
    matches!(c, '。' | '！' | '？')
}

/// Closing quotes and brackets, which may follow the end of a sentence; straight quotes, too.
fn is_closing(c: char) -> bool {
    matches!(c, '"' | '\'' | '”' | '’' | '»' | '›' | ')' | ']' | '」' | '』' | '）' | '*' | '_')
}
