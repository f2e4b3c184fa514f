//! A row of values for each sequence of a batch.

use crate::cpu::rows::PaddedRows;

/// A matrix with one row per sequence of the batch.
#[derive(Debug)]
pub struct BatchRows(pub(super) PaddedRows<f32>);

impl BatchRows {
    /// Zeros, `[batch, width]`.
    pub fn zeros(batch: usize, width: usize) -> Self {
        let mut rows = PaddedRows::new(batch, width);
        (0..batch).for_each(|row| rows.row_mut(row).fill(0.0));
        Self(rows)
    }

    /// The number of sequences.
    pub fn batch_size(&self) -> usize {
        self.0.count()
    }

    /// Row `row`; may be longer than `width` because of padding.
    pub fn row(&self, row: usize) -> &[f32] {
        self.0.row(row)
    }

    /// Row `row`, mutable.
    pub fn row_mut(&mut self, row: usize) -> &mut [f32] {
        self.0.row_mut(row)
    }

    /// Copies of the first row for a batch of `batch` sequences.
    pub fn expand(&self, batch: usize) -> Self {
        let mut rows = PaddedRows::new(batch, self.0.width());
        (0..batch).for_each(|row| rows.row_mut(row).copy_from_slice(self.0.row(0)));
        Self(rows)
    }

    /// The first row of each of `parts`, which have the same width, as one batch.
    ///
    /// # Panics
    /// If there are none.
    pub fn gather(parts: &[&Self]) -> Self {
        let mut rows = PaddedRows::new(parts.len(), parts[0].0.width());
        parts.iter().enumerate().for_each(|(row, part)| rows.row_mut(row).copy_from_slice(part.0.row(0)));
        Self(rows)
    }

    /// Replaces the first row by row `row` of `batch`.
    pub fn copy_from(&mut self, batch: &Self, row: usize) {
        self.0.row_mut(0).copy_from_slice(batch.0.row(row));
    }
}
