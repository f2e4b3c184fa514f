//! Counting tokens as they come.
//!
//! What it does not know: which of them a vocabulary will keep, and under which ids.

use crate::table::StringTable;

/// Counts tokens as they come, under provisional numbers in order of first appearance.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Interner {
    table: StringTable,
    counts: Vec<u64>,
}

impl Interner {
    /// An interner that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts `token` once and gives its number.
    ///
    /// # Panics
    /// With more than 2³² − 1 distinct tokens.
    #[inline]
    pub fn intern(&mut self, token: &str) -> u32 {
        self.add(token, 1)
    }

    /// Counts `token` `count` times and gives its number.
    ///
    /// # Panics
    /// As [`Self::intern`].
    #[inline]
    pub fn add(&mut self, token: &str, count: u64) -> u32 {
        let (number, new) = self.table.insert(token);
        if new {
            self.counts.push(count);
        } else {
            self.counts[number as usize] += count;
        }
        number
    }

    /// Gives `token` the value `count`, whatever it had.
    pub(crate) fn set(&mut self, token: &str, count: u64) {
        let number = self.add(token, 0);
        self.counts[number as usize] = count;
    }

    /// How often each token came, in order of first appearance.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The token with this number.
    ///
    /// # Panics
    /// When no token has it.
    pub fn token(&self, number: u32) -> &str {
        self.table.get(number)
    }

    /// The number of `token`, if it ever came.
    pub fn find(&self, token: &str) -> Option<u32> {
        self.table.find(token)
    }

    /// Tokens and counts in order of first appearance.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.table.iter().zip(self.counts.iter().copied())
    }

    /// How many distinct tokens came.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether nothing came.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn count(text: &str) -> Interner {
        let mut interner = Interner::new();
        for word in text.split_whitespace() {
            interner.intern(word);
        }
        interner
    }

    #[test]
    fn tokens_are_numbered_and_counted_as_they_come() {
        let mut interner = count("b a b");
        assert_eq!(interner.intern("c"), 2);
        assert_eq!(interner.intern("b"), 0);
        assert_eq!(interner.counts(), [3, 1, 1]);
        assert_eq!((interner.token(1), interner.len(), interner.find("z")), ("a", 3, None));
    }
}
