//! Shards: the parts of a batch whose gradients are computed one after another or by several processes, and added.

use std::ops::Range;

/// Part `index`, counted from 0, of a batch that is cut into `count` parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Its number.
    pub index: usize,
    /// Into how many parts the batch is cut, 1 or more.
    pub count: usize,
}

impl Shard {
    /// The rows of this shard in a batch of `rows`. All shards have as many, or if that is not possible, as in the short
    /// last batch of a pass, some have one more; with fewer rows than shards, some have none, but not the first.
    pub fn rows(self, rows: usize) -> Range<usize> {
        let start = |index: usize| (index * rows).div_ceil(self.count);
        start(self.index)..start(self.index + 1)
    }
}

/// The shards of one batch that a process computes.
#[derive(Clone, Debug)]
pub struct ShardedBatch<B> {
    /// The index of the batch in the run, counted from 0 over all epochs.
    pub step: u64,
    /// Into how many shards it is cut.
    pub count: usize,
    /// The number of the first shard in `shards`.
    pub first: usize,
    /// Neighbouring shards in order; `None` for one without rows.
    pub shards: Vec<Option<B>>,
}

impl<B> ShardedBatch<B> {
    /// The shards that have rows.
    pub fn non_empty(&self) -> impl Iterator<Item = &B> {
        self.shards.iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_neighbouring_parts_of_nearly_equal_size() {
        for rows in 0..40 {
            for count in [1, 2, 4, 8, 16] {
                let shards: Vec<Range<usize>> = (0..count).map(|index| Shard { index, count }.rows(rows)).collect();
                assert!(shards.iter().cloned().flatten().eq(0..rows), "{rows} rows, {count} shards");
                assert!(shards.iter().all(|shard| shard.len() == rows / count || shard.len() == rows.div_ceil(count)));
                assert!(rows == 0 || !shards[0].is_empty());
            }
        }
    }
}
