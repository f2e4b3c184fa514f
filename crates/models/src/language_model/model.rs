//! The network of the language model.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use kernels::Input;
use seqdata::Batch;

use super::token_input::TokenInput;
use crate::activation_penalty::ActivationPenalty;
use crate::dropout::Masks;
use crate::embedding::Embedding;
use crate::output_layer::OutputLayer;
use crate::stack::{Stack, State};

/// Embedding → recurrent layers → dropout → output layer.
#[derive(Module, Debug)]
pub struct LanguageModel {
    /// From ids to vectors.
    pub embedding: Embedding,
    /// From label numbers to vectors, which are added to those of the ids; the first row is that of no label.
    pub label_embedding: Option<Embedding>,
    /// The recurrent layers.
    pub stack: Stack,
    /// From the last layer's outputs to logits.
    pub output: OutputLayer,
    /// Whether the embedding is not trained.
    #[module(skip)]
    pub frozen_embedding: bool,
    /// The dropout rate of the last layer's outputs while training.
    #[module(skip)]
    pub dropout: f64,
    /// The rate at which whole rows of the embedding are dropped while training.
    #[module(skip)]
    pub embedding_dropout: f64,
    /// The dropout rate of the first layer's inputs while training.
    #[module(skip)]
    pub input_dropout: f64,
    /// What is minimized besides the loss while training.
    #[module(skip)]
    pub penalty: ActivationPenalty,
    /// The id of the document token, before which the state is reset.
    #[module(skip)]
    pub document_id: Option<u32>,
}

impl LanguageModel {
    /// V.
    pub fn vocab_size(&self) -> usize {
        self.output.vocab_size()
    }

    /// The device of the weights.
    pub fn device(&self) -> Device {
        self.output.bias.val().device()
    }

    /// The zero state before the first token, for `batch` rows.
    pub fn init_state(&self, batch: usize) -> State {
        self.stack.init_state(batch)
    }

    /// The state before `batch`: that after the previous batch if this one continues it, else zeros. A batch of several
    /// rows may continue one of a single row: then all of its rows start with the same state.
    pub fn state_before(&self, batch: &Batch, previous: Option<State>) -> State {
        match previous.filter(|_| batch.continues) {
            Some(state) => state.into_iter().map(|cell| cell.expand(batch.rows())).collect(),
            None => self.init_state(batch.rows()),
        }
    }

    /// The input of the first layer; `masks` drop whole rows of the embedding of ids, not of labels.
    pub fn layer_input(&self, input: impl Into<TokenInput>, masks: Option<Masks>) -> Input {
        let TokenInput { ids, labels } = input.into();
        let Some(embedding) = &self.label_embedding else { return self.embedding.layer_input(ids, masks) };
        let labels = labels.unwrap_or_else(|| ids.zeros_like());
        let labels = embedding.layer_input(labels, None).into_vectors();
        Input::Vectors(self.embedding.layer_input(ids, masks).into_vectors() + labels)
    }

    /// Where the state is kept, for the layers: 0 before each document token in `ids` `[N, T]`, 1 elsewhere. `None` in a
    /// model without documents.
    pub fn keep_state(&self, ids: &Tensor<2, Int>) -> Option<Tensor<2>> {
        let document = self.document_id?;
        let dtype = self.output.bias.val().dtype();
        Some(ids.clone().not_equal_scalar(i64::from(document)).float().cast(dtype))
    }

    /// The model in training mode: all weights require gradients, except for a frozen embedding.
    pub fn trainable(self) -> Self {
        let mut model = self.train();
        if model.frozen_embedding {
            model.embedding = model.embedding.no_grad();
        }
        model
    }
}
