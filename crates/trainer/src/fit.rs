//! Training without checkpoints, validation or observers, for short experiments and benchmarks.

use std::time::{Duration, Instant};

use burn::tensor::Device;
use models::State;
use seqdata::{Batch, Loader, Order, TextDataset};

use crate::config::TrainConfig;
use crate::error::{Error, Result};
use crate::layer_rates;
use crate::next_rate::NextRate;
use crate::task::{BatchOf, TrainModule, TrainTask};

/// When [`fit`] stops.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FitLimit {
    /// After this many steps; reproducible.
    Steps(u64),
    /// After the first step that ends after this time; the number of steps depends on the machine.
    Time(Duration),
}

/// Trains `model` on `batches` with the hyperparameters of `config`, until the limit or the last batch. The learning
/// rate is constant.
///
/// # Errors
/// If a setting is out of range or needs another device, or a loss is infinite or NaN.
pub fn fit<M: TrainTask>(
    model: M,
    batches: impl Iterator<Item = BatchOf<M>>,
    config: &TrainConfig,
    limit: FitLimit,
) -> Result<M> {
    config.check()?;
    config.precision.check(model.kernels(), &model.device())?;
    if config.shards > 1 {
        return Err(Error::out_of_range("train.shards", config.shards, "1, because `fit` is given whole batches"));
    }
    let start = Instant::now();
    let mut optimizer = config.optimizer.init(model.kernels());
    let mut module = TrainModule::new(model, config);
    let rates = layer_rates::scheduler(&module.model, &NextRate::new(config.learning_rate), config.layer_decay).step();
    let mut state: Option<State> = None;
    for (step, batch) in (1..).zip(batches) {
        let (losses, gradients, after) = module.train_step(batch, state.take());
        state = after;
        let loss = losses.nats.mean().try_into_scalar::<f64>()?;
        if !loss.is_finite() {
            return Err(Error::Diverged { reason: format!("the loss of step {step} is {loss}"), step });
        }
        module = module.optimize(&mut optimizer, rates.clone(), gradients);
        let done = match limit {
            FitLimit::Steps(steps) => step >= steps,
            FitLimit::Time(time) => start.elapsed() >= time,
        };
        if done {
            break;
        }
    }
    Ok(module.model.valid())
}

/// The training windows of `dataset` in batches, without end and shuffled again in every epoch.
pub fn endless_windows(dataset: &TextDataset, config: &TrainConfig, device: &Device) -> impl Iterator<Item = Batch> {
    let order = Order::Shuffled(config.seed);
    let windows = dataset.train_windows().for_training(config.seed);
    Loader::windows(windows, config.batch_size, order, device.clone().autodiff()).endless()
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Int, Tensor};
    use models::{LanguageModel, LanguageModelConfig, LayerConfig};

    use super::*;

    fn config() -> TrainConfig {
        TrainConfig::default().batch_size(2).learning_rate(0.01)
    }

    fn batch(step: u64, device: &Device) -> Batch {
        Batch {
            inputs: Tensor::<2, Int>::from_ints([[1, 2, 3], [3, 2, 1]], device),
            targets: Tensor::<2, Int>::from_ints([[4], [0]], device),
            labels: None,
            continues: false,
            step,
        }
    }

    #[test]
    fn a_step_limit_gives_the_same_model_every_time() {
        let device = Device::flex();
        let layers = vec![LayerConfig::rnn(6)];
        let fresh = LanguageModelConfig::new(5, 4, layers).init(1, &device).unwrap();
        let train = |limit| {
            let autodiff = device.clone().autodiff();
            let batches = (0..).map(|step| batch(step, &autodiff));
            fit(fresh.clone(), batches, &config(), limit).unwrap()
        };
        let loss = |model: &LanguageModel| {
            let Batch { inputs, targets, .. } = batch(0, &device);
            let (nats, _) = model.forward_loss(inputs, targets, model.init_state(2), None);
            nats.mean().try_into_scalar::<f64>().unwrap()
        };
        let once = loss(&train(FitLimit::Steps(30)));
        assert_eq!(once, loss(&train(FitLimit::Steps(30))));
        assert!(once < 0.5 * loss(&fresh), "{once}");
        // A time limit of 0 still allows one step.
        assert_eq!(loss(&train(FitLimit::Time(Duration::ZERO))), loss(&train(FitLimit::Steps(1))));
    }
}
