//! The recurrent cells behind one face: a step takes an input and a state and gives a state.
//!
//! A new cell is a file beside `lstm.rs`, a variant of [`Cell`] and a variant of [`CellKind`]; outside
//! this folder, its name in `layer.rs` and its layouts in `foreign/`.

mod elman;
mod gru;
mod lstm;

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use crate::init::Initialization;

pub use elman::{Activation, Elman};
pub use gru::Gru;
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

/// What a cell remembers between two steps.
#[derive(Clone, Debug)]
pub struct CellState {
    /// h, the output and short-term state, `[N, H]`.
    pub hidden: Tensor<2>,
    /// c, the long-term state, `[N, H]`, for cells that keep one.
    pub memory: Option<Tensor<2>>,
}

impl CellState {
    /// The same numbers, cut off from what they were computed from: gradients end here.
    pub fn detach(self) -> Self {
        Self { hidden: self.hidden.detach(), memory: self.memory.map(Tensor::detach) }
    }

    /// This state in the rows where `real` `[N, 1]` is 1, and `before` in those where it is 0.
    fn where_real(self, real: &Tensor<2>, before: Self) -> Self {
        // Chosen, not blended: whatever is computed from padding must not reach the state.
        let choose = |new: Tensor<2>, old: Tensor<2>| {
            let real = real.clone().greater_scalar(0.5).expand(old.dims());
            old.mask_where(real, new)
        };
        let memory = self.memory.zip(before.memory).map(|(new, old)| choose(new, old));
        Self { hidden: choose(self.hidden, before.hidden), memory }
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

    /// One step: `input` `[N, D]` and the state before it give the state after it.
    ///
    /// # Panics
    /// If the state is another cell's, without a memory.
    pub fn step(&self, input: Tensor<2>, state: CellState) -> CellState {
        self.step_with(&self.recurrent_kernel().val(), input, state)
    }

    /// A step with `recurrent` in the place of U.
    fn step_with(&self, recurrent: &Tensor<2>, input: Tensor<2>, state: CellState) -> CellState {
        match self {
            Self::Elman(cell) => cell.step(recurrent, input, state),
            Self::Lstm(cell) => cell.step(recurrent, input, state),
            Self::Gru(cell) => cell.step(recurrent, input, state),
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

    /// Runs over a whole sequence, one `[N, D]` tensor a step, and gives every hidden state
    /// `[N, H]` and the state after the last step.
    ///
    /// `recurrent` takes the place of U for all of the sequence. With `real`, one `[N, 1]` tensor a
    /// step, 1 where a row's step is real and 0 where it is padding, padding leaves the state of its
    /// row as it was.
    pub(crate) fn run(
        &self,
        inputs: impl IntoIterator<Item = Tensor<2>>,
        recurrent: &Tensor<2>,
        mut real: Option<impl Iterator<Item = Tensor<2>>>,
        mut state: CellState,
    ) -> (Vec<Tensor<2>>, CellState) {
        let mut hidden = Vec::new();
        for input in inputs {
            state = match real.as_mut().and_then(Iterator::next) {
                None => self.step_with(recurrent, input, state),
                Some(real) => {
                    self.step_with(recurrent, input, state.clone()).where_real(&real, state)
                }
            };
            hidden.push(state.hidden.clone());
        }
        (hidden, state)
    }
}
