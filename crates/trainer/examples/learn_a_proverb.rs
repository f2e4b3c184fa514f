//! Trains a tiny model on a proverb, over and over, and prints each epoch.

use std::collections::BTreeMap;

use burn::tensor::Device;
use models::{About, CellKind, LanguageModel, LanguageModelConfig, LayerConfig};
use seqdata::{CountedOn, Fractions, Prepared, Recipe};
use text_prep::{Cleaner, Rare, Splitter, Words};
use trainer::{EpochReport, Heard, Identity, Observer, RmspropConfig, TrainConfig, train};

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
    let model = LanguageModelConfig {
        vocabulary: prepared.tokenizer.vocabulary.len(),
        embedding: 8,
        layers: vec![LayerConfig { cell: CellKind::Lstm, units: 16 }],
        dropout: 0.0,
    };
    let config = TrainConfig {
        seed: 1,
        epochs: 5,
        batch_size: 16,
        learning_rate: 0.01,
        optimizer: RmspropConfig::default(),
        look_every: 0,
    };
    let about = About {
        model,
        window: 5,
        seed: 1,
        epochs: 0,
        valid_loss_window: f64::INFINITY,
        valid_loss_carried: None,
        valid_sha256: prepared.valid_sha256(),
    };
    let identity =
        Identity { tokenizer: prepared.tokenizer.clone(), about, extra: BTreeMap::new() };
    let run = std::env::temp_dir().join(format!("proverb-{}", std::process::id()));
    let outcome =
        train(&prepared, &config, identity, &run, false, &Device::flex(), Box::new(Printer))?;
    println!("the best epoch was {}", outcome.best.about.epochs);
    std::fs::remove_dir_all(run)?;
    Ok(())
}
