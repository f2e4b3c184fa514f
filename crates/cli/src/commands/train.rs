//! `train`: from a configuration to a run directory, from a trained model to another one, or on from a
//! checkpoint.

use std::path::Path;
use std::process::ExitCode;

use args::Train;
use burn::tensor::Device;
use durable::{Lock, write_atomically};
use trainer::{Checkpoints, Ended, Outcome, Start};

use crate::config::{ResolvedQuestions, Written};
use crate::device::Choice;
use crate::error::{Error, Result};
use crate::observers::metrics_file;
use crate::output::{print, tell, warn};
use crate::run::directory;
use crate::run::experiment::{Course, Place};
use crate::run::init::{self, Beginning};
use crate::run::provenance::{Origin, Provenance};
use crate::run::signals::INTERRUPTED;

pub use crate::run::init::CONFIG;

/// Runs the command.
pub fn run(args: &Train, choice: &Choice) -> Result<ExitCode> {
    let ended = match &args.resume {
        None => begin(args, choice)?,
        Some(run) => {
            let run = directory::to_resume(run.as_deref())?;
            init::is_run(&run)?;
            let _lock = Lock::take(&run)?;
            Checkpoints::of(&run).verify()?;
            match init::go_on(&run, &args.config)? {
                Written::Writing(config) => {
                    resume(&run, &init::resolve_again(&run, *config)?, args, choice)?
                }
                Written::Questions(config) => {
                    resume(&run, &ResolvedQuestions::new(*config)?, args, choice)?
                }
            }
        }
    };
    Ok(match ended {
        Ended::Stopped { .. } => ExitCode::from(INTERRUPTED),
        Ended::Finished | Ended::LostPatience => ExitCode::SUCCESS,
    })
}

fn begin(args: &Train, choice: &Choice) -> Result<Ended> {
    let (written, name) = init::begin(args)?;
    let device = choice.open()?;
    let make = || directory::create(args.out.as_deref(), &name);
    let begun = |run| Begun { run, plain: args.plain };
    match written {
        Written::Writing(config) => {
            let beginning = Beginning::new(*config, &device)?;
            warn(&beginning.resolved.warnings);
            let run = make()?;
            let Beginning { resolved, model, origin } = beginning;
            let done = begun(&run).learn(&resolved, model, origin, &device, choice)?;
            print(&format!("{}\n", run.display()))?;
            Ok(done.ended)
        }
        Written::Questions(config) => {
            let resolved = ResolvedQuestions::new(*config)?;
            warn(&resolved.warnings);
            let model = resolved.fresh(&device)?;
            let run = make()?;
            let done = begun(&run).learn(&resolved, model, None, &device, choice)?;
            print(&format!("{}\n", run.display()))?;
            Ok(done.ended)
        }
    }
}

/// A run directory that was just made.
pub struct Begun<'a> {
    /// The directory.
    pub run: &'a Path,
    /// Plain lines, even on a terminal.
    pub plain: bool,
}

impl Begun<'_> {
    /// Trains from the beginning. A run that has kept no step and told nothing leaves
    /// nothing behind.
    pub fn learn<C: Course>(
        &self,
        course: &C,
        model: C::Network,
        origin: Option<Origin>,
        device: &Device,
        choice: &Choice,
    ) -> Result<Outcome<C::Network>> {
        let Self { run, plain } = *self;
        let hold = || -> Result<Outcome<C::Network>> {
            let _lock = Lock::take(run)?;
            write_atomically(&run.join(CONFIG), course.to_toml().as_bytes())?;
            Provenance::now(course.hashes(), choice.name(), origin).write(run)?;
            tell(&format!("training {} on {}", run.display(), choice.name()));
            let place = Place { run, device, backend: choice.name(), plain };
            place.hold(course, Start::Fresh(Box::new(model)))
        };
        let outcome = hold();
        // Where nobody knows, there may be something; and what a run told of its end is worth keeping.
        let kept =
            || Checkpoints::of(run).steps().map_or(true, |steps| steps.iter().any(|&s| s > 0));
        let told = || run.join(metrics_file::NAME).metadata().is_ok_and(|data| data.len() > 0);
        if outcome.is_err() && !kept() && !told() {
            let _ = std::fs::remove_dir_all(run);
        }
        outcome
    }
}

fn resume<C: Course>(run: &Path, course: &C, args: &Train, choice: &Choice) -> Result<Ended> {
    let device = choice.open()?;
    match Provenance::read(run) {
        Ok(mut before) => {
            let now = Provenance::now(course.hashes(), choice.name(), before.from.clone());
            let differences = now.differences(&before);
            for difference in &differences {
                tell(&format!("warning: {difference}: from here on its bits may be others"));
            }
            if !differences.is_empty() {
                before.later.extend(differences);
                before.write(run)?;
            }
        }
        Err(error) => tell(&format!("warning: {error}: what it was made with is not known")),
    }
    let (name, epochs) = (run.display(), course.train().epochs);
    let progress = Checkpoints::of(run).progress()?;
    let progress = progress.ok_or_else(|| trainer::Error::NoCheckpoint(run.into()))?;
    match progress.epochs.len() {
        done if done > epochs => {
            return Err(Error::new(format!(
                "{name} has finished {done} epochs, `train.epochs` is {epochs}: name a number above \
                 {done} to go on"
            )));
        }
        done if done == epochs => tell(&format!(
            "{name} has finished all {epochs} epochs; `--set train.epochs=N` with a larger N goes on"
        )),
        done if progress.has_lost_patience_with(course.train().patience) => tell(&format!(
            "{name} has lost patience after {done} epochs; `--set train.patience=N` with a larger N, or \
             0, goes on"
        )),
        _ => tell(&format!(
            "going on with {name} after step {} on {}",
            progress.steps,
            choice.name()
        )),
    }
    let place = Place { run, device: &device, backend: choice.name(), plain: args.plain };
    let outcome = place.hold(course, Start::Resume)?;
    print(&format!("{}\n", run.display()))?;
    Ok(outcome.ended)
}
