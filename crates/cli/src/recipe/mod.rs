//! The automatic recipe: chooses a complete configuration for a text, so that `train` needs none.
//!
//! 1. `look.rs` reads the text once and describes it.
//! 2. `start.rs` decides whether the run starts from the built-in base, by a trial of seconds (`trial.rs`).
//! 3. `choices.rs` chooses documents, tokens, sizes and training settings from that description, `from_base.rs` those of a
//!    run that starts from the base; their tables come from measurements (benchmarks/README.md, "Recipes"). What the command
//!    line sets is not chosen, nor is what would exclude it (`given.rs`, `implied.rs`). `training.rs` chooses the batch, also for
//!    several processes.
//! 4. `step.rs` measures a step on this machine, and `budget.rs` chooses how many fit into the time. Where the passes over
//!    the text are limited, `streams.rs` chooses fewer parallel streams, so that the run fills its time.
//! 5. `plan_file.rs` writes the result as a configuration with a comment for each choice.
//!
//! The plan is made once, before step 0. A run that is resumed or repeated reads its configuration as any other run.

pub mod budget;
mod choices;
mod from_base;
mod given;
mod implied;
mod look;
mod plan_file;
mod sizes;
mod start;
mod step;
mod streams;
mod table;
mod training;
mod trial;

use args::ConfigArgs;
use models::{LanguageModel, LmBundle};
use trainer::StepTime;

use self::budget::{Clock, EpochRule, PlannedLength};
use self::given::Given;
use self::look::Found;
use self::sizes::Sizes;
use self::start::{Candidate, Start};
use crate::config::{Config, LmExperiment, PretrainedModel};
use crate::error::{Result, bail};
use crate::input::is_read_once;
use crate::output::status;
use crate::run::experiment::{Experiment, Setup};
use crate::view::format::{counted, thousands};

/// The time of a run without a configuration, in minutes.
pub const DEFAULT_MINUTES: f64 = 3.0;

/// The file of the plan in the directory of a run.
pub const PLAN: &str = "plan.toml";

/// The shortest text that is planned for, in characters: a tenth of it is still some dozens.
const MIN_CHARACTERS: u64 = 500;

/// A warning says that a shorter text, in characters, is hardly enough.
const SHORT_CHARACTERS: u64 = 5_000;

/// A run with fewer validations, each of which shows a sample, shows so many in all.
const SAMPLES: u64 = 6;

/// A text that was looked at, before a configuration is chosen for it.
pub struct LookedAt {
    given: Given,
    found: Found,
    candidate: Candidate,
}

/// A configuration that was chosen for a text.
pub struct Recipe {
    /// The configuration, without a number of steps.
    pub config: Config,
    /// The built-in base, if the run starts from it.
    pub base: Option<LmBundle>,
    /// What is left to be chosen.
    pub open: OpenChoices,
    /// What makes the text unsuitable, if something does.
    pub warnings: Vec<String>,
}

/// What is left to be chosen once the text is tokenized.
pub struct OpenChoices {
    /// What was chosen before.
    choices: Vec<Choice>,
    sizes: Sizes,
    /// Whether the parallel streams stay: they are given, or there are several processes, which need many.
    keeps_streams: bool,
    /// Whether the command line says when there are samples.
    has_samples: bool,
}

/// A choice and its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// All keys that the reason is about, one at least, as in `model.layers`. The first one is where the reason stands.
    pub keys: &'static [&'static str],
    /// What was chosen and why, without a full stop.
    pub reason: String,
}

impl Choice {
    /// The key above which the reason stands in a plan.
    pub fn key(&self) -> &'static str {
        self.keys[0]
    }
}

/// All that was chosen for a run.
pub struct Reasons {
    /// The first comment of the plan.
    heading: &'static str,
    choices: Vec<Choice>,
    /// The time for which the number of steps was chosen, in minutes; `None` if that number was given.
    pub minutes: Option<f64>,
}

impl LookedAt {
    /// Looks at the text that the command line gives, or the built-in fables. With `no_base`, the recipe does not consider
    /// the built-in base.
    ///
    /// # Errors
    /// If the text cannot be read or is too short, or a change is invalid.
    pub fn new(args: &ConfigArgs, no_base: bool) -> Result<Self> {
        let mut given = Given::new(args)?;
        let mut candidate = Candidate::new(&given, no_base)?;
        let found = look::look(&mut given, |piece| candidate.read(piece))?;
        if found.profile.characters < MIN_CHARACTERS {
            bail!(
                "{} has {}; expected {MIN_CHARACTERS} or more, to learn from most of it and to hold out the \
                 rest: give a longer text, or a configuration with `--config`",
                given.config.text.name(),
                counted(found.profile.characters as usize, "character")
            );
        }
        Ok(Self { given, found, candidate })
    }
}

impl Recipe {
    /// Chooses a configuration for a run of `minutes`, after a trial of the built-in base if it is considered. What the
    /// command line sets is not changed.
    ///
    /// # Errors
    /// If a change is invalid, or the base cannot be tried.
    pub fn choose(text: LookedAt, minutes: f64, setup: Setup) -> Result<Self> {
        let LookedAt { given, found, candidate } = text;
        let ranks = setup.ranks.count();
        let start = candidate.decide(&given, found.profile.bytes, minutes, setup)?;
        let (config, mut choices, sizes) = match &start {
            Start::New { .. } => choices::choose(&found, &given, minutes, ranks),
            Start::Base { model, .. } => from_base::choose(&found, &given, minutes, ranks, &PretrainedModel::of(model)),
        };
        choices.splice(0..0, start.choice());
        let base = match start {
            Start::New { .. } => None,
            Start::Base { model, .. } => Some(*model),
        };
        let keeps_streams = ranks > 1 || streams::are_given(&given);
        let has_samples = given.is_set("samples.every_steps");
        let config = given.apply(config)?;
        choices.extend(ngrams_choice(&config));
        let repeats = found.profile.repeats().then(|| {
            format!(
                "nearly all of {} is repeated, so the model will soon memorise it and write nothing new: give a text \
                 with more variety",
                config.text.name()
            )
        });
        let characters = found.profile.characters;
        let short = (characters < SHORT_CHARACTERS).then(|| {
            format!(
                "{} has only {} characters: the scores of so short a held-out part say little, and the model will mostly \
                 repeat the text; give a longer one, 50 kB or more for new sentences",
                config.text.name(),
                thousands(characters as usize)
            )
        });
        let warnings = short.into_iter().chain(repeats).chain(look::table_warning(&config.text)).collect();
        Ok(Self { config, base, open: OpenChoices { choices, sizes, keeps_streams, has_samples }, warnings })
    }

    /// The name for the directory of the run: that of the text.
    pub fn name(&self) -> String {
        let text = &self.config.text;
        let path = text.path.as_ref().and_then(|paths| paths.iter().next());
        // The name of a pipe means nothing.
        let stem = path.filter(|path| !is_read_once(path)).and_then(|path| path.file_stem());
        let name = stem.map(|stem| stem.to_string_lossy()).or(text.dataset.as_deref().map(Into::into));
        name.map_or_else(|| "text".into(), |name| directory_name(&name))
    }
}

/// That n-grams are kept, if the command line says so.
fn ngrams_choice(config: &Config) -> Option<Choice> {
    let reason = "given: the n-grams of the training text are counted when training has ended, which is not part of the time, \
                  and texts are written with the mixture of both";
    (!config.ngrams.is_none()).then(|| Choice { keys: &["ngrams.order"], reason: reason.into() })
}

impl Reasons {
    /// The configuration `toml` with the reasons as comments.
    pub fn to_toml(&self, toml: &str) -> String {
        plan_file::to_toml(toml, self.heading, &self.choices)
    }

    fn print(&self, heading: &str) {
        status(heading);
        self.choices.iter().for_each(|choice| status(&format!("  {}: {}", choice.key(), choice.reason)));
    }
}

/// Chooses size, streams and number of steps of a run that ends with the time of `clock`, and prints all that was chosen.
/// A model of another size replaces `model`. Only the size is chosen if `--set` gives a number of epochs.
///
/// # Errors
/// If a step cannot be measured.
pub fn plan(
    experiment: &mut LmExperiment,
    model: &mut LanguageModel,
    open: OpenChoices,
    clock: Clock,
    setup: Setup,
) -> Result<Reasons> {
    let OpenChoices { mut choices, sizes, keeps_streams, has_samples } = open;
    let minutes = clock.given_or_default();
    let passes = |experiment: &LmExperiment, model: &LanguageModel| -> Result<f64> {
        let step = step::measure_briefly(experiment, model, minutes, setup)?;
        Ok(PlannedLength::fitting(clock.time(minutes), &step, EpochRule::ValidationTime).passes)
    };
    let units = choose_size(sizes.units, sizes.passes, |units| {
        set_units(experiment, model, units, setup)?;
        passes(experiment, model)
    })?;
    if let Some(units) = units {
        set_units(experiment, model, units, setup)?;
    }
    choices.extend(units.map(|units| {
        let Choice { keys, mut reason } = sizes.choice(units, experiment.config.model.layers[0].cell);
        if clock.has_epochs() {
            reason += &format!("; the number of steps is given, so the size is chosen as for {minutes} minutes");
        }
        Choice { keys, reason }
    }));
    if !clock.has_epochs() {
        if !keeps_streams {
            streams::choose(experiment, sizes.most_passes, &mut choices, |experiment| passes(experiment, model))?;
        }
        let step = step::measure(experiment, model, minutes, setup)?;
        choices.push(set_length(experiment, clock, minutes, &step, EpochRule::ValidationTime, sizes.most_passes));
        choices.extend((!has_samples).then(|| set_samples(experiment)).flatten());
    }
    let heading = "Chosen for this text and this machine. Edit it and train with `train --config FILE`.";
    let reasons = Reasons { heading, choices, minutes: (!clock.has_epochs()).then_some(minutes) };
    reasons.print("chosen for this text and this machine:");
    Ok(reasons)
}

/// Chooses the number of steps of a run with a configuration if `clock` has a time, and prints it.
///
/// # Errors
/// If a step cannot be measured.
pub fn plan_length<C: Experiment>(
    experiment: &mut C,
    model: &C::Network,
    clock: Clock,
    setup: Setup,
) -> Result<Option<Reasons>> {
    let Some(minutes) = clock.given() else { return Ok(None) };
    let step = step::measure(experiment, model, minutes, setup)?;
    // A configuration whose epochs are no passes leaves it to the time.
    let rule = match experiment.train_config().steps_per_epoch {
        0 => EpochRule::Pass,
        _ => EpochRule::ValidationTime,
    };
    let choices = vec![set_length(experiment, clock, minutes, &step, rule, f64::INFINITY)];
    let heading = "This configuration with a number of steps for this machine.";
    let reasons = Reasons { heading, choices, minutes: Some(minutes) };
    reasons.print("chosen for this time and this machine:");
    Ok(Some(reasons))
}

/// Gives every layer this hidden size. A model of another size replaces `model`.
fn set_units(experiment: &mut LmExperiment, model: &mut LanguageModel, units: usize, setup: Setup) -> Result<()> {
    if experiment.config.model.layers.iter().any(|layer| layer.units != units) {
        let mut section = experiment.config.model.clone();
        section.layers.iter_mut().for_each(|layer| layer.units = units);
        experiment.set_model(section);
        let resized = experiment.model.init(experiment.config.seed, setup.device)?;
        // The embedding does not depend on the hidden size, and may have pretrained vectors.
        *model = LanguageModel { embedding: model.embedding.clone(), ..resized };
    }
    Ok(())
}

/// The first of `sizes`, the largest first, with which `passes` gives at least `needed` passes over the text, or else
/// the last one, which is not tried; none of none.
fn choose_size(sizes: &[usize], needed: f64, mut passes: impl FnMut(usize) -> Result<f64>) -> Result<Option<usize>> {
    let Some((&last, larger)) = sizes.split_last() else { return Ok(None) };
    for &size in larger {
        if passes(size)? >= needed {
            return Ok(Some(size));
        }
    }
    Ok(Some(last))
}

/// Sets the length of a run of so many minutes, with at most so many passes over the text; returns the reason.
fn set_length<C: Experiment>(
    experiment: &mut C,
    clock: Clock,
    minutes: f64,
    step: &StepTime,
    rule: EpochRule,
    most_passes: f64,
) -> Choice {
    let time = clock.time(minutes);
    let planned = PlannedLength::fitting(time, step, rule).at_most(most_passes, step);
    experiment.set_length(planned.length);
    planned.choice(time, step)
}

/// Sets the steps between samples in a run of few epochs; returns the reason.
fn set_samples(experiment: &mut LmExperiment) -> Option<Choice> {
    let steps = sample_interval(experiment.config.train.epochs as u64, experiment.config.train.steps_per_epoch)?;
    experiment.set_sample_interval(steps);
    let reason =
        format!("every {}: the epochs are too few to show how the text improves", counted(steps as usize, "step"));
    Some(Choice { keys: &["samples.every_steps"], reason })
}

/// The steps between the samples of a run with so many epochs; `None` if they are enough. No sample is that of the last step.
fn sample_interval(epochs: u64, steps_per_epoch: u64) -> Option<u64> {
    (epochs < SAMPLES).then(|| epochs * steps_per_epoch / SAMPLES + 1)
}

/// The letters and digits of `name`, with a hyphen for everything between them.
fn directory_name(name: &str) -> String {
    let parts: Vec<&str> = name.split(|char: char| !char.is_alphanumeric()).filter(|part| !part.is_empty()).collect();
    let name: String = parts.join("-").chars().take(40).collect();
    if name.is_empty() { "text".into() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_size_is_chosen_with_which_there_are_enough_passes() {
        let choose = |passes: [f64; 3]| {
            let mut tried = Vec::new();
            let size = choose_size(&[512, 384, 256], 20.0, |size| {
                tried.push(size);
                Ok(passes[tried.len() - 1])
            });
            (size.unwrap(), tried.len())
        };
        assert_eq!(choose([20.0, 30.0, 50.0]), (Some(512), 1));
        assert_eq!(choose([12.0, 21.0, 50.0]), (Some(384), 2));
        // The smallest one has the most, enough or not.
        assert_eq!(choose([1.0, 2.0, 4.0]), (Some(256), 2));
        assert_eq!(choose_size(&[], 20.0, |_| unreachable!()).unwrap(), None);
    }

    #[test]
    fn a_run_of_few_epochs_shows_samples_between_them() {
        assert_eq!(sample_interval(1, 1), Some(1));
        assert_eq!(sample_interval(1, 449), Some(75));
        assert_eq!(sample_interval(5, 60), Some(51));
        assert_eq!(sample_interval(6, 60), None);
    }

    #[test]
    fn a_directory_has_the_letters_and_digits_of_a_name() {
        for (name, expected) in
            [("My names", "My-names"), ("  a--b..c ", "a-b-c"), ("봄 2024", "봄-2024"), ("*", "text"), ("", "text")]
        {
            assert_eq!(directory_name(name), expected);
        }
        assert_eq!(directory_name(&"a".repeat(90)).len(), 40);
    }
}
