//! How many training steps fit into the time.

use std::time::Instant;

use args::Train;
use trainer::StepTime;

use super::given::leaf_keys;
use super::{Choice, DEFAULT_MINUTES};
use crate::config::RunLength;
use crate::error::{Result, bail};
use crate::view::format::{counted, decimals, duration, short_number, thousands};

/// The share of the time that validations may take.
const VALIDATION_SHARE: f64 = 0.1;
/// The most validations: more would only repeat what the curve shows.
const MAX_EPOCHS: f64 = 25.0;
/// The time of a sample and a checkpoint at the end of an epoch for each parameter of the model, in seconds. The checkpoint
/// before the first step takes about as long. Measured in runs of 0.3 to 2 million parameters (benchmarks/README.md,
/// "Recipes").
const SECONDS_PER_PARAMETER: f64 = 0.25e-6;
/// The share of the time that is planned. The rest is for the final reports, and for steps that are slower than the
/// measured ones, because other programs run.
const PLANNED: f64 = 0.97;
/// A run whose passes are limited and that takes less than this fraction of the time says so.
const REPORTED_BELOW: f64 = 0.9;

/// The longest time that can be given, in minutes: a year.
const MAX_MINUTES: f64 = 527_040.0;

/// When a run began, and how long it may take.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    /// The time that is given, in minutes.
    minutes: Option<f64>,
    /// Whether the number of epochs is given instead.
    has_epochs: bool,
}

/// The time of a run, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Time {
    /// From its start to its end.
    pub whole: f64,
    /// What is left of it; negative if it is over.
    pub left: f64,
}

impl Clock {
    /// Starts it with the time and the number of epochs that the command line gives.
    ///
    /// # Errors
    /// If the time is out of range, both are given, or a change is invalid.
    pub fn start(args: &Train) -> Result<Self> {
        let keys = leaf_keys(&args.config.set)?;
        let length = keys.iter().find(|key| ["train.epochs", "train.steps_per_epoch"].contains(&key.as_str()));
        match (args.minutes, length) {
            (Some(minutes), _) if !(minutes > 0.0 && minutes <= MAX_MINUTES) => {
                bail!(
                    "`--minutes` is {}; expected a number above 0, such as 3 or 0.5, and at most {MAX_MINUTES}, which is \
                     a year",
                    short_number(minutes)
                )
            }
            (Some(_), Some(key)) => {
                bail!("`--minutes` and `--set {key}` are both given, and both say how long to train; leave one out")
            }
            (minutes, length) => Ok(Self { start: Instant::now(), minutes, has_epochs: length.is_some() }),
        }
    }

    /// The time that is given, in minutes.
    pub fn given(&self) -> Option<f64> {
        self.minutes
    }

    /// The given time or the default one, in minutes.
    pub fn given_or_default(&self) -> f64 {
        self.minutes.unwrap_or(DEFAULT_MINUTES)
    }

    /// Whether the number of epochs or of their steps is given, and not the time.
    pub fn has_epochs(&self) -> bool {
        self.has_epochs
    }

    /// The time of a run of so many minutes.
    pub fn time(&self, minutes: f64) -> Time {
        let whole = 60.0 * minutes;
        Time { whole, left: whole - self.start.elapsed().as_secs_f64() }
    }
}

/// What an epoch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EpochRule {
    /// About a pass over the training data, as the settings of a configuration assume, if validations then take no more
    /// than a tenth of the time.
    Pass,
    /// As short as validations allow, which may take a tenth of the time.
    ValidationTime,
}

/// A length that fits into a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PlannedLength {
    /// Epochs and steps: one of each, at least.
    pub length: RunLength,
    /// Passes over the training text.
    pub passes: f64,
    /// Whether the time is too short even for one step.
    pub is_too_short: bool,
    /// Whether the time allows more passes than help.
    pub is_limited: bool,
}

impl PlannedLength {
    /// The length of a run in the time that is left.
    pub fn fitting(time: Time, step: &StepTime, rule: EpochRule) -> Self {
        let seconds = (PLANNED * time.left - start_seconds(step)).max(0.0);
        let epoch = epoch_end_seconds(step);
        let pass = step.seconds_per_step * step.steps_per_pass as f64;
        let passes = (seconds / (pass + epoch)).round();
        let epochs = match rule {
            EpochRule::Pass if passes * epoch <= VALIDATION_SHARE * seconds => passes,
            EpochRule::Pass | EpochRule::ValidationTime => (VALIDATION_SHARE * seconds / epoch).floor().min(MAX_EPOCHS),
        };
        // At least one step in each of them.
        let most = (seconds / (step.seconds_per_step + epoch)).floor();
        let epochs = epochs.min(most).max(1.0);
        let steps = ((seconds / epochs - epoch) / step.seconds_per_step).floor().max(1.0);
        Self {
            length: RunLength { epochs: epochs as usize, steps_per_epoch: steps as u64 },
            passes: epochs * steps / step.steps_per_pass.max(1) as f64,
            is_too_short: most < 1.0,
            is_limited: false,
        }
    }

    /// The same with at most so many passes over the training text.
    pub fn at_most(self, passes: f64, step: &StepTime) -> Self {
        if self.passes <= passes {
            return self;
        }
        let per_pass = step.steps_per_pass.max(1) as f64;
        let all = (passes * per_pass).floor().max(1.0);
        let epochs = (self.length.epochs as f64).min(all);
        let steps = (all / epochs).floor();
        let length = RunLength { epochs: epochs as usize, steps_per_epoch: steps as u64 };
        Self { length, passes: epochs * steps / per_pass, is_limited: true, ..self }
    }

    /// The reason for this length.
    pub fn choice(&self, time: Time, step: &StepTime) -> Choice {
        let Self { length: RunLength { epochs, steps_per_epoch }, passes, is_too_short, is_limited } = *self;
        let count = |steps: u64| counted(steps as usize, "step");
        let steps = count(epochs as u64 * steps_per_epoch);
        let reason = if is_too_short {
            format!(
                "{steps}: the time of {} is too short, because reading, counting and measuring took {}; a pass \
                 over the training text needs about `--minutes {}`",
                short_time(time.whole),
                short_time(time.whole - time.left),
                decimals(minutes_for_pass(time, step), 1)
            )
        } else {
            let passes = match passes {
                part if part < 0.995 => format!(
                    "{} % of the training text: the time is too short for all of it",
                    decimals(100.0 * part, if part < 0.1 { 1 } else { 0 })
                ),
                passes => {
                    // In hundreds of passes a tenth of one means nothing.
                    let passes = if passes < 99.95 { decimals(passes, 1) } else { thousands(passes.round() as usize) };
                    format!("{passes} passes over the training text")
                }
            };
            let seconds = if is_limited { time.whole - time.left + seconds_of(self.length, step) } else { time.whole };
            let why = if seconds < REPORTED_BELOW * time.whole {
                ", less than the time allows, because more passes would only make the model memorise the text"
            } else {
                ""
            };
            let time = format!("in about {}{why}", duration(seconds));
            // An epoch of a plan is a part of the plan and not a pass.
            let epochs = match epochs {
                1 => String::new(),
                _ => format!("; {epochs} epochs of {}, each of which ends with a validation", count(steps_per_epoch)),
            };
            format!(
                "{steps}, {passes}, {time}: on this machine a step takes {} and a validation {}, measured before the \
                 run{epochs}",
                short_time(step.seconds_per_step),
                short_time(step.validation_seconds)
            )
        };
        Choice { keys: &["train.epochs", "train.steps_per_epoch"], reason }
    }
}

/// The time of a sample and a checkpoint, in seconds.
fn checkpoint_seconds(step: &StepTime) -> f64 {
    SECONDS_PER_PARAMETER * step.parameters as f64
}

/// The time of the end of an epoch, in seconds: a validation, a sample and a checkpoint.
fn epoch_end_seconds(step: &StepTime) -> f64 {
    step.validation_seconds + checkpoint_seconds(step)
}

/// The time between the plan and the first step, in seconds: a checkpoint, and the trainer's own trial steps, up to six
/// in about half a second.
fn start_seconds(step: &StepTime) -> f64 {
    let trial = step.seconds_per_step;
    checkpoint_seconds(step) + (6.0 * trial).min(0.5 + 2.0 * trial)
}

/// The time of a run of this length from its plan to its end, in seconds.
fn seconds_of(length: RunLength, step: &StepTime) -> f64 {
    let epoch = length.steps_per_epoch as f64 * step.seconds_per_step + epoch_end_seconds(step);
    start_seconds(step) + length.epochs as f64 * epoch
}

/// The time of a run of one pass, in minutes, rounded up to a tenth.
fn minutes_for_pass(time: Time, step: &StepTime) -> f64 {
    let pass = step.seconds_per_step * step.steps_per_pass as f64;
    let training = start_seconds(step) + pass + epoch_end_seconds(step);
    let seconds = time.whole - time.left + training / PLANNED;
    (seconds / 6.0).ceil() / 10.0
}

/// A time with two digits.
pub(super) fn short_time(seconds: f64) -> String {
    if seconds < 1.0 {
        format!("{} ms", decimals(1000.0 * seconds, usize::from(seconds < 0.01)))
    } else {
        duration(seconds)
    }
}

#[cfg(test)]
mod tests {
    use args::ConfigArgs;

    use super::*;

    fn step_time(seconds_per_step: f64, steps_per_pass: u64, validation_seconds: f64) -> StepTime {
        // A sample and a checkpoint take a fifth of a second.
        StepTime { seconds_per_step, steps_per_pass, validation_seconds, parameters: 800_000 }
    }

    /// The whole of so many seconds.
    fn seconds(whole: f64) -> Time {
        Time { whole, left: whole }
    }

    #[test]
    fn a_run_fits_into_the_time_whatever_a_step_takes() {
        for rule in [EpochRule::Pass, EpochRule::ValidationTime] {
            for (step, pass, validation) in
                [(0.001, 50, 0.01), (0.02, 900, 0.5), (0.05, 40_000, 16.0), (0.3, 10, 0.1), (0.02, 900, 0.0)]
            {
                let step_time = step_time(step, pass, validation);
                for budget in [30.0, 60.0, 180.0, 3600.0] {
                    let planned = PlannedLength::fitting(seconds(budget), &step_time, rule);
                    let share = seconds_of(planned.length, &step_time) / budget;
                    let coarsest = planned.length.epochs as f64 * step / budget;
                    let is_near = share <= 1.0 && share > PLANNED - coarsest - 1e-9;
                    assert!(is_near && !planned.is_too_short, "{step_time:?} {budget}: {planned:?} {share}");
                }
            }
        }
    }

    #[test]
    fn validations_take_at_most_a_tenth_of_the_time() {
        let epochs = |step: &StepTime, rule| PlannedLength::fitting(seconds(180.0), step, rule).length.epochs;
        let slow = step_time(0.02, 900, 3.0);
        assert_eq!(epochs(&slow, EpochRule::ValidationTime), 5);
        assert!(5.0 * epoch_end_seconds(&slow) <= 18.0);
        // An epoch is a pass only where its validation is short enough.
        assert_eq!(epochs(&slow, EpochRule::Pass), 5);
        assert_eq!(epochs(&step_time(0.02, 900, 0.5), EpochRule::Pass), 9);
        assert_eq!(epochs(&step_time(0.002, 50, 0.1), EpochRule::Pass), 25);
        assert_eq!(epochs(&step_time(0.02, 90_000, 3.0), EpochRule::Pass), 1);
    }

    #[test]
    fn a_larger_model_has_fewer_epochs_because_its_checkpoints_take_longer() {
        let epochs = |parameters| {
            let step = StepTime { parameters, ..step_time(0.01, 43, 0.02) };
            PlannedLength::fitting(seconds(60.0), &step, EpochRule::ValidationTime).length.epochs
        };
        assert!(epochs(300_000) == 25 && epochs(3_000_000) < 10, "{} {}", epochs(300_000), epochs(3_000_000));
    }

    #[test]
    fn a_time_that_is_too_short_gives_one_step_and_says_which_time_is_enough() {
        let step = step_time(0.5, 100, 2.0);
        for left in [-8.0, 0.0, 0.1] {
            let time = Time { whole: 12.0, left };
            let planned = PlannedLength::fitting(time, &step, EpochRule::ValidationTime);
            assert_eq!(planned.length, RunLength { epochs: 1, steps_per_epoch: 1 });
            assert!(planned.is_too_short);
        }
        let time = Time { whole: 12.0, left: -8.0 };
        let reason = PlannedLength::fitting(time, &step, EpochRule::Pass).choice(time, &step).reason;
        let expected = "1 step: the time of 12 s is too short, because reading, counting and measuring took 20 s; a \
                        pass over the training text needs about `--minutes 1.3`";
        assert_eq!(reason, expected);
        let enough = Time { whole: 78.0, left: 58.0 };
        assert!(PlannedLength::fitting(enough, &step, EpochRule::Pass).passes >= 1.0);
    }

    #[test]
    fn passes_are_limited_if_more_do_not_help() {
        let step = step_time(0.02, 50, 0.1);
        let planned = PlannedLength::fitting(seconds(180.0), &step, EpochRule::ValidationTime);
        assert!(planned.passes > 100.0);
        let limited = planned.at_most(8.0, &step);
        assert!(limited.passes <= 8.0 && limited.passes > 7.0 && limited.is_limited, "{limited:?}");
        assert_eq!(limited.length.epochs, planned.length.epochs);
        // Twelve seconds were needed for the plan; 400 steps take eight, and each of 25 epochs 0.3 s more.
        let reason = limited.choice(Time { whole: 180.0, left: 168.0 }, &step).reason;
        assert!(reason.contains(", in about 28 s, less than the time allows, because"), "{reason}");
        // With nearly as many passes as the time allows it is nearly used up.
        let reason = planned.at_most(0.97 * planned.passes, &step).choice(seconds(180.0), &step).reason;
        assert!(reason.contains(" s: on this machine a step takes ") && !reason.contains("less than"), "{reason}");
        // A text of a single step per pass.
        let tiny = step_time(0.02, 1, 0.1);
        let limited = PlannedLength::fitting(seconds(180.0), &tiny, EpochRule::ValidationTime).at_most(8.0, &tiny);
        assert_eq!(limited.length, RunLength { epochs: 8, steps_per_epoch: 1 });
        let whole = PlannedLength::fitting(seconds(1.0), &step, EpochRule::ValidationTime);
        assert_eq!(whole.at_most(8.0, &step), whole);
    }

    #[test]
    fn the_reason_tells_a_part_of_the_text_from_passes() {
        let reason = |passes| {
            let length = RunLength { epochs: 2, steps_per_epoch: 50 };
            let planned = PlannedLength { length, passes, is_too_short: false, is_limited: false };
            planned.choice(seconds(180.0), &step_time(0.02, 100, 1.5)).reason
        };
        assert!(
            reason(0.4).starts_with("100 steps, 40 % of the training text: the time is too short"),
            "{}",
            reason(0.4)
        );
        assert!(reason(12.34).contains("12.3 passes over the training text"), "{}", reason(12.34));
        assert!(reason(99.96).contains(", 100 passes over the training text"), "{}", reason(99.96));
        assert!(reason(1_770.4).contains(", 1,770 passes over the training text"), "{}", reason(1_770.4));
        let expected = "a step takes 20 ms and a validation 2 s, measured before the run; 2 epochs of 50 steps, each of which \
                        ends with a validation";
        assert!(reason(1.0).ends_with(expected), "{}", reason(1.0));
    }

    #[test]
    fn a_time_is_above_zero_and_at_most_a_year() {
        for minutes in [0.0, -1.0, f64::NAN, f64::INFINITY, 600_000.0] {
            let error = Clock::start(&Train { minutes: Some(minutes), ..Train::default() }).unwrap_err().to_string();
            assert!(error.contains("a number above 0") && error.contains("at most 527040"), "{error}");
        }
        let clock = Clock::start(&Train::default()).unwrap();
        assert_eq!((clock.given(), clock.given_or_default(), clock.has_epochs()), (None, DEFAULT_MINUTES, false));
        for (change, key) in
            [("train.epochs=2", "train.epochs"), ("train={steps_per_epoch=9}", "train.steps_per_epoch")]
        {
            let config = ConfigArgs { set: vec![change.into()], ..ConfigArgs::default() };
            let args = Train { config, ..Train::default() };
            assert!(Clock::start(&args).unwrap().has_epochs(), "{change}");
            let error = Clock::start(&Train { minutes: Some(1.0), ..args }).unwrap_err().to_string();
            assert!(error.contains(&format!("`--minutes` and `--set {key}` are both given")), "{error}");
        }
    }
}
