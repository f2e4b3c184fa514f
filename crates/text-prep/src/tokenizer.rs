//! The tokenizer saved with a model: cleaner, pre-tokenizer and vocabulary.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::clean::Cleaner;
use crate::error::{Error, Result};
use crate::source::TextSource;
use crate::subwords::{TokenEncoder, line_end};
use crate::text_stream::TextStream;
use crate::tokenize::{AddedText, Detokenizer, NEWLINE, PreTokenizer};
use crate::vocabulary::Vocabulary;

/// Converts text to token ids and back.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Tokenizer {
    /// Cleaning of training text and prompts.
    pub cleaner: Cleaner,
    /// Splits cleaned text into tokens.
    #[serde(rename = "splitter")]
    pub pre_tokenizer: PreTokenizer,
    /// Maps tokens to ids.
    pub vocabulary: Vocabulary,
    /// The token between two documents (such as stories), if the text has one.
    #[serde(default, rename = "story_mark")]
    pub document_separator: Option<String>,
    /// The policy for out-of-vocabulary tokens in training text: `Unknown` or `Drop`.
    #[serde(rename = "rare")]
    pub oov: OovPolicy,
}

/// What to do with out-of-vocabulary (OOV) tokens.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum OovPolicy {
    /// Reject the text, with suggestions of similar known tokens. For prompts only.
    Error,
    /// Map them to the unknown token.
    Unknown,
    /// Leave them out.
    Drop,
}

impl OovPolicy {
    /// Checks that the policy can be used for training text.
    ///
    /// # Errors
    /// [`Error::TrainingOovPolicy`] for [`OovPolicy::Error`].
    pub fn validate_for_training(self) -> Result<()> {
        if self == Self::Error { Err(Error::TrainingOovPolicy) } else { Ok(()) }
    }
}

/// An encoded prompt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoded {
    /// The token ids, in order.
    pub ids: Vec<u32>,
    /// The out-of-vocabulary tokens in order, with repetitions.
    pub oov_tokens: Vec<String>,
}

/// Token counts of [`Tokenizer::encode_stream`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EncodedCounts {
    /// All tokens of the text.
    pub tokens: u64,
    /// Tokens mapped to the unknown id.
    pub unknown: u64,
    /// Tokens left out by [`OovPolicy::Drop`].
    pub dropped: u64,
    /// Tokens left out because the policy is [`OovPolicy::Unknown`] but the vocabulary has no unknown
    /// id. Always 0 if the vocabulary was counted on the same text.
    pub unmapped: u64,
}

impl EncodedCounts {
    /// Number of ids produced.
    pub fn ids(&self) -> u64 {
        self.tokens - self.dropped - self.unmapped
    }
}

impl Tokenizer {
    /// Encodes a prompt: cleans it, splits it and looks up the ids.
    ///
    /// # Errors
    /// [`Error::OutOfVocabulary`] for an OOV token with [`OovPolicy::Error`];
    /// [`Error::NoUnknownToken`] for an OOV token with [`OovPolicy::Unknown`] if the vocabulary has no
    /// unknown token.
    pub fn encode(&self, text: &str, oov: OovPolicy) -> Result<Encoded> {
        let mut encoded = Encoded::default();
        let unknown = match oov {
            OovPolicy::Unknown => self.vocabulary.unknown_id(),
            OovPolicy::Error | OovPolicy::Drop => None,
        };
        self.pre_tokenizer.for_each_token(&self.cleaner.clean(text), |token| {
            if !self.vocabulary.encode(token, |id| encoded.ids.push(id)) {
                encoded.oov_tokens.push(token.to_owned());
                encoded.ids.extend(unknown);
            }
        });
        let Some(token) = encoded.oov_tokens.first() else { return Ok(encoded) };
        match oov {
            OovPolicy::Error => Err(Error::OutOfVocabulary {
                token: token.clone(),
                others: encoded.oov_tokens.iter().collect::<HashSet<_>>().len() - 1,
                nearest: self.vocabulary.nearest(token, 3).into_iter().map(str::to_owned).collect(),
            }),
            OovPolicy::Unknown if unknown.is_none() => Err(Error::NoUnknownToken { token: token.clone() }),
            _ => Ok(encoded),
        }
    }

    /// Encodes a text of any size as in training and calls `each` with every id. An OOV token becomes
    /// the unknown id if the vocabulary has one and is left out otherwise.
    ///
    /// # Errors
    /// If the text cannot be read, or [`oov`](Self::oov) is [`OovPolicy::Error`].
    pub fn encode_stream(&self, text: &mut dyn TextSource, mut each: impl FnMut(u32)) -> Result<EncodedCounts> {
        self.oov.validate_for_training()?;
        let mut counts = EncodedCounts::default();
        let unknown = self.vocabulary.unknown_id();
        let mut encoder = TokenEncoder::new(&self.vocabulary);
        let mut lookup = |token: &str| {
            let mut ids = 0;
            let known = encoder.encode(token, |id| {
                ids += 1;
                each(id);
            });
            counts.tokens += ids + u64::from(!known);
            match unknown {
                _ if known => {}
                Some(id) => {
                    counts.unknown += 1;
                    each(id);
                }
                None if self.oov == OovPolicy::Unknown => counts.unmapped += 1,
                None => counts.dropped += 1,
            }
        };
        let mut stream = TextStream::new(&self.cleaner, &self.pre_tokenizer);
        while let Some(chunk) = text.next_chunk()? {
            stream.push(chunk, |_| (), &mut lookup);
        }
        stream.finish(|_| (), &mut lookup);
        Ok(counts)
    }

    /// The id of the token that is a line end and nothing else, if the vocabulary has it.
    pub fn line_end_id(&self) -> Option<u32> {
        let is_subwords = self.vocabulary.is_subwords();
        self.vocabulary.id(&if is_subwords { line_end() } else { NEWLINE.into() })
    }

    /// The length in bytes of the text that `ids` write, where subwords may begin or end within a character.
    pub fn decoded_len(&self, ids: &[u32]) -> usize {
        if !self.vocabulary.is_subwords() {
            return self.decode(ids).len();
        }
        ids.iter().map(|&id| self.vocabulary.subword_bytes(id).map_or(0, |bytes| bytes.len())).sum()
    }

    /// Decodes ids to text. Padding is skipped; an id that does not exist becomes `<id 12345>`. Documents are decoded
    /// one by one, with nothing between them.
    pub fn decode(&self, ids: &[u32]) -> String {
        let mut detokenizer = self.detokenizer();
        for &id in ids {
            match self.vocabulary.token(id) {
                _ if id == Vocabulary::PADDING => "",
                _ if self.vocabulary.document_id() == Some(id) => detokenizer.end_document(),
                Some(token) => detokenizer.push(token),
                None => detokenizer.push(&format!("<id {id}>")),
            };
        }
        detokenizer.into_text()
    }

    /// A detokenizer that undoes the spacing of this tokenizer's cleaner.
    pub fn detokenizer(&self) -> Detokenizer {
        Detokenizer::new(&self.pre_tokenizer, self.document_separator.as_deref()).for_cleaner(&self.cleaner)
    }

    /// The token `id` as the text that it would add to that of `detokenizer`, with the space before it. A token that adds none
    /// by itself, or a part of a character or a syllable, has the name that people read, see
    /// [`Vocabulary::readable`].
    pub fn token_text(&self, detokenizer: &Detokenizer, id: u32) -> String {
        let AddedText { text, replaces } = detokenizer.added(self.vocabulary.written(id));
        let is_part = replaces > 0 || text.is_empty() || text.contains(char::REPLACEMENT_CHARACTER);
        if is_part { self.vocabulary.readable(id).unwrap_or_default().into_owned() } else { text }
    }

    /// The number of document separators that `ids` begin with: cleaning may put some before a text.
    pub fn leading_separators(&self, ids: &[u32]) -> usize {
        let separator = self.document_separator_id();
        ids.iter().take_while(|&&id| Some(id) == separator).count()
    }

    /// The id of the document separator, if there is one and it is in the vocabulary.
    pub fn document_separator_id(&self) -> Option<u32> {
        self.vocabulary.id(self.document_separator.as_deref()?)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::test_strategies;
    use crate::token_counter::TokenCounter;
    use crate::tokenize::{Capitals, CharacterOptions, CharacterUnit, WordOptions};

    /// Character options with every feature enabled.
    pub(crate) fn all_options() -> CharacterOptions {
        CharacterOptions { unit: CharacterUnit::Graphemes, capitals: Capitals::Shift, jamo: true }
    }

    pub(crate) fn fit(
        preset: &str,
        pre_tokenizer: PreTokenizer,
        text: &str,
        min_count: u64,
        unknown: bool,
    ) -> Tokenizer {
        let cleaner = Cleaner::preset(preset).unwrap();
        let mut counter = TokenCounter::new();
        pre_tokenizer.for_each_token(&cleaner.clean(text), |token| {
            counter.add(token);
        });
        let vocabulary = Vocabulary::from_counts(counter.iter(), min_count, unknown);
        let oov = if unknown { OovPolicy::Unknown } else { OovPolicy::Drop };
        Tokenizer { cleaner, pre_tokenizer, vocabulary, document_separator: Some("|".into()), oov }
    }

    pub(crate) fn keras_lowercase(text: &str, min_count: u64, unknown: bool) -> Tokenizer {
        fit("keras-lowercase", PreTokenizer::Words(WordOptions::default()), text, min_count, unknown)
    }

    pub(crate) const TEXT: &str = "A Dragon saw the fox.\nThe fox saw the dragon, and ran.";

    #[test]
    fn encode_and_decode_round_trip() {
        let tokenizer = keras_lowercase(TEXT, 0, false);
        let encoded = tokenizer.encode("The dragon saw", OovPolicy::Error).unwrap();
        assert_eq!(encoded.ids.len(), 23);
        assert_eq!(encoded.ids[0], tokenizer.document_separator_id().unwrap());
        let others = Tokenizer { document_separator: None, ..tokenizer.clone() };
        let leading = |of: &Tokenizer| [of.leading_separators(&encoded.ids), of.leading_separators(&encoded.ids[20..])];
        assert_eq!((leading(&tokenizer), leading(&others)), ([20, 0], [0, 0]));
        assert_eq!(tokenizer.decode(&encoded.ids), "the dragon saw");
        assert_eq!(tokenizer.decode(&[0, 9999]), "<id 9999>");
    }

    #[test]
    fn a_line_end_is_a_token_of_some_vocabularies() {
        let words = |cleaner: Cleaner| {
            let mut tokenizer = keras_lowercase("", 1, true);
            let mut counter = TokenCounter::new();
            tokenizer.pre_tokenizer.for_each_token(&cleaner.clean("a b\n\n"), |token| {
                counter.add(token);
            });
            tokenizer.vocabulary = Vocabulary::from_counts(counter.iter(), 1, true);
            tokenizer.line_end_id()
        };
        assert_eq!(words(Cleaner::new(Vec::new())), None);
        assert_eq!(words(Cleaner::new(Vec::new()).keep_line_ends()), Some(2));
        let characters = fit("verbatim", PreTokenizer::Characters(CharacterOptions::default()), "ab\nb", 1, false);
        let subwords = Tokenizer {
            pre_tokenizer: PreTokenizer::Subwords(crate::SubwordOptions::default()),
            vocabulary: Vocabulary::train_subwords([("\n\n", 9)], 264),
            ..characters.clone()
        };
        for tokenizer in [characters, subwords] {
            assert_eq!(tokenizer.decode(&[tokenizer.line_end_id().unwrap()]), "\n");
        }
    }

    #[test]
    fn oov_words_follow_the_policy() {
        let tokenizer = keras_lowercase(TEXT, 0, false);
        let error = tokenizer.encode("the dargon", OovPolicy::Error).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the prompt contains `dargon`, which is not in the vocabulary (nearest: dragon): correct it, \
             leave out such tokens, or map them to the unknown token"
        );
        let dropped = tokenizer.encode("the dargon ran", OovPolicy::Drop).unwrap();
        assert_eq!(tokenizer.decode(&dropped.ids), "the ran");
        assert_eq!(dropped.oov_tokens, ["dargon"]);
        let error = tokenizer.encode("the dargon", OovPolicy::Unknown).unwrap_err();
        assert!(error.to_string().contains("no unknown token"), "{error}");
        let with_unknown = keras_lowercase(TEXT, 0, true);
        let unknown = with_unknown.encode("the dargon", OovPolicy::Unknown).unwrap();
        assert_eq!(unknown.ids.last(), Some(&Vocabulary::UNKNOWN));
        assert_eq!(with_unknown.decode(&unknown.ids), "the <unknown>");
    }

    #[test]
    fn encode_stream_counts_tokens_without_an_id() {
        let encode = |tokenizer: &Tokenizer, text: &str| {
            let mut ids = Vec::new();
            let counts = tokenizer.encode_stream(&mut { text }, |id| ids.push(id)).unwrap();
            assert_eq!(counts.ids() as usize, ids.len());
            counts
        };
        let text = "the fox flew";
        let unknown = encode(&keras_lowercase(TEXT, 2, true), text);
        assert_eq!(unknown, EncodedCounts { tokens: 23, unknown: 1, ..EncodedCounts::default() });
        let mut tokenizer = keras_lowercase(TEXT, 2, false);
        let dropped = encode(&tokenizer, text);
        assert_eq!(dropped, EncodedCounts { tokens: 23, dropped: 1, ..EncodedCounts::default() });
        tokenizer.oov = OovPolicy::Unknown;
        let unmapped = encode(&tokenizer, text);
        assert_eq!(unmapped, EncodedCounts { tokens: 23, unmapped: 1, ..EncodedCounts::default() });
    }

    #[test]
    fn documents_are_decoded_one_by_one() {
        let text = "\" Go , \" she said . <document>";
        let mut tokenizer = fit("prose", WordOptions::default().into(), text, 1, false);
        tokenizer.vocabulary = tokenizer.vocabulary.with_documents(2);
        let encode = |text: &str| tokenizer.encode(text, OovPolicy::Error).unwrap().ids;
        let b = tokenizer.vocabulary.document_id().unwrap();
        // A quote that is not closed, and a text that spells the token.
        let texts = ["she said, \"Go", "\"Go,\" she said. <document>"];
        let ids = [&[b][..], &encode(texts[0]), &[b], &encode(texts[1]), &[b]].concat();
        assert_eq!(ids.iter().filter(|&&id| id == b).count(), 3);
        assert_eq!(tokenizer.decode(&ids), texts.map(|text| tokenizer.decode(&encode(text))).concat());
        assert_eq!(tokenizer.decode(&[b, b]), "");
        assert_eq!(crate::Tokenizer::from_json(&tokenizer.to_json()).unwrap(), tokenizer);
    }

    #[test]
    fn encode_stream_of_a_long_text_equals_encoding_it_at_once() {
        let text = "The fox… saw  the dragon\n\n\n\n\nand ran. ".repeat(6_000);
        let tokenizer = keras_lowercase(&text, 0, false);
        let (mut streamed, mut whole) = (Vec::new(), Vec::new());
        tokenizer.encode_stream(&mut text.as_str(), |id| streamed.push(id)).unwrap();
        tokenizer.pre_tokenizer.for_each_token(&tokenizer.cleaner.clean(&text), |token| {
            whole.push(tokenizer.vocabulary.id(token).unwrap());
        });
        assert_eq!(streamed, whole);
    }

    proptest! {
        #![proptest_config(test_strategies::cases(256))]

        #[test]
        fn characters_in_the_vocabulary_round_trip(text in test_strategies::text()) {
            for characters in [CharacterOptions::default(), all_options()] {
                let pre_tokenizer = PreTokenizer::Characters(characters);
                let tokenizer = fit("verbatim", pre_tokenizer, &text, 0, false);
                let clean = tokenizer.cleaner.clean(&text);
                let ids = tokenizer.encode(&text, OovPolicy::Error).unwrap().ids;
                prop_assert_eq!(tokenizer.decode(&ids), clean);
            }
        }
    }
}
