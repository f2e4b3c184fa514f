//! The vocabulary: maps tokens to ids and back, with their counts.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::nearest::similar;
use crate::string_table::StringTable;
use crate::subwords::{Subwords, SubwordsFile};
use crate::token_counter::TokenCounter;

/// Maps tokens to ids. Id 0 is reserved for padding, as in Keras; then come the unknown token and the document token,
/// if the vocabulary has them. Words follow by descending count, ties in order of first appearance (as in
/// Keras). Words added later by [`extended`](Self::extended) follow, in the same order among themselves.
///
/// A vocabulary of [subwords](Self::train_subwords) has no unknown token: the 256 bytes follow the reserved ids, then the
/// tokens that are merged of them. They are written in characters that stand for bytes, see [`readable`](Self::readable).
///
/// The document token stands before, between and after the documents of a text: as an input it starts a document, as a
/// target it ends one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(into = "VocabularyFile", try_from = "VocabularyFile")]
pub struct Vocabulary {
    pub(crate) table: StringTable,
    pub(crate) counts: Vec<u64>,
    /// The count of the unknown token, if there is one.
    unknown: Option<u64>,
    /// The number of documents, if there is a document token.
    documents: Option<u64>,
    /// Word indices at which [`extended`](Self::extended) added words: counts descend only between
    /// two of them.
    added_at: Vec<usize>,
    /// How pre-tokens are encoded, in a vocabulary of subwords.
    pub(crate) subwords: Option<Arc<Subwords>>,
}

impl Vocabulary {
    /// The id of padding.
    pub const PADDING: u32 = 0;
    /// The id of the unknown token, if there is one; see [`Self::unknown_id`].
    pub const UNKNOWN: u32 = 1;

    pub(crate) const PADDING_TOKEN: &str = "<padding>";
    pub(crate) const UNKNOWN_TOKEN: &str = "<unknown>";
    pub(crate) const DOCUMENT_TOKEN: &str = "<document>";

    /// A vocabulary of the tokens with a count of at least `min_count`. `counts` is in order of first
    /// appearance, as returned by [`TokenCounter::iter`]; counts of a repeated token are added.
    /// Rarer tokens are left out; with `unknown` there is an unknown token, which gets their counts.
    pub fn from_counts<'a>(counts: impl IntoIterator<Item = (&'a str, u64)>, min_count: u64, unknown: bool) -> Self {
        let mut all = TokenCounter::new();
        for (token, count) in counts {
            all.add_n(token, count);
        }
        let (mut kept, rare): (Vec<_>, Vec<_>) = all.iter().partition(|&(_, count)| count >= min_count);
        // A stable sort: ties keep the order of first appearance.
        kept.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        let mut vocabulary =
            Self { unknown: unknown.then(|| rare.iter().map(|&(_, count)| count).sum()), ..Self::default() };
        for (token, count) in kept {
            vocabulary.table.insert(token);
            vocabulary.counts.push(count);
        }
        vocabulary
    }

    /// The most frequent words of a vocabulary that was not [extended](Self::extended), as many as fit into `len` ids
    /// with the reserved ones. With `unknown` there is an unknown token, which gets the counts of the others.
    #[must_use]
    pub fn truncated(&self, len: usize, unknown: bool) -> Self {
        let kept = len.saturating_sub(1 + usize::from(unknown)).min(self.num_words());
        let rest: u64 = self.counts[kept..].iter().sum();
        let unknown = unknown.then(|| self.unknown.unwrap_or(0) + rest);
        let mut truncated = Self { unknown, ..Self::default() };
        for (token, &count) in self.table.iter().zip(&self.counts[..kept]) {
            truncated.table.insert(token);
            truncated.counts.push(count);
        }
        truncated
    }

    /// A vocabulary of `tokens` in this order, whose counts are zero.
    ///
    /// # Errors
    /// The token that occurs twice.
    pub(crate) fn of_tokens(tokens: &[String], unknown: bool) -> std::result::Result<Self, &str> {
        let mut vocabulary = Self { unknown: unknown.then_some(0), counts: vec![0; tokens.len()], ..Self::default() };
        match tokens.iter().find(|token| !vocabulary.table.insert(token).1) {
            Some(token) => Err(token.as_str()),
            None => Ok(vocabulary),
        }
    }

    /// The same tokens with the counts that they have in a text: words in the order of their counts, ties in the present order,
    /// and others as unknown tokens, if there is such a token. Subwords keep their ids.
    #[must_use]
    pub fn recounted<'a>(self, counts: impl IntoIterator<Item = (&'a str, u64)>) -> Self {
        if self.is_subwords() {
            return self.recounted_subwords(counts);
        }
        let (mut found, mut others) = (vec![0; self.num_words()], 0);
        for (token, count) in counts {
            match self.table.find(token) {
                Some(index) => found[index as usize] += count,
                None => others += count,
            }
        }
        let ordered = Self::from_counts(self.table.iter().zip(found), 0, false);
        Self { unknown: self.unknown.map(|_| others), documents: self.documents, ..ordered }
    }

    /// The same vocabulary with a document token, whose count is `documents`. All words get the next id if it had none.
    #[must_use]
    pub fn with_documents(self, documents: u64) -> Self {
        Self { documents: Some(documents), ..self }
    }

    /// A copy with the new words of `counts` that have a count of at least `min_count` added at the end,
    /// by descending count, ties in order of first appearance. Existing ids do not change.
    pub fn extended<'a>(&self, counts: impl IntoIterator<Item = (&'a str, u64)>, min_count: u64) -> Self {
        let new = counts.into_iter().filter(|&(token, _)| self.id(token).is_none());
        let new = Self::from_counts(new, min_count, false);
        let mut extended = self.clone();
        if new.num_words() > 0 {
            extended.added_at.push(self.num_words());
        }
        for (token, count) in new.table.iter().zip(new.counts) {
            extended.table.insert(token);
            extended.counts.push(count);
        }
        extended
    }

    /// Number of ids, including the reserved ones: the size of the embedding and output layers
    /// (`total_words` in the Keras baseline).
    #[expect(clippy::len_without_is_empty, reason = "never empty: id 0 is always reserved")]
    pub fn len(&self) -> usize {
        self.num_words() + self.first_word() as usize
    }

    /// Number of words, without the reserved ids.
    pub fn num_words(&self) -> usize {
        self.table.len()
    }

    /// The id of a word. Never returns a reserved id: the text may contain the word `<padding>`.
    #[inline]
    pub fn id(&self, token: &str) -> Option<u32> {
        self.table.find(token).map(|index| index + self.first_word())
    }

    /// The id of the unknown token, if there is one.
    pub fn unknown_id(&self) -> Option<u32> {
        self.unknown.map(|_| Self::UNKNOWN)
    }

    /// The id of the document token, if there is one.
    pub fn document_id(&self) -> Option<u32> {
        self.documents.map(|_| 1 + u32::from(self.unknown.is_some()))
    }

    /// The token with this id; `<padding>`, `<unknown>` and `<document>` for the reserved ones.
    pub fn token(&self, id: u32) -> Option<&str> {
        match id {
            Self::PADDING => Some(Self::PADDING_TOKEN),
            Self::UNKNOWN if self.unknown.is_some() => Some(Self::UNKNOWN_TOKEN),
            _ if self.document_id() == Some(id) => Some(Self::DOCUMENT_TOKEN),
            _ => self.word_index(id).map(|index| self.table.get(index)),
        }
    }

    /// What a text has for this id: its token, or nothing for padding, the document token and ids that do not exist.
    pub fn written(&self, id: u32) -> &str {
        let is_written = id != Self::PADDING && self.document_id() != Some(id);
        self.token(id).filter(|_| is_written).unwrap_or_default()
    }

    /// The count of the token with this id; 0 for padding and ids that do not exist.
    pub fn count(&self, id: u32) -> u64 {
        match id {
            Self::PADDING => 0,
            Self::UNKNOWN if self.unknown.is_some() => self.unknown.unwrap_or(0),
            _ if self.document_id() == Some(id) => self.documents.unwrap_or(0),
            _ => self.word_index(id).map_or(0, |index| self.counts[index as usize]),
        }
    }

    /// Whether the id is padding, the unknown token, the document token or a special subword: no token of a text.
    pub fn is_reserved(&self, id: u32) -> bool {
        match id.checked_sub(self.first_word()) {
            None => true,
            Some(index) => self.special().binary_search(&index).is_ok(),
        }
    }

    /// The reserved ids that a model must not write: padding, the unknown token and special subwords. The document token may
    /// be sampled; it ends a document.
    pub fn never_sampled(&self) -> impl Iterator<Item = u32> + use<> {
        let first = self.first_word();
        let special: Vec<u32> = self.special().iter().map(|index| index + first).collect();
        (0..1 + u32::from(self.unknown.is_some())).chain(special)
    }

    /// The indices of special subwords.
    fn special(&self) -> &[u32] {
        self.subwords.as_ref().map_or(&[], |subwords| &subwords.special)
    }

    /// Up to `n` words most similar to `token` by edit distance, nearest first, ties by descending
    /// count. The distance is at most half the length of `token`; what resembles a single character has it, in upper or lower
    /// case.
    pub fn nearest(&self, token: &str, n: usize) -> Vec<&str> {
        similar(token, self.table.iter(), n)
    }

    /// A table with tab-separated id, [readable](Self::readable) token and count per line; control characters and
    /// backslashes are escaped.
    pub fn to_tsv(&self) -> String {
        let mut tsv = String::from("id\ttoken\tcount\n");
        for id in 0..self.len() as u32 {
            tsv.push_str(&id.to_string());
            tsv.push('\t');
            for c in self.readable(id).unwrap_or_default().chars() {
                if c.is_control() || c == '\\' {
                    tsv.extend(c.escape_default());
                } else {
                    tsv.push(c);
                }
            }
            tsv.push('\t');
            tsv.push_str(&self.count(id).to_string());
            tsv.push('\n');
        }
        tsv
    }

    pub(crate) fn first_word(&self) -> u32 {
        1 + u32::from(self.unknown.is_some()) + u32::from(self.documents.is_some())
    }

    fn word_index(&self, id: u32) -> Option<u32> {
        id.checked_sub(self.first_word()).filter(|&index| (index as usize) < self.num_words())
    }
}

/// The serialized form of a vocabulary: words in the order of their ids.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct VocabularyFile {
    unknown: bool,
    #[serde(default)]
    unknown_count: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    documents: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    added_at: Vec<usize>,
    words: Vec<Word>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subwords: Option<SubwordsFile>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Word {
    token: String,
    count: u64,
}

impl From<Vocabulary> for VocabularyFile {
    fn from(vocabulary: Vocabulary) -> Self {
        let words = vocabulary.table.iter().zip(&vocabulary.counts);
        Self {
            unknown: vocabulary.unknown.is_some(),
            unknown_count: vocabulary.unknown.unwrap_or(0),
            documents: vocabulary.documents,
            added_at: vocabulary.added_at.clone(),
            words: words.map(|(token, &count)| Word { token: token.to_owned(), count }).collect(),
            subwords: vocabulary.subwords.as_deref().map(SubwordsFile::from),
        }
    }
}

impl TryFrom<VocabularyFile> for Vocabulary {
    type Error = Error;

    fn try_from(file: VocabularyFile) -> Result<Self> {
        let unknown = file.unknown.then_some(file.unknown_count);
        let mut vocabulary = Self { unknown, documents: file.documents, ..Self::default() };
        if !file.added_at.is_sorted() || file.added_at.last() > Some(&file.words.len()) {
            let problem = format!(
                "has `added_at` = {:?}: expected ascending word indices up to {}",
                file.added_at,
                file.words.len()
            );
            return Err(Error::BadVocabulary { problem });
        }
        vocabulary.added_at = file.added_at;
        for (index, word) in file.words.iter().enumerate() {
            let (first, new) = vocabulary.table.insert(&word.token);
            let bad = |problem: String| Err(Error::BadVocabulary { problem });
            let token = crate::error::one_line(&word.token);
            if !new {
                return bad(format!(
                    "contains `{token}` twice, as words {first} and {index}: expected every word once"
                ));
            }
            let first_added = vocabulary.added_at.contains(&index);
            if file.subwords.is_none()
                && !first_added
                && vocabulary.counts.last().is_some_and(|&before| before < word.count)
            {
                return bad(format!(
                    "has a higher count for `{token}` (word {index}) than for the word before: expected descending counts"
                ));
            }
            vocabulary.counts.push(word.count);
        }
        let subwords = file.subwords.map(|file| file.read(&vocabulary.table)).transpose()?;
        vocabulary.subwords = subwords.map(Arc::new);
        Ok(vocabulary)
    }
}
