//! From text to tokens and back: words or characters.
//!
//! What it does not know: ids and counts; cleaning, save for the spacing that a [`Joiner`] undoes.

mod characters;
mod join;
mod words;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use words::WordShaper;

pub use characters::{Capitals, Characters};
pub use join::Joiner;
pub use words::{Punctuation, Words};

/// How a text is split into tokens. In TOML: `{ kind = "words" }`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Splitter {
    /// At white space.
    Words(Words),
    /// Into Unicode scalar values.
    Characters(Characters),
}

impl Splitter {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::UnknownLanguage`](crate::Error::UnknownLanguage) when there is no stemmer.
    pub fn validate(&self) -> Result<()> {
        match self {
            Self::Words(words) => words.validate(),
            Self::Characters(_) => Ok(()),
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

    /// Starts splitting a text that comes in pieces.
    pub fn stream(&self) -> TokenStream {
        TokenStream(match self {
            Self::Words(words) => {
                State::Words { shaper: WordShaper::new(words), held: String::new() }
            }
            Self::Characters(characters) => State::Characters(*characters),
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
    Characters(Characters),
}

impl TokenStream {
    /// Takes the next piece and calls `f` with each token that is complete by now.
    pub fn push(&mut self, chunk: &str, f: &mut impl FnMut(&str)) {
        match &mut self.0 {
            State::Words { shaper, held } => {
                words::split(chunk, held, |word| shaper.shape(word, f))
            }
            State::Characters(characters) => characters.split(chunk, f),
        }
    }

    /// Calls `f` with the token that was held back, if any. The text has ended.
    pub fn finish(mut self, f: &mut impl FnMut(&str)) {
        if let State::Words { shaper, held } = &mut self.0
            && !held.is_empty()
        {
            shaper.shape(held, f);
        }
    }
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
        vec![
            words(Punctuation::Keep, false, None),
            words(Punctuation::Keep, true, Some("english")),
            words(Punctuation::Remove, true, None),
            Splitter::Characters(Characters { capitals: Capitals::Keep }),
            Splitter::Characters(Characters { capitals: Capitals::Lower }),
        ]
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

        #[test]
        fn characters_join_to_the_text(text in samples::text()) {
            let splitter = Splitter::Characters(Characters::default());
            let (mut joiner, mut joined) = (Joiner::new(&splitter, Some("|")), String::new());
            splitter.for_each_token(&text, |token| joiner.push(token, &mut joined));
            prop_assert_eq!(joined, text);
        }
    }
}
