//! Characters: one token for every Unicode scalar value.
//!
//! What it does not know: words, and what a reader takes for one character.

use serde::{Deserialize, Serialize};

use crate::chars::push_lower;

/// Settings of splitting into characters.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Characters {
    /// What becomes of capitals.
    #[serde(default)]
    pub capitals: Capitals,
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
}

impl Characters {
    pub(super) fn split(self, chunk: &str, f: &mut impl FnMut(&str)) {
        match self.capitals {
            Capitals::Keep => each(chunk, f),
            Capitals::Lower => {
                let mut lower = String::new();
                push_lower(chunk, &mut lower);
                each(&lower, f);
            }
        }
    }
}

fn each(text: &str, f: &mut impl FnMut(&str)) {
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (character, tail) = rest.split_at(c.len_utf8());
        f(character);
        rest = tail;
    }
}

#[cfg(test)]
mod tests {
    use super::super::Splitter;
    use super::super::tests::tokens;
    use super::*;

    #[test]
    fn every_scalar_is_a_token() {
        let keep = Splitter::Characters(Characters::default());
        assert_eq!(tokens(&keep, "Aé한\n🦊"), ["A", "é", "한", "\n", "🦊"]);
        let lower = Splitter::Characters(Characters { capitals: Capitals::Lower });
        assert_eq!(tokens(&lower, "AÉİ"), ["a", "é", "i", "\u{307}"]);
    }
}
