//! The recurrent cells.
//!
//! A new cell needs four things: its equations in the crate `kernels` (in `reference`, and a kernel
//! if it is to be fast), a file here that implements [`RecurrentCell`], a variant of [`Cell`] and
//! [`CellKind`], and its name in `stack.rs`.

mod elman;
mod extended_lstm;
mod gru;
mod lstm;
mod recurrent_cell;

use std::ops::{Deref, DerefMut};

use burn::module::Module;

use crate::init::Initialization;

pub use elman::Elman;
pub use extended_lstm::{CellNorm, ExtendedLstm, LstmOptions, Modulation};
pub use gru::Gru;
pub use kernels::{Activation, CellState};
pub use lstm::Lstm;
pub(crate) use recurrent_cell::f32_values;
pub use recurrent_cell::{CellSpec, CellWeightsMut, RecurrentCell};

/// A cell and its options, without weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellKind {
    /// Vanilla RNN with this activation.
    Elman(Activation),
    /// Long short-term memory.
    Lstm,
    /// Long short-term memory with at least one of these options.
    ExtendedLstm(LstmOptions),
    /// Gated recurrent unit.
    Gru {
        /// Whether the reset gate is applied after the product with the recurrent weights.
        reset_after: bool,
    },
}

impl CellKind {
    /// Sizes and names.
    pub fn spec(self) -> CellSpec {
        match self {
            Self::Elman(_) => Elman::spec(),
            Self::Lstm => Lstm::spec(),
            Self::ExtendedLstm(options) => ExtendedLstm::spec(options),
            Self::Gru { reset_after } => Gru::spec(reset_after),
        }
    }

    /// The number of trainable parameters from `inputs` to `units`.
    pub fn num_params(self, inputs: usize, units: usize) -> usize {
        let CellSpec { gates, biases, .. } = self.spec();
        let more = match self {
            Self::ExtendedLstm(options) => options.num_params(inputs, units),
            _ => 0,
        };
        gates * units * (inputs + units + biases) + more
    }

    /// The cell with initial weights, from `inputs` to `units`.
    pub fn init(self, inputs: usize, units: usize, weights: &Initialization) -> Cell {
        match self {
            Self::Elman(activation) => Cell::Elman(Elman::new(inputs, units, activation, weights)),
            Self::Lstm => Cell::Lstm(Lstm::new(inputs, units, weights)),
            Self::ExtendedLstm(options) => Cell::ExtendedLstm(ExtendedLstm::new(inputs, units, options, weights)),
            Self::Gru { reset_after } => Cell::Gru(Gru::new(inputs, units, reset_after, weights)),
        }
    }
}

/// A recurrent cell with its weights; dereferences to [`RecurrentCell`].
// There are few of these: boxing would hide more than it saves.
#[allow(clippy::large_enum_variant)]
#[derive(Module, Debug)]
pub enum Cell {
    /// Vanilla RNN.
    Elman(Elman),
    /// Long short-term memory.
    Lstm(Lstm),
    /// Long short-term memory with options.
    ExtendedLstm(ExtendedLstm),
    /// Gated recurrent unit.
    Gru(Gru),
}

impl Cell {
    /// The cell and its options.
    pub fn kind(&self) -> CellKind {
        match self {
            Self::Elman(cell) => CellKind::Elman(cell.activation),
            Self::Lstm(_) => CellKind::Lstm,
            Self::ExtendedLstm(cell) => CellKind::ExtendedLstm(cell.options()),
            Self::Gru(cell) => CellKind::Gru { reset_after: cell.recurrent_bias.is_some() },
        }
    }
}

impl Deref for Cell {
    type Target = dyn RecurrentCell;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Elman(cell) => cell,
            Self::Lstm(cell) => cell,
            Self::ExtendedLstm(cell) => cell,
            Self::Gru(cell) => cell,
        }
    }
}

impl DerefMut for Cell {
    fn deref_mut(&mut self) -> &mut Self::Target {
        match self {
            Self::Elman(cell) => cell,
            Self::Lstm(cell) => cell,
            Self::ExtendedLstm(cell) => cell,
            Self::Gru(cell) => cell,
        }
    }
}
