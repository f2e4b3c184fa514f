//! Trains the model of an [`Experiment`] with all observers, and reports the results.
//!
//! [`Experiment`] abstracts over language modelling and question generation; this module is generic over it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::tensor::Device;
use durable::Lock;
use models::{Metadata, Network};
use text_prep::Tokenizer;
use trainer::{
    Job, Observer, ObserverResult, Outcome, Plan, RunIdentity, StartFrom, StopFlag, StopReason, TrainConfig, TrainTask,
    train,
};

use crate::allocator::{FreedMemory, MemoryByPhase};
use crate::config::RunLength;
use crate::device::BackendSelection;
use crate::error::{Error, Result};
use crate::input::KeptInput;
use crate::observers::dashboard::{Dashboard, ViewOptions};
use crate::observers::epoch_in_words::EpochInWords;
use crate::observers::metrics_file::{self, MetricsFile};
use crate::observers::progress::Progress;
use crate::observers::samples_file::SamplesFile;
use crate::observers::sampling::SampleCache;
use crate::observers::tensorboard_log::TensorboardLog;
use crate::output::status;
use crate::report::run_charts::{self, NamedCurves};
use crate::run::init::CONFIG;
use crate::run::provenance::{InputHashes, Provenance};
use crate::run::ranks::{Announcement, TrainRanks};
use crate::run::signals;
use crate::view::format::counted;

/// The model configuration of an experiment.
pub type ConfigOf<C> = <<C as Experiment>::Network as Network>::Config;

/// The task of a run: data, model, baselines and the final report.
pub trait Experiment {
    /// The model that is trained.
    type Network: TrainTask;
    /// Results of simpler models, for comparison.
    type Baselines;

    /// The training and validation data.
    fn data(&self) -> &<Self::Network as TrainTask>::Data;

    /// The training configuration.
    fn train_config(&self) -> &TrainConfig;

    /// Sets the number of steps, before the run starts.
    fn set_length(&mut self, length: RunLength);

    /// A warning about the length, once it is set.
    fn length_warning(&self) -> Option<String>;

    /// The inputs of which the run keeps copies.
    fn kept_inputs(&self) -> &[KeptInput];

    /// Removes the keys that name copies in the directory of the run, in a configuration that is only printed.
    fn remove_copies(&mut self);

    /// The complete configuration as TOML.
    fn to_toml(&self) -> String;

    /// The tokenizer.
    fn tokenizer(&self) -> &Tokenizer;

    /// Files that every checkpoint and the model have besides the configuration, as names and contents.
    fn extra_files(&self) -> Vec<(&'static str, Vec<u8>)> {
        Vec::new()
    }

    /// The model's metadata before training.
    fn metadata(&self) -> Metadata<ConfigOf<Self>>;

    /// The seed of the run and the hashes of its data.
    fn input_hashes(&self) -> InputHashes;

    /// How the validation losses are computed, in words, one sentence for each.
    fn validation_protocols(&self) -> Vec<String> {
        Vec::new()
    }

    /// `model`, which has initial weights, with what a new run computes of them in its directory before its first step.
    /// `None` if a stop was requested meanwhile; the run is resumed with the same `model`.
    ///
    /// # Errors
    /// If they cannot be computed.
    fn pretrain(&self, model: Self::Network, _context: &RunContext) -> Result<Option<Self::Network>> {
        Ok(Some(model))
    }

    /// The source of samples during training. A request to `stop` cuts them off.
    fn sample_cache(&self, stop: &StopFlag) -> SampleCache<Self::Network>;

    /// Computes the baselines.
    fn baselines(&self) -> Self::Baselines;

    /// What is said in words about each epoch.
    fn epochs_in_words(&self, _baselines: &Self::Baselines) -> EpochInWords {
        EpochInWords::default()
    }

    /// Computes all that the model is compared with, before training.
    fn references(&self) -> References<Self::Baselines> {
        let baselines = self.baselines();
        let in_words = Arc::new(self.epochs_in_words(&baselines));
        References { baselines, in_words }
    }

    /// The baselines shown in charts, as names and losses in nats/token.
    fn chart_baselines(baselines: &Self::Baselines) -> Vec<(String, f64)>;

    /// Prints the results, and writes the final reports if the run has ended.
    ///
    /// # Errors
    /// If the model cannot be evaluated, or a file cannot be written.
    fn report_results(
        &self,
        context: &RunContext,
        outcome: &Outcome<Self::Network>,
        baselines: &Self::Baselines,
    ) -> Result<()>;
}

/// What a model is compared with.
pub struct References<B> {
    /// Results of simpler models.
    pub baselines: B,
    /// The training text and the baselines, for each epoch.
    pub in_words: Arc<EpochInWords>,
}

/// The device and the output options of a training process.
#[derive(Clone, Copy)]
pub struct Setup<'a> {
    /// The device.
    pub device: &'a Device,
    /// The backend and its kernels.
    pub backend: &'a BackendSelection,
    /// Where the full-screen view is shown.
    pub view: ViewOptions<'a>,
    /// The processes that train together.
    pub ranks: &'a TrainRanks,
}

/// A run directory and how it is trained.
#[derive(Clone, Copy)]
pub struct RunContext<'a> {
    /// The run directory.
    pub run: &'a Path,
    /// Its lock.
    pub lock: &'a Lock,
    /// The device and the output options.
    pub setup: Setup<'a>,
    /// Requests the end of training.
    pub stop: &'a StopFlag,
}

/// Writes `run.json` once training begins: not yet if the run is rejected.
struct ProvenanceWriter {
    run: PathBuf,
    provenance: Option<Provenance>,
}

impl<M> Observer<M> for ProvenanceWriter {
    fn on_start(&mut self, _plan: &Plan) -> ObserverResult {
        match self.provenance.take() {
            Some(provenance) => Ok(provenance.write(&self.run)?),
            None => Ok(()),
        }
    }
}

impl RunContext<'_> {
    /// Trains the model and reports the results. `update` replaces `run.json` once training begins.
    ///
    /// # Errors
    /// If the run cannot start or resume, or a result cannot be written.
    pub fn train<C: Experiment>(
        &self,
        experiment: &C,
        references: &References<C::Baselines>,
        start: StartFrom<C::Network>,
        update: Option<Provenance>,
    ) -> Result<StopReason> {
        self.lock.explain(self.train_in_directory(experiment, references, start, update))
    }

    fn train_in_directory<C: Experiment>(
        &self,
        experiment: &C,
        references: &References<C::Baselines>,
        start: StartFrom<C::Network>,
        update: Option<Provenance>,
    ) -> Result<StopReason> {
        let Self { run, lock, setup, stop } = *self;
        let start = match start {
            StartFrom::Model(model) => match experiment.pretrain(*model, self)? {
                Some(model) => StartFrom::Model(Box::new(model)),
                None => return Ok(StopReason::Requested { valid_loss_nats_per_token: None }),
            },
            StartFrom::Checkpoint => StartFrom::Checkpoint,
        };
        let toml = experiment.to_toml();
        setup.ranks.announce(&Announcement {
            config: toml.clone(),
            run: std::path::absolute(run).map_err(Error::io(run, "found"))?,
            is_resumed: matches!(start, StartFrom::Checkpoint),
            backend: setup.backend.name().into(),
        })?;
        let identity = RunIdentity::new(experiment.tokenizer().clone(), experiment.metadata()).extra_file(CONFIG, toml);
        let files = experiment.extra_files().into_iter();
        let identity = files.fold(identity, |identity, (name, bytes)| identity.extra_file(name, bytes));
        let job = Job::new(experiment.data(), experiment.train_config(), identity, run, setup.device)
            .kernels(setup.backend.kernels())
            .ranks(setup.ranks.begin_training()?)
            .lock(lock.clone())
            .stop_flag(stop.clone())
            .observer(ProvenanceWriter { run: run.into(), provenance: update })
            .observer(self.observers(experiment, references));
        let outcome = train(job, start).map_err(|error| {
            let hint = matches!(error, trainer::Error::NoModel(_)).then(|| format!("use `--resume {}`", run.display()));
            Error::from(error).with_hint(hint.as_deref())
        })?;
        setup.ranks.begin_reports();
        // Everything is saved: from now on a signal or a key of the view exits at once.
        signals::report_run(run);
        stop.request();
        lock.check()?;
        self.report(&outcome);
        let is_complete = !matches!(outcome.stop_reason, StopReason::Requested { .. });
        if is_complete {
            self.draw(&C::chart_baselines(&references.baselines))?;
        }
        FreedMemory::Returned.select();
        experiment.report_results(self, &outcome, &references.baselines)?;
        // An early run without this file was reported already.
        if is_complete && let Ok(provenance) = Provenance::read(run) {
            Provenance { reported_steps: Some(outcome.progress.steps), ..provenance }.write(run)?;
        }
        Ok(outcome.stop_reason)
    }

    fn observers<C: Experiment>(
        &self,
        experiment: &C,
        references: &References<C::Baselines>,
    ) -> Vec<Box<dyn Observer<C::Network>>> {
        let Self { run, setup: Setup { backend, view, .. }, stop, .. } = *self;
        let samples = experiment.sample_cache(stop);
        let References { baselines, in_words } = references;
        let is_planned = Provenance::read(run).is_ok_and(|run| run.planned_minutes.is_some());
        let plain = || Progress::new(samples.clone(), in_words.clone(), experiment.train_config(), is_planned);
        let baselines = C::chart_baselines(baselines);
        let dashboard = Dashboard::open(view, run.into(), backend.name(), &baselines, plain(), stop);
        let progress: Box<dyn Observer<C::Network>> = match dashboard {
            Some(dashboard) => Box::new(dashboard),
            None => Box::new(plain()),
        };
        vec![
            Box::new(MemoryByPhase),
            Box::new(MetricsFile::new(run)),
            Box::new(SamplesFile::new(run, samples.clone())),
            progress,
            Box::new(TensorboardLog::new(run, samples)),
        ]
    }

    /// Prints why training stopped, unless all epochs were done.
    fn report<M: TrainTask>(&self, outcome: &Outcome<M>) {
        let Outcome { best, progress, stop_reason } = outcome;
        match stop_reason {
            StopReason::Requested { .. } => {
                let all = progress.all_steps();
                status(&format!(
                    "stopped after step {} of {all} and saved; resume with: cargo xtask train --resume {} \
                     --backend {} (or pastiche …)",
                    progress.steps,
                    self.run.display(),
                    self.setup.backend.name()
                ));
            }
            StopReason::EarlyStopping => status(&format!(
                "early stopping: the validation loss has not decreased for {}",
                counted(progress.config.early_stopping_patience, "epoch")
            )),
            StopReason::Finished => {}
        }
        let steps = best.metadata.steps;
        if steps == progress.steps {
            return;
        }
        match progress.best() {
            Some(first) if first.step != steps => status(&format!(
                "warning: the checkpoint of the best epoch, {}, is missing or damaged: the next best one is used",
                first.epoch
            )),
            Some(first) => status(&format!(
                "the weights of epoch {} are kept: of {}, it has the lowest validation loss",
                first.epoch,
                counted(progress.epochs.len(), "epoch")
            )),
            None => {}
        }
    }

    fn draw(&self, baselines: &[(String, f64)]) -> Result<()> {
        let run = self.run;
        match metrics_file::read_curves(run) {
            Ok(curves) => {
                if curves.steps() > 0 {
                    let named = NamedCurves { run: None, curves: &curves };
                    run_charts::losses(&run.join("loss.svg"), &[named], baselines)?;
                }
                run_charts::learning_rate(&run.join("learning_rate.svg"), &curves)?;
            }
            Err(error) => status(&format!("warning: {error}; no charts are drawn")),
        }
        Ok(())
    }
}

/// Describes which weights `outcome.best` are: those of the best epoch, or of the step at which the run was stopped.
pub fn model_label<M: TrainTask>(outcome: &Outcome<M>) -> String {
    let Outcome { best, progress, .. } = outcome;
    if best.metadata.steps == progress.steps && progress.epoch_totals.targets > 0 {
        format!("the model after step {}", best.metadata.steps)
    } else {
        format!("best epoch {}", best.metadata.epochs)
    }
}
