//! Rules that put a space on both sides of every punctuation character. Existing spaces are kept;
//! another rule collapses them.

use super::Rule;
use crate::byte_search::{HIGH, at_least, find_by_word};
use crate::chars::{
    ZERO_WIDTH_JOINER, is_apostrophe, is_caseless_letter, is_extender, is_punctuation, is_symbol, is_word_character,
};

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

/// Offset of the next character at or after `from` that may be Unicode punctuation: anything except
/// ASCII letters, white space and control characters.
#[inline]
fn find_candidate(bytes: &[u8], from: usize) -> Option<usize> {
    find_by_word(bytes, from, |word| {
        // Setting this bit lower-cases capitals and turns nothing else into a letter.
        let lower = word | u64::from_le_bytes([0x20; 8]);
        let letter = at_least(lower, b'a') & !at_least(lower, b'{');
        at_least(word, b'!') & !letter | word & HIGH
    })
}

/// Unicode's set, with the straight apostrophe.
pub(super) type SpaceUnicodePunctuation = SpacePunctuation<true>;

/// Keras's set and Unicode's outside ASCII: the straight apostrophe is like a letter.
pub(super) type SpaceTypographicPunctuation = SpacePunctuation<false>;

/// An apostrophe is pending until the next character shows whether it is inside a word; the space after a symbol
/// is pending until no modifier of the symbol follows.
#[derive(Default)]
pub(super) struct SpacePunctuation<const STRAIGHT: bool> {
    /// The last character, unless it belongs to punctuation.
    before: Option<char>,
    pending_apostrophe: Option<char>,
    pending_space: bool,
    after_joiner: bool,
}

impl<const STRAIGHT: bool> SpacePunctuation<STRAIGHT> {
    #[inline]
    fn is_punctuation(c: char) -> bool {
        is_punctuation(c) && (STRAIGHT || c != '\'')
    }

    #[inline]
    fn is_apostrophe(c: char) -> bool {
        is_apostrophe(c) && (STRAIGHT || c != '\'')
    }

    fn write_punctuation(&mut self, c: char, out: &mut String) {
        out.push(' ');
        out.push(c);
        self.pending_space = true;
        self.after_joiner = false;
        self.before = None;
    }

    fn write_char(&mut self, c: char, out: &mut String) {
        if let Some(apostrophe) = self.pending_apostrophe.take() {
            if is_word_character(c) {
                out.push(apostrophe);
            } else {
                self.write_punctuation(apostrophe, out);
            }
        }
        if self.pending_space {
            if is_extender(c) || (self.after_joiner && is_symbol(c)) {
                out.push(c);
                self.after_joiner = c == ZERO_WIDTH_JOINER;
                return;
            }
            out.push(' ');
            self.pending_space = false;
        }
        if Self::is_apostrophe(c) && self.before.is_some_and(is_word_character) {
            self.pending_apostrophe = Some(c);
            self.before = None;
        } else if Self::is_punctuation(c) {
            self.write_punctuation(c, out);
        } else {
            out.push(c);
            self.before = Some(c);
        }
    }
}

impl<const STRAIGHT: bool> Rule for SpacePunctuation<STRAIGHT> {
    fn push(&mut self, chunk: &str, out: &mut String) {
        let bytes = chunk.as_bytes();
        let (mut copied, mut at) = (0, 0);
        loop {
            let pending = self.pending_space || self.pending_apostrophe.is_some();
            if !pending {
                let Some(candidate) = find_candidate(bytes, at) else { break };
                at = candidate;
            }
            let Some(c) = chunk[at..].chars().next() else { break };
            let end = at + c.len_utf8();
            if !pending && !Self::is_punctuation(c) {
                // Skip a run of letters of another script, or a number.
                let plain = |c: char| c.is_ascii_alphanumeric() || is_caseless_letter(c);
                at = end + chunk[end..].find(|c| !plain(c)).unwrap_or(chunk.len() - end);
                continue;
            }
            if !pending && let Some(&after) = bytes.get(end).filter(|after| after.is_ascii()) {
                // The next character is ASCII, so it is not a modifier: decide at once.
                let before = chunk[copied..at].chars().next_back().or(self.before);
                let inside =
                    Self::is_apostrophe(c) && after.is_ascii_alphanumeric() && before.is_some_and(is_word_character);
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
            self.write_char(c, out);
            (copied, at) = (end, end);
        }
        if copied < chunk.len() {
            out.push_str(&chunk[copied..]);
            self.before = chunk[copied..].chars().next_back();
        }
    }

    fn finish(&mut self, out: &mut String) {
        if let Some(apostrophe) = self.pending_apostrophe.take() {
            self.write_punctuation(apostrophe, out);
        }
        if std::mem::take(&mut self.pending_space) {
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
    fn the_keras_set_is_that_of_the_keras_baseline() {
        let set = r##"!"#$%&()*+,-./:;<=>?@[\]^_`{|}~"##;
        let cleaner = Cleaner::new(vec![RuleSpec::SpacePunctuation { set: PunctuationSet::Keras }]);
        for c in '\0'..='\u{2100}' {
            let expected = if set.contains(c) { format!(" {c} ") } else { c.to_string() };
            assert_eq!(cleaner.clean(&c.to_string()), expected);
        }
        assert_eq!(words(PunctuationSet::Keras, "don't-\"stop\"…"), "don't - \" stop \" …");
    }

    #[test]
    fn only_apostrophes_inside_words_get_no_spaces() {
        let spaced = |text| words(PunctuationSet::Unicode, text);
        assert_eq!(spaced("don't, don’t; dogs' 'tis"), "don't , don’t ; dogs ' ' tis");
        assert_eq!(spaced("a''b rock 'n' roll o'"), "a ' ' b rock ' n ' roll o '");
        assert_eq!(spaced("“L’été…”—he"), "“ L’été … ” — he");
        assert_eq!(spaced("¿Qué? 「여우」。"), "¿ Qué ? 「 여우 」 。");
    }

    #[test]
    fn typographic_punctuation_is_that_of_keras_and_all_that_is_not_ascii() {
        let set = PunctuationSet::Typographic;
        let spaced = |text| words(set, text);
        assert_eq!(spaced("“the lamp—the old—lamp…” ‘no’"), "“ the lamp — the old — lamp … ” ‘ no ’");
        assert_eq!(spaced("don't, don’t; dogs' 'tis dogs’ ’tis"), "don't , don’t ; dogs' 'tis dogs ’ ’ tis");
        assert_eq!(spaced("«L’été»–a ❤\u{fe0f}b"), "« L’été » – a ❤\u{fe0f} b");
        let cleaner = |set| Cleaner::new(vec![RuleSpec::SpacePunctuation { set }]);
        for c in '\0'..='\x7f' {
            let text = format!("a{c}b'{c}'{c}{c}");
            assert_eq!(cleaner(set).clean(&text), cleaner(PunctuationSet::Keras).clean(&text), "{c:?}");
        }
    }

    #[test]
    fn modifiers_stay_with_their_symbol() {
        let spaced = |text| words(PunctuationSet::Unicode, text);
        assert_eq!(spaced("a❤\u{fe0f}b👩\u{200d}🔬👍🏽c"), "a ❤\u{fe0f} b 👩\u{200d}🔬 👍🏽 c");
    }
}
