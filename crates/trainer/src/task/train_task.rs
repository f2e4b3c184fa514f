//! The trait that makes a network trainable: its data, its loss and its validation.

use burn::tensor::Device;
use models::{DropoutKey, LossOutput, ModelBundle, Network, State, TrainLoss};
use seqdata::{Items, Loader};

use crate::config::TrainConfig;
use crate::error::Result;

/// The batch type of a task.
pub type BatchOf<M> = <<M as TrainTask>::Items as Items>::Batch;

/// A network that can be trained.
pub trait TrainTask: Network {
    /// Training and validation data.
    type Data;
    /// The training items (windows, streams or examples) that batches are made of.
    type Items: Items<Batch: Clone>;

    /// The training loader, on `device` with autodiff, and the validation loader, on `device`.
    ///
    /// # Errors
    /// If the data cannot be split into batches as `config` requires.
    fn loaders(data: &Self::Data, config: &TrainConfig, device: &Device) -> Result<[Loader<Self::Items>; 2]>;

    /// SHA-256 of the training data.
    fn train_sha256(data: &Self::Data) -> String;

    /// The network with gradients enabled for all parameters that are to be trained.
    fn trainable(self) -> Self;

    /// The device of the weights.
    fn device(&self) -> Device;

    /// How many layers are above the one of the parameter with this path: 0 in the output layer. Lower layers may be
    /// trained with a lower learning rate, or later. A network that does not distinguish layers has none above another.
    fn depth(&self, _path: &str) -> usize {
        0
    }

    /// The RNN state before the first of `rows` sequences, if the network carries one from batch to batch.
    fn init_state(&self, _rows: usize) -> Option<State> {
        None
    }

    /// Forward pass with dropout: the loss to minimize, which losses in nats convert to, and the RNN state after the
    /// batch, if the network carries one. `rnn_state` is the state after the previous batch.
    fn train_step(
        &self,
        batch: BatchOf<Self>,
        rnn_state: Option<State>,
        dropout: DropoutKey,
    ) -> (TrainLoss, Option<State>);

    /// Forward pass without dropout: losses and correct predictions, and the RNN state after the batch.
    fn valid_step(&self, batch: BatchOf<Self>, rnn_state: Option<State>) -> (LossOutput, Option<State>);

    /// Number of tokens in a batch.
    fn num_tokens(batch: &BatchOf<Self>) -> usize;

    /// The step of a batch within the run, counted from 0.
    fn step_index(batch: &BatchOf<Self>) -> u64;

    /// What the learning rate of a batch is multiplied by, such as its length if lengths vary. It is the same for every part
    /// of a batch.
    fn rate_factor(_batch: &BatchOf<Self>, _config: &TrainConfig) -> f64 {
        1.0
    }

    /// Estimated number of values that the backward pass needs of a batch, besides weights.
    fn saved_activations(config: &Self::Config, batch: &BatchOf<Self>) -> usize;

    /// Adds metrics to the metadata of the best model that training did not compute. `keep_going` is asked before each
    /// batch; once it returns false, the metrics are left out.
    ///
    /// # Errors
    /// If the data cannot be read as `config` requires, or tensor values cannot be read from the device.
    fn add_final_metrics(
        _best: &mut ModelBundle<Self>,
        _data: &Self::Data,
        _config: &TrainConfig,
        _device: &Device,
        _go_on: &mut dyn FnMut() -> bool,
    ) -> Result<()> {
        Ok(())
    }
}
