//! Vocabularies of subwords.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::alphabet;
use super::merges::{Merge, Merges, Pair};
use super::train::{train, train_more};
use crate::error::{Error, Result, one_line};
use crate::string_table::StringTable;
use crate::vocabulary::Vocabulary;

/// What a vocabulary of subwords has besides its tokens.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Subwords {
    pub merges: Merges,
    /// Indices of tokens that no text is encoded to, ascending: the special tokens of a tokenizer that was not trained here.
    pub special: Vec<u32>,
}

/// The serialized form; tokens are numbered without reserved ids.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SubwordsFile {
    merges: Vec<(u32, u32)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    special: Vec<u32>,
}

impl From<&Subwords> for SubwordsFile {
    fn from(subwords: &Subwords) -> Self {
        let merges = subwords.merges.list().iter().map(|merge| merge.pair).collect();
        Self { merges, special: subwords.special.clone() }
    }
}

impl SubwordsFile {
    pub fn read(self, tokens: &StringTable) -> Result<Subwords> {
        Subwords::new(tokens, self.merges, self.special)
    }
}

impl Subwords {
    /// Merges pairs of `tokens`, which are written in the [alphabet of bytes](super::alphabet), apart from `special` ones.
    ///
    /// # Errors
    /// If a token is not written so, a byte has no token, or a merge is impossible.
    pub fn new(tokens: &StringTable, pairs: Vec<(u32, u32)>, special: Vec<u32>) -> Result<Self> {
        let bad = |problem: String| Err(Error::BadVocabulary { problem });
        let count = tokens.len() as u32;
        if !special.is_sorted_by(|a, b| a < b) || special.last().is_some_and(|&last| last >= count) {
            return bad(format!("has the special tokens {special:?}: expected ascending numbers below {count}"));
        }
        let is_special = |token: u32| special.binary_search(&token).is_ok();
        for (index, token) in (0..).zip(tokens.iter()) {
            if !is_special(index) && (token.is_empty() || alphabet::to_bytes(token).is_none()) {
                return bad(format!(
                    "has the token `{}`: expected characters that stand for bytes, as in GPT-2's vocabulary",
                    one_line(token)
                ));
            }
        }
        let find = |token: &str| tokens.find(token).filter(|&token| !is_special(token));
        let mut bytes = [0; 256];
        for byte in 0..=255u8 {
            let Some(token) = find(alphabet::char_of(byte).encode_utf8(&mut [0; 4])) else {
                return bad(format!("has no token for the byte {byte:#04x}: expected one for each of the 256 bytes"));
            };
            bytes[usize::from(byte)] = token;
        }
        let mut merges = Vec::with_capacity(pairs.len());
        for (number, pair) in pairs.into_iter().enumerate() {
            if let Some(token) = [pair.0, pair.1].into_iter().find(|&token| token >= count || is_special(token)) {
                return bad(format!(
                    "has token {token} in merge {number}: expected a token that is not special, below {count}"
                ));
            }
            let merged = tokens.get(pair.0).to_owned() + tokens.get(pair.1);
            let Some(result) = find(&merged) else {
                return bad(format!("has no token `{}`, which merge {number} makes", one_line(&merged)));
            };
            merges.push(Merge { pair, result });
        }
        Ok(Self { merges: Merges::new(bytes, merges), special })
    }
}

impl Vocabulary {
    /// A vocabulary of subwords: the 256 bytes and what byte pair encoding merges most frequently in pre-tokens with these
    /// counts, up to `tokens` tokens without the reserved ids. There are fewer if no pair is left that occurs twice. The
    /// result depends only on the counts, in any order.
    pub fn train_subwords<'a>(counts: impl IntoIterator<Item = (&'a str, u64)> + Clone, tokens: usize) -> Self {
        let trained = train(counts.clone(), tokens);
        let mut table = StringTable::default();
        for bytes in &trained.tokens {
            table.insert(&alphabet::to_string(bytes));
        }
        let bytes = std::array::from_fn(|byte| alphabet::place_of(byte as u8));
        let subwords = Subwords { merges: Merges::new(bytes, trained.merges), special: Vec::new() };
        Self::of_subwords(table, subwords).recounted_subwords(counts)
    }

    /// This vocabulary of subwords, extended by what byte pair encoding merges next in pre-tokens with these counts, up to
    /// `tokens` tokens without the reserved ids. The ids and counts of its own tokens do not change, and no merge makes the
    /// name of a special token. Other vocabularies stay as they are.
    #[must_use]
    pub fn extended_subwords<'a>(
        &self,
        counts: impl IntoIterator<Item = (&'a str, u64)> + Clone,
        tokens: usize,
    ) -> Self {
        let Some(subwords) = &self.subwords else { return self.clone() };
        // No text is encoded to a special token, whatever its name.
        let bytes = |(index, token): (u32, &str)| match subwords.special.binary_search(&index) {
            Ok(_) => Vec::new(),
            Err(_) => alphabet::to_bytes(token).unwrap_or_default(),
        };
        let own: Vec<Vec<u8>> = (0..).zip(self.table.iter()).map(bytes).collect();
        let before = own.len();
        // A token of that name has an index already.
        let special = subwords.special.iter().filter_map(|&index| alphabet::to_bytes(self.table.get(index)));
        let special: Vec<Vec<u8>> = special.collect();
        let trained = train_more(counts.clone(), own, &subwords.merges, tokens, &special);
        let mut extended = self.clone();
        for bytes in &trained.tokens[before..] {
            extended.table.insert(&alphabet::to_string(bytes));
        }
        let merges = subwords.merges.extended(trained.merges);
        extended.subwords = Some(Arc::new(Subwords { merges, special: subwords.special.clone() }));
        let recounted = extended.clone().recounted_subwords(counts);
        extended.counts.extend_from_slice(&recounted.counts[before..]);
        extended
    }

    /// For each id, the ids in `old`, which this vocabulary extends, of what its token consists of: the token itself if
    /// `old` has it, or the subwords that it is merged of. Other new tokens have none.
    pub fn origins(&self, old: &Self) -> Vec<Vec<u32>> {
        let mut parts: BTreeMap<u32, Pair> = BTreeMap::new();
        for merge in self.subwords.iter().flat_map(|subwords| subwords.merges.list()) {
            parts.entry(merge.result).or_insert(merge.pair);
        }
        let first = self.first_word();
        let mut origins: Vec<Vec<u32>> = Vec::with_capacity(self.len());
        for id in 0..self.len() as u32 {
            let own = match id {
                Self::PADDING => Some(Self::PADDING),
                _ if self.unknown_id() == Some(id) => old.unknown_id(),
                _ if self.document_id() == Some(id) => old.document_id(),
                _ => self.token(id).and_then(|token| old.id(token)),
            };
            // Merges make later tokens of earlier ones.
            let pair = id.checked_sub(first).and_then(|index| parts.get(&index)).filter(|_| own.is_none());
            let of_pair = pair.map(|pair| [pair.0, pair.1].map(|part| origins.get((part + first) as usize)));
            let of_token = match (own, of_pair) {
                (None, Some([Some(left), Some(right)])) => [left.as_slice(), right.as_slice()].concat(),
                (own, _) => own.into_iter().collect(),
            };
            origins.push(of_token);
        }
        origins
    }

    pub(super) fn of_subwords(table: StringTable, subwords: Subwords) -> Self {
        let mut vocabulary = Self::default();
        vocabulary.counts = vec![0; table.len()];
        vocabulary.table = table;
        vocabulary.subwords = Some(Arc::new(subwords));
        vocabulary
    }

    /// The same subwords with the counts that they have in a text of pre-tokens with these counts.
    pub(crate) fn recounted_subwords<'a>(mut self, counts: impl IntoIterator<Item = (&'a str, u64)>) -> Self {
        let mut recounted = vec![0; self.num_words()];
        let first = self.first_word();
        for (pre_token, count) in counts {
            self.encode(pre_token, |id| recounted[(id - first) as usize] += count);
        }
        self.counts = recounted;
        self
    }

    /// Whether the tokens are subwords: a token of [`PreTokenizer::Subwords`](crate::PreTokenizer::Subwords) may have
    /// several ids, and all have ids.
    pub fn is_subwords(&self) -> bool {
        self.subwords.is_some()
    }

    /// Calls `each` with the ids of a token of the pre-tokenizer: one or more for subwords, else one if it is in the
    /// vocabulary. Returns whether there were any.
    #[inline]
    pub fn encode(&self, token: &str, mut each: impl FnMut(u32)) -> bool {
        match &self.subwords {
            None => self.id(token).map(each).is_some(),
            Some(subwords) => {
                subwords.merges.encode(token.as_bytes(), |index| each(index + self.first_word()));
                true
            }
        }
    }

    /// The bytes of a subword; `None` for reserved ids, special tokens, and other vocabularies.
    pub fn subword_bytes(&self, id: u32) -> Option<Vec<u8>> {
        if !self.is_subwords() || self.is_reserved(id) { None } else { alphabet::to_bytes(self.token(id)?) }
    }

    /// The token with this id as people read it: the text of a subword, with `\x` and two digits for each byte that is not
    /// UTF-8, and the token itself in other vocabularies.
    pub fn readable(&self, id: u32) -> Option<Cow<'_, str>> {
        let Some(bytes) = self.subword_bytes(id) else { return self.token(id).map(Cow::Borrowed) };
        let mut text = String::new();
        for chunk in bytes.utf8_chunks() {
            text.push_str(chunk.valid());
            chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\x{byte:02x}")));
        }
        Some(text.into())
    }

    /// The ids of all tokens that are not reserved, the most frequent first. Words are numbered in this order.
    pub fn by_frequency(&self) -> Vec<u32> {
        let mut ids: Vec<u32> = (0..self.len() as u32).filter(|&id| !self.is_reserved(id)).collect();
        if self.is_subwords() {
            ids.sort_by_key(|&id| Reverse(self.count(id)));
        }
        ids
    }

    /// The merges of a vocabulary of subwords as pairs of tokens.
    pub(super) fn merges(&self) -> impl Iterator<Item = (&str, &str)> {
        let merges = self.subwords.iter().flat_map(|subwords| subwords.merges.list());
        merges.map(|merge| (self.table.get(merge.pair.0), self.table.get(merge.pair.1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ` the` and ` fox` are tokens, of three merges each.
    fn trained() -> Vocabulary {
        let vocabulary = Vocabulary::train_subwords([("the", 9), (" the", 9), (" fox", 4)], 262);
        assert!(["Ġthe", "Ġfox"].iter().all(|token| vocabulary.id(token).is_some()));
        vocabulary
    }

    fn encoded(vocabulary: &Vocabulary, pre_token: &str) -> Vec<u32> {
        let mut ids = Vec::new();
        vocabulary.encode(pre_token, |id| ids.push(id));
        ids
    }

    #[test]
    fn more_merges_are_added_after_those_of_a_vocabulary() {
        let old = trained();
        let counts = [(" fox", 50), (" foxes", 30), ("zebra", 20)];
        // ` foxes` needs two merges and `zebra` four.
        let new = old.extended_subwords(counts, old.num_words() + 9);
        assert_eq!(new.len(), old.len() + 6);
        for id in 0..old.len() as u32 {
            assert_eq!((new.token(id), new.count(id)), (old.token(id), old.count(id)));
        }
        for (pre_token, count) in [(" foxes", 30), ("zebra", 20)] {
            let ids = encoded(&new, pre_token);
            assert_eq!((ids.len(), new.count(ids[0])), (1, count), "{pre_token}");
            assert!(ids[0] >= old.len() as u32 && encoded(&old, pre_token).len() > 1);
        }
        let json = serde_json::to_string(&new).unwrap();
        assert_eq!(serde_json::from_str::<Vocabulary>(&json).unwrap(), new);
        // Not more than asked for, and nothing if no pair is left.
        assert_eq!(old.extended_subwords(counts, old.num_words() + 2).len(), old.len() + 2);
        assert_eq!(old.extended_subwords([(" the", 99)], 9_000), old);
        assert_eq!(old.extended_subwords(counts, 0), old);
    }

    #[test]
    fn no_merge_makes_the_name_of_a_special_token() {
        let mut table = StringTable::default();
        for byte in alphabet::BYTES {
            table.insert(&alphabet::to_string(&[byte]));
        }
        let (special, _) = table.insert("zz");
        let subwords = Subwords::new(&table, Vec::new(), vec![special]).unwrap();
        let old = Vocabulary::of_subwords(table, subwords);
        let new = old.extended_subwords([("zz", 90), ("zza", 40), ("qq", 9)], 9_000);
        // `za`, `zza` and `qq`.
        assert_eq!(new.len(), old.len() + 3);
        assert_eq!(encoded(&new, "zz"), encoded(&old, "zz"));
        for pre_token in ["za", "zza", "qq"] {
            let tokens: Vec<Option<&str>> = encoded(&new, pre_token).into_iter().map(|id| new.token(id)).collect();
            assert_eq!(tokens, [Some(pre_token)]);
        }
        let json = serde_json::to_string(&new).unwrap();
        assert_eq!(serde_json::from_str::<Vocabulary>(&json).unwrap(), new);
    }

    #[test]
    fn the_origins_of_a_token_are_the_old_tokens_that_it_consists_of() {
        let old = trained();
        let new = old.extended_subwords([(" foxes", 30), ("zebra", 20)], 9_000);
        let origins = new.origins(&old);
        assert_eq!(origins.len(), new.len());
        for (id, origin) in (0..).zip(&origins[..old.len()]) {
            assert_eq!(*origin, [id]);
        }
        for pre_token in [" foxes", "zebra"] {
            assert_eq!(origins[encoded(&new, pre_token)[0] as usize], encoded(&old, pre_token));
        }
        // A document token moves all others.
        let documents = new.clone().with_documents(3).origins(&old);
        assert_eq!((&documents[..2], &documents[2..]), (&[vec![0], vec![]][..], &origins[1..]));
        // Words that are new have no parts.
        let words = Vocabulary::from_counts([("a", 2), ("b", 1)], 1, true);
        let extended = words.extended([("c", 1)], 1);
        assert_eq!(extended.origins(&words), [vec![0], vec![1], vec![2], vec![3], vec![]]);
    }
}
