//! The language model of the seed: what comes next, given what came before.

use burn::module::Module;
use burn::tensor::{Int, Tensor};

use crate::dense::Dense;
use crate::dropout::DropoutKey;
use crate::embedding::Embedding;
use crate::stack::{Stack, State};

/// The place of the dropout before the output layer among all dropouts of a network.
const OUTPUT_DROPOUT: u64 = 0;

/// Embedding → recurrent layers → dropout → dense.
#[derive(Module, Debug)]
pub struct LanguageModel {
    /// From ids to vectors.
    pub embedding: Embedding,
    /// The recurrence.
    pub stack: Stack,
    /// From the last hidden state to logits.
    pub output: Dense,
    /// The share of the last hidden state that is dropped while training.
    #[module(skip)]
    pub dropout: f64,
}

impl LanguageModel {
    /// V.
    pub fn vocabulary(&self) -> usize {
        self.output.bias.dims()[0]
    }

    /// The state before the first token, for a batch of `batch`.
    pub fn start(&self, batch: usize) -> State {
        self.stack.start(batch)
    }

    /// Reads `ids` `[N, T]` and predicts what follows the last of them: logits `[N, V]` and the
    /// state after it. With a key the output layer's input is dropped out, as in training.
    ///
    /// # Panics
    /// If `T` is zero.
    pub fn next(
        &self,
        ids: Tensor<2, Int>,
        state: State,
        dropout: Option<DropoutKey>,
    ) -> (Tensor<2>, State) {
        let (mut hidden, state) = self.stack.run(self.embedding.steps(ids), state);
        let last = hidden.pop().expect("a sequence has at least one step");
        let last = match dropout {
            Some(key) => key.drop(last, self.dropout, OUTPUT_DROPOUT),
            None => last,
        };
        (self.output.forward(last), state)
    }

    /// Reads `ids` `[N, T]` and predicts what follows each of them: logits `[N, T, V]` and the
    /// state after the last.
    pub fn every(&self, ids: Tensor<2, Int>, state: State) -> (Tensor<3>, State) {
        let [batch, time] = ids.dims();
        let (hidden, state) = self.stack.run(self.embedding.steps(ids), state);
        let hidden: Tensor<3> = Tensor::stack(hidden, 1);
        let logits = self.output.forward(hidden.flatten(0, 1));
        (logits.reshape([batch, time, self.vocabulary()]), state)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use crate::cell::CellKind;
    use crate::config::{LanguageModelConfig, LayerConfig};

    use super::*;

    fn model(depth: usize) -> LanguageModel {
        let layers = vec![LayerConfig { cell: CellKind::Lstm, units: 6 }; depth];
        LanguageModelConfig { vocabulary: 11, embedding: 4, layers, dropout: 0.2 }
            .init(1, &Device::flex())
            .unwrap()
    }

    fn ids<const N: usize>(rows: [[i32; N]; 2]) -> Tensor<2, Int> {
        Tensor::from_data(TensorData::from(rows), &Device::flex())
    }

    fn assert_close<const D: usize>(a: Tensor<D>, b: Tensor<D>) {
        assert_eq!(a.dims(), b.dims());
        let difference = (a - b).abs().max().into_scalar::<f32>();
        assert!(difference < 1e-6, "{difference}");
    }

    #[test]
    fn a_sequence_in_chunks_equals_the_sequence_at_once() {
        for depth in [1, 2] {
            let model = model(depth);
            let whole = ids([[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]]);
            let (at_once, end) = model.every(whole.clone(), model.start(2));
            let (_, state) = model.every(whole.clone().slice([0..2, 0..2]), model.start(2));
            let (last, after) = model.next(whole.slice([0..2, 2..5]), state, None);
            let ends = at_once.slice([0..2, 4..5, 0..11]);
            assert_close(ends.squeeze_dim::<2>(1), last);
            for (a, b) in end.into_iter().zip(after) {
                assert_close(a.hidden, b.hidden);
            }
        }
    }

    #[test]
    fn the_future_cannot_change_the_past() {
        let model = model(2);
        let before = |last| {
            let (logits, _) = model.every(ids([[1, 2, last], [3, 4, last]]), model.start(2));
            logits.slice([0..2, 0..2, 0..11])
        };
        assert_close(before(5), before(9));
    }

    #[test]
    fn a_batch_row_equals_its_single_run() {
        let model = model(1);
        let (both, _) = model.next(ids([[1, 2, 3], [4, 5, 6]]), model.start(2), None);
        let row = Tensor::<2, Int>::from_ints([[4, 5, 6]], &Device::flex());
        let (single, _) = model.next(row, model.start(1), None);
        assert_close(both.slice([1..2, 0..11]), single);
    }

    #[test]
    fn dropout_needs_a_key() {
        let model = model(1);
        let run = |key| model.next(ids([[1, 2], [3, 4]]), model.start(2), key).0;
        let key = DropoutKey { seed: 1, step: 1 };
        assert_close(run(None), run(None));
        assert_close(run(Some(key)), run(Some(key)));
        let difference = (run(None) - run(Some(key))).abs().max().into_scalar::<f32>();
        assert!(difference > 1e-3, "{difference}");
    }
}
