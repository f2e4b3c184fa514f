//! Pretraining: the embedding and the encoders of a question model start from those of a language model of the passages.

use std::path::Path;

use burn::tensor::Device;
use durable::Lock;
use kernels::KernelMode;
use models::dropout::check_rate;
use models::{DropoutKey, Error, LossOutput, Metadata, Network, State, TrainLoss};
use seqdata::{Loader, Order};
use text_prep::Tokenizer;
use trainer::{
    AdamConfig, Checkpoints, Clip, Job, Observer, Result, RunIdentity, Schedule, StartFrom, StopFlag, StopReason,
    TrainConfig, TrainMode, TrainTask, train,
};

use crate::data::{FEATURES, PassageBatch, PassageDataset, PassageSentences};
use crate::model::{PassageModel, QuestionModel, QuestionModelConfig};

/// The batch size of validation, which does not depend on the training configuration.
const VALID_BATCH_SIZE: usize = 64;
/// Steps of linear warm-up of the learning rate, but at most a tenth of all.
const WARM_UP_STEPS: u64 = 100;
/// The norm that the gradients of all parameters together are clipped to.
const MAX_NORM: f64 = 5.0;

/// How a model is pretrained: with Adam and a cosine schedule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PretrainConfig {
    /// Passes over the sentences.
    pub epochs: usize,
    /// The highest learning rate.
    pub learning_rate: f64,
    /// Sentences per step.
    pub batch_size: usize,
    /// The dropout rate of the inputs and outputs of the layer.
    pub dropout: f64,
}

impl PretrainConfig {
    /// Checks all settings.
    ///
    /// # Errors
    /// Names the first setting that is out of range.
    pub fn check(&self) -> models::Result<()> {
        if !(1..=65_536).contains(&self.batch_size) {
            return Err(Error::out_of_range("pretraining.batch_size", self.batch_size, "1 to 65536"));
        }
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            return Err(Error::out_of_range(
                "pretraining.learning_rate",
                self.learning_rate,
                "a finite number above 0",
            ));
        }
        check_rate("pretraining.dropout", self.dropout)
    }
}

/// The pretraining of a question model.
pub struct Pretraining<'a> {
    /// The sentences.
    pub data: &'a PassageDataset,
    /// The model's configuration.
    pub model: &'a QuestionModelConfig,
    /// How it is pretrained.
    pub config: PretrainConfig,
    /// The random seed.
    pub seed: u64,
    /// The model's tokenizer.
    pub tokenizer: &'a Tokenizer,
    /// The run directory of the language model. If it has checkpoints, pretraining is resumed from the newest.
    pub directory: &'a Path,
    /// The device.
    pub device: &'a Device,
    /// Fused kernels or Burn's own operations.
    pub kernels: KernelMode,
    /// The lock of the run that the directory belongs to, if it has one.
    pub lock: Option<&'a Lock>,
    /// Ends it after the current step, with a checkpoint.
    pub stop: &'a StopFlag,
}

impl Pretraining<'_> {
    /// `model`, which has initial weights, with those of the language model after the epoch with the lowest validation loss.
    /// `None` if it was stopped: the same call with the same `model` resumes it, and gives the same bits as without the stop.
    ///
    /// # Errors
    /// As [`train`](trainer::train()).
    pub fn run(
        &self,
        model: QuestionModel,
        observer: impl Observer<PassageModel> + 'static,
    ) -> Result<Option<QuestionModel>> {
        let Self { data, config, seed, directory, device, .. } = *self;
        // A resumed language model gets its dropout rate from the saved configuration.
        let model_config = self.model.clone().dropout(config.dropout);
        let start = if Checkpoints::of(directory).steps()?.is_empty() {
            StartFrom::Model(Box::new(PassageModel::of(&model, &model_config, seed)?))
        } else {
            StartFrom::Checkpoint
        };
        let steps = config.epochs.saturating_mul(data.train.all.len().div_ceil(config.batch_size.max(1)));
        let longest = data.train.all.iter().map(|sentence| sentence.ids.len()).max().unwrap_or(1);
        let metadata = Metadata::untrained(PassageModel::KIND, model_config, longest, seed, data.valid.sha256());
        let train_config = TrainConfig::default()
            .mode(TrainMode::Examples)
            .seed(seed)
            .epochs(config.epochs)
            .batch_size(config.batch_size)
            .learning_rate(config.learning_rate)
            .schedule(Schedule::Cosine)
            .warm_up_steps(WARM_UP_STEPS.min(steps as u64 / 10))
            .optimizer(AdamConfig::default())
            .clip(Clip::GlobalNorm(MAX_NORM));
        let identity = RunIdentity::new(self.tokenizer.clone(), metadata);
        let job = Job::<PassageModel>::new(data, &train_config, identity, directory, device)
            .kernels(self.kernels)
            .stop_flag(self.stop.clone())
            .observer(observer);
        let job = match self.lock {
            Some(lock) => job.lock(lock.clone()),
            None => job,
        };
        let outcome = train(job, start)?;
        let is_stopped = matches!(outcome.stop_reason, StopReason::Requested { .. });
        Ok((!is_stopped).then(|| outcome.best.model.fill(model)))
    }
}

impl TrainTask for PassageModel {
    type Data = PassageDataset;
    type Items = PassageSentences;

    fn loaders(data: &PassageDataset, config: &TrainConfig, device: &Device) -> Result<[Loader<PassageSentences>; 2]> {
        let order = Order::Shuffled(config.seed);
        let autodiff = device.clone().autodiff();
        Ok([
            Loader::new(data.train.clone(), config.batch_size, order, autodiff),
            Loader::new(data.valid.clone(), VALID_BATCH_SIZE, Order::Sequential, device.clone()),
        ])
    }

    fn train_sha256(data: &PassageDataset) -> String {
        data.train.sha256()
    }

    fn trainable(self) -> Self {
        Self::trainable(self)
    }

    fn device(&self) -> Device {
        self.embedding.weight.val().device()
    }

    fn train_step(&self, batch: PassageBatch, _: Option<State>, dropout: DropoutKey) -> (TrainLoss, Option<State>) {
        (self.forward_loss(&batch.sentences, Some(dropout)).into(), None)
    }

    fn valid_step(&self, batch: PassageBatch, _: Option<State>) -> (LossOutput, Option<State>) {
        (self.forward_eval(&batch.sentences), None)
    }

    fn num_tokens(batch: &PassageBatch) -> usize {
        batch.num_tokens
    }

    fn step_index(batch: &PassageBatch) -> u64 {
        batch.step
    }

    /// The inputs and activations of the encoder, and six rows of logits per target.
    fn saved_activations(config: &QuestionModelConfig, batch: &PassageBatch) -> usize {
        let layer = &config.encoder[0];
        let encoded: usize = batch.sentences.ids.dims().iter().product();
        let inputs = config.embedding_dim + FEATURES.len() * config.feature_dim;
        let directions = layer.width() / layer.units;
        encoded * (inputs + layer.kind().spec().activations_per_unit * layer.width())
            + batch.num_tokens * directions * 6 * config.decoder_vocab
    }
}

#[cfg(test)]
mod tests {
    use models::LayerConfig;
    use models::bundle::WEIGHTS;
    use models::parameters::{parameters, values};
    use trainer::{EpochReport, ObserverResult};

    use super::*;
    use crate::data::{Document, Passage, QaDataset, QaDatasetConfig, Question};

    /// A document about each of these animals, with a sentence that no question is about.
    fn documents(animals: &[&str]) -> Vec<Document> {
        let document = |animal: &&str| {
            let text = format!("The {animal} saw the cheese. Then the old {animal} slept by the river.");
            let answers = std::iter::once(0..4 + animal.len()).collect();
            let question = Question { id: (*animal).into(), text: "Who saw the cheese?".into(), answers };
            Document { title: (*animal).into(), passages: vec![Passage { text, questions: vec![question] }] }
        };
        animals.iter().map(document).collect()
    }

    /// Requests a stop after the first epoch, and fails if the loss does not decrease from epoch to epoch.
    struct StopAfterEpoch(Option<StopFlag>, f64);

    impl Observer<PassageModel> for StopAfterEpoch {
        fn on_epoch_end(&mut self, epoch: &EpochReport, _: &PassageModel) -> ObserverResult {
            if epoch.valid_loss_nats_per_token >= self.1 {
                return Err(format!("{} >= {}", epoch.valid_loss_nats_per_token, self.1).into());
            }
            self.1 = epoch.valid_loss_nats_per_token;
            if let Some(stop) = self.0.take() {
                stop.request();
            }
            Ok(())
        }
    }

    #[test]
    fn a_stopped_pretraining_gives_the_same_weights_and_all_encoders_start_from_them() {
        let (train, valid) = (documents(&["fox", "crow", "frog", "lion", "hen"]), documents(&["wolf", "owl"]));
        let dataset = QaDataset::new(&train, &valid, &QaDatasetConfig::default().min_count(1)).unwrap();
        let data = &PassageDataset::new(&train, &valid, &dataset.tokenizer, 80);
        assert_eq!((data.train.all.len(), data.valid.all.len()), (10, 4));
        let (device, sizes) = (&Device::flex(), dataset.train.vocab_sizes);
        let layer = LayerConfig::gru(6).bidirectional(true);
        let config =
            QuestionModelConfig::default().vocab_size(sizes.input).decoder_vocab(sizes.output).embedding_dim(4);
        let config = &config.feature_dim(2).readout_dim(4).encoder([layer.clone()]).extractor([layer]);
        let folder = tempfile::tempdir().unwrap();
        let run = |name: &str, stop: &StopFlag, observer: StopAfterEpoch| {
            let pretraining = Pretraining {
                data,
                model: config,
                config: PretrainConfig { epochs: 3, learning_rate: 0.1, batch_size: 4, dropout: 0.1 },
                seed: 1,
                tokenizer: &dataset.tokenizer,
                directory: &folder.path().join(name),
                device,
                kernels: KernelMode::default(),
                lock: None,
                stop,
            };
            pretraining.run(config.init(1, device).unwrap(), observer).unwrap()
        };
        let whole = run("whole", &StopFlag::default(), StopAfterEpoch(None, f64::INFINITY)).unwrap();
        let stop = StopFlag::default();
        let observer = StopAfterEpoch(Some(stop.clone()), f64::INFINITY);
        assert!(run("parts", &stop, observer).is_none());
        let parts = run("parts", &StopFlag::default(), StopAfterEpoch(None, f64::INFINITY)).unwrap();
        assert_eq!(values(&whole), values(&parts));
        let weights = |name: &str| std::fs::read(folder.path().join(name).join(WEIGHTS)).unwrap();
        assert!(weights("whole") == weights("parts"));

        let fresh = config.init(1, device).unwrap();
        assert_ne!(values(&whole.embedding), values(&fresh.embedding));
        let encoders =
            [&whole.finder, whole.answerer.as_ref().unwrap()].map(|extractor| extractor.encoder.as_ref().unwrap());
        for encoder in encoders {
            assert_eq!(values(encoder), values(&whole.encoder));
            // Optimizers know parameters by their ids.
            let ids = |encoder| parameters(encoder).into_values().map(|parameter| parameter.id).collect::<Vec<_>>();
            assert!(ids(encoder).iter().all(|id| !ids(&whole.encoder).contains(id)));
        }
        assert_eq!(values(&whole.writer), values(&fresh.writer));
    }
}
