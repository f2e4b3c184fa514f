//! Counts words, which white space separates.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::{EMPTY_HASH, MAX_DISTINCT, hash_step, share};

/// The words of a text, separated by white space and with the punctuation next to them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WordProfile {
    /// Words.
    pub count: u64,
    /// The mean length of a word, in bytes.
    pub mean_len: f64,
    /// The words that `distinct` and `once` refer to: all, or those before the one that would be the
    /// [`MAX_DISTINCT`] + 1st distinct one.
    pub counted: u64,
    /// Distinct words.
    pub distinct: u64,
    /// Words that occur once.
    pub once: u64,
}

impl WordProfile {
    /// Share of the words of the text that occur once: an estimate of the share of unknown words in another text of the
    /// same kind (Good and Turing).
    pub fn once_share(&self) -> f64 {
        share(self.once, self.counted)
    }

    /// Share of the distinct words that occur once.
    pub fn once_share_of_distinct(&self) -> f64 {
        share(self.once, self.distinct)
    }
}

/// The counts so far.
pub(super) struct WordCounter {
    count: u64,
    bytes: u64,
    counted: u64,
    /// Whether there were too many distinct words.
    is_full: bool,
    /// How often each word occurs, by its hash.
    counts: HashMap<u64, u32, FixedState>,
    /// The hash of the word so far.
    word: Option<u64>,
}

impl Default for WordCounter {
    fn default() -> Self {
        let counts = HashMap::with_hasher(FixedState::with_seed(0));
        Self { count: 0, bytes: 0, counted: 0, is_full: false, counts, word: None }
    }
}

impl WordCounter {
    /// Adds a character of a word.
    pub fn push(&mut self, c: char) {
        self.bytes += c.len_utf8() as u64;
        self.word = Some(hash_step(self.word.unwrap_or(EMPTY_HASH), c));
    }

    /// Ends the word, if there is one.
    pub fn end(&mut self) {
        let Some(hash) = self.word.take() else { return };
        self.count += 1;
        if self.is_full {
            return;
        }
        if self.counts.len() == MAX_DISTINCT && !self.counts.contains_key(&hash) {
            self.is_full = true;
            return;
        }
        self.counted += 1;
        let count = self.counts.entry(hash).or_default();
        *count = count.saturating_add(1);
    }

    pub fn profile(&self) -> WordProfile {
        WordProfile {
            count: self.count,
            mean_len: share(self.bytes, self.count),
            counted: self.counted,
            distinct: self.counts.len() as u64,
            once: self.counts.values().filter(|&&count| count == 1).count() as u64,
        }
    }
}
