//! Trains a tiny model on a proverb, over and over, and prints each epoch.

use std::collections::BTreeMap;

use burn::tensor::Device;
use models::{About, CellKind, LanguageModel, LanguageModelConfig, LayerConfig};
use seqdata::{CountedOn, Fractions, Prepared, Recipe};
use text_prep::{Cleaner, Rare, Splitter, Words};
use trainer::{
    AdamConfig, Clip, EpochReport, Heard, Identity, Job, Method, Observer, OptimizerConfig,
    Schedule, Start, Stop, TrainConfig, train,
};

struct Printer;

impl Observer for Printer {
    fn epoch_ended(&mut self, epoch: &EpochReport, _model: &LanguageModel) -> Heard {
        println!("epoch {}: {:.3} nats a token", epoch.epoch, epoch.valid_loss_nats_per_token);
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let text = "He who digs a pit for others falls into it himself. ".repeat(40);
    let recipe = Recipe {
        cleaner: Cleaner::preset("book")?,
        splitter: Splitter::Words(Words::default()),
        story_mark: Some("|".into()),
        counted_on: CountedOn::WholeText,
        min_count: 1,
        rare: Rare::Unknown,
        fractions: Fractions { valid: 0.1, test: 0.0 },
        length: 5,
        step: 1,
    };
    let prepared = Prepared::new(&text, recipe)?;
    let layers = vec![LayerConfig::new(CellKind::Lstm, 16)];
    let blueprint = LanguageModelConfig::new(prepared.tokenizer.vocabulary.len(), 8, layers);
    let adam = OptimizerConfig::Adam(AdamConfig::default());
    let config = TrainConfig {
        epochs: 5,
        schedule: Schedule::Cosine,
        clip: Some(Clip::GlobalNorm(1.0)),
        ..TrainConfig::new(Method::EveryStep { length: 20 }, 4, 0.01, adam)
    };
    let device = Device::flex();
    let start = Start::Fresh(Box::new(blueprint.init(1, &device)?));
    let about = About::new(blueprint, 5, config.seed, prepared.valid_sha256());
    let identity =
        Identity { tokenizer: prepared.tokenizer.clone(), about, extra: BTreeMap::new() };
    let run = std::env::temp_dir().join(format!("proverb-{}", std::process::id()));
    let (data, config, stop) = (&prepared, &config, Stop::default());
    let job = Job { data, config, identity, run: &run, device: &device, stop };
    let outcome = train(job, start, Box::new(Printer))?;
    println!("the best epoch was {}", outcome.best.about.epochs);
    std::fs::remove_dir_all(run)?;
    Ok(())
}
