//! From a dataset to a trained model, in one call.

use std::collections::BTreeSet;
use std::path::PathBuf;

use burn::module::Module;
use burn::tensor::Device;
use burn::train::Interrupter;
use burn::train::logger::MetricLogger;
use burn::train::renderer::MetricsRenderer;
use models::{KernelMode, Metadata, ModelBundle, Network};
use seqdata::TextDataset;
use text_prep::Tokenizer;
use trainer::{
    Checkpoints, EpochReport, Job, Observer, Outcome, RunIdentity, StartFrom, StepReport, StopFlag, TrainConfig, train,
};

use crate::closures::{OnEpoch, OnStep};
use crate::error::{Error, Result};
use crate::threads::ThreadCount;
use crate::training_data::{ConfigOf, TrainingData};

/// An option that is passed on to the job of the training loop.
type JobOption<N> = Box<dyn for<'a> FnOnce(Job<'a, N>) -> Job<'a, N>>;

/// Trains a model on a dataset. The type of the dataset decides which: a [`TextDataset`] trains a
/// [language model](models::LanguageModel), a [`QaDataset`](crate::QaDataset) a
/// [question model](crate::QuestionModel).
///
/// Only the hyperparameters are required. Without a [`run_dir`](Self::run_dir), checkpoints go to a temporary
/// directory that is deleted at the end.
///
/// ```
/// use pastiche::{LanguageModelConfig, LayerConfig, TextDataset, TrainConfig, Trainer};
///
/// let text = "The fox looked at the grapes. The grapes hung high. The fox went away. ".repeat(9);
/// let dataset = TextDataset::from_text(text).words().context_len(5).build()?;
/// let model = Trainer::new(TrainConfig::default().epochs(2))
///     .model(LanguageModelConfig::default().embedding_dim(4).layers([LayerConfig::gru(8)]))
///     .fit(&dataset)?;
/// assert!(model.metadata.valid_loss().is_some_and(f64::is_finite));
/// # Ok::<(), pastiche::Error>(())
/// ```
///
/// Documents train the model to begin with a fresh state and to end, and to write by label:
///
/// ```
/// use pastiche::{LanguageModelConfig, LayerConfig, TextDataset, TrainConfig, TrainMode, Trainer};
///
/// let names: Vec<(&str, Option<&str>)> = ["Mia", "Ada", "Lea", "Ida", "Eva", "Ben", "Tom", "Jim", "Max", "Leo"]
///     .into_iter()
///     .enumerate()
///     .map(|(at, name)| (name, Some(if at < 5 { "girls" } else { "boys" })))
///     .collect();
/// let dataset = TextDataset::from_documents(&names[..]).characters().build()?;
/// let model = Trainer::new(TrainConfig::default().mode(TrainMode::Tbptt { bptt_len: 8 }).batch_size(2))
///     .model(LanguageModelConfig::default().embedding_dim(4).layers([LayerConfig::gru(8)]))
///     .fit(&dataset)?;
/// assert_eq!(model.metadata.config.labels, ["boys", "girls"]);
/// assert_eq!(model.metadata.config.document_id, model.tokenizer.vocabulary.document_id());
/// # Ok::<(), pastiche::Error>(())
/// ```
#[must_use = "training starts with `fit` or `run`"]
pub struct Trainer<D: TrainingData = TextDataset> {
    config: TrainConfig,
    model: Option<ConfigOf<D>>,
    init_from: Option<ModelBundle<D::Network>>,
    device: Option<Device>,
    run_dir: Option<PathBuf>,
    resume: bool,
    job_options: Vec<JobOption<D::Network>>,
}

impl<D: TrainingData> Trainer<D> {
    /// A run with these hyperparameters.
    pub fn new(config: TrainConfig) -> Self {
        Self {
            config,
            model: None,
            init_from: None,
            device: None,
            run_dir: None,
            resume: false,
            job_options: Vec::new(),
        }
    }

    /// The sizes and options of the model; those that the dataset determines, such as the vocabulary size, are
    /// replaced. Default: that of [`LanguageModelConfig`](models::LanguageModelConfig), or for questions of
    /// [`QuestionModelConfig`](qa::QuestionModelConfig); in a resumed run, the model of its checkpoint.
    pub fn model(self, config: ConfigOf<D>) -> Self {
        Self { model: Some(config), ..self }
    }

    /// Starts from the weights of a trained model instead of random ones (fine-tuning); its configuration replaces
    /// that of [`model`](Self::model). The dataset must have its tokenizer, or an extension of it: see
    /// [`TextDatasetBuilder::tokenizer`](seqdata::TextDatasetBuilder::tokenizer). New tokens start with random
    /// weights. A resumed run starts from its checkpoint, and ignores this.
    pub fn init_from(self, bundle: &ModelBundle<D::Network>) -> Self {
        Self { init_from: Some(bundle.clone()), ..self }
    }

    /// Trains on this device. Default: the [default device](crate::default_device).
    pub fn device(self, device: Device) -> Self {
        Self { device: Some(device), ..self }
    }

    /// Keeps the checkpoints of the run, and its best model, in this directory. A new run needs one without
    /// checkpoints.
    pub fn run_dir(self, run_dir: impl Into<PathBuf>) -> Self {
        Self { run_dir: Some(run_dir.into()), ..self }
    }

    /// Continues the run in [`run_dir`](Self::run_dir) from its newest checkpoint, bit-identical to a run that was
    /// never interrupted. Dataset and hyperparameters must be the same, except for the number of epochs, the
    /// patience, the checkpoint policy and the sampling interval.
    pub fn resume(self) -> Self {
        Self { resume: true, ..self }
    }

    /// Adds an observer, which gets the plan of the run, steps, epochs, checkpoints and the model to sample from.
    /// Observers are called in the order in which they were added. For a closure see [`on_epoch`](Self::on_epoch) and
    /// [`on_step`](Self::on_step).
    pub fn observer(self, observer: impl Observer<D::Network> + 'static) -> Self {
        self.job_option(move |job| job.observer(observer))
    }

    /// Calls `each` after each epoch and its validation.
    pub fn on_epoch(self, each: impl FnMut(&EpochReport) + Send + 'static) -> Self {
        self.observer(OnEpoch(each))
    }

    /// Calls `each` after each step.
    pub fn on_step(self, each: impl FnMut(&StepReport) + Send + 'static) -> Self {
        self.observer(OnStep(each))
    }

    /// Adds a logger of Burn's metrics; [`Job`] lists them.
    pub fn metric_logger(self, logger: impl MetricLogger + 'static) -> Self {
        self.job_option(move |job| job.metric_logger(logger))
    }

    /// Displays Burn's metrics with this renderer.
    pub fn renderer(self, renderer: Box<dyn MetricsRenderer>) -> Self {
        self.job_option(move |job| job.renderer(renderer))
    }

    /// Lets Burn's interrupter end the run.
    pub fn interrupter(self, interrupter: Interrupter) -> Self {
        self.job_option(move |job| job.interrupter(interrupter))
    }

    /// Lets this flag end the run early, with a checkpoint to resume from.
    pub fn stop_flag(self, stop: StopFlag) -> Self {
        self.job_option(move |job| job.stop_flag(stop))
    }

    /// Computes with fused kernels (the default) or with Burn's own operations.
    pub fn kernels(self, kernels: KernelMode) -> Self {
        self.job_option(move |job| job.kernels(kernels))
    }

    /// Trains, and returns the model with the lowest validation loss.
    ///
    /// # Errors
    /// If a setting is out of range, the dataset does not fit the model to start from, the loss diverges repeatedly,
    /// the run cannot be resumed, an observer fails or the file system reports an error.
    pub fn fit(self, data: &D) -> Result<ModelBundle<D::Network>> {
        Ok(self.run(data)?.best)
    }

    /// Trains, and returns the model with the progress of the run and the reason why it ended.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub fn run(self, data: &D) -> Result<Outcome<D::Network>> {
        let Self { config, model, init_from, device, run_dir, resume, job_options } = self;
        if resume && run_dir.is_none() {
            return Err(Error::NoRunDirectory);
        }
        config.check()?;
        // Deleted at the end of this function.
        let temporary;
        let run_dir = match &run_dir {
            Some(run_dir) => run_dir.as_path(),
            None => {
                temporary = tempfile::tempdir().map_err(Error::TemporaryDirectory)?;
                temporary.path()
            }
        };
        let device = device.unwrap_or_else(kernels::default_device).without_autodiff();
        let seed = config.seed;
        if resume {
            Checkpoints::of(run_dir).newest_path()?;
        } else {
            durable::directory::create(run_dir).map_err(trainer::Error::from)?;
        }
        // Two processes must not write the same checkpoints.
        let lock = durable::Lock::acquire(run_dir).map_err(trainer::Error::from)?;
        let (model, start) = if resume {
            // The configuration of `init_from` replaced it in the new run; that of the checkpoint does so here.
            let model = match model.filter(|_| init_from.is_none()) {
                Some(model) => data.sized(model),
                None => ModelBundle::<D::Network>::read_metadata(Checkpoints::of(run_dir).newest_path()?)?.config,
            };
            (model, StartFrom::Checkpoint)
        } else if let Some(bundle) = init_from {
            let (model, network) = fine_tuned(data, bundle, seed, &device)?;
            (model, StartFrom::Model(Box::new(network)))
        } else {
            let model = data.sized(model.unwrap_or_default());
            let network = D::init(&model, seed, &device)?;
            (model, StartFrom::Model(Box::new(network)))
        };
        let metadata = Metadata::untrained(D::Network::KIND, model, data.context_len(), seed, data.valid_sha256());
        let identity = RunIdentity::new(data.tokenizer().clone(), metadata);
        let files = data.extra_files().into_iter();
        let identity = files.fold(identity, |identity, (name, bytes)| identity.extra_file(name, bytes));
        let job = Job::new(data, &config, identity, run_dir, &device).lock(lock);
        let job = job_options.into_iter().fold(job, |job, option| option(job));
        if rayon::current_thread_index().is_some() {
            return Ok(train(job, start)?);
        }
        // In a pool, this thread takes part in the loops of every step and need not be woken after each. It is not the
        // global pool, where a whole run as one task could keep other users waiting.
        let pool = ThreadCount::from_env().pool_builder().build().map_err(Error::Threads)?;
        Ok(pool.install(|| train(job, start))?)
    }

    fn job_option(mut self, option: impl for<'a> FnOnce(Job<'a, D::Network>) -> Job<'a, D::Network> + 'static) -> Self {
        self.job_options.push(Box::new(option));
        self
    }
}

/// The model of `bundle` with the vocabulary of `data`, on `device`.
fn fine_tuned<D: TrainingData>(
    data: &D,
    bundle: ModelBundle<D::Network>,
    seed: u64,
    device: &Device,
) -> Result<(ConfigOf<D>, D::Network)> {
    let config = data.sized(bundle.metadata.config.clone());
    let network = bundle.model.to_device(device);
    if *data.tokenizer() == bundle.tokenizer && config == bundle.metadata.config {
        return Ok((config, network));
    }
    if !data.has_labels_of(&bundle.metadata.config) {
        return Err(Error::OtherLabels);
    }
    if !extends(data.tokenizer(), &bundle.tokenizer) {
        return Err(if D::EXTENDABLE { Error::OtherTokenizer } else { Error::NotExtendable });
    }
    let origins = data.tokenizer().vocabulary.origins(&bundle.tokenizer.vocabulary);
    let network = D::extend(network, D::init(&config, seed, device)?, &origins).ok_or(Error::NotExtendable)?;
    Ok((config, network))
}

/// Whether `tokenizer` differs from `base` only in tokens that it has in addition. A document token moves the others.
fn extends(tokenizer: &Tokenizer, base: &Tokenizer) -> bool {
    let same = Tokenizer { vocabulary: base.vocabulary.clone(), ..tokenizer.clone() };
    let for_documents = Tokenizer { cleaner: base.cleaner.for_documents(), ..base.clone() };
    let origins: BTreeSet<Vec<u32>> = tokenizer.vocabulary.origins(&base.vocabulary).into_iter().collect();
    let has_all = (0..base.vocabulary.len() as u32).all(|id| origins.contains(&vec![id]));
    has_all && (same == *base || same == for_documents)
}

#[cfg(test)]
mod tests {
    use models::{LanguageModelConfig, LayerConfig, LmBundle};
    use seqdata::NewTokens;

    use super::*;

    fn dataset(text: &str) -> TextDataset {
        TextDataset::from_text(text.repeat(20)).words().context_len(5).build().unwrap()
    }

    fn small() -> Trainer {
        let model = LanguageModelConfig::default().embedding_dim(4).layers([LayerConfig::lstm(8)]);
        Trainer::new(TrainConfig::default().epochs(1)).model(model)
    }

    const FOX: &str = "The fox saw the lion and ran away. ";

    fn base() -> LmBundle {
        small().fit(&dataset(FOX)).unwrap()
    }

    #[test]
    fn a_run_without_a_directory_cannot_be_resumed() {
        assert!(matches!(small().resume().fit(&dataset(FOX)), Err(Error::NoRunDirectory)));
        let missing = tempfile::tempdir().unwrap().path().join("missing");
        let error = small().run_dir(&missing).resume().fit(&dataset(FOX)).unwrap_err();
        assert!(matches!(error, Error::Train(trainer::Error::NoCheckpoint(_))), "{error:?}");
        assert!(!missing.exists());
    }

    #[test]
    fn fine_tuning_needs_the_tokenizer_of_the_model_or_an_extension() {
        let base = base();
        let other = dataset("A crow sat on a branch and sang. ");
        assert!(matches!(small().init_from(&base).fit(&other), Err(Error::OtherTokenizer)));
        let same = small().init_from(&base).fit(&dataset(FOX)).unwrap();
        assert_eq!(same.tokenizer, base.tokenizer);
    }

    #[test]
    fn a_fine_tuned_run_is_resumed_with_its_own_model() {
        let (base, folder) = (base(), tempfile::tempdir().unwrap());
        let data = TextDataset::from_text("The crow saw the lion. ".repeat(30))
            .context_len(5)
            .tokenizer(&base.tokenizer, NewTokens::Extend)
            .build()
            .unwrap();
        let tuned = |epochs, directory: &str| {
            let config = TrainConfig::default().epochs(epochs);
            Trainer::new(config).init_from(&base).run_dir(folder.path().join(directory))
        };
        tuned(1, "stopped").fit(&data).unwrap();
        let resumed = tuned(2, "stopped").resume().fit(&data).unwrap();
        let uninterrupted = tuned(2, "whole").fit(&data).unwrap();
        assert_eq!(resumed.metadata, uninterrupted.metadata);
    }

    #[test]
    fn a_run_directory_is_locked_while_it_is_trained_in() {
        let folder = tempfile::tempdir().unwrap();
        let lock = durable::Lock::acquire(folder.path()).unwrap();
        let error = small().run_dir(folder.path()).fit(&dataset(FOX)).unwrap_err();
        assert!(matches!(error, Error::Train(trainer::Error::Durable(durable::Error::Locked { .. }))), "{error:?}");
        drop(lock);
        small().run_dir(folder.path()).fit(&dataset(FOX)).unwrap();
    }

    #[test]
    fn two_runs_in_two_threads_do_not_wait_for_each_other() {
        // The observer of the first run returns only when the second run has ended.
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        let first = std::thread::spawn(move || {
            let wait = move |_: &EpochReport| receiver.recv().unwrap();
            small().on_epoch(wait).fit(&dataset(FOX)).map(drop)
        });
        base();
        sender.send(()).unwrap();
        first.join().unwrap().unwrap();
    }

    #[test]
    fn the_error_of_an_observer_stays_reachable() {
        struct Failing;
        impl Observer for Failing {
            fn on_start(&mut self, _plan: &trainer::Plan) -> trainer::ObserverResult {
                Err(std::io::Error::other("disk").into())
            }
        }
        let error = small().observer(Failing).fit(&dataset(FOX)).unwrap_err();
        let Error::Train(trainer::Error::Observer(source)) = error else { panic!("{error:?}") };
        assert!(source.is::<std::io::Error>());
    }
}
