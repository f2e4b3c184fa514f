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

    /// The same merges with `more` after them.
    pub fn extended(&self, more: Vec<Merge>) -> Self {
        Self::new(self.bytes, self.merges.iter().copied().chain(more).collect())
    }

    /// The merges in their order.
    pub fn list(&self) -> &[Merge] {
        &self.merges
    }

    /// Calls `each` with the tokens of a pre-token.
    pub fn encode(&self, pre_token: &[u8], mut each: impl FnMut(u32)) {
        let count = pre_token.len();
        let mut symbols: Vec<Symbol> = pre_token
            .iter()
            .enumerate()
            .map(|(at, &byte)| Symbol {
                token: self.bytes[usize::from(byte)],
                rank: NONE,
                before: at.wrapping_sub(1),
                after: at + 1,
            })
            .collect();
        let mut queue = BinaryHeap::with_capacity(count);
        for left in 0..count.saturating_sub(1) {
            self.enqueue(&mut symbols, left, &mut queue);
        }
        while let Some(Reverse((rank, left))) = queue.pop() {
            // One of the two tokens may have been merged since.
            if symbols[left].rank != rank {
                continue;
            }
            let Symbol { before, after: removed, .. } = symbols[left];
            let after = symbols[removed].after;
            symbols[removed].rank = NONE;
            symbols[removed].token = NONE;
            symbols[left].token = self.merges[rank as usize].result;
            symbols[left].after = after;
            if let Some(next) = symbols.get_mut(after) {
                next.before = left;
            }
            for at in [before, left] {
                if at < count {
                    self.enqueue(&mut symbols, at, &mut queue);
                }
            }
        }
        symbols.iter().filter(|symbol| symbol.token != NONE).for_each(|symbol| each(symbol.token));
    }

    /// Adds the merge of the token at `left` and the next one, if there is one.
    #[inline]
    fn enqueue(&self, symbols: &mut [Symbol], left: usize, queue: &mut BinaryHeap<Reverse<(u32, usize)>>) {
        let right = symbols.get(symbols[left].after).map(|right| right.token);
        let rank = right.and_then(|right| self.ranks.get(&(symbols[left].token, right))).copied();
        symbols[left].rank = rank.unwrap_or(NONE);
        queue.extend(rank.map(|rank| Reverse((rank, left))));
    }
}

/// No token and no rank has this number.
const NONE: u32 = u32::MAX;

/// A token of a pre-token that is being encoded.
#[derive(Clone, Copy)]
struct Symbol {
    /// [`NONE`] if it was merged into the one before.
    token: u32,
    /// The rank of its merge with the next token, if there is one.
    rank: u32,
    /// The places of its neighbours; beyond the list if there is none.
    before: usize,
    after: usize,
}
