//! From the section `[train]` to the numbers that a run is trained by.

use trainer::{AdamConfig, Keeping, Method, OptimizerConfig, RmspropConfig, TrainConfig};

use super::{Checkpoints, Clip, Optimizer, OptimizerKind, Schedule, ScheduleKind, Train};
use crate::error::{Error, Result};

/// What of a configuration says how a network is trained, whatever it is about.
pub(super) struct Learned<'a> {
    pub seed: u64,
    pub train: &'a Train,
    pub method: Method,
    /// Steps between two samples.
    pub look_every: u64,
    pub checkpoints: &'a Checkpoints,
}

/// The numbers with what is left out filled in, not yet checked.
pub(super) fn train_config(learned: &Learned) -> Result<TrainConfig> {
    let Learned { seed, train, method, look_every, checkpoints } = *learned;
    Ok(TrainConfig {
        seed,
        epochs: train.epochs,
        method,
        batch_size: train.batch_size,
        learning_rate: train.learning_rate,
        schedule: schedule(&train.schedule)?,
        warm_up_steps: train.schedule.warm_up_steps,
        optimizer: optimizer(&train.optimizer)?,
        clip: clip(&train.clip)?,
        averaging: train.averaging,
        patience: train.patience,
        look_every,
        keeping: Keeping {
            every_steps: checkpoints.every_steps,
            every_minutes: checkpoints.every_minutes,
            last: checkpoints.keep,
        },
    })
}

/// The schedule with the numbers that its kind needs, and no other.
fn schedule(written: &Schedule) -> Result<trainer::Schedule> {
    let Schedule { kind, factor, every_epochs, patience, .. } = *written;
    let needed = match kind {
        ScheduleKind::Constant | ScheduleKind::Cosine => [false, false, false],
        ScheduleKind::Step => [true, true, false],
        ScheduleKind::Exponential => [true, false, false],
        ScheduleKind::Plateau => [true, false, true],
    };
    let given = [factor.is_some(), every_epochs.is_some(), patience.is_some()];
    for ((key, needed), given) in
        ["factor", "every_epochs", "patience"].iter().zip(needed).zip(given)
    {
        let kind = format!("`train.schedule.kind = \"{}\"`", format!("{kind:?}").to_lowercase());
        match (needed, given) {
            (true, false) => {
                return Err(Error::new(format!(
                    "`train.schedule.{key}` is missing, which {kind} needs; give it"
                )));
            }
            (false, true) => {
                return Err(Error::new(format!(
                    "`train.schedule.{key}` is given, which {kind} does not have; leave it out or change \
                     the kind"
                )));
            }
            _ => {}
        }
    }
    let (factor, epochs) = (factor.unwrap_or(1.0), every_epochs.unwrap_or(1));
    let patience = patience.unwrap_or(1);
    Ok(match kind {
        ScheduleKind::Constant => trainer::Schedule::Constant,
        ScheduleKind::Step => trainer::Schedule::Step { epochs, factor },
        ScheduleKind::Exponential => trainer::Schedule::Exponential { factor },
        ScheduleKind::Cosine => trainer::Schedule::Cosine,
        ScheduleKind::Plateau => trainer::Schedule::Plateau { patience, factor },
    })
}

/// The optimizer with what is left out filled in; a number of the other kind is refused.
fn optimizer(written: &Optimizer) -> Result<OptimizerConfig> {
    let Optimizer { kind, epsilon, rho, momentum, centered, beta_1, beta_2 } = *written;
    let (misplaced, owner) = match kind {
        OptimizerKind::Rmsprop => {
            ([beta_1.map(|_| "beta_1"), beta_2.map(|_| "beta_2"), None], "adam")
        }
        OptimizerKind::Adam => {
            let given = [rho.map(|_| "rho"), momentum.map(|_| "momentum")];
            ([given[0], given[1], centered.map(|_| "centered")], "rmsprop")
        }
    };
    if let Some(key) = misplaced.into_iter().flatten().next() {
        return Err(Error::new(format!(
            "`train.optimizer.{key}` is given, which only `train.optimizer.kind = \"{owner}\"` has; \
             leave it out or change the kind"
        )));
    }
    Ok(match kind {
        OptimizerKind::Rmsprop => {
            let default = RmspropConfig::default();
            OptimizerConfig::Rmsprop(RmspropConfig {
                rho: rho.unwrap_or(default.rho),
                epsilon: epsilon.unwrap_or(default.epsilon),
                momentum: momentum.unwrap_or(default.momentum),
                centered: centered.unwrap_or(default.centered),
            })
        }
        OptimizerKind::Adam => {
            let default = AdamConfig::default();
            OptimizerConfig::Adam(AdamConfig {
                beta_1: beta_1.unwrap_or(default.beta_1),
                beta_2: beta_2.unwrap_or(default.beta_2),
                epsilon: epsilon.unwrap_or(default.epsilon),
            })
        }
    })
}

fn clip(written: &Clip) -> Result<Option<trainer::Clip>> {
    let limits = [
        written.value.map(trainer::Clip::Value),
        written.tensor_norm.map(trainer::Clip::TensorNorm),
        written.global_norm.map(trainer::Clip::GlobalNorm),
    ];
    let mut given = limits.into_iter().flatten();
    match (given.next(), given.next()) {
        (_, Some(_)) => Err(Error::new(
            "`train.clip` holds more than one of `value`, `tensor_norm` and `global_norm`; expected \
             one of them",
        )),
        (limit, None) => Ok(limit),
    }
}
