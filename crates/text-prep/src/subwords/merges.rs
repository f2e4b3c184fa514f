//! Encodes a pre-token: its bytes are tokens at first, and pairs of neighbours are merged in the order in which the merges
//! were found in training.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use foldhash::fast::FixedState;
use hashbrown::HashMap;

/// A pair of tokens, by their indices.
pub(crate) type Pair = (u32, u32);

/// A map from pairs. The fixed seed gives identical runs; no result depends on the order inside.
pub(crate) type PairMap<T> = HashMap<Pair, T, FixedState>;

/// An ordered list of merges and the tokens of the bytes. Tokens are numbered from 0, without reserved ids.
#[derive(Clone, Debug)]
pub(crate) struct Merges {
    /// The token of each byte.
    bytes: [u32; 256],
    merges: Vec<Merge>,
    /// The place of each pair in `merges`.
    ranks: PairMap<u32>,
}

/// Two neighbouring tokens that become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Merge {
    pub pair: Pair,
    pub result: u32,
}

impl PartialEq for Merges {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes && self.merges == other.merges
    }
}

impl Merges {
    /// `merges` in their order; of a pair that occurs again only the first merge is used.
    pub fn new(bytes: [u32; 256], merges: Vec<Merge>) -> Self {
        let mut ranks = PairMap::with_capacity_and_hasher(merges.len(), FixedState::with_seed(0));
        for (rank, merge) in (0..).zip(&merges) {
            ranks.entry(merge.pair).or_insert(rank);
        }
        Self { bytes, merges, ranks }
    }

    /// The merges in their order.
    pub fn list(&self) -> &[Merge] {
        &self.merges
    }

    /// Calls `each` with the tokens of a pre-token.
    pub fn encode(&self, pre_token: &[u8], mut each: impl FnMut(u32)) {
        // Nearly all pre-tokens are short, and each is encoded once.
        let mut symbols: Vec<Symbol> = (0..)
            .zip(pre_token)
            .map(|(at, &byte)| Symbol { token: self.bytes[usize::from(byte)], before: at - 1, after: at + 1 })
            .collect();
        let count = symbols.len() as i64;
        let mut queue = BinaryHeap::new();
        let rank = |symbols: &[Symbol], left: i64| {
            let after = symbols.get(usize::try_from(left).ok()?)?.after;
            let right = symbols.get(after as usize)?.token;
            self.ranks.get(&(symbols[left as usize].token, right)).map(|&rank| Reverse((rank, left)))
        };
        queue.extend((0..count).filter_map(|left| rank(&symbols, left)));
        while let Some(Reverse((found, left))) = queue.pop() {
            // The pair may have changed since.
            if symbols[left as usize].token == MERGED || rank(&symbols, left) != Some(Reverse((found, left))) {
                continue;
            }
            let removed = symbols[left as usize].after;
            let after = symbols[removed as usize].after;
            symbols[removed as usize].token = MERGED;
            let merged = &mut symbols[left as usize];
            (merged.token, merged.after) = (self.merges[found as usize].result, after);
            let before = merged.before;
            if let Some(next) = symbols.get_mut(after as usize) {
                next.before = left;
            }
            queue.extend([before, left].into_iter().filter_map(|at| rank(&symbols, at)));
        }
        symbols.iter().filter(|symbol| symbol.token != MERGED).for_each(|symbol| each(symbol.token));
    }
}

/// No token has this number.
const MERGED: u32 = u32::MAX;

/// A token of a pre-token that is being encoded, with the places of its neighbours.
#[derive(Clone, Copy)]
struct Symbol {
    token: u32,
    /// −1 at the start.
    before: i64,
    /// The length of the list at the end.
    after: i64,
}
