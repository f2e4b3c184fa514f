//! A recurrent cell packed for inference.

use kernels::inference::{BatchRows, ExtendedLstmLayer, LayerState, MatrixView, Precision, RecurrentLayer};

use crate::cell::{Cell, f32_values};

/// The packed weights of a cell.
pub enum PackedCell {
    /// A cell with an inference kernel.
    Kernel(RecurrentLayer),
    /// An LSTM with options.
    ExtendedLstm(ExtendedLstmLayer),
}

impl PackedCell {
    /// Packs `cell`; `None` if it cannot be computed with packed weights.
    pub fn new(cell: &Cell, precision: Precision) -> Option<Self> {
        if let Cell::ExtendedLstm(cell) = cell {
            return Some(Self::ExtendedLstm(cell.packed(precision)));
        }
        let (kernel_cell, bias) = cell.inference_kernel()?;
        let [kernel, recurrent] = [cell.kernel(), cell.recurrent_kernel()].map(|w| f32_values(w.val()));
        let columns = cell.kernel().dims()[1];
        let [kernel, recurrent] = [&kernel, &recurrent].map(|w| MatrixView::dense(w, columns));
        Some(Self::Kernel(RecurrentLayer::new(kernel_cell, kernel, recurrent, &bias, precision)))
    }

    /// H.
    pub fn units(&self) -> usize {
        match self {
            Self::Kernel(layer) => layer.units(),
            Self::ExtendedLstm(layer) => layer.units(),
        }
    }

    /// The zero state of `batch` sequences.
    pub fn init_state(&self, batch: usize) -> LayerState {
        match self {
            Self::Kernel(layer) => layer.init_state(batch),
            Self::ExtendedLstm(layer) => layer.init_state(batch),
        }
    }

    /// One step with input x, one row per sequence.
    pub fn step(&self, x: &BatchRows, state: &mut LayerState) {
        match self {
            Self::Kernel(layer) => layer.step(x, state),
            Self::ExtendedLstm(layer) => layer.step(x, state),
        }
    }
}
