//! The front door of training: data and a fresh network in, a run directory out.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use burn::tensor::Device;
use burn::train::metric::LossMetric;
use burn::train::{Learner, SupervisedTraining, TrainingStrategy};
use models::{AboutNetwork, LanguageModel, Trained};
use text_prep::Tokenizer;

use crate::checkpoint::{Checkpoints, Kept};
use crate::config::TrainConfig;
use crate::error::{Error, Result};
use crate::observer::Observer;
use crate::progress::Progress;
use crate::run::{Ended, Run};
use crate::silent::Silent;
use crate::standing::Standing;
use crate::stop::Stop;
use crate::strategy::StepStrategy;
use crate::task::Task;

/// What a run is, besides its weights: it goes into every checkpoint and into the model directory.
#[derive(Clone, Debug)]
pub struct Identity<M: Task = LanguageModel> {
    /// From text to ids and back.
    pub tokenizer: Tokenizer,
    /// The blueprint and its numbers; losses, epochs and steps are filled in as the run goes.
    pub about: AboutNetwork<M::Config>,
    /// Further files by name, such as the run's configuration.
    pub extra: BTreeMap<String, Vec<u8>>,
}

/// Where a run begins.
#[derive(Clone, Debug)]
pub enum Start<M = LanguageModel> {
    /// With this model, as nobody has trained it yet in this run.
    Fresh(Box<M>),
    /// With the run's newest checkpoint, bit for bit as if it had never stopped there.
    Resume,
}

/// All that a run works with and does not change.
pub struct Job<'a, M: Task = LanguageModel> {
    /// What is learned from and judged by.
    pub data: &'a M::Data,
    /// How.
    pub config: &'a TrainConfig,
    /// What the run is.
    pub identity: Identity<M>,
    /// The run directory.
    pub run: &'a Path,
    /// Where it computes.
    pub device: &'a Device,
    /// Asked for by whoever wants the run to end early.
    pub stop: Stop,
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Outcome<M: Task = LanguageModel> {
    /// The model with the lowest validation loss, as written into the run directory.
    pub best: Trained<M>,
    /// All epochs.
    pub progress: Progress,
    /// Why it ended.
    pub ended: Ended,
}

/// Trains and leaves a model directory in the run's directory, with checkpoints under it.
///
/// # Errors
/// If a setting is out of range, the loss explodes again and again, the checkpoint is damaged or of
/// another run, an observer gives up or the file system refuses.
pub fn train<M: Task>(
    job: Job<M>,
    start: Start<M>,
    observer: Box<dyn Observer<M>>,
) -> Result<Outcome<M>> {
    let Job { data, config, ref identity, run, device, ref stop } = job;
    config.check()?;
    let plain = device.clone().without_autodiff();
    let checkpoints = Checkpoints::of(run);
    let [train, valid] = M::loaders(data, config, &plain)?;

    let fresh = Progress::new(config.clone(), M::train_sha256(data), train.batches());
    let (standing, progress, last_saved) = match start {
        Start::Resume => {
            let kept = checkpoints.newest(&plain)?;
            same_run(&kept, &fresh, identity, run)?;
            let progress = Progress { config: config.clone(), ..kept.progress.clone() };
            checkpoints.sweep(&progress)?;
            let steps = Some(progress.steps);
            (Standing::of(kept, config), progress, steps)
        }
        Start::Fresh(_) if !checkpoints.steps()?.is_empty() => {
            let reason = "it holds checkpoints already: go on with it, or name another directory";
            return Err(Error::Resume { directory: run.into(), reason: reason.into() });
        }
        Start::Fresh(model) => (Standing::fresh(*model, config), fresh, None),
    };

    let (progress, ended) = if progress.is_finished() {
        (progress, Ended::Finished)
    } else if progress.has_lost_patience() {
        (progress, Ended::LostPatience)
    } else {
        // Burn's learner wants a model and an optimizer; those that work are the strategy's own.
        let trainee = standing.trainee().clone();
        let strategy = Arc::new(StepStrategy::new(Run {
            identity: identity.clone(),
            standing,
            progress,
            last_saved,
            saved_at: Instant::now(),
            checkpoints: checkpoints.clone(),
            clock: train.clock(),
            device: plain.clone(),
            stop: stop.clone(),
            observer,
        }));
        let idle = config.optimizer.init();
        let training = SupervisedTraining::new(run, Arc::new(train), Arc::new(valid))
            .metrics((LossMetric::new(),))
            .with_training_strategy(TrainingStrategy::Custom(strategy.clone()))
            .with_metric_logger(Silent)
            .renderer(Box::new(Silent))
            .with_application_logger(None)
            .num_epochs(config.epochs);
        drop(training.launch(Learner::new(trainee, idle, config.learning_rate)));
        strategy.outcome()?
    };
    finish(&job, &checkpoints, progress, ended, &plain)
}

/// Takes the best model, measures what it says of itself, and keeps it in the run's directory.
fn finish<M: Task>(
    job: &Job<M>,
    checkpoints: &Checkpoints,
    progress: Progress,
    ended: Ended,
    device: &Device,
) -> Result<Outcome<M>> {
    let mut candidates: Vec<(f64, u64)> = progress
        .epochs
        .iter()
        .map(|report| (report.valid_loss_nats_per_token, report.step))
        .collect();
    // Stopped within an epoch, maybe at better weights than those after any whole one.
    if let Ended::Stopped { valid_loss_nats_per_token: loss } = ended {
        candidates.push((loss, progress.steps));
    }
    candidates.retain(|(loss, _)| loss.is_finite());
    candidates.sort_by(|one, other| one.0.total_cmp(&other.0));
    // The next best where the best was damaged or removed.
    let whole = |&(loss, steps): &(f64, u64)| Some((loss, checkpoints.model(steps, device).ok()?));
    let best = candidates.iter().find_map(whole);
    let (loss, mut best) = best.ok_or_else(|| Error::NoModel(job.run.into()))?;
    job.config.method.note_valid_loss(&mut best.about, loss);
    M::complete(&mut best, job.data, device)?;
    // The files of the run as it ended, which may be another sitting than the best epoch's.
    best.extra = job.identity.extra.clone();
    best.save(job.run)?;
    Ok(Outcome { best, progress, ended })
}

/// Refuses to go on with the weights of another model, another text or other numbers: only how many
/// epochs there are, how patient the run is, what is kept and how often an observer looks may change.
fn same_run<M: Task>(
    kept: &Kept<M>,
    now: &Progress,
    identity: &Identity<M>,
    run: &Path,
) -> Result<()> {
    let Kept { artifact, progress: before, .. } = kept;
    let refuse = |reason: &str| Err(Error::Resume { directory: run.into(), reason: reason.into() });
    if artifact.about.model != identity.about.model {
        return refuse(
            "its model has other sizes or options than the configuration; leave them as they were",
        );
    }
    if artifact.tokenizer != identity.tokenizer {
        return refuse("its vocabulary is not the one that the text gives now; restore the text");
    }
    let TrainConfig { epochs, look_every, patience, keeping, schedule, .. } = now.config;
    if schedule.depends_on_length() && before.config.epochs != epochs {
        return refuse(
            "`train.schedule` makes the learning rate of every step depend on `train.epochs`, \
             which has changed: leave it as it was, or start anew from its model",
        );
    }
    let allowed = TrainConfig { epochs, look_every, patience, keeping, ..before.config.clone() };
    if allowed != now.config {
        return refuse(
            "seed, method, batch size, learning rate, schedule, averaging, optimizer or clipping have \
             changed; only `train.epochs`, `train.patience`, `checkpoints` and `samples` may",
        );
    }
    if before.train_sha256 != now.train_sha256 || before.steps_per_epoch != now.steps_per_epoch {
        return refuse(
            "what it learns from is another: the text, its cut or its split have changed; restore them",
        );
    }
    if artifact.about.valid_sha256 != identity.about.valid_sha256 {
        return refuse(
            "its validation split is not the one that the text gives now; restore the text",
        );
    }
    Ok(())
}
