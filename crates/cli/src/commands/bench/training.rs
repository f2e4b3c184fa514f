//! Steps of training: forwards, backwards, update, by the same code as in a run.

use std::time::Instant;

use burn::tensor::{Device, Int, Tensor, TensorData};
use models::{Activation, CellKind, LanguageModel, LanguageModelConfig, LayerConfig};
use seqdata::{Batch, Random};
use serde_json::{Value, json};
use trainer::{
    AdamConfig, Clip, Limit, Method, OptimizerConfig, RmspropConfig, TrainConfig, train_briefly,
};

use super::Work;
use crate::error::{Error, Result};

/// Batches that lie ready, and come again and again.
const BATCHES: usize = 8;

/// A network with what it learns from.
pub struct Training {
    model: Option<LanguageModel>,
    config: TrainConfig,
    batches: Vec<Batch>,
}

impl Training {
    /// The work of this name, if it is one of training.
    pub fn new(name: &str, device: &Device) -> Result<Option<Self>> {
        let lstm = LayerConfig::new(CellKind::Lstm, 256);
        let wide = LayerConfig::new(CellKind::Lstm, 1024);
        let seed = |layers| LanguageModelConfig { dropout: 0.2, ..seed_network(layers) };
        let rmsprop = OptimizerConfig::Rmsprop(RmspropConfig::default());
        let windows = |batch| TrainConfig::new(Method::Windows, batch, 1e-3, rmsprop);
        let cell = |kind| vec![LayerConfig::new(kind, 256)];
        let (network, config, time) = match name {
            "train-lstm-32" => (seed(vec![lstm]), windows(32), 20),
            "train-lstm-256" => (seed(vec![lstm]), windows(256), 20),
            "train-lstm-1024" => (seed(vec![lstm]), windows(1024), 20),
            "train-wide-32" => (seed(vec![wide]), windows(32), 20),
            "train-wide-256" => (seed(vec![wide]), windows(256), 20),
            "train-wide-1024" => (seed(vec![wide]), windows(1024), 20),
            "train-gru-32" => (seed(cell(CellKind::Gru { reset_after: true })), windows(32), 20),
            "train-rnn-32" => (seed(cell(CellKind::Elman(Activation::Tanh))), windows(32), 20),
            "train-stack-32" => (seed(vec![lstm.clone(), lstm]), windows(32), 20),
            "train-char-2x512" => {
                let layers = vec![LayerConfig::new(CellKind::Lstm, 512); 2];
                let method = Method::EveryStep { length: 50 };
                let adam = OptimizerConfig::Adam(AdamConfig::default());
                let clip = Some(Clip::GlobalNorm(5.0));
                let config = TrainConfig { clip, ..TrainConfig::new(method, 50, 2e-3, adam) };
                (LanguageModelConfig::new(65, 64, layers), config, 50)
            }
            _ => return Ok(None),
        };
        let model = network.init(1, device)?;
        let every = matches!(config.method, Method::EveryStep { .. });
        let shape = [config.batch_size, time];
        let device = device.clone().autodiff();
        let batch = |at| batch(at, shape, every, network.vocabulary, &device);
        let batches = (0..BATCHES as u64).map(batch).collect();
        Ok(Some(Self { model: Some(model), config, batches }))
    }
}

/// The seed's network without its dropout: 4,169 words of 100 numbers.
pub fn seed_network(layers: Vec<LayerConfig>) -> LanguageModelConfig {
    LanguageModelConfig::new(4_169, 100, layers)
}

/// Random ids, and targets after the last of them or after each. Words come by Zipf's law, the k-th with a
/// share of about 1 / k; characters uniformly.
fn batch(
    step: u64,
    [rows, time]: [usize; 2],
    every: bool,
    vocabulary: usize,
    device: &Device,
) -> Batch {
    let mut random = Random::keyed(1, "benchmark", &[step]);
    let mut ids = |columns: usize| -> Tensor<2, Int> {
        let id = |_| match every {
            true => (random.uniform() * vocabulary as f64) as i32,
            false => (vocabulary as f64).powf(random.uniform()) as i32 - 1,
        };
        let ids = (0..rows * columns).map(id).collect::<Vec<i32>>();
        Tensor::from_data(TensorData::new(ids, [rows, columns]), device)
    };
    let (inputs, targets) = (ids(time), ids(if every { time } else { 1 }));
    Batch { inputs, targets, goes_on: every && step > 0, step }
}

impl Work for Training {
    fn run(&mut self, steps: u64) -> Result<Value> {
        let model = self.model.take().expect("a model goes in and comes back out");
        let batches = self.batches.iter().cycle().cloned();
        let start = Instant::now();
        let trained = train_briefly(model, batches, &self.config, Limit::Steps(steps))?;
        // Graphics processors compute behind our back.
        let device = self.batches[0].inputs.device();
        device.sync().map_err(|error| Error::new(format!("the device failed: {error}")))?;
        let seconds = start.elapsed().as_secs_f64() / steps as f64;
        self.model = Some(trained);
        Ok(json!({ "seconds_per_step": seconds }))
    }
}
