//! Time and memory estimates for a run, before it starts.

use std::time::Instant;

use burn::data::dataloader::DataLoader;
use burn::module::Module;
use burn::train::{InferenceStep, Learner, TrainingError};

use crate::error::Result;
use crate::shared_module::SharedModule;
use crate::task::{BatchOf, TrainModule, TrainTask};

/// Bytes of a weight, a gradient or an activation.
const FLOAT: usize = 4;

/// Estimated memory of one step: four values per parameter (weight, gradient, mean square, update), and the
/// activations saved for the backward pass.
pub(crate) fn memory_bytes<M: TrainTask>(module: &TrainModule<M>, model: &M::Config, batch: &BatchOf<M>) -> usize {
    (4 * module.num_params() + M::saved_activations(model, batch)) * FLOAT
}

/// Maximum number of trial steps.
const MAX_TRIALS: usize = 6;
/// After this many seconds, only the two necessary trial steps are made.
const MAX_SECONDS: f64 = 0.5;

/// Wall time of a step: the fastest of a few trial steps, which train the learner's module.
pub(crate) fn seconds_per_step<M: TrainTask>(mut learner: Learner<SharedModule<M>>, batch: &BatchOf<M>) -> f64 {
    let (mut fastest, mut spent) = (f64::INFINITY, 0.0);
    for trial in 0..MAX_TRIALS {
        let start = Instant::now();
        learner.lr_step();
        let output = learner.train_step(batch.clone());
        // Each trial continues from the previous one, so that weights are updated in place as in training.
        learner.optimizer_step(output.grads);
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
    fastest
}

/// Wall time of a validation: that of one batch, times the number of batches. The first batch may be larger than the
/// others, so the second one is measured if there is one.
pub(crate) fn validation_seconds<M: TrainTask>(
    module: &SharedModule<M>,
    batches: &dyn DataLoader<BatchOf<M>>,
) -> Result<f64> {
    let mut iterator = batches.iter();
    let Some(first) = iterator.next() else { return Ok(0.0) };
    let items_before = iterator.progress().items_processed;
    let (batch, items) = match iterator.next() {
        Some(second) => (second, iterator.progress().items_processed - items_before),
        None => (first, items_before),
    };
    let batch = batch.map_err(TrainingError::from)?;
    let mut seconds = f64::INFINITY;
    // The first pass includes memory allocation and kernel compilation.
    for _ in 0..2 {
        let start = Instant::now();
        InferenceStep::step(module, batch.clone()).read()?;
        seconds = seconds.min(start.elapsed().as_secs_f64());
        if seconds > MAX_SECONDS {
            break;
        }
    }
    Ok(seconds * batches.num_items() as f64 / items.max(1) as f64)
}
