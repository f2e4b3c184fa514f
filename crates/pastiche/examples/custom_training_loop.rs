//! A training loop of one's own: the library's dataset, batches and model, with Burn's optimizer and without the
//! library's trainer.
//!
//! A batch has the next chunk of each of eight parallel streams of the text. The state after a chunk is the state
//! before the next one, without its gradients (truncated backpropagation through time).
//!
//! ```sh
//! cargo run --release -p pastiche --example custom_training_loop
//! ```

#![allow(clippy::print_stdout)]

use burn::data::dataloader::DataLoader;
use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams};
use pastiche::models::{DropoutKey, detach, evaluate};
use pastiche::seqdata::Loader;
use pastiche::{LanguageModelConfig, LayerConfig, TextDataset};

const SEED: u64 = 1;
const STREAMS: usize = 8;
const BPTT_LEN: usize = 32;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let device = pastiche::default_device();
    let dataset = TextDataset::from_text(include_str!("texts/fables.txt")).characters().build()?;
    let vocab_size = dataset.tokenizer.vocabulary.len();
    println!("{} characters, {} distinct", dataset.stats.tokens, dataset.stats.distinct_tokens);

    let config = LanguageModelConfig::default().vocab_size(vocab_size).embedding_dim(16).layers([LayerConfig::gru(96)]);
    let mut model = config.init(SEED, &device)?.trainable();
    println!("{} parameters", model.num_params());
    let mut optimizer = AdamConfig::new().init();
    let train = Loader::streams(dataset.train_streams(STREAMS, BPTT_LEN)?, device.clone().autodiff());
    let valid = Loader::streams(dataset.valid_stream(), device);
    for epoch in 1..=6 {
        train.cursor().set(epoch, 0);
        let mut state = None;
        for batch in train.iter() {
            let batch = batch?;
            // The first batch of an epoch does not continue another one.
            let before = state.take().filter(|_| batch.continues).unwrap_or_else(|| model.init_state(STREAMS));
            let dropout = DropoutKey { seed: SEED, step: batch.step };
            let (nats, after) = model.forward_loss(batch.inputs, batch.targets, before, Some(dropout));
            let gradients = GradientsParams::from_grads(nats.mean().backward(), &model);
            model = optimizer.step(0.005, model, gradients);
            state = Some(detach(after));
        }
        let metrics = evaluate(&model.valid(), &valid)?;
        let (loss, accuracy) = (metrics.nats_per_token(), 100.0 * metrics.accuracy());
        println!("epoch {epoch}: {loss:.3} nats/character, {accuracy:.1} % of the characters predicted");
    }
    Ok(())
}
