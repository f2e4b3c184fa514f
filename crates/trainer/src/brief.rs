//! Training for a while and nothing else: no checkpoints, no validation, nobody told. For models that
//! are measured and thrown away.

use std::time::{Duration, Instant};

use burn::tensor::Device;
use burn::train::TrainStep;
use models::State;
use seqdata::{Batch, Loader, Order, Prepared};

use crate::config::TrainConfig;
use crate::error::{Error, Result};
use crate::task::{BatchOf, Task, Trainee};

/// When to stop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// After this many steps: the same model every time.
    Steps(u64),
    /// At the first step after this time: a better model on a faster machine.
    Time(Duration),
}

/// Trains `model` on `batches` by the numbers of `config`, until the limit or until they end. The
/// learning rate stays as it is.
///
/// # Errors
/// If a setting is out of range, or the loss is no number any more.
pub fn train_briefly<M: Task>(
    model: M,
    batches: impl Iterator<Item = BatchOf<M>>,
    config: &TrainConfig,
    limit: Limit,
) -> Result<M> {
    config.check()?;
    let start = Instant::now();
    let mut optimizer = config.optimizer.init();
    let mut trainee = Trainee::new(model, config);
    let mut state: Option<State> = None;
    for (step, batch) in (1..).zip(batches) {
        let (output, after) = trainee.learn(batch, state.take());
        state = after;
        let loss = output.item.0.nats.mean().try_into_scalar::<f64>()?;
        if !loss.is_finite() {
            let what = format!("the loss of step {step} is {loss}, no finite number");
            return Err(Error::Diverged { what, shown_by: step });
        }
        let rate = config.learning_rate.into();
        trainee = TrainStep::optimize(trainee, &mut optimizer, rate, output.grads);
        let enough = match limit {
            Limit::Steps(steps) => step >= steps,
            Limit::Time(time) => start.elapsed() >= time,
        };
        if enough {
            break;
        }
    }
    Ok(trainee.model.valid())
}

/// The training windows of `prepared` in batches, shuffled anew epoch after epoch without end.
pub fn endless_windows(
    prepared: &Prepared,
    config: &TrainConfig,
    device: &Device,
) -> impl Iterator<Item = Batch> {
    let order = Order::Shuffled(config.seed);
    let device = device.clone().autodiff();
    Loader::windows(prepared.train_windows(), config.batch_size, order, device).endless()
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Int, Tensor};
    use models::{Activation, CellKind, LanguageModel, LanguageModelConfig, LayerConfig};

    use super::*;
    use crate::config::Method;
    use crate::optimizer::{OptimizerConfig, RmspropConfig};

    fn config() -> TrainConfig {
        let optimizer = OptimizerConfig::Rmsprop(RmspropConfig::default());
        TrainConfig::new(Method::Windows, 2, 0.01, optimizer)
    }

    fn batch(step: u64, device: &Device) -> Batch {
        Batch {
            inputs: Tensor::<2, Int>::from_ints([[1, 2, 3], [3, 2, 1]], device),
            targets: Tensor::<2, Int>::from_ints([[4], [0]], device),
            goes_on: false,
            step,
        }
    }

    #[test]
    fn a_number_of_steps_gives_the_same_model_every_time() {
        let device = Device::flex();
        let layers = vec![LayerConfig::new(CellKind::Elman(Activation::Tanh), 6)];
        let fresh = LanguageModelConfig::new(5, 4, layers).init(1, &device).unwrap();
        let train = |limit| {
            let autodiff = device.clone().autodiff();
            let batches = (0..).map(|step| batch(step, &autodiff));
            train_briefly(fresh.clone(), batches, &config(), limit).unwrap()
        };
        let loss = |model: &LanguageModel| {
            let Batch { inputs, targets, .. } = batch(0, &device);
            let (nats, _) = model.learn(inputs, targets, model.start(2), None);
            nats.mean().try_into_scalar::<f64>().unwrap()
        };
        let once = loss(&train(Limit::Steps(30)));
        assert_eq!(once, loss(&train(Limit::Steps(30))));
        assert!(once < 0.5 * loss(&fresh), "{once}");
        // No time at all is still one step.
        assert_eq!(loss(&train(Limit::Time(Duration::ZERO))), loss(&train(Limit::Steps(1))));
    }
}
