//! How well a model predicts held-out ids: sums of nats, counts of tokens, one division at the end.

use burn::data::dataloader::DataLoader;
use burn::tensor::{Int, Tensor, TensorReadError};
use seqdata::Batch;

use crate::language_model::LanguageModel;

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

/// Scores all that `batches` judge. A batch that goes on from the one before is read with its state;
/// every other one from an empty state, as in training.
///
/// # Errors
/// If the device does not give the numbers back.
pub fn score(
    model: &LanguageModel,
    batches: &dyn DataLoader<Batch>,
) -> Result<Score, TensorReadError> {
    let mut score = Score::default();
    let mut state = None;
    for batch in batches.iter() {
        let batch = batch.expect("ids lie in memory");
        let before = match batch.goes_on {
            true => state.take(),
            false => None,
        };
        let before = before.unwrap_or_else(|| model.start(batch.rows()));
        let (judged, after) = model.judge(batch.inputs, batch.targets, before);
        state = Some(after);
        score.add(&judged)?;
    }
    Ok(score)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use burn::tensor::Device;
    use seqdata::{Ids, Loader, Order, Streams, Windows};

    use crate::cell::CellKind;
    use crate::config::LanguageModelConfig;
    use crate::layer::LayerConfig;

    use super::*;

    fn model() -> LanguageModel {
        let layers = vec![LayerConfig::new(CellKind::Lstm, 6)];
        LanguageModelConfig::new(11, 4, layers).init(1, &Device::flex()).unwrap()
    }

    fn ids(count: u32) -> Ids {
        (0..count).map(|id| id * id % 11).collect()
    }

    #[test]
    fn both_protocols_score_the_same_targets() {
        let (model, ids, device) = (model(), Arc::new(ids(400)), Device::flex());
        let windows = Windows::new(ids.clone(), 50..400, 7, 1);
        let count = windows.len();
        let windows = Loader::windows(windows, 32, Order::Sequential, device.clone());
        let by_window = score(&model, &windows).unwrap();
        let stream = Loader::streams(Streams::whole(ids.clone(), 50..400, 7), device.clone());
        let carried = score(&model, &stream).unwrap();
        assert_eq!((by_window.tokens, carried.tokens), (count, count));
        assert!(by_window.nats != carried.nats);

        // The same, one id at a time: chunks must not shift the targets.
        let mut state = model.start(1);
        let mut expected = 0.0;
        for at in 50..399 {
            let id = |at| Tensor::<1, Int>::from_ints([ids.get(at) as i32], &device);
            let (logits, after) = model.next(id(at).unsqueeze(), state);
            state = after;
            if at + 1 >= 50 + 7 {
                let nats = kernels::reference::nats_per_token(logits, id(at + 1));
                expected += f64::from(nats.into_scalar::<f32>());
            }
        }
        assert!((carried.nats - expected).abs() < 1e-3, "{} {expected}", carried.nats);
    }

    #[test]
    fn one_window_is_scored_alike_both_ways() {
        let (model, ids, device) = (model(), Arc::new(ids(8)), Device::flex());
        let windows = Windows::new(ids.clone(), 0..8, 7, 1);
        let windows = Loader::windows(windows, 32, Order::Sequential, device.clone());
        let by_window = score(&model, &windows).unwrap();
        let stream = Loader::streams(Streams::whole(ids, 0..8, 7), device);
        let carried = score(&model, &stream).unwrap();
        assert!((by_window.nats - carried.nats).abs() < 1e-5);
        assert_eq!((by_window.tokens, carried.tokens), (1, 1));
    }

    #[test]
    fn sums_are_divided_once() {
        let score = Score { nats: 8.0, tokens: 4, correct: 1 };
        assert_eq!(score.nats_per_token(), 2.0);
        assert_eq!(score.perplexity(), 2f64.exp());
        assert_eq!(score.accuracy(), 0.25);
    }
}
