//! Counts characters, and letters by the kind of their script.

use crate::segmentation::is_unspaced;

/// The counts so far.
pub(super) struct LetterCounter {
    pub characters: u64,
    pub letters: u64,
    pub hangul: u64,
    pub unspaced: u64,
    /// A bit for each Unicode scalar value that occurred.
    seen: Vec<u64>,
}

impl Default for LetterCounter {
    fn default() -> Self {
        let seen = vec![0; char::MAX as usize / 64 + 1];
        Self { characters: 0, letters: 0, hangul: 0, unspaced: 0, seen }
    }
}

impl LetterCounter {
    pub fn add(&mut self, c: char) {
        self.characters += 1;
        let value = c as usize;
        self.seen[value / 64] |= 1 << (value % 64);
        if c.is_alphabetic() {
            self.letters += 1;
            self.hangul += u64::from(is_hangul(c));
            self.unspaced += u64::from(is_unspaced(c));
        }
    }

    /// The number of distinct characters.
    pub fn distinct(&self) -> usize {
        count_ones(&self.seen)
    }

    /// The number of those outside ASCII.
    pub fn distinct_outside_ascii(&self) -> usize {
        // ASCII has 128 values.
        count_ones(&self.seen[2..])
    }
}

fn count_ones(seen: &[u64]) -> usize {
    seen.iter().map(|bits| bits.count_ones() as usize).sum()
}

/// A syllable or a single letter of Hangul.
fn is_hangul(c: char) -> bool {
    matches!(
        c,
        '\u{ac00}'..='\u{d7a3}'
            | '\u{1100}'..='\u{11ff}'
            | '\u{3131}'..='\u{318e}'
            | '\u{a960}'..='\u{a97c}'
            | '\u{d7b0}'..='\u{d7fb}'
    )
}
