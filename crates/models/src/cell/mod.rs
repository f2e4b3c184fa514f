//! The recurrent cells behind one face: a step takes an input and a state and gives a state.
//!
//! A new cell is a file beside `lstm.rs`, a variant of [`Cell`] and a variant of [`CellKind`];
//! nothing outside this folder changes.

mod lstm;

use burn::module::Module;
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::init::Initialization;

pub use lstm::Lstm;

/// Which equations a layer computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CellKind {
    /// Long short-term memory.
    Lstm,
}

impl CellKind {
    /// The name of the layer in Keras's summary.
    pub fn keras_name(self) -> &'static str {
        match self {
            Self::Lstm => "LSTM",
        }
    }

    /// How many numbers a cell from `inputs` to `units` trains.
    pub fn parameters(self, inputs: usize, units: usize) -> usize {
        match self {
            Self::Lstm => 4 * units * (inputs + units + 1),
        }
    }

    /// About how many numbers a unit, row and step the backward pass keeps.
    pub fn kept_per_unit(self) -> usize {
        match self {
            // Four gates before and after their activation, three products, two states, an output.
            Self::Lstm => 14,
        }
    }

    /// The cell with fresh weights, from `inputs` to `units`.
    pub fn init(self, inputs: usize, units: usize, weights: &Initialization) -> Cell {
        match self {
            Self::Lstm => Cell::Lstm(Lstm::new(inputs, units, weights)),
        }
    }
}

/// What a cell remembers between two steps.
#[derive(Clone, Debug)]
pub struct CellState {
    /// h, the output and short-term state, `[N, H]`.
    pub hidden: Tensor<2>,
    /// c, the long-term state, `[N, H]`, for cells that keep one.
    pub memory: Option<Tensor<2>>,
}

/// One recurrent layer.
#[derive(Module, Debug)]
pub enum Cell {
    /// Long short-term memory.
    Lstm(Lstm),
}

impl Cell {
    /// One step: `input` `[N, D]` and the state before it give the state after it.
    pub fn step(&self, input: Tensor<2>, state: CellState) -> CellState {
        match self {
            Self::Lstm(cell) => cell.step(input, state),
        }
    }

    /// The state before the first step, all zero, for a batch of `batch`.
    pub fn start(&self, batch: usize) -> CellState {
        match self {
            Self::Lstm(cell) => cell.start(batch),
        }
    }

    /// Runs over a whole sequence, one `[N, D]` tensor a step, and gives every hidden state
    /// `[N, H]` and the state after the last step.
    pub(crate) fn run(
        &self,
        inputs: Vec<Tensor<2>>,
        mut state: CellState,
    ) -> (Vec<Tensor<2>>, CellState) {
        let mut hidden = Vec::with_capacity(inputs.len());
        for input in inputs {
            state = self.step(input, state);
            hidden.push(state.hidden.clone());
        }
        (hidden, state)
    }
}
