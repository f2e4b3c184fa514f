//! What an epoch will take, told before it starts.

use std::time::Instant;

use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::train::TrainStep;

use crate::task::{BatchOf, Task, Trainee};

/// Bytes of a weight, a gradient or an activation.
const FLOAT: usize = 4;

/// About how much one step holds at once: four numbers a parameter (weight, gradient, mean square,
/// update), and what the way back keeps.
pub(crate) fn memory_bytes<M: Task>(
    trainee: &Trainee<M>,
    model: &M::Config,
    batch: &BatchOf<M>,
) -> usize {
    (4 * trainee.num_params() + M::kept(model, batch)) * FLOAT
}

/// The wall time of a step, by trial steps whose result is thrown away.
pub(crate) fn seconds_per_step<M: Task>(
    trainee: &Trainee<M>,
    optimizer: &ModuleOptimizer,
    learning_rate: f64,
    batch: &BatchOf<M>,
) -> f64 {
    let trial = || {
        let output = TrainStep::step(trainee, batch.clone());
        let mut optimizer = optimizer.clone();
        let stepped = trainee.clone().optimize(&mut optimizer, learning_rate.into(), output.grads);
        // Devices that compute behind our back are waited for.
        let _ = stepped.model.place().sync();
    };
    // The first step pays for what later ones find ready.
    trial();
    let start = Instant::now();
    trial();
    start.elapsed().as_secs_f64()
}
