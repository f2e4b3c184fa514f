//! Trains byte-level byte pair encoding: the pair of neighbouring tokens that is most frequent in the pre-tokens becomes a
//! token, again and again. Of equally frequent pairs the one of the older tokens is merged, so that the result depends on
//! the counts alone.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::alphabet;
use super::merges::{Merge, Merges, Pair, PairMap};

/// A pair that occurs once is not merged.
pub(crate) const MIN_COUNT: u64 = 2;

/// Longer pre-tokens, as of a text without spaces, are counted in parts, so that a merge never reads a long one as a whole.
const MAX_PART: usize = 1024;

/// Tokens and the merges that make them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Trained {
    /// The bytes of each token: first the single bytes in the order of [`alphabet::BYTES`], then merged ones.
    pub tokens: Vec<Vec<u8>>,
    /// The merges in order.
    pub merges: Vec<Merge>,
}

/// Trains up to `size` tokens, the 256 bytes included, on pre-tokens and their counts. There are fewer if no pair is
/// left that occurs twice.
pub(crate) fn train<'a>(counts: impl IntoIterator<Item = (&'a str, u64)>, size: usize) -> Trained {
    let bytes = alphabet::BYTES.iter().map(|&byte| vec![byte]).collect();
    let words = Words::new(counts, |part, tokens| tokens.extend(part.iter().map(|&byte| alphabet::place_of(byte))));
    merge_pairs(words, bytes, size, &[])
}

/// Continues after `merges` of tokens with these bytes, up to `size` tokens, the given ones included. The result has only the
/// new merges; no merge makes a token that has no bytes, or one of the `excluded` bytes.
pub(crate) fn train_more<'a>(
    counts: impl IntoIterator<Item = (&'a str, u64)>,
    tokens: Vec<Vec<u8>>,
    merges: &Merges,
    size: usize,
    excluded: &[Vec<u8>],
) -> Trained {
    let words = Words::new(counts, |part, tokens| merges.encode(part, |token| tokens.push(token)));
    merge_pairs(words, tokens, size, excluded)
}

/// Merges the most frequent pairs of `tokens` in `words` until there are `size` tokens, but none to `excluded` bytes.
fn merge_pairs(mut words: Words, mut tokens: Vec<Vec<u8>>, size: usize, excluded: &[Vec<u8>]) -> Trained {
    let mut by_bytes: HashMap<Vec<u8>, u32, FixedState> = HashMap::with_hasher(FixedState::with_seed(0));
    by_bytes.extend(tokens.iter().cloned().zip(0..));
    let mut merges = Vec::new();
    let mut pairs = Pairs::of(&words);
    while tokens.len() < size {
        let merged =
            |pair: Pair| -> Vec<u8> { [pair.0, pair.1].map(|token| tokens[token as usize].as_slice()).concat() };
        let is_allowed = |pair: Pair| !excluded.contains(&merged(pair));
        let Some((pair, in_words)) = pairs.take_most_frequent(is_allowed) else { break };
        let bytes = merged(pair);
        // `ab` and `c` may make the same token as `a` and `bc`.
        let result = *by_bytes.entry(bytes).or_insert_with_key(|bytes| {
            tokens.push(bytes.clone());
            tokens.len() as u32 - 1
        });
        merges.push(Merge { pair, result });
        for word in in_words {
            words.merge(word, pair, result, &mut pairs);
        }
        pairs.enqueue_changed();
    }
    Trained { tokens, merges }
}

/// The distinct pre-tokens as lists of tokens, in one vector.
#[derive(Default)]
struct Words {
    tokens: Vec<u32>,
    words: Vec<Word>,
}

struct Word {
    start: usize,
    len: usize,
    count: u64,
}

impl Words {
    /// Pre-tokens with these counts; `encode` adds the tokens of a part of one to a list.
    fn new<'a>(counts: impl IntoIterator<Item = (&'a str, u64)>, mut encode: impl FnMut(&[u8], &mut Vec<u32>)) -> Self {
        let mut words = Self::default();
        for (pre_token, count) in counts {
            for part in pre_token.as_bytes().chunks(MAX_PART) {
                let start = words.tokens.len();
                encode(part, &mut words.tokens);
                words.words.push(Word { start, len: words.tokens.len() - start, count });
            }
        }
        words
    }

    /// Replaces each `pair` in a word by `result`, from left to right, and updates the counts of the pairs around it.
    fn merge(&mut self, index: u32, pair: Pair, result: u32, pairs: &mut Pairs) {
        let word = &mut self.words[index as usize];
        let tokens = &mut self.tokens[word.start..word.start + word.len];
        let is_pair = |tokens: &[u32], at: usize| tokens.get(at..at + 2) == Some(&[pair.0, pair.1]);
        let (mut read, mut written, mut before) = (0, 0, None);
        while read < tokens.len() {
            if !is_pair(tokens, read) {
                before = Some(tokens[read]);
                tokens[written] = tokens[read];
                (read, written) = (read + 1, written + 1);
                continue;
            }
            if let Some(before) = before {
                pairs.remove((before, pair.0), word.count);
                pairs.add((tokens[written - 1], result), word.count, index);
            }
            let after = read + 2;
            if after < tokens.len() && !is_pair(tokens, after) {
                pairs.remove((pair.1, tokens[after]), word.count);
                pairs.add((result, tokens[after]), word.count, index);
            }
            before = Some(pair.1);
            tokens[written] = result;
            (read, written) = (after, written + 1);
        }
        word.len = written;
    }
}

/// The counts of all pairs.
struct Pairs {
    pairs: PairMap<Found>,
    /// By count, then by pair. A count may be too high, and is corrected when it comes first.
    queue: BinaryHeap<(u64, Reverse<Pair>)>,
    /// Pairs whose counts have increased and are not in the queue yet.
    changed: Vec<Pair>,
}

/// Where a pair occurs.
#[derive(Default)]
struct Found {
    count: u64,
    /// Words that have, or had, the pair.
    words: Vec<u32>,
}

impl Pairs {
    fn of(words: &Words) -> Self {
        let pairs = PairMap::with_hasher(FixedState::with_seed(0));
        let mut pairs = Self { pairs, queue: BinaryHeap::new(), changed: Vec::new() };
        for (index, word) in (0..).zip(&words.words) {
            for pair in words.tokens[word.start..word.start + word.len].windows(2) {
                pairs.count((pair[0], pair[1]), word.count, index);
            }
        }
        pairs.queue = pairs.pairs.iter().map(|(&pair, found)| (found.count, Reverse(pair))).collect();
        pairs
    }

    fn count(&mut self, pair: Pair, count: u64, word: u32) {
        let found = self.pairs.entry(pair).or_default();
        found.count += count;
        if found.words.last() != Some(&word) {
            found.words.push(word);
        }
    }

    fn add(&mut self, pair: Pair, count: u64, word: u32) {
        self.count(pair, count, word);
        self.changed.push(pair);
    }

    /// Lowers the count of a pair, unless it is the one that is being merged.
    fn remove(&mut self, pair: Pair, count: u64) {
        if let Some(found) = self.pairs.get_mut(&pair) {
            found.count -= count;
        }
    }

    fn enqueue_changed(&mut self) {
        self.changed.sort_unstable();
        self.changed.dedup();
        let Self { pairs, queue, changed } = self;
        queue.extend(changed.drain(..).filter_map(|pair| Some((pairs.get(&pair)?.count, Reverse(pair)))));
    }

    /// Removes the most frequent pair that is allowed; `None` if none occurs often enough. Others keep their counts.
    fn take_most_frequent(&mut self, is_allowed: impl Fn(Pair) -> bool) -> Option<(Pair, Vec<u32>)> {
        loop {
            let (count, Reverse(pair)) = self.queue.pop().filter(|&(count, _)| count >= MIN_COUNT)?;
            let now = self.pairs.get(&pair).map_or(0, |found| found.count);
            if now == count && !is_allowed(pair) {
                continue;
            }
            if now == count {
                return self.pairs.remove(&pair).map(|found| (pair, found.words));
            }
            // A higher count is in the queue already.
            if now < count && now > 0 {
                self.queue.push((now, Reverse(pair)));
            }
        }
    }
}
