//! Windows: the seed's way to cut ids, `length` of them as input and the next one as target.

use std::ops::Range;
use std::sync::Arc;

use crate::ids::Ids;

/// All windows of one split.
///
/// Window `i` reads ids `start + i·step … + length` and has the id after them as its target.
#[derive(Clone, Debug)]
pub struct Windows {
    ids: Arc<Ids>,
    range: Range<usize>,
    length: usize,
    step: usize,
}

impl Windows {
    /// The windows of `range`, `length` ids long, each `step` ids after the one before.
    ///
    /// # Panics
    /// If `length` or `step` is zero.
    pub fn new(ids: Arc<Ids>, range: Range<usize>, length: usize, step: usize) -> Self {
        assert!(length > 0 && step > 0, "windows of {length} ids every {step}");
        Self { ids, range, length, step }
    }

    /// How many windows there are.
    pub fn len(&self) -> usize {
        let starts = self.range.len().saturating_sub(self.length);
        starts.div_ceil(self.step)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ids in a window.
    pub fn length(&self) -> usize {
        self.length
    }

    /// Ids at the end of the split that no window reads, neither as input nor as target.
    pub fn left_over(&self) -> usize {
        match self.len() {
            0 => self.range.len(),
            count => self.range.len() - ((count - 1) * self.step + self.length + 1),
        }
    }

    /// The input ids of window `index`.
    pub fn input(&self, index: usize) -> impl Iterator<Item = u32> + '_ {
        let start = self.start(index);
        (start..start + self.length).map(|position| self.ids.get(position))
    }

    /// The target id of window `index`.
    pub fn target(&self, index: usize) -> u32 {
        self.ids.get(self.start(index) + self.length)
    }

    fn start(&self, index: usize) -> usize {
        assert!(index < self.len(), "window {index} of {}", self.len());
        self.range.start + index * self.step
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn windows(count: u32, range: Range<usize>, length: usize, step: usize) -> Windows {
        Windows::new(Arc::new((0..count).collect()), range, length, step)
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
        assert_eq!(windows.left_over(), 0);
    }

    #[test]
    fn steps_leave_out_nothing_silently() {
        let windows = windows(30, 0..30, 4, 7);
        assert_eq!(windows.len(), 4);
        assert_eq!(windows.target(3), 25);
        assert_eq!(windows.left_over(), 4);
    }

    #[test]
    fn two_splits_have_length_windows_less_than_the_whole() {
        let whole = windows(500, 0..500, 20, 1).len();
        let parts = windows(500, 0..300, 20, 1).len() + windows(500, 300..500, 20, 1).len();
        assert_eq!(parts, whole - 20);
    }

    #[test]
    fn a_range_shorter_than_a_window_has_none() {
        assert!(windows(30, 0..4, 4, 1).is_empty());
        assert_eq!(windows(30, 0..4, 4, 1).left_over(), 4);
    }
}
