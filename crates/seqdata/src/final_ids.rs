//! The ids of the vocabulary for each provisional id.

use text_prep::{TokenCounter, Vocabulary};

/// The ids of each token, by its provisional id: one, several subwords, or none if it is dropped.
pub(crate) struct FinalIds {
    ids: Vec<u32>,
    /// Where the ids of each token end.
    ends: Vec<usize>,
}

impl FinalIds {
    /// The ids of all counted tokens.
    pub fn new(counter: &TokenCounter, vocabulary: &Vocabulary) -> Self {
        let (mut ids, mut ends) = (Vec::with_capacity(counter.len()), Vec::with_capacity(counter.len()));
        for (token, _) in counter.iter() {
            if !vocabulary.encode(token, |id| ids.push(id)) {
                ids.extend(vocabulary.unknown_id());
            }
            ends.push(ids.len());
        }
        Self { ids, ends }
    }

    /// The ids of a token.
    ///
    /// # Panics
    /// If no token has this provisional id.
    #[inline]
    pub fn get(&self, provisional: u32) -> &[u32] {
        let at = provisional as usize;
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.ids[start..self.ends[at]]
    }
}
