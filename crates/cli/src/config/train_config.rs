//! Converts the sections `[train]` and `[checkpoints]` to the trainer's [`TrainConfig`].

use trainer::{AdamConfig, CheckpointPolicy, OptimizerConfig, RmspropConfig, TrainConfig, TrainMode};

use super::{Checkpoints, Clip, Optimizer, OptimizerKind, Schedule, ScheduleKind, Train};
use crate::error::{Error, Result};

/// The parts of a configuration that determine the training, for both kinds of model.
pub(super) struct TrainParts<'a> {
    pub seed: u64,
    pub train: &'a Train,
    pub mode: TrainMode,
    /// Steps between two samples.
    pub sample_every: u64,
    pub checkpoints: &'a Checkpoints,
}

/// The trainer's configuration with defaults filled in, not yet checked.
pub(super) fn train_config(parts: &TrainParts) -> Result<TrainConfig> {
    let TrainParts { seed, train, mode, sample_every, checkpoints } = *parts;
    Ok(TrainConfig {
        seed,
        epochs: train.epochs,
        mode,
        batch_size: train.batch_size,
        learning_rate: train.learning_rate,
        schedule: schedule(&train.schedule)?,
        warm_up_steps: train.schedule.warm_up_steps,
        optimizer: optimizer(&train.optimizer)?,
        clip: clip(&train.clip)?,
        ema_decay: train.ema_decay,
        early_stopping_patience: train.early_stopping_patience,
        sample_every,
        checkpoint_policy: CheckpointPolicy {
            every_steps: checkpoints.every_steps,
            every_minutes: checkpoints.every_minutes,
            keep_last: checkpoints.keep,
        },
    })
}

/// The schedule; rejects missing parameters and those of other kinds.
fn schedule(section: &Schedule) -> Result<trainer::Schedule> {
    let Schedule { kind, factor, every_epochs, patience, .. } = *section;
    let needed = match kind {
        ScheduleKind::Constant | ScheduleKind::Cosine => [false, false, false],
        ScheduleKind::Step => [true, true, false],
        ScheduleKind::Exponential => [true, false, false],
        ScheduleKind::Plateau => [true, false, true],
    };
    let given = [factor.is_some(), every_epochs.is_some(), patience.is_some()];
    for ((key, needed), given) in ["factor", "every_epochs", "patience"].iter().zip(needed).zip(given) {
        let kind = format!("`train.schedule.kind = \"{}\"`", format!("{kind:?}").to_lowercase());
        if needed && !given {
            return Err(Error::new(format!("`train.schedule.{key}` is missing, which {kind} needs; give it")));
        }
        if given && !needed {
            return Err(Error::new(format!(
                "`train.schedule.{key}` is given, which {kind} does not have; leave it out or change the kind"
            )));
        }
    }
    let (factor, epochs) = (factor.unwrap_or(1.0), every_epochs.unwrap_or(1));
    let patience = patience.unwrap_or(1);
    Ok(match kind {
        ScheduleKind::Constant => trainer::Schedule::Constant,
        ScheduleKind::Step => trainer::Schedule::Step { every_epochs: epochs, factor },
        ScheduleKind::Exponential => trainer::Schedule::Exponential { factor },
        ScheduleKind::Cosine => trainer::Schedule::Cosine,
        ScheduleKind::Plateau => trainer::Schedule::Plateau { patience, factor },
    })
}

/// The optimizer with defaults filled in; rejects hyperparameters of the other kind.
fn optimizer(section: &Optimizer) -> Result<OptimizerConfig> {
    let Optimizer { kind, epsilon, rho, momentum, centered, beta_1, beta_2 } = *section;
    let (misplaced, owner) = match kind {
        OptimizerKind::Rmsprop => ([beta_1.map(|_| "beta_1"), beta_2.map(|_| "beta_2"), None], "adam"),
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

fn clip(section: &Clip) -> Result<Option<trainer::Clip>> {
    let limits = [
        section.value.map(trainer::Clip::Value),
        section.tensor_norm.map(trainer::Clip::TensorNorm),
        section.global_norm.map(trainer::Clip::GlobalNorm),
    ];
    let mut given = limits.into_iter().flatten();
    match (given.next(), given.next()) {
        (_, Some(_)) => Err(Error::new(
            "`train.clip` has more than one of `value`, `tensor_norm` and `global_norm`; expected \
             one of them",
        )),
        (limit, None) => Ok(limit),
    }
}
