//! Writes the file `tokenizer.json` of a model of subwords, see [`super::file`].

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::file::{Extra, FORMAT};
use crate::clean::RuleSpec;
use crate::tokenizer::Tokenizer;
use crate::vocabulary::Vocabulary;

/// The tokenizer as readable JSON.
pub(crate) fn to_json(tokenizer: &Tokenizer) -> String {
    // Strings, numbers and lists only, written to memory: this cannot fail.
    serde_json::to_string_pretty(&File::of(tokenizer)).expect("a tokenizer is plain data")
}

/// A whole file.
#[derive(Serialize)]
struct File<'a> {
    version: &'static str,
    truncation: Option<()>,
    padding: Option<()>,
    added_tokens: Vec<SpecialToken<'a>>,
    normalizer: Option<Normalizer>,
    pre_tokenizer: ByteLevel,
    post_processor: Option<()>,
    decoder: ByteLevel,
    model: Model<'a>,
}

#[derive(Serialize)]
struct SpecialToken<'a> {
    id: u32,
    content: &'a str,
    single_word: bool,
    lstrip: bool,
    rstrip: bool,
    normalized: bool,
    special: bool,
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum Normalizer {
    #[serde(rename = "NFC")]
    Nfc,
}

#[derive(Serialize)]
struct ByteLevel {
    r#type: &'static str,
    add_prefix_space: bool,
    trim_offsets: bool,
    use_regex: bool,
}

#[derive(Serialize)]
struct Model<'a> {
    r#type: &'static str,
    dropout: Option<()>,
    unk_token: Option<()>,
    continuing_subword_prefix: Option<()>,
    end_of_word_suffix: Option<()>,
    fuse_unk: bool,
    byte_fallback: bool,
    ignore_merges: bool,
    vocab: VocabularyById<'a>,
    merges: Vec<(&'a str, &'a str)>,
    pastiche: Extra,
}

/// A map from tokens to ids in the order of the ids.
struct VocabularyById<'a>(&'a Vocabulary);

impl Serialize for VocabularyById<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for id in 0..self.0.len() as u32 {
            map.serialize_entry(self.0.token(id).unwrap_or_default(), &id)?;
        }
        map.end()
    }
}

impl<'a> File<'a> {
    fn of(tokenizer: &'a Tokenizer) -> Self {
        let Tokenizer { cleaner, pre_tokenizer, vocabulary, document_separator, oov } = tokenizer;
        let reserved = (0..vocabulary.len() as u32).filter(|&id| vocabulary.is_reserved(id));
        let special = reserved.map(|id| SpecialToken {
            id,
            content: vocabulary.token(id).unwrap_or_default(),
            single_word: false,
            lstrip: false,
            rstrip: false,
            normalized: false,
            special: true,
        });
        // Other cleaning rules have no counterpart there.
        let normalizer = (cleaner.rules() == [RuleSpec::Nfc]).then_some(Normalizer::Nfc);
        let byte_level =
            || ByteLevel { r#type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
        Self {
            version: "1.0",
            truncation: None,
            padding: None,
            added_tokens: special.collect(),
            normalizer,
            pre_tokenizer: byte_level(),
            post_processor: None,
            decoder: byte_level(),
            model: Model {
                r#type: "BPE",
                dropout: None,
                unk_token: None,
                continuing_subword_prefix: None,
                end_of_word_suffix: None,
                fuse_unk: false,
                byte_fallback: false,
                ignore_merges: false,
                vocab: VocabularyById(vocabulary),
                merges: vocabulary.merges().collect(),
                pastiche: Extra {
                    format: FORMAT,
                    cleaner: cleaner.clone(),
                    pre_tokenizer: pre_tokenizer.clone(),
                    document_separator: document_separator.clone(),
                    oov: *oov,
                    documents: vocabulary.document_id().map(|id| vocabulary.count(id)),
                    counts: vocabulary.counts.clone(),
                },
            },
        }
    }
}
