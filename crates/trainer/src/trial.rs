//! Short training of a copy of a model, to see how well it learns a text before a run is planned.

use std::f64::consts::PI;
use std::time::{Duration, Instant};

use burn::data::dataloader::DataLoader;
use burn::tensor::Device;
use burn::train::{InferenceStep, TrainingError};
use kernels::KernelMode;
use models::EvalMetrics;
use ranks::Single;

use crate::averaging::Averaging;
use crate::config::TrainConfig;
use crate::error::Result;
use crate::short_run::ShortRun;
use crate::step_sums::Requests;
use crate::task::{BatchOf, TrainTask, rate_factor};

/// Trains a copy of `model` as [`train`](crate::train()) would, until `budget` has passed, one step at least. The learning
/// rate falls along half a cosine, to zero at the end of the budget, whatever the schedule of `config` is. Returns the
/// model that would be validated, with averaged weights if `config` has a moving average, and the number of steps, which depends
/// on the machine. Nothing is written.
///
/// # Errors
/// If a setting is out of range, the data cannot be split into batches as `config` requires, or a tensor cannot be read
/// from the device.
pub fn try_training<M: TrainTask>(
    model: &M,
    data: &M::Data,
    config: &TrainConfig,
    device: &Device,
    kernels: KernelMode,
    budget: Duration,
) -> Result<(M, u64)> {
    let ShortRun { train, mut state, mut learner, .. } = ShortRun::new(model, data, config, device, kernels)?;
    let averaging = Averaging::Exponential(config.ema_decay);
    let start = Instant::now();
    let mut steps = 0;
    for batch in train.endless() {
        let elapsed = start.elapsed();
        if steps > 0 && elapsed >= budget {
            break;
        }
        // The first step begins at the whole rate even if there is no time for it.
        let done = if steps == 0 { 0.0 } else { elapsed.as_secs_f64() / budget.as_secs_f64() };
        let rate = config.learning_rate * 0.5 * (1.0 + (PI * done).cos());
        let rate = rate * rate_factor::<M>(&batch, config);
        state.step(&mut learner, batch, rate, averaging, (Requests::default(), &Single))?;
        steps += 1;
    }
    Ok((state.eval_model(), steps))
}

/// The loss of `model`, in nats per token, on the validation data that `config` leads to: on its first batches, as many as
/// are evaluated within `limit`, one at least. Batches of parallel streams are parts of the whole held-out text.
///
/// # Errors
/// If a setting is out of range, the data cannot be split into batches as `config` requires, or a tensor cannot be read
/// from the device.
pub fn validation_loss<M: TrainTask>(
    model: &M,
    data: &M::Data,
    config: &TrainConfig,
    device: &Device,
    kernels: KernelMode,
    limit: Duration,
) -> Result<f64> {
    let ShortRun { valid, state, .. } = ShortRun::new(model, data, config, device, kernels)?;
    let module = state.eval_module();
    let batches: &dyn DataLoader<BatchOf<M>> = &valid;
    let start = Instant::now();
    let mut metrics = EvalMetrics::default();
    for batch in batches.iter() {
        // The opening of parallel streams may have no target.
        if metrics.tokens > 0 && start.elapsed() >= limit {
            break;
        }
        let output = InferenceStep::step(&module, batch.map_err(TrainingError::from)?);
        metrics = metrics.plus(&output.read()?);
    }
    Ok(metrics.nats_per_token())
}

#[cfg(test)]
mod tests {
    use models::{LanguageModel, LanguageModelConfig, LayerConfig};
    use seqdata::TextDataset;

    use super::*;
    use crate::config::TrainMode;
    use crate::schedule::Schedule;

    const NO_LIMIT: Duration = Duration::from_secs(3_600);

    fn dataset() -> TextDataset {
        let text = "the fox saw the crow, and the crow saw the fox. ".repeat(60);
        TextDataset::from_text(text).words().context_len(4).build().unwrap()
    }

    fn model(dataset: &TextDataset) -> LanguageModel {
        let vocab_size = dataset.tokenizer.vocabulary.len();
        LanguageModelConfig::new(vocab_size, 4, vec![LayerConfig::lstm(6)]).init(1, &Device::flex()).unwrap()
    }

    fn config() -> TrainConfig {
        TrainConfig::default().mode(TrainMode::Tbptt { bptt_len: 5 }).batch_size(4).ema_decay(0.9).learning_rate(0.01)
    }

    fn loss(model: &LanguageModel, dataset: &TextDataset, limit: Duration) -> f64 {
        validation_loss(model, dataset, &config(), &Device::flex(), KernelMode::default(), limit).unwrap()
    }

    #[test]
    fn a_copy_learns_and_the_model_stays_as_it_was() {
        let dataset = dataset();
        let model = model(&dataset);
        let before = loss(&model, &dataset, NO_LIMIT);
        let device = Device::flex();
        let trial = |budget| try_training(&model, &dataset, &config(), &device, KernelMode::default(), budget).unwrap();
        let (trained, steps) = trial(Duration::from_millis(300));
        let after = loss(&trained, &dataset, NO_LIMIT);
        assert!(after < before, "{after} after {steps} steps, {before} before");
        assert_eq!(loss(&model, &dataset, NO_LIMIT), before);
        // Without time there is one step.
        assert_eq!(trial(Duration::ZERO).1, 1);
    }

    #[test]
    fn the_loss_is_that_of_the_batches_that_fit_into_the_limit() {
        let dataset = dataset();
        let model = model(&dataset);
        let whole = loss(&model, &dataset, NO_LIMIT);
        assert!(whole.is_finite() && whole > 0.0, "{whole}");
        // A first batch is evaluated whatever the limit is; a short held-out text has no other.
        let first = loss(&model, &dataset, Duration::ZERO);
        assert!(first.is_finite() && first > 0.0, "{first}");
        assert!(dataset.valid_streams(0).unwrap().chunks() > 1 || first == whole, "{first} of one batch, {whole}");
    }

    #[test]
    fn the_schedule_does_not_matter_and_bad_settings_are_rejected() {
        let dataset = dataset();
        let model = model(&dataset);
        let device = Device::flex();
        let trial = |config: &TrainConfig| {
            try_training(&model, &dataset, config, &device, KernelMode::default(), Duration::ZERO)
        };
        let weights = |config: &TrainConfig| loss(&trial(config).unwrap().0, &dataset, NO_LIMIT);
        assert_eq!(weights(&config()), weights(&config().schedule(Schedule::Exponential { factor: 0.5 })));
        let error = trial(&config().batch_size(0)).unwrap_err().to_string();
        assert!(error.contains("train.batch_size"), "{error}");
    }
}
