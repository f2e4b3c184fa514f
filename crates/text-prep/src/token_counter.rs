//! Counts distinct tokens and assigns them provisional ids.

use crate::string_table::StringTable;

/// Counts distinct tokens. Provisional ids 0, 1, 2 … follow the order of first appearance.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TokenCounter {
    table: StringTable,
    counts: Vec<u64>,
}

impl TokenCounter {
    /// A counter without tokens.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts `token` once and returns its provisional id.
    ///
    /// # Panics
    /// With more than 2³² − 1 distinct tokens.
    #[inline]
    pub fn add(&mut self, token: &str) -> u32 {
        self.add_n(token, 1)
    }

    /// Counts `token` `count` times and returns its provisional id.
    ///
    /// # Panics
    /// As [`Self::add`].
    #[inline]
    pub fn add_n(&mut self, token: &str, count: u64) -> u32 {
        let (id, new) = self.table.insert(token);
        if new {
            self.counts.push(count);
        } else {
            self.counts[id as usize] += count;
        }
        id
    }

    /// Sets the count of `token`.
    pub(crate) fn set(&mut self, token: &str, count: u64) {
        let id = self.add_n(token, 0);
        self.counts[id as usize] = count;
    }

    /// The count of each token, by provisional id.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The token with this provisional id.
    ///
    /// # Panics
    /// If no token has this id.
    pub fn token(&self, id: u32) -> &str {
        self.table.get(id)
    }

    /// The provisional id of `token`, if it was counted.
    pub fn find(&self, token: &str) -> Option<u32> {
        self.table.find(token)
    }

    /// Tokens and their counts in order of first appearance.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> + Clone {
        self.table.iter().zip(self.counts.iter().copied())
    }

    /// Number of distinct tokens.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether no token was counted.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn count(text: &str) -> TokenCounter {
        let mut counter = TokenCounter::new();
        for word in text.split_whitespace() {
            counter.add(word);
        }
        counter
    }

    #[test]
    fn ids_follow_first_appearance_and_counts_add_up() {
        let mut counter = count("b a b");
        assert_eq!(counter.add("c"), 2);
        assert_eq!(counter.add("b"), 0);
        assert_eq!(counter.counts(), [3, 1, 1]);
        assert_eq!((counter.token(1), counter.len(), counter.find("z")), ("a", 3, None));
    }
}
