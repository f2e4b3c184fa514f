//! Strings numbered 0, 1, 2 … in order of arrival: one arena, one hash table.
//!
//! What it does not know: what the strings or the numbers mean.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

/// Distinct strings and their numbers. The text lies in one arena, so that a new string costs no
/// allocation of its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct StringTable {
    text: String,
    /// `ends[i]` is where string `i` ends in `text`.
    ends: Vec<usize>,
    numbers: HashTable<u32>,
}

impl StringTable {
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// # Panics
    /// When `number` was never handed out.
    pub fn get(&self, number: u32) -> &str {
        let number = number as usize;
        let start = if number == 0 { 0 } else { self.ends[number - 1] };
        &self.text[start..self.ends[number]]
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        // The constructor below refuses more than u32::MAX strings.
        (0..self.len()).map(|i| self.get(i as u32))
    }

    pub fn find(&self, string: &str) -> Option<u32> {
        self.numbers.find(hash(string), |&n| self.get(n) == string).copied()
    }

    /// The number of `string`, and whether it is new.
    ///
    /// # Panics
    /// With more than `u32::MAX` distinct strings.
    pub fn insert(&mut self, string: &str) -> (u32, bool) {
        let hash_of_string = hash(string);
        if let Some(&number) = self.numbers.find(hash_of_string, |&n| self.get(n) == string) {
            return (number, false);
        }
        let number = u32::try_from(self.ends.len()).expect("fewer than 2^32 distinct tokens");
        assert!(number < u32::MAX, "fewer than 2^32 - 1 distinct tokens");
        self.text.push_str(string);
        self.ends.push(self.text.len());
        let Self { text, ends, numbers } = self;
        numbers.insert_unique(hash_of_string, number, |&n| {
            let n = n as usize;
            let start = if n == 0 { 0 } else { ends[n - 1] };
            hash(&text[start..ends[n]])
        });
        (number, true)
    }
}

impl PartialEq for StringTable {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.ends == other.ends
    }
}

fn hash(string: &str) -> u64 {
    // A fixed seed: no result depends on the order inside the table, and runs stay alike.
    FixedState::with_seed(0).hash_one(string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_numbered_as_they_come() {
        let mut table = StringTable::default();
        assert_eq!(table.insert("b"), (0, true));
        assert_eq!(table.insert(""), (1, true));
        assert_eq!(table.insert("b"), (0, false));
        assert_eq!(table.insert("한"), (2, true));
        assert_eq!(table.iter().collect::<Vec<_>>(), ["b", "", "한"]);
        assert_eq!(table.find(""), Some(1));
        assert_eq!(table.find("a"), None);
    }

    #[test]
    fn many_strings_survive_growth() {
        let mut table = StringTable::default();
        for i in 0..10_000u32 {
            assert_eq!(table.insert(&i.to_string()), (i, true));
        }
        for i in 0..10_000u32 {
            assert_eq!(table.find(&i.to_string()), Some(i));
            assert_eq!(table.get(i), i.to_string());
        }
    }
}
