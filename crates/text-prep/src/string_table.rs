//! A string counter: distinct strings with indices 0, 1, 2 … in order of insertion, stored in one arena
//! with one hash table.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

/// Distinct strings and their indices. All text is in one arena, so a new string needs no allocation
/// of its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct StringTable {
    text: String,
    /// `ends[i]` is the end of string `i` in `text`.
    ends: Vec<usize>,
    entries: HashTable<Entry>,
    ascii: Ascii,
}

/// 16 bytes, four per cache line: cache misses dominate the lookup time.
#[derive(Clone, Copy, Debug)]
struct Entry {
    key: Key,
    index: u32,
}

/// The hash-table key of a string. It identifies a string of up to 11 bytes (nearly all words)
/// uniquely, without reading the arena.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Key {
    /// The first four or eight bytes and the last ones, which may overlap; for a longer string its
    /// hash. Two `u32`, so that an entry has no padding.
    low: [u32; 2],
    /// The last three bytes if eight are not enough; in the top byte the length, or [`LONG`].
    high: u32,
}

/// Length code of all strings too long to be stored in a key.
const LONG: usize = 12;

/// Index plus 1 of each one-character ASCII string; 0 if absent. Character tokenizers produce mostly
/// these, and they need no hash.
#[derive(Clone, Debug)]
struct Ascii([u32; 128]);

impl Default for Ascii {
    fn default() -> Self {
        Self([0; 128])
    }
}

impl StringTable {
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// # Panics
    /// If no string has this index.
    pub fn get(&self, index: u32) -> &str {
        let index = index as usize;
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.text[start..self.ends[index]]
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        // `add` panics at u32::MAX strings.
        (0..self.len()).map(|i| self.get(i as u32))
    }

    #[inline]
    pub fn find(&self, string: &str) -> Option<u32> {
        match *string.as_bytes() {
            [byte @ 0..128] => self.ascii.0[usize::from(byte)].checked_sub(1),
            _ => self.find_key(Key::of(string), string),
        }
    }

    #[inline]
    fn find_key(&self, key: Key, string: &str) -> Option<u32> {
        let same = |entry: &Entry| entry.key == key && (!key.is_long() || self.get(entry.index) == string);
        self.entries.find(key.hash(), same).map(|entry| entry.index)
    }

    /// The index of `string`, and whether it is new.
    ///
    /// # Panics
    /// With more than 2³² − 1 distinct strings.
    #[inline]
    pub fn insert(&mut self, string: &str) -> (u32, bool) {
        match self.find(string) {
            Some(index) => (index, false),
            None => (self.add(string), true),
        }
    }

    #[cold]
    fn add(&mut self, string: &str) -> u32 {
        let index = u32::try_from(self.ends.len()).expect("fewer than 2^32 distinct tokens");
        assert!(index < u32::MAX, "fewer than 2^32 - 1 distinct tokens");
        self.text.push_str(string);
        self.ends.push(self.text.len());
        match *string.as_bytes() {
            [byte @ 0..128] => self.ascii.0[usize::from(byte)] = index + 1,
            _ => {
                let key = Key::of(string);
                let entry = Entry { key, index };
                self.entries.insert_unique(key.hash(), entry, |entry| entry.key.hash());
            }
        }
        index
    }
}

impl PartialEq for StringTable {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.ends == other.ends
    }
}

impl Key {
    #[inline]
    fn of(string: &str) -> Self {
        let bytes = string.as_bytes();
        let length = bytes.len();
        let (low, last) = if let (Some(first), Some(last)) = (bytes.first_chunk(), last_four_bytes(bytes)) {
            match length {
                ..LONG => (u64::from_le_bytes(*first), last >> 8),
                _ => (hash(string), 0),
            }
        } else if let (Some(first), Some(last)) = (bytes.first_chunk(), last_four_bytes(bytes)) {
            (u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(last), 0)
        } else if let (Some(&first), Some(&last)) = (bytes.first(), bytes.last()) {
            // Three bytes at most: these are all of them.
            let middle = bytes[length / 2];
            (u64::from_le_bytes([first, middle, last, 0, 0, 0, 0, 0]), 0)
        } else {
            (0, 0)
        };
        let low = [low as u32, (low >> 32) as u32];
        Self { low, high: (length.min(LONG) as u32) << 24 | last }
    }

    fn is_long(self) -> bool {
        self.high >> 24 == LONG as u32
    }

    #[inline]
    fn hash(self) -> u64 {
        hash((u64::from(self.low[1]) << 32 | u64::from(self.low[0]), self.high))
    }
}

/// The last four bytes, the last one in the top byte.
#[inline]
fn last_four_bytes(bytes: &[u8]) -> Option<u32> {
    bytes.last_chunk().map(|last| u32::from_le_bytes(*last))
}

/// A fixed seed, for identical runs; no result depends on the order inside the table.
#[inline]
fn hash(value: impl std::hash::Hash) -> u64 {
    FixedState::with_seed(0).hash_one(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_follow_the_order_of_insertion() {
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
    fn strings_keep_their_indices_when_the_table_grows() {
        let mut table = StringTable::default();
        for i in 0..10_000u32 {
            assert_eq!(table.insert(&i.to_string()), (i, true));
        }
        for i in 0..10_000u32 {
            assert_eq!(table.find(&i.to_string()), Some(i));
            assert_eq!(table.get(i), i.to_string());
        }
    }

    #[test]
    fn only_equal_strings_share_an_index() {
        // All lengths around the limits between the kinds of key; the strings differ in one byte or
        // only in length.
        let mut strings: Vec<String> = Vec::new();
        for length in 0..40 {
            strings.push("a".repeat(length));
            strings.extend((0..length).map(|at| "a".repeat(at) + "b" + &"a".repeat(length - at - 1)));
        }
        strings.extend(["é", "한", "🦊", "\0", "\0\0"].map(String::from));
        let mut table = StringTable::default();
        for (index, string) in (0..).zip(&strings) {
            assert_eq!(table.find(string), None, "{string}");
            assert_eq!(table.insert(string), (index, true), "{string}");
        }
        for (index, string) in (0..).zip(&strings) {
            assert_eq!(table.insert(string), (index, false), "{string}");
            assert_eq!(table.get(index), string);
        }
    }
}
