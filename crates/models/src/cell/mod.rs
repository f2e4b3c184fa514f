//! The recurrent cells behind one face: inputs and a state go in, hidden states and a state come out.
//!
//! A new cell is a file beside `lstm.rs`, a variant of [`Cell`] and a variant of [`CellKind`]; outside
//! this folder, its equations in the crate `kernels` (in `reference`, and a kernel if it is to be fast), its
//! name in `layer.rs` and its layouts in `foreign/`.

mod elman;
mod gru;
mod lstm;

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use kernels::{Input, Pass};

use crate::init::Initialization;

pub use elman::Elman;
pub use gru::Gru;
pub use kernels::{Activation, CellState};
pub use lstm::Lstm;

/// Which equations a layer computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellKind {
    /// The plain recurrent network, with this activation.
    Elman(Activation),
    /// Long short-term memory.
    Lstm,
    /// Gated recurrent unit.
    Gru {
        /// Whether the reset gate acts after the product with the recurrent weights.
        reset_after: bool,
    },
}

impl CellKind {
    /// The name of the layer in Keras's summary.
    pub fn keras_name(self) -> &'static str {
        match self {
            Self::Elman(_) => "SimpleRNN",
            Self::Lstm => "LSTM",
            Self::Gru { .. } => "GRU",
        }
    }

    /// How many numbers a cell from `inputs` to `units` trains.
    pub fn parameters(self, inputs: usize, units: usize) -> usize {
        match self {
            Self::Elman(_) => units * (inputs + units + 1),
            Self::Lstm => 4 * units * (inputs + units + 1),
            Self::Gru { reset_after } => {
                3 * units * (inputs + units + 1 + usize::from(reset_after))
            }
        }
    }

    /// About how many numbers a unit, row and step the backward pass keeps.
    pub fn kept_per_unit(self) -> usize {
        match self {
            // The sum before and the state after its activation.
            Self::Elman(_) => 2,
            // Four gates before and after their activation, three products, two states, an output.
            Self::Lstm => 14,
            // Three gates before and after their activation, two sums, three products, the state.
            Self::Gru { .. } => 12,
        }
    }

    /// The cell with fresh weights, from `inputs` to `units`.
    pub fn init(self, inputs: usize, units: usize, weights: &Initialization) -> Cell {
        match self {
            Self::Elman(activation) => Cell::Elman(Elman::new(inputs, units, activation, weights)),
            Self::Lstm => Cell::Lstm(Lstm::new(inputs, units, weights)),
            Self::Gru { reset_after } => Cell::Gru(Gru::new(inputs, units, reset_after, weights)),
        }
    }
}

/// One recurrent layer.
#[derive(Module, Debug)]
pub enum Cell {
    /// The plain recurrent network.
    Elman(Elman),
    /// Long short-term memory.
    Lstm(Lstm),
    /// Gated recurrent unit.
    Gru(Gru),
}

impl Cell {
    /// Which equations it computes.
    pub fn kind(&self) -> CellKind {
        match self {
            Self::Elman(cell) => CellKind::Elman(cell.activation),
            Self::Lstm(_) => CellKind::Lstm,
            Self::Gru(cell) => CellKind::Gru { reset_after: cell.recurrent_bias.is_some() },
        }
    }

    /// H.
    pub fn units(&self) -> usize {
        self.recurrent_kernel().dims()[0]
    }

    /// W, `[D, gates · H]`.
    pub fn kernel(&self) -> &Param<Tensor<2>> {
        match self {
            Self::Elman(cell) => &cell.kernel,
            Self::Lstm(cell) => &cell.kernel,
            Self::Gru(cell) => &cell.kernel,
        }
    }

    /// U, `[H, gates · H]`.
    pub fn recurrent_kernel(&self) -> &Param<Tensor<2>> {
        match self {
            Self::Elman(cell) => &cell.recurrent_kernel,
            Self::Lstm(cell) => &cell.recurrent_kernel,
            Self::Gru(cell) => &cell.recurrent_kernel,
        }
    }

    /// The state before the first step, all zero, for a batch of `batch`, in the dtype and on the
    /// device of the weights.
    pub fn start(&self, batch: usize) -> CellState {
        let weights = self.recurrent_kernel().val();
        let options = (&weights.device(), weights.dtype());
        let hidden = Tensor::zeros([batch, self.units()], options);
        let memory = matches!(self, Self::Lstm(_)).then(|| hidden.clone());
        CellState { hidden, memory }
    }

    /// Runs over whole sequences; gives the hidden states `[N, T, H]` (or the last, `[N, 1, H]`) and the
    /// state after the last step. `recurrent` takes the place of U.
    pub(crate) fn run(
        &self,
        input: Input,
        recurrent: Tensor<2>,
        state: CellState,
        pass: &Pass,
    ) -> (Tensor<3>, CellState) {
        match self {
            Self::Elman(cell) => cell.run(input, recurrent, state, pass),
            Self::Lstm(cell) => cell.run(input, recurrent, state, pass),
            Self::Gru(cell) => cell.run(input, recurrent, state, pass),
        }
    }
}
