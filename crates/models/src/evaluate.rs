//! Evaluation of a language model on held-out ids: loss, perplexity and accuracy.

use burn::data::dataloader::DataLoader;
use burn::tensor::{Int, Tensor, TensorReadError, s};
use seqdata::Batch;

use crate::language_model::{LanguageModel, TokenInput};
use crate::output_layer::LossOutput;

/// Sums over all evaluated targets, divided once at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EvalMetrics {
    /// The sum of −ln p(target).
    pub nats: f64,
    /// The number of targets.
    pub tokens: usize,
    /// The number of targets that were the most probable token.
    pub correct: usize,
}

impl EvalMetrics {
    /// Mean loss in nats per token, 0 or more; NaN without tokens.
    pub fn nats_per_token(&self) -> f64 {
        mean_loss(self.nats, self.tokens)
    }

    /// e to the power of the mean loss.
    pub fn perplexity(&self) -> f64 {
        self.nats_per_token().exp()
    }

    /// The fraction of targets that were the most probable token.
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.tokens as f64
    }

    /// The sums of both.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let Self { nats, tokens, correct } = *self;
        Self { nats: nats + other.nats, tokens: tokens + other.tokens, correct: correct + other.correct }
    }

    /// Adds the losses of one batch.
    ///
    /// # Errors
    /// If the device fails to return them.
    pub fn add(&mut self, batch: &LossOutput) -> Result<(), TensorReadError> {
        let nats: Vec<f64> = batch.nats.clone().try_into_vec_as()?;
        self.tokens += nats.len();
        self.nats += nats.iter().sum::<f64>();
        if let Some(correct) = &batch.correct {
            let correct: Vec<i64> = correct.clone().try_into_vec_as()?;
            self.correct += correct.iter().filter(|&&hit| hit != 0).count();
        }
        Ok(())
    }
}

/// The mean of `tokens` losses with the sum `nats`. Rounding makes the loss of a certain target slightly negative, which
/// no loss is.
pub fn mean_loss(nats: f64, tokens: usize) -> f64 {
    let mean = nats / tokens as f64;
    if mean <= 0.0 { 0.0 } else { mean }
}

/// Evaluates all targets of `batches`. A batch that continues the one before starts with its final
/// state; every other one starts with a zero state, as in training.
///
/// # Errors
/// If the device fails to return the losses.
pub fn evaluate(model: &LanguageModel, batches: &dyn DataLoader<Batch>) -> Result<EvalMetrics, TensorReadError> {
    Ok(evaluate_while(model, batches, || true)?.expect("nothing cuts it off"))
}

/// Like [`evaluate`], as long as `keep_going`, which is called before each batch, returns true; `None` if it does not.
///
/// # Errors
/// If the device fails to return the losses.
pub fn evaluate_while(
    model: &LanguageModel,
    batches: &dyn DataLoader<Batch>,
    keep_going: impl FnMut() -> bool,
) -> Result<Option<EvalMetrics>, TensorReadError> {
    let mut metrics = EvalMetrics::default();
    let completed = each_batch(model, batches, None, keep_going, |losses, _| metrics.add(losses))?;
    Ok(completed.then_some(metrics))
}

/// Calls `each` with the losses of each batch and the batch, as long as `keep_going` returns true. All documents get the
/// label number `label`, if one is given. Returns whether it came to the end.
pub(crate) fn each_batch(
    model: &LanguageModel,
    batches: &dyn DataLoader<Batch>,
    label: Option<u32>,
    mut keep_going: impl FnMut() -> bool,
    mut each: impl FnMut(&LossOutput, &Batch) -> Result<(), TensorReadError>,
) -> Result<bool, TensorReadError> {
    let mut state = None;
    for batch in batches.iter() {
        if !keep_going() {
            return Ok(false);
        }
        let batch = with_label(batch.expect("ids are in memory"), label);
        let before = model.state_before(&batch, state.take());
        let input = TokenInput { ids: batch.inputs.clone(), labels: batch.labels.clone() };
        let (losses, after) = model.forward_eval(input, batch.targets.clone(), before);
        state = Some(after);
        each(&losses, &batch)?;
    }
    Ok(true)
}

/// `batch` with the label number `label` for all documents, if one is given.
pub fn with_label(batch: Batch, label: Option<u32>) -> Batch {
    let labels = label.map(|label| batch.inputs.full_like(label));
    Batch { labels: labels.or(batch.labels), ..batch }
}

/// The label numbers of the targets of `batch`, `[N · K]`; `None` without labels.
pub fn target_labels(batch: &Batch) -> Option<Tensor<1, Int>> {
    let [inputs, targets] = [&batch.inputs, &batch.targets].map(|ids| ids.dims()[1]);
    batch.labels.clone().map(|labels| labels.slice(s![.., inputs - targets..]).flatten(0, 1))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use burn::tensor::{Device, Int, Tensor};
    use seqdata::{Ids, Loader, Order, Sequence, Streams, Windows};

    use crate::cell::CellWeightsMut;
    use crate::language_model::LanguageModelConfig;
    use crate::stack::LayerConfig;

    use super::*;

    fn model() -> LanguageModel {
        let layers = vec![LayerConfig::lstm(6)];
        LanguageModelConfig::new(11, 4, layers).init(1, &Device::flex()).unwrap()
    }

    fn ids(count: u32) -> Ids {
        (0..count).map(|id| id * id % 11).collect()
    }

    #[test]
    fn windows_and_streams_have_the_same_targets() {
        let (model, ids, device) = (model(), Arc::new(ids(400)), Device::flex());
        let windows = Windows::over(Sequence::new(ids.clone(), 50..400), 7, 1);
        let count = windows.len();
        let windows = Loader::windows(windows, 32, Order::Sequential, device.clone());
        let by_window = evaluate(&model, &windows).unwrap();
        let stream = Loader::streams(Streams::evaluation(Sequence::new(ids.clone(), 50..400), 7), device.clone());
        let carried = evaluate(&model, &stream).unwrap();
        assert_eq!((by_window.tokens, carried.tokens), (count, count));
        assert!(by_window.nats != carried.nats);

        // The same one id at a time: chunks must not shift the targets.
        let mut state = model.init_state(1);
        let mut expected = 0.0;
        for index in 50..399 {
            let id = |index| Tensor::<1, Int>::from_ints([ids.get(index) as i32], &device);
            let (logits, after) = model.forward_last(id(index).unsqueeze(), state);
            state = after;
            if index + 1 >= 50 + 7 {
                let nats = kernels::reference::nats_per_token(logits, id(index + 1));
                expected += f64::from(nats.into_scalar::<f32>());
            }
        }
        assert!((carried.nats - expected).abs() < 1e-3, "{} {expected}", carried.nats);
    }

    #[test]
    fn one_window_has_the_same_loss_as_a_stream() {
        let (model, ids, device) = (model(), Arc::new(ids(8)), Device::flex());
        let windows = Windows::over(Sequence::new(ids.clone(), 0..8), 7, 1);
        let windows = Loader::windows(windows, 32, Order::Sequential, device.clone());
        let by_window = evaluate(&model, &windows).unwrap();
        let stream = Loader::streams(Streams::evaluation(Sequence::new(ids, 0..8), 7), device);
        let carried = evaluate(&model, &stream).unwrap();
        assert!((by_window.nats - carried.nats).abs() < 1e-5);
        assert_eq!((by_window.tokens, carried.tokens), (1, 1));
    }

    #[test]
    fn parallel_streams_have_the_loss_of_one() {
        let (model, ids, device) = (model(), Arc::new(ids(5_000)), Device::flex());
        let evaluate = |count| {
            let streams = Streams::parallel_evaluation(Sequence::new(ids.clone(), 50..5_000), 7, count).unwrap();
            evaluate(&model, &Loader::streams(streams, device.clone())).unwrap()
        };
        let one = evaluate(1);
        for several in [2, 3, 13].map(evaluate) {
            assert_eq!((several.tokens, several.correct), (one.tokens, one.correct));
            let difference = several.nats_per_token() - one.nats_per_token();
            assert!(difference.abs() < 1e-6, "{difference}");
        }
    }

    /// Its units keep the sign that their first inputs give them.
    fn model_with_long_memory() -> LanguageModel {
        let mut model = LanguageModelConfig::new(11, 4, vec![LayerConfig::rnn(6)]).init(1, &Device::flex()).unwrap();
        let CellWeightsMut { kernel, recurrent_kernel, .. } = model.stack.layers[0].cell.weights_mut();
        *kernel = kernel.clone().map(|kernel| kernel.mul_scalar(0.3));
        *recurrent_kernel = recurrent_kernel.clone().map(|kernel| Tensor::eye(6, &kernel.device()).mul_scalar(3.0));
        model
    }

    #[test]
    fn parallel_streams_continue_the_state_of_the_beginning() {
        let (model, ids, device) = (model_with_long_memory(), Arc::new(ids(5_000)), Device::flex());
        // Starting with zeros, the state depends on the place, however long the warm-up is.
        let signs = |start: usize| {
            let read: Vec<i32> = (start..start + 600).map(|index| ids.get(index) as i32).collect();
            let read = Tensor::<1, Int>::from_ints(read.as_slice(), &device).unsqueeze();
            let (_, state) = model.forward_last(read, model.init_state(1));
            state[0].hidden.clone().sign().try_into_vec_as::<f32>().unwrap()
        };
        let first = signs(50);
        assert!((51..61).any(|start| signs(start) != first));
        let evaluate = |count| {
            let streams = Streams::parallel_evaluation(Sequence::new(ids.clone(), 50..5_000), 7, count).unwrap();
            evaluate(&model, &Loader::streams(streams, device.clone())).unwrap().nats_per_token()
        };
        let one = evaluate(1);
        for several in [2, 3, 7, 13].map(evaluate) {
            assert!((several - one).abs() < 1e-6, "{several} {one}");
        }
    }

    #[test]
    fn sums_are_divided_once() {
        let metrics = EvalMetrics { nats: 8.0, tokens: 4, correct: 1 };
        assert_eq!(metrics.nats_per_token(), 2.0);
        assert_eq!(metrics.perplexity(), 2f64.exp());
        assert_eq!(metrics.accuracy(), 0.25);
        // A model that is certain of every target.
        for nats in [-1e-6, -0.0] {
            let loss = EvalMetrics { nats, ..metrics }.nats_per_token();
            assert!(loss == 0.0 && loss.is_sign_positive(), "{loss}");
        }
        assert!(EvalMetrics { nats: f64::NAN, ..metrics }.nats_per_token().is_nan());
    }
}
