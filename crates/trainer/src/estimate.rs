//! What an epoch will take, told before it starts.

use std::time::Instant;

use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::train::TrainStep;
use models::LanguageModelConfig;
use seqdata::Batch;

use crate::task::Trainee;

/// Bytes of a weight, a gradient or an activation.
const FLOAT: usize = 4;

/// About how much one step holds at once: four numbers a parameter (weight, gradient, mean square,
/// update), and what the backward pass keeps: the embedded inputs, what each cell says it keeps, and
/// six rows of logits a target.
pub(crate) fn memory_bytes(trainee: &Trainee, model: &LanguageModelConfig, batch: &Batch) -> usize {
    let kept: usize =
        model.layers.iter().map(|layer| layer.kind().kept_per_unit() * layer.units).sum();
    let recurrence = batch.tokens() * (model.embedding + kept);
    let judged: usize = batch.targets.dims().iter().product();
    (4 * trainee.num_params() + recurrence + 6 * judged * model.vocabulary) * FLOAT
}

/// The wall time of a step, by trial steps whose result is thrown away.
pub(crate) fn seconds_per_step(
    trainee: &Trainee,
    optimizer: &ModuleOptimizer,
    learning_rate: f64,
    batch: &Batch,
) -> f64 {
    let trial = || {
        let output = TrainStep::step(trainee, batch.clone());
        let mut optimizer = optimizer.clone();
        let stepped = trainee.clone().optimize(&mut optimizer, learning_rate.into(), output.grads);
        // Reading a number back waits for devices that compute behind our back.
        let _ = stepped.model.output.bias.val().try_into_vec_as::<f32>();
    };
    // The first step pays for what later ones find ready.
    trial();
    let start = Instant::now();
    trial();
    start.elapsed().as_secs_f64()
}
