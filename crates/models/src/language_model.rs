//! The language model: what comes next, given what came before.

use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor, s};
use kernels::Steps;

use crate::dropout::{DropoutKey, Place};
use crate::embedding::Embedding;
use crate::output::Output;
use crate::score::Judged;
use crate::stack::{Reading, Stack, State};

/// Embedding → recurrent layers → dropout → output layer.
#[derive(Module, Debug)]
pub struct LanguageModel {
    /// From ids to vectors.
    pub embedding: Embedding,
    /// The recurrence.
    pub stack: Stack,
    /// From what the last layer hands on to logits.
    pub output: Output,
    /// Whether the embedding stays as it is while the rest is trained.
    #[module(skip)]
    pub frozen_embedding: bool,
    /// The share of what the last layer hands on that is dropped while training.
    #[module(skip)]
    pub dropout: f64,
    /// The share of the token ids whose vectors are dropped while training.
    #[module(skip)]
    pub embedding_dropout: f64,
}

impl LanguageModel {
    /// V.
    pub fn vocabulary(&self) -> usize {
        self.output.bias.dims()[0]
    }

    /// The same model for a vocabulary that goes on after its own: what it knows of the new tokens,
    /// `fresh` says, a model of the same sizes and the larger vocabulary.
    ///
    /// # Panics
    /// If `fresh` knows fewer tokens or has other sizes.
    pub fn grown(self, fresh: Self) -> Self {
        let (old, new) = (self.vocabulary(), fresh.vocabulary());
        assert!(old <= new, "{old} tokens do not fit among {new}");
        let mut model = fresh;
        model.embedding.weight = graft(model.embedding.weight, self.embedding.weight, 0);
        model.stack = self.stack;
        model.output.projection = self.output.projection;
        model.output.kernel = match (model.output.kernel, self.output.kernel) {
            (Some(new), Some(old)) => Some(graft(new, old, 1)),
            (kernel, _) => kernel,
        };
        model.output.bias = graft(model.output.bias, self.output.bias, 0);
        model
    }

    /// The state before the first token, for a batch of `batch`.
    pub fn start(&self, batch: usize) -> State {
        self.stack.start(batch)
    }

    /// Ready to be trained: every weight takes part, but for an embedding that is to stay frozen.
    pub fn trainable(self) -> Self {
        let mut model = self.train();
        if model.frozen_embedding {
            model.embedding = model.embedding.no_grad();
        }
        model
    }

    /// Reads `ids` `[N, T]` and predicts what follows each of the last `judged` of them: logits
    /// `[N, judged, V]` and the state after the last id. With a key numbers are dropped, as in
    /// training.
    ///
    /// # Panics
    /// If `judged` is zero or more than `T`.
    pub fn read(
        &self,
        ids: Tensor<2, Int>,
        state: State,
        judged: usize,
        dropout: Option<DropoutKey>,
    ) -> (Tensor<3>, State) {
        let batch = ids.dims()[0];
        let (hidden, state) = self.hear(ids, state, judged, dropout);
        let logits = self.output.forward(hidden, &self.embedding);
        (logits.reshape([batch, judged, self.vocabulary()]), state)
    }

    /// Reads `ids` `[N, T]` and gives what each of the last ids cost that `targets` `[N, judged]` says,
    /// `−ln p(target)` in rows `[N · judged]`, and the state after the last id.
    ///
    /// # Panics
    /// If there are no targets, or more than `T` a row.
    pub fn learn(
        &self,
        ids: Tensor<2, Int>,
        targets: Tensor<2, Int>,
        state: State,
        dropout: Option<DropoutKey>,
    ) -> (Tensor<1>, State) {
        let (hidden, state) = self.hear(ids, state, targets.dims()[1], dropout);
        (self.output.loss(hidden, &self.embedding, targets.flatten(0, 1)), state)
    }

    /// The same as [`learn`](Self::learn) without gradients and with what was guessed right.
    ///
    /// # Panics
    /// As [`learn`](Self::learn).
    pub fn judge(
        &self,
        ids: Tensor<2, Int>,
        targets: Tensor<2, Int>,
        state: State,
    ) -> (Judged, State) {
        let (hidden, state) = self.hear(ids, state, targets.dims()[1], None);
        let targets = targets.flatten(0, 1);
        let (nats, correct) = self.output.guesses(hidden, &self.embedding, targets);
        (Judged { nats, correct: Some(correct) }, state)
    }

    /// What the output layer gets of the last `judged` ids, row after row `[N · judged, H]`.
    fn hear(
        &self,
        ids: Tensor<2, Int>,
        state: State,
        judged: usize,
        dropout: Option<DropoutKey>,
    ) -> (Tensor<2>, State) {
        let time = ids.dims()[1];
        assert!((1..=time).contains(&judged), "{judged} of {time} steps are judged");
        let masks = dropout.map(|key| key.masks(Place::Embedding, self.embedding_dropout));
        let steps = if judged == 1 { Steps::Last } else { Steps::Every };
        let reading = Reading { dropout, steps, ..Reading::default() };
        let (mut hidden, state) = self.stack.run(self.embedding.input(ids, masks), state, &reading);
        let known = hidden.dims()[1];
        if known > judged {
            hidden = hidden.slice(s![.., known - judged.., ..]);
        }
        if let Some(key) = dropout {
            let mut masks = key.masks(Place::Output, self.dropout);
            hidden = masks.drop_steps(hidden, self.stack.locked);
        }
        (hidden.flatten(0, 1), state)
    }

    /// Reads `ids` `[N, T]` and predicts what follows the last of them: logits `[N, V]` and the
    /// state after it.
    ///
    /// # Panics
    /// If `T` is zero.
    pub fn next(&self, ids: Tensor<2, Int>, state: State) -> (Tensor<2>, State) {
        let (logits, state) = self.read(ids, state, 1, None);
        (logits.squeeze_dim(1), state)
    }

    /// Reads `ids` `[N, T]` and predicts what follows each of them: logits `[N, T, V]` and the
    /// state after the last.
    ///
    /// # Panics
    /// If `T` is zero.
    pub fn every(&self, ids: Tensor<2, Int>, state: State) -> (Tensor<3>, State) {
        let time = ids.dims()[1];
        self.read(ids, state, time, None)
    }
}

/// `new` with `old` in the place of its beginning along dimension `along`.
fn graft<const D: usize>(
    new: Param<Tensor<D>>,
    old: Param<Tensor<D>>,
    along: usize,
) -> Param<Tensor<D>> {
    let old = old.val();
    let known = old.dims()[along];
    new.map(|new| {
        let count = new.dims()[along];
        match known < count {
            true => Tensor::cat(vec![old, new.narrow(along, known, count - known)], along),
            false => old,
        }
    })
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use crate::cell::CellKind;
    use crate::config::LanguageModelConfig;
    use crate::layer::LayerConfig;

    use super::*;

    fn config() -> LanguageModelConfig {
        let layer = LayerConfig::new(CellKind::Lstm, 4);
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
    fn the_last_steps_of_all_are_the_steps_judged() {
        let model = model(&config());
        let rows = ids([[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]]);
        let (every, _) = model.every(rows.clone(), model.start(2));
        let (last, _) = model.read(rows.clone(), model.start(2), 2, None);
        let (next, _) = model.next(rows, model.start(2));
        assert!(difference(every.clone().slice([0..2, 3..5, 0..11]), last) < 1e-6);
        let end = every.slice([0..2, 4..5, 0..11]).squeeze_dim::<2>(1);
        assert!(difference(end, next) < 1e-6);
    }

    #[test]
    fn a_grown_model_says_of_the_old_tokens_what_it_said() {
        for config in [config(), LanguageModelConfig { tied: true, ..config() }] {
            let old = model(&config);
            let larger = LanguageModelConfig { vocabulary: 14, ..config };
            let fresh = larger.init(2, &Device::flex()).unwrap();
            let grown = old.clone().grown(fresh.clone());
            assert_eq!(grown.num_params(), fresh.num_params());
            let rows = ids([[1, 2, 3], [3, 4, 5]]);
            let (expected, _) = old.next(rows.clone(), old.start(2));
            let (found, _) = grown.next(rows, grown.start(2));
            assert_eq!(found.dims(), [2, 14]);
            assert!(difference(found.narrow(1, 0, 11), expected) < 1e-6);
            let new = |model: &LanguageModel| model.embedding.weight.val().narrow(0, 11, 3);
            assert_eq!(difference(new(&grown), new(&fresh)), 0.0);
        }
    }

    #[test]
    fn every_kind_of_dropout_needs_a_key_and_is_keyed() {
        let recurrent = LayerConfig { recurrent_dropout: 0.5, ..config().layers.remove(0) };
        let cases = [
            LanguageModelConfig { dropout: 0.5, ..config() },
            LanguageModelConfig { dropout: 0.5, locked_dropout: true, ..config() },
            LanguageModelConfig { layer_dropout: 0.5, ..config() },
            LanguageModelConfig { embedding_dropout: 0.5, ..config() },
            LanguageModelConfig { layers: vec![recurrent], ..config() },
        ];
        let plain = |model: &LanguageModel, key| {
            model.read(ids([[1, 2, 3], [3, 4, 5]]), model.start(2), 3, key).0
        };
        let key = |step| Some(DropoutKey { seed: 1, step });
        for config in cases {
            let model = model(&config);
            let run = |key| plain(&model, key);
            assert_eq!(difference(run(None), run(None)), 0.0);
            assert_eq!(difference(run(key(1)), run(key(1))), 0.0);
            assert!(difference(run(None), run(key(1))) > 1e-4, "{config:?}");
            assert!(difference(run(key(2)), run(key(1))) > 1e-4, "{config:?}");
        }
        let model = model(&config());
        assert_eq!(difference(plain(&model, None), plain(&model, key(1))), 0.0);
    }

    #[test]
    fn a_tied_model_writes_with_the_rows_it_reads_with() {
        let tied = LanguageModelConfig { tied: true, ..config() };
        let model = model(&tied);
        assert_eq!(model.num_params(), model_parameters(&config()) - 4 * 11);
        let mut moved = model.clone();
        moved.embedding.weight = moved.embedding.weight.map(|rows| rows * 2.0);
        // The same states as before, and twice the logits, for reading id 0 alone changes with it.
        let hidden = Tensor::<2>::ones([1, 4], &Device::flex());
        let logits = |model: &LanguageModel| model.output.forward(hidden.clone(), &model.embedding);
        assert!(difference(logits(&model) * 2.0, logits(&moved)) < 1e-6);
    }

    fn model_parameters(config: &LanguageModelConfig) -> usize {
        model(config).num_params()
    }

    #[test]
    fn a_frozen_embedding_gets_no_gradient() {
        let frozen = LanguageModelConfig { frozen_embedding: true, ..config() };
        for (config, expected) in [(frozen, false), (config(), true)] {
            let model = model(&config).trainable();
            let ids = ids([[1, 2], [3, 4]]).to_device(&Device::flex().autodiff());
            let loss = model.next(ids, model.start(2)).0.sum();
            let gradients = loss.backward();
            assert_eq!(model.embedding.weight.grad(&gradients).is_some(), expected);
            assert!(model.output.bias.grad(&gradients).is_some());
        }
    }
}
