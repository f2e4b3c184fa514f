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
    entries: HashTable<Entry>,
    ascii: Ascii,
}

/// Sixteen bytes, four to a cache line: what does not fit the nearest cache is what takes time.
#[derive(Clone, Copy, Debug)]
struct Entry {
    key: Key,
    number: u32,
}

/// What a string is found by. A string of up to 11 bytes, as nearly all words are, is known by its
/// key alone, without a look at the arena.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Key {
    /// The first four or eight bytes and the last ones, which may overlap; of a longer string its
    /// hash. In two halves, so that an entry has no gap.
    low: [u32; 2],
    /// The last three bytes where eight are not enough; above them the length, or [`LONG`].
    high: u32,
}

/// Stands for all lengths that a key has no room for.
const LONG: usize = 12;

/// The numbers of the strings that are one ASCII character, each plus 1; 0 for none. They are most
/// of what a text of characters is split into, and need no hash.
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

    #[inline]
    pub fn find(&self, string: &str) -> Option<u32> {
        match *string.as_bytes() {
            [byte @ 0..128] => self.ascii.0[usize::from(byte)].checked_sub(1),
            _ => self.find_key(Key::of(string), string),
        }
    }

    #[inline]
    fn find_key(&self, key: Key, string: &str) -> Option<u32> {
        let same = |entry: &Entry| {
            entry.key == key && (!key.is_long() || self.get(entry.number) == string)
        };
        self.entries.find(key.hash(), same).map(|entry| entry.number)
    }

    /// The number of `string`, and whether it is new.
    ///
    /// # Panics
    /// With more than `u32::MAX` distinct strings.
    #[inline]
    pub fn insert(&mut self, string: &str) -> (u32, bool) {
        match self.find(string) {
            Some(number) => (number, false),
            None => (self.add(string), true),
        }
    }

    #[cold]
    fn add(&mut self, string: &str) -> u32 {
        let number = u32::try_from(self.ends.len()).expect("fewer than 2^32 distinct tokens");
        assert!(number < u32::MAX, "fewer than 2^32 - 1 distinct tokens");
        self.text.push_str(string);
        self.ends.push(self.text.len());
        match *string.as_bytes() {
            [byte @ 0..128] => self.ascii.0[usize::from(byte)] = number + 1,
            _ => {
                let key = Key::of(string);
                let entry = Entry { key, number };
                self.entries.insert_unique(key.hash(), entry, |entry| entry.key.hash());
            }
        }
        number
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
        let (low, last) = if let (Some(first), Some(last)) = (bytes.first_chunk(), last(bytes)) {
            match length {
                ..LONG => (u64::from_le_bytes(*first), last >> 8),
                _ => (hash(string), 0),
            }
        } else if let (Some(first), Some(last)) = (bytes.first_chunk(), last(bytes)) {
            (u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(last), 0)
        } else if let (Some(&first), Some(&last)) = (bytes.first(), bytes.last()) {
            // Of three bytes at most, these are all.
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

/// The last four bytes, the last of all uppermost.
#[inline]
fn last(bytes: &[u8]) -> Option<u32> {
    bytes.last_chunk().map(|last| u32::from_le_bytes(*last))
}

/// A fixed seed: no result depends on the order inside the table, and runs stay alike.
#[inline]
fn hash(value: impl std::hash::Hash) -> u64 {
    FixedState::with_seed(0).hash_one(value)
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

    #[test]
    fn only_equal_strings_have_one_number() {
        // All lengths around the borders between the kinds of key, differing in one byte or in
        // length alone.
        let mut strings: Vec<String> = Vec::new();
        for length in 0..40 {
            strings.push("a".repeat(length));
            strings
                .extend((0..length).map(|at| "a".repeat(at) + "b" + &"a".repeat(length - at - 1)));
        }
        strings.extend(["é", "한", "🦊", "\0", "\0\0"].map(String::from));
        let mut table = StringTable::default();
        for (number, string) in (0..).zip(&strings) {
            assert_eq!(table.find(string), None, "{string}");
            assert_eq!(table.insert(string), (number, true), "{string}");
        }
        for (number, string) in (0..).zip(&strings) {
            assert_eq!(table.insert(string), (number, false), "{string}");
            assert_eq!(table.get(number), string);
        }
    }
}
