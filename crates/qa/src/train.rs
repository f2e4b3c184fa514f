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

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;
    use std::time::Duration;

    use models::bundle::WEIGHTS;
    use models::{LayerConfig, Metadata, Network};
    use ranks::{Ranks, Threads};
    use seqdata::Items;
    use trainer::{CheckpointPolicy, Clip, Job, RunIdentity, StartFrom, TrainMode, train};

    use super::*;
    use crate::data::QaDatasetConfig;

    /// Nine questions for training, about sentences of different lengths.
    fn dataset(folder: &Path) -> QaDataset {
        let animals = ["fox", "crow", "frog", "lion", "hen", "wolf", "mouse", "owl", "goat", "ox"];
        let lines = animals.iter().enumerate().map(|(number, animal)| {
            let rest = ["in the old tree", "", "by the river at night"][number % 3];
            format!(
                "{{\"context\": \"The {animal} saw the cheese {rest}.\", \"question\": \"Who saw the cheese {rest}?\", \
                 \"answer\": \"The {animal}\"}}\n"
            )
        });
        let path = folder.join("questions.jsonl");
        std::fs::write(&path, lines.collect::<String>()).unwrap();
        let config = QaDatasetConfig::default().min_count(1);
        QaDataset::from_file(path).config(config).valid_fraction(0.1).build().unwrap()
    }

    fn run(directory: &Path, data: &QaDataset, ranks: Arc<dyn Ranks>) {
        let (device, sizes) = (Device::flex(), data.train.vocab_sizes);
        let layer = LayerConfig::gru(4).bidirectional(true).recurrent_dropout(0.2);
        let model = QuestionModelConfig::default().vocab_size(sizes.input).decoder_vocab(sizes.output);
        let model = model.embedding_dim(4).feature_dim(2).readout_dim(4).encoder([layer.clone()]).extractor([layer]);
        let model = QuestionModelConfig { dropout: 0.3, ..model.decoder([LayerConfig::lstm(6)]) };
        let metadata = Metadata::untrained(QuestionModel::KIND, model.clone(), 20, 1, String::new());
        // The last batch of a pass has fewer examples than shards.
        let config = TrainConfig::default().mode(TrainMode::Examples).epochs(2).batch_size(4).shards(4);
        let policy = CheckpointPolicy::default().every_minutes(0.0);
        let config = config.clip(Clip::GlobalNorm(1.0)).ema_decay(0.9).checkpoint_policy(policy);
        let job = Job::new(data, &config, RunIdentity::new(data.tokenizer.clone(), metadata), directory, &device);
        let start = StartFrom::Model(Box::new(model.init(1, &device).unwrap()));
        train(job.ranks(ranks.clone()), start).unwrap();
        ranks.finish().unwrap();
    }

    #[test]
    fn the_weights_are_the_same_for_every_number_of_ranks() {
        let folder = tempfile::tempdir().unwrap();
        let data = &dataset(folder.path());
        assert!(!data.train.count().is_multiple_of(4), "{} examples", data.train.count());
        let weights = |count: usize| {
            let directory = &folder.path().join(format!("{count}"));
            std::thread::scope(|scope| {
                for rank in Threads::new(count, Duration::from_secs(60)) {
                    scope.spawn(move || run(directory, data, Arc::new(rank)));
                }
            });
            std::fs::read(directory.join(WEIGHTS)).unwrap()
        };
        let alone = weights(1);
        assert!(weights(2) == alone && weights(4) == alone);
    }
}
