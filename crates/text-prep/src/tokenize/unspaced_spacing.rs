//! The spacing of words of scripts that are written without spaces: none between them and what is next to them.

use super::unspaced_words::{Side, last_base};
use crate::chars::{is_apostrophe, is_extender, is_punctuation, is_word_character};
use crate::segmentation::{has_unspaced, is_east_asian, is_wide_punctuation};

/// What the spacing depends on: the last token and the word that it ends.
#[derive(Clone, Debug)]
pub(super) struct UnspacedSpacing {
    side: Side,
    /// The last character without its modifiers.
    last: Option<char>,
    kind: Kind,
    /// Whether the text since the last white space, or the last character that cleaning separates, contains a letter of a
    /// script without spaces: splitting separates all punctuation in such a word.
    word_is_divided: bool,
}

/// What splitting does to a token that is part of a word with letters of scripts without spaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// It is separated from its neighbours.
    Punctuation,
    /// It stays whole.
    Plain,
    /// It is divided.
    Compound,
}

impl Kind {
    fn of(token: &str) -> Self {
        let mut chars = token.chars();
        if chars.next().is_some_and(is_punctuation) && chars.all(is_extender) {
            return Self::Punctuation;
        }
        let mut before = None;
        let mut rest = token.chars().peekable();
        while let Some(c) = rest.next() {
            let is_inner = |c: &char| is_word_character(*c);
            let inside = is_apostrophe(c) && before.as_ref().is_some_and(is_inner) && rest.peek().is_some_and(is_inner);
            if is_punctuation(c) && !inside {
                return Self::Compound;
            }
            before = Some(c);
        }
        Self::Plain
    }
}

impl Default for UnspacedSpacing {
    fn default() -> Self {
        Self { side: Side::Other, last: None, kind: Kind::Plain, word_is_divided: false }
    }
}

impl UnspacedSpacing {
    /// Called where there is white space before the next token.
    pub fn start_word(&mut self) {
        self.word_is_divided = false;
    }

    /// Adds a token; `separated` says whether cleaning separates it from its neighbours.
    pub fn push(&mut self, token: &str, separated: bool) {
        self.side = Side::right(token);
        self.last = last_base(token);
        self.kind = Kind::of(token);
        self.word_is_divided = !separated && (self.word_is_divided || has_unspaced(token));
    }

    /// Whether there is no space between the last token and `token`: a space would be a token.
    pub fn is_unspaced(&self, token: &str) -> bool {
        Side::are_unspaced(self.side, Side::left(token))
    }

    /// Whether a space between the last token and `token` is unusual: next to Chinese and Japanese punctuation, and between
    /// typographic punctuation and a letter of these scripts.
    pub fn is_tight(&self, token: &str) -> bool {
        let (Some(last), Some(next)) = (self.last, token.chars().next()) else { return false };
        let is_typographic = |c: char| !c.is_ascii() && is_punctuation(c);
        is_wide_punctuation(last)
            || is_wide_punctuation(next)
            || is_east_asian(last) && is_typographic(next)
            || is_typographic(last) && is_east_asian(next)
    }

    /// Whether splitting separates the last token from `token` if there is no space between them.
    pub fn is_divided(&self, token: &str) -> bool {
        let kinds = [self.kind, Kind::of(token)];
        (self.word_is_divided || has_unspaced(token))
            && kinds.contains(&Kind::Punctuation)
            && !kinds.contains(&Kind::Compound)
    }
}
