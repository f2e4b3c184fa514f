//! What an epoch will take, told before it starts.

use std::time::Instant;

use burn::module::Module;
use burn::train::TrainStep;
use models::LanguageModelConfig;
use seqdata::WindowBatch;

use crate::strategy::Course;
use crate::task::Trainee;

/// Bytes of a weight, a gradient or an activation.
const FLOAT: usize = 4;

/// Memory and time of an epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Weights, gradients, optimizer state and the activations of one step.
    pub memory_bytes: usize,
    /// Wall time of the epoch's training steps.
    pub seconds_per_epoch: f64,
}

impl Estimate {
    /// Counts what one step holds at once, and times trial steps whose result is thrown away.
    pub(crate) fn new(
        trainee: &Trainee,
        course: &Course,
        batch: &WindowBatch,
        steps: usize,
    ) -> Self {
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
        let seconds_per_epoch = start.elapsed().as_secs_f64() * steps as f64;
        let [windows, length] = batch.inputs.dims();
        let parameters = trainee.num_params();
        let memory_bytes = memory(&course.identity.about.model, parameters, windows, length);
        Self { memory_bytes, seconds_per_epoch }
    }
}

/// Four numbers a parameter (weight, gradient, mean square, update), and what the backward pass
/// keeps: the embedded inputs, what each cell says it keeps, and six rows of logits.
fn memory(model: &LanguageModelConfig, parameters: usize, windows: usize, length: usize) -> usize {
    let kept: usize =
        model.layers.iter().map(|layer| layer.cell.kept_per_unit() * layer.units).sum();
    let recurrence = windows * length * (model.embedding + kept);
    (4 * parameters + recurrence + 6 * windows * model.vocabulary) * FLOAT
}
