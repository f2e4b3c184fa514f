//! The inference engine of a [`Generator`](crate::Generator): packed weights on CPU backends, the Burn module elsewhere.

use burn::tensor::{Device, Int, Tensor, TensorData};
use models::packed_model::PackedState;
use models::{LanguageModel, Network, PackedModel, Precision, State, TokenInput};

use crate::error::Result;

/// A trained model, ready for inference.
pub enum Engine {
    /// Packed weights, on the CPU.
    Packed(Box<PackedModel>),
    /// The Burn module, on a GPU or with cells that have no inference kernel.
    Module {
        /// The model.
        model: Box<LanguageModel>,
        /// The device of the model.
        device: Device,
    },
}

/// The state of an [`Engine`] after the ids so far, for one or more texts.
pub enum EngineState {
    /// Of [`Engine::Packed`].
    Packed(PackedState),
    /// Of [`Engine::Module`].
    Module {
        /// The state of the layers.
        state: State,
        /// The logits `[N, V]` of the next token; empty before the first id.
        logits: Vec<f32>,
        /// The last layer's outputs `[N, H]` after the last id; empty before the first id.
        outputs: Vec<f32>,
        /// The label number of each text.
        labels: Vec<u32>,
    },
}

impl Engine {
    /// An engine for `model`: packed, with weights in `precision`, if the model uses fused CPU kernels
    /// and all its cells have an inference kernel.
    pub fn new(model: &LanguageModel, precision: Precision) -> Self {
        let fused = model.kernels().fuses_all(&model.device());
        match fused.then(|| PackedModel::new(model, precision)).flatten() {
            Some(model) => Self::Packed(Box::new(model)),
            None => Self::module(model),
        }
    }

    /// An engine that computes `model` with its Burn module.
    pub fn module(model: &LanguageModel) -> Self {
        Self::Module { model: Box::new(model.clone()), device: model.device() }
    }

    /// Whether the weights are packed.
    pub fn is_packed(&self) -> bool {
        matches!(self, Self::Packed(_))
    }

    /// The state of one text before its first id. `label` is the number of its label, 0 for none; a model without labels
    /// ignores it.
    pub fn init_state(&self, label: u32) -> EngineState {
        match self {
            Self::Packed(model) => EngineState::Packed(model.init_state(1).with_labels(&[label])),
            Self::Module { model, .. } => {
                let (logits, outputs) = Default::default();
                EngineState::Module { state: model.init_state(1), logits, outputs, labels: vec![label] }
            }
        }
    }

    /// Advances `state` by `ids`, `[texts, T]` in row-major order.
    ///
    /// # Errors
    /// If the device does not return the logits.
    ///
    /// # Panics
    /// If `state` is of the other kind of engine.
    pub fn forward(&self, ids: &[u32], texts: usize, state: &mut EngineState) -> Result<()> {
        match (self, state) {
            (Self::Packed(model), EngineState::Packed(state)) => {
                let time = ids.len() / texts;
                for t in 0..time {
                    let step: Vec<u32> = (0..texts).map(|text| ids[text * time + t]).collect();
                    model.step(&step, state);
                }
            }
            (Self::Module { model, device }, EngineState::Module { state, logits, outputs, labels }) => {
                let shape @ [_, time] = [texts, ids.len() / texts];
                let tensor = |numbers: &mut dyn Iterator<Item = u32>| {
                    let numbers: Vec<i32> = numbers.map(|number| number as i32).collect();
                    Tensor::<2, Int>::from_data(TensorData::new(numbers, shape), device)
                };
                let labels = tensor(&mut labels.iter().flat_map(|&label| std::iter::repeat_n(label, time)));
                let input = TokenInput { ids: tensor(&mut ids.iter().copied()), labels: Some(labels) };
                let (hidden, next, after) = model.forward_outputs(input, std::mem::take(state), 1);
                *state = after;
                (*outputs, *logits) = (hidden.try_into_vec_as()?, next.try_into_vec_as()?);
            }
            _ => panic!("the state is of another engine"),
        }
        Ok(())
    }

    /// The logits of the next token, V values per text.
    ///
    /// # Panics
    /// If `state` is of the other kind of engine, or before the first id.
    pub fn logits<'b>(&'b self, state: &'b mut EngineState) -> Vec<&'b [f32]> {
        match (self, state) {
            (Self::Packed(model), EngineState::Packed(state)) => model.logits(state).collect(),
            (Self::Module { model, .. }, EngineState::Module { logits, .. }) => {
                assert!(!logits.is_empty(), "no ids yet");
                logits.chunks(model.vocab_size()).collect()
            }
            _ => panic!("the state is of another engine"),
        }
    }
}

impl Engine {
    /// The last layer's outputs after the last id, H values per text.
    ///
    /// # Panics
    /// If `state` is of the other kind of engine.
    pub fn outputs(&self, state: &EngineState) -> Vec<Vec<f32>> {
        match (self, state) {
            (Self::Packed(model), EngineState::Packed(state)) => model.outputs(state),
            (Self::Module { .. }, EngineState::Module { outputs, labels, .. }) => {
                outputs.chunks(outputs.len() / labels.len()).map(<[f32]>::to_vec).collect()
            }
            _ => panic!("the state is of another engine"),
        }
    }
}

impl EngineState {
    /// The state of one text, copied for `texts` texts.
    pub fn expand_batch(&self, texts: usize) -> Self {
        match self {
            Self::Packed(state) => Self::Packed(state.expand_batch(texts)),
            Self::Module { state, logits, outputs, labels } => {
                let state = state.iter().map(|cell| cell.clone().expand(texts)).collect();
                let [logits, outputs] = [logits, outputs].map(|values| values.repeat(texts));
                Self::Module { state, logits, outputs, labels: labels.repeat(texts) }
            }
        }
    }
}
