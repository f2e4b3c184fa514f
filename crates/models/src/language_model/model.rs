//! The network of the language model and its forward pass.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, s};
use kernels::{Input, Steps};
use seqdata::Batch;

use super::token_input::TokenInput;
use crate::activation_penalty::ActivationPenalty;
use crate::dropout::{DropoutKey, DropoutSite, Masks};
use crate::embedding::Embedding;
use crate::output_layer::{LossOutput, OutputLayer, TrainLoss};
use crate::stack::{ForwardOptions, Stack, State};

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

    /// From ids `[N, T]`, with or without labels, to the logits after each of the last `count` steps, `[N, count, V]`, and
    /// the state after the last step. Dropout is applied if a key is given.
    ///
    /// # Panics
    /// If `count` is zero or more than `T`.
    pub fn forward(
        &self,
        input: impl Into<TokenInput>,
        state: State,
        count: usize,
        dropout: Option<DropoutKey>,
    ) -> (Tensor<3>, State) {
        let input = input.into();
        let batch = input.ids.dims()[0];
        let (hidden, state) = self.forward_hidden(input, state, count, dropout);
        let logits = self.output.forward(hidden, &self.embedding);
        (logits.reshape([batch, count, self.vocab_size()]), state)
    }

    /// From ids `[N, T]` and the `targets` `[N, count]` of the last `count` steps to the losses
    /// `−ln p(target)`, `[N · count]`, and the state after the last step.
    ///
    /// # Panics
    /// If there are no targets, or more than `T` per row.
    pub fn forward_loss(
        &self,
        input: impl Into<TokenInput>,
        targets: Tensor<2, Int>,
        state: State,
        dropout: Option<DropoutKey>,
    ) -> (Tensor<1>, State) {
        let (hidden, state) = self.forward_hidden(input.into(), state, targets.dims()[1], dropout);
        (self.output.loss(hidden, &self.embedding, targets.flatten(0, 1)), state)
    }

    /// The same as [`forward_loss`](Self::forward_loss) with dropout, and with the penalty of the last layer's outputs.
    ///
    /// # Panics
    /// As [`forward_loss`](Self::forward_loss).
    pub fn forward_train(
        &self,
        input: impl Into<TokenInput>,
        targets: Tensor<2, Int>,
        state: State,
        dropout: DropoutKey,
    ) -> (TrainLoss, State) {
        let (outputs, state) = self.layer_outputs(input.into(), state, targets.dims()[1], Some(dropout));
        let (hidden, penalty) = if self.penalty.is_none() {
            (self.dropped(outputs, Some(dropout)), None)
        } else {
            let hidden = self.dropped(outputs.clone(), Some(dropout));
            let penalty = self.penalty.of(&outputs, &hidden);
            (hidden, penalty)
        };
        let nats = self.output.loss(hidden.flatten(0, 1), &self.embedding, targets.flatten(0, 1));
        (TrainLoss { nats, penalty }, state)
    }

    /// The same as [`forward_loss`](Self::forward_loss) without gradients and dropout, and with accuracy.
    ///
    /// # Panics
    /// As [`forward_loss`](Self::forward_loss).
    pub fn forward_eval(
        &self,
        input: impl Into<TokenInput>,
        targets: Tensor<2, Int>,
        state: State,
    ) -> (LossOutput, State) {
        let (hidden, state) = self.forward_hidden(input.into(), state, targets.dims()[1], None);
        let targets = targets.flatten(0, 1);
        (self.output.loss_with_accuracy(hidden, &self.embedding, targets), state)
    }

    /// From ids `[N, T]` to the last layer's outputs h at the last `count` steps, `[N · count, H]`, without dropout, their
    /// logits, `[N · count, V]`, and the state after the last step.
    ///
    /// # Panics
    /// If `count` is zero or more than `T`.
    pub fn forward_outputs(
        &self,
        input: impl Into<TokenInput>,
        state: State,
        count: usize,
    ) -> (Tensor<2>, Tensor<2>, State) {
        let (hidden, state) = self.forward_hidden(input.into(), state, count, None);
        let logits = self.output.forward(hidden.clone(), &self.embedding);
        (hidden, logits, state)
    }

    /// The inputs of the output layer at the last `count` steps, `[N · count, H]`.
    fn forward_hidden(
        &self,
        input: TokenInput,
        state: State,
        count: usize,
        dropout: Option<DropoutKey>,
    ) -> (Tensor<2>, State) {
        let (outputs, state) = self.layer_outputs(input, state, count, dropout);
        (self.dropped(outputs, dropout).flatten(0, 1), state)
    }

    /// The last layer's outputs at the last `count` steps, `[N, count, H]`, before dropout.
    fn layer_outputs(
        &self,
        input: TokenInput,
        state: State,
        count: usize,
        dropout: Option<DropoutKey>,
    ) -> (Tensor<3>, State) {
        let time = input.ids.dims()[1];
        assert!((1..=time).contains(&count), "{count} outputs from {time} steps");
        let masks = dropout.map(|key| key.masks(DropoutSite::Embedding, self.embedding_dropout));
        let steps = if count == 1 { Steps::Last } else { Steps::Every };
        let keep_state = self.keep_state(&input.ids);
        let options = ForwardOptions { dropout, steps, keep_state, ..ForwardOptions::default() };
        let mut input = self.layer_input(input, masks);
        if let Some(key) = dropout.filter(|_| self.input_dropout > 0.0) {
            let mut masks = key.masks(DropoutSite::Input, self.input_dropout);
            input = Input::Vectors(masks.drop_steps(input.into_vectors(), self.stack.locked_dropout));
        }
        let (mut hidden, state) = self.stack.forward(input, state, &options);
        let returned = hidden.dims()[1];
        if returned > count {
            hidden = hidden.slice(s![.., returned - count.., ..]);
        }
        (hidden, state)
    }

    /// The last layer's outputs `[N, T, H]` with dropout, if a key is given.
    fn dropped(&self, outputs: Tensor<3>, dropout: Option<DropoutKey>) -> Tensor<3> {
        match dropout {
            Some(key) => key.masks(DropoutSite::Output, self.dropout).drop_steps(outputs, self.stack.locked_dropout),
            None => outputs,
        }
    }

    /// From ids `[N, T]` to the logits after the last step, `[N, V]`, and the state after it.
    ///
    /// # Panics
    /// If `T` is zero.
    pub fn forward_last(&self, input: impl Into<TokenInput>, state: State) -> (Tensor<2>, State) {
        let (logits, state) = self.forward(input, state, 1, None);
        (logits.squeeze_dim(1), state)
    }

    /// From ids `[N, T]` to the logits after every step, `[N, T, V]`, and the state after the last.
    ///
    /// # Panics
    /// If `T` is zero.
    pub fn forward_all(&self, input: impl Into<TokenInput>, state: State) -> (Tensor<3>, State) {
        let input = input.into();
        let time = input.ids.dims()[1];
        self.forward(input, state, time, None)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;

    use crate::language_model::LanguageModelConfig;
    use crate::stack::LayerConfig;

    use super::*;

    fn config() -> LanguageModelConfig {
        let layer = LayerConfig::lstm(4);
        LanguageModelConfig::new(11, 4, vec![layer; 2])
    }

    fn model(config: &LanguageModelConfig) -> LanguageModel {
        config.init(1, &Device::flex()).unwrap()
    }

    fn ids<const N: usize>(rows: [[i32; N]; 2]) -> Tensor<2, Int> {
        Tensor::from_data(TensorData::from(rows), &Device::flex())
    }

    fn difference<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> f32 {
        (a - b).abs().max().into_scalar::<f32>()
    }

    #[test]
    fn logits_of_the_last_steps_are_the_last_of_all_logits() {
        let model = model(&config());
        let rows = ids([[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]]);
        let (all, _) = model.forward_all(rows.clone(), model.init_state(2));
        let (two, _) = model.forward(rows.clone(), model.init_state(2), 2, None);
        let (last, _) = model.forward_last(rows, model.init_state(2));
        assert!(difference(all.clone().slice([0..2, 3..5, 0..11]), two) < 1e-6);
        let end = all.slice([0..2, 4..5, 0..11]).squeeze_dim::<2>(1);
        assert!(difference(end, last) < 1e-6);
    }

    #[test]
    fn a_larger_vocabulary_keeps_the_logits_of_the_old_tokens() {
        for config in [config(), config().tie_weights(true)] {
            let old = model(&config);
            let larger = config.vocab_size(14);
            let fresh = larger.init(2, &Device::flex()).unwrap();
            let resized = old.clone().resize_vocab(fresh.clone());
            assert_eq!(resized.num_params(), fresh.num_params());
            let rows = ids([[1, 2, 3], [3, 4, 5]]);
            let (expected, _) = old.forward_last(rows.clone(), old.init_state(2));
            let (found, _) = resized.forward_last(rows, resized.init_state(2));
            assert_eq!(found.dims(), [2, 14]);
            assert!(difference(found.narrow(1, 0, 11), expected) < 1e-6);
            let new = |model: &LanguageModel| model.embedding.weight.val().narrow(0, 11, 3);
            assert_eq!(difference(new(&resized), new(&fresh)), 0.0);
        }
    }

    #[test]
    fn every_kind_of_dropout_needs_a_key_and_depends_on_it() {
        let recurrent = config().layers.remove(0).recurrent_dropout(0.5);
        let cases = [
            config().dropout(0.5),
            config().dropout(0.5).locked_dropout(true),
            config().layer_dropout(0.5),
            config().embedding_dropout(0.5),
            config().input_dropout(0.5),
            config().input_dropout(0.5).locked_dropout(true),
            config().layers(vec![recurrent]),
        ];
        let logits =
            |model: &LanguageModel, key| model.forward(ids([[1, 2, 3], [3, 4, 5]]), model.init_state(2), 3, key).0;
        let key = |step| Some(DropoutKey { seed: 1, step });
        for config in cases {
            let model = model(&config);
            let run = |key| logits(&model, key);
            assert_eq!(difference(run(None), run(None)), 0.0);
            assert_eq!(difference(run(key(1)), run(key(1))), 0.0);
            assert!(difference(run(None), run(key(1))) > 1e-4, "{config:?}");
            assert!(difference(run(key(2)), run(key(1))) > 1e-4, "{config:?}");
        }
        let model = model(&config());
        assert_eq!(difference(logits(&model, None), logits(&model, key(1))), 0.0);
    }

    #[test]
    fn the_penalty_is_minimized_besides_the_loss() {
        let plain = config().dropout(0.5).locked_dropout(true);
        let key = DropoutKey { seed: 1, step: 1 };
        let device = Device::flex().autodiff();
        let run = |config: &LanguageModelConfig| {
            let model = model(config).trainable();
            let [ids, targets] =
                [[[1, 2, 3], [3, 4, 5]], [[2, 3, 4], [4, 5, 6]]].map(|rows| ids(rows).to_device(&device));
            let (loss, _) = model.forward_train(ids, targets, model.init_state(2), key);
            let gradients = loss.minimized().backward();
            let gradient = model.embedding.weight.grad(&gradients).unwrap();
            (loss.nats.clone().without_autodiff(), loss.minimized().without_autodiff(), gradient)
        };
        let (nats, minimized, gradient) = run(&plain);
        assert!(difference(nats.clone().mean(), minimized) < 1e-6);
        // The outputs of the layers, which have no dropout, and then dropout.
        let model = model(&plain);
        let input = model.layer_input(ids([[1, 2, 3], [3, 4, 5]]), None);
        let (outputs, _) = model.stack.forward(input, model.init_state(2), &ForwardOptions::default());
        let dropped = key.masks(DropoutSite::Output, 0.5).drop_steps(outputs.clone(), true);
        let ar = (dropped.clone() * dropped).mean();
        let steps = outputs.clone().narrow(1, 1, 2) - outputs.narrow(1, 0, 2);
        let tar = (steps.clone() * steps).mean();
        for (config, penalty) in [
            (plain.clone().activation_regularization(2.0), ar.mul_scalar(2.0)),
            (plain.clone().temporal_activation_regularization(3.0), tar.mul_scalar(3.0)),
        ] {
            let (nats_of_same, minimized, other_gradient) = run(&config);
            assert_eq!(difference(nats_of_same, nats.clone()), 0.0);
            assert!(difference(minimized, nats.clone().mean() + penalty) < 1e-5, "{config:?}");
            assert!(difference(other_gradient, gradient.clone()) > 0.0, "{config:?}");
        }
    }

    #[test]
    fn tied_weights_are_the_embedding_rows() {
        let tied = config().tie_weights(true);
        let model = model(&tied);
        assert_eq!(model.num_params(), num_params(&config()) - 4 * 11);
        let mut scaled = model.clone();
        scaled.embedding.weight = scaled.embedding.weight.map(|rows| rows * 2.0);
        // The same hidden states, so that only the output layer sees the scaled rows.
        let hidden = Tensor::<2>::ones([1, 4], &Device::flex());
        let logits = |model: &LanguageModel| model.output.forward(hidden.clone(), &model.embedding);
        assert!(difference(logits(&model) * 2.0, logits(&scaled)) < 1e-6);
    }

    fn num_params(config: &LanguageModelConfig) -> usize {
        model(config).num_params()
    }

    #[test]
    fn a_frozen_embedding_gets_no_gradient() {
        let frozen = config().frozen_embedding(true);
        for (config, expected) in [(frozen, false), (config(), true)] {
            let model = model(&config).trainable();
            let ids = ids([[1, 2], [3, 4]]).to_device(&Device::flex().autodiff());
            let loss = model.forward_last(ids, model.init_state(2)).0.sum();
            let gradients = loss.backward();
            assert_eq!(model.embedding.weight.grad(&gradients).is_some(), expected);
            assert!(model.output.bias.grad(&gradients).is_some());
        }
    }
}
