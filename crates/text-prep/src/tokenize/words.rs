//! Words: what stands between white space.
//!
//! What it does not know: how punctuation came to stand alone; cleaning does that.

use serde::{Deserialize, Serialize};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::chars::{find_white_space, is_extender, is_punctuation, push_lower};
use crate::error::Result;
use crate::stem::Stemmer;

/// Settings of splitting at white space.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// Whether punctuation gives tokens.
    #[serde(default)]
    pub punctuation: Punctuation,
    /// Whether capitals are lowered. Words stay in, or come into, Normalization Form C.
    #[serde(default)]
    pub lower_case: bool,
    /// The language whose stems take the words' places, such as `english`. For analysis and
    /// matching: stems cannot be turned back into words, and Snowball expects lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stem: Option<String>,
}

/// What becomes of punctuation among words.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Punctuation {
    /// It stays, as tokens where cleaning gave it spaces.
    #[default]
    Keep,
    /// It is taken from the edges of words, and words made of nothing else are left out.
    Remove,
}

impl Words {
    pub(super) fn validate(&self) -> Result<()> {
        self.stem.as_deref().map_or(Ok(()), |language| Stemmer::new(language).map(drop))
    }
}

/// Calls `f` with each word of `chunk` that is complete; `held` carries one over to the next.
pub(super) fn split(chunk: &str, held: &mut String, mut f: impl FnMut(&str)) {
    let mut start = 0;
    while let Some((at, length)) = find_white_space(chunk, start) {
        if !held.is_empty() {
            held.push_str(&chunk[start..at]);
            f(held);
            held.clear();
        } else if start < at {
            f(&chunk[start..at]);
        }
        start = at + length;
    }
    held.push_str(&chunk[start..]);
}

/// `word` without punctuation at its edges, nor what modified the punctuation. A mark behind a
/// letter belongs to the letter and stays.
fn trim_punctuation(word: &str) -> &str {
    let mut word = word.trim_start_matches(|c| is_punctuation(c) || is_extender(c));
    loop {
        let bare = word.trim_end_matches(is_extender);
        let trimmed = bare.trim_end_matches(is_punctuation);
        if trimmed.len() == bare.len() {
            return word;
        }
        word = trimmed;
    }
}

/// Gives a word the form in which it is counted.
pub(super) struct WordShaper {
    punctuation: Punctuation,
    lower_case: bool,
    stemmer: Option<Stemmer>,
    lower: String,
}

impl WordShaper {
    pub fn new(words: &Words) -> Self {
        Self {
            punctuation: words.punctuation,
            lower_case: words.lower_case,
            stemmer: words.stem.as_deref().and_then(|language| Stemmer::new(language).ok()),
            lower: String::new(),
        }
    }

    #[inline]
    pub fn shape(&mut self, word: &str, f: &mut impl FnMut(&str)) {
        let word = match self.punctuation {
            Punctuation::Keep => word,
            Punctuation::Remove => trim_punctuation(word),
        };
        let word = if self.lower_case {
            self.lower.clear();
            push_lower(word, &mut self.lower);
            // J̌ has no composed form, ǰ has: without this, cleaning the word again would change it.
            if !self.lower.is_ascii() && is_nfc_quick(self.lower.chars()) != IsNormalized::Yes {
                self.lower = self.lower.nfc().collect();
            }
            &self.lower
        } else {
            word
        };
        match &self.stemmer {
            _ if word.is_empty() => {}
            None => f(word),
            // A stemmer knows letters only; a word that it would make vanish stays.
            Some(stemmer) => match stemmer.stem(word) {
                stem if stem.is_empty() => f(word),
                stem => f(&stem),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Splitter;
    use super::super::tests::tokens;
    use super::*;

    fn words(words: Words, text: &str) -> Vec<String> {
        tokens(&Splitter::Words(words), text)
    }

    #[test]
    fn words_stand_between_white_space() {
        assert_eq!(
            words(Words::default(), " the  Fox\n,\u{3000}여우\u{a0}. "),
            ["the", "Fox", ",", "여우", "."]
        );
        assert!(words(Words::default(), " \n ").is_empty());
    }

    #[test]
    fn punctuation_can_be_removed_and_capitals_lowered() {
        let settings = Words { punctuation: Punctuation::Remove, lower_case: true, stem: None };
        assert_eq!(words(settings, "“Don't” , he -- (SAID) 3.5 …"), ["don't", "he", "said", "3.5"]);
        let settings = Words { punctuation: Punctuation::Remove, ..Words::default() };
        assert_eq!(words(settings, "👩\u{200d}🔬 ❤\u{fe0f}क्❤\u{fe0f}"), ["क्"]);
    }

    #[test]
    fn words_can_give_way_to_stems() {
        let settings = Words { lower_case: true, stem: Some("english".into()), ..Words::default() };
        assert_eq!(words(settings, "Foxes running , knots"), ["fox", "run", ",", "knot"]);
        assert!(Words { stem: Some("klingon".into()), ..Words::default() }.validate().is_err());
    }
}
