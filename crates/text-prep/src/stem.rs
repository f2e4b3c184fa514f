//! Snowball stemmers: `running` → `run`, for analysis and matching.
//!
//! Stems cannot be turned back into words, so a generative model should not be trained on them.

use std::borrow::Cow;

use rust_stemmers::Algorithm;

use crate::error::{Error, Result};

/// Supported languages by their English names.
const LANGUAGES: [(&str, Algorithm); 18] = [
    ("arabic", Algorithm::Arabic),
    ("danish", Algorithm::Danish),
    ("dutch", Algorithm::Dutch),
    ("english", Algorithm::English),
    ("finnish", Algorithm::Finnish),
    ("french", Algorithm::French),
    ("german", Algorithm::German),
    ("greek", Algorithm::Greek),
    ("hungarian", Algorithm::Hungarian),
    ("italian", Algorithm::Italian),
    ("norwegian", Algorithm::Norwegian),
    ("portuguese", Algorithm::Portuguese),
    ("romanian", Algorithm::Romanian),
    ("russian", Algorithm::Russian),
    ("spanish", Algorithm::Spanish),
    ("swedish", Algorithm::Swedish),
    ("tamil", Algorithm::Tamil),
    ("turkish", Algorithm::Turkish),
];

/// Stems words with the algorithms of <https://snowballstem.org>.
pub struct Stemmer(rust_stemmers::Stemmer);

impl Stemmer {
    /// A stemmer for `language`, an English name in lower case.
    ///
    /// # Errors
    /// [`Error::UnknownLanguage`], with a list of all languages.
    pub fn new(language: &str) -> Result<Self> {
        LANGUAGES
            .iter()
            .find(|(name, _)| *name == language)
            .map(|&(_, algorithm)| Self(rust_stemmers::Stemmer::create(algorithm)))
            .ok_or_else(|| Error::UnknownLanguage {
                language: language.to_owned(),
                known: Self::languages().collect::<Vec<_>>().join(", "),
            })
    }

    /// All supported languages, in alphabetical order.
    pub fn languages() -> impl Iterator<Item = &'static str> {
        LANGUAGES.iter().map(|(name, _)| *name)
    }

    /// The stem of one word, which should be in lower case.
    pub fn stem<'a>(&self, word: &'a str) -> Cow<'a, str> {
        self.0.stem(word)
    }
}

impl std::fmt::Debug for Stemmer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stemmer")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::test_strategies;

    /// From the sample vocabulary on <https://snowballstem.org/algorithms/english/stemmer.html>.
    #[test]
    fn english_stems_match_the_snowball_vocabulary() {
        let stemmer = Stemmer::new("english").unwrap();
        for (word, stem) in [("consigned", "consign"), ("knightly", "knight"), ("knots", "knot")] {
            assert_eq!(stemmer.stem(word), stem);
        }
        assert_eq!(stemmer.stem("여우"), "여우");
    }

    #[test]
    fn the_error_for_an_unknown_language_lists_all_languages() {
        let message = Stemmer::new("klingon").unwrap_err().to_string();
        assert!(message.contains("`klingon`") && message.contains("english, finnish"), "{message}");
    }

    proptest! {
        #![proptest_config(test_strategies::cases(256))]

        #[test]
        fn no_stemmer_panics_on_words_of_any_script(text in test_strategies::text()) {
            for language in Stemmer::languages() {
                let stemmer = Stemmer::new(language).unwrap();
                for word in text.split_whitespace() {
                    stemmer.stem(word);
                }
            }
        }
    }
}
