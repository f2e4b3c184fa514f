//! `train`: trains a new model, starts from a trained model, or resumes a run.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use args::Train;
use burn::tensor::Device;
use durable::{Lock, write_atomically};
use models::{LanguageModel, LmBundle};
use trainer::{Checkpoints, StartFrom, StopFlag, StopReason};

use crate::config::{self, AnyConfig, Config, LmExperiment, QaExperiment, is_within};
use crate::device::BackendSelection;
use crate::error::{Result, bail};
use crate::observers::dashboard::ViewOptions;
use crate::observers::metrics_file;
use crate::output::{print, status, warn};
use crate::recipe::budget::Clock;
use crate::recipe::{self, LookedAt, PLAN, Reasons, Recipe};
use crate::run::experiment::{Experiment, References, RunContext, Setup};
use crate::run::init;
use crate::run::provenance::{Origin, Provenance};
use crate::run::ranks::TrainRanks;
use crate::run::signals::{self, EXIT_INTERRUPTED};
use crate::run::{changed_text, directory, other_rank};
use crate::view::format::counted;

pub use crate::run::init::CONFIG;

/// Runs the command: on one of several ranks as it is, on the others as a part of its run.
pub fn run(args: &Train, backend: &BackendSelection) -> Result<ExitCode> {
    // Reading, counting and the trial of the base may take long.
    signals::install_handlers()?;
    if let Some(option) = args.launch.given() {
        bail!("`{option}` is an option of `cargo xtask train`; start this program with `mpirun -n N` instead")
    }
    let ranks = &TrainRanks::of_process()?;
    let result =
        if ranks.is_first() { start_or_resume(args, backend, ranks) } else { other_rank::run(args, backend, ranks) };
    ranks.end(result)
}

fn start_or_resume(args: &Train, backend: &BackendSelection, ranks: &TrainRanks) -> Result<ExitCode> {
    let (run, stop_reason) = match &args.resume {
        None => match start(args, backend, ranks)? {
            Some(started) => started,
            None => return Ok(ExitCode::SUCCESS),
        },
        Some(run) => {
            let run = directory::find_resumable(run.as_deref())?;
            let stop_reason = resume(&run, args, backend, ranks)?;
            (run, stop_reason)
        }
    };
    print(&format!("{}\n", run.display()))?;
    Ok(match stop_reason {
        StopReason::Requested { .. } => ExitCode::from(EXIT_INTERRUPTED),
        StopReason::Finished | StopReason::EarlyStopping => ExitCode::SUCCESS,
    })
}

fn setup<'a>(args: &'a Train, backend: &'a BackendSelection, device: &'a Device, ranks: &'a TrainRanks) -> Setup<'a> {
    Setup {
        device,
        backend,
        view: ViewOptions {
            // The launcher reads the keys of the terminal.
            on_terminal: !args.no_tui && !ranks.are_several(),
            svg: args.view_svg.as_deref(),
        },
        ranks,
    }
}

/// Starts a new run; with `--dry-run` only prints its configuration.
fn start(args: &Train, backend: &BackendSelection, ranks: &TrainRanks) -> Result<Option<(PathBuf, StopReason)>> {
    let clock = Clock::start(args)?;
    if args.config.config.is_none() && args.init_from.is_none() {
        return start_automatic(args, backend, clock, ranks);
    }
    let (config, name) = init::new_run_config(args)?;
    let device = &backend.open()?;
    let setup = setup(args, backend, device, ranks);
    match config {
        AnyConfig::LanguageModel(config) => {
            let initial = new_language_model(*config, None, device)?;
            plan_and_train(args, &name, initial, setup, |experiment, model| {
                recipe::plan_length(experiment, model, clock, setup)
            })
        }
        AnyConfig::Questions(config) => {
            config.model.vectors.reject_pipe()?;
            let experiment = QaExperiment::new(*config)?;
            warn(&experiment.warnings);
            let model = experiment.init_model(device)?;
            plan_and_train(args, &name, (experiment, model, None), setup, |experiment, model| {
                recipe::plan_length(experiment, model, clock, setup)
            })
        }
    }
}

/// Trains a language model of this configuration in a new run with this name, for the time of `--minutes` if it is
/// given.
///
/// # Errors
/// If the configuration or the text is rejected, or training fails.
pub fn train_language_model(
    args: &Train,
    config: Config,
    name: &str,
    backend: &BackendSelection,
) -> Result<(PathBuf, StopReason)> {
    let clock = Clock::start(args)?;
    let (device, ranks) = (&backend.open()?, &TrainRanks::alone());
    let setup = setup(args, backend, device, ranks);
    let initial = new_language_model(config, None, device)?;
    let trained = plan_and_train(args, name, initial, setup, |experiment, model| {
        recipe::plan_length(experiment, model, clock, setup)
    })?;
    Ok(trained.expect("it is not a dry run"))
}

/// Starts a new run of a language model with the configuration that the recipe chooses.
fn start_automatic(
    args: &Train,
    backend: &BackendSelection,
    clock: Clock,
    ranks: &TrainRanks,
) -> Result<Option<(PathBuf, StopReason)>> {
    ranks.check_count()?;
    let text = LookedAt::new(&args.config, args.no_base)?;
    let device = &backend.open()?;
    let setup = setup(args, backend, device, ranks);
    let recipe = Recipe::choose(text, clock.given_or_default(), setup)?;
    warn(&recipe.warnings);
    let name = recipe.name();
    let Recipe { config, base, open, .. } = recipe;
    let initial = new_language_model(config, base, device)?;
    plan_and_train(args, &name, initial, setup, |experiment, model| {
        recipe::plan(experiment, model, open, clock, setup).map(Some)
    })
}

/// The data of a new run of a language model, its initial weights, and the model that they come from, which may be `loaded`
/// already.
fn new_language_model(
    config: Config,
    loaded: Option<LmBundle>,
    device: &Device,
) -> Result<(LmExperiment, LanguageModel, Option<Origin>)> {
    if config.init.from.is_none() {
        config.model.vectors.reject_pipe()?;
    }
    let initial = init::new_experiment(config, loaded, device)?;
    warn(&initial.0.warnings);
    Ok(initial)
}

/// Chooses the length of a new run by `plan`, and trains it; with `--dry-run` prints its configuration instead.
fn plan_and_train<C: Experiment>(
    args: &Train,
    name: &str,
    (mut experiment, mut model, origin): (C, C::Network, Option<Origin>),
    setup: Setup,
    plan: impl FnOnce(&mut C, &mut C::Network) -> Result<Option<Reasons>>,
) -> Result<Option<(PathBuf, StopReason)>> {
    // Before anything takes long.
    experiment.train_config().precision.check(setup.backend.kernels(), setup.device)?;
    setup.ranks.check_shards(experiment.train_config().shards)?;
    // Before the steps are planned, because it is a part of the time.
    let references = experiment.references();
    let reasons = plan(&mut experiment, &mut model)?;
    warn(experiment.length_warning().as_slice());
    if args.dry_run {
        if !experiment.kept_inputs().is_empty() {
            experiment.remove_copies();
            print("# The text is in no file that could be named here: give it with `--text`.\n")?;
        }
        let toml = experiment.to_toml();
        print(&reasons.map_or(toml.clone(), |reasons| reasons.to_toml(&toml)))?;
        return Ok(None);
    }
    let planned_minutes = reasons.as_ref().and_then(|reasons| reasons.minutes);
    let plan = reasons.map(|reasons| reasons.to_toml(&experiment.to_toml()));
    let new = NewRun { experiment: &experiment, model, origin, reproduces: None, plan, planned_minutes, references };
    train_new(new, || directory::create(args.out.as_deref(), name), setup).map(Some)
}

/// What a run starts with.
pub struct NewRun<'a, C: Experiment> {
    /// The task.
    pub experiment: &'a C,
    /// The initial weights.
    pub model: C::Network,
    /// The model that they come from, if any.
    pub origin: Option<Origin>,
    /// The run that it repeats, if any.
    pub reproduces: Option<PathBuf>,
    /// The configuration with the reasons for what was chosen, if something was.
    pub plan: Option<String>,
    /// The time for which the number of its steps was chosen, in minutes, if it was.
    pub planned_minutes: Option<f64>,
    /// What it is compared with, computed before there is a directory: it may take long, and Ctrl-C ends it at once.
    pub references: References<C::Baselines>,
}

/// Trains a model from step 0 in a new run directory. If training fails before the first checkpoint and the first
/// metric, the directory is removed.
///
/// # Errors
/// If training fails, or a file cannot be written.
pub fn train_new<C: Experiment>(
    new: NewRun<C>,
    create_run: impl FnOnce() -> Result<PathBuf>,
    setup: Setup,
) -> Result<(PathBuf, StopReason)> {
    let NewRun { experiment, model, origin, reproduces, plan, planned_minutes, references } = new;
    let stop = &StopFlag::default();
    signals::stop_run(stop)?;
    let run = create_run()?;
    let lock = Lock::acquire(&run);
    let train = |lock: &Lock| -> Result<StopReason> {
        experiment.kept_inputs().iter().try_for_each(|input| input.write(&run))?;
        write_atomically(&run.join(CONFIG), experiment.to_toml().as_bytes())?;
        if let Some(plan) = &plan {
            write_atomically(&run.join(PLAN), plan.as_bytes())?;
        }
        let provenance = Provenance::current(experiment.input_hashes(), setup.backend, origin);
        let validation = experiment.validation_protocols();
        let ranks = setup.ranks.count();
        Provenance { reproduces, validation, planned_minutes, ranks, ..provenance }.write(&run)?;
        let divided = setup.ranks.in_words(experiment.train_config().shards);
        status(&format!("training {} on {}{divided}", run.display(), setup.backend.name()));
        let context = RunContext { run: &run, lock, setup, stop };
        context.train(experiment, &references, StartFrom::Model(Box::new(model)), None)
    };
    let (stop_reason, is_ours) = match &lock {
        Ok(lock) => {
            let stop_reason = train(lock);
            (stop_reason, lock.check().is_ok())
        }
        Err(_) => (lock.map(|_| StopReason::Finished).map_err(Into::into), Lock::holder(&run).is_none()),
    };
    // If the checkpoints cannot be listed, there may be some. Metrics are worth keeping, too.
    let has_checkpoint = || Checkpoints::of(&run).steps().map_or(true, |steps| steps.iter().any(|&s| s > 0));
    let has_metrics = || run.join(metrics_file::NAME).metadata().is_ok_and(|data| data.len() > 0);
    // Another process may have put another directory in its place.
    if stop_reason.is_err() && is_ours && !has_checkpoint() && !directory::is_in_pretraining(&run) && !has_metrics() {
        let _ = std::fs::remove_dir_all(&run);
    }
    Ok((run, stop_reason?))
}

/// Continues a run, unless it is finished. A run that is rejected is not changed.
fn resume(run: &Path, args: &Train, backend: &BackendSelection, ranks: &TrainRanks) -> Result<StopReason> {
    init::check_is_run(run)?;
    init::check_was_trained(run, &format!("start a new run from it with `--init-from {}`", run.display()))?;
    let lock = || -> Result<Lock> { Ok(Lock::acquire(run)?) };
    if Lock::holder(run).is_some() {
        // Reports the process.
        lock()?;
    }
    let in_pretraining = directory::is_in_pretraining(run);
    let checkpoints = if in_pretraining { directory::pretraining_checkpoints(run) } else { Checkpoints::of(run) };
    checkpoints.verify()?;
    signals::resume_run(run);
    let config = init::resumed_config(run, &args.config)?;
    let before = Provenance::read(run);
    let train = match &config {
        AnyConfig::LanguageModel(config) => &config.train,
        AnyConfig::Questions(config) => &config.train,
    };
    if !in_pretraining
        && !wants_other_ngrams(run, args, &config)?
        && let Some(stop_reason) = finished(run, train)?
        && let Ok(before) = &before
        && before.reported_steps.is_none_or(|steps| steps == stop_reason.1)
        && models::bundle::verify(run).is_ok()
    {
        return Ok(stop_reason.0);
    }
    let backend = match &before {
        Ok(before) => &backend.for_run(&args.backend, &before.backend, before.device.as_deref())?,
        Err(_) => backend,
    };
    let lock = &lock()?;
    let device = &backend.open()?;
    let stop = &StopFlag::default();
    let context = RunContext { run, lock, setup: setup(args, backend, device, ranks), stop };
    match config {
        AnyConfig::LanguageModel(config) => {
            continue_run(context, &init::resumed_experiment(run, *config)?, before, StartFrom::Checkpoint)
        }
        AnyConfig::Questions(config) => {
            init::check_questions(&run.display().to_string(), &config, init::SAME_TEXT)?;
            let experiment = changed_text::explain_questions(QaExperiment::new(*config), run, "")?;
            let start = if in_pretraining {
                // The checkpoints of pretraining do not have the changes of this command.
                write_atomically(&run.join(CONFIG), experiment.to_toml().as_bytes())?;
                StartFrom::Model(Box::new(experiment.init_model(device)?))
            } else {
                StartFrom::Checkpoint
            };
            continue_run(context, &experiment, before, start)
        }
    }
}

/// Whether n-gram counts have to be made, although the run may be finished: it has none, or those of another order than the one
/// that is asked for.
fn wants_other_ngrams(run: &Path, args: &Train, config: &AnyConfig) -> Result<bool> {
    let AnyConfig::LanguageModel(config) = config else { return Ok(false) };
    let changes = config::parse_changes(&args.config.set)?;
    let is_asked = config.ngrams.order.is_some() && changes.iter().flatten().any(|(key, _)| is_within(key, "ngrams"));
    let saved = || {
        let text = std::fs::read_to_string(run.join(CONFIG)).ok()?;
        config::parse_config::<Config>(&text, CONFIG).ok()?.ngrams.order
    };
    Ok(is_asked && (saved() != config.ngrams.order || !run.join(models::bundle::NGRAM_COUNTS).exists()))
}

/// If the run is finished under these settings: prints how to continue, and returns the reason and the number of
/// updates.
fn finished(run: &Path, settings: &config::Train) -> Result<Option<(StopReason, u64)>> {
    let (name, epochs, patience) = (run.display(), settings.epochs, settings.early_stopping_patience);
    let progress = Checkpoints::of(run).progress()?;
    let progress = progress.ok_or_else(|| trainer::Error::NoCheckpoint(run.into()))?;
    // Its learning rates would be others from the first step on.
    let has_fixed_length = progress.config.schedule.depends_on_length();
    let counted_epochs = |number: usize| counted(number, "epoch");
    match progress.epochs.len() {
        done if done > epochs && has_fixed_length => bail!(
            "{name} has finished {}, but `train.epochs` is {epochs}, on which its schedule depends: restore \
             `train.epochs`, or start a new run",
            counted_epochs(done)
        ),
        done if done > epochs => bail!(
            "{name} has finished {}, but `train.epochs` is {epochs}: to continue, use \
             `--set train.epochs=N` with N above {done}",
            counted_epochs(done)
        ),
        done if done == epochs => {
            let longer = if !has_fixed_length {
                "to continue, use `--set train.epochs=N` with a larger N"
            } else if Provenance::read(run).is_ok_and(|run| run.planned_minutes.is_some()) {
                "its learning rate has fallen to zero; to train longer, start a new run with more `--minutes`"
            } else {
                "its learning rate has fallen to zero; to train longer, start a new run with a larger `train.epochs`"
            };
            status(&format!("{name} has finished its {}; {longer}", counted_epochs(epochs)));
            Ok(Some((StopReason::Finished, progress.steps)))
        }
        done if progress.should_stop_early_with(patience) => {
            status(&format!(
                "{name} has stopped early after {}; to continue, use \
                 `--set train.early_stopping_patience=N` with a larger N, or 0",
                counted_epochs(done)
            ));
            Ok(Some((StopReason::EarlyStopping, progress.steps)))
        }
        _ => Ok(None),
    }
}

/// Trains the run from its newest checkpoint, or from its initial weights if it was interrupted in its pretraining. `before` is
/// its record of the environment.
fn continue_run<C: Experiment>(
    context: RunContext,
    experiment: &C,
    before: Result<Provenance>,
    start: StartFrom<C::Network>,
) -> Result<StopReason> {
    let RunContext { run, setup: Setup { backend, ranks, .. }, stop, .. } = context;
    ranks.check_shards(experiment.train_config().shards)?;
    let mut update = None;
    match before {
        Ok(before) => {
            let now = Provenance::current(experiment.input_hashes(), backend, before.from.clone());
            let differences = now.differences(&before);
            for difference in &differences {
                status(&format!("warning: {difference}: from here on the results may differ slightly"));
            }
            let ranks = ranks.count();
            if !differences.is_empty() || before.reported_steps.is_none() || before.ranks != ranks {
                let later = [before.later.clone(), differences].concat();
                let reported_steps = before.reported_steps.or(Some(0));
                update = Some(Provenance { later, ranks, reported_steps, ..before });
            }
        }
        Err(error) => status(&format!("warning: {error}: the environment of the run is unknown")),
    }
    let references = experiment.references();
    signals::stop_run(stop)?;
    let progress = Checkpoints::of(run).progress()?;
    let place = progress.map_or("in its pretraining".into(), |progress| format!("after step {}", progress.steps));
    let divided = ranks.in_words(experiment.train_config().shards);
    status(&format!("resuming {} {place} on {}{divided}", run.display(), backend.name()));
    context.train(experiment, &references, start, update)
}
