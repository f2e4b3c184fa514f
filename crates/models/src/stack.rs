//! Recurrent layers on top of one another, each reading every hidden state of the one below.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::cell::{Cell, CellState};
use crate::dropout::{DropoutKey, Place};
use crate::init::Initialization;
use crate::layer::LayerConfig;
use crate::norm::LayerNorm;

/// What a stack remembers between two steps: one state a layer and direction, the lowest layer
/// first, forwards before backwards.
pub type State = Vec<CellState>;

/// The same numbers, cut off from what they were computed from: gradients end here.
pub fn detach(state: State) -> State {
    state.into_iter().map(CellState::detach).collect()
}

/// One recurrent layer, in one direction or in both.
#[derive(Module, Debug)]
pub struct Layer {
    /// Reads from the first step to the last.
    pub cell: Cell,
    /// Reads from the last step to the first; what it hands on stands behind what `cell` does.
    pub backward: Option<Cell>,
    /// Normalises what the layer hands on; its own state stays as it is.
    pub norm: Option<LayerNorm>,
    /// The share of the recurrent weights that is dropped while training, the same ones over a
    /// whole sequence (DropConnect on U: Merity, Keskar and Socher 2018, section 3).
    #[module(skip)]
    pub recurrent_dropout: f64,
}

impl Layer {
    /// How many numbers it hands on at each step: H, or 2H if it reads in both directions.
    pub fn width(&self) -> usize {
        self.cell.units() + self.backward.as_ref().map_or(0, Cell::units)
    }

    fn directions(&self) -> impl Iterator<Item = &Cell> {
        std::iter::once(&self.cell).chain(&self.backward)
    }
}

/// How a sequence is read: all of it is real and nothing is dropped, unless it says so.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// One `[N, 1]` tensor a step: 1 where a row's step is real, 0 where it is padding, which leaves
    /// the state of its row as it was.
    pub real: Option<Vec<Tensor<2>>>,
    /// The masks of a training step.
    pub dropout: Option<DropoutKey>,
}

/// One or more recurrent layers.
#[derive(Module, Debug)]
pub struct Stack {
    /// The layers, the lowest first.
    pub layers: Vec<Layer>,
    /// The share of what each layer but the last hands on that is dropped while training.
    #[module(skip)]
    pub dropout: f64,
    /// Drop the same numbers at every step of a sequence.
    #[module(skip)]
    pub locked: bool,
}

impl Stack {
    /// The layers with fresh weights, the lowest reading `inputs` numbers a step, nothing dropped
    /// between them.
    pub fn new(inputs: usize, layers: &[LayerConfig], weights: &Initialization) -> Self {
        let mut width = inputs;
        let weights = weights.at("layers");
        let build = |(at, layer): (usize, &LayerConfig)| {
            let built = layer.init(width, &weights.at(at));
            width = built.width();
            built
        };
        let layers = layers.iter().enumerate().map(build).collect();
        Self { layers, dropout: 0.0, locked: false }
    }

    /// The state before the first step, for a batch of `batch`.
    pub fn start(&self, batch: usize) -> State {
        let cells = self.layers.iter().flat_map(Layer::directions);
        cells.map(|cell| cell.start(batch)).collect()
    }

    /// How many numbers the last layer hands on at each step.
    pub fn width(&self) -> usize {
        self.layers.last().map_or(0, Layer::width)
    }

    /// Runs over a whole sequence, one `[N, D]` tensor a step; gives what the last layer hands on at
    /// each step, `[N, H]` (both directions side by side, `[N, 2H]`), and the states after it: of a
    /// backward direction, that after the first step.
    ///
    /// # Panics
    /// If `state` has not one entry a layer and direction, or `reading.real` not one a step.
    pub fn run(
        &self,
        inputs: Vec<Tensor<2>>,
        state: State,
        reading: &Reading,
    ) -> (Vec<Tensor<2>>, State) {
        if let Some(real) = &reading.real {
            assert_eq!(real.len(), inputs.len(), "one mark of what is real a step");
        }
        let mut before = state.into_iter();
        let mut after = State::with_capacity(before.len());
        let mut steps = inputs;
        for (at, layer) in self.layers.iter().enumerate() {
            let mut run = |direction: usize, cell: &Cell, steps: Vec<Tensor<2>>| {
                let state = before.next().expect("one state a layer and direction");
                let mut recurrent = cell.recurrent_kernel().val();
                if let Some(key) = reading.dropout {
                    let place = Place::Recurrent(at, direction);
                    recurrent = key.masks(place, layer.recurrent_dropout).drop(recurrent);
                }
                let (hidden, state) = match (direction, reading.real.clone()) {
                    (0, real) => cell.run(steps, &recurrent, real.map(Vec::into_iter), state),
                    (_, real) => {
                        let real = real.map(|real| real.into_iter().rev());
                        let (mut hidden, state) =
                            cell.run(steps.into_iter().rev(), &recurrent, real, state);
                        hidden.reverse();
                        (hidden, state)
                    }
                };
                after.push(state);
                hidden
            };
            steps = match &layer.backward {
                None => run(0, &layer.cell, steps),
                Some(backward) => {
                    let left_to_right = run(0, &layer.cell, steps.clone());
                    let right_to_left = run(1, backward, steps);
                    let both = left_to_right.into_iter().zip(right_to_left);
                    both.map(|(a, b)| Tensor::cat(vec![a, b], 1)).collect()
                }
            };
            if let Some(norm) = &layer.norm {
                steps = steps.into_iter().map(|step| norm.forward(step)).collect();
            }
            if let Some(key) = reading.dropout
                && at + 1 < self.layers.len()
            {
                let mut masks = key.masks(Place::Between(at), self.dropout);
                steps = masks.drop_steps(steps, self.locked);
            }
        }
        assert!(before.next().is_none(), "one state a layer and direction");
        (steps, after)
    }
}
