//! A rule that removes punctuation and symbols: `well-known` becomes `well known`, `end.` `end`.

use super::Rule;
use crate::chars::{is_apostrophe, is_extender, is_punctuation, is_word_character};

#[derive(Default)]
pub(super) struct StripPunctuation {
    /// The last character that was kept.
    before: Option<char>,
    /// What was removed since then.
    gap: Gap,
}

#[derive(Default, Clone, Copy, PartialEq)]
enum Gap {
    #[default]
    None,
    Apostrophe(char),
    Removed,
}

impl Rule for StripPunctuation {
    fn push(&mut self, chunk: &str, out: &mut String) {
        for c in chunk.chars() {
            if is_punctuation(c) {
                let inside = self.gap == Gap::None && self.before.is_some_and(is_word_character);
                self.gap = if inside && is_apostrophe(c) { Gap::Apostrophe(c) } else { Gap::Removed };
                continue;
            }
            match self.gap {
                Gap::None => {}
                // Modifiers of removed punctuation are removed too.
                Gap::Removed if is_extender(c) => continue,
                Gap::Apostrophe(apostrophe) if is_word_character(c) => out.push(apostrophe),
                _ if is_word_character(c) && self.before.is_some_and(is_word_character) => {
                    out.push(' ');
                }
                _ => {}
            }
            self.gap = Gap::None;
            out.push(c);
            self.before = Some(c);
        }
    }

    fn finish(&mut self, _: &mut String) {}
}

#[cfg(test)]
mod tests {
    use crate::{Cleaner, RuleSpec};

    #[test]
    fn punctuation_is_removed_and_words_stay_separate() {
        let cleaner = Cleaner::new(vec![RuleSpec::StripPunctuation]);
        assert_eq!(
            cleaner.clean("“Don't,” he said—well-known... dogs' a''b 'tis; 5$ 여우。 ❤\u{fe0f}!"),
            "Don't he said well known dogs a b tis 5 여우 "
        );
    }
}
