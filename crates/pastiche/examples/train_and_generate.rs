//! Trains a small model on a text, saves it, loads it and generates text. The fables that it has are too few for good
//! text: give it a longer one.
//!
//! ```sh
//! cargo run --release -p pastiche --example train_and_generate
//! cargo run --release -p pastiche --example train_and_generate my-text.txt
//! ```

#![allow(clippy::print_stdout)]

use std::io::Write;

use pastiche::trainer::{AdamConfig, TrainMode};
use pastiche::{Generator, LanguageModelConfig, LayerConfig, Sampling, TextDataset, TrainConfig, Trainer};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let text = match std::env::args().nth(1) {
        Some(path) => TextDataset::from_file(path),
        None => TextDataset::from_text(include_str!("texts/fables.txt")),
    };
    let dataset = text.words().build()?;
    println!("{} tokens, {} distinct", dataset.stats.tokens, dataset.stats.distinct_tokens);

    let config = TrainConfig::default()
        .mode(TrainMode::Tbptt { bptt_len: 20 })
        .batch_size(8)
        .optimizer(AdamConfig::default())
        .learning_rate(0.005)
        .epochs(6);
    let model = Trainer::new(config)
        .model(LanguageModelConfig::default().embedding_dim(32).layers([LayerConfig::lstm(96)]))
        .on_epoch(|report| {
            let (epoch, loss) = (report.epoch, report.valid_loss_nats_per_token);
            println!("epoch {epoch}: {loss:.3} nats/token, perplexity {:.0}", report.valid_perplexity());
        })
        .fit(&dataset)?;

    let folder = std::env::temp_dir().join("pastiche-example");
    model.save(&folder)?;
    let generator = Generator::load(&folder)?;
    let sampling = Sampling::default().temperature(0.5).max_tokens(80);
    print!("\nThe fox");
    for piece in generator.stream("The fox", &sampling)? {
        print!("{}", piece?);
        std::io::stdout().flush()?;
    }
    println!("\n\nThe model is in {}.", folder.display());
    Ok(())
}
