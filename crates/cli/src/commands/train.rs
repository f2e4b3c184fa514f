//! `train`: from a configuration to a run directory, from a trained model to another one, or on from a
//! checkpoint.

use std::path::Path;
use std::process::ExitCode;

use args::Train;
use burn::tensor::Device;
use durable::{Lock, write_atomically};
use trainer::{Checkpoints, Ended, Outcome, Start};

use super::{print, tell, warn};
use crate::device::Choice;
use crate::error::{Error, Result};
use crate::metrics_file;
use crate::origin::{self, Beginning};
use crate::provenance::Provenance;
use crate::run_dir;
use crate::signals::INTERRUPTED;
use crate::sitting::Sitting;

pub use crate::origin::CONFIG;

/// Runs the command.
pub fn run(args: &Train, choice: &Choice) -> Result<ExitCode> {
    let outcome = match &args.resume {
        None => {
            let (config, name) = origin::begin(args)?;
            let device = choice.open()?;
            let beginning = Beginning::new(config, &device)?;
            warn(&beginning.resolved.warnings);
            let run = run_dir::create(args.out.as_deref(), &name)?;
            let begun = Begun { run: &run, plain: args.plain };
            let outcome = begun.learn(beginning, &device, choice)?;
            print(&format!("{}\n", run.display()))?;
            outcome
        }
        Some(run) => {
            let run = run_dir::to_resume(run.as_deref())?;
            resume(&run, args, choice)?
        }
    };
    Ok(match outcome.ended {
        Ended::Stopped { .. } => ExitCode::from(INTERRUPTED),
        Ended::Finished | Ended::LostPatience => ExitCode::SUCCESS,
    })
}

/// A run directory that was just made.
pub struct Begun<'a> {
    /// The directory.
    pub run: &'a Path,
    /// Plain lines, even on a terminal.
    pub plain: bool,
}

impl Begun<'_> {
    /// Trains from the beginning. A run that has kept no step and told nothing leaves nothing behind.
    pub fn learn(&self, beginning: Beginning, device: &Device, choice: &Choice) -> Result<Outcome> {
        let Self { run, plain } = *self;
        let Beginning { resolved, model, origin } = beginning;
        let hold = || -> Result<Outcome> {
            let _lock = Lock::take(run)?;
            write_atomically(&run.join(CONFIG), resolved.to_toml().as_bytes())?;
            Provenance::now(&resolved, choice.name(), origin).write(run)?;
            tell(&format!("training {} on {}", run.display(), choice.name()));
            let sitting =
                Sitting { resolved: &resolved, run, device, backend: choice.name(), plain };
            sitting.hold(Start::Fresh(Box::new(model)))
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

fn resume(run: &Path, args: &Train, choice: &Choice) -> Result<Outcome> {
    origin::is_run(run)?;
    let _lock = Lock::take(run)?;
    Checkpoints::of(run).verify()?;
    let config = origin::go_on(run, &args.config)?;
    let resolved = origin::resolve_again(run, config)?;
    let device = choice.open()?;
    match Provenance::read(run) {
        Ok(mut before) => {
            let now = Provenance::now(&resolved, choice.name(), before.from.clone());
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
    let (name, epochs) = (run.display(), resolved.train.epochs);
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
        done if progress.has_lost_patience_with(resolved.train.patience) => tell(&format!(
            "{name} has lost patience after {done} epochs; `--set train.patience=N` with a larger N, or \
             0, goes on"
        )),
        _ => tell(&format!(
            "going on with {name} after step {} on {}",
            progress.steps,
            choice.name()
        )),
    }
    let (backend, plain) = (choice.name(), args.plain);
    let sitting = Sitting { resolved: &resolved, run, device: &device, backend, plain };
    let outcome = sitting.hold(Start::Resume)?;
    print(&format!("{}\n", run.display()))?;
    Ok(outcome)
}
