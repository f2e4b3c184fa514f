//! Characters as tokens: what counts as one, and what becomes of capitals and Hangul syllables.
//!
//! What it does not know: words.

use serde::{Deserialize, Serialize};

use super::graphemes::Clusters;
use super::hangul::{Composer, Decomposer, SEAM, is_conjoining};
use super::only_char;
use super::shift::{self, SHIFT, Shift};
use crate::chars::push_lower;

/// Settings of splitting into characters. All of them go together.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Characters {
    /// What counts as a character.
    #[serde(default)]
    pub unit: Unit,
    /// What becomes of capitals.
    #[serde(default)]
    pub capitals: Capitals,
    /// Whether a Hangul syllable gives a token for each of its jamo: 67 tokens write all 11,172
    /// syllables, those that training never met included.
    #[serde(default)]
    pub jamo: bool,
}

impl Characters {
    /// Whether `token` is text by itself: neither a key nor part of a syllable.
    pub(super) fn stands_alone(self, token: &str) -> bool {
        let is_jamo = || only_char(token).is_some_and(is_conjoining);
        token != SHIFT && token != SEAM && !(self.jamo && is_jamo())
    }
}

/// What counts as a character.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// A Unicode scalar value.
    #[default]
    Scalars,
    /// What a reader takes for one: an extended grapheme cluster, such as a letter with its marks
    /// or an emoji of several parts.
    Graphemes,
}

/// What becomes of capitals among characters.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Capitals {
    /// They stay, as tokens of their own.
    #[default]
    Keep,
    /// They become small letters.
    Lower,
    /// They become the token [`SHIFT`] and the small letter, which a joiner turns back.
    Shift,
}

/// Splitting into characters under way.
pub(super) struct CharacterStream {
    characters: Characters,
    lower: String,
    clusters: Clusters,
    decomposer: Decomposer,
}

impl CharacterStream {
    pub fn new(characters: Characters) -> Self {
        let (clusters, decomposer) = (Clusters::default(), Decomposer::default());
        Self { characters, lower: String::new(), clusters, decomposer }
    }

    pub fn push(&mut self, chunk: &str, f: &mut impl FnMut(&str)) {
        let Self { characters, lower, clusters, decomposer } = self;
        let chunk = match characters.capitals {
            Capitals::Keep | Capitals::Shift => chunk,
            Capitals::Lower => {
                lower.clear();
                push_lower(chunk, lower);
                lower
            }
        };
        match characters.unit {
            Unit::Scalars => each(chunk, |unit| shape(*characters, decomposer, unit, f)),
            Unit::Graphemes => {
                clusters.push(chunk, |unit| shape(*characters, decomposer, unit, f));
            }
        }
    }

    pub fn finish(self, f: &mut impl FnMut(&str)) {
        let Self { characters, clusters, mut decomposer, .. } = self;
        clusters.finish(|unit| shape(characters, &mut decomposer, unit, f));
    }
}

/// Calls `f` with the tokens of one character.
#[inline]
fn shape(
    characters: Characters,
    decomposer: &mut Decomposer,
    unit: &str,
    f: &mut impl FnMut(&str),
) {
    let small = match characters.capitals {
        Capitals::Shift => shift::lowered(unit),
        Capitals::Keep | Capitals::Lower => None,
    };
    if small.is_some() {
        f(SHIFT);
    }
    let unit = small.as_deref().unwrap_or(unit);
    match characters.jamo {
        true => decomposer.split(unit, f),
        false => f(unit),
    }
}

#[inline]
fn each(text: &str, mut f: impl FnMut(&str)) {
    let mut rest = text;
    while let Some(&byte) = rest.as_bytes().first() {
        // A character of ASCII is not decoded: it is most of what many texts hold.
        let length = match byte {
            0..128 => 1,
            _ => rest.chars().next().map_or(1, char::len_utf8),
        };
        let (character, tail) = rest.split_at(length);
        f(character);
        rest = tail;
    }
}

/// From characters back to text.
#[derive(Clone, Debug)]
pub(super) struct CharacterJoiner {
    shift: Option<Shift>,
    composer: Option<Composer>,
}

impl CharacterJoiner {
    pub fn new(characters: Characters) -> Self {
        Self {
            shift: (characters.capitals == Capitals::Shift).then(Shift::default),
            composer: characters.jamo.then(Composer::default),
        }
    }

    /// Appends to `out` what is certain once `token` has come.
    pub fn push(&mut self, token: &str, out: &mut String) {
        let Self { shift, composer } = self;
        let mut compose = |piece: &str| match composer {
            Some(composer) => composer.push(piece, out),
            None => out.push_str(piece),
        };
        match shift {
            Some(shift) => shift.push(token, compose),
            None => compose(token),
        }
    }

    /// Appends what was held back. A shift key stays pressed: it is no text that could wait.
    pub fn finish(&mut self, out: &mut String) {
        self.composer.iter_mut().for_each(|composer| composer.finish(out));
    }
}

#[cfg(test)]
mod tests {
    use super::super::Splitter;
    use super::super::tests::tokens;
    use super::*;

    fn characters(unit: Unit, capitals: Capitals, jamo: bool, text: &str) -> Vec<String> {
        tokens(&Splitter::Characters(Characters { unit, capitals, jamo }), text)
    }

    #[test]
    fn every_scalar_is_a_token() {
        let text = "Aé한\n🦊";
        let found = characters(Unit::Scalars, Capitals::Keep, false, text);
        assert_eq!(found, ["A", "é", "한", "\n", "🦊"]);
        let found = characters(Unit::Scalars, Capitals::Lower, false, "AÉİ");
        assert_eq!(found, ["a", "é", "i", "\u{307}"]);
    }

    #[test]
    fn every_cluster_is_a_token() {
        let found = characters(Unit::Graphemes, Capitals::Lower, false, "AE\u{301}İ👍🏽\r\n");
        assert_eq!(found, ["a", "e\u{301}", "i\u{307}", "👍🏽", "\r\n"]);
    }

    #[test]
    fn capitals_and_syllables_come_apart_together() {
        let expected = [SHIFT, "b", " ", SHIFT, "e\u{301}", "\u{110b}", "\u{1167}", "ẞ"];
        assert_eq!(characters(Unit::Graphemes, Capitals::Shift, true, "B E\u{301}여ẞ"), expected);
        let expected = [SHIFT, "b", " ", SHIFT, "e", "\u{301}", "\u{110b}", "\u{1167}", "ẞ"];
        assert_eq!(characters(Unit::Scalars, Capitals::Shift, true, "B E\u{301}여ẞ"), expected);
    }
}
