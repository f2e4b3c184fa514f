//! Recurrent layers on top of one another, each reading every hidden state of the one below.

use burn::module::Module;
use burn::tensor::{Int, Tensor, s};
use kernels::{Input, Pass, Steps};

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

/// How a sequence is read: all of it is real, nothing is dropped and every step is handed on, unless
/// it says so.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// `[N, T]`: 1 where a row's step is real, 0 where it is padding, which leaves the state of its row
    /// as it was.
    pub real: Option<Tensor<2>>,
    /// For rows that end in padding, `[N · T]`: which row of `[N · T, …]` a layer that reads backwards reads
    /// at each of its steps. The real steps of a row come first, so that no state sees padding before
    /// them and a kernel needs no masks; what follows them is never looked at. Read twice it is the
    /// order as it was.
    pub mirror: Option<Tensor<1, Int>>,
    /// The masks of a training step.
    pub dropout: Option<DropoutKey>,
    /// Which steps the last layer hands on.
    pub steps: Steps,
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

    /// Runs over whole sequences; gives what the last layer hands on at each step, `[N, T, H]` (both
    /// directions side by side, `[N, T, 2H]`), or at the last step alone, and the states after it: of a
    /// backward direction, that after the first step.
    ///
    /// # Panics
    /// If `state` has not one entry a layer and direction, or sizes do not fit together.
    pub fn run(&self, input: Input, state: State, reading: &Reading) -> (Tensor<3>, State) {
        let mut before = state.into_iter();
        let mut after = State::with_capacity(before.len());
        let mut input = input;
        for (at, layer) in self.layers.iter().enumerate() {
            let top = at + 1 == self.layers.len();
            // What reads backwards ends at the first step: all of its steps are needed for the last.
            let steps = match top && layer.backward.is_none() {
                true => reading.steps,
                false => Steps::Every,
            };
            let mut run = |direction: usize, cell: &Cell, input: Input, real: Option<Tensor<2>>| {
                let state = before.next().expect("one state a layer and direction");
                let mut recurrent = cell.recurrent_kernel().val();
                if let Some(key) = reading.dropout {
                    let place = Place::Recurrent(at, direction);
                    recurrent = key.masks(place, layer.recurrent_dropout).drop(recurrent);
                }
                let (hidden, state) = cell.run(input, recurrent, state, &Pass { real, steps });
                after.push(state);
                hidden
            };
            let real = reading.real.clone();
            let mut hidden = match &layer.backward {
                None => run(0, &layer.cell, input, real),
                Some(backward) => {
                    let reversed = real.clone().map(|real| real.flip([1]));
                    let there = run(0, &layer.cell, input.clone(), real);
                    let back = match &reading.mirror {
                        None => run(1, backward, input.reversed(), reversed).flip([1]),
                        Some(mirror) => {
                            let back = run(1, backward, input.mirrored(mirror.clone()), reversed);
                            Input::Vectors(back).mirrored(mirror.clone()).vectors()
                        }
                    };
                    Tensor::cat(vec![there, back], 2)
                }
            };
            if top && reading.steps == Steps::Last && steps == Steps::Every {
                let time = hidden.dims()[1];
                hidden = hidden.slice(s![.., time - 1..time, ..]);
            }
            if let Some(norm) = &layer.norm {
                hidden = norm.forward(hidden);
            }
            if let Some(key) = reading.dropout
                && !top
            {
                hidden =
                    key.masks(Place::Between(at), self.dropout).drop_steps(hidden, self.locked);
            }
            input = Input::Vectors(hidden);
        }
        assert!(before.next().is_none(), "one state a layer and direction");
        (input.vectors(), after)
    }
}
