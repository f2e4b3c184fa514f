//! Windows: a fixed number of ids as input and the next id as target.

use std::ops::Range;

use crate::sequence::Sequence;

/// All windows of one split.
///
/// The inputs of window `i` are the ids `start + i·stride … start + i·stride + context_len − 1`; its target is
/// the id after them.
#[derive(Clone, Debug)]
pub struct Windows {
    sequence: Sequence,
    context_len: usize,
    stride: usize,
}

impl Windows {
    /// Windows over `sequence` with `context_len` inputs, each `stride` ids after the previous one. They may have the end
    /// of one document and the start of another.
    ///
    /// # Panics
    /// If `context_len` or `stride` is zero.
    pub fn over(sequence: Sequence, context_len: usize, stride: usize) -> Self {
        assert!(context_len > 0 && stride > 0, "windows of {context_len} ids every {stride}");
        Self { sequence, context_len, stride }
    }

    /// The windows for training with this seed: in every pass, other documents lose their label. See
    /// [`Sequence::for_training`].
    #[must_use]
    pub fn for_training(self, seed: u64) -> Self {
        Self { sequence: self.sequence.for_training(seed), ..self }
    }

    /// The windows of `pass`, counted from 1. Their order is that of the ids: a [`Loader`](crate::Loader) shuffles windows,
    /// not documents.
    #[must_use]
    pub fn for_pass(&self, pass: usize) -> Self {
        Self { sequence: self.sequence.for_pass(pass, false), ..self.clone() }
    }

    /// The number of windows.
    pub fn len(&self) -> usize {
        let starts = self.sequence.len().saturating_sub(self.context_len);
        starts.div_ceil(self.stride)
    }

    /// Whether there are no windows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Input ids per window.
    pub fn context_len(&self) -> usize {
        self.context_len
    }

    /// Ids at the end of the split that are neither input nor target of a window.
    pub fn unused_ids(&self) -> usize {
        match self.len() {
            0 => self.sequence.len(),
            count => self.sequence.len() - ((count - 1) * self.stride + self.context_len + 1),
        }
    }

    /// The input ids of window `index`.
    pub fn input(&self, index: usize) -> impl Iterator<Item = u32> + '_ {
        self.sequence.ids(self.positions(index))
    }

    /// The numbers of the labels of the inputs of window `index`; `None` if the documents have no labels, or there are none.
    pub fn labels(&self, index: usize) -> Option<impl Iterator<Item = u32> + '_> {
        self.sequence.has_labels().then(|| self.sequence.labels(self.positions(index)))
    }

    /// The target id of window `index`.
    ///
    /// # Panics
    /// If `index` is not below [`len`](Self::len).
    pub fn target(&self, index: usize) -> u32 {
        let end = self.positions(index).end;
        self.sequence.id(end)
    }

    /// The positions of the input of window `index`.
    fn positions(&self, index: usize) -> Range<usize> {
        assert!(index < self.len(), "window {index} of {}", self.len());
        let start = index * self.stride;
        start..start + self.context_len
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn windows(count: u32, range: Range<usize>, context_len: usize, stride: usize) -> Windows {
        Windows::over(Sequence::new(std::sync::Arc::new((0..count).collect()), range), context_len, stride)
    }

    #[test]
    fn the_target_is_the_next_id() {
        let windows = windows(30, 5..30, 4, 1);
        assert_eq!(windows.len(), 21);
        for index in 0..windows.len() {
            let input: Vec<u32> = windows.input(index).collect();
            assert_eq!(input.len(), 4);
            assert_eq!(input[0], 5 + index as u32);
            assert_eq!(windows.target(index), input[3] + 1);
        }
        assert_eq!(windows.unused_ids(), 0);
    }

    #[test]
    fn a_stride_leaves_unused_ids_at_the_end() {
        let windows = windows(30, 0..30, 4, 7);
        assert_eq!(windows.len(), 4);
        assert_eq!(windows.target(3), 25);
        assert_eq!(windows.unused_ids(), 4);
    }

    #[test]
    fn two_splits_together_have_context_len_fewer_windows_than_the_whole() {
        let whole = windows(500, 0..500, 20, 1).len();
        let parts = windows(500, 0..300, 20, 1).len() + windows(500, 300..500, 20, 1).len();
        assert_eq!(parts, whole - 20);
    }

    #[test]
    fn a_range_shorter_than_a_window_has_none() {
        assert!(windows(30, 0..4, 4, 1).is_empty());
        assert_eq!(windows(30, 0..4, 4, 1).unused_ids(), 4);
    }
}
