//! How well a model predicts held-out ids: sums of nats, counts of tokens, one division at the end.

use burn::data::dataloader::DataLoader;
use burn::tensor::{Device, Int, Tensor, TensorData, TensorReadError, s};
use seqdata::{Ids, WindowBatch};

use crate::language_model::LanguageModel;
use crate::loss::nats_per_token;

/// Ids read at once with the state carried; long enough to keep the output layer busy.
const CHUNK: usize = 128;

/// What some predictions cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Score {
    /// The sum of −ln p(target).
    pub nats: f64,
    /// How many targets were predicted.
    pub tokens: usize,
    /// How many of them were the likeliest token.
    pub correct: usize,
}

impl Score {
    /// Mean loss in nats a token; NaN of no token.
    pub fn nats_per_token(&self) -> f64 {
        self.nats / self.tokens as f64
    }

    /// e to the mean loss.
    pub fn perplexity(&self) -> f64 {
        self.nats_per_token().exp()
    }

    /// The share of targets that were the likeliest token.
    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.tokens as f64
    }

    /// Adds one batch's losses `[N]`.
    ///
    /// # Errors
    /// If the device does not give the numbers back.
    pub fn add(&mut self, batch: &Judged) -> Result<(), TensorReadError> {
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

/// The losses of one batch, still on the device.
#[derive(Clone, Debug)]
pub struct Judged {
    /// −ln p(target), `[N]`.
    pub nats: Tensor<1>,
    /// 1 where the target was the likeliest token, `[N]`, if somebody asked.
    pub correct: Option<Tensor<1, Int>>,
}

impl Judged {
    /// Judges logits `[N, V]` by targets `[N]`.
    pub fn new(logits: Tensor<2>, targets: Tensor<1, Int>) -> Self {
        Self { nats: nats_per_token(logits, targets), correct: None }
    }

    /// Judges them, and looks whether the likeliest token was right.
    pub fn with_guesses(logits: Tensor<2>, targets: Tensor<1, Int>) -> Self {
        let guesses = logits.clone().argmax(1).squeeze_dim::<1>(1);
        let correct = Some(guesses.equal(targets.clone()).int());
        Self { correct, ..Self::new(logits, targets) }
    }
}

/// Scores every window by its target, each read from an empty state, as in training.
///
/// # Errors
/// If the device does not give the numbers back.
pub fn score_windows(
    model: &LanguageModel,
    windows: &dyn DataLoader<WindowBatch>,
) -> Result<Score, TensorReadError> {
    let mut score = Score::default();
    for batch in windows.iter() {
        let batch = batch.expect("windows lie in memory");
        let (logits, _) = model.next(batch.inputs, model.start(batch.targets.dims()[0]), None);
        score.add(&Judged::with_guesses(logits, batch.targets))?;
    }
    Ok(score)
}

/// Scores the ids of `range` after the first `length`, the state carried from the first to the
/// last: the same targets as windows of `length`, with all of the past instead of a part.
///
/// # Errors
/// If the device does not give the numbers back.
pub fn score_carried(
    model: &LanguageModel,
    ids: &Ids,
    range: std::ops::Range<usize>,
    length: usize,
    device: &Device,
) -> Result<Score, TensorReadError> {
    let mut score = Score::default();
    let mut state = model.start(1);
    let first_scored = range.start + length;
    let mut start = range.start;
    while start + 1 < range.end {
        let end = (start + CHUNK).min(range.end - 1);
        let read = |range: std::ops::Range<usize>| {
            let ids: Vec<i32> = range.map(|at| ids.get(at) as i32).collect();
            let count = ids.len();
            Tensor::<1, Int>::from_data(TensorData::new(ids, [count]), device)
        };
        let (logits, after) = model.every(read(start..end).unsqueeze(), state);
        state = after;
        // The target of position `at` is the id at `at + 1`.
        let skip = first_scored.saturating_sub(start + 1).min(end - start);
        if skip < end - start {
            let logits = logits.squeeze_dim::<2>(0).slice(s![skip.., ..]);
            score.add(&Judged::with_guesses(logits, read(start + 1 + skip..end + 1)))?;
        }
        start = end;
    }
    Ok(score)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use seqdata::{Order, WindowLoader, Windows};

    use crate::cell::CellKind;
    use crate::config::{LanguageModelConfig, LayerConfig};

    use super::*;

    fn model() -> LanguageModel {
        let layers = vec![LayerConfig { cell: CellKind::Lstm, units: 6 }];
        LanguageModelConfig { vocabulary: 11, embedding: 4, layers, dropout: 0.5 }
            .init(1, &Device::flex())
            .unwrap()
    }

    fn ids(count: u32) -> Ids {
        (0..count).map(|id| id * id % 11).collect()
    }

    #[test]
    fn both_protocols_score_the_same_targets() {
        let (model, ids, device) = (model(), Arc::new(ids(400)), Device::flex());
        let windows = Windows::new(ids.clone(), 50..400, 7, 1);
        let count = windows.len();
        let loader = WindowLoader::new(windows, 32, Order::Sequential, device.clone());
        let by_window = score_windows(&model, &loader).unwrap();
        let carried = score_carried(&model, &ids, 50..400, 7, &device).unwrap();
        assert_eq!((by_window.tokens, carried.tokens), (count, count));
        assert!(by_window.nats != carried.nats);

        // The same, one id at a time: chunks must not shift the targets.
        let mut state = model.start(1);
        let mut expected = 0.0;
        for at in 50..399 {
            let id = |at| Tensor::<1, Int>::from_ints([ids.get(at) as i32], &device);
            let (logits, after) = model.next(id(at).unsqueeze(), state, None);
            state = after;
            if at + 1 >= 50 + 7 {
                let nats = nats_per_token(logits, id(at + 1));
                expected += f64::from(nats.into_scalar::<f32>());
            }
        }
        assert!((carried.nats - expected).abs() < 1e-3, "{} {expected}", carried.nats);
    }

    #[test]
    fn one_window_is_scored_alike_both_ways() {
        let (model, ids, device) = (model(), Arc::new(ids(8)), Device::flex());
        let windows = Windows::new(ids.clone(), 0..8, 7, 1);
        let loader = WindowLoader::new(windows, 32, Order::Sequential, device.clone());
        let by_window = score_windows(&model, &loader).unwrap();
        let carried = score_carried(&model, &ids, 0..8, 7, &device).unwrap();
        assert!((by_window.nats - carried.nats).abs() < 1e-5);
        assert_eq!(by_window.tokens, 1);
    }

    #[test]
    fn sums_are_divided_once() {
        let score = Score { nats: 8.0, tokens: 4, correct: 1 };
        assert_eq!(score.nats_per_token(), 2.0);
        assert_eq!(score.perplexity(), 2f64.exp());
        assert_eq!(score.accuracy(), 0.25);
    }
}
