//! Encodes the tokens of a text with a vocabulary; each distinct pre-token is divided into subwords once.

use crate::string_table::StringTable;
use crate::vocabulary::Vocabulary;

/// Encodes the tokens of one text.
pub(crate) struct TokenEncoder<'a> {
    vocabulary: &'a Vocabulary,
    /// The pre-tokens that are divided already.
    known: StringTable,
    /// Their ids, one after another.
    ids: Vec<u32>,
    /// Where the ids of each end.
    ends: Vec<usize>,
}

impl<'a> TokenEncoder<'a> {
    pub fn new(vocabulary: &'a Vocabulary) -> Self {
        Self { vocabulary, known: StringTable::default(), ids: Vec::new(), ends: Vec::new() }
    }

    /// Calls `each` with the ids of `token`. Returns whether there are any.
    #[inline]
    pub fn encode(&mut self, token: &str, each: impl FnMut(u32)) -> bool {
        if !self.vocabulary.is_subwords() {
            return self.vocabulary.encode(token, each);
        }
        let (index, new) = self.known.insert(token);
        if new {
            self.vocabulary.encode(token, |id| self.ids.push(id));
            self.ends.push(self.ids.len());
        }
        let index = index as usize;
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        self.ids[start..self.ends[index]].iter().copied().for_each(each);
        true
    }
}
