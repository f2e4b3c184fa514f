//! The entry point of training: from data and a model to a run directory.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use burn::data::dataloader::DataLoader;
use burn::tensor::Device;
use burn::train::{Learner, SupervisedTraining, TrainingStrategy};
use models::ModelBundle;
use ranks::{shards_of_rank, while_busy};
use seqdata::{Loader, ShardedLoader};

use crate::checkpoint::{Checkpoint, Checkpoints};
use crate::config::TrainConfig;
use crate::error::{Error, Result};
use crate::exchange::{check_same_inputs, receive_state, result_of_rank_0};
use crate::job::{Job, Outcome, RunIdentity, StartFrom, StopReason};
use crate::listeners::{Listeners, Loggers, NoRenderer};
use crate::metrics;
use crate::progress::Progress;
use crate::shared_module::SharedModule;
use crate::state::TrainState;
use crate::stop::StopTimer;
use crate::strategy::TrainLoopStrategy;
use crate::task::TrainTask;
use crate::train_loop::TrainLoop;

/// Trains a model and saves the best one in the run directory, with checkpoints in a subdirectory. With several
/// [ranks](Job::ranks) all call this with the same job; ranks other than 0 start with what rank 0 starts with, whatever `start`
/// is.
///
/// # Errors
/// If a setting is out of range, the shards cannot be divided over the ranks, a rank has other inputs or is lost, the loss diverges
/// repeatedly, the checkpoint is damaged or belongs to another run, an observer fails, Burn's interrupter is given an error or the file system reports an error. If the run directory was
/// deleted, moved or replaced meanwhile, that is the error.
pub fn train<M: TrainTask>(job: Job<M>, start: StartFrom<M>) -> Result<Outcome<M>> {
    let lock = job.lock.clone();
    let outcome = train_in_directory(job, start);
    match lock {
        Some(lock) => lock.explain(outcome),
        None => outcome,
    }
}

fn train_in_directory<M: TrainTask>(mut job: Job<M>, start: StartFrom<M>) -> Result<Outcome<M>> {
    let ranks = job.ranks.clone();
    let is_rank_0 = ranks.rank() == 0;
    if !is_rank_0 {
        (job.observers, job.metric_loggers, job.renderer, job.lock) = (Vec::new(), Vec::new(), None, None);
    }
    let listeners = Listeners {
        loggers: std::mem::take(&mut job.metric_loggers),
        renderer: job.renderer.take(),
        interrupter: job.interrupter.clone(),
    };
    let observers = std::mem::take(&mut job.observers);
    let checkpoints = Checkpoints::of(job.run_dir).with_lock(job.lock.clone());
    let config = match start {
        StartFrom::Checkpoint if job.config.valid_streams == 0 && is_rank_0 => {
            &keep_valid_streams(job.config, &checkpoints)
        }
        _ => job.config,
    };
    let job = Job { config, ..job };
    let Job { data, config, ref identity, run_dir, device, kernels, ref stop, .. } = job;
    config.check()?;
    check_default_device()?;
    let device = device.clone().without_autodiff();
    config.precision.check(kernels, &device)?;
    let shards = shards_of_rank(config.shards, ranks.rank(), ranks.count())?;
    check_same_inputs(&*ranks, inputs(&job))?;
    let [train, valid] = M::loaders(data, config, &device)?;
    let train_items = train.num_items();
    let train = train.steps_per_epoch(config.steps_per_epoch);
    let train = ShardedLoader::new(train, config.shards, shards.clone());

    let new = Progress::new(config.clone(), M::train_sha256(data), train.batches());
    let from_checkpoint = |checkpoint: Checkpoint<M>, progress: Progress| {
        let steps = Some(progress.steps);
        let state = TrainState::from_checkpoint(checkpoint, &progress.config, kernels, shards.clone());
        (state, progress, steps)
    };
    let mut rnn_state = None;
    let ((state, learner), progress, last_saved) = match start {
        _ if !is_rank_0 => {
            let checkpoint = receive_state(&*ranks, identity, run_dir, &device)?;
            let progress = checkpoint.progress.clone();
            from_checkpoint(checkpoint, progress)
        }
        StartFrom::Checkpoint => {
            let checkpoint = checkpoints.load_newest(&device)?;
            check_same_run(&checkpoint, &new, identity, run_dir)?;
            let progress = Progress { config: config.clone(), ..checkpoint.progress.clone() };
            checkpoints.remove_incomplete(&progress)?;
            rnn_state = checkpoint.rnn_state.clone();
            from_checkpoint(checkpoint, progress)
        }
        StartFrom::Model(_) if !checkpoints.steps()?.is_empty() => {
            let reason = "it holds checkpoints already: resume it, or use another directory";
            return Err(Error::Resume { directory: run_dir.into(), reason: reason.into() });
        }
        StartFrom::Model(model) => {
            durable::directory::create(run_dir)?;
            (TrainState::new(model.with_kernels(kernels), config), new, None)
        }
    };
    if is_rank_0 {
        state.send(&*ranks, identity, rnn_state.as_ref(), &progress)?;
    }

    let (progress, stop_reason) = if progress.is_finished() {
        (progress, StopReason::Finished)
    } else if progress.should_stop_early() {
        (progress, StopReason::EarlyStopping)
    } else {
        let train_loop = TrainLoop {
            identity: identity.clone(),
            state,
            progress,
            last_saved,
            saved_at: Instant::now(),
            checkpoints: checkpoints.clone(),
            cursor: train.cursor(),
            train_items,
            device: device.clone(),
            ranks: ranks.clone(),
            shards,
            stop: stop.clone(),
            is_stop_agreed: false,
            stop_timeout: job.stop_timeout,
            validation_seconds: 0.0,
            observers,
        };
        launch(train_loop, learner, train, valid, listeners, run_dir)?
    };
    let result =
        is_rank_0.then(|| while_busy(&*ranks, || save_best(&job, &checkpoints, &progress, stop_reason, &device)));
    let (best, stop_reason) = result_of_rank_0(&*ranks, result.transpose()?, identity, &device)?;
    Ok(Outcome { best, progress, stop_reason })
}

/// What all ranks must have alike, by name. The number of validation streams of a run that is resumed is known to rank 0 alone.
fn inputs<M: TrainTask>(job: &Job<M>) -> [(&'static str, String); 3] {
    let Job { data, config, identity, .. } = job;
    let config = (*config).clone().valid_streams(0);
    let data = format!("{} {}", M::train_sha256(data), identity.metadata.valid_sha256);
    [
        ("a program", env!("CARGO_PKG_VERSION").into()),
        ("a training text", data),
        ("a configuration", format!("{config:?} {:?}", identity.metadata.config)),
    ]
}

/// `config` with the number of validation streams that the run was started with: another one gives slightly other losses.
fn keep_valid_streams(config: &TrainConfig, checkpoints: &Checkpoints) -> TrainConfig {
    // A damaged checkpoint is reported when it is loaded.
    let progress = checkpoints.progress().ok().flatten();
    config.clone().valid_streams(progress.map_or(0, |progress| progress.config.valid_streams))
}

/// Burn's optimizer loading names the default device, although the state that is loaded does not use it. That panics if
/// the variable `BURN_DEVICE` has a value that Burn does not know, so the value is checked before training.
fn check_default_device() -> Result<()> {
    match std::env::var("BURN_DEVICE") {
        Ok(value) if std::panic::catch_unwind(Device::default).is_err() => Err(Error::DefaultDevice(value)),
        _ => Ok(()),
    }
}

/// Runs the train loop inside burn-train's `SupervisedTraining`.
fn launch<M: TrainTask>(
    train_loop: TrainLoop<M>,
    learner: Learner<SharedModule<M>>,
    train: ShardedLoader<M::Items>,
    valid: Loader<M::Items>,
    listeners: Listeners,
    run_dir: &Path,
) -> Result<(Progress, StopReason)> {
    let Progress { config, epochs: finished, .. } = &train_loop.progress;
    let (epochs, finished) = (config.epochs, finished.len());
    let has_listeners = listeners.any();
    let (loggers, loggers_closed) = Loggers::new(listeners.loggers);
    let strategy = Arc::new(TrainLoopStrategy::new(train_loop, has_listeners));
    let mut training = SupervisedTraining::new(run_dir, Arc::new(train), Arc::new(valid))
        .with_training_strategy(TrainingStrategy::Custom(strategy.clone()))
        .with_metric_logger(loggers)
        .renderer(listeners.renderer.unwrap_or_else(|| Box::new(NoRenderer)))
        .with_interrupter(listeners.interrupter)
        .with_application_logger(None)
        .num_epochs(epochs);
    if has_listeners {
        training = metrics::register(training);
    }
    if finished > 0 {
        // Only reports to the renderer where the run continues: checkpoints are ours.
        training = training.checkpoint(finished);
    }
    let result = training.launch(learner);
    loggers_closed.wait();
    let outcome = strategy.take_result()?;
    // An error after the last step, such as one of a metric.
    match result.error {
        Some(error) => Err(error.into()),
        None => Ok(outcome),
    }
}

/// Loads the model with the lowest validation loss, adds final metrics, and saves it in the run directory. A request to
/// stop may cut off the metrics: then the run counts as stopped. Returns the model and why the run ended.
fn save_best<M: TrainTask>(
    job: &Job<M>,
    checkpoints: &Checkpoints,
    progress: &Progress,
    stop_reason: StopReason,
    device: &Device,
) -> Result<(ModelBundle<M>, StopReason)> {
    let mut candidates: Vec<(f64, u64)> =
        progress.epochs.iter().map(|report| (report.valid_loss_nats_per_token, report.step)).collect();
    // A run stopped within an epoch may have better weights than after any complete epoch.
    if let StopReason::Requested { valid_loss_nats_per_token: Some(loss) } = stop_reason {
        candidates.push((loss, progress.steps));
    }
    candidates.retain(|(loss, _)| loss.is_finite());
    candidates.sort_by(|a, b| a.0.total_cmp(&b.0));
    // If the best checkpoint is damaged or missing, the next best is used.
    let load = |&(loss, steps): &(f64, u64)| Some((loss, checkpoints.load_model(steps, device).ok()?));
    let best = candidates.iter().find_map(load);
    let (loss, best) = match (best, stop_reason) {
        (Some((loss, best)), _) => (Some(loss), best),
        // Stopped before the first validation was complete.
        (None, StopReason::Requested { .. }) => (None, checkpoints.load_model(progress.steps, device)?),
        (None, _) => return Err(Error::NoModel(job.run_dir.into())),
    };
    let mut best = best.with_kernels(job.kernels);
    if let Some(loss) = loss {
        job.config.mode.set_valid_loss(&mut best.metadata, loss);
    }
    let (mut timer, mut stop_reason) = (StopTimer::new(job.stop_timeout), stop_reason);
    let mut keep_going = || {
        let is_allowed = timer.allows(job.stop.is_requested() || job.interrupter.should_stop());
        if !is_allowed && !matches!(stop_reason, StopReason::Requested { .. }) {
            let last = progress.epochs.last().map(|report| report.valid_loss_nats_per_token);
            stop_reason = StopReason::Requested { valid_loss_nats_per_token: last };
        }
        is_allowed
    };
    M::add_final_metrics(&mut best, job.data, job.config, device, &mut keep_going)?;
    checkpoints.check_lock()?;
    // The extra files of the end of the run: if it was resumed, they may have changed since the best epoch.
    best.extra_files = job.identity.extra_files.clone();
    best.save(job.run_dir)?;
    Ok((best, stop_reason))
}

/// Checks that a checkpoint has the same model, data and hyperparameters as the run that is to be resumed. Only the
/// number of epochs, the early-stopping patience, the checkpoint policy and the sampling interval may change.
fn check_same_run<M: TrainTask>(
    checkpoint: &Checkpoint<M>,
    now: &Progress,
    identity: &RunIdentity<M>,
    run_dir: &Path,
) -> Result<()> {
    let Checkpoint { bundle, progress: before, .. } = checkpoint;
    let reject = |reason: &str| Err(Error::Resume { directory: run_dir.into(), reason: reason.into() });
    // The sizes of the model depend on the vocabulary and the labels of the text.
    if bundle.tokenizer != identity.tokenizer {
        return reject("its vocabulary differs from that of the current text; restore the text");
    }
    if bundle.metadata.config != identity.metadata.config {
        let has_same_text =
            before.train_sha256 == now.train_sha256 && bundle.metadata.valid_sha256 == identity.metadata.valid_sha256;
        return reject(if has_same_text {
            "its model has other sizes or options than the configuration; restore them"
        } else {
            "its text has changed, or the labels of its documents; restore the text"
        });
    }
    let TrainConfig { epochs, sample_every, early_stopping_patience, checkpoint_policy, schedule, .. } = now.config;
    if schedule.depends_on_length() && before.config.epochs != epochs {
        return reject(
            "`train.schedule` makes the learning rate of every step depend on `train.epochs`, \
             which has changed: restore it, or start a new run from its model",
        );
    }
    let allowed =
        TrainConfig { epochs, sample_every, early_stopping_patience, checkpoint_policy, ..before.config.clone() };
    if allowed != now.config {
        return reject(
            "seed, steps per epoch, mode, lengths of chunks, batch size, shards, learning rate, schedule, layer decay, unfreezing, \
             averaging, optimizer, clipping, precision or validation streams have changed; only `train.epochs`, \
             `train.early_stopping_patience`, `checkpoints` and `samples` may",
        );
    }
    if before.train_sha256 != now.train_sha256 || before.steps_per_pass != now.steps_per_pass {
        return reject("its training data differs: the text, the windows or the split have changed; restore them");
    }
    if bundle.metadata.valid_sha256 != identity.metadata.valid_sha256 {
        return reject("its validation split differs from that of the current text; restore the text");
    }
    Ok(())
}
