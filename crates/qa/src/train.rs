//! The training task: one loss per word of the questions and per answer.

use burn::tensor::Device;
use models::{DropoutKey, LossOutput, State, TrainLoss};
use seqdata::{Loader, Order};
use trainer::{Result, TrainConfig, TrainTask};

use crate::data::{Examples, FEATURES, QaDataset, QuestionBatch};
use crate::model::{QuestionModel, QuestionModelConfig};

/// The batch size of validation, which does not depend on the training configuration.
const VALID_BATCH_SIZE: usize = 64;

impl TrainTask for QuestionModel {
    type Data = QaDataset;
    type Items = Examples;

    fn loaders(data: &QaDataset, config: &TrainConfig, device: &Device) -> Result<[Loader<Examples>; 2]> {
        let order = Order::Shuffled(config.seed);
        let autodiff = device.clone().autodiff();
        Ok([
            Loader::new(data.train.clone(), config.batch_size, order, autodiff),
            Loader::new(data.valid.clone(), VALID_BATCH_SIZE, Order::Sequential, device.clone()),
        ])
    }

    fn train_sha256(data: &QaDataset) -> String {
        data.train_sha256.clone()
    }

    fn trainable(self) -> Self {
        QuestionModel::trainable(self)
    }

    fn device(&self) -> Device {
        QuestionModel::device(self)
    }

    fn train_step(&self, batch: QuestionBatch, _: Option<State>, dropout: DropoutKey) -> (TrainLoss, Option<State>) {
        (self.forward_loss(batch, Some(dropout)).into(), None)
    }

    fn valid_step(&self, batch: QuestionBatch, _state: Option<State>) -> (LossOutput, Option<State>) {
        (self.forward_eval(batch), None)
    }

    fn num_tokens(batch: &QuestionBatch) -> usize {
        batch.num_tokens
    }

    fn step_index(batch: &QuestionBatch) -> u64 {
        batch.step
    }

    /// The activations of the encoders (those for answer extraction run twice) and the decoder, and six rows of
    /// logits per target.
    fn saved_activations(config: &QuestionModelConfig, batch: &QuestionBatch) -> usize {
        let of = |layers: &[models::LayerConfig]| -> usize {
            layers.iter().map(|layer| layer.kind().spec().activations_per_unit * layer.width()).sum()
        };
        let encoded: usize = batch.sentences.ids.dims().iter().product();
        let decoded = batch.targets.unpadded_rows.dims()[0];
        let extractor = if config.extractor.is_empty() { &config.encoder } else { &config.extractor };
        let inputs = config.embedding_dim + FEATURES.len() * config.feature_dim;
        let extraction = 2 * (inputs + of(extractor));
        encoded * (inputs + of(&config.encoder) + extraction)
            + decoded * (config.embedding_dim + of(&config.decoder) + 6 * config.decoder_vocab)
    }
}
