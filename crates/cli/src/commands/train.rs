//! `train`: trains a new model, starts from a trained model, or resumes a run.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use args::Train;
use durable::{Lock, write_atomically};
use trainer::{Checkpoints, StartFrom, StopReason};

use crate::config::{AnyConfig, QaExperiment};
use crate::device::BackendSelection;
use crate::error::{Result, bail};
use crate::observers::dashboard::ViewOptions;
use crate::observers::metrics_file;
use crate::output::{print, status, warn};
use crate::run::directory;
use crate::run::experiment::{Experiment, RunContext};
use crate::run::init;
use crate::run::provenance::{Origin, Provenance};
use crate::run::signals::EXIT_INTERRUPTED;

pub use crate::run::init::CONFIG;

/// Runs the command.
pub fn run(args: &Train, backend: &BackendSelection) -> Result<ExitCode> {
    let (run, stop_reason) = match &args.resume {
        None => start(args, backend)?,
        Some(run) => {
            let run = directory::find_resumable(run.as_deref())?;
            init::check_is_run(&run)?;
            let _lock = Lock::acquire(&run)?;
            Checkpoints::of(&run).verify()?;
            let stop_reason = match init::resumed_config(&run, &args.config)? {
                AnyConfig::LanguageModel(config) => {
                    resume(&run, &init::resumed_experiment(&run, *config)?, args, backend)?
                }
                AnyConfig::Questions(config) => resume(&run, &QaExperiment::new(*config)?, args, backend)?,
            };
            (run, stop_reason)
        }
    };
    print(&format!("{}\n", run.display()))?;
    Ok(match stop_reason {
        StopReason::Requested { .. } => ExitCode::from(EXIT_INTERRUPTED),
        StopReason::Finished | StopReason::EarlyStopping => ExitCode::SUCCESS,
    })
}

fn view_options(args: &Train) -> ViewOptions<'_> {
    ViewOptions { on_terminal: !args.no_tui, svg: args.view_svg.as_deref() }
}

fn start(args: &Train, backend: &BackendSelection) -> Result<(PathBuf, StopReason)> {
    let (config, name) = init::new_run_config(args)?;
    let device = &backend.open()?;
    let create_run = || directory::create(args.out.as_deref(), &name);
    let view = view_options(args);
    match config {
        AnyConfig::LanguageModel(config) => {
            let (experiment, model, origin) = init::new_experiment(*config, device)?;
            warn(&experiment.warnings);
            let run = create_run()?;
            let stop_reason = train_new(RunContext { run: &run, device, backend, view }, &experiment, model, origin)?;
            Ok((run, stop_reason))
        }
        AnyConfig::Questions(config) => {
            let experiment = QaExperiment::new(*config)?;
            warn(&experiment.warnings);
            let model = experiment.init_model(device)?;
            let run = create_run()?;
            let stop_reason = train_new(RunContext { run: &run, device, backend, view }, &experiment, model, None)?;
            Ok((run, stop_reason))
        }
    }
}

/// Trains `model` from step 0 in a run directory that was just created. If training fails before the first checkpoint
/// and the first metric, the directory is removed.
///
/// # Errors
/// If training fails, or a file cannot be written.
pub fn train_new<C: Experiment>(
    context: RunContext,
    experiment: &C,
    model: C::Network,
    origin: Option<Origin>,
) -> Result<StopReason> {
    let RunContext { run, backend, .. } = context;
    let train = || -> Result<StopReason> {
        let _lock = Lock::acquire(run)?;
        write_atomically(&run.join(CONFIG), experiment.to_toml().as_bytes())?;
        Provenance::current(experiment.input_hashes(), backend.name(), origin).write(run)?;
        status(&format!("training {} on {}", run.display(), backend.name()));
        context.train(experiment, StartFrom::Model(Box::new(model)))
    };
    let stop_reason = train();
    // If the checkpoints cannot be listed, there may be some. Metrics are worth keeping, too.
    let has_checkpoint = || Checkpoints::of(run).steps().map_or(true, |steps| steps.iter().any(|&s| s > 0));
    let has_metrics = || run.join(metrics_file::NAME).metadata().is_ok_and(|data| data.len() > 0);
    if stop_reason.is_err() && !has_checkpoint() && !has_metrics() {
        let _ = std::fs::remove_dir_all(run);
    }
    stop_reason
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
        done if done > epochs => bail!(
            "{name} has finished {done} epochs, but `train.epochs` is {epochs}: to continue, use \
             `--set train.epochs=N` with N above {done}"
        ),
        done if done == epochs => status(&format!(
            "{name} has finished all {epochs} epochs; to continue, use `--set train.epochs=N` with a larger N"
        )),
        done if progress.should_stop_early_with(experiment.train_config().early_stopping_patience) => status(&format!(
            "{name} has stopped early after {done} epochs; to continue, use \
             `--set train.early_stopping_patience=N` with a larger N, or 0"
        )),
        _ => status(&format!("resuming {name} after step {} on {}", progress.steps, backend.name())),
    }
    RunContext { run, device: &device, backend, view: view_options(args) }.train(experiment, StartFrom::Checkpoint)
}
