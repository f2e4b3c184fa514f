//! Converts the sections `[train]` and `[checkpoints]` to the trainer's [`TrainConfig`].

use trainer::{AdamConfig, CheckpointPolicy, OptimizerConfig, RmspropConfig, SgdConfig, TrainConfig, TrainMode};

use super::{Checkpoints, Clip, Optimizer, OptimizerKind, Schedule, ScheduleKind, Train};
use crate::error::{Error, Result, bail};

/// The trainer's configuration with defaults filled in, not yet checked. A sample follows every `sample_every` steps.
pub(super) fn train_config(
    seed: u64,
    train: &Train,
    mode: TrainMode,
    sample_every: u64,
    checkpoints: &Checkpoints,
) -> Result<TrainConfig> {
    Ok(TrainConfig {
        seed,
        epochs: train.epochs,
        steps_per_epoch: train.steps_per_epoch,
        mode,
        batch_size: train.batch_size,
        shards: train.shards,
        learning_rate: train.learning_rate,
        schedule: schedule(&train.schedule)?,
        warm_up_steps: train.schedule.warm_up_steps,
        optimizer: optimizer(&train.optimizer)?,
        clip: clip(&train.clip)?,
        precision: train.precision,
        ema_decay: train.ema_decay,
        early_stopping_patience: train.early_stopping_patience,
        sample_every,
        checkpoint_policy: CheckpointPolicy {
            every_steps: checkpoints.every_steps,
            every_minutes: checkpoints.every_minutes,
            keep_last: checkpoints.keep,
        },
        // Of language models only.
        valid_streams: 1,
        layer_decay: train.layer_decay,
        unfreeze_steps: train.unfreeze_steps,
        averaging_patience: train.averaging_patience,
        bptt_deviation: train.bptt_deviation,
    })
}

/// The schedule; rejects missing parameters and those of other kinds.
fn schedule(section: &Schedule) -> Result<trainer::Schedule> {
    let Schedule { kind, factor, every_epochs, patience, .. } = *section;
    for (key, is_given, is_needed) in [
        ("factor", factor.is_some(), !matches!(kind, ScheduleKind::Constant | ScheduleKind::Cosine)),
        ("every_epochs", every_epochs.is_some(), kind == ScheduleKind::Step),
        ("patience", patience.is_some(), kind == ScheduleKind::Plateau),
    ] {
        let (found, expected) = match (is_given, is_needed) {
            (false, true) => ("is missing", "needs; give it"),
            (true, false) => ("is given", "does not have; leave it out or change the kind"),
            _ => continue,
        };
        let kind = format!("{kind:?}").to_lowercase();
        bail!("`train.schedule.{key}` {found}, which `train.schedule.kind = \"{kind}\"` {expected}");
    }
    let (factor, every_epochs, patience) = (factor.unwrap_or(1.0), every_epochs.unwrap_or(1), patience.unwrap_or(1));
    Ok(match kind {
        ScheduleKind::Constant => trainer::Schedule::Constant,
        ScheduleKind::Step => trainer::Schedule::Step { every_epochs, factor },
        ScheduleKind::Exponential => trainer::Schedule::Exponential { factor },
        ScheduleKind::Cosine => trainer::Schedule::Cosine,
        ScheduleKind::Plateau => trainer::Schedule::Plateau { patience, factor },
    })
}

/// The weight decay of AdamW if it is not given: that of PyTorch.
const ADAMW_WEIGHT_DECAY: f64 = 0.01;

/// The optimizer with defaults filled in; rejects hyperparameters of the other kinds.
fn optimizer(section: &Optimizer) -> Result<OptimizerConfig> {
    use OptimizerKind::{Adam, Adamw, Rmsprop, Sgd};

    let Optimizer { kind, epsilon, rho, momentum, centered, beta_1, beta_2, weight_decay } = *section;
    for (key, is_given, owners) in [
        ("epsilon", epsilon.is_some(), &[Rmsprop, Adam, Adamw][..]),
        ("rho", rho.is_some(), &[Rmsprop]),
        ("momentum", momentum.is_some(), &[Rmsprop, Sgd]),
        ("centered", centered.is_some(), &[Rmsprop]),
        ("beta_1", beta_1.is_some(), &[Adam, Adamw]),
        ("beta_2", beta_2.is_some(), &[Adam, Adamw]),
        ("weight_decay", weight_decay.is_some(), &[Adamw, Sgd]),
    ] {
        if is_given && !owners.contains(&kind) {
            let owners: Vec<String> = owners.iter().map(|kind| format!("\"{}\"", kind.name())).collect();
            bail!(
                "`train.optimizer.{key}` is given, which only `train.optimizer.kind = {}` has; leave it out or change the \
                 kind",
                owners.join("` or `")
            );
        }
    }
    let adam = |weight_decay: f64| {
        let default = AdamConfig::default();
        OptimizerConfig::Adam(AdamConfig {
            beta_1: beta_1.unwrap_or(default.beta_1),
            beta_2: beta_2.unwrap_or(default.beta_2),
            epsilon: epsilon.unwrap_or(default.epsilon),
            weight_decay,
        })
    };
    Ok(match kind {
        Rmsprop => {
            let default = RmspropConfig::default();
            OptimizerConfig::Rmsprop(RmspropConfig {
                rho: rho.unwrap_or(default.rho),
                epsilon: epsilon.unwrap_or(default.epsilon),
                momentum: momentum.unwrap_or(default.momentum),
                centered: centered.unwrap_or(default.centered),
            })
        }
        Adam => adam(0.0),
        Adamw => adam(weight_decay.unwrap_or(ADAMW_WEIGHT_DECAY)),
        Sgd => {
            let default = SgdConfig::default();
            OptimizerConfig::Sgd(SgdConfig {
                momentum: momentum.unwrap_or(default.momentum),
                weight_decay: weight_decay.unwrap_or(default.weight_decay),
            })
        }
    })
}

/// Rejects the keys of `section` that are given although only its kind `owner` has them.
pub(super) fn reject_keys_of(owner: &str, section: &str, keys: &[(&str, bool)]) -> Result<()> {
    let Some((key, _)) = keys.iter().find(|(_, is_given)| *is_given) else { return Ok(()) };
    Err(Error::new(format!(
        "`{section}.{key}` is given, which only `{section}.kind = \"{owner}\"` has; leave it out or change the kind"
    )))
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
