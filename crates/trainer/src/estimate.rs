//! What an epoch will take, told before it starts.

use std::time::Instant;

use burn::module::Module;
use burn::train::TrainStep;
use seqdata::Batch;

use crate::strategy::Course;
use crate::task::Trainee;

/// Bytes of a weight, a gradient or an activation.
const FLOAT: usize = 4;

/// About how much one step holds at once: four numbers a parameter (weight, gradient, mean square,
/// update), and what the backward pass keeps: the embedded inputs, what each cell says it keeps, and
/// six rows of logits a target.
pub(crate) fn memory_bytes(trainee: &Trainee, course: &Course, batch: &Batch) -> usize {
    let model = &course.identity.about.model;
    let kept: usize =
        model.layers.iter().map(|layer| layer.kind().kept_per_unit() * layer.units).sum();
    let recurrence = batch.tokens() * (model.embedding + kept);
    let judged: usize = batch.targets.dims().iter().product();
    (4 * trainee.num_params() + recurrence + 6 * judged * model.vocabulary) * FLOAT
}

/// The wall time of a step, by trial steps whose result is thrown away.
pub(crate) fn seconds_per_step(trainee: &Trainee, course: &Course, batch: &Batch) -> f64 {
    let trial = || {
        let output = TrainStep::step(trainee, batch.clone());
        let mut optimizer = course.optimizer.clone();
        let rate = course.config.learning_rate.into();
        let stepped = trainee.clone().optimize(&mut optimizer, rate, output.grads);
        // Reading a number back waits for devices that compute behind our back.
        let _ = stepped.model.output.bias.val().try_into_vec_as::<f32>();
    };
    // The first step pays for what later ones find ready.
    trial();
    let start = Instant::now();
    trial();
    start.elapsed().as_secs_f64()
}
