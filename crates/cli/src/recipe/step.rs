//! Measures a training step on this machine.

use std::time::Duration;

use trainer::{StepTime, TrainConfig, measure_step};

use crate::error::Result;
use crate::long_task::LongTask;
use crate::run::experiment::{Experiment, Setup};

/// How long the step is measured by which the length of a run of a minute or more is planned: the speed of a machine changes
/// within seconds.
const MEASURED: Duration = Duration::from_secs(3);
/// How long a step of each size and number of streams that is tried is measured.
const TRIED: Duration = Duration::from_millis(700);

/// Measures a training step, to plan the length of a run of so many minutes. Of several processes, that of one, which computes
/// its share of a batch; to add the gradients takes longer.
///
/// # Errors
/// If a step cannot be computed.
pub fn measure<C: Experiment>(experiment: &C, model: &C::Network, minutes: f64, setup: Setup) -> Result<StepTime> {
    measure_for(MEASURED, experiment, model, minutes, setup)
}

/// The same for a size or a number of streams that is tried, in less time.
///
/// # Errors
/// If a step cannot be computed.
pub fn measure_briefly<C: Experiment>(
    experiment: &C,
    model: &C::Network,
    minutes: f64,
    setup: Setup,
) -> Result<StepTime> {
    measure_for(TRIED, experiment, model, minutes, setup)
}

/// Measures a training step for `time`; if the run has less than a minute, for that part of it.
fn measure_for<C: Experiment>(
    time: Duration,
    experiment: &C,
    model: &C::Network,
    minutes: f64,
    setup: Setup,
) -> Result<StepTime> {
    let _task = LongTask::start("measuring a training step");
    let Setup { device, backend, ranks, .. } = setup;
    let config = share(experiment.train_config(), ranks.count());
    let budget = time.mul_f64(minutes.min(1.0));
    let step = measure_step(model, experiment.data(), &config, device, backend.kernels(), budget)?;
    Ok(of_all(step, ranks.count()))
}

/// The settings of one of `ranks` processes as if it were alone. The shards can be divided over them.
fn share(config: &TrainConfig, ranks: usize) -> TrainConfig {
    TrainConfig { batch_size: config.batch_size / ranks, shards: config.shards / ranks, ..config.clone() }
}

/// The step of all processes, given that of one.
fn of_all(step: StepTime, ranks: usize) -> StepTime {
    StepTime { steps_per_pass: step.steps_per_pass.div_ceil(ranks as u64), ..step }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_computes_its_share_of_each_batch() {
        let config = TrainConfig { batch_size: 128, shards: 8, ..TrainConfig::default() };
        let of_four = share(&config, 4);
        assert_eq!((of_four.batch_size, of_four.shards), (32, 2));
        assert_eq!(share(&config, 1), config);
        let step =
            StepTime { seconds_per_step: 0.1, steps_per_pass: 402, validation_seconds: 2.0, parameters: 1_000_000 };
        let all = of_all(step, 4);
        assert_eq!((all.steps_per_pass, all.seconds_per_step), (101, 0.1));
        assert_eq!(of_all(step, 1), step);
    }
}
