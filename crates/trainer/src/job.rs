//! The input of a training run (data, config, start) and its outcome.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use burn::tensor::Device;
use burn::train::Interrupter;
use burn::train::logger::MetricLogger;
use burn::train::renderer::MetricsRenderer;
use durable::Lock;
use kernels::KernelMode;
use models::{LanguageModel, Metadata, ModelBundle};
use ranks::{Ranks, Single};
use serde::{Deserialize, Serialize};
use text_prep::Tokenizer;

use crate::config::TrainConfig;
use crate::observer::Observer;
use crate::progress::Progress;
use crate::stop::StopFlag;
use crate::task::TrainTask;

/// Everything that a run uses and does not change, and those who follow it.
///
/// There are two kinds of followers. An [`Observer`] gets the run's own reports: plan, steps, epochs, checkpoints,
/// rollbacks, and the model to sample from. Burn's [`MetricLogger`] and [`MetricsRenderer`] get these metrics, each
/// with a value per step (or batch of the validation split) and one for the epoch:
///
/// | metric | unit | splits |
/// |---|---|---|
/// | `Loss` | nats/token | train, valid |
/// | `Perplexity` | | train, valid |
/// | `Accuracy` | fraction of targets, 0 to 1 | valid |
/// | `Tokens per second` | input tokens/s | train |
/// | `Learning Rate` | | train |
/// | `Memory` | MB resident, on Linux only | train |
///
/// The value for the epoch is that of the [`EpochReport`](crate::EpochReport), also if the run was resumed within the
/// epoch; only that of the learning rate is the mean over the steps since then. If the run is rolled back, the epoch
/// starts again, with lower step numbers.
pub struct Job<'a, M: TrainTask = LanguageModel> {
    pub(crate) data: &'a M::Data,
    pub(crate) config: &'a TrainConfig,
    pub(crate) identity: RunIdentity<M>,
    pub(crate) run_dir: &'a Path,
    pub(crate) device: &'a Device,
    pub(crate) kernels: KernelMode,
    pub(crate) ranks: Arc<dyn Ranks>,
    pub(crate) lock: Option<Lock>,
    pub(crate) stop: StopFlag,
    pub(crate) stop_timeout: Duration,
    pub(crate) interrupter: Interrupter,
    pub(crate) observers: Vec<Box<dyn Observer<M>>>,
    pub(crate) metric_loggers: Vec<Box<dyn MetricLogger>>,
    pub(crate) renderer: Option<Box<dyn MetricsRenderer>>,
}

impl<'a, M: TrainTask> Job<'a, M> {
    /// A run on `data` with the hyperparameters `config`, on `device`. `identity` is stored in every checkpoint; all
    /// files are written to the directory `run_dir`.
    pub fn new(
        data: &'a M::Data,
        config: &'a TrainConfig,
        identity: RunIdentity<M>,
        run_dir: &'a Path,
        device: &'a Device,
    ) -> Self {
        Self {
            data,
            config,
            identity,
            run_dir,
            device,
            kernels: KernelMode::default(),
            ranks: Arc::new(Single),
            lock: None,
            stop: StopFlag::default(),
            stop_timeout: Duration::from_secs(1),
            interrupter: Interrupter::new(),
            observers: Vec::new(),
            metric_loggers: Vec::new(),
            renderer: None,
        }
    }

    /// Fused kernels (the default) or Burn's own operations.
    #[must_use]
    pub fn kernels(self, kernels: KernelMode) -> Self {
        Self { kernels, ..self }
    }

    /// The ranks that train together, of which this is one; by default there is no other. Each computes the same number of
    /// the [`shards`](crate::TrainConfig::shards) of a batch, and all have the same weights after every step, with the same
    /// bits for every number of ranks.
    ///
    /// All ranks need the same data and configuration. Rank 0 alone reads and writes the run directory, validates and calls
    /// observers, metric loggers and the renderer; the others get from it what they start with, and ignore what is given for
    /// these. The outcome is the same on all, besides times. A request to stop on any rank stops all after the same step.
    #[must_use]
    pub fn ranks(self, ranks: Arc<dyn Ranks>) -> Self {
        Self { ranks, ..self }
    }

    /// The lock of the run directory. The run ends with an error as soon as the directory was deleted, moved or
    /// replaced.
    #[must_use]
    pub fn lock(self, lock: Lock) -> Self {
        Self { lock: Some(lock), ..self }
    }

    /// A flag that ends the run early, after the current step, with a checkpoint to resume from.
    #[must_use]
    pub fn stop_flag(self, stop: StopFlag) -> Self {
        Self { stop, ..self }
    }

    /// How long a validation may take after a request to stop: then it is cut off, and a resumed run repeats it.
    /// Default: one second.
    #[must_use]
    pub fn stop_timeout(self, stop_timeout: Duration) -> Self {
        Self { stop_timeout, ..self }
    }

    /// A handle of Burn that ends the run early. [`Interrupter::stop`] does the same as the stop flag, and
    /// [`Interrupter::fail`] ends the run with [`Error::Training`](crate::Error::Training). Burn's full-screen
    /// renderer resets its interrupter at the end of a run, so read [`Outcome::stop_reason`] instead of it.
    #[must_use]
    pub fn interrupter(self, interrupter: Interrupter) -> Self {
        Self { interrupter, ..self }
    }

    /// Adds an observer. Observers are called in the order in which they were added.
    #[must_use]
    pub fn observer(mut self, observer: impl Observer<M> + 'static) -> Self {
        self.observers.push(Box::new(observer));
        self
    }

    /// Adds a logger of metrics. It has received all of them, and is dropped, when [`train`](crate::train()) returns.
    #[must_use]
    pub fn metric_logger(mut self, logger: impl MetricLogger + 'static) -> Self {
        self.metric_loggers.push(Box::new(logger));
        self
    }

    /// Displays metrics and progress with `renderer`, such as Burn's `default_renderer`. Without one, nothing is
    /// displayed.
    #[must_use]
    pub fn renderer(self, renderer: Box<dyn MetricsRenderer>) -> Self {
        Self { renderer: Some(renderer), ..self }
    }
}

/// What describes a run besides its weights. Stored in every checkpoint and in the model directory.
#[derive(Clone, Debug)]
pub struct RunIdentity<M: TrainTask = LanguageModel> {
    /// The tokenizer of the model.
    pub tokenizer: Tokenizer,
    /// The model's config and metadata; losses, epochs and steps are filled in during the run.
    pub metadata: Metadata<M::Config>,
    /// Additional files by name, such as the run's configuration.
    pub extra_files: BTreeMap<String, Vec<u8>>,
}

impl<M: TrainTask> RunIdentity<M> {
    /// The identity without additional files.
    pub fn new(tokenizer: Tokenizer, metadata: Metadata<M::Config>) -> Self {
        Self { tokenizer, metadata, extra_files: BTreeMap::new() }
    }

    /// Adds a file of this name with this content to every checkpoint and to the model directory.
    #[must_use]
    pub fn extra_file(mut self, name: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        self.extra_files.insert(name.into(), content.into());
        self
    }

    /// The model's metadata at this point of the run.
    pub(crate) fn metadata_at(&self, progress: &Progress) -> Metadata<M::Config> {
        let Progress { steps, epochs, config, .. } = progress;
        let mut metadata = Metadata {
            epochs: epochs.len(),
            steps: *steps,
            valid_loss_window: None,
            valid_loss_carried: None,
            ..self.metadata.clone()
        };
        if let Some(last) = epochs.last().filter(|last| last.step == *steps) {
            config.mode.set_valid_loss(&mut metadata, last.valid_loss_nats_per_token);
        }
        metadata
    }
}

/// Where a run starts.
#[derive(Clone, Debug)]
pub enum StartFrom<M = LanguageModel> {
    /// From this model, at step 0.
    Model(Box<M>),
    /// From the run's newest checkpoint, bit-identical to a run that was never interrupted.
    Checkpoint,
}

/// The result of a run.
#[derive(Clone, Debug)]
pub struct Outcome<M: TrainTask = LanguageModel> {
    /// The model with the lowest validation loss, as saved in the run directory, on every rank.
    pub best: ModelBundle<M>,
    /// Progress, with the reports of all epochs. Times are those of this rank.
    pub progress: Progress,
    /// Why the run ended.
    pub stop_reason: StopReason,
}

/// Why a run ended without an error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum StopReason {
    /// All epochs are done.
    Finished,
    /// Early stopping: the validation loss did not decrease for `early_stopping_patience` epochs.
    EarlyStopping,
    /// The stop flag was set, or Burn's interrupter stopped; the run can be resumed.
    Requested {
        /// Validation loss at the last step, in nats per token; `None` if the validation was cut off.
        valid_loss_nats_per_token: Option<f64>,
    },
}
