//! Time and memory estimates for a run, before it starts.

use std::time::{Duration, Instant};

use burn::data::dataloader::DataLoader;
use burn::module::Module;
use burn::tensor::Device;
use burn::train::{InferenceStep, Learner, TrainingError};
use kernels::KernelMode;
use ranks::Single;

use crate::averaging::Averaging;
use crate::config::TrainConfig;
use crate::error::Result;
use crate::shared_module::SharedModule;
use crate::short_run::ShortRun;
use crate::step_sums::Requests;
use crate::task::{BatchOf, ShardsOf, TrainModule, TrainTask};
use crate::update::update;

/// Bytes of a weight, a gradient or an activation.
const FLOAT: usize = 4;

/// Estimated memory of one step: the values of each parameter, and the activations saved for the backward pass of one
/// shard.
pub(crate) fn memory_bytes<M: TrainTask>(
    module: &TrainModule<M>,
    model: &M::Config,
    config: &TrainConfig,
    batch: &ShardsOf<M>,
) -> usize {
    let activations = batch.non_empty().map(|shard| M::saved_activations(model, shard)).max();
    let vectors = if batch.count > 1 { vectors_of_gradients(batch.shards.len()) } else { 0 };
    let values = (values_per_parameter(config) + vectors) * module.num_params();
    (values + activations.unwrap_or(0)) * FLOAT
}

/// Weight, gradient and update, the state of the optimizer, and the average of the weights if there will be one.
fn values_per_parameter(config: &TrainConfig) -> usize {
    let is_averaged = config.ema_decay > 0.0 || config.averaging_patience > 0;
    3 + config.optimizer.values_per_parameter() + usize::from(is_averaged)
}

/// The most vectors of all gradients at a time while those of `shards` shards are added in the order of a binary tree.
fn vectors_of_gradients(shards: usize) -> usize {
    1 + shards.max(1).ilog2() as usize
}

/// Steps of [`measure_step`] that are not counted, at least: they include memory allocation and kernel compilation.
const WARM_UP_STEPS: usize = 2;
/// The share of its time in which steps are not counted: the first ones are slower, until caches and the speed of the
/// processor have settled.
const WARM_UP_SHARE: f64 = 0.2;
/// Steps of [`measure_step`] that are counted, at least.
const MEASURED_STEPS: usize = 3;

/// The time that training takes, by which the length of a run can be planned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepTime {
    /// Wall time of a training step: the median of the measured ones.
    pub seconds_per_step: f64,
    /// Steps in a pass over the training data.
    pub steps_per_pass: u64,
    /// Estimated wall time of a validation: that of one batch, times the number of batches.
    pub validation_seconds: f64,
    /// Trainable parameters of the model, by which the time of a checkpoint and of a sample can be estimated.
    pub parameters: usize,
}

/// Measures a training step of `model`, and estimates the time of a validation. The steps are those that
/// [`train`](crate::train()) would start with on this data: preparation of the batch, forward and backward pass,
/// clipping, update and average of the weights, also if that begins later. All layers are trained, which takes longest. The
/// learning rate is 0: with one that is too high for this model, a step may take many times as long once the weights have
/// diverged. A copy of the model is used, and nothing is written.
///
/// A fifth of the steps that fit into `budget` are a warm-up, but at least two; the others are measured, but at least
/// three. The validation is measured for a tenth of `budget` after that.
///
/// # Errors
/// If a setting is out of range, the data cannot be split into batches as `config` requires, or a tensor cannot be read
/// from the device.
pub fn measure_step<M: TrainTask>(
    model: &M,
    data: &M::Data,
    config: &TrainConfig,
    device: &Device,
    kernels: KernelMode,
    budget: Duration,
) -> Result<StepTime> {
    let config = &config.clone().unfreeze_steps(0);
    let ShortRun { train, valid, mut state, mut learner } = ShortRun::new(model, data, config, device, kernels)?;
    let steps_per_pass = train.batches() as u64;
    let mut batches = train.endless();
    if config.averaging_patience > 0 {
        // Steps take longer from the epoch on after which averaging begins, which is not known.
        state.begin_average();
    }
    let (mut warm_up_steps, mut seconds) = (0, Vec::new());
    let (start, warm_up) = (Instant::now(), budget.mul_f64(WARM_UP_SHARE));
    while seconds.len() < MEASURED_STEPS || start.elapsed() < budget {
        let is_warm_up = warm_up_steps < WARM_UP_STEPS || start.elapsed() < warm_up;
        let start = Instant::now();
        let Some(batch) = batches.next() else { break };
        let averaging = Averaging::Exponential(config.ema_decay);
        state.step(&mut learner, batch, 0.0, averaging, (Requests::default(), &Single))?;
        if is_warm_up {
            warm_up_steps += 1;
        } else {
            seconds.push(start.elapsed().as_secs_f64());
        }
    }
    Ok(StepTime {
        seconds_per_step: median(seconds),
        steps_per_pass,
        validation_seconds: validation_seconds(&state.eval_module(), &valid, budget / 10)?,
        parameters: Module::num_params(model),
    })
}

/// The upper median; 0 of no values.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// Maximum number of trial steps.
const MAX_TRIALS: usize = 6;
/// After this many seconds, only the two necessary trial steps are made.
const MAX_SECONDS: f64 = 0.5;

/// Wall time of a step without other processes: the fastest of a few trial steps, which train the learner's module.
pub(crate) fn seconds_per_step<M: TrainTask>(
    mut learner: Learner<SharedModule<M>>,
    batch: &ShardsOf<M>,
) -> Result<f64> {
    let (mut fastest, mut spent) = (f64::INFINITY, 0.0);
    for trial in 0..MAX_TRIALS {
        let start = Instant::now();
        learner.lr_step();
        let output = learner.train_step(batch.clone());
        // Each trial continues from the previous one, so that weights are updated in place as in training.
        update(&mut learner, output, 0, Requests::default(), &Single)?;
        // Wait for devices that compute asynchronously.
        let _ = learner.model().with(|module| module.model.device()).sync();
        let seconds = start.elapsed().as_secs_f64();
        spent += seconds;
        // The first trial includes memory allocation and kernel compilation.
        if trial > 0 {
            fastest = fastest.min(seconds);
            if spent > MAX_SECONDS {
                break;
            }
        }
    }
    Ok(fastest)
}

/// Wall time of a validation: that of one batch, times the number of batches. The first batch may be larger than the
/// others, so the second one is measured if there is one, until `budget` has passed, but at least twice.
pub(crate) fn validation_seconds<M: TrainTask>(
    module: &SharedModule<M>,
    batches: &dyn DataLoader<BatchOf<M>>,
    budget: Duration,
) -> Result<f64> {
    let mut iterator = batches.iter();
    let Some(first) = iterator.next() else { return Ok(0.0) };
    let items_before = iterator.progress().items_processed;
    let (batch, items) = match iterator.next() {
        Some(second) => (second, iterator.progress().items_processed - items_before),
        None => (first, items_before),
    };
    let batch = batch.map_err(TrainingError::from)?;
    let pass = || -> Result<f64> {
        let start = Instant::now();
        InferenceStep::step(module, batch.clone()).read()?;
        Ok(start.elapsed().as_secs_f64())
    };
    let start = Instant::now();
    // The first pass includes memory allocation and kernel compilation.
    let mut seconds = vec![pass()?];
    if seconds[0] <= MAX_SECONDS {
        seconds[0] = pass()?;
        while start.elapsed() < budget {
            seconds.push(pass()?);
        }
    }
    Ok(median(seconds) * batches.num_items() as f64 / items.max(1) as f64)
}

#[cfg(test)]
mod tests {
    use models::{LanguageModelConfig, LayerConfig};
    use seqdata::TextDataset;

    use super::*;
    use crate::config::TrainMode;
    use crate::optimizer::{AdamConfig, OptimizerConfig, SgdConfig};
    use crate::schedule::Schedule;

    #[test]
    fn a_step_is_measured_even_if_there_is_no_time_for_it() {
        let text = "the fox saw the crow, and the crow saw the fox. ".repeat(9);
        let dataset = TextDataset::from_text(text).words().context_len(4).build().unwrap();
        let device = Device::flex();
        let vocab_size = dataset.tokenizer.vocabulary.len();
        let model = LanguageModelConfig::new(vocab_size, 4, vec![LayerConfig::lstm(6)]).init(1, &device).unwrap();
        let measure = |config: &TrainConfig, budget| {
            measure_step(&model, &dataset, config, &device, KernelMode::default(), budget)
        };
        let windows = TrainConfig::default().ema_decay(0.9).schedule(Schedule::Cosine);
        let windows_per_pass = dataset.train_windows().len().div_ceil(windows.batch_size);
        let tbptt = TrainConfig::default().mode(TrainMode::Tbptt { bptt_len: 5 }).batch_size(4);
        let chunks = dataset.train_streams(4, 5).unwrap().chunks();
        for (config, steps) in [(windows.clone(), windows_per_pass), (tbptt, chunks)] {
            for budget in [Duration::ZERO, Duration::from_millis(20)] {
                let time = measure(&config, budget).unwrap();
                assert_eq!((time.steps_per_pass, time.parameters), (steps as u64, Module::num_params(&model)));
                for seconds in [time.seconds_per_step, time.validation_seconds] {
                    assert!(seconds > 0.0 && seconds.is_finite(), "{time:?}");
                }
            }
        }
        let error = measure(&windows.batch_size(0), Duration::ZERO).unwrap_err().to_string();
        assert!(error.contains("train.batch_size"), "{error}");
    }

    #[test]
    fn the_memory_of_a_parameter_depends_on_the_optimizer_and_the_average() {
        let values = |config: TrainConfig| values_per_parameter(&config);
        let with = |optimizer: OptimizerConfig| TrainConfig::default().optimizer(optimizer);
        assert_eq!(values(TrainConfig::default()), 4);
        let sgd = with(SgdConfig::default().into());
        assert_eq!(values(sgd.clone()), 3);
        assert_eq!(values(sgd.clone().averaging_patience(5)), 4);
        assert_eq!(values(with(SgdConfig::default().momentum(0.9).into())), 4);
        assert_eq!(values(with(AdamConfig::default().into()).ema_decay(0.9)), 6);
    }

    #[test]
    fn the_median_is_not_moved_by_one_slow_step() {
        assert_eq!(median(vec![2.0, 9.0, 1.0]), 2.0);
        assert_eq!(median(vec![3.0, 1.0, 2.0, 90.0]), 3.0);
        assert_eq!(median(Vec::new()), 0.0);
    }
}
