//! Learning-rate schedules. The rate is a pure function of the step and the past validation losses, so that it needs
//! no state in a checkpoint. A new schedule is a variant here.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How the learning rate changes during a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// No change.
    #[default]
    Constant,
    /// Step decay: multiplied by `factor` after every `every_epochs` epochs.
    Step {
        /// Epochs between two decays.
        #[serde(rename = "epochs")]
        every_epochs: usize,
        /// The factor of each decay.
        factor: f64,
    },
    /// Decays a little at every step, by `factor` per epoch.
    Exponential {
        /// The factor per epoch.
        factor: f64,
    },
    /// From the full rate at the first step to 0 after the last, along half a cosine
    /// (Loshchilov and Hutter 2017, equation 5, without restarts).
    Cosine,
    /// Multiplied by `factor` when `patience` validations in a row gave no lower validation loss; then the count
    /// starts again.
    Plateau {
        /// Validations without a lower loss before a decay.
        patience: usize,
        /// The factor of each decay.
        factor: f64,
    },
}

/// What the learning rate of a step depends on.
#[derive(Clone, Copy, Debug)]
pub struct ScheduleContext<'a> {
    /// The next step of the run, counted from 0.
    pub step: u64,
    /// Steps per epoch.
    pub steps_per_epoch: u64,
    /// Epochs in the run.
    pub epochs: u64,
    /// Validation losses so far, in order.
    pub valid_losses: &'a [f64],
}

impl Schedule {
    /// The factor on the base learning rate, in [0, 1].
    pub fn factor(self, context: &ScheduleContext) -> f64 {
        let ScheduleContext { step, steps_per_epoch, epochs, valid_losses } = *context;
        let per_epoch = steps_per_epoch.max(1);
        match self {
            Self::Constant => 1.0,
            Self::Step { every_epochs, factor } => factor.powi((step / per_epoch / every_epochs.max(1) as u64) as i32),
            Self::Exponential { factor } => factor.powf(step as f64 / per_epoch as f64),
            Self::Cosine => {
                let done = step as f64 / epochs.saturating_mul(per_epoch).max(1) as f64;
                0.5 * (1.0 + (std::f64::consts::PI * done).cos())
            }
            Self::Plateau { patience, factor } => factor.powi(plateaus(valid_losses, patience) as i32),
        }
    }

    /// Whether the rate of every step depends on the number of epochs in the run.
    pub fn depends_on_length(self) -> bool {
        self == Self::Cosine
    }

    /// Checks that all settings are in range.
    ///
    /// # Errors
    /// Names the setting that is out of range.
    pub fn check(self) -> Result<()> {
        let reject = |key, found: String, expected| Err(Error::out_of_range(key, found, expected));
        match self {
            Self::Step { every_epochs: 0, .. } => reject("train.schedule.every_epochs", "0".into(), "1 or more"),
            Self::Plateau { patience: 0, .. } => reject("train.schedule.patience", "0".into(), "1 or more"),
            Self::Step { factor, .. } | Self::Exponential { factor } | Self::Plateau { factor, .. }
                if !(factor > 0.0 && factor <= 1.0) =>
            {
                reject("train.schedule.factor", factor.to_string(), "a number above 0 and at most 1")
            }
            _ => Ok(()),
        }
    }
}

/// How many times `patience` losses in a row were not lower than the lowest before them.
fn plateaus(losses: &[f64], patience: usize) -> usize {
    let (mut best, mut waited, mut count) = (f64::INFINITY, 0, 0);
    for &loss in losses {
        if loss < best {
            (best, waited) = (loss, 0);
        } else {
            waited += 1;
            if waited >= patience.max(1) {
                (waited, count) = (0, count + 1);
            }
        }
    }
    count
}

/// Number of losses after the lowest one.
pub(crate) fn since_best(losses: &[f64]) -> usize {
    let mut best = f64::INFINITY;
    let mut since = 0;
    for &loss in losses {
        since += 1;
        if loss < best {
            (best, since) = (loss, 0);
        }
    }
    since
}

/// Linear warm-up factor over the first `steps` steps (Goyal et al. 2017, section 2.2): 1/`steps` at the first
/// step, 1 at the last.
pub(crate) fn warm_up(step: u64, steps: u64) -> f64 {
    if step < steps { (step + 1) as f64 / steps as f64 } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factor(schedule: Schedule, step: u64, valid_losses: &[f64]) -> f64 {
        schedule.factor(&ScheduleContext { step, steps_per_epoch: 10, epochs: 10, valid_losses })
    }

    #[test]
    fn cosine_falls_from_one_to_zero() {
        let factor = |step| factor(Schedule::Cosine, step, &[]);
        assert_eq!(factor(0), 1.0);
        assert!((factor(50) - 0.5).abs() < 1e-12);
        assert!(factor(99) > 0.0 && factor(99) < 0.001);
        assert!((1..100).all(|step| factor(step) < factor(step - 1)));
    }

    #[test]
    fn constant_stays_at_one() {
        assert!((0..5).all(|step| factor(Schedule::Constant, step, &[2.0, 3.0]) == 1.0));
    }

    #[test]
    fn step_decays_after_whole_epochs_and_exponential_at_every_step() {
        let step = Schedule::Step { every_epochs: 2, factor: 0.5 };
        let at = [0, 19, 20, 39, 40].map(|at| factor(step, at, &[]));
        assert_eq!(at, [1.0, 1.0, 0.5, 0.5, 0.25]);
        let exponential = Schedule::Exponential { factor: 0.25 };
        let at = [0, 5, 10, 20].map(|at| factor(exponential, at, &[]));
        assert_eq!(at, [1.0, 0.5, 0.25, 0.0625]);
    }

    #[test]
    fn plateau_decays_after_patience_losses_that_are_not_lower() {
        let plateau = Schedule::Plateau { patience: 2, factor: 0.5 };
        let at = |losses: &[f64]| factor(plateau, 0, losses);
        assert_eq!(at(&[3.0, 2.0, 2.0]), 1.0);
        assert_eq!(at(&[3.0, 2.0, 2.0, 2.5]), 0.5);
        assert_eq!(at(&[3.0, 2.0, 2.0, 2.5, 1.9, 2.0]), 0.5);
        assert_eq!(at(&[3.0, 2.0, 2.0, 2.5, 2.1, 2.0]), 0.25);
    }

    #[test]
    fn warm_up_rises_linearly_to_one() {
        let at = [0, 1, 3, 4, 9].map(|step| warm_up(step, 4));
        assert_eq!(at, [0.25, 0.5, 1.0, 1.0, 1.0]);
        assert_eq!(warm_up(0, 0), 1.0);
    }

    #[test]
    fn losses_are_counted_from_the_lowest() {
        assert_eq!(since_best(&[]), 0);
        assert_eq!(since_best(&[3.0, 2.0]), 0);
        assert_eq!(since_best(&[3.0, 2.0, 2.0, 4.0]), 2);
    }

    #[test]
    fn settings_out_of_range_are_rejected_by_name() {
        for (schedule, key) in [
            (Schedule::Step { every_epochs: 0, factor: 0.5 }, "every_epochs"),
            (Schedule::Step { every_epochs: 1, factor: 1.5 }, "factor"),
            (Schedule::Exponential { factor: 0.0 }, "factor"),
            (Schedule::Plateau { patience: 0, factor: 0.5 }, "patience"),
            (Schedule::Plateau { patience: 1, factor: f64::NAN }, "factor"),
        ] {
            let error = schedule.check().unwrap_err().to_string();
            assert!(error.contains(&format!("train.schedule.{key}")), "{error}");
        }
    }
}
