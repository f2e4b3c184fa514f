//! Recurrent layers on top of one another, each reading every hidden state of the layer below, and
//! the configuration of one layer.

use burn::module::Module;
use burn::tensor::{Int, Tensor, s};
use kernels::{Input, KernelMode, SequenceOptions, Steps};
use serde::{Deserialize, Serialize};

use crate::cell::{Activation, Cell, CellKind, CellState, LstmOptions};
use crate::dropout::{DropoutKey, DropoutSite, check_rate};
use crate::error::{Error, Result};
use crate::init::Initialization;
use crate::norm::LayerNorm;

/// The recurrent state between two steps: one entry per layer and direction, the lowest layer
/// first, forward before backward.
pub type State = Vec<CellState>;

/// The same values without their autodiff graph: gradients end here.
pub fn detach(state: State) -> State {
    state.into_iter().map(CellState::detach).collect()
}

/// The cells by their names in a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CellName {
    /// Vanilla RNN.
    Rnn,
    /// Long short-term memory.
    Lstm,
    /// Gated recurrent unit.
    Gru,
}

/// The configuration of one recurrent layer. The default is an LSTM with 256 units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerConfig {
    /// The cell.
    pub cell: CellName,
    /// H, the number of hidden units.
    pub units: usize,
    /// The activation of a vanilla RNN; tanh by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<Activation>,
    /// Whether a GRU's reset gate is applied after the matrix product; true by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset_after: Option<bool>,
    /// Whether an LSTM normalises its sums and its cell state; false by default.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cell_norm: bool,
    /// How many times the input and the state of an LSTM modulate each other before a step; 0, none, by default.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mogrifier_rounds: usize,
    /// The rank of the matrices of these modulations; 0, full matrices, by default.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mogrifier_rank: usize,
    /// Read the sequence in both directions.
    #[serde(default)]
    pub bidirectional: bool,
    /// Normalise the layer's outputs.
    #[serde(default)]
    pub layer_norm: bool,
    /// The dropout rate of the recurrent weights.
    #[serde(default)]
    pub recurrent_dropout: f64,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Default for LayerConfig {
    fn default() -> Self {
        Self::lstm(256)
    }
}

impl LayerConfig {
    /// A long short-term memory without options.
    pub fn lstm(units: usize) -> Self {
        Self::new(CellKind::Lstm, units)
    }

    /// A gated recurrent unit without options; its reset gate is applied after the matrix product.
    pub fn gru(units: usize) -> Self {
        Self::new(CellKind::Gru { reset_after: true }, units)
    }

    /// A vanilla RNN with tanh, without options.
    pub fn rnn(units: usize) -> Self {
        Self::new(CellKind::Elman(Activation::Tanh), units)
    }

    /// A layer of this cell and size without options.
    pub fn new(kind: CellKind, units: usize) -> Self {
        let (cell, activation, reset_after) = match kind {
            CellKind::Elman(activation) => (CellName::Rnn, Some(activation), None),
            CellKind::Lstm | CellKind::ExtendedLstm(_) => (CellName::Lstm, None, None),
            CellKind::Gru { reset_after } => (CellName::Gru, None, Some(reset_after)),
        };
        let LstmOptions { cell_norm, mogrifier_rounds, mogrifier_rank } = match kind {
            CellKind::ExtendedLstm(options) => options,
            _ => LstmOptions::default(),
        };
        Self {
            cell,
            units,
            activation,
            reset_after,
            cell_norm,
            mogrifier_rounds,
            mogrifier_rank,
            bidirectional: false,
            layer_norm: false,
            recurrent_dropout: 0.0,
        }
    }

    /// Sets [`units`](Self#structfield.units).
    pub fn units(self, units: usize) -> Self {
        Self { units, ..self }
    }

    /// Sets [`activation`](Self#structfield.activation).
    pub fn activation(self, activation: Activation) -> Self {
        Self { activation: Some(activation), ..self }
    }

    /// Sets [`reset_after`](Self#structfield.reset_after).
    pub fn reset_after(self, reset_after: bool) -> Self {
        Self { reset_after: Some(reset_after), ..self }
    }

    /// Sets [`cell_norm`](Self#structfield.cell_norm).
    pub fn cell_norm(self, cell_norm: bool) -> Self {
        Self { cell_norm, ..self }
    }

    /// Sets [`mogrifier_rounds`](Self#structfield.mogrifier_rounds).
    pub fn mogrifier_rounds(self, mogrifier_rounds: usize) -> Self {
        Self { mogrifier_rounds, ..self }
    }

    /// Sets [`mogrifier_rank`](Self#structfield.mogrifier_rank).
    pub fn mogrifier_rank(self, mogrifier_rank: usize) -> Self {
        Self { mogrifier_rank, ..self }
    }

    /// Sets [`bidirectional`](Self#structfield.bidirectional).
    pub fn bidirectional(self, bidirectional: bool) -> Self {
        Self { bidirectional, ..self }
    }

    /// Sets [`layer_norm`](Self#structfield.layer_norm).
    pub fn layer_norm(self, layer_norm: bool) -> Self {
        Self { layer_norm, ..self }
    }

    /// Sets [`recurrent_dropout`](Self#structfield.recurrent_dropout).
    pub fn recurrent_dropout(self, recurrent_dropout: f64) -> Self {
        Self { recurrent_dropout, ..self }
    }

    /// The layer's cell with its options.
    pub fn kind(&self) -> CellKind {
        match self.cell {
            CellName::Rnn => CellKind::Elman(self.activation.unwrap_or_default()),
            CellName::Lstm => match self.lstm_options() {
                options if options == LstmOptions::default() => CellKind::Lstm,
                options => CellKind::ExtendedLstm(options),
            },
            CellName::Gru => CellKind::Gru { reset_after: self.reset_after.unwrap_or(true) },
        }
    }

    fn lstm_options(&self) -> LstmOptions {
        let &Self { cell_norm, mogrifier_rounds, mogrifier_rank, .. } = self;
        LstmOptions { cell_norm, mogrifier_rounds, mogrifier_rank }
    }

    /// The size of its output at each step: H, or 2H if it is bidirectional.
    pub fn width(&self) -> usize {
        self.directions() * self.units
    }

    /// The number of trainable parameters.
    pub fn num_params(&self, inputs: usize) -> usize {
        let norm = if self.layer_norm { LayerNorm::num_params(self.width()) } else { 0 };
        self.directions() * self.kind().num_params(inputs, self.units) + norm
    }

    fn directions(&self) -> usize {
        1 + usize::from(self.bidirectional)
    }

    /// Checks all settings; `path` is the layer's name in errors.
    ///
    /// # Errors
    /// Names the first setting that is out of range or belongs to another cell.
    pub fn check(&self, path: &str) -> Result<()> {
        if !(1..=8_192).contains(&self.units) {
            return Err(Error::out_of_range(format!("{path}.units"), self.units, "1 to 8192"));
        }
        let misplaced = |key: &str, whose| Err(Error::out_of_range(format!("{path}.{key}"), "given", whose));
        if self.activation.is_some() && self.cell != CellName::Rnn {
            return misplaced("activation", "no value: only `cell = \"rnn\"` has an activation setting");
        }
        if self.reset_after.is_some() && self.cell != CellName::Gru {
            return misplaced("reset_after", "no value: only `cell = \"gru\"` has a reset gate");
        }
        self.lstm_options().check(self.cell == CellName::Lstm, path)?;
        check_rate(format!("{path}.recurrent_dropout"), self.recurrent_dropout)
    }

    /// The layer with initial weights, for `inputs` values per step.
    fn init(&self, inputs: usize, weights: &Initialization) -> Layer {
        let cell = |weights: &Initialization| self.kind().init(inputs, self.units, weights);
        Layer {
            cell: cell(weights),
            backward: self.bidirectional.then(|| cell(&weights.at("backward"))),
            norm: self.layer_norm.then(|| LayerNorm::new(self.width(), &weights.at("norm"))),
            recurrent_dropout: self.recurrent_dropout,
        }
    }
}

/// One recurrent layer, in one direction or in both.
#[derive(Module, Debug)]
pub struct Layer {
    /// Reads from the first step to the last.
    pub cell: Cell,
    /// Reads from the last step to the first; its outputs are concatenated behind those of `cell`.
    pub backward: Option<Cell>,
    /// Normalises the layer's outputs, not its state.
    pub norm: Option<LayerNorm>,
    /// The dropout rate of the recurrent weights while training, with one mask for a whole sequence
    /// (DropConnect on U: Merity, Keskar and Socher 2018, section 3).
    #[module(skip)]
    pub recurrent_dropout: f64,
}

impl Layer {
    /// The size of its output at each step: H, or 2H if it is bidirectional.
    pub fn width(&self) -> usize {
        self.cell.units() + self.backward.as_ref().map_or(0, |cell| cell.units())
    }

    fn directions(&self) -> impl Iterator<Item = &Cell> {
        std::iter::once(&self.cell).chain(&self.backward)
    }
}

/// Options of a forward pass. By default nothing is masked, nothing is dropped and every step is
/// returned.
#[derive(Clone, Debug, Default)]
pub struct ForwardOptions {
    /// `[N, T]`: 1 at real steps, 0 at padding, which leaves the state of its row unchanged.
    pub mask: Option<Tensor<2>>,
    /// `[N, T]`: 0 where the row's state is reset to zeros before the step, 1 elsewhere; not in bidirectional layers.
    pub keep_state: Option<Tensor<2>>,
    /// For rows that end in padding, `[N · T]`: the row of `[N · T, …]` that a backward layer reads at
    /// each of its steps. The real steps of a row come first, so that no state depends on padding and
    /// the kernel needs no mask; the outputs after them are never used. The permutation is its own
    /// inverse.
    pub reverse_permutation: Option<Tensor<1, Int>>,
    /// The key of the dropout masks, in a training step.
    pub dropout: Option<DropoutKey>,
    /// The steps that the last layer returns.
    pub steps: Steps,
}

/// One or more recurrent layers.
#[derive(Module, Debug)]
pub struct Stack {
    /// The layers, the lowest first.
    pub layers: Vec<Layer>,
    /// The dropout rate between two layers.
    #[module(skip)]
    pub layer_dropout: f64,
    /// Use one dropout mask for all steps of a sequence.
    #[module(skip)]
    pub locked_dropout: bool,
    /// Fused kernels or Burn's own operations; not part of a saved model.
    #[module(skip)]
    pub kernels: KernelMode,
}

impl Stack {
    /// The layers with initial weights, the lowest for `inputs` values per step, without dropout
    /// between them.
    pub fn new(inputs: usize, layers: &[LayerConfig], weights: &Initialization) -> Self {
        let mut width = inputs;
        let weights = weights.at("layers");
        let build = |(index, layer): (usize, &LayerConfig)| {
            let built = layer.init(width, &weights.at(index));
            width = layer.width();
            built
        };
        let layers = layers.iter().enumerate().map(build).collect();
        Self { layers, layer_dropout: 0.0, locked_dropout: false, kernels: KernelMode::default() }
    }

    /// The zero state before the first step, for `batch` rows.
    pub fn init_state(&self, batch: usize) -> State {
        let cells = self.layers.iter().flat_map(Layer::directions);
        cells.map(|cell| cell.init_state(batch)).collect()
    }

    /// The output size of the last layer.
    pub fn width(&self) -> usize {
        self.layers.last().map_or(0, Layer::width)
    }

    /// Runs over whole sequences. Returns the outputs of the last layer, `[N, T, H]` (`[N, T, 2H]` if it
    /// is bidirectional) or `[N, 1, H]` for the last step alone, and the final states; a backward
    /// direction's final state is the one after the first step.
    ///
    /// # Panics
    /// If `state` does not have one entry per layer and direction, sizes do not match, or the state of a bidirectional
    /// layer is to be reset.
    pub fn forward(&self, input: Input, state: State, options: &ForwardOptions) -> (Tensor<3>, State) {
        let mut before = state.into_iter();
        let mut after = State::with_capacity(before.len());
        let mut input = input;
        for (index, layer) in self.layers.iter().enumerate() {
            let top = index + 1 == self.layers.len();
            let keep_state = options.keep_state.clone();
            // Read backwards, a document ends where the state of the forward direction is reset.
            assert!(keep_state.is_none() || layer.backward.is_none(), "a bidirectional layer has no resets");
            // A backward direction ends at the first step: the last output needs all of its steps.
            let steps = if top && layer.backward.is_none() { options.steps } else { Steps::Every };
            let mut run = |direction: usize, cell: &Cell, input: Input, mask: Option<Tensor<2>>| {
                let state = before.next().expect("one state per layer and direction");
                let mut recurrent = cell.recurrent_kernel().val();
                if let Some(key) = options.dropout {
                    let site = DropoutSite::Recurrent(index, direction);
                    recurrent = key.masks(site, layer.recurrent_dropout).drop(recurrent);
                }
                let sequence = SequenceOptions { mask, keep_state: keep_state.clone(), steps, kernels: self.kernels };
                let (hidden, state) = cell.forward(input, recurrent, state, &sequence);
                after.push(state);
                hidden
            };
            let mask = options.mask.clone();
            let mut hidden = match &layer.backward {
                None => run(0, &layer.cell, input, mask),
                Some(backward) => {
                    let reversed_mask = mask.clone().map(|mask| mask.flip([1]));
                    let ahead = run(0, &layer.cell, input.clone(), mask);
                    let back = match &options.reverse_permutation {
                        None => run(1, backward, input.reversed(), reversed_mask).flip([1]),
                        Some(order) => {
                            let back = run(1, backward, input.reordered(order.clone()), reversed_mask);
                            Input::Vectors(back).reordered(order.clone()).into_vectors()
                        }
                    };
                    Tensor::cat(vec![ahead, back], 2)
                }
            };
            if top && options.steps == Steps::Last && steps == Steps::Every {
                let time = hidden.dims()[1];
                hidden = hidden.slice(s![.., time - 1..time, ..]);
            }
            if let Some(norm) = &layer.norm {
                hidden = norm.forward(hidden);
            }
            if let Some(key) = options.dropout
                && !top
            {
                let mut masks = key.masks(DropoutSite::Between(index), self.layer_dropout);
                hidden = masks.drop_steps(hidden, self.locked_dropout);
            }
            input = Input::Vectors(hidden);
        }
        assert!(before.next().is_none(), "one state per layer and direction");
        (input.into_vectors(), after)
    }
}
