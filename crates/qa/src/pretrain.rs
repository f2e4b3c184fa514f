//! Pretraining: embedding and encoders of a question model begin with those of a language model of the passages.

use std::path::Path;

use burn::module::Module;
use burn::tensor::Device;
use kernels::KernelMode;
use models::{DropoutKey, LossOutput, Metadata, Network, State, TrainLoss};
use seqdata::{Loader, Order};
use text_prep::Tokenizer;
use trainer::{
    AdamConfig, Clip, EpochReport, Job, Result, RunIdentity, Schedule, StartFrom, StopFlag, StopReason, TrainConfig,
    TrainMode, TrainTask, train,
};

use crate::data::{FEATURES, PassageBatch, PassageDataset, PassageSentences};
use crate::model::{PassageModel, QuestionModel, QuestionModelConfig};

/// The batch size of validation, which does not depend on the training configuration.
const VALID_BATCH_SIZE: usize = 64;

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

/// A question model and what it is pretrained on.
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
    /// Where checkpoints are kept.
    pub directory: &'a Path,
    /// The device.
    pub device: &'a Device,
    /// Fused kernels or Burn's own operations.
    pub kernels: KernelMode,
    /// Ends it early.
    pub stop: &'a StopFlag,
}

impl Pretraining<'_> {
    /// `model` with the weights of the language model of the epoch with the lowest validation loss, and the reports of all
    /// epochs; `None` if it was ended early.
    ///
    /// # Errors
    /// As [`train`](trainer::train()).
    pub fn run(&self, model: QuestionModel, each: impl FnMut(&EpochReport)) -> Result<Option<(QuestionModel, Vec<EpochReport>)>> {
        let Self { data, config, seed, device, .. } = *self;
        let language_model = PassageModel::of(&model, self.model, config.dropout, seed)?;
        let metadata =
            Metadata::untrained(PassageModel::KIND, self.model.clone(), 0, seed, data.valid.sha256());
        let train_config = TrainConfig::default()
            .mode(TrainMode::Examples)
            .seed(seed)
            .epochs(config.epochs)
            .batch_size(config.batch_size)
            .learning_rate(config.learning_rate)
            .schedule(Schedule::Cosine)
            .warm_up_steps(100)
            .optimizer(AdamConfig::default())
            .clip(Clip::GlobalNorm(5.0));
        let identity = RunIdentity::new(self.tokenizer.clone(), metadata);
        let job = Job::<PassageModel>::new(data, &train_config, identity, self.directory, device)
            .kernels(self.kernels)
            .stop_flag(self.stop.clone());
        let outcome = train(job, StartFrom::Model(Box::new(language_model)))?;
        let mut each = each;
        outcome.progress.epochs.iter().for_each(&mut each);
        if matches!(outcome.stop_reason, StopReason::Requested { .. }) {
            return Ok(None);
        }
        Ok(Some((outcome.best.model.fill(model), outcome.progress.epochs)))
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
        self.train()
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
