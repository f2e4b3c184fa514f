//! The learning rate along a run: a function of the step's number and of the validation losses so far,
//! so that a resumed run needs no memory of it. A new schedule is a variant here.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How the learning rate changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// It does not.
    #[default]
    Constant,
    /// It is multiplied by `factor` after every `epochs` epochs.
    Step {
        /// Epochs between two falls.
        epochs: usize,
        /// What is left of it.
        factor: f64,
    },
    /// It falls a little with every step, by `factor` over an epoch.
    Exponential {
        /// What an epoch leaves of it.
        factor: f64,
    },
    /// From all of it at the first step down to nothing after the last, along half a cosine
    /// (Loshchilov and Hutter 2017, equation 5, without restarts).
    Cosine,
    /// It is multiplied by `factor` when `patience` evaluations in a row brought no lower validation
    /// loss; then patience begins anew.
    Plateau {
        /// Evaluations without a lower loss that are borne.
        patience: usize,
        /// What is left of it.
        factor: f64,
    },
}

/// Where a run stands.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// The step to come, of the whole run, counted from 0.
    pub step: u64,
    /// Steps in an epoch.
    pub steps_per_epoch: u64,
    /// Epochs in the run.
    pub epochs: u64,
    /// The validation losses so far, in order.
    pub valid_losses: &'a [f64],
}

impl Schedule {
    /// The share of the learning rate at this moment.
    pub fn share(self, moment: &Moment) -> f64 {
        let Moment { step, steps_per_epoch, epochs, valid_losses } = *moment;
        let per_epoch = steps_per_epoch.max(1);
        match self {
            Self::Constant => 1.0,
            Self::Step { epochs, factor } => {
                factor.powi((step / per_epoch / epochs.max(1) as u64) as i32)
            }
            Self::Exponential { factor } => factor.powf(step as f64 / per_epoch as f64),
            Self::Cosine => {
                let done = step as f64 / (epochs * per_epoch).max(1) as f64;
                0.5 * (1.0 + (std::f64::consts::PI * done).cos())
            }
            Self::Plateau { patience, factor } => {
                factor.powi(plateaus(valid_losses, patience) as i32)
            }
        }
    }

    /// Whether the length of the whole run shapes every step of it.
    pub fn depends_on_length(self) -> bool {
        self == Self::Cosine
    }

    /// Refuses numbers that schedule nothing.
    ///
    /// # Errors
    /// Names the setting.
    pub fn check(self) -> Result<()> {
        let refuse = |key, found: String, expected| Err(Error::OutOfRange { key, found, expected });
        match self {
            Self::Step { epochs: 0, .. } => {
                refuse("train.schedule.every_epochs", "0".into(), "1 or more")
            }
            Self::Plateau { patience: 0, .. } => {
                refuse("train.schedule.patience", "0".into(), "1 or more")
            }
            Self::Step { factor, .. }
            | Self::Exponential { factor }
            | Self::Plateau { factor, .. }
                if !(factor > 0.0 && factor <= 1.0) =>
            {
                let expected = "a number above 0 and at most 1";
                refuse("train.schedule.factor", factor.to_string(), expected)
            }
            _ => Ok(()),
        }
    }
}

/// How often `patience` losses in a row were no lower than the lowest before them.
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

/// Evaluations since the lowest loss.
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

/// The share of the learning rate while it is still being raised, linearly over the first `steps`
/// steps (Goyal et al. 2017, section 2.2): 1/`steps` at the first one, all of it at the last.
pub(crate) fn warm_up(step: u64, steps: u64) -> f64 {
    match step < steps {
        true => (step + 1) as f64 / steps as f64,
        false => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(schedule: Schedule, step: u64, valid_losses: &[f64]) -> f64 {
        schedule.share(&Moment { step, steps_per_epoch: 10, epochs: 10, valid_losses })
    }

    #[test]
    fn a_cosine_falls_from_all_to_nothing() {
        let share = |step| share(Schedule::Cosine, step, &[]);
        assert_eq!(share(0), 1.0);
        assert!((share(50) - 0.5).abs() < 1e-12);
        assert!(share(99) > 0.0 && share(99) < 0.001);
        assert!((1..100).all(|step| share(step) < share(step - 1)));
    }

    #[test]
    fn a_constant_stays() {
        assert!((0..5).all(|step| share(Schedule::Constant, step, &[2.0, 3.0]) == 1.0));
    }

    #[test]
    fn steps_fall_after_whole_epochs_and_an_exponential_all_along() {
        let step = Schedule::Step { epochs: 2, factor: 0.5 };
        let at = [0, 19, 20, 39, 40].map(|at| share(step, at, &[]));
        assert_eq!(at, [1.0, 1.0, 0.5, 0.5, 0.25]);
        let exponential = Schedule::Exponential { factor: 0.25 };
        let at = [0, 5, 10, 20].map(|at| share(exponential, at, &[]));
        assert_eq!(at, [1.0, 0.5, 0.25, 0.0625]);
    }

    #[test]
    fn a_plateau_is_patience_without_a_lower_loss() {
        let plateau = Schedule::Plateau { patience: 2, factor: 0.5 };
        let at = |losses: &[f64]| share(plateau, 0, losses);
        assert_eq!(at(&[3.0, 2.0, 2.0]), 1.0);
        assert_eq!(at(&[3.0, 2.0, 2.0, 2.5]), 0.5);
        assert_eq!(at(&[3.0, 2.0, 2.0, 2.5, 1.9, 2.0]), 0.5);
        assert_eq!(at(&[3.0, 2.0, 2.0, 2.5, 2.1, 2.0]), 0.25);
    }

    #[test]
    fn a_warm_up_is_a_line_to_the_whole() {
        let at = [0, 1, 3, 4, 9].map(|step| warm_up(step, 4));
        assert_eq!(at, [0.25, 0.5, 1.0, 1.0, 1.0]);
        assert_eq!(warm_up(0, 0), 1.0);
    }

    #[test]
    fn evaluations_are_counted_from_the_lowest_loss() {
        assert_eq!(since_best(&[]), 0);
        assert_eq!(since_best(&[3.0, 2.0]), 0);
        assert_eq!(since_best(&[3.0, 2.0, 2.0, 4.0]), 2);
    }

    #[test]
    fn numbers_that_schedule_nothing_are_refused_by_name() {
        for (schedule, key) in [
            (Schedule::Step { epochs: 0, factor: 0.5 }, "every_epochs"),
            (Schedule::Step { epochs: 1, factor: 1.5 }, "factor"),
            (Schedule::Exponential { factor: 0.0 }, "factor"),
            (Schedule::Plateau { patience: 0, factor: 0.5 }, "patience"),
            (Schedule::Plateau { patience: 1, factor: f64::NAN }, "factor"),
        ] {
            let error = schedule.check().unwrap_err().to_string();
            assert!(error.contains(&format!("train.schedule.{key}")), "{error}");
        }
    }
}
