//! A cell that the library does not have, the minimal gated unit, in a language model of one's own. It is trained like
//! the library's models, with validation, checkpoints and resuming.
//!
//! ```text
//! f  = σ(x W_f + h U_f + b_f)                 forget gate
//! h~ = tanh(x W_h + (f ∘ h) U_h + b_h)        candidate
//! h′ = (1 − f) ∘ h + f ∘ h~
//! ```
//!
//! Zhou, Wu, Zhang and Zhou, "Minimal gated unit for recurrent neural networks" (2016).
//!
//! ```sh
//! cargo run --release -p pastiche --example custom_cell
//! ```

#![allow(clippy::print_stdout)]

use burn::config::Config;
use burn::module::{Module, Param};
use burn::tensor::activation::sigmoid;
use burn::tensor::{Device, Int, Tensor, TensorData, s};
use pastiche::generate::Sampler;
use pastiche::kernels::reference::{self, ReferenceCell};
use pastiche::kernels::{KernelMode, SequenceOptions};
use pastiche::models::embedding::Embedding;
use pastiche::models::init::{Initialization, Initializer};
use pastiche::models::output_layer::OutputLayer;
use pastiche::models::{CellState, DropoutKey, LanguageModel, LossOutput, Metadata, Network, State, TrainLoss};
use pastiche::seqdata::{Batch, LmItems, Loader};
use pastiche::trainer::{
    AdamConfig, EpochReport, Job, Observer, ObserverResult, RunIdentity, StartFrom, TrainMode, TrainTask, train,
};
use pastiche::{Sampling, TextDataset, TrainConfig};

/// The weights of a minimal gated unit from `D` inputs to `H` units, in blocks f, h~.
#[derive(Module, Debug)]
struct Mgu {
    /// W, `[D, 2H]`.
    kernel: Param<Tensor<2>>,
    /// U, `[H, 2H]`.
    recurrent: Param<Tensor<2>>,
    /// b, `[2H]`.
    bias: Param<Tensor<1>>,
}

impl Mgu {
    fn new(inputs: usize, units: usize, weights: &Initialization) -> Self {
        Self {
            kernel: weights.matrix("kernel", [inputs, 2 * units], Initializer::GlorotUniform),
            recurrent: weights.matrix("recurrent", [units, 2 * units], Initializer::Orthogonal),
            bias: weights.vector("bias", vec![0.0; 2 * units]),
        }
    }
}

/// Its equations with Burn's operations: gradients need no code.
impl ReferenceCell for Mgu {
    fn project(&self, rows: Tensor<2>) -> Tensor<2> {
        rows.matmul(self.kernel.val()) + self.bias.val().unsqueeze()
    }

    fn step(&self, a: Tensor<2>, state: CellState) -> CellState {
        let h = state.hidden;
        let units = h.dims()[1];
        let recurrent = self.recurrent.val();
        let f = sigmoid(a.clone().slice(s![.., ..units]) + h.clone().matmul(recurrent.clone().slice(s![.., ..units])));
        let product = (f.clone() * h.clone()).matmul(recurrent.slice(s![.., units..]));
        let candidate = (a.slice(s![.., units..]) + product).tanh();
        CellState { hidden: h.clone() + f * (candidate - h), cell: None }
    }
}

/// The sizes of the model; saved with it.
#[derive(Config, Debug, PartialEq)]
struct MguConfig {
    vocab_size: usize,
    embedding_dim: usize,
    units: usize,
}

/// Embedding → minimal gated unit → output layer.
#[derive(Module, Debug)]
struct MguModel {
    embedding: Embedding,
    cell: Mgu,
    output: OutputLayer,
}

impl MguModel {
    fn new(config: &MguConfig, weights: &Initialization) -> Self {
        let MguConfig { vocab_size, embedding_dim, units } = *config;
        Self {
            embedding: Embedding::new(vocab_size, embedding_dim, &weights.at("embedding")),
            cell: Mgu::new(embedding_dim, units, &weights.at("cell")),
            output: OutputLayer::new(units, None, false, vocab_size, &weights.at("output")),
        }
    }

    /// From `ids` `[N, T]` to the hidden states of the last `count` steps, `[N · count, H]`, and the state after them.
    fn forward(&self, ids: Tensor<2, Int>, state: Option<State>, count: usize) -> (Tensor<2>, State) {
        let [batch, time] = ids.dims();
        let units = self.cell.recurrent.dims()[0];
        let zeros = || CellState { hidden: Tensor::zeros([batch, units], &ids.device()), cell: None };
        let state = state.and_then(|state| state.into_iter().next()).unwrap_or_else(zeros);
        let input = self.embedding.layer_input(ids, None);
        let (hidden, state) = reference::run(input, &self.cell, state, &SequenceOptions::default());
        (hidden.slice(s![.., time - count.., ..]).flatten(0, 1), vec![state])
    }

    /// The same for a batch, which may continue the one before.
    fn forward_batch(&self, batch: &Batch, state: Option<State>) -> (Tensor<2>, State) {
        let state = state.filter(|_| batch.continues);
        self.forward(batch.inputs.clone(), state, batch.targets.dims()[1])
    }
}

/// For saving and loading.
impl Network for MguModel {
    type Config = MguConfig;
    const KIND: &'static str = "mgu-language-model";

    fn vocab_size(config: &MguConfig) -> usize {
        config.vocab_size
    }

    fn zeros(config: &MguConfig, device: &Device) -> pastiche::models::Result<Self> {
        Ok(Self::new(config, &Initialization::zeros(device)))
    }

    fn with_kernels(mut self, kernels: KernelMode) -> Self {
        self.output.kernels = kernels;
        self
    }

    fn kernels(&self) -> KernelMode {
        self.output.kernels
    }
}

/// For training on the library's batches of text.
impl TrainTask for MguModel {
    type Data = TextDataset;
    type Items = LmItems;

    fn loaders(data: &TextDataset, config: &TrainConfig, device: &Device) -> pastiche::trainer::Result<[Loader; 2]> {
        LanguageModel::loaders(data, config, device)
    }

    fn train_sha256(data: &TextDataset) -> String {
        data.train_sha256()
    }

    fn trainable(self) -> Self {
        self.train()
    }

    fn device(&self) -> Device {
        self.output.bias.val().device()
    }

    fn train_step(&self, batch: Batch, state: Option<State>, _dropout: DropoutKey) -> (TrainLoss, Option<State>) {
        let (hidden, state) = self.forward_batch(&batch, state);
        (self.output.loss(hidden, &self.embedding, batch.targets.flatten(0, 1)).into(), Some(state))
    }

    fn valid_step(&self, batch: Batch, state: Option<State>) -> (LossOutput, Option<State>) {
        let (hidden, state) = self.forward_batch(&batch, state);
        (self.output.loss_with_accuracy(hidden, &self.embedding, batch.targets.flatten(0, 1)), Some(state))
    }

    fn num_tokens(batch: &Batch) -> usize {
        batch.tokens()
    }

    fn step_index(batch: &Batch) -> u64 {
        batch.step
    }

    fn saved_activations(config: &MguConfig, batch: &Batch) -> usize {
        let targets: usize = batch.targets.dims().iter().product();
        batch.tokens() * (config.embedding_dim + 10 * config.units) + 6 * targets * config.vocab_size
    }
}

struct PrintEpochs;

impl Observer<MguModel> for PrintEpochs {
    fn on_epoch_end(&mut self, report: &EpochReport, _model: &MguModel) -> ObserverResult {
        println!("epoch {}: {:.3} nats/character", report.epoch, report.valid_loss_nats_per_token);
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let device = pastiche::default_device();
    let dataset = TextDataset::from_text(include_str!("texts/fables.txt")).characters().build()?;
    let config = MguConfig::new(dataset.tokenizer.vocabulary.len(), 16, 96);
    let metadata = Metadata::untrained(MguModel::KIND, config.clone(), 20, 1, dataset.valid_sha256());
    let identity = RunIdentity::new(dataset.tokenizer.clone(), metadata);
    let train_config = TrainConfig::default()
        .mode(TrainMode::Tbptt { bptt_len: 32 })
        .batch_size(8)
        .optimizer(AdamConfig::default())
        .learning_rate(0.005)
        .epochs(4);

    let run_dir = tempfile::tempdir()?;
    let job = |config| Job::new(&dataset, config, identity.clone(), run_dir.path(), &device).observer(PrintEpochs);
    let model = MguModel::new(&config, &Initialization::new(1, &device));
    train(job(&train_config), StartFrom::Model(Box::new(model)))?;
    println!("resumed from the checkpoint:");
    let outcome = train(job(&train_config.clone().epochs(6)), StartFrom::Checkpoint)?;

    // Text: the logits of the next character, a sampled id, and so on.
    let (model, tokenizer) = (outcome.best.model, &dataset.tokenizer);
    let sampling = Sampling::default().temperature(0.6);
    let mut sampler = Sampler::new(sampling, 0, tokenizer.vocabulary.never_sampled(), None);
    let mut ids = tokenizer.encode("The ", tokenizer.oov)?.ids;
    let (mut next, mut state) = (ids.clone(), None);
    for _ in 0..200 {
        let input: Vec<i32> = next.iter().map(|&id| id as i32).collect();
        let input = Tensor::from_data(TensorData::new(input, [1, next.len()]), &device);
        let (hidden, after) = model.forward(input, state, 1);
        let logits: Vec<f32> = model.output.forward(hidden, &model.embedding).try_into_vec_as()?;
        next = vec![sampler.sample(&logits)?];
        ids.extend(&next);
        state = Some(after);
    }
    println!("\n{}", tokenizer.decode(&ids));
    Ok(())
}
