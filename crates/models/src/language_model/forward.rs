//! The forward pass of the language model: from ids to logits or losses.

use burn::tensor::{Int, Tensor, s};
use kernels::{Input, Steps};

use super::model::LanguageModel;
use super::token_input::TokenInput;
use crate::dropout::{DropoutKey, DropoutSite};
use crate::output_layer::{LossOutput, TrainLoss};
use crate::stack::{ForwardOptions, State};

impl LanguageModel {
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
