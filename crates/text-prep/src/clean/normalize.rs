//! The rules that bring text into Unicode Normalization Form C or KC.
//!
//! What they do not know: whole texts. They hold back from the last character that is a safe
//! border: a starter that never composes with what stands before it
//! (Unicode Standard Annex #15, section 9.1, <https://www.unicode.org/reports/tr15/>).

use unicode_normalization::char::canonical_combining_class;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick, is_nfkc_quick};

use super::Rule;
use crate::scan;

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Form {
    C,
    Kc,
}

pub(super) struct Normalize {
    form: Form,
    /// Text from the last border on.
    held: String,
}

impl Normalize {
    pub fn new(form: Form) -> Self {
        Self { form, held: String::new() }
    }
}

impl Form {
    /// Whether nothing that stands before `c` can change it or be changed by it, and `c` alone is
    /// already normal.
    #[inline]
    fn is_border(self, c: char) -> bool {
        match c {
            '\0'..='\x7f' => true,
            // Everyday letters and quotes, known without a look into the tables.
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

    /// The first byte of UTF-8 that may begin a character that is no border. Below it are ASCII and
    /// all bytes inside characters, and in form C the leading bytes up to U+02FF.
    #[inline]
    fn first_suspect(self) -> u8 {
        match self {
            Self::C => 0xcc,
            Self::Kc => 0xc0,
        }
    }

    /// Appends `text`, which begins at a border, in normal form.
    fn push(self, text: &str, out: &mut String) {
        // Stretches of borders are normal as they stand; only around other characters there is
        // work, from the border before to the next border.
        let (mut copied, mut at) = (0, 0);
        let first_suspect = self.first_suspect();
        while let Some(suspect) = scan::find(text.as_bytes(), at, |byte| byte >= first_suspect) {
            // A stretch of another script is gone through here, character by character.
            let mut rest = text[suspect..].char_indices();
            let Some((n, c)) = rest.find(|&(_, c)| c.is_ascii() || !self.is_border(c)) else {
                break;
            };
            at = suspect + n;
            if c.is_ascii() {
                continue;
            }
            let before = text[copied..at].char_indices().next_back();
            let border = before.map_or(at, |(last, _)| copied + last);
            let next = rest.find(|&(_, c)| self.is_border(c));
            at = next.map_or(text.len(), |(n, _)| suspect + n);
            out.push_str(&text[copied..border]);
            self.compose(&text[border..at], out);
            copied = at;
        }
        out.push_str(&text[copied..]);
    }

    fn compose(self, text: &str, out: &mut String) {
        match self {
            Self::C => out.extend(text.nfc()),
            Self::Kc => out.extend(text.nfkc()),
        }
    }
}

impl Rule for Normalize {
    fn push(&mut self, chunk: &str, out: &mut String) {
        let Some((border, _)) = chunk.char_indices().rev().find(|&(_, c)| self.form.is_border(c))
        else {
            self.held.push_str(chunk);
            return;
        };
        let (before, after) = chunk.split_at(border);
        // The held text and the chunk's beginning, as far as no border parts them, go together.
        let first = before
            .char_indices()
            .find(|&(_, c)| self.form.is_border(c))
            .map_or(before.len(), |(at, _)| at);
        self.held.push_str(&before[..first]);
        self.form.push(&self.held, out);
        self.form.push(&before[first..], out);
        self.held.clear();
        self.held.push_str(after);
    }

    fn finish(&mut self, out: &mut String) {
        self.form.push(&std::mem::take(&mut self.held), out);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::samples;
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
    fn the_short_cuts_agree_with_the_tables() {
        for c in '\u{80}'..=char::MAX {
            for (form, quick) in [
                (Form::C, is_nfc_quick(std::iter::once(c))),
                (Form::Kc, is_nfkc_quick(std::iter::once(c))),
            ] {
                let expected = quick == IsNormalized::Yes && canonical_combining_class(c) == 0;
                assert_eq!(form.is_border(c), expected, "{c:?}");
            }
        }
    }

    proptest! {
        #![proptest_config(samples::cases(512))]

        #[test]
        fn pieces_give_what_the_crate_gives_for_the_whole(text in samples::text()) {
            prop_assert_eq!(nfc(&text), text.nfc().collect::<String>());
            prop_assert_eq!(nfkc(&text), text.nfkc().collect::<String>());
        }
    }
}
