//! Rules that convert text to Unicode Normalization Form C or KC in a stream.
//!
//! They buffer the text from the last safe boundary on: a starter that never composes with the
//! characters before it (Unicode Standard Annex #15, section 9.1,
//! <https://www.unicode.org/reports/tr15/>).

use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick, is_nfkc_quick};

use super::Rule;
use crate::byte_search;

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Form {
    C,
    Kc,
}

pub(super) struct Normalize {
    form: Form,
    /// Text from the last boundary on.
    pending: String,
}

impl Normalize {
    pub fn new(form: Form) -> Self {
        Self { form, pending: String::new() }
    }
}

impl Form {
    /// Whether `c` is already normalized and does not interact with the characters before it.
    #[inline]
    fn is_boundary(self, c: char) -> bool {
        match c {
            '\0'..='\x7f' => true,
            // Fast path for common letters and quotes, without a table lookup.
            '\u{80}'..='\u{2ff}' | '\u{2010}'..='\u{2027}' if self == Self::C => true,
            '\u{ac00}'..='\u{d7a3}' | '\u{4e00}'..='\u{9fff}' => true,
            _ => {
                let quick = match self {
                    Self::C => is_nfc_quick(std::iter::once(c)),
                    Self::Kc => is_nfkc_quick(std::iter::once(c)),
                };
                quick == IsNormalized::Yes && canonical_combining_class(c) == 0
            }
        }
    }

    /// The smallest UTF-8 byte that can start a character that is not a boundary. Smaller bytes are ASCII
    /// and continuation bytes, and in form C the lead bytes of characters up to U+02FF.
    #[inline]
    fn min_candidate(self) -> u8 {
        match self {
            Self::C => 0xcc,
            Self::Kc => 0xc0,
        }
    }

    /// Appends the normalized `text`, which starts at a boundary.
    fn push(self, text: &str, out: &mut String) {
        // Runs of boundary characters are already normalized. Other characters are normalized together
        // with the text from the boundary before them to the next boundary.
        let (mut copied, mut at) = (0, 0);
        let min = self.min_candidate();
        while let Some(candidate) = byte_search::find(text.as_bytes(), at, |byte| byte >= min) {
            // Up to the next ASCII character, every character is checked.
            let mut rest = text[candidate..].char_indices();
            let Some((n, c)) = rest.find(|&(_, c)| c.is_ascii() || !self.is_boundary(c)) else {
                break;
            };
            at = candidate + n;
            if c.is_ascii() {
                continue;
            }
            let before = text[copied..at].char_indices().next_back();
            let boundary = before.map_or(at, |(last, _)| copied + last);
            let next = rest.find(|&(_, c)| self.is_boundary(c));
            at = next.map_or(text.len(), |(n, _)| candidate + n);
            out.push_str(&text[copied..boundary]);
            self.normalize(&text[boundary..at], out);
            copied = at;
        }
        out.push_str(&text[copied..]);
    }

    fn normalize(self, text: &str, out: &mut String) {
        match self {
            Self::C => out.extend(text.nfc()),
            Self::Kc => out.extend(text.nfkc()),
        }
    }
}

impl Rule for Normalize {
    fn push(&mut self, chunk: &str, out: &mut String) {
        let last = chunk.char_indices().rev().find(|&(_, c)| self.form.is_boundary(c));
        let Some((last, _)) = last else {
            self.pending.push_str(chunk);
            return;
        };
        let (before, after) = chunk.split_at(last);
        // The pending text is completed up to the first boundary of the chunk.
        let first = before.char_indices().find(|&(_, c)| self.form.is_boundary(c)).map_or(before.len(), |(at, _)| at);
        self.pending.push_str(&before[..first]);
        self.form.push(&self.pending, out);
        self.form.push(&before[first..], out);
        self.pending.clear();
        self.pending.push_str(after);
    }

    fn finish(&mut self, out: &mut String) {
        self.form.push(&std::mem::take(&mut self.pending), out);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::test_strategies;
    use crate::{Cleaner, RuleSpec};

    fn nfc(text: &str) -> String {
        Cleaner::new(vec![RuleSpec::Nfc]).clean(text)
    }

    fn nfkc(text: &str) -> String {
        Cleaner::new(vec![RuleSpec::Nfkc]).clean(text)
    }

    #[test]
    fn letters_and_marks_compose() {
        assert_eq!(nfc("cafe\u{301} ẛ\u{323} \u{2126}"), "café ẛ\u{323} Ω");
        assert_eq!(nfc("\u{1112}\u{1161}\u{11ab}글 가\u{11a8}"), "한글 각");
        assert_eq!(nfkc("ﬁn ½ ① \u{1112}\u{1161}"), "fin 1⁄2 1 하");
    }

    #[test]
    fn the_fast_paths_match_the_unicode_tables() {
        for c in '\u{80}'..=char::MAX {
            for (form, quick) in
                [(Form::C, is_nfc_quick(std::iter::once(c))), (Form::Kc, is_nfkc_quick(std::iter::once(c)))]
            {
                let expected = quick == IsNormalized::Yes && canonical_combining_class(c) == 0;
                assert_eq!(form.is_boundary(c), expected, "{c:?}");
            }
        }
    }

    proptest! {
        #![proptest_config(test_strategies::cases(512))]

        #[test]
        fn the_result_equals_that_of_the_unicode_normalization_crate(text in test_strategies::text()) {
            prop_assert_eq!(nfc(&text), text.nfc().collect::<String>());
            prop_assert_eq!(nfkc(&text), text.nfkc().collect::<String>());
        }
    }
}
