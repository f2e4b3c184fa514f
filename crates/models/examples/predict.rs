//! Builds the seed's model with fresh weights and asks it what follows three ids.

use burn::tensor::activation::softmax;
use burn::tensor::{Device, Int, Tensor};
use models::{CellKind, LanguageModelConfig, LayerConfig, Summary};

fn main() -> models::Result<()> {
    let config = LanguageModelConfig {
        vocabulary: 4_169,
        embedding: 100,
        layers: vec![LayerConfig { cell: CellKind::Lstm, units: 256 }],
        dropout: 0.2,
    };
    println!("{}", Summary::new(&config, 20));

    let device = Device::flex();
    let model = config.init(1, &device)?;
    let ids = Tensor::<2, Int>::from_ints([[1, 2, 3]], &device);
    let (logits, _state) = model.next(ids, model.start(1), None);
    let likeliest = softmax(logits, 1).max_dim(1);
    println!("before training the likeliest token has probability {likeliest}");
    Ok(())
}
