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

/// Trial steps at most.
const TRIALS: usize = 6;
/// After so many seconds there are no more of them than the two that are needed.
const PATIENCE: f64 = 0.5;

/// The wall time of a step: the fastest of a few trial steps, whose result is thrown away.
pub(crate) fn seconds_per_step<M: Task>(
    trainee: &Trainee<M>,
    optimizer: &ModuleOptimizer,
    learning_rate: f64,
    batch: &BatchOf<M>,
) -> f64 {
    let (mut trainee, mut optimizer) = (trainee.clone(), optimizer.clone());
    let (mut fastest, mut spent) = (f64::INFINITY, 0.0);
    for trial in 0..TRIALS {
        let start = Instant::now();
        let output = TrainStep::step(&trainee, batch.clone());
        // Each goes on from the one before, as in training: weights that nobody else holds are changed in place.
        trainee = trainee.optimize(&mut optimizer, learning_rate.into(), output.grads);
        // Devices that compute behind our back are waited for.
        let _ = trainee.model.place().sync();
        let seconds = start.elapsed().as_secs_f64();
        spent += seconds;
        // The first step pays for memory and compilers, which later ones find ready.
        if trial > 0 {
            fastest = fastest.min(seconds);
            if spent > PATIENCE {
                break;
            }
        }
    }
    fastest
}
