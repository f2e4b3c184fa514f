//! From text to tokens and back: words or characters.
//!
//! What it does not know: ids and counts; cleaning, save for the spacing that a [`Joiner`] undoes.

mod characters;
mod graphemes;
mod hangul;
mod join;
mod shift;
mod spacing;
mod words;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::passage;
use characters::CharacterStream;
use words::WordShaper;

pub use characters::{Capitals, Characters, Unit};
pub use hangul::SEAM;
pub use join::Joiner;
pub use shift::SHIFT;
pub use words::{Punctuation, Words};

/// How a text is split into tokens. In TOML: `{ kind = "words" }`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Splitter {
    /// At white space.
    Words(Words),
    /// Into characters.
    Characters(Characters),
    /// Into words that know where they stand ([`crate::passage`]), lower-cased. A text is cut when all of it is
    /// there.
    Passage,
}

impl Splitter {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::UnknownLanguage`](crate::Error::UnknownLanguage) when there is no stemmer.
    pub fn validate(&self) -> Result<()> {
        match self {
            Self::Words(words) => words.validate(),
            Self::Characters(_) | Self::Passage => Ok(()),
        }
    }

    /// Calls `f` with each token of a whole text, in order.
    ///
    /// A language that [`validate`](Self::validate) would refuse leaves words unstemmed.
    pub fn for_each_token(&self, text: &str, f: impl FnMut(&str)) {
        let mut stream = self.stream();
        let mut f = f;
        stream.push(text, &mut f);
        stream.finish(&mut f);
    }

    /// Whether `token` is text by itself: a shift key and the parts of a syllable are none.
    pub fn stands_alone(&self, token: &str) -> bool {
        match self {
            Self::Words(_) | Self::Passage => true,
            Self::Characters(characters) => characters.stands_alone(token),
        }
    }

    /// Starts splitting a text that comes in pieces.
    pub fn stream(&self) -> TokenStream {
        TokenStream(match self {
            Self::Words(words) => {
                State::Words { shaper: WordShaper::new(words), held: String::new() }
            }
            Self::Characters(characters) => State::Characters(CharacterStream::new(*characters)),
            Self::Passage => State::Passage(String::new()),
        })
    }
}

/// Splitting under way. A token that two pieces share comes out whole.
pub struct TokenStream(State);

enum State {
    Words {
        shaper: WordShaper,
        /// The beginning of a word whose end has not come yet.
        held: String,
    },
    Characters(CharacterStream),
    /// The text so far.
    Passage(String),
}

impl TokenStream {
    /// Takes the next piece and calls `f` with each token that is complete by now.
    pub fn push(&mut self, chunk: &str, f: &mut impl FnMut(&str)) {
        match &mut self.0 {
            State::Words { shaper, held } => {
                words::split(chunk, held, |word| shaper.shape(word, f))
            }
            State::Characters(characters) => characters.push(chunk, f),
            State::Passage(text) => text.push_str(chunk),
        }
    }

    /// Calls `f` with the token that was held back, if any. The text has ended.
    pub fn finish(self, f: &mut impl FnMut(&str)) {
        match self.0 {
            State::Words { mut shaper, held } if !held.is_empty() => shaper.shape(&held, f),
            State::Words { .. } => {}
            State::Characters(characters) => characters.finish(f),
            State::Passage(text) => passage::words(&text).iter().for_each(|word| f(&word.key)),
        }
    }
}

/// The character that `text` is, if it is a single one.
#[inline]
fn only_char(text: &str) -> Option<char> {
    let mut chars = text.chars();
    chars.next().filter(|_| chars.as_str().is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::samples;

    fn every_splitter() -> Vec<Splitter> {
        let words = |punctuation, lower_case, stem: Option<&str>| {
            Splitter::Words(Words { punctuation, lower_case, stem: stem.map(str::to_owned) })
        };
        let words = [
            words(Punctuation::Keep, false, None),
            words(Punctuation::Keep, true, Some("english")),
            words(Punctuation::Remove, true, None),
        ];
        let characters = every_character_splitter().into_iter().map(Splitter::Characters);
        words.into_iter().chain(characters).collect()
    }

    pub(super) fn every_character_splitter() -> Vec<Characters> {
        let mut all = Vec::new();
        for unit in [Unit::Scalars, Unit::Graphemes] {
            for capitals in [Capitals::Keep, Capitals::Lower, Capitals::Shift] {
                all.extend([false, true].map(|jamo| Characters { unit, capitals, jamo }));
            }
        }
        all
    }

    pub(super) fn tokens(splitter: &Splitter, text: &str) -> Vec<String> {
        let mut tokens = Vec::new();
        splitter.for_each_token(text, |token| tokens.push(token.to_owned()));
        tokens
    }

    #[test]
    fn settings_are_written_as_tables() {
        let words: Splitter = toml::from_str("kind = \"words\"\nlower_case = true").unwrap();
        assert_eq!(words, Splitter::Words(Words { lower_case: true, ..Words::default() }));
        let characters: Splitter = toml::from_str("kind = \"characters\"").unwrap();
        assert_eq!(characters, Splitter::Characters(Characters::default()));
        let written =
            "kind = \"characters\"\nunit = \"graphemes\"\ncapitals = \"shift\"\njamo = true";
        let full = Characters { unit: Unit::Graphemes, capitals: Capitals::Shift, jamo: true };
        assert_eq!(toml::from_str::<Splitter>(written).unwrap(), Splitter::Characters(full));
        assert!(toml::from_str::<Splitter>("kind = \"words\"\nlower = true").is_err());
        assert!(toml::from_str::<Splitter>("kind = \"characters\"\nstem = \"english\"").is_err());
        for splitter in every_splitter() {
            let json = serde_json::to_string(&splitter).unwrap();
            assert_eq!(serde_json::from_str::<Splitter>(&json).unwrap(), splitter);
        }
    }

    proptest! {
        #![proptest_config(samples::cases(512))]

        #[test]
        fn pieces_or_whole_the_tokens_are_the_same((text, cuts) in samples::text_and_cuts()) {
            for splitter in every_splitter() {
                let mut stream = splitter.stream();
                let mut streamed = Vec::new();
                let mut take = |token: &str| streamed.push(token.to_owned());
                for piece in samples::cut(&text, &cuts) {
                    stream.push(piece, &mut take);
                }
                stream.finish(&mut take);
                prop_assert_eq!(streamed, tokens(&splitter, &text), "{:?}", splitter);
            }
        }
    }
}
