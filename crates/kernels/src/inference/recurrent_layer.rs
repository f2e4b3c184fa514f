//! A recurrent layer, one step at a time.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::batch_rows::BatchRows;
use super::packed_weights::{PackedWeights, Precision};
use crate::cpu::kernel_cell::{KernelCell, by_cell};
use crate::cpu::rows::{PaddedRows, SharedRows};
use crate::cpu::scratch::Scratch;
use crate::cpu::sequence::{Cell, ForwardStep, reorder_blocks, split_blocks, split_blocks_mut};
use crate::cpu::simd_float::SimdFloat;
use crate::cpu::simd_level::SimdLevel;
use crate::cpu::view::MatrixView;
use crate::profile::{self, Part};

/// A recurrent layer that runs one step at a time.
pub struct RecurrentLayer {
    cell: KernelCell,
    kernel: PackedWeights,
    recurrent: PackedWeights,
    bias: Scratch<f32>,
    units: usize,
}

/// The state of a layer for each sequence of the batch.
#[derive(Debug)]
pub struct LayerState {
    /// h.
    pub hidden: BatchRows,
    /// c, of width 0 if the cell has none.
    pub cell: BatchRows,
}

impl LayerState {
    /// Sets the state of sequence `row` to zeros.
    pub fn reset(&mut self, row: usize) {
        self.hidden.row_mut(row).fill(0.0);
        if self.cell.0.width() > 0 {
            self.cell.row_mut(row).fill(0.0);
        }
    }

    /// Copies of the first sequence's state for a batch of `batch` sequences.
    pub fn expand(&self, batch: usize) -> Self {
        let width = self.cell.0.width();
        let cell = if width == 0 { BatchRows::zeros(batch, 0) } else { self.cell.expand(batch) };
        Self { hidden: self.hidden.expand(batch), cell }
    }

    /// The state of the first sequence of each of `parts`, as one batch.
    ///
    /// # Panics
    /// If there are none.
    pub fn gather(parts: &[&Self]) -> Self {
        let rows = |of: fn(&Self) -> &BatchRows| -> Vec<&BatchRows> { parts.iter().map(|part| of(part)).collect() };
        let width = parts[0].cell.0.width();
        let cell =
            if width == 0 { BatchRows::zeros(parts.len(), 0) } else { BatchRows::gather(&rows(|part| &part.cell)) };
        Self { hidden: BatchRows::gather(&rows(|part| &part.hidden)), cell }
    }

    /// Replaces the state of the first sequence by that of sequence `row` of `batch`.
    pub fn copy_from(&mut self, batch: &Self, row: usize) {
        self.hidden.copy_from(&batch.hidden, row);
        if self.cell.0.width() > 0 {
            self.cell.copy_from(&batch.cell, row);
        }
    }
}

impl RecurrentLayer {
    /// Packs W `[D, G · H]`, U `[H, G · H]` and the biases of all sums, in the order of the cell's kernel.
    pub fn new(
        cell: KernelCell,
        kernel: MatrixView<f32>,
        recurrent: MatrixView<f32>,
        bias: &[f32],
        precision: Precision,
    ) -> Self {
        fn pack<C: Cell<f32>>(
            _: C,
            [kernel, recurrent]: [MatrixView<f32>; 2],
            bias: &[f32],
            precision: Precision,
        ) -> ([PackedWeights; 2], Scratch<f32>) {
            let units = recurrent.rows;
            let width = units.next_multiple_of(f32::PAD);
            let matrices = [(kernel, C::INPUT), (recurrent, C::RECURRENT)]
                .map(|(view, blocks)| PackedWeights::new(reorder_blocks(view, units, blocks).as_view(), precision));
            let mut wide = Scratch::zeros(C::BLOCKS * width);
            for (from, to) in bias.chunks(units).zip(wide.chunks_mut(width)) {
                to[..units].copy_from_slice(from);
            }
            (matrices, wide)
        }
        let units = recurrent.rows;
        let ([kernel, recurrent], bias) = by_cell!(cell, cell => pack(cell, [kernel, recurrent], bias, precision));
        Self { cell, kernel, recurrent, bias, units }
    }

    /// H.
    pub fn units(&self) -> usize {
        self.units
    }

    /// The zero state of `batch` sequences.
    pub fn init_state(&self, batch: usize) -> LayerState {
        let width = if self.cell == KernelCell::Lstm { self.units } else { 0 };
        let zeros = |width| BatchRows::zeros(batch, width);
        LayerState { hidden: zeros(self.units), cell: zeros(width) }
    }

    /// One step with input x, one row per sequence.
    pub fn step(&self, x: &BatchRows, state: &mut LayerState) {
        by_cell!(self.cell, cell => self.step_of(cell, x, state));
    }

    fn step_of<C: Cell<f32>>(&self, cell: C, x: &BatchRows, state: &mut LayerState) {
        let _section = profile::section(Part::Copying);
        let width = self.units.next_multiple_of(f32::PAD);
        let batch = x.batch_size();
        let mut sums = BatchRows(PaddedRows::new(batch, C::BLOCKS * width));
        let hidden = &state.hidden;
        self.kernel.multiply(x, &mut sums, false);
        if C::INPUT.len() == C::BLOCKS {
            self.recurrent.multiply(hidden, &mut sums, true);
        } else {
            // The blocks of x W come first; those of h U begin at the second of them.
            let mut of_hidden = BatchRows(PaddedRows::new(batch, C::RECURRENT.len() * width));
            self.recurrent.multiply(hidden, &mut of_hidden, false);
            for row in 0..batch {
                let sums = &mut sums.row_mut(row)[width..];
                let (shared, own) = of_hidden.row(row).split_at((C::INPUT.len() - 1) * width);
                let (both, rest) = sums.split_at_mut(shared.len());
                both.iter_mut().zip(shared).for_each(|(sum, &more)| *sum += more);
                rest.copy_from_slice(own);
            }
        }
        let mut new_hidden = PaddedRows::new(batch, self.units);
        let mut new_cell_state = PaddedRows::new(if C::HAS_CELL_STATE { batch } else { 0 }, self.units);
        let step = StepRows {
            cell,
            sums: sums.0.shared(),
            bias: &self.bias,
            hidden: &state.hidden.0,
            cell_state: C::HAS_CELL_STATE.then_some(&state.cell.0),
            new_hidden: new_hidden.shared(),
            new_cell_state: new_cell_state.shared(),
            rows: 0..batch,
        };
        // Waking another thread takes longer than a few rows.
        let parts = match batch * self.units {
            ..8_192 => 1,
            _ => rayon::current_num_threads().min(batch),
        };
        let waiting = profile::section(Part::Waiting);
        (0..parts).into_par_iter().for_each(|part| {
            let rows = part * batch / parts..(part + 1) * batch / parts;
            SimdLevel::selected().run(StepRows { rows, ..step.clone() });
        });
        waiting.end();
        state.hidden = BatchRows(new_hidden);
        if C::HAS_CELL_STATE {
            state.cell = BatchRows(new_cell_state);
        }
    }
}

/// One step of some rows, from the sums.
#[derive(Clone)]
struct StepRows<'a, C> {
    cell: C,
    sums: SharedRows<'a, f32>,
    bias: &'a [f32],
    hidden: &'a PaddedRows<f32>,
    cell_state: Option<&'a PaddedRows<f32>>,
    new_hidden: SharedRows<'a, f32>,
    new_cell_state: SharedRows<'a, f32>,
    rows: Range<usize>,
}

impl<C: Cell<f32>> WithSimd for StepRows<'_, C> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let _section = profile::section(Part::ElementWise);
        for row in self.rows {
            // SAFETY: each thread has its own rows, and accesses them one at a time.
            let (sums, new_hidden, new_cell_state) = unsafe {
                let cell_state = if C::HAS_CELL_STATE { self.new_cell_state.row(row) } else { &mut [] };
                (self.sums.row(row), self.new_hidden.row(row), cell_state)
            };
            let step = ForwardStep {
                sums: split_blocks_mut(sums, C::BLOCKS),
                bias: split_blocks(self.bias, C::BLOCKS),
                hidden: self.hidden.row(row),
                cell_state: self.cell_state.map_or(&[], |cell_state| cell_state.row(row)),
                new_hidden,
                new_cell_state,
            };
            self.cell.forward(simd, step);
        }
    }
}
