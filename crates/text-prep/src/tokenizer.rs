//! From text to ids and back: cleaner, splitter and vocabulary together, as saved with a model.
//!
//! What it does not know: files, models, and where ids go.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::clean::Cleaner;
use crate::error::{Error, Result};
use crate::source::Text;
use crate::text_stream::TextStream;
use crate::tokenize::{Joiner, Splitter};
use crate::vocabulary::Vocabulary;

/// All that is needed to turn text into a model's ids and ids into text.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Tokenizer {
    /// How text is cleaned, prompts included.
    pub cleaner: Cleaner,
    /// How cleaned text is split.
    pub splitter: Splitter,
    /// The ids of the tokens.
    pub vocabulary: Vocabulary,
    /// The token between two stories, if the text has one.
    #[serde(default)]
    pub story_mark: Option<String>,
    /// What became of rare tokens.
    pub rare: Rare,
}

/// What becomes, in training text, of tokens that are not in the vocabulary.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Rare {
    /// They become the unknown token.
    #[default]
    Unknown,
    /// They are left out.
    Drop,
}

/// What becomes, in a prompt, of tokens that are not in the vocabulary.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum UnseenPolicy {
    /// The prompt is refused, with the nearest known tokens.
    #[default]
    Error,
    /// They are left out.
    Skip,
    /// They become the unknown token.
    Unknown,
}

/// A prompt as ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoded {
    /// The ids, in order.
    pub ids: Vec<u32>,
    /// The tokens that are not in the vocabulary, in order, each time they came.
    pub unseen: Vec<String>,
}

/// What [`Tokenizer::encode_text`] met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EncodedCounts {
    /// All tokens of the text.
    pub tokens: u64,
    /// Those that became the unknown id.
    pub unknown: u64,
    /// Those left out because rare tokens are dropped.
    pub dropped: u64,
    /// Those left out because the vocabulary, for all that rare tokens should become unknown, has
    /// no id for it. A vocabulary counted on the whole text leaves none.
    pub without_id: u64,
}

impl EncodedCounts {
    /// How many ids came out.
    pub fn ids(&self) -> u64 {
        self.tokens - self.dropped - self.without_id
    }
}

impl Tokenizer {
    /// Cleans, splits and looks up a prompt.
    ///
    /// # Errors
    /// [`Error::Unseen`] for a token that is not in the vocabulary when `unseen` says so;
    /// [`Error::NoUnknownToken`] when it is to become unknown and there is no such id.
    pub fn encode_prompt(&self, text: &str, unseen: UnseenPolicy) -> Result<Encoded> {
        let mut encoded = Encoded::default();
        let unknown = match unseen {
            UnseenPolicy::Unknown => self.vocabulary.unknown_id(),
            UnseenPolicy::Error | UnseenPolicy::Skip => None,
        };
        self.splitter.for_each_token(&self.cleaner.clean(text), |token| {
            let id = self.vocabulary.id(token);
            if id.is_none() {
                encoded.unseen.push(token.to_owned());
            }
            encoded.ids.extend(id.or(unknown));
        });
        let Some(token) = encoded.unseen.first() else { return Ok(encoded) };
        match unseen {
            UnseenPolicy::Error => Err(Error::Unseen {
                token: token.clone(),
                others: encoded.unseen.iter().collect::<HashSet<_>>().len() - 1,
                nearest: self.vocabulary.nearest(token, 3).into_iter().map(str::to_owned).collect(),
            }),
            UnseenPolicy::Unknown if unknown.is_none() => {
                Err(Error::NoUnknownToken { token: token.clone() })
            }
            _ => Ok(encoded),
        }
    }

    /// Cleans, splits and looks up a text as training does, and calls `each` with every id.
    /// A token that is not in the vocabulary becomes the unknown id where there is one and is
    /// left out otherwise; the counts tell.
    ///
    /// # Errors
    /// When the text cannot be read to its end.
    pub fn encode_text(
        &self,
        text: &mut dyn Text,
        mut each: impl FnMut(u32),
    ) -> Result<EncodedCounts> {
        let mut counts = EncodedCounts::default();
        let unknown = self.vocabulary.unknown_id();
        let mut lookup = |token: &str| {
            counts.tokens += 1;
            match self.vocabulary.id(token).or(unknown) {
                Some(id) => {
                    counts.unknown += u64::from(Some(id) == unknown);
                    each(id);
                }
                None => match self.rare {
                    Rare::Drop => counts.dropped += 1,
                    Rare::Unknown => counts.without_id += 1,
                },
            }
        };
        let mut stream = TextStream::new(&self.cleaner, &self.splitter);
        while let Some(piece) = text.next_piece()? {
            stream.push(piece, |_| (), &mut lookup);
        }
        stream.finish(|_| (), &mut lookup);
        Ok(counts)
    }

    /// The text that the ids stand for. Padding stands for nothing; an id that does not exist
    /// shows as `<id 12345>`.
    pub fn decode(&self, ids: &[u32]) -> String {
        let mut joiner = self.joiner();
        for &id in ids {
            match self.vocabulary.token(id) {
                _ if id == Vocabulary::PADDING => "",
                Some(token) => joiner.push(token),
                None => joiner.push(&format!("<id {id}>")),
            };
        }
        joiner.into_text()
    }

    /// A joiner that undoes the spacing that this tokenizer's cleaning put in.
    pub fn joiner(&self) -> Joiner {
        Joiner::new(&self.splitter, self.story_mark.as_deref()).for_cleaner(&self.cleaner)
    }

    /// The id of the story mark, if there is one and the vocabulary knows it.
    pub fn story_mark_id(&self) -> Option<u32> {
        self.vocabulary.id(self.story_mark.as_deref()?)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::interner::Interner;
    use crate::samples;
    use crate::tokenize::{Capitals, Characters, Unit, Words};

    /// Characters with all that they can be asked for.
    pub(crate) fn every_setting() -> Characters {
        Characters { unit: Unit::Graphemes, capitals: Capitals::Shift, jamo: true }
    }

    pub(crate) fn fit(
        preset: &str,
        splitter: Splitter,
        text: &str,
        min_count: u64,
        unknown: bool,
    ) -> Tokenizer {
        let cleaner = Cleaner::preset(preset).unwrap();
        let mut interner = Interner::new();
        splitter.for_each_token(&cleaner.clean(text), |token| {
            interner.intern(token);
        });
        let vocabulary = Vocabulary::from_counts(interner.iter(), min_count, unknown);
        let rare = if unknown { Rare::Unknown } else { Rare::Drop };
        Tokenizer { cleaner, splitter, vocabulary, story_mark: Some("|".into()), rare }
    }

    pub(crate) fn book(text: &str, min_count: u64, unknown: bool) -> Tokenizer {
        fit("book", Splitter::Words(Words::default()), text, min_count, unknown)
    }

    pub(crate) const TEXT: &str = "A Dragon saw the fox.\nThe fox saw the dragon, and ran.";

    #[test]
    fn a_prompt_becomes_ids_and_text_again() {
        let tokenizer = book(TEXT, 0, false);
        let encoded = tokenizer.encode_prompt("The dragon saw", UnseenPolicy::Error).unwrap();
        assert_eq!(encoded.ids.len(), 23);
        assert_eq!(encoded.ids[0], tokenizer.story_mark_id().unwrap());
        assert_eq!(tokenizer.decode(&encoded.ids), "the dragon saw");
        assert_eq!(tokenizer.decode(&[0, 9999]), "<id 9999>");
    }

    #[test]
    fn unseen_words_meet_the_policy() {
        let tokenizer = book(TEXT, 0, false);
        let error = tokenizer.encode_prompt("the dargon", UnseenPolicy::Error).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the prompt holds `dargon`, which the model never saw; nearest: dragon; choose --unseen skip or unknown"
        );
        let skipped = tokenizer.encode_prompt("the dargon ran", UnseenPolicy::Skip).unwrap();
        assert_eq!(tokenizer.decode(&skipped.ids), "the ran");
        assert_eq!(skipped.unseen, ["dargon"]);
        let none = tokenizer.encode_prompt("the dargon", UnseenPolicy::Unknown).unwrap_err();
        assert!(none.to_string().contains("no unknown token"), "{none}");
        let with_unknown = book(TEXT, 0, true);
        let unknown = with_unknown.encode_prompt("the dargon", UnseenPolicy::Unknown).unwrap();
        assert_eq!(unknown.ids.last(), Some(&Vocabulary::UNKNOWN));
        assert_eq!(with_unknown.decode(&unknown.ids), "the <unknown>");
    }

    #[test]
    fn training_text_tells_what_has_no_id() {
        let encode = |tokenizer: &Tokenizer, text: &str| {
            let mut ids = Vec::new();
            let counts = tokenizer.encode_text(&mut { text }, |id| ids.push(id)).unwrap();
            assert_eq!(counts.ids() as usize, ids.len());
            counts
        };
        let text = "the fox flew";
        let unknown = encode(&book(TEXT, 2, true), text);
        assert_eq!(unknown, EncodedCounts { tokens: 23, unknown: 1, ..EncodedCounts::default() });
        let mut tokenizer = book(TEXT, 2, false);
        let dropped = encode(&tokenizer, text);
        assert_eq!(dropped, EncodedCounts { tokens: 23, dropped: 1, ..EncodedCounts::default() });
        tokenizer.rare = Rare::Unknown;
        let without = encode(&tokenizer, text);
        assert_eq!(
            without,
            EncodedCounts { tokens: 23, without_id: 1, ..EncodedCounts::default() }
        );
    }

    #[test]
    fn long_text_is_encoded_as_its_clean_tokens() {
        let text = "The fox… saw  the dragon\n\n\n\n\nand ran. ".repeat(6_000);
        let tokenizer = book(&text, 0, false);
        let (mut streamed, mut whole) = (Vec::new(), Vec::new());
        tokenizer.encode_text(&mut text.as_str(), |id| streamed.push(id)).unwrap();
        tokenizer.splitter.for_each_token(&tokenizer.cleaner.clean(&text), |token| {
            whole.push(tokenizer.vocabulary.id(token).unwrap());
        });
        assert_eq!(streamed, whole);
    }

    proptest! {
        #![proptest_config(samples::cases(256))]

        #[test]
        fn known_characters_come_back(text in samples::text()) {
            for characters in [Characters::default(), every_setting()] {
                let splitter = Splitter::Characters(characters);
                let tokenizer = fit("verbatim", splitter, &text, 0, false);
                let clean = tokenizer.cleaner.clean(&text);
                let ids = tokenizer.encode_prompt(&text, UnseenPolicy::Error).unwrap().ids;
                prop_assert_eq!(tokenizer.decode(&ids), clean);
            }
        }
    }
}
