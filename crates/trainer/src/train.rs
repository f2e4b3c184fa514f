//! The front door of training: windows and a blueprint in, a run directory out.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use burn::tensor::Device;
use burn::train::metric::LossMetric;
use burn::train::{Learner, SupervisedTraining, TrainingStrategy};
use models::{About, Artifact, LanguageModel, score};
use seqdata::{Loader, Order, Prepared};
use text_prep::Tokenizer;

use crate::checkpoint::{Checkpoints, Progress};
use crate::config::{Method, TrainConfig};
use crate::error::{Error, Result};
use crate::observer::Observer;
use crate::silent::Silent;
use crate::strategy::{Course, EpochStrategy};
use crate::task::Trainee;

/// What a run is, besides its weights: it goes into every checkpoint and into the model directory.
#[derive(Clone, Debug)]
pub struct Identity {
    /// From text to ids and back.
    pub tokenizer: Tokenizer,
    /// The blueprint and its numbers; losses and epochs are filled in as the run goes.
    pub about: About,
    /// Further files by name, such as the run's configuration.
    pub extra: BTreeMap<String, Vec<u8>>,
}

/// Where a run begins.
#[derive(Clone, Debug)]
pub enum Start {
    /// With this model, as nobody has trained it yet.
    Fresh(Box<LanguageModel>),
    /// With the run's newest checkpoint, bit for bit as if it had never stopped there.
    Resume,
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The model with the lowest validation loss, as written into the run directory.
    pub best: Artifact,
    /// All epochs.
    pub progress: Progress,
}

/// Trains on `prepared` and leaves a model directory in `run`, with checkpoints under it.
///
/// # Errors
/// If a setting is out of range, the loss is no number any more, the checkpoint is of another run,
/// an observer gives up or the file system refuses.
pub fn train(
    prepared: &Prepared,
    config: &TrainConfig,
    identity: Identity,
    run: &Path,
    start: Start,
    device: &Device,
    observer: Box<dyn Observer>,
) -> Result<Outcome> {
    config.check()?;
    let plain = device.clone().without_autodiff();
    let checkpoints = Checkpoints::of(run);

    let fresh = Progress {
        config: config.clone(),
        train_sha256: prepared.train_sha256(),
        epochs: Vec::new(),
    };
    let (model, optimizer, progress) = match start {
        Start::Resume => {
            let (artifact, record, progress) = checkpoints.newest(&plain)?;
            same_run(&artifact, &progress, &fresh, &identity, run)?;
            let progress = Progress { config: config.clone(), ..progress };
            (artifact.model, config.optimizer.init().load_record(record), progress)
        }
        Start::Fresh(model) => (*model, config.optimizer.init(), fresh),
    };

    let done = progress.epochs.len();
    let progress = if done < config.epochs {
        let (train, valid) = loaders(prepared, config, &plain)?;
        let model = model.trainable();
        let trainee = Trainee { model, seed: config.seed, clip: config.clip };
        let strategy = Arc::new(EpochStrategy::new(Course {
            config: config.clone(),
            identity: identity.clone(),
            optimizer,
            progress,
            checkpoints: checkpoints.clone(),
            clock: train.clock(),
            steps_per_epoch: train.batches(),
            observer,
        }));
        // Burn's learner wants an optimizer; the one that works is the strategy's own.
        let idle = config.optimizer.init();
        let mut training = SupervisedTraining::new(run, Arc::new(train), Arc::new(valid))
            .metrics((LossMetric::new(),))
            .with_training_strategy(TrainingStrategy::Custom(strategy.clone()))
            .with_metric_logger(Silent)
            .renderer(Box::new(Silent))
            .with_application_logger(None)
            .num_epochs(config.epochs);
        if done > 0 {
            training = training.checkpoint(done);
        }
        drop(training.launch(Learner::new(trainee, idle, config.learning_rate)));
        strategy.outcome()?
    } else {
        progress
    };
    finish(prepared, &checkpoints, progress, identity.extra, run, &plain)
}

/// What is learned from and what is judged by.
fn loaders(prepared: &Prepared, config: &TrainConfig, plain: &Device) -> Result<(Loader, Loader)> {
    let autodiff = plain.clone().autodiff();
    Ok(match config.method {
        Method::Windows => {
            let order = Order::Shuffled(config.seed);
            let windows =
                |windows, order, device| Loader::windows(windows, config.batch_size, order, device);
            (
                windows(prepared.train_windows(), order, autodiff),
                windows(prepared.valid_windows(), Order::Sequential, plain.clone()),
            )
        }
        Method::EveryStep { length } => (
            Loader::streams(prepared.train_streams(config.batch_size, length)?, autodiff),
            Loader::streams(prepared.valid_stream(), plain.clone()),
        ),
    })
}

/// Takes the best checkpoint's model, scores it with the state carried where that is not done yet,
/// and keeps it in `run`.
fn finish(
    prepared: &Prepared,
    checkpoints: &Checkpoints,
    progress: Progress,
    extra: BTreeMap<String, Vec<u8>>,
    run: &Path,
    device: &Device,
) -> Result<Outcome> {
    let epoch = progress.best().map(|report| report.epoch);
    let epoch = epoch.ok_or_else(|| Error::NoCheckpoint(run.into()))?;
    let mut best = checkpoints.model(epoch, device)?;
    if best.about.valid_loss_carried.is_none() {
        let stream = Loader::streams(prepared.valid_stream(), device.clone());
        best.about.valid_loss_carried = Some(score(&best.model, &stream)?.nats_per_token());
    }
    // The files of the run as it ended, which may be another sitting than the best epoch's.
    best.extra = extra;
    best.save(run)?;
    Ok(Outcome { best, progress })
}

/// Refuses to go on with the weights of another model, another text or other numbers: only how many
/// epochs there are and how often an observer looks may change.
fn same_run(
    artifact: &Artifact,
    before: &Progress,
    now: &Progress,
    identity: &Identity,
    run: &Path,
) -> Result<()> {
    let refuse = |reason: &str| Err(Error::Resume { directory: run.into(), reason: reason.into() });
    if artifact.about.model != identity.about.model {
        return refuse("its model has other sizes or options than the configuration");
    }
    if artifact.tokenizer != identity.tokenizer {
        return refuse("its vocabulary is not the one that the text gives now");
    }
    let TrainConfig { epochs, look_every, schedule, .. } = now.config;
    if schedule.depends_on_length() && before.config.epochs != epochs {
        return refuse(
            "`train.schedule` makes the learning rate of every step depend on `train.epochs`, \
             which has changed",
        );
    }
    if (TrainConfig { epochs, look_every, ..before.config.clone() }) != now.config {
        return refuse(
            "seed, method, batch size, learning rate, schedule, optimizer or clipping have changed; only \
             `train.epochs` and `samples` may",
        );
    }
    if before.train_sha256 != now.train_sha256 {
        return refuse(
            "its training windows are others: the text, `windows` or `split` have changed",
        );
    }
    if artifact.about.valid_sha256 != identity.about.valid_sha256 {
        return refuse("its validation split is not the one that the text gives now");
    }
    Ok(())
}
