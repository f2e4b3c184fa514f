//! A sum in the order of a binary tree, so that a part of it can be computed elsewhere with the same bits.
//!
//! Neighbours are added in pairs, then neighbours among their sums, and so on; the last of an odd number goes to the next
//! level as it is. `2^k` neighbouring values that start at a multiple of `2^k` are a subtree.

use std::ops::Range;

use crate::error::{RanksError, Result};

/// Adds arrays that arrive one after another in the order of the tree. It holds at most one array for each level.
#[derive(Debug, Default)]
pub struct Tree {
    /// Sums of complete subtrees with their levels, from high to low.
    subtrees: Vec<(u32, Vec<f32>)>,
}

impl Tree {
    /// Adds the next array; all have the same length.
    pub fn push(&mut self, values: Vec<f32>) {
        let mut top = (0, values);
        while let Some((_, left)) = self.subtrees.pop_if(|(level, _)| *level == top.0) {
            top = (top.0 + 1, added(left, &top.1));
        }
        self.subtrees.push(top);
    }

    /// The sum of all arrays, or `None` if there were none.
    pub fn finish(mut self) -> Option<Vec<f32>> {
        let (_, mut sum) = self.subtrees.pop()?;
        while let Some((_, left)) = self.subtrees.pop() {
            sum = added(left, &sum);
        }
        Some(sum)
    }
}

fn added(mut left: Vec<f32>, right: &[f32]) -> Vec<f32> {
    add(&mut left, right);
    left
}

fn add(left: &mut [f32], right: &[f32]) {
    debug_assert_eq!(left.len(), right.len());
    left.iter_mut().zip(right).for_each(|(left, right)| *left += right);
}

/// Adds the `values.len() / len` arrays of `len` values in the order of the tree. The sum is in the first `len` values.
pub fn sum_in_place(values: &mut [f32], len: usize) {
    if len == 0 {
        return;
    }
    let mut distance = len;
    while distance < values.len() {
        for pair in values.chunks_mut(2 * distance) {
            if let Some((left, right)) = pair.split_at_mut_checked(distance)
                && let Some(right) = right.get(..len)
            {
                add(&mut left[..len], right);
            }
        }
        distance *= 2;
    }
}

/// The shards that this rank computes: its share, in the order of the ranks.
///
/// # Errors
/// If the share is not a power of two, so that it would not be a subtree.
pub fn shards_of_rank(shards: usize, rank: usize, ranks: usize) -> Result<Range<usize>> {
    if !is_divisible(shards, ranks) {
        return Err(RanksError::Indivisible { shards, ranks });
    }
    let share = shards / ranks;
    Ok(rank * share..(rank + 1) * share)
}

fn is_divisible(shards: usize, ranks: usize) -> bool {
    ranks > 0 && shards.is_multiple_of(ranks) && (shards / ranks).is_power_of_two()
}

/// The numbers of ranks among which `shards` can be divided, as in `1, 2, 4`.
pub(crate) fn possible_counts(shards: usize) -> String {
    let halves = (0..usize::BITS).take_while(|&k| (shards >> k) << k == shards && shards > 0);
    let counts: Vec<String> = halves.map(|k| (shards >> k).to_string()).collect();
    counts.iter().rev().map(String::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of very different sizes, whose sum depends on the order.
    fn shard(number: usize) -> Vec<f32> {
        (0..5).map(|i| ((number * 7 + i * 3) % 11) as f32 * 10f32.powi((number * 5 + i) as i32 % 9 - 4) - 0.3).collect()
    }

    fn sum(shards: Range<usize>) -> Vec<f32> {
        let mut tree = Tree::default();
        shards.for_each(|number| tree.push(shard(number)));
        tree.finish().unwrap()
    }

    #[test]
    fn the_sum_has_the_same_bits_for_every_number_of_ranks() {
        for shards in [1, 2, 3, 4, 6, 7, 8, 12, 16, 40] {
            let whole = sum(0..shards);
            for ranks in (1..=shards).filter(|&ranks| is_divisible(shards, ranks)) {
                let parts = (0..ranks).map(|rank| sum(shards_of_rank(shards, rank, ranks).unwrap()));
                let mut tree = Tree::default();
                let mut flat = Vec::new();
                for part in parts {
                    flat.extend_from_slice(&part);
                    tree.push(part);
                }
                assert_eq!(tree.finish().unwrap(), whole, "{shards} shards, {ranks} ranks");
                sum_in_place(&mut flat, 5);
                assert_eq!(flat[..5], whole, "{shards} shards, {ranks} ranks, in place");
            }
        }
    }

    #[test]
    fn the_order_matters_for_these_values() {
        let from_left = (1..8).map(shard).fold(shard(0), |sum, next| added(sum, &next));
        assert_ne!(sum(0..8), from_left);
    }

    #[test]
    fn memory_is_one_array_a_level() {
        let mut tree = Tree::default();
        for number in 0..1000 {
            tree.push(shard(number));
            assert!(tree.subtrees.len() <= 10);
        }
        assert_eq!(Tree::default().finish(), None);
        sum_in_place(&mut [], 0);
    }

    #[test]
    fn a_share_that_is_no_subtree_is_rejected_with_the_possible_numbers() {
        assert_eq!(shards_of_rank(6, 2, 3), Ok(4..6));
        let text = |shards, ranks| shards_of_rank(shards, 0, ranks).unwrap_err().to_string();
        assert!(text(12, 2).ends_with("possible numbers of ranks: 3, 6, 12"), "{}", text(12, 2));
        assert!(text(4, 8).starts_with("4 shards cannot be divided over 8 ranks"), "{}", text(4, 8));
        assert!(shards_of_rank(1, 0, 0).is_err() && shards_of_rank(0, 0, 1).is_err());
        assert!(text(0, 1).ends_with("numbers of ranks: "));
    }
}
