//! Recurrent layers on top of one another, each reading every hidden state of the one below.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::cell::{Cell, CellState};

/// What a stack remembers between two steps: one state a layer, the lowest first.
pub type State = Vec<CellState>;

/// One or more recurrent layers.
#[derive(Module, Debug)]
pub struct Stack {
    /// The layers, the lowest first.
    pub layers: Vec<Cell>,
}

impl Stack {
    /// The state before the first step, for a batch of `batch`.
    pub fn start(&self, batch: usize) -> State {
        self.layers.iter().map(|layer| layer.start(batch)).collect()
    }

    /// Runs over a whole sequence of `[N, D]` inputs; gives the top layer's hidden states `[N, H]`
    /// and the states after the last step.
    ///
    /// # Panics
    /// If `state` has not one entry a layer.
    pub(crate) fn run(&self, inputs: Vec<Tensor<2>>, state: State) -> (Vec<Tensor<2>>, State) {
        assert_eq!(state.len(), self.layers.len(), "one state a layer");
        let mut after = Vec::with_capacity(state.len());
        let mut steps = inputs;
        for (layer, state) in self.layers.iter().zip(state) {
            let (hidden, state) = layer.run(steps, state);
            steps = hidden;
            after.push(state);
        }
        (steps, after)
    }
}
