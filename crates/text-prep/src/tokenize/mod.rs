//! Pre-tokenizers (text to words or characters) and the detokenizer (tokens to text).

mod characters;
mod detokenizer;
mod graphemes;
mod hangul;
mod shift;
mod unspaced_spacing;
mod unspaced_words;
mod word_spacing;
mod words;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::segmentation::Segmentation;
use crate::spans;
use crate::subwords::{self, SubwordOptions, SubwordStream};
use characters::CharacterStream;
use words::WordNormalizer;

pub use characters::{Capitals, CharacterOptions, CharacterUnit};
pub use detokenizer::{AddedText, Detokenizer};
pub use hangul::JAMO_SEPARATOR;
pub use shift::SHIFT;
pub(crate) use words::NEWLINE;
pub use words::{Punctuation, WordOptions};

/// Splits text into tokens. In TOML: `{ kind = "words" }`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum PreTokenizer {
    /// Words separated by white space.
    Words(WordOptions),
    /// Characters.
    Characters(CharacterOptions),
    /// The keys of [`crate::spans::words()`]. Buffers the whole text before it is split.
    #[serde(rename = "passage")]
    Spans(SpanOptions),
    /// Pieces of text that a vocabulary of subwords divides further: letters, digits or punctuation with the space before
    /// them, and white space.
    Subwords(SubwordOptions),
}

/// Options of [`PreTokenizer::Spans`].
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct SpanOptions {
    /// Where words end.
    #[serde(default, skip_serializing_if = "Segmentation::is_spaces")]
    pub segmentation: Segmentation,
}

impl From<WordOptions> for PreTokenizer {
    fn from(options: WordOptions) -> Self {
        Self::Words(options)
    }
}

impl From<CharacterOptions> for PreTokenizer {
    fn from(options: CharacterOptions) -> Self {
        Self::Characters(options)
    }
}

impl From<SubwordOptions> for PreTokenizer {
    fn from(options: SubwordOptions) -> Self {
        Self::Subwords(options)
    }
}

impl PreTokenizer {
    /// Checks the options.
    ///
    /// # Errors
    /// [`Error::UnknownLanguage`](crate::Error::UnknownLanguage) if there is no stemmer for the language.
    pub fn validate(&self) -> Result<()> {
        match self {
            Self::Words(words) => words.validate(),
            Self::Characters(_) | Self::Spans(_) | Self::Subwords(_) => Ok(()),
        }
    }

    /// Calls `f` with each token of a whole text, in order.
    ///
    /// Words are not stemmed if [`validate`](Self::validate) rejects the language.
    pub fn for_each_token(&self, text: &str, f: impl FnMut(&str)) {
        let mut stream = self.stream();
        let mut f = f;
        stream.push(text, &mut f);
        stream.finish(&mut f);
    }

    /// Whether `token` is text by itself, unlike [`SHIFT`], [`JAMO_SEPARATOR`], the parts of a syllable and subwords that
    /// are not UTF-8.
    pub fn is_standalone(&self, token: &str) -> bool {
        match self {
            Self::Subwords(_) => subwords::is_text(token),
            Self::Words(_) | Self::Spans(_) => true,
            Self::Characters(characters) => characters.is_standalone(token),
        }
    }

    /// Where words end; [`Segmentation::Spaces`] for characters and subwords.
    pub fn segmentation(&self) -> Segmentation {
        match self {
            Self::Words(words) => words.segmentation,
            Self::Spans(spans) => spans.segmentation,
            Self::Characters(_) | Self::Subwords(_) => Segmentation::Spaces,
        }
    }

    /// Starts splitting a text in chunks.
    pub fn stream(&self) -> TokenStream {
        TokenStream(match self {
            Self::Words(words) => State::Words { normalizer: WordNormalizer::new(words), pending: String::new() },
            Self::Characters(characters) => State::Characters(CharacterStream::new(*characters)),
            Self::Subwords(_) => State::Subwords(SubwordStream::default()),
            Self::Spans(SpanOptions { segmentation }) => {
                State::Spans { text: String::new(), segmentation: *segmentation }
            }
        })
    }
}

/// Splits one text in chunks. A token may span several chunks.
pub struct TokenStream(State);

enum State {
    Words {
        normalizer: WordNormalizer,
        /// The incomplete word at the end of the input so far.
        pending: String,
    },
    Characters(CharacterStream),
    Subwords(SubwordStream),
    Spans {
        /// The input so far.
        text: String,
        segmentation: Segmentation,
    },
}

impl TokenStream {
    /// Processes the next chunk and calls `f` with each complete token.
    pub fn push(&mut self, chunk: &str, f: &mut impl FnMut(&str)) {
        match &mut self.0 {
            State::Words { normalizer, pending } => {
                words::split(chunk, pending, |word| normalizer.normalize(word, f));
            }
            State::Characters(characters) => characters.push(chunk, f),
            State::Subwords(subwords) => subwords.push(chunk, f),
            State::Spans { text, .. } => text.push_str(chunk),
        }
    }

    /// Ends the text and calls `f` with the remaining tokens.
    pub fn finish(self, f: &mut impl FnMut(&str)) {
        match self.0 {
            State::Words { mut normalizer, pending } if !pending.is_empty() => {
                normalizer.normalize(&pending, f);
            }
            State::Words { .. } => {}
            State::Characters(characters) => characters.finish(f),
            State::Subwords(subwords) => subwords.finish(f),
            State::Spans { text, segmentation } => {
                spans::words(&text, segmentation).iter().for_each(|word| f(&word.key));
            }
        }
    }
}

/// The character in `text`, if there is exactly one.
#[inline]
fn only_char(text: &str) -> Option<char> {
    let mut chars = text.chars();
    chars.next().filter(|_| chars.as_str().is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::test_strategies;

    fn pre_tokenizers() -> Vec<PreTokenizer> {
        let words = |punctuation, lower_case, stem: Option<&str>| {
            let stem = stem.map(str::to_owned);
            PreTokenizer::Words(WordOptions { punctuation, lower_case, stem, ..WordOptions::default() })
        };
        let words = [
            words(Punctuation::Keep, false, None),
            words(Punctuation::Keep, true, Some("english")),
            words(Punctuation::Remove, true, None),
        ];
        let divided = [Punctuation::Keep, Punctuation::Remove].map(|punctuation| {
            WordOptions::default().punctuation(punctuation).segmentation(Segmentation::Dictionary).into()
        });
        let characters = character_options().into_iter().map(PreTokenizer::Characters);
        let subwords = PreTokenizer::Subwords(SubwordOptions::default());
        words.into_iter().chain(divided).chain(characters).chain([subwords]).collect()
    }

    pub(super) fn character_options() -> Vec<CharacterOptions> {
        let mut all = Vec::new();
        for unit in [CharacterUnit::Scalars, CharacterUnit::Graphemes] {
            for capitals in [Capitals::Keep, Capitals::Lower, Capitals::Shift] {
                all.extend([false, true].map(|jamo| CharacterOptions { unit, capitals, jamo }));
            }
        }
        all
    }

    pub(super) fn tokens(pre_tokenizer: &PreTokenizer, text: &str) -> Vec<String> {
        let mut tokens = Vec::new();
        pre_tokenizer.for_each_token(text, |token| tokens.push(token.to_owned()));
        tokens
    }

    #[test]
    fn options_are_written_as_tables() {
        let words: PreTokenizer = toml::from_str("kind = \"words\"\nlower_case = true").unwrap();
        assert_eq!(words, PreTokenizer::Words(WordOptions::default().lower_case(true)));
        let characters: PreTokenizer = toml::from_str("kind = \"characters\"").unwrap();
        assert_eq!(characters, PreTokenizer::Characters(CharacterOptions::default()));
        let written = "kind = \"characters\"\nunit = \"graphemes\"\ncapitals = \"shift\"\njamo = true";
        let full = CharacterOptions { unit: CharacterUnit::Graphemes, capitals: Capitals::Shift, jamo: true };
        assert_eq!(toml::from_str::<PreTokenizer>(written).unwrap(), PreTokenizer::Characters(full));
        assert!(toml::from_str::<PreTokenizer>("kind = \"words\"\nlower = true").is_err());
        assert!(toml::from_str::<PreTokenizer>("kind = \"characters\"\nstem = \"english\"").is_err());
        for pre_tokenizer in pre_tokenizers() {
            let json = serde_json::to_string(&pre_tokenizer).unwrap();
            assert_eq!(serde_json::from_str::<PreTokenizer>(&json).unwrap(), pre_tokenizer);
        }
    }

    proptest! {
        #![proptest_config(test_strategies::cases(512))]

        #[test]
        fn splitting_in_chunks_equals_splitting_at_once((text, cuts) in test_strategies::text_and_cuts()) {
            for pre_tokenizer in pre_tokenizers() {
                let mut stream = pre_tokenizer.stream();
                let mut streamed = Vec::new();
                let mut collect = |token: &str| streamed.push(token.to_owned());
                for chunk in test_strategies::cut(&text, &cuts) {
                    stream.push(chunk, &mut collect);
                }
                stream.finish(&mut collect);
                prop_assert_eq!(streamed, tokens(&pre_tokenizer, &text), "{:?}", pre_tokenizer);
            }
        }
    }
}
