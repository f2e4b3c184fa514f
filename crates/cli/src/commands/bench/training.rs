//! Training steps (forward pass, backward pass, update), with the same code as in a run.

use burn::tensor::{Device, Int, Tensor, TensorData};
use models::{Activation, CellKind, LanguageModel, LanguageModelConfig, LayerConfig, Network};
use seqdata::{Batch, Random};
use serde_json::Value;
use trainer::{AdamConfig, Clip, FitLimit, TrainConfig, TrainMode, TrainPrecision, fit};

use super::{Workload, timed};
use crate::device::BackendSelection;
use crate::error::{Error, Result};

/// Precomputed batches, which are repeated.
const BATCHES: usize = 8;

/// A model with its batches.
pub struct Training {
    model: Option<LanguageModel>,
    config: TrainConfig,
    batches: Vec<Batch>,
}

impl Training {
    /// The workload of this name, if it is a training workload, in bf16 or f32.
    ///
    /// # Errors
    /// If the device cannot train in bf16, or has no memory for the model.
    pub fn new(name: &str, bf16: bool, backend: &BackendSelection, device: &Device) -> Result<Option<Self>> {
        let lstm = LayerConfig::lstm(256);
        let wide = LayerConfig::lstm(1024);
        let baseline = |layers| baseline_model(layers).dropout(0.2);
        let windows = |batch| TrainConfig::default().batch_size(batch);
        let cell = |kind| vec![LayerConfig::new(kind, 256)];
        let (network, config, time) = match name {
            "train-lstm-32" => (baseline(vec![lstm]), windows(32), 20),
            "train-lstm-256" => (baseline(vec![lstm]), windows(256), 20),
            "train-lstm-1024" => (baseline(vec![lstm]), windows(1024), 20),
            "train-wide-32" => (baseline(vec![wide]), windows(32), 20),
            "train-wide-256" => (baseline(vec![wide]), windows(256), 20),
            "train-wide-1024" => (baseline(vec![wide]), windows(1024), 20),
            "train-gru-32" => (baseline(cell(CellKind::Gru { reset_after: true })), windows(32), 20),
            "train-rnn-32" => (baseline(cell(CellKind::Elman(Activation::Tanh))), windows(32), 20),
            "train-stack-32" => (baseline(vec![lstm.clone(), lstm]), windows(32), 20),
            "train-char-2x512" => {
                let layers = vec![LayerConfig::lstm(512); 2];
                let config = TrainConfig::default()
                    .mode(TrainMode::Tbptt { bptt_len: 50 })
                    .batch_size(50)
                    .learning_rate(2e-3)
                    .optimizer(AdamConfig::default())
                    .clip(Clip::GlobalNorm(5.0));
                (LanguageModelConfig::new(65, 64, layers), config, 50)
            }
            "train-words-2x200" => {
                let layers = vec![LayerConfig::lstm(200); 2];
                let config = TrainConfig::default()
                    .mode(TrainMode::Tbptt { bptt_len: 35 })
                    .batch_size(20)
                    .learning_rate(1e-3)
                    .optimizer(AdamConfig::default());
                (LanguageModelConfig::new(10_000, 200, layers), config, 35)
            }
            _ => return Ok(None),
        };
        let precision = if bf16 { TrainPrecision::Bf16 } else { TrainPrecision::F32 };
        precision.check(backend.kernels(), device)?;
        let config = config.precision(precision);
        let model = network.init(1, device)?.with_kernels(backend.kernels());
        let every = matches!(config.mode, TrainMode::Tbptt { .. });
        let ids = if name == "train-char-2x512" { Ids::Uniform } else { Ids::Zipf };
        let shape = [config.batch_size, time];
        let device = device.clone().autodiff();
        let batch = |at| batch(at, shape, every, ids, network.vocab_size, &device);
        let batches = (0..BATCHES as u64).map(batch).collect();
        Ok(Some(Self { model: Some(model), config, batches }))
    }
}

/// The Keras baseline without dropout: 4,169 words, embedding dimension 100.
pub fn baseline_model(layers: Vec<LayerConfig>) -> LanguageModelConfig {
    LanguageModelConfig::new(4_169, 100, layers)
}

/// The distribution of random ids.
#[derive(Clone, Copy)]
enum Ids {
    /// Zipf's law, for words: the k-th has a probability proportional to 1 / k.
    Zipf,
    /// Every id has the same probability, for characters.
    Uniform,
}

/// Random ids, with one target per row or one per id.
fn batch(step: u64, [rows, time]: [usize; 2], every: bool, ids: Ids, vocabulary: usize, device: &Device) -> Batch {
    let vocabulary = vocabulary as f64;
    let mut random = Random::keyed(1, "benchmark", &[step]);
    let mut draw = |columns: usize| -> Tensor<2, Int> {
        let id = |_| match ids {
            Ids::Uniform => (random.uniform() * vocabulary) as i32,
            Ids::Zipf => vocabulary.powf(random.uniform()) as i32 - 1,
        };
        let drawn = (0..rows * columns).map(id).collect::<Vec<i32>>();
        Tensor::from_data(TensorData::new(drawn, [rows, columns]), device)
    };
    let (inputs, targets) = (draw(time), draw(if every { time } else { 1 }));
    Batch { inputs, targets, labels: None, continues: every && step > 0, step }
}

impl Workload for Training {
    fn run(&mut self, steps: u64) -> Result<Value> {
        let model = self.model.take().expect("every run puts the model back");
        let batches = self.batches.iter().cycle().cloned();
        let (trained, answer) = timed(steps, || {
            let trained = fit(model, batches, &self.config, FitLimit::Steps(steps))?;
            // GPUs compute asynchronously.
            let device = self.batches[0].inputs.device();
            device.sync().map_err(|error| Error::new(format!("the device failed: {error}")))?;
            Ok(trained)
        })?;
        self.model = Some(trained);
        Ok(answer)
    }
}
