//! What an epoch will take, told before it starts.

use std::time::Instant;

use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::train::TrainStep;
use models::LanguageModel;
use seqdata::WindowBatch;

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
        optimizer: &ModuleOptimizer,
        learning_rate: f64,
        batch: &WindowBatch,
        steps: usize,
    ) -> Self {
        let trial = || {
            let output = TrainStep::step(trainee, batch.clone());
            let mut optimizer = optimizer.clone();
            let stepped =
                trainee.clone().optimize(&mut optimizer, learning_rate.into(), output.grads);
            // Reading a number back waits for devices that compute behind our back.
            let _ = stepped.model.output.bias.val().try_into_vec_as::<f32>();
        };
        // The first step pays for what later ones find ready.
        trial();
        let start = Instant::now();
        trial();
        let seconds_per_epoch = start.elapsed().as_secs_f64() * steps as f64;
        let [windows, length] = batch.inputs.dims();
        let memory_bytes = memory(&trainee.model, windows, length);
        Self { memory_bytes, seconds_per_epoch }
    }
}

/// Four numbers a parameter (weight, gradient, mean square, update), and what the backward pass
/// keeps: per step and row the embedded input and about fourteen numbers a unit (four gates before
/// and after their activation, three products, two states, one output), and six rows of logits.
fn memory(model: &LanguageModel, windows: usize, length: usize) -> usize {
    let [vocabulary, embedding] = model.embedding.weight.dims();
    let units: usize = model.start(1).iter().map(|state| state.hidden.dims()[1]).sum();
    let recurrence = windows * length * (embedding + 14 * units);
    (4 * model.num_params() + recurrence + 6 * windows * vocabulary) * FLOAT
}
