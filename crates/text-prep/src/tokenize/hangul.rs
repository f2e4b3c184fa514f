//! Decomposes Hangul syllables into jamo and composes them again.
//!
//! Unicode composes syllables by arithmetic (The Unicode Standard, section 3.12): with `l` of 19
//! leading consonants, `v` of 21 vowels and `t` of 27 final consonants or none, the syllable is
//! `0xAC00 + (l · 21 + v) · 28 + t`.

use super::only_char;

/// The token between two adjacent jamo of the input that are not one syllable: the detokenizer removes
/// it and does not compose them. Never needed for text in NFC. As it is longer than one character, no
/// text can produce it as a character token.
pub const JAMO_SEPARATOR: &str = "<seam>";

const SYLLABLE: u32 = 0xAC00;
const LEAD: u32 = 0x1100;
const VOWEL: u32 = 0x1161;
/// One before the first final consonant: t = 0 means none.
const FINAL: u32 = 0x11A7;
const LEADS: u32 = 19;
const VOWELS: u32 = 21;
const FINALS: u32 = 28;

/// The character that the next jamo can be composed with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Open {
    /// None.
    #[default]
    None,
    /// A leading consonant, to be followed by a vowel.
    Lead(char),
    /// A syllable without a final consonant.
    Syllable(char),
}

impl Open {
    /// The state after a character that was not composed.
    fn after(c: char) -> Self {
        match offset(c, LEAD, LEADS) {
            Some(_) => Self::Lead(c),
            None => Self::None,
        }
    }

    /// The syllable composed of the open character and `c`, and the state after it.
    fn join(self, c: char) -> Option<(char, Self)> {
        match self {
            Self::None => None,
            Self::Lead(lead) => {
                let (l, v) = (offset(lead, LEAD, LEADS)?, offset(c, VOWEL, VOWELS)?);
                let syllable = char::from_u32(SYLLABLE + (l * VOWELS + v) * FINALS)?;
                Some((syllable, Self::Syllable(syllable)))
            }
            Self::Syllable(syllable) => {
                let t = offset(c, FINAL, FINALS).filter(|&t| t > 0)?;
                Some((char::from_u32(u32::from(syllable) + t)?, Self::None))
            }
        }
    }

    /// The open character, which is not written yet.
    fn pending(self) -> Option<char> {
        match self {
            Self::None => None,
            Self::Lead(c) | Self::Syllable(c) => Some(c),
        }
    }
}

/// Whether `c` is a conjoining jamo.
pub(super) fn is_conjoining(c: char) -> bool {
    ('\u{1100}'..='\u{11ff}').contains(&c)
}

/// The offset of `c` in the range of `count` characters from `first`.
fn offset(c: char, first: u32, count: u32) -> Option<u32> {
    u32::from(c).checked_sub(first).filter(|&offset| offset < count)
}

/// The jamo of a syllable: leading consonant, vowel, and final consonant, if any.
fn decompose(syllable: char) -> Option<(char, char, Option<char>)> {
    let at = offset(syllable, SYLLABLE, LEADS * VOWELS * FINALS)?;
    let (l, v, t) = (at / FINALS / VOWELS, at / FINALS % VOWELS, at % FINALS);
    let last = char::from_u32(FINAL + t).filter(|_| t > 0);
    Some((char::from_u32(LEAD + l)?, char::from_u32(VOWEL + v)?, last))
}

/// Splits syllables into jamo.
#[derive(Clone, Debug, Default)]
pub(super) struct Decomposer {
    /// The state of the [`Composer`] after all tokens so far.
    open: Open,
}

impl Decomposer {
    /// Calls `f` with the tokens of `unit`: jamo if it is a syllable, otherwise `unit` itself, after a
    /// [`JAMO_SEPARATOR`] if the composer would join it to the tokens before.
    pub fn split(&mut self, unit: &str, f: &mut impl FnMut(&str)) {
        let Some(c) = only_char(unit) else {
            self.open = Open::None;
            return f(unit);
        };
        let mut buffer = [0; 4];
        if let Some((lead, vowel, last)) = decompose(c) {
            f(lead.encode_utf8(&mut buffer));
            f(vowel.encode_utf8(&mut buffer));
            if let Some(last) = last {
                f(last.encode_utf8(&mut buffer));
            }
            self.open = if last.is_none() { Open::Syllable(c) } else { Open::None };
            return;
        }
        if self.open.join(c).is_some() {
            f(JAMO_SEPARATOR);
        }
        self.open = Open::after(c);
        f(unit);
    }
}

/// Composes syllables from jamo.
#[derive(Clone, Debug, Default)]
pub(super) struct Composer {
    /// The character that the next token may extend; not written yet.
    open: Open,
}

impl Composer {
    /// Processes `token` and appends the text that is already determined to `out`.
    pub fn push(&mut self, token: &str, out: &mut String) {
        let c = only_char(token);
        match c.and_then(|c| self.open.join(c)) {
            Some((_, open @ Open::Syllable(_))) => self.open = open,
            Some((syllable, _)) => {
                out.push(syllable);
                self.open = Open::None;
            }
            None => {
                self.finish(out);
                self.open = c.map_or(Open::None, Open::after);
                if self.open == Open::None && token != JAMO_SEPARATOR {
                    out.push_str(token);
                }
            }
        }
    }

    /// Appends the pending character.
    pub fn finish(&mut self, out: &mut String) {
        out.extend(std::mem::take(&mut self.open).pending());
    }
}

#[cfg(test)]
mod tests {
    use unicode_normalization::UnicodeNormalization;

    use super::*;

    fn split<'a>(units: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        let (mut decomposer, mut tokens) = (Decomposer::default(), Vec::new());
        for unit in units {
            decomposer.split(unit, &mut |token| tokens.push(token.to_owned()));
        }
        tokens
    }

    /// The output of the composer after each token, and at the end.
    fn outputs(tokens: &[&str]) -> Vec<String> {
        let mut composer = Composer::default();
        let mut outputs: Vec<String> = Vec::new();
        for token in tokens {
            let mut output = String::new();
            composer.push(token, &mut output);
            outputs.push(output);
        }
        let mut rest = String::new();
        composer.finish(&mut rest);
        outputs.push(rest);
        outputs
    }

    #[test]
    fn every_syllable_is_split_as_by_nfd_and_composed_again() {
        for syllable in '가'..='힣' {
            let tokens = split([syllable.to_string().as_str()]);
            let expected: Vec<String> = syllable.nfd().map(String::from).collect();
            assert_eq!(tokens, expected);
            let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
            assert_eq!(outputs(&tokens).concat(), syllable.to_string());
        }
    }

    #[test]
    fn an_incomplete_syllable_is_pending_until_the_next_token() {
        let han = ["\u{1112}", "\u{1161}", "\u{11ab}"];
        assert_eq!(outputs(&han), ["", "", "한", ""]);
        assert_eq!(outputs(&han[..2]), ["", "", "하"]);
        assert_eq!(outputs(&han[..1]), ["", "\u{1112}"]);
        assert_eq!(outputs(&["\u{1112}", "\u{1161}", "."]), ["", "", "하.", ""]);
        // Invalid sequences of a model are written unchanged.
        assert_eq!(outputs(&["\u{1161}", "\u{11ab}"]), ["\u{1161}", "\u{11ab}", ""]);
        assert_eq!(outputs(&["\u{1112}", JAMO_SEPARATOR, "\u{1161}"]), ["", "\u{1112}", "\u{1161}", ""]);
    }

    #[test]
    fn single_jamo_are_separated_only_where_they_would_be_composed() {
        assert_eq!(split(["\u{1112}", "\u{1161}"]), ["\u{1112}", JAMO_SEPARATOR, "\u{1161}"]);
        assert_eq!(split(["하", "\u{11ab}"]), ["\u{1112}", "\u{1161}", JAMO_SEPARATOR, "\u{11ab}"]);
        // No separator after the archaic vowel ᆞ, or for characters that are never composed.
        assert_eq!(split(["\u{1112}", "\u{119e}", "\u{11ab}"]).len(), 3);
        assert_eq!(split(["한", "\u{11ab}", "ㅎ", "ㅏ"]).len(), 6);
    }
}
