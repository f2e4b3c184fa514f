//! Trains a tiny language model on one repeated sentence and prints the loss of each epoch.

#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;

use burn::tensor::Device;
use models::{CellKind, KernelMode, LanguageModel, LanguageModelConfig, LayerConfig, LmMetadata};
use seqdata::{DatasetConfig, TextDataset, VocabSource};
use text_prep::Cleaner;
use trainer::{
    AdamConfig, Clip, EpochReport, Job, Observer, ObserverResult, OptimizerConfig, RunIdentity, Schedule, StartFrom,
    StopFlag, TrainConfig, TrainMode, train,
};

struct Printer;

impl Observer for Printer {
    fn on_epoch_end(&mut self, epoch: &EpochReport, _model: &LanguageModel) -> ObserverResult {
        println!("epoch {}: {:.3} nats/token", epoch.epoch, epoch.valid_loss_nats_per_token);
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let text = "He who digs a pit for others falls into it himself. ".repeat(40);
    let data_config = DatasetConfig::words()
        .with_cleaner(Cleaner::preset("keras-lowercase")?)
        .with_document_separator("|")
        .with_vocab_source(VocabSource::WholeText)
        .with_context_len(5);
    let dataset = TextDataset::new(&text, data_config)?;
    let layers = vec![LayerConfig::new(CellKind::Lstm, 16)];
    let model_config = LanguageModelConfig::new(dataset.tokenizer.vocabulary.len(), 8, layers);
    let adam = OptimizerConfig::Adam(AdamConfig::default());
    let config = TrainConfig {
        epochs: 5,
        schedule: Schedule::Cosine,
        clip: Some(Clip::GlobalNorm(1.0)),
        ..TrainConfig::new(TrainMode::Tbptt { bptt_len: 20 }, 4, 0.01, adam)
    };
    let device = Device::flex();
    let start = StartFrom::Model(Box::new(model_config.init(1, &device)?));
    let metadata = LmMetadata::new(model_config, 5, config.seed, dataset.valid_sha256());
    let identity = RunIdentity { tokenizer: dataset.tokenizer.clone(), metadata, extra_files: BTreeMap::new() };
    let run_dir = std::env::temp_dir().join(format!("tiny-model-{}", std::process::id()));
    let (data, config, stop) = (&dataset, &config, StopFlag::default());
    let job = Job { data, config, identity, run_dir: &run_dir, device: &device, kernels: KernelMode::default(), stop };
    let outcome = train(job, start, Box::new(Printer))?;
    println!("the best epoch was {}", outcome.best.metadata.epochs);
    std::fs::remove_dir_all(run_dir)?;
    Ok(())
}
