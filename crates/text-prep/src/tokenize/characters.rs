//! Character tokens, with options for grapheme clusters, capitals and Hangul syllables.

use serde::{Deserialize, Serialize};

use super::graphemes::Clusters;
use super::hangul::{Composer, Decomposer, JAMO_SEPARATOR, is_conjoining};
use super::only_char;
use super::shift::{self, SHIFT, Shift};
use crate::chars::push_lower;

/// Options of character tokens. All combinations are valid.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct CharacterOptions {
    /// What counts as a character.
    #[serde(default)]
    pub unit: CharacterUnit,
    /// How capitals are tokenized.
    #[serde(default)]
    pub capitals: Capitals,
    /// Whether a Hangul syllable is split into one token for each of its jamo: 67 tokens cover all
    /// 11,172 syllables, including those not in the training text.
    #[serde(default)]
    pub jamo: bool,
}

impl CharacterOptions {
    /// Sets [`unit`](Self#structfield.unit).
    pub fn unit(self, unit: CharacterUnit) -> Self {
        Self { unit, ..self }
    }

    /// Sets [`capitals`](Self#structfield.capitals).
    pub fn capitals(self, capitals: Capitals) -> Self {
        Self { capitals, ..self }
    }

    /// Sets [`jamo`](Self#structfield.jamo).
    pub fn jamo(self, jamo: bool) -> Self {
        Self { jamo, ..self }
    }

    /// Whether `token` is text by itself: no control token and not part of a syllable.
    pub(super) fn is_standalone(self, token: &str) -> bool {
        let is_jamo = || only_char(token).is_some_and(is_conjoining);
        token != SHIFT && token != JAMO_SEPARATOR && !(self.jamo && is_jamo())
    }
}

/// What counts as a character.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum CharacterUnit {
    /// A Unicode scalar value.
    #[default]
    Scalars,
    /// An extended grapheme cluster, such as a letter with its combining marks or an emoji of several
    /// parts.
    Graphemes,
}

/// How capitals are tokenized.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Capitals {
    /// As separate tokens.
    #[default]
    Keep,
    /// As lower-case letters.
    Lower,
    /// As the token [`SHIFT`] followed by the lower-case letter; the detokenizer restores the capital.
    Shift,
}

/// Splits one text into characters, in chunks.
pub(super) struct CharacterStream {
    options: CharacterOptions,
    lower: String,
    clusters: Clusters,
    decomposer: Decomposer,
}

impl CharacterStream {
    pub fn new(options: CharacterOptions) -> Self {
        let (clusters, decomposer) = (Clusters::default(), Decomposer::default());
        Self { options, lower: String::new(), clusters, decomposer }
    }

    pub fn push(&mut self, chunk: &str, f: &mut impl FnMut(&str)) {
        let Self { options, lower, clusters, decomposer } = self;
        let chunk = match options.capitals {
            Capitals::Keep | Capitals::Shift => chunk,
            Capitals::Lower => {
                lower.clear();
                push_lower(chunk, lower);
                lower
            }
        };
        match options.unit {
            CharacterUnit::Scalars => {
                for_each_scalar(chunk, |unit| tokens_of(*options, decomposer, unit, f));
            }
            CharacterUnit::Graphemes => {
                clusters.push(chunk, |unit| tokens_of(*options, decomposer, unit, f));
            }
        }
    }

    pub fn finish(self, f: &mut impl FnMut(&str)) {
        let Self { options, clusters, mut decomposer, .. } = self;
        clusters.finish(|unit| tokens_of(options, &mut decomposer, unit, f));
    }
}

/// Calls `f` with the tokens of one character.
#[inline]
fn tokens_of(options: CharacterOptions, decomposer: &mut Decomposer, unit: &str, f: &mut impl FnMut(&str)) {
    let lower = match options.capitals {
        Capitals::Shift => shift::lower_first(unit),
        Capitals::Keep | Capitals::Lower => None,
    };
    if lower.is_some() {
        f(SHIFT);
    }
    let unit = lower.as_deref().unwrap_or(unit);
    if options.jamo { decomposer.split(unit, f) } else { f(unit) }
}

#[inline]
fn for_each_scalar(text: &str, mut f: impl FnMut(&str)) {
    let mut rest = text;
    while let Some(&byte) = rest.as_bytes().first() {
        // Fast path without decoding: most characters of many texts are ASCII.
        let length = match byte {
            0..128 => 1,
            _ => rest.chars().next().map_or(1, char::len_utf8),
        };
        let (character, tail) = rest.split_at(length);
        f(character);
        rest = tail;
    }
}

/// Joins character tokens to text.
#[derive(Clone, Debug)]
pub(super) struct CharacterDetokenizer {
    shift: Option<Shift>,
    composer: Option<Composer>,
}

impl CharacterDetokenizer {
    pub fn new(options: CharacterOptions) -> Self {
        Self {
            shift: (options.capitals == Capitals::Shift).then(Shift::default),
            composer: options.jamo.then(Composer::default),
        }
    }

    /// Processes `token` and appends the text that is already determined to `out`.
    pub fn push(&mut self, token: &str, out: &mut String) {
        let Self { shift, composer } = self;
        let mut compose = |text: &str| match composer {
            Some(composer) => composer.push(text, out),
            None => out.push_str(text),
        };
        match shift {
            Some(shift) => shift.push(token, compose),
            None => compose(token),
        }
    }

    /// Forgets a pending [`SHIFT`].
    pub fn end_document(&mut self) {
        self.shift = self.shift.take().map(|_| Shift::default());
    }

    /// Appends the buffered text. A pending [`SHIFT`] stays pending, because it is not text.
    pub fn finish(&mut self, out: &mut String) {
        self.composer.iter_mut().for_each(|composer| composer.finish(out));
    }
}

#[cfg(test)]
mod tests {
    use super::super::PreTokenizer;
    use super::super::tests::tokens;
    use super::*;

    fn characters(unit: CharacterUnit, capitals: Capitals, jamo: bool, text: &str) -> Vec<String> {
        tokens(&PreTokenizer::Characters(CharacterOptions { unit, capitals, jamo }), text)
    }

    #[test]
    fn with_scalars_every_scalar_is_a_token() {
        let text = "Aé한\n🦊";
        let found = characters(CharacterUnit::Scalars, Capitals::Keep, false, text);
        assert_eq!(found, ["A", "é", "한", "\n", "🦊"]);
        let found = characters(CharacterUnit::Scalars, Capitals::Lower, false, "AÉİ");
        assert_eq!(found, ["a", "é", "i", "\u{307}"]);
    }

    #[test]
    fn with_graphemes_every_cluster_is_a_token() {
        let found = characters(CharacterUnit::Graphemes, Capitals::Lower, false, "AE\u{301}İ👍🏽\r\n");
        assert_eq!(found, ["a", "e\u{301}", "i\u{307}", "👍🏽", "\r\n"]);
    }

    #[test]
    fn capitals_and_syllables_can_both_be_split() {
        let expected = [SHIFT, "b", " ", SHIFT, "e\u{301}", "\u{110b}", "\u{1167}", "ẞ"];
        assert_eq!(characters(CharacterUnit::Graphemes, Capitals::Shift, true, "B E\u{301}여ẞ"), expected);
        let expected = [SHIFT, "b", " ", SHIFT, "e", "\u{301}", "\u{110b}", "\u{1167}", "ẞ"];
        assert_eq!(characters(CharacterUnit::Scalars, Capitals::Shift, true, "B E\u{301}여ẞ"), expected);
    }
}
