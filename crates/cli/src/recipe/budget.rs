//! How many training steps fit into the time.

use std::time::Instant;

use args::Train;
use trainer::{StepTime, TrainConfig};

use super::{Choice, DEFAULT_MINUTES};
use crate::error::{Result, bail};
use crate::view::format::{decimals, duration, thousands};

/// The share of the time that validations may take.
const VALIDATION_SHARE: f64 = 0.1;
/// The most validations: more would only repeat what the curve shows.
const MAX_EPOCHS: f64 = 25.0;
/// The time of a sample and a checkpoint at the end of an epoch, in seconds.
const EPOCH_SECONDS: f64 = 0.2;
/// The share of the time that is planned: steps are slower while other programs run.
const PLANNED: f64 = 0.97;

/// The longest time that can be given, in minutes: a year.
const MAX_MINUTES: f64 = 527_040.0;

/// The time of a run, which has begun.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    /// The time that is given, in minutes.
    minutes: Option<f64>,
    /// Whether the number of epochs is given instead.
    has_epochs: bool,
}

impl Clock {
    /// Starts it with the time and the number of epochs that the command line gives.
    ///
    /// # Errors
    /// If the time is out of range, or both are given.
    pub fn start(args: &Train) -> Result<Self> {
        let mut keys = args.config.set.iter().filter_map(|change| change.split_once('=')).map(|(key, _)| key.trim());
        let length = keys.find(|key| ["train.epochs", "train.steps_per_epoch"].contains(key));
        match (args.minutes, length) {
            (Some(minutes), _) if !(minutes > 0.0 && minutes <= MAX_MINUTES) => {
                bail!("`--minutes` is {minutes}; expected a number above 0, such as 3 or 0.5")
            }
            (Some(_), Some(key)) => {
                bail!("`--minutes` and `--set {key}` are both given, and both say how long to train; leave one out")
            }
            (minutes, length) => Ok(Self { start: Instant::now(), minutes, has_epochs: length.is_some() }),
        }
    }

    /// The time of the run in minutes, if its length follows from the time: if a time is given, or the configuration was
    /// chosen without a number of epochs.
    pub fn minutes(&self, is_chosen: bool) -> Option<f64> {
        self.minutes.or((is_chosen && !self.has_epochs).then_some(DEFAULT_MINUTES))
    }

    /// The seconds that are left of so many minutes.
    pub fn seconds_left(&self, minutes: f64) -> f64 {
        60.0 * minutes - self.start.elapsed().as_secs_f64()
    }
}

/// The length of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Length {
    /// `train.epochs`.
    pub epochs: usize,
    /// `train.steps_per_epoch`.
    pub steps_per_epoch: u64,
    /// Passes over the training text.
    pub passes: f64,
}

impl Length {
    /// The length of a run of `seconds`. With `by_passes`, an epoch has about the steps of a pass, as the settings of a
    /// configuration assume; otherwise there are as many epochs, and so validations, as a tenth of the time allows.
    pub fn fitting(seconds: f64, time: &StepTime, by_passes: bool) -> Self {
        let seconds = PLANNED * seconds.max(0.0);
        let epoch = time.validation_seconds + EPOCH_SECONDS;
        let pass = time.seconds_per_step * time.steps_per_pass as f64;
        let epochs = if by_passes {
            (seconds / (pass + epoch)).round()
        } else {
            (VALIDATION_SHARE * seconds / epoch).floor().min(MAX_EPOCHS)
        };
        // At least one step in each of them.
        let most = (seconds / (time.seconds_per_step + epoch)).floor();
        let epochs = epochs.min(most).max(1.0);
        let steps = ((seconds / epochs - epoch) / time.seconds_per_step).floor().max(1.0);
        Self {
            epochs: epochs as usize,
            steps_per_epoch: steps as u64,
            passes: epochs * steps / time.steps_per_pass.max(1) as f64,
        }
    }

    /// Sets the length in both configurations of a run.
    pub fn set(&self, section: &mut crate::config::Train, config: &mut TrainConfig) {
        (section.epochs, config.epochs) = (self.epochs, self.epochs);
        (section.steps_per_epoch, config.steps_per_epoch) = (self.steps_per_epoch, self.steps_per_epoch);
    }

    /// The reason for this length.
    pub fn choice(&self, minutes: f64, time: &StepTime) -> Choice {
        let Self { epochs, steps_per_epoch, passes } = *self;
        let steps = epochs as u64 * steps_per_epoch;
        let passes = match passes {
            part if part < 0.995 => format!(
                "{} % of the training text: the time is too short for all of it",
                decimals(100.0 * part, if part < 0.1 { 1 } else { 0 })
            ),
            passes => format!("{} passes over the training text", decimals(passes, 1)),
        };
        let reason = format!(
            "{} steps, {passes}, in about {}: on this machine a step takes {} and a validation {}, measured before the run.",
            thousands(steps as usize),
            duration(60.0 * minutes),
            short_time(time.seconds_per_step),
            short_time(time.validation_seconds)
        );
        Choice { key: "train.epochs", reason }
    }
}

/// A time with two digits.
fn short_time(seconds: f64) -> String {
    if seconds < 1.0 {
        format!("{} ms", decimals(1000.0 * seconds, usize::from(seconds < 0.01)))
    } else {
        duration(seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(seconds_per_step: f64, steps_per_pass: u64, validation_seconds: f64) -> StepTime {
        StepTime { seconds_per_step, steps_per_pass, validation_seconds }
    }

    /// The time that a run of this length takes.
    fn seconds(length: &Length, time: &StepTime) -> f64 {
        let per_epoch = length.steps_per_epoch as f64 * time.seconds_per_step + time.validation_seconds + EPOCH_SECONDS;
        length.epochs as f64 * per_epoch
    }

    #[test]
    fn a_run_fits_into_the_time_whatever_a_step_takes() {
        for by_passes in [false, true] {
            for (step, pass, validation) in
                [(0.001, 50, 0.01), (0.02, 900, 0.5), (0.05, 40_000, 16.0), (0.3, 10, 0.1), (0.02, 900, 0.0)]
            {
                let time = time(step, pass, validation);
                for budget in [30.0, 60.0, 180.0, 3600.0] {
                    let length = Length::fitting(budget, &time, by_passes);
                    let share = seconds(&length, &time) / budget;
                    let coarsest = length.epochs as f64 * step / budget;
                    assert!(share <= 1.0 && share > PLANNED - coarsest - 1e-9, "{time:?} {budget}: {length:?} {share}");
                }
            }
        }
    }

    #[test]
    fn validations_take_at_most_a_tenth_of_the_time() {
        let time = time(0.02, 900, 3.0);
        let length = Length::fitting(180.0, &time, false);
        assert_eq!(length.epochs, 5);
        assert!(length.epochs as f64 * (time.validation_seconds + EPOCH_SECONDS) <= 18.0);
        // With a configuration, one for each pass.
        assert_eq!(Length::fitting(180.0, &time, true).epochs, 8);
    }

    #[test]
    fn a_time_that_is_too_short_gives_one_step() {
        for seconds in [-1.0, 0.0, 0.1] {
            let length = Length::fitting(seconds, &time(0.5, 100, 2.0), false);
            assert_eq!((length.epochs, length.steps_per_epoch), (1, 1));
        }
    }

    #[test]
    fn the_reason_tells_a_part_of_the_text_from_passes() {
        let reason =
            |passes| Length { epochs: 2, steps_per_epoch: 50, passes }.choice(3.0, &time(0.02, 100, 1.5)).reason;
        assert!(reason(0.4).contains("40 % of the training text: the time is too short"), "{}", reason(0.4));
        assert!(reason(12.34).contains("12.3 passes over the training text"), "{}", reason(12.34));
        assert!(reason(1.0).contains("a step takes 20 ms"), "{}", reason(1.0));
    }
}
