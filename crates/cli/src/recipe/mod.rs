//! The automatic recipe: chooses a complete configuration for a text, so that `train` needs none.
//!
//! 1. `look.rs` reads the text once and describes it.
//! 2. `choices.rs` chooses documents, tokens, sizes and training settings from that description; its tables come from
//!    measurements (benchmarks/README.md, "Recipes").
//! 3. `budget.rs` measures a step on this machine and chooses how many fit into the time.
//! 4. `plan_file.rs` writes the result as a configuration with a comment for each choice.
//!
//! The plan is made once, before step 0. A run that is resumed or repeated reads its configuration as any other run.

pub mod budget;
mod choices;
mod given;
mod look;
mod plan_file;
mod table;

use std::time::Duration;

use args::ConfigArgs;
use models::LanguageModel;
use trainer::{StepTime, measure_step};

use self::budget::{Clock, Length};
use self::choices::Sizes;
use self::given::Given;
use crate::config::{Config, LmExperiment, apply_changes};
use crate::error::{Result, bail};
use crate::output::status;
use crate::run::experiment::{Experiment, Setup};
use crate::run::init::init_model;

/// The time of a run without a configuration, in minutes.
pub const DEFAULT_MINUTES: f64 = 3.0;

/// The file of the plan in the directory of a run.
pub const PLAN: &str = "plan.toml";

/// The shortest text that is planned for: a tenth of it is still some dozens of characters.
const MIN_BYTES: u64 = 500;

/// How long steps are measured.
const MEASURED: Duration = Duration::from_secs(2);

/// A configuration that was chosen for a text.
pub struct Recipe {
    /// The configuration, without a number of steps.
    pub config: Config,
    /// What is left to be chosen.
    pub plan: Plan,
    /// What makes the text unsuitable, if something does.
    pub warning: Option<String>,
}

/// What is left to be chosen once the text is tokenized.
pub struct Plan {
    choices: Vec<Choice>,
    sizes: Sizes,
}

/// A choice and its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The first key that it is about, as in `model.layers`.
    pub key: &'static str,
    /// What was chosen and why, in one sentence.
    pub reason: String,
}

impl Recipe {
    /// Looks at the text that the command line gives, or the built-in fables, and chooses a configuration. What the command
    /// line sets is not changed.
    ///
    /// # Errors
    /// If the text cannot be read, or a change is invalid.
    pub fn choose(args: &ConfigArgs) -> Result<Self> {
        let mut given = Given::new(args)?;
        let found = look::look(&mut given.config)?;
        if found.profile.bytes < MIN_BYTES {
            bail!(
                "{} has {} bytes; expected {MIN_BYTES} or more, to learn from most of it and to hold out the rest: \
                 give a longer text, or a configuration with `--config`",
                given.config.text.name(),
                found.profile.bytes
            );
        }
        let (mut config, choices, sizes) = choices::choose(&found, &given);
        let kept = config.text.kept.take();
        let mut config = apply_changes(config, &args.set)?;
        config.text.kept = kept;
        let warning = found.profile.repeats().then(|| {
            format!(
                "nearly all of {} is repeated, so the model will soon know it by heart and write nothing new: give a text \
                 with more variety",
                config.text.name()
            )
        });
        let choices = choices.into_iter().filter(|choice| !given.is_set(choice.key)).collect();
        Ok(Self { config, plan: Plan { choices, sizes }, warning })
    }

    /// The name for the directory of the run: that of the text.
    pub fn name(&self) -> String {
        let text = &self.config.text;
        let stem = text.path.as_ref().and_then(|paths| paths.iter().next()).and_then(|path| path.file_stem());
        let name = stem.map(|stem| stem.to_string_lossy()).filter(|name| *name != "-");
        let name = name.or(text.dataset.as_deref().map(Into::into));
        name.map_or_else(|| "text".into(), |name| directory_name(&name))
    }
}

/// Chooses size and number of steps of a run that ends with the time of `clock`, prints what was chosen, and returns the
/// initial model and the configuration with the reasons. Only the size is chosen if `--set` gives a number of epochs.
///
/// # Errors
/// If a step cannot be measured.
pub fn plan(
    experiment: &mut LmExperiment,
    mut model: LanguageModel,
    recipe: Plan,
    clock: Clock,
    setup: Setup,
) -> Result<(LanguageModel, String)> {
    let Plan { mut choices, sizes } = recipe;
    let minutes = clock.minutes(true);
    // Without a time, as many passes as are given.
    let time = minutes.unwrap_or(DEFAULT_MINUTES);
    let mut measured = measure(experiment, &model, time, setup)?;
    let passes = |time_of: &StepTime| Length::fitting(clock.seconds_left(time), time_of, false).passes;
    if let Some((&largest, smaller)) = sizes.units.split_first() {
        let mut units = largest;
        for &size in smaller {
            if passes(&measured) >= sizes.passes {
                break;
            }
            units = size;
            let mut section = experiment.config.model.clone();
            section.layers.iter_mut().for_each(|layer| layer.units = size);
            experiment.set_model(section);
            model = init_model(experiment, setup.device)?;
            measured = measure(experiment, &model, time, setup)?;
        }
        choices.push(sizes.choice(units));
    }
    if let Some(minutes) = minutes {
        let length = Length::fitting(clock.seconds_left(minutes), &measured, false);
        experiment.set_length(length);
        choices.push(length.choice(minutes, &measured));
    }
    print(&choices);
    let heading = "Chosen for this text and this machine. Edit it and train with `train --config FILE`.";
    Ok((model, plan_file::to_toml(&experiment.to_toml(), heading, &choices)))
}

/// Chooses the number of steps of a run with a configuration if `clock` has a time, and returns the configuration with the
/// reason.
///
/// # Errors
/// If a step cannot be measured.
pub fn plan_length<C: Experiment>(
    experiment: &mut C,
    model: &C::Network,
    clock: Clock,
    setup: Setup,
) -> Result<Option<String>> {
    let Some(minutes) = clock.minutes(false) else { return Ok(None) };
    let measured = measure(experiment, model, minutes, setup)?;
    let length = Length::fitting(clock.seconds_left(minutes), &measured, true);
    experiment.set_length(length);
    let choices = [length.choice(minutes, &measured)];
    print(&choices);
    let heading = "This configuration with a number of steps for this machine.";
    Ok(Some(plan_file::to_toml(&experiment.to_toml(), heading, &choices)))
}

/// Measures a training step; the shorter the run, the shorter.
fn measure<C: Experiment>(experiment: &C, model: &C::Network, minutes: f64, setup: Setup) -> Result<StepTime> {
    let Setup { device, backend, .. } = setup;
    let (data, config) = (experiment.data(), experiment.train_config());
    let budget = MEASURED.min(Duration::from_secs_f64(60.0 * minutes / 50.0));
    Ok(measure_step(model, data, config, device, backend.kernels(), budget)?)
}

fn print(choices: &[Choice]) {
    choices.iter().for_each(|choice| status(&format!("  {}: {}", choice.key, choice.reason)));
}

/// The letters and digits of `name`, with a hyphen for everything between them.
fn directory_name(name: &str) -> String {
    let parts: Vec<&str> = name.split(|char: char| !char.is_alphanumeric()).filter(|part| !part.is_empty()).collect();
    let name: String = parts.join("-").chars().take(40).collect();
    if name.is_empty() { "text".into() } else { name }
}
