//! Streams: parallel sections of a text, read from start to end in chunks, with a target at every
//! position. Each stream is one row of the batches.
//!
//! The state of the model is carried from chunk to chunk; the backward pass ends at the start of a
//! chunk (truncated backpropagation through time: Williams and Peng 1990).

use std::ops::Range;
use std::sync::Arc;

use crate::ids::Ids;

/// Ids per chunk for evaluation; long enough to keep the output layer busy.
const EVALUATION_CHUNK: usize = 128;

/// `count` adjacent streams of equal length over one split, cut into chunks.
///
/// A stream with `S` targets has `S` inputs; the last target of one stream is the first input of the next.
#[derive(Clone, Debug)]
pub struct Streams {
    ids: Arc<Ids>,
    range: Range<usize>,
    count: usize,
    chunk_len: usize,
    /// Positions at the start of each stream without a target.
    skipped_targets: usize,
}

impl Streams {
    /// `count` streams over `range` in chunks of `chunk_len` ids, with a target at every position.
    ///
    /// # Panics
    /// If `count` or `chunk_len` is zero.
    pub fn new(ids: Arc<Ids>, range: Range<usize>, count: usize, chunk_len: usize) -> Self {
        assert!(count > 0 && chunk_len > 0, "{count} streams in chunks of {chunk_len}");
        Self { ids, range, count, chunk_len, skipped_targets: 0 }
    }

    /// One stream over `range` with the same targets as windows of `context_len` ids: every id with
    /// `context_len` ids before it.
    ///
    /// # Panics
    /// If `context_len` is zero.
    pub fn for_evaluation(ids: Arc<Ids>, range: Range<usize>, context_len: usize) -> Self {
        Self { skipped_targets: context_len - 1, ..Self::new(ids, range, 1, EVALUATION_CHUNK) }
    }

    /// Inputs per stream, S.
    pub fn stream_len(&self) -> usize {
        self.range.len().saturating_sub(1) / self.count
    }

    /// Chunks per stream.
    pub fn chunks(&self) -> usize {
        self.stream_len().saturating_sub(self.skipped_targets).div_ceil(self.chunk_len)
    }

    /// The number of streams.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Ids at the end of the split that are neither input nor target of a stream.
    pub fn unused_ids(&self) -> usize {
        match self.chunks() {
            0 => self.range.len(),
            _ => self.range.len() - 1 - self.stream_len() * self.count,
        }
    }

    /// Chunk `index` of every stream.
    ///
    /// # Panics
    /// If `index` is not below [`chunks`](Self::chunks).
    pub fn chunk(&self, index: usize) -> Chunk<'_> {
        assert!(index < self.chunks(), "chunk {index} of {}", self.chunks());
        let first_target = self.skipped_targets + index * self.chunk_len;
        // The first chunk starts with the inputs that have no target.
        let start = if index == 0 { 0 } else { first_target };
        let end = (first_target + self.chunk_len).min(self.stream_len());
        Chunk { streams: self, inputs: start..end, first_target }
    }
}

/// The same positions of every stream: `N` streams, `T` inputs and `K` targets each.
#[derive(Clone, Debug)]
pub struct Chunk<'a> {
    streams: &'a Streams,
    /// Positions within a stream.
    inputs: Range<usize>,
    /// The first position with a target.
    first_target: usize,
}

impl Chunk<'_> {
    /// Inputs per stream, T.
    pub fn input_len(&self) -> usize {
        self.inputs.len()
    }

    /// Targets per stream, K.
    pub fn target_len(&self) -> usize {
        self.inputs.end - self.first_target
    }

    /// The input ids, stream by stream, `[N, T]`.
    pub fn inputs(&self) -> impl Iterator<Item = u32> + '_ {
        self.ids(self.inputs.clone())
    }

    /// The target ids, stream by stream, `[N, K]`.
    pub fn targets(&self) -> impl Iterator<Item = u32> + '_ {
        self.ids(self.first_target + 1..self.inputs.end + 1)
    }

    fn ids(&self, positions: Range<usize>) -> impl Iterator<Item = u32> + '_ {
        let Streams { ids, range, count, .. } = self.streams;
        let stream_len = self.streams.stream_len();
        (0..*count).flat_map(move |stream| {
            let start = range.start + stream * stream_len;
            positions.clone().map(move |at| ids.get(start + at))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(count: u32) -> Arc<Ids> {
        Arc::new((0..count).collect())
    }

    #[test]
    fn every_target_occurs_once_and_is_the_next_id() {
        let streams = Streams::new(ids(100), 10..100, 4, 5);
        assert_eq!((streams.stream_len(), streams.chunks(), streams.unused_ids()), (22, 5, 1));
        let mut seen = Vec::new();
        for index in 0..streams.chunks() {
            let chunk = streams.chunk(index);
            let (inputs, targets): (Vec<u32>, Vec<u32>) = (chunk.inputs().collect(), chunk.targets().collect());
            assert_eq!(inputs.len(), 4 * chunk.input_len());
            assert!(inputs.iter().zip(&targets).all(|(input, target)| input + 1 == *target));
            seen.extend(targets);
        }
        seen.sort_unstable();
        assert_eq!(seen, (11..99).collect::<Vec<u32>>());
    }

    #[test]
    fn a_row_continues_where_the_previous_chunk_ended() {
        let streams = Streams::new(ids(41), 0..41, 2, 8);
        let row = |index: usize, stream: usize| -> Vec<u32> {
            let chunk = streams.chunk(index);
            let len = chunk.input_len();
            chunk.inputs().skip(stream * len).take(len).collect()
        };
        assert_eq!(row(0, 1), (20..28).collect::<Vec<_>>());
        assert_eq!(row(1, 1), (28..36).collect::<Vec<_>>());
        assert_eq!(row(2, 1), (36..40).collect::<Vec<_>>());
    }

    #[test]
    fn an_evaluation_stream_has_the_targets_of_windows() {
        let windows = crate::Windows::new(ids(400), 50..400, 7, 1);
        let streams = Streams::for_evaluation(ids(400), 50..400, 7);
        let expected: Vec<u32> = (0..windows.len()).map(|at| windows.target(at)).collect();
        let chunks = 0..streams.chunks();
        let found: Vec<u32> = chunks.flat_map(|index| streams.chunk(index).targets().collect::<Vec<_>>()).collect();
        assert_eq!(found, expected);
        assert_eq!(streams.chunk(0).inputs().next(), Some(50));
        assert_eq!(streams.unused_ids(), 0);
    }

    #[test]
    fn a_range_that_is_too_short_has_no_chunk() {
        let streams = Streams::new(ids(9), 0..4, 4, 2);
        assert_eq!((streams.chunks(), streams.unused_ids()), (0, 4));
        assert_eq!(Streams::new(ids(9), 0..5, 4, 2).chunks(), 1);
    }
}
