//! Divides words of scripts that are written without spaces with a dictionary.
//!
//! White space next to such a word is a token, because there is none by default. So the tokens give the text again,
//! whatever the dictionary says: words of these scripts are joined without spaces, and a run of their letters that is
//! joined again is divided as before.

use crate::chars::{is_apostrophe, is_extender, is_punctuation};
use crate::clean::{Cleaner, PunctuationSet, RuleSpec};
use crate::segmentation::{Dictionary, for_each_run, has_unspaced, is_unspaced};

/// The token of white space next to a word of a script without spaces.
pub(crate) const SPACE: &str = " ";

/// The side of a token that touches another token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// A letter of a script without spaces.
    Unspaced,
    /// Punctuation or a symbol.
    Punctuation,
    /// Anything else.
    Other,
}

impl Side {
    fn of(c: Option<char>) -> Self {
        match c {
            Some(c) if is_unspaced(c) => Self::Unspaced,
            Some(c) if is_punctuation(c) => Self::Punctuation,
            _ => Self::Other,
        }
    }

    /// The left side of `token`.
    pub fn left(token: &str) -> Self {
        Self::of(token.chars().next())
    }

    /// The right side of `token`: its last character that is no modifier.
    pub fn right(token: &str) -> Self {
        Self::of(last_base(token))
    }

    /// Whether two tokens with these sides have no space between them by default, so that white space is a token.
    pub fn are_unspaced(left: Self, right: Self) -> bool {
        let both = [left, right];
        both.contains(&Self::Unspaced) && !both.contains(&Self::Punctuation)
    }
}

/// The last character of `token` that is no modifier.
pub(super) fn last_base(token: &str) -> Option<char> {
    token.chars().rev().find(|&c| !is_extender(c))
}

/// Divides words, and remembers the token before.
pub(super) struct UnspacedWords {
    dictionary: Dictionary,
    space_punctuation: Cleaner,
    /// The right side of the last token, unless it ended a line.
    last: Option<Side>,
    /// Whether white space, or a part without a token, follows it.
    gap: bool,
}

impl UnspacedWords {
    pub fn new() -> Self {
        let rule = RuleSpec::SpacePunctuation { set: PunctuationSet::Unicode };
        Self { dictionary: Dictionary::new(), space_punctuation: Cleaner::new(vec![rule]), last: None, gap: false }
    }

    /// Called at the end of a line: white space around it is no token.
    pub fn end_line(&mut self) {
        self.last = None;
    }

    /// Calls `f` with the tokens of the parts of `word`, which is all text between two white-space characters. `normalize`
    /// calls its argument with the token of a part, if it has one.
    pub fn split<F: FnMut(&str)>(
        &mut self,
        word: &str,
        mut normalize: impl FnMut(&str, &mut dyn FnMut(&str)),
        f: &mut F,
    ) {
        let Self { dictionary, space_punctuation, last, gap } = self;
        *gap = true;
        let mut part = |part: &str| {
            let mut is_token = false;
            normalize(part, &mut |token| {
                if let Some(last) = *last
                    && *gap
                    && Side::are_unspaced(last, Side::left(token))
                {
                    f(SPACE);
                }
                f(token);
                *last = Some(Side::right(token));
                is_token = true;
            });
            *gap = !is_token;
        };
        if !has_unspaced(word) {
            part(word);
            return;
        }
        let spaced;
        let mut text = word;
        if word.contains(is_punctuation) {
            spaced = space_punctuation.clean(word);
            text = &spaced;
        }
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            for_each_run(word, |run, is_unspaced| {
                if is_unspaced { dictionary.for_each_word(run, &mut part) } else { split_apostrophes(run, &mut part) }
            });
        }
    }
}

/// Calls `f` with `text` and with each apostrophe at its ends, which is no longer inside a word.
fn split_apostrophes(text: &str, f: &mut impl FnMut(&str)) {
    let start = text.len() - text.trim_start_matches(is_apostrophe).len();
    let inner = text[start..].trim_end_matches(is_apostrophe);
    let (before, after) = (&text[..start], &text[start + inner.len()..]);
    before.split_inclusive(|_| true).for_each(&mut *f);
    if !inner.is_empty() {
        f(inner);
    }
    after.split_inclusive(|_| true).for_each(f);
}
