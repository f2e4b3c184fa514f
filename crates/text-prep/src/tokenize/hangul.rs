//! Hangul syllables in jamo: taken apart for a model, put together again for a reader.
//!
//! Unicode composes syllables by arithmetic (The Unicode Standard, section 3.12): with `l` of 19
//! leading consonants, `v` of 21 vowels and `t` of 27 final consonants or none, the syllable is
//! `0xAC00 + (l · 21 + v) · 28 + t`.
//!
//! What it does not know: other characters, and what a token is used for.

use super::only_char;

/// The token between two jamo of a text that stand side by side without being a syllable: it
/// becomes nothing and keeps them from being put together. Text in NFC never needs one. It is no
/// single character, so no text can hold it as a token.
pub const SEAM: &str = "<seam>";

const SYLLABLE: u32 = 0xAC00;
const LEAD: u32 = 0x1100;
const VOWEL: u32 = 0x1161;
/// One before the first final consonant: number 0 is none.
const FINAL: u32 = 0x11A7;
const LEADS: u32 = 19;
const VOWELS: u32 = 21;
const FINALS: u32 = 28;

/// What the next jamo could join.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Open {
    /// Nothing: it stands for itself.
    #[default]
    Nothing,
    /// A leading consonant, which a vowel joins.
    Lead(char),
    /// A syllable without a final consonant, which one joins.
    Syllable(char),
}

impl Open {
    /// What a character that was written by itself leaves open.
    fn after(c: char) -> Self {
        match number(c, LEAD, LEADS) {
            Some(_) => Self::Lead(c),
            None => Self::Nothing,
        }
    }

    /// The syllable that `c` makes of what is open, and what it leaves open itself.
    fn join(self, c: char) -> Option<(char, Self)> {
        match self {
            Self::Nothing => None,
            Self::Lead(lead) => {
                let (l, v) = (number(lead, LEAD, LEADS)?, number(c, VOWEL, VOWELS)?);
                let syllable = char::from_u32(SYLLABLE + (l * VOWELS + v) * FINALS)?;
                Some((syllable, Self::Syllable(syllable)))
            }
            Self::Syllable(syllable) => {
                let t = number(c, FINAL, FINALS).filter(|&t| t > 0)?;
                Some((char::from_u32(u32::from(syllable) + t)?, Self::Nothing))
            }
        }
    }

    /// The character that waits to be written.
    fn waiting(self) -> Option<char> {
        match self {
            Self::Nothing => None,
            Self::Lead(c) | Self::Syllable(c) => Some(c),
        }
    }
}

/// Whether `c` is one of the letters that make up syllables.
pub(super) fn is_conjoining(c: char) -> bool {
    ('\u{1100}'..='\u{11ff}').contains(&c)
}

fn number(c: char, first: u32, count: u32) -> Option<u32> {
    u32::from(c).checked_sub(first).filter(|&number| number < count)
}

/// The jamo of a syllable; the final consonant may be missing.
fn apart(syllable: char) -> Option<(char, char, Option<char>)> {
    let at = number(syllable, SYLLABLE, LEADS * VOWELS * FINALS)?;
    let (l, v, t) = (at / FINALS / VOWELS, at / FINALS % VOWELS, at % FINALS);
    let last = char::from_u32(FINAL + t).filter(|_| t > 0);
    Some((char::from_u32(LEAD + l)?, char::from_u32(VOWEL + v)?, last))
}

/// Takes syllables apart.
#[derive(Clone, Debug, Default)]
pub(super) struct Decomposer {
    /// What the composer holds when it has read all tokens so far.
    open: Open,
}

impl Decomposer {
    /// Calls `f` with the tokens of `unit`: jamo if it is a syllable, itself otherwise, after a
    /// [`SEAM`] where the composer would take it for part of a syllable.
    pub fn split(&mut self, unit: &str, f: &mut impl FnMut(&str)) {
        let Some(c) = only_char(unit) else {
            self.open = Open::Nothing;
            return f(unit);
        };
        let mut buffer = [0; 4];
        if let Some((lead, vowel, last)) = apart(c) {
            f(lead.encode_utf8(&mut buffer));
            f(vowel.encode_utf8(&mut buffer));
            if let Some(last) = last {
                f(last.encode_utf8(&mut buffer));
            }
            self.open = if last.is_none() { Open::Syllable(c) } else { Open::Nothing };
            return;
        }
        if self.open.join(c).is_some() {
            f(SEAM);
        }
        self.open = Open::after(c);
        f(unit);
    }
}

/// Puts syllables together.
#[derive(Clone, Debug, Default)]
pub(super) struct Composer {
    /// What the next token decides about: not written yet.
    open: Open,
}

impl Composer {
    /// Appends to `out` what is certain once `token` has come.
    pub fn push(&mut self, token: &str, out: &mut String) {
        let c = only_char(token);
        match c.and_then(|c| self.open.join(c)) {
            Some((_, open @ Open::Syllable(_))) => self.open = open,
            Some((syllable, _)) => {
                out.push(syllable);
                self.open = Open::Nothing;
            }
            None => {
                self.finish(out);
                self.open = c.map_or(Open::Nothing, Open::after);
                if self.open == Open::Nothing && token != SEAM {
                    out.push_str(token);
                }
            }
        }
    }

    /// Appends what was held back: nothing more joins it.
    pub fn finish(&mut self, out: &mut String) {
        out.extend(std::mem::take(&mut self.open).waiting());
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

    /// What each token lets out, and the end.
    fn pieces(tokens: &[&str]) -> Vec<String> {
        let mut composer = Composer::default();
        let mut pieces: Vec<String> = Vec::new();
        for token in tokens {
            let mut piece = String::new();
            composer.push(token, &mut piece);
            pieces.push(piece);
        }
        let mut rest = String::new();
        composer.finish(&mut rest);
        pieces.push(rest);
        pieces
    }

    #[test]
    fn every_syllable_comes_apart_as_unicode_says_and_together_again() {
        for syllable in '가'..='힣' {
            let tokens = split([syllable.to_string().as_str()]);
            let expected: Vec<String> = syllable.nfd().map(String::from).collect();
            assert_eq!(tokens, expected);
            let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
            assert_eq!(pieces(&tokens).concat(), syllable.to_string());
        }
    }

    #[test]
    fn half_a_syllable_waits_for_what_decides_it() {
        let han = ["\u{1112}", "\u{1161}", "\u{11ab}"];
        assert_eq!(pieces(&han), ["", "", "한", ""]);
        assert_eq!(pieces(&han[..2]), ["", "", "하"]);
        assert_eq!(pieces(&han[..1]), ["", "\u{1112}"]);
        assert_eq!(pieces(&["\u{1112}", "\u{1161}", "."]), ["", "", "하.", ""]);
        // What a model writes against the rules stands as it came.
        assert_eq!(pieces(&["\u{1161}", "\u{11ab}"]), ["\u{1161}", "\u{11ab}", ""]);
        assert_eq!(pieces(&["\u{1112}", SEAM, "\u{1161}"]), ["", "\u{1112}", "\u{1161}", ""]);
    }

    #[test]
    fn loose_jamo_are_parted_only_where_they_would_join() {
        assert_eq!(split(["\u{1112}", "\u{1161}"]), ["\u{1112}", SEAM, "\u{1161}"]);
        assert_eq!(split(["하", "\u{11ab}"]), ["\u{1112}", "\u{1161}", SEAM, "\u{11ab}"]);
        // The letter under the old vowel ᆞ, and what composition leaves alone, need no seam.
        assert_eq!(split(["\u{1112}", "\u{119e}", "\u{11ab}"]).len(), 3);
        assert_eq!(split(["한", "\u{11ab}", "ㅎ", "ㅏ"]).len(), 6);
    }
}
