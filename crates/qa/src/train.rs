//! Questions: their words given a sentence and an answer, and the answers given the sentence.

use burn::tensor::{Device, Tensor};
use models::{DropoutKey, Judged, State};

use crate::data::{Examples, FEATURES, PreparedQuestions, QuestionBatch};
use crate::model::{QuestionModel, QuestionModelConfig};
use seqdata::{Loader, Order};

use trainer::Task;
use trainer::{Result, TrainConfig};

/// Examples that are judged at once; what they hold at once does not depend on how a run is trained.
const JUDGED: usize = 64;

impl Task for QuestionModel {
    type Data = PreparedQuestions;
    type Items = Examples;

    fn loaders(
        data: &PreparedQuestions,
        config: &TrainConfig,
        plain: &Device,
    ) -> Result<[Loader<Examples>; 2]> {
        let order = Order::Shuffled(config.seed);
        let autodiff = plain.clone().autodiff();
        Ok([
            Loader::new(data.train.clone(), config.batch_size, order, autodiff),
            Loader::new(data.valid.clone(), JUDGED, Order::Sequential, plain.clone()),
        ])
    }

    fn train_sha256(data: &PreparedQuestions) -> String {
        data.train_sha256.clone()
    }

    fn trainable(self) -> Self {
        QuestionModel::trainable(self)
    }

    fn place(&self) -> Device {
        QuestionModel::place(self)
    }

    fn learn(
        &self,
        batch: QuestionBatch,
        _carried: Option<State>,
        dropout: DropoutKey,
    ) -> (Tensor<1>, Option<State>) {
        (QuestionModel::learn(self, batch, Some(dropout)), None)
    }

    fn judge(&self, batch: QuestionBatch, _carried: Option<State>) -> (Judged, Option<State>) {
        (QuestionModel::judge(self, batch), None)
    }

    fn tokens(batch: &QuestionBatch) -> usize {
        batch.tokens
    }

    fn number(batch: &QuestionBatch) -> u64 {
        batch.step
    }

    /// What the layers keep that read (the finding ones twice) and write, and six rows of logits a word.
    fn kept(config: &QuestionModelConfig, batch: &QuestionBatch) -> usize {
        let of = |layers: &[models::LayerConfig]| -> usize {
            layers.iter().map(|layer| layer.kind().kept_per_unit() * layer.width()).sum()
        };
        let read: usize = batch.sentences.words.dims().iter().product();
        let written = batch.targets.rows.dims()[0];
        let finding = if config.extractor.is_empty() { &config.encoder } else { &config.extractor };
        let inputs = config.embedding + FEATURES.len() * config.features;
        let found = 2 * (inputs + of(finding));
        read * (inputs + of(&config.encoder) + found)
            + written * (config.embedding + of(&config.decoder) + 6 * config.written)
    }
}
