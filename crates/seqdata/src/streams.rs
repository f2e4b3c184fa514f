//! Streams: a text read from its beginning to its end, a piece at a time, with a target at every
//! step; several parts of it at once, as the rows of a batch.
//!
//! The state of the network is carried from piece to piece; gradients end at a piece's beginning
//! (truncated backpropagation through time: Williams and Peng 1990).

use std::ops::Range;
use std::sync::Arc;

use crate::ids::Ids;

/// Ids read at once where only the score is wanted; long enough to keep the output layer busy.
const SCORED_AT_ONCE: usize = 128;

/// `count` neighbouring, equally long streams of one split, cut into pieces.
///
/// A stream of `S` targets reads `S` ids; the last target of one stream is the first id of the next.
#[derive(Clone, Debug)]
pub struct Streams {
    ids: Arc<Ids>,
    range: Range<usize>,
    count: usize,
    length: usize,
    /// Ids at the beginning of each stream whose targets are not judged.
    unjudged: usize,
}

impl Streams {
    /// `count` streams over `range`, cut every `length` ids, each step with a target.
    ///
    /// # Panics
    /// If `count` or `length` is zero.
    pub fn new(ids: Arc<Ids>, range: Range<usize>, count: usize, length: usize) -> Self {
        assert!(count > 0 && length > 0, "{count} streams in pieces of {length}");
        Self { ids, range, count, length, unjudged: 0 }
    }

    /// One stream over `range` that judges what windows of `window` ids judge: every id that has
    /// `window` ids before it.
    ///
    /// # Panics
    /// If `window` is zero.
    pub fn whole(ids: Arc<Ids>, range: Range<usize>, window: usize) -> Self {
        Self { unjudged: window - 1, ..Self::new(ids, range, 1, SCORED_AT_ONCE) }
    }

    /// Ids that each stream reads, S.
    pub fn span(&self) -> usize {
        self.range.len().saturating_sub(1) / self.count
    }

    /// Pieces in a stream.
    pub fn pieces(&self) -> usize {
        self.span().saturating_sub(self.unjudged).div_ceil(self.length)
    }

    /// How many streams there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Ids at the end of the split that no stream reads, neither as input nor as target.
    pub fn left_over(&self) -> usize {
        match self.pieces() {
            0 => self.range.len(),
            _ => self.range.len() - 1 - self.span() * self.count,
        }
    }

    /// Piece `index` of every stream.
    ///
    /// # Panics
    /// If there is no such piece.
    pub fn piece(&self, index: usize) -> Piece<'_> {
        assert!(index < self.pieces(), "piece {index} of {}", self.pieces());
        let judged_from = self.unjudged + index * self.length;
        // The first piece also reads what is not judged.
        let start = if index == 0 { 0 } else { judged_from };
        let end = (judged_from + self.length).min(self.span());
        Piece { streams: self, inputs: start..end, judged_from }
    }
}

/// The same positions of every stream.
#[derive(Clone, Debug)]
pub struct Piece<'a> {
    streams: &'a Streams,
    /// Positions within a stream.
    inputs: Range<usize>,
    judged_from: usize,
}

impl Piece<'_> {
    /// T.
    pub fn length(&self) -> usize {
        self.inputs.len()
    }

    /// K.
    pub fn judged(&self) -> usize {
        self.inputs.end - self.judged_from
    }

    /// The ids that are read, stream by stream, `[N, T]`.
    pub fn inputs(&self) -> impl Iterator<Item = u32> + '_ {
        self.ids(self.inputs.clone())
    }

    /// The ids that follow the judged ones, `[N, K]`.
    pub fn targets(&self) -> impl Iterator<Item = u32> + '_ {
        self.ids(self.judged_from + 1..self.inputs.end + 1)
    }

    fn ids(&self, positions: Range<usize>) -> impl Iterator<Item = u32> + '_ {
        let Streams { ids, range, count, .. } = self.streams;
        let span = self.streams.span();
        (0..*count).flat_map(move |stream| {
            let start = range.start + stream * span;
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
    fn every_target_comes_once_and_is_the_next_id() {
        let streams = Streams::new(ids(100), 10..100, 4, 5);
        assert_eq!((streams.span(), streams.pieces(), streams.left_over()), (22, 5, 1));
        let mut seen = Vec::new();
        for index in 0..streams.pieces() {
            let piece = streams.piece(index);
            let (inputs, targets): (Vec<u32>, Vec<u32>) =
                (piece.inputs().collect(), piece.targets().collect());
            assert_eq!(inputs.len(), 4 * piece.length());
            assert!(inputs.iter().zip(&targets).all(|(input, target)| input + 1 == *target));
            seen.extend(targets);
        }
        seen.sort_unstable();
        assert_eq!(seen, (11..99).collect::<Vec<u32>>());
    }

    #[test]
    fn a_row_goes_on_where_it_ended() {
        let streams = Streams::new(ids(41), 0..41, 2, 8);
        let row = |index: usize, stream: usize| -> Vec<u32> {
            let piece = streams.piece(index);
            piece.inputs().skip(stream * piece.length()).take(piece.length()).collect()
        };
        assert_eq!(row(0, 1), (20..28).collect::<Vec<_>>());
        assert_eq!(row(1, 1), (28..36).collect::<Vec<_>>());
        assert_eq!(row(2, 1), (36..40).collect::<Vec<_>>());
    }

    #[test]
    fn a_whole_stream_judges_what_windows_judge() {
        let windows = crate::Windows::new(ids(400), 50..400, 7, 1);
        let streams = Streams::whole(ids(400), 50..400, 7);
        let expected: Vec<u32> = (0..windows.len()).map(|at| windows.target(at)).collect();
        let pieces = 0..streams.pieces();
        let found: Vec<u32> =
            pieces.flat_map(|index| streams.piece(index).targets().collect::<Vec<_>>()).collect();
        assert_eq!(found, expected);
        assert_eq!(streams.piece(0).inputs().next(), Some(50));
        assert_eq!(streams.left_over(), 0);
    }

    #[test]
    fn a_range_too_short_has_no_piece() {
        let streams = Streams::new(ids(9), 0..4, 4, 2);
        assert_eq!((streams.pieces(), streams.left_over()), (0, 4));
        assert_eq!(Streams::new(ids(9), 0..5, 4, 2).pieces(), 1);
    }
}
