//! `train`: trains a new model, starts from a trained model, or resumes a run.

use std::path::Path;
use std::process::ExitCode;

use args::Train;
use burn::tensor::Device;
use durable::{Lock, write_atomically};
use trainer::{Checkpoints, Outcome, StartFrom, StopReason};

use crate::config::{AnyConfig, ResolvedQuestions};
use crate::device::BackendSelection;
use crate::error::{Error, Result};
use crate::observers::metrics_file;
use crate::output::{print, status, warn};
use crate::run::directory;
use crate::run::experiment::{Experiment, RunContext};
use crate::run::experiment_qa::QaExperiment;
use crate::run::init::{self, PreparedRun};
use crate::run::provenance::{Origin, Provenance};
use crate::run::signals::EXIT_INTERRUPTED;

pub use crate::run::init::CONFIG;

/// Runs the command.
pub fn run(args: &Train, backend: &BackendSelection) -> Result<ExitCode> {
    let stop_reason = match &args.resume {
        None => start(args, backend)?,
        Some(run) => {
            let run = directory::find_resumable(run.as_deref())?;
            init::check_is_run(&run)?;
            let _lock = Lock::acquire(&run)?;
            Checkpoints::of(&run).verify()?;
            match init::resumed_config(&run, &args.config)? {
                AnyConfig::LanguageModel(config) => {
                    resume(&run, &init::resumed_experiment(&run, *config)?, args, backend)?
                }
                AnyConfig::Questions(config) => {
                    let resolved = ResolvedQuestions::new(*config)?;
                    resume(&run, &QaExperiment { resolved }, args, backend)?
                }
            }
        }
    };
    Ok(match stop_reason {
        StopReason::Requested { .. } => ExitCode::from(EXIT_INTERRUPTED),
        StopReason::Finished | StopReason::EarlyStopping => ExitCode::SUCCESS,
    })
}

fn start(args: &Train, backend: &BackendSelection) -> Result<StopReason> {
    let (config, name) = init::new_run_config(args)?;
    let device = backend.open()?;
    let create_run = || directory::create(args.out.as_deref(), &name);
    let new_run = |run| NewRun { run, no_tui: args.no_tui };
    match config {
        AnyConfig::LanguageModel(config) => {
            let prepared = PreparedRun::new(*config, &device)?;
            warn(&prepared.experiment.resolved.warnings);
            let run = create_run()?;
            let PreparedRun { experiment, model, origin } = prepared;
            let outcome = new_run(&run).train(&experiment, model, origin, &device, backend)?;
            print(&format!("{}\n", run.display()))?;
            Ok(outcome.stop_reason)
        }
        AnyConfig::Questions(config) => {
            let experiment = QaExperiment { resolved: ResolvedQuestions::new(*config)? };
            warn(&experiment.resolved.warnings);
            let model = experiment.init_model(&device)?;
            let run = create_run()?;
            let outcome = new_run(&run).train(&experiment, model, None, &device, backend)?;
            print(&format!("{}\n", run.display()))?;
            Ok(outcome.stop_reason)
        }
    }
}

/// A run directory that was just created.
pub struct NewRun<'a> {
    /// The directory.
    pub run: &'a Path,
    /// Whether to print plain lines even on a terminal.
    pub no_tui: bool,
}

impl NewRun<'_> {
    /// Trains `model` from step 0. If training fails before the first checkpoint and the first metric, the
    /// directory is removed.
    ///
    /// # Errors
    /// If training fails, or a file cannot be written.
    pub fn train<C: Experiment>(
        &self,
        experiment: &C,
        model: C::Network,
        origin: Option<Origin>,
        device: &Device,
        backend: &BackendSelection,
    ) -> Result<Outcome<C::Network>> {
        let Self { run, no_tui } = *self;
        let train = || -> Result<Outcome<C::Network>> {
            let _lock = Lock::acquire(run)?;
            write_atomically(&run.join(CONFIG), experiment.to_toml().as_bytes())?;
            Provenance::current(experiment.input_hashes(), backend.name(), origin).write(run)?;
            status(&format!("training {} on {}", run.display(), backend.name()));
            let (name, kernels) = (backend.name(), backend.kernels());
            let context = RunContext { run, device, backend: name, kernels, no_tui };
            context.train(experiment, StartFrom::Model(Box::new(model)))
        };
        let outcome = train();
        // If the checkpoints cannot be listed, there may be some. Metrics are worth keeping, too.
        let has_checkpoint = || Checkpoints::of(run).steps().map_or(true, |steps| steps.iter().any(|&s| s > 0));
        let has_metrics = || run.join(metrics_file::NAME).metadata().is_ok_and(|data| data.len() > 0);
        if outcome.is_err() && !has_checkpoint() && !has_metrics() {
            let _ = std::fs::remove_dir_all(run);
        }
        outcome
    }
}

fn resume<C: Experiment>(run: &Path, experiment: &C, args: &Train, backend: &BackendSelection) -> Result<StopReason> {
    let device = backend.open()?;
    match Provenance::read(run) {
        Ok(mut before) => {
            let now = Provenance::current(experiment.input_hashes(), backend.name(), before.from.clone());
            let differences = now.differences(&before);
            for difference in &differences {
                status(&format!("warning: {difference}: from here on the results may differ slightly"));
            }
            if !differences.is_empty() {
                before.later.extend(differences);
                before.write(run)?;
            }
        }
        Err(error) => status(&format!("warning: {error}: the environment of the run is unknown")),
    }
    let (name, epochs) = (run.display(), experiment.train_config().epochs);
    let progress = Checkpoints::of(run).progress()?;
    let progress = progress.ok_or_else(|| trainer::Error::NoCheckpoint(run.into()))?;
    match progress.epochs.len() {
        done if done > epochs => {
            return Err(Error::new(format!(
                "{name} has finished {done} epochs, but `train.epochs` is {epochs}: set it to more than {done} to \
                 continue"
            )));
        }
        done if done == epochs => status(&format!(
            "{name} has finished all {epochs} epochs; to continue, use `--set train.epochs=N` with a larger N"
        )),
        done if progress.should_stop_early_with(experiment.train_config().early_stopping_patience) => status(&format!(
            "{name} has stopped early after {done} epochs; to continue, use \
             `--set train.early_stopping_patience=N` with a larger N, or 0"
        )),
        _ => status(&format!("resuming {name} after step {} on {}", progress.steps, backend.name())),
    }
    let (name, kernels) = (backend.name(), backend.kernels());
    let context = RunContext { run, device: &device, backend: name, kernels, no_tui: args.no_tui };
    let outcome = context.train(experiment, StartFrom::Checkpoint)?;
    print(&format!("{}\n", run.display()))?;
    Ok(outcome.stop_reason)
}
