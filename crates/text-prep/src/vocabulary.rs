//! The tokens that a model knows, how often each came, and the id of each.
//!
//! What it does not know: how tokens are made, and which part of a text was counted.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::interner::Interner;
use crate::nearest::nearest;
use crate::table::StringTable;

/// The tokens that a model knows, numbered: id 0 is reserved for padding as in Keras, id 1 for
/// what is unknown where the vocabulary has such an id, and the words follow by falling count,
/// ties in order of first appearance (Keras's rule). Words that were added later follow in the same order
/// among themselves.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(into = "Written", try_from = "Written")]
pub struct Vocabulary {
    table: StringTable,
    counts: Vec<u64>,
    /// How many tokens were counted as unknown, where there is an unknown id.
    unknown: Option<u64>,
    /// Where words were added later, by [`extended`](Self::extended): counts fall between two of these.
    added_at: Vec<usize>,
}

impl Vocabulary {
    /// The reserved id 0.
    pub const PADDING: u32 = 0;
    /// The id of what is unknown, where [`Self::unknown_id`] says that there is one.
    pub const UNKNOWN: u32 = 1;

    const PADDING_TOKEN: &str = "<padding>";
    const UNKNOWN_TOKEN: &str = "<unknown>";

    /// A vocabulary of the tokens that came at least `min_count` times. `counts` is in order of
    /// first appearance, as [`Interner::iter`] gives it; a token that comes twice is added up.
    /// What is rarer is left out, and counted as unknown where `unknown` asks for such an id.
    pub fn from_counts<'a>(
        counts: impl IntoIterator<Item = (&'a str, u64)>,
        min_count: u64,
        unknown: bool,
    ) -> Self {
        let mut all = Interner::new();
        for (token, count) in counts {
            all.add(token, count);
        }
        let (mut kept, rare): (Vec<_>, Vec<_>) =
            all.iter().partition(|&(_, count)| count >= min_count);
        // A stable sort: ties keep the order of first appearance.
        kept.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        let mut vocabulary = Self {
            unknown: unknown.then(|| rare.iter().map(|&(_, count)| count).sum()),
            ..Self::default()
        };
        for (token, count) in kept {
            vocabulary.table.insert(token);
            vocabulary.counts.push(count);
        }
        vocabulary
    }

    /// The same words with the same ids, and after them those of `counts` that are new and came at
    /// least `min_count` times, by falling count, ties in order of first appearance.
    pub fn extended<'a>(
        &self,
        counts: impl IntoIterator<Item = (&'a str, u64)>,
        min_count: u64,
    ) -> Self {
        let new = counts.into_iter().filter(|&(token, _)| self.id(token).is_none());
        let new = Self::from_counts(new, min_count, false);
        let mut extended = self.clone();
        if new.words() > 0 {
            extended.added_at.push(self.words());
        }
        for (token, count) in new.table.iter().zip(new.counts) {
            extended.table.insert(token);
            extended.counts.push(count);
        }
        extended
    }

    /// How many ids there are, the reserved ones included: Keras's `total_words`.
    #[expect(clippy::len_without_is_empty, reason = "never empty: id 0 is always reserved")]
    pub fn len(&self) -> usize {
        self.words() + self.first_word() as usize
    }

    /// How many words there are, without the reserved ids.
    pub fn words(&self) -> usize {
        self.table.len()
    }

    /// The id of a word. A reserved id is never found by its name: a text may hold that very
    /// word.
    #[inline]
    pub fn id(&self, token: &str) -> Option<u32> {
        self.table.find(token).map(|number| number + self.first_word())
    }

    /// The id of what is unknown, if there is one.
    pub fn unknown_id(&self) -> Option<u32> {
        self.unknown.map(|_| Self::UNKNOWN)
    }

    /// The token with this id; `<padding>` and `<unknown>` for the reserved ones.
    pub fn token(&self, id: u32) -> Option<&str> {
        match id {
            Self::PADDING => Some(Self::PADDING_TOKEN),
            Self::UNKNOWN if self.unknown.is_some() => Some(Self::UNKNOWN_TOKEN),
            _ => self.number(id).map(|number| self.table.get(number)),
        }
    }

    /// How often the token with this id was counted; 0 for padding and ids that do not exist.
    pub fn count(&self, id: u32) -> u64 {
        match id {
            Self::PADDING => 0,
            Self::UNKNOWN if self.unknown.is_some() => self.unknown.unwrap_or(0),
            _ => self.number(id).map_or(0, |number| self.counts[number as usize]),
        }
    }

    /// Whether the id stands for no word. Reserved ids are never to be written.
    pub fn is_reserved(&self, id: u32) -> bool {
        id < self.first_word()
    }

    /// The reserved ids.
    pub fn reserved(&self) -> impl Iterator<Item = u32> + use<> {
        0..self.first_word()
    }

    /// Up to `n` words that look most like `token`, nearest first, ties by falling count.
    /// Nothing more than half of `token` away is near.
    pub fn nearest(&self, token: &str, n: usize) -> Vec<&str> {
        let limit = (token.chars().count() / 2).max(1);
        nearest(token, self.table.iter(), n, limit)
    }

    /// A table to look at: id, token and count a line, tabs between them, control characters and
    /// backslashes escaped.
    pub fn to_tsv(&self) -> String {
        let mut tsv = String::from("id\ttoken\tcount\n");
        for id in 0..self.len() as u32 {
            tsv.push_str(&id.to_string());
            tsv.push('\t');
            for c in self.token(id).unwrap_or_default().chars() {
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

    fn first_word(&self) -> u32 {
        if self.unknown.is_some() { 2 } else { 1 }
    }

    fn number(&self, id: u32) -> Option<u32> {
        id.checked_sub(self.first_word()).filter(|&number| (number as usize) < self.words())
    }
}

/// A vocabulary as it stands in a file: words in the order of their ids.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    unknown: bool,
    #[serde(default)]
    unknown_count: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    added_at: Vec<usize>,
    words: Vec<Word>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Word {
    token: String,
    count: u64,
}

impl From<Vocabulary> for Written {
    fn from(vocabulary: Vocabulary) -> Self {
        let words = vocabulary.table.iter().zip(&vocabulary.counts);
        Self {
            unknown: vocabulary.unknown.is_some(),
            unknown_count: vocabulary.unknown.unwrap_or(0),
            added_at: vocabulary.added_at.clone(),
            words: words.map(|(token, &count)| Word { token: token.to_owned(), count }).collect(),
        }
    }
}

impl TryFrom<Written> for Vocabulary {
    type Error = Error;

    fn try_from(written: Written) -> Result<Self> {
        let mut vocabulary =
            Self { unknown: written.unknown.then_some(written.unknown_count), ..Self::default() };
        if !written.added_at.is_sorted() || written.added_at.last() > Some(&written.words.len()) {
            let problem = format!(
                "says that words were added at {:?}: expected rising places among its {} words",
                written.added_at,
                written.words.len()
            );
            return Err(Error::BadVocabulary { problem });
        }
        vocabulary.added_at = written.added_at;
        for (place, word) in written.words.iter().enumerate() {
            let (number, new) = vocabulary.table.insert(&word.token);
            let bad = |problem: String| Err(Error::BadVocabulary { problem });
            let token = crate::error::one_line(&word.token);
            if !new {
                return bad(format!(
                    "holds `{token}` twice, as words {number} and {place}: expected every word once"
                ));
            }
            let begins = vocabulary.added_at.contains(&place);
            if !begins && vocabulary.counts.last().is_some_and(|&before| before < word.count) {
                return bad(format!(
                    "counts `{token}`, word {place}, more often than the word before: expected falling counts"
                ));
            }
            vocabulary.counts.push(word.count);
        }
        Ok(vocabulary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interner::tests::count;

    #[test]
    fn words_are_added_after_those_that_are_there() {
        let old = Vocabulary::from_counts(count("b a b").iter(), 1, true);
        let new = old.extended(count("c a d d c d e").iter(), 2);
        assert_eq!(new.extended(count("a d").iter(), 1), new);
        let order: Vec<_> = (0..new.len() as u32).map(|id| new.token(id).unwrap()).collect();
        assert_eq!(order, ["<padding>", "<unknown>", "b", "a", "d", "c"]);
        let text = serde_json::to_string(&new).unwrap();
        assert_eq!(serde_json::from_str::<Vocabulary>(&text).unwrap(), new);
    }

    #[test]
    fn ids_go_by_count_and_then_by_first_appearance() {
        let vocabulary = Vocabulary::from_counts(count("d c b a b a").iter(), 0, false);
        let order: Vec<_> = (0..5).map(|id| vocabulary.token(id).unwrap()).collect();
        assert_eq!(order, ["<padding>", "b", "a", "d", "c"]);
        assert_eq!((vocabulary.len(), vocabulary.words()), (5, 4));
        assert_eq!(
            (vocabulary.id("d"), vocabulary.id("<padding>"), vocabulary.token(5)),
            (Some(3), None, None)
        );
        assert_eq!((vocabulary.count(0), vocabulary.count(1), vocabulary.count(9)), (0, 2, 0));
        assert_eq!(
            (vocabulary.unknown_id(), vocabulary.reserved().collect::<Vec<_>>()),
            (None, vec![0])
        );
    }

    #[test]
    fn rare_tokens_are_left_out_or_counted_as_unknown() {
        let counted = count("a a b c c c");
        let dropped = Vocabulary::from_counts(counted.iter(), 2, false);
        assert_eq!((dropped.len(), dropped.id("b")), (3, None));
        let mapped = Vocabulary::from_counts(counted.iter(), 2, true);
        assert_eq!((mapped.len(), mapped.words(), mapped.unknown_id()), (4, 2, Some(1)));
        assert_eq!(
            (mapped.token(1), mapped.count(1), mapped.id("c")),
            (Some("<unknown>"), 1, Some(2))
        );
        assert!(mapped.is_reserved(0) && mapped.is_reserved(1) && !mapped.is_reserved(2));
        assert!(!dropped.is_reserved(1));
    }

    #[test]
    fn json_brings_the_same_vocabulary_back() {
        for (text, unknown) in
            [("", false), ("", true), ("한 🦊 \u{7f} a a \\", true), ("a", false)]
        {
            let vocabulary = Vocabulary::from_counts(count(text).iter(), 1, unknown);
            let json = serde_json::to_string(&vocabulary).unwrap();
            assert_eq!(serde_json::from_str::<Vocabulary>(&json).unwrap(), vocabulary, "{json}");
        }
    }

    #[test]
    fn a_contradictory_file_is_refused_in_words() {
        let read = |words: &str| {
            serde_json::from_str::<Vocabulary>(&format!(
                "{{\"unknown\":false,\"words\":[{words}]}}"
            ))
            .unwrap_err()
            .to_string()
        };
        let twice = read(r#"{"token":"a","count":2},{"token":"a","count":1}"#);
        assert!(twice.contains("holds `a` twice"), "{twice}");
        let rising = read(r#"{"token":"a","count":1},{"token":"b","count":2}"#);
        assert!(rising.contains("falling counts"), "{rising}");
    }

    #[test]
    fn nearest_words_are_near_and_frequent_ones_first() {
        let vocabulary =
            Vocabulary::from_counts(count("bat cat cat hat dragon the").iter(), 0, false);
        assert_eq!(vocabulary.nearest("rat", 2), ["cat", "bat"]);
        assert_eq!(vocabulary.nearest("dargon", 3), ["dragon"]);
        assert!(vocabulary.nearest("zzzz", 3).is_empty());
    }

    #[test]
    fn the_table_to_look_at_is_one_line_a_token() {
        let counts = [("\n", 3), ("a\\\t", 2), ("한", 1)];
        let vocabulary = Vocabulary::from_counts(counts, 0, true);
        assert_eq!(
            vocabulary.to_tsv(),
            "id\ttoken\tcount\n0\t<padding>\t0\n1\t<unknown>\t0\n2\t\\n\t3\n3\ta\\\\\\t\t2\n4\t한\t1\n"
        );
    }
}
