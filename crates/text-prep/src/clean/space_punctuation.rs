//! The rules that put a space on both sides of every punctuation character.
//!
//! What they do not know: how many spaces there are already; another rule collapses them.

use super::Rule;
use crate::chars::{
    JOINER, is_apostrophe, is_caseless_letter, is_extender, is_punctuation, is_symbol,
    is_word_character,
};
use crate::scan::{HIGH, at_least, find_in_eights};

/// Keras's set: ASCII punctuation without the apostrophe.
pub(super) struct SpaceKerasPunctuation;

/// Whether the byte is one of ``!"#$%&()*+,-./:;<=>?@[\]^_`{|}~``.
pub(crate) fn is_keras_punctuation(byte: u8) -> bool {
    KERAS[usize::from(byte)]
}

static KERAS: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = (byte as u8).is_ascii_punctuation() && byte as u8 != b'\'';
        byte += 1;
    }
    table
};

impl Rule for SpaceKerasPunctuation {
    fn push(&mut self, chunk: &str, out: &mut String) {
        let bytes = chunk.as_bytes();
        let mut copied = 0;
        while let Some(n) = bytes[copied..].iter().position(|&b| is_keras_punctuation(b)) {
            let at = copied + n;
            out.push_str(&chunk[copied..at]);
            out.push(' ');
            out.push(char::from(bytes[at]));
            out.push(' ');
            copied = at + 1;
        }
        out.push_str(&chunk[copied..]);
    }

    fn finish(&mut self, _: &mut String) {}
}

/// Where the next character at or after `from` stands that may be punctuation of Unicode's set: all
/// but letters of ASCII, white space and control characters.
#[inline]
fn find_suspect(bytes: &[u8], from: usize) -> Option<usize> {
    find_in_eights(bytes, from, |eight| {
        // Capitals become small letters, and nothing else becomes a letter.
        let small = eight | u64::from_le_bytes([0x20; 8]);
        let letter = at_least(small, b'a') & !at_least(small, b'{');
        at_least(eight, b'!') & !letter | eight & HIGH
    })
}

/// Unicode's set. An apostrophe waits for the next character to learn whether it is inside a
/// word; the space behind a symbol waits for what may belong to the symbol.
#[derive(Default)]
pub(super) struct SpaceUnicodePunctuation {
    /// The last character seen, unless it belongs to punctuation.
    before: Option<char>,
    apostrophe: Option<char>,
    owes_space: bool,
    after_joiner: bool,
}

impl SpaceUnicodePunctuation {
    fn punctuation(&mut self, c: char, out: &mut String) {
        out.push(' ');
        out.push(c);
        self.owes_space = true;
        self.after_joiner = false;
        self.before = None;
    }

    fn step(&mut self, c: char, out: &mut String) {
        if let Some(apostrophe) = self.apostrophe.take() {
            if is_word_character(c) {
                out.push(apostrophe);
            } else {
                self.punctuation(apostrophe, out);
            }
        }
        if self.owes_space {
            if is_extender(c) || (self.after_joiner && is_symbol(c)) {
                out.push(c);
                self.after_joiner = c == JOINER;
                return;
            }
            out.push(' ');
            self.owes_space = false;
        }
        if is_apostrophe(c) && self.before.is_some_and(is_word_character) {
            self.apostrophe = Some(c);
            self.before = None;
        } else if is_punctuation(c) {
            self.punctuation(c, out);
        } else {
            out.push(c);
            self.before = Some(c);
        }
    }
}

impl Rule for SpaceUnicodePunctuation {
    fn push(&mut self, chunk: &str, out: &mut String) {
        let bytes = chunk.as_bytes();
        let (mut copied, mut at) = (0, 0);
        loop {
            let waiting = self.owes_space || self.apostrophe.is_some();
            if !waiting {
                let Some(suspect) = find_suspect(bytes, at) else { break };
                at = suspect;
            }
            let Some(c) = chunk[at..].chars().next() else { break };
            let end = at + c.len_utf8();
            if !waiting && !is_punctuation(c) {
                // A stretch of another script, or a number.
                let plain = |c: char| c.is_ascii_alphanumeric() || is_caseless_letter(c);
                at = end + chunk[end..].find(|c| !plain(c)).unwrap_or(chunk.len() - end);
                continue;
            }
            if !waiting && let Some(&after) = bytes.get(end).filter(|after| after.is_ascii()) {
                // What follows is known and modifies nothing: no need to wait for it.
                let before = chunk[copied..at].chars().next_back().or(self.before);
                let inside = is_apostrophe(c)
                    && after.is_ascii_alphanumeric()
                    && before.is_some_and(is_word_character);
                if !inside {
                    out.push_str(&chunk[copied..at]);
                    out.push(' ');
                    out.push_str(&chunk[at..end]);
                    out.push(' ');
                    self.before = None;
                    copied = end;
                }
                at = end;
                continue;
            }
            if copied < at {
                out.push_str(&chunk[copied..at]);
                self.before = chunk[copied..at].chars().next_back();
            }
            self.step(c, out);
            (copied, at) = (end, end);
        }
        if copied < chunk.len() {
            out.push_str(&chunk[copied..]);
            self.before = chunk[copied..].chars().next_back();
        }
    }

    fn finish(&mut self, out: &mut String) {
        if let Some(apostrophe) = self.apostrophe.take() {
            self.punctuation(apostrophe, out);
        }
        if std::mem::take(&mut self.owes_space) {
            out.push(' ');
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Cleaner, PunctuationSet, RuleSpec};

    fn words(set: PunctuationSet, text: &str) -> String {
        let cleaner = Cleaner::new(vec![RuleSpec::SpacePunctuation { set }]);
        cleaner.clean(text).split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_keras_set_is_exactly_the_seeds() {
        let set = r##"!"#$%&()*+,-./:;<=>?@[\]^_`{|}~"##;
        let cleaner = Cleaner::new(vec![RuleSpec::SpacePunctuation { set: PunctuationSet::Keras }]);
        for c in '\0'..='\u{2100}' {
            let expected = if set.contains(c) { format!(" {c} ") } else { c.to_string() };
            assert_eq!(cleaner.clean(&c.to_string()), expected);
        }
        assert_eq!(words(PunctuationSet::Keras, "don't-\"stop\"…"), "don't - \" stop \" …");
    }

    #[test]
    fn apostrophes_stay_only_inside_words() {
        let spaced = |text| words(PunctuationSet::Unicode, text);
        assert_eq!(spaced("don't, don’t; dogs' 'tis"), "don't , don’t ; dogs ' ' tis");
        assert_eq!(spaced("a''b rock 'n' roll o'"), "a ' ' b rock ' n ' roll o '");
        assert_eq!(spaced("“L’été…”—he"), "“ L’été … ” — he");
        assert_eq!(spaced("¿Qué? 「여우」。"), "¿ Qué ? 「 여우 」 。");
    }

    #[test]
    fn what_modifies_a_symbol_stays_with_it() {
        let spaced = |text| words(PunctuationSet::Unicode, text);
        assert_eq!(spaced("a❤\u{fe0f}b👩\u{200d}🔬👍🏽c"), "a ❤\u{fe0f} b 👩\u{200d}🔬 👍🏽 c");
    }
}
