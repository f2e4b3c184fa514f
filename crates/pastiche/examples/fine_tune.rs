//! Fine-tunes a trained model on another text, whose new words extend the vocabulary, and compares its loss with that
//! of the model before, and of a new model that is trained on the other text alone.
//!
//! ```sh
//! cargo run --release -p pastiche --example fine_tune                      # trains the first model on a few fables
//! cargo run --release -p pastiche --example fine_tune runs/lstm-1          # starts from this model
//! ```

#![allow(clippy::print_stdout)]

use pastiche::models::evaluate;
use pastiche::seqdata::Loader;
use pastiche::trainer::{AdamConfig, TrainMode};
use pastiche::{
    Generator, LanguageModelConfig, LayerConfig, LmBundle, NewTokens, Sampling, TextDataset, TrainConfig, Trainer,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = match std::env::args().nth(1) {
        Some(directory) => LmBundle::load(directory, &pastiche::default_device())?,
        None => {
            let fables = TextDataset::from_text(include_str!("texts/fables.txt")).words().build()?;
            let base = Trainer::new(config(8)).model(model()).fit(&fables)?;
            println!("trained on fables: {:.3} nats/token", valid_loss(&base));
            base
        }
    };

    // The ids of the known words stay; new words get the ids after them.
    let logbook = TextDataset::from_text(include_str!("texts/logbook.txt")).context_len(10);
    let logbook = logbook.tokenizer(&base.tokenizer, NewTokens::Extend).build()?;
    let new_words = logbook.tokenizer.vocabulary.len() - base.tokenizer.vocabulary.len();
    println!("the logbook has {} words, {new_words} of them new", logbook.stats.distinct_tokens);

    // All three losses are of the same words, with the same vocabulary.
    let device = base.model.device();
    let larger = base.metadata.config.clone().vocab_size(logbook.tokenizer.vocabulary.len());
    let before = base.model.clone().resize_vocab(larger.init(1, &device)?);
    let loss = evaluate(&before, &Loader::streams(logbook.valid_stream(), device))?.nats_per_token();
    println!("before fine-tuning: {loss:.3} nats/token");
    let tuned = Trainer::new(config(10)).init_from(&base).fit(&logbook)?;
    println!("fine-tuned:         {:.3} nats/token", valid_loss(&tuned));
    let scratch = Trainer::new(config(10)).model(larger).fit(&logbook)?;
    println!("a new model:        {:.3} nats/token", valid_loss(&scratch));

    let text = Generator::new(tuned).generate("The keeper", &Sampling::default().temperature(0.5).max_tokens(30))?;
    println!("\nThe keeper{text}");
    Ok(())
}

fn model() -> LanguageModelConfig {
    LanguageModelConfig::default().embedding_dim(32).layers([LayerConfig::lstm(96)])
}

fn config(epochs: usize) -> TrainConfig {
    let config = TrainConfig::default().mode(TrainMode::Tbptt { bptt_len: 10 }).batch_size(4);
    config.optimizer(AdamConfig::default()).learning_rate(0.005).epochs(epochs)
}

fn valid_loss(model: &LmBundle) -> f64 {
    model.metadata.valid_loss().expect("a trained model has a validation loss")
}
