//! Steps before which the state of a row is reset to zeros.
//!
//! The step before a reset computes h and c for its output, and needs them in its backward pass; the step after it
//! starts with zeros. Both are one row of the cache, which gets the zeros: so all products are right by themselves, and
//! only the rows before a reset are copied.

use std::ops::Range;

use crate::cpu::rows::{PaddedRows, SharedRows};
use crate::cpu::simd_float::SimdFloat;

/// The rows of the cache that are reset, and their values before.
#[derive(Debug)]
pub(super) struct Resets<T: SimdFloat> {
    /// For row `t · N + n`, the index of its values before the reset; [`KEPT`] if it is not reset.
    index_of_row: Vec<u32>,
    hidden: PaddedRows<T>,
    cell_state: PaddedRows<T>,
}

const KEPT: u32 = u32::MAX;

impl<T: SimdFloat> Resets<T> {
    /// From the values `[N, T]` of `keep_state`; `None` if there is no reset.
    pub fn new(keep_state: &[T], [batch, time]: [usize; 2], units: usize, has_cell_state: bool) -> Option<Self> {
        let mut count = 0;
        let is_reset = |row: usize| keep_state[row % batch * time + row / batch] == T::default();
        let index = |row| {
            if !is_reset(row) {
                return KEPT;
            }
            count += 1;
            count - 1
        };
        let index_of_row = (0..batch * time).map(index).collect();
        let rows = |count| PaddedRows::new(count, units);
        let cell_states = if has_cell_state { count as usize } else { 0 };
        (count > 0).then(|| Self { index_of_row, hidden: rows(count as usize), cell_state: rows(cell_states) })
    }

    /// The same for several threads.
    pub fn shared(&mut self) -> SharedResets<'_, T> {
        SharedResets {
            index_of_row: &self.index_of_row,
            hidden: self.hidden.shared(),
            cell_state: self.cell_state.shared(),
        }
    }
}

/// [`Resets`] shared by several threads, each of which accesses its own sequences or units.
#[derive(Clone, Copy)]
pub(super) struct SharedResets<'a, T> {
    index_of_row: &'a [u32],
    hidden: SharedRows<'a, T>,
    cell_state: SharedRows<'a, T>,
}

impl<'a, T: SimdFloat> SharedResets<'a, T> {
    /// Whether row `t · N + n` is reset; rows after the last step are not.
    #[inline(always)]
    pub fn contains(self, row: usize) -> bool {
        self.index_of_row.get(row).is_some_and(|&index| index != KEPT)
    }

    /// If `row` is reset: keeps the values of `units`, and writes zeros. `cell_state` is empty if the cell has none.
    ///
    /// # Safety
    /// Only this thread accesses these units of the row.
    #[inline(always)]
    pub unsafe fn reset(self, row: usize, units: Range<usize>, hidden: &mut [T], cell_state: &mut [T]) {
        // SAFETY: the caller guarantees it.
        let before = unsafe { self.values_before(row, units, !cell_state.is_empty()) };
        let Some([hidden_before, cell_before]) = before else { return };
        for (values, before) in [(hidden, hidden_before), (cell_state, cell_before)] {
            before.copy_from_slice(values);
            values.fill(T::default());
        }
    }

    /// The values of h and c in `units` of `row` before its reset, if it is reset.
    ///
    /// # Safety
    /// Only this thread accesses these units of the row.
    #[inline(always)]
    pub unsafe fn values_before(
        self,
        row: usize,
        units: Range<usize>,
        has_cell_state: bool,
    ) -> Option<[&'a mut [T]; 2]> {
        let index = self.index_of_row.get(row).copied().filter(|&index| index != KEPT)? as usize;
        // SAFETY: there is a row for every index, and the caller guarantees that no other reference to these units is
        // used.
        unsafe {
            let cell_state = if has_cell_state { self.cell_state.part(index, units.clone()) } else { &mut [] };
            Some([self.hidden.part(index, units), cell_state])
        }
    }
}
