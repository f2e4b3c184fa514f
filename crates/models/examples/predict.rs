//! Builds the model of the Keras baseline with initial weights and predicts the token after three ids.

#![allow(clippy::print_stdout)]

use burn::tensor::activation::softmax;
use burn::tensor::{Device, Int, Tensor};
use models::{CellKind, LanguageModelConfig, LayerConfig, Summary};

fn main() -> models::Result<()> {
    let layers = vec![LayerConfig::new(CellKind::Lstm, 256)];
    let config = LanguageModelConfig { dropout: 0.2, ..LanguageModelConfig::new(4_169, 100, layers) };
    println!("{}", Summary::new(&config, 20));

    let device = Device::flex();
    let model = config.init(1, &device)?;
    let ids = Tensor::<2, Int>::from_ints([[1, 2, 3]], &device);
    let (logits, _state) = model.forward_last(ids, model.init_state(1));
    let largest = softmax(logits, 1).max_dim(1);
    println!("before training the most probable token has probability {largest}");
    Ok(())
}
