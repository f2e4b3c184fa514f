//! The file `tokenizer.json` of a model of subwords, in the format of Hugging Face's `tokenizers`: other programs can load
//! it, and it can be one of theirs. What only this program knows is in `model.pastiche`, because their reader accepts
//! unknown keys only in `model`.

use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::vocabulary::Subwords;
use crate::clean::Cleaner;
use crate::error::{Error, Result, one_line};
use crate::source::strip_byte_order_mark;
use crate::string_table::StringTable;
use crate::tokenize::PreTokenizer;
use crate::tokenizer::{OovPolicy, Tokenizer};
use crate::vocabulary::Vocabulary;

/// Version of `model.pastiche`.
pub(super) const FORMAT: u64 = 1;
/// More tokens or merges than any tokenizer has.
const MAX_TOKENS: usize = 1 << 20;

/// Whether `json` is a file of this kind and not of another tokenizer.
pub(crate) fn is_subword_file(json: &str) -> bool {
    #[derive(Deserialize)]
    struct Keys {
        format: Option<IgnoredAny>,
        model: Option<IgnoredAny>,
    }
    serde_json::from_str(json).is_ok_and(|keys: Keys| keys.format.is_none() && keys.model.is_some())
}

/// Reads a tokenizer that [`to_json`](super::to_json) wrote.
///
/// # Errors
/// If it is another file, or inconsistent.
pub(crate) fn read_saved(json: &str) -> Result<Tokenizer> {
    let bad = |problem: String| Error::BadTokenizer { problem };
    let (vocabulary, extra, _) = read(json, bad)?;
    let Some(extra) = extra else { return Err(bad("it has no `model.pastiche`".into())) };
    let Extra { format, cleaner, pre_tokenizer, document_separator, oov, documents, counts } = extra;
    if format != FORMAT {
        return Err(Error::TokenizerFormat { found: format, expected: FORMAT });
    }
    let vocabulary = vocabulary.with_counts(counts)?;
    let vocabulary = match documents {
        None => vocabulary,
        Some(documents) => vocabulary.with_documents(documents),
    };
    if !matches!(pre_tokenizer, PreTokenizer::Subwords(_)) {
        return Err(bad("its splitter is not that of subwords".into()));
    }
    Ok(Tokenizer { cleaner, pre_tokenizer, vocabulary, document_separator, oov })
}

/// The vocabulary of [`Vocabulary::from_tokenizer_json`], and the number of reserved ids that come before its tokens in the file.
///
/// # Errors
/// As there.
pub(crate) fn read_given(json: &str) -> Result<(Vocabulary, u32)> {
    let (vocabulary, _, reserved) = read(json, |problem| Error::UnsupportedTokenizer { problem })?;
    Ok((vocabulary, reserved))
}

impl Vocabulary {
    /// The vocabulary of a `tokenizer.json` of Hugging Face's `tokenizers`: byte-level BPE with GPT-2's pre-tokenizer, such
    /// as GPT-2's own or that of a model of this program. Tokens keep their order; padding comes before them. Special
    /// and other added tokens have ids, but a text that contains their names is encoded as any text.
    ///
    /// # Errors
    /// [`Error::UnsupportedTokenizer`] if it is of another kind, and an error if it is inconsistent.
    pub fn from_tokenizer_json(json: &str) -> Result<Self> {
        Ok(read_given(json)?.0)
    }

    fn with_counts(mut self, counts: Vec<u64>) -> Result<Self> {
        if counts.len() != self.num_words() {
            let problem = format!("has {} counts for {} tokens: expected one for each", counts.len(), self.num_words());
            return Err(Error::BadVocabulary { problem });
        }
        self.counts = counts;
        Ok(self)
    }
}

/// The vocabulary, what only this program needs, and the number of reserved ids.
fn read(json: &str, bad: impl Fn(String) -> Error) -> Result<(Vocabulary, Option<Extra>, u32)> {
    let json = strip_byte_order_mark(json);
    // A list would be read as the fields of the types below.
    if json.trim_start().starts_with('[') {
        return Err(
            bad("it is a list: expected an object, as in a tokenizer.json of Hugging Face's tokenizers".into()),
        );
    }
    let kinds: Kinds = serde_json::from_str(json).map_err(|error| bad(format!("it cannot be read: {error}")))?;
    if let Some(problem) = kinds.problem() {
        return Err(bad(problem));
    }
    let file: FileToRead = serde_json::from_str(json).map_err(|error| bad(format!("it cannot be read: {error}")))?;
    if let Some(problem) = file.model.options_problem() {
        return Err(bad(problem));
    }
    let extra = file.model.pastiche;
    // Every token with its id and whether it is special.
    let mut tokens: Vec<(u32, String, bool)> =
        file.model.vocab.0.into_iter().map(|(token, id)| (id, token, false)).collect();
    if tokens.len().max(file.model.merges.len()).max(file.added_tokens.len()) > MAX_TOKENS {
        return Err(bad(format!("it has more than {MAX_TOKENS} tokens or merges")));
    }
    tokens.sort();
    let of_model = tokens.len();
    for AddedToken { id, content } in file.added_tokens {
        match tokens[..of_model].binary_search_by(|(known, token, _)| (*known, token).cmp(&(id, &content))) {
            Ok(found) => tokens[found].2 = true,
            Err(_) => tokens.push((id, content, true)),
        }
    }
    tokens.sort();
    for (expected, (id, token, _)) in (0..).zip(&tokens) {
        if *id != expected {
            let token = one_line(token);
            return Err(bad(format!(
                "its token `{token}` has the id {id}: expected {expected}, because ids are without gaps and repetitions"
            )));
        }
    }
    // The reserved tokens of a model of this program.
    let reserved: &[&str] = match &extra {
        None => &[],
        Some(Extra { documents: None, .. }) => &[Vocabulary::PADDING_TOKEN],
        Some(_) => &[Vocabulary::PADDING_TOKEN, Vocabulary::DOCUMENT_TOKEN],
    };
    for (id, name) in reserved.iter().enumerate() {
        if !tokens.get(id).is_some_and(|(_, token, special)| *special && token == name) {
            return Err(bad(format!("its id {id} is not the special token `{name}`")));
        }
    }
    let (mut table, mut special) = (StringTable::default(), Vec::new());
    for (_, token, is_special) in &tokens[reserved.len()..] {
        let (index, new) = table.insert(token);
        if !new {
            return Err(bad(format!("its token `{}` has two ids", one_line(token))));
        }
        special.extend(Some(index).filter(|_| *is_special));
    }
    let mut pairs = Vec::with_capacity(file.model.merges.len());
    let mut seen = std::collections::HashSet::new();
    for (number, MergedPair(left, right)) in file.model.merges.iter().enumerate() {
        let [left, right] = [left, right].map(|token| {
            let unknown = || bad(format!("its merge {number} names `{}`, which is no token of it", one_line(token)));
            table.find(token).ok_or_else(unknown)
        });
        let pair = (left?, right?);
        if !seen.insert(pair) {
            return Err(bad(format!("its merge {number} occurs twice")));
        }
        pairs.push(pair);
    }
    let subwords = Subwords::new(&table, pairs, special).map_err(|error| match error {
        Error::BadVocabulary { problem } => bad(format!("its vocabulary {problem}")),
        error => error,
    })?;
    Ok((Vocabulary::of_subwords(table, subwords), extra, reserved.len() as u32))
}

/// What decides whether a file can be used.
#[derive(Deserialize)]
struct Kinds {
    normalizer: Option<Value>,
    pre_tokenizer: Option<Value>,
    decoder: Option<Value>,
    model: Option<ModelKind>,
}

#[derive(Deserialize)]
struct ModelKind {
    #[serde(rename = "type")]
    kind: Option<String>,
}

impl Kinds {
    /// Why the file cannot be used, if so.
    fn problem(&self) -> Option<String> {
        let Some(model) = &self.model else {
            return Some("it has no `model`: expected a tokenizer.json of Hugging Face's tokenizers".into());
        };
        let kind = model.kind.as_deref().unwrap_or("none");
        if kind != "BPE" {
            return Some(format!("its model is `{}`: expected `BPE` or `WordLevel`", one_line(kind)));
        }
        let normalizer = self.normalizer.as_ref().map(describe);
        if let Some(found) = normalizer.filter(|found| found != "NFC") {
            return Some(format!("its normalizer is `{found}`: expected none or `NFC`"));
        }
        let pre_tokenizer = self.pre_tokenizer.as_ref();
        let found = pre_tokenizer.map_or("none".into(), describe);
        if found != "ByteLevel" {
            return Some(format!("its pre-tokenizer is `{found}`: expected `ByteLevel`"));
        }
        let flag = |key: &str, default| pre_tokenizer.and_then(|value| value[key].as_bool()).unwrap_or(default);
        if flag("add_prefix_space", true) {
            return Some("its pre-tokenizer adds a space before the text: expected `add_prefix_space` = false".into());
        }
        if !flag("use_regex", true) {
            return Some("its pre-tokenizer does not divide the text: expected `use_regex` = true".into());
        }
        let decoder = self.decoder.as_ref().map(describe);
        let found = decoder.filter(|found| found != "ByteLevel")?;
        Some(format!("its decoder is `{found}`: expected `ByteLevel`"))
    }
}

/// The type of a part of a file; with the types of its parts if it is a sequence.
fn describe(part: &Value) -> String {
    let kind = one_line(part["type"].as_str().unwrap_or("unknown"));
    let parts = ["normalizers", "pretokenizers", "decoders"].iter().find_map(|key| part[key].as_array());
    match parts {
        None => kind,
        Some(parts) => {
            let parts: Vec<&str> = parts.iter().map(|part| part["type"].as_str().unwrap_or("unknown")).collect();
            one_line(&format!("{kind} of {}", parts.join(", ")))
        }
    }
}

/// The parts that hold the tokens.
#[derive(Deserialize)]
struct FileToRead {
    #[serde(default)]
    added_tokens: Vec<AddedToken>,
    model: ModelToRead,
}

#[derive(Deserialize)]
struct AddedToken {
    id: u32,
    content: String,
}

#[derive(Deserialize)]
struct ModelToRead {
    #[serde(default)]
    dropout: Option<f64>,
    #[serde(default)]
    continuing_subword_prefix: Option<String>,
    #[serde(default)]
    end_of_word_suffix: Option<String>,
    #[serde(default)]
    byte_fallback: Option<bool>,
    #[serde(default)]
    ignore_merges: Option<bool>,
    vocab: Entries,
    merges: Vec<MergedPair>,
    #[serde(default)]
    pastiche: Option<Extra>,
}

impl ModelToRead {
    fn options_problem(&self) -> Option<String> {
        let is_given = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        let options = [
            ("dropout", self.dropout.is_some_and(|rate| rate != 0.0)),
            ("continuing_subword_prefix", is_given(&self.continuing_subword_prefix)),
            ("end_of_word_suffix", is_given(&self.end_of_word_suffix)),
            ("byte_fallback", self.byte_fallback == Some(true)),
            ("ignore_merges", self.ignore_merges == Some(true)),
        ];
        let (key, _) = options.into_iter().find(|&(_, given)| given)?;
        Some(format!("its model has `{key}`: expected byte-level BPE without it"))
    }
}

/// The entries of a vocabulary in the order of the file. A map would hide repeated tokens.
struct Entries(Vec<(String, u32)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct EntriesVisitor;
        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a map from tokens to ids")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(EntriesVisitor)
    }
}

/// A merge, written as `["a", "b"]` or, in older files, as `"a b"`.
struct MergedPair(String, String);

impl<'de> Deserialize<'de> for MergedPair {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Pair(String, String),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Pair(left, right) => Ok(Self(left, right)),
            Written::Text(text) => match text.split_once(' ') {
                Some((left, right)) => Ok(Self(left.into(), right.into())),
                None => Err(serde::de::Error::custom(format!("the merge `{}` is not two tokens", one_line(&text)))),
            },
        }
    }
}

/// What only this program needs.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Extra {
    pub format: u64,
    pub cleaner: Cleaner,
    #[serde(rename = "splitter")]
    pub pre_tokenizer: PreTokenizer,
    #[serde(default, rename = "story_mark")]
    pub document_separator: Option<String>,
    #[serde(rename = "rare")]
    pub oov: OovPolicy,
    /// The number of documents, if there is a document token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub documents: Option<u64>,
    /// How often each token occurs in the training text.
    pub counts: Vec<u64>,
}
