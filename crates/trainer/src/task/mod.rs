//! What a network is taught: its data in batches, and what a batch costs it. One task a file.

mod language;
mod trainee;

use burn::tensor::{Device, Tensor};
use models::{DropoutKey, Judged, Network, State, Trained};
use seqdata::{Items, Loader};

use crate::config::TrainConfig;
use crate::error::Result;

pub(crate) use trainee::{StepOutput, Trainee};

/// A batch of what a network learns from.
pub type BatchOf<M> = <<M as Task>::Items as Items>::Batch;

/// A network that can be taught.
pub trait Task: Network {
    /// What is learned from and judged by.
    type Data;
    /// The same, cut into what a step learns from.
    type Items: Items<Batch: Clone>;

    /// What is learned from, on `plain` with autodiff, and what is judged by, on `plain`.
    ///
    /// # Errors
    /// If the data cannot be cut as `config` says.
    fn loaders(
        data: &Self::Data,
        config: &TrainConfig,
        plain: &Device,
    ) -> Result<[Loader<Self::Items>; 2]>;

    /// The hash of what is learned from.
    fn train_sha256(data: &Self::Data) -> String;

    /// Ready to be trained: every weight takes part that should.
    fn trainable(self) -> Self;

    /// Where the weights lie.
    fn place(&self) -> Device;

    /// Reads a batch with numbers dropped: the losses in nats, whose mean is to fall, and the state to go
    /// on from, if the network carries one. `carried` is the state after the batch before.
    fn learn(
        &self,
        batch: BatchOf<Self>,
        carried: Option<State>,
        dropout: DropoutKey,
    ) -> (Tensor<1>, Option<State>);

    /// Reads a batch as the network is used, and judges it.
    fn judge(&self, batch: BatchOf<Self>, carried: Option<State>) -> (Judged, Option<State>);

    /// How many tokens a batch holds.
    fn tokens(batch: &BatchOf<Self>) -> usize;

    /// The number of a batch in the run, counted from 0.
    fn number(batch: &BatchOf<Self>) -> u64;

    /// About how many numbers the way back keeps of a batch, besides weights.
    fn kept(config: &Self::Config, batch: &BatchOf<Self>) -> usize;

    /// Measures what the best network of a run says of itself and the run itself did not measure.
    ///
    /// # Errors
    /// If the device does not give its numbers back.
    fn complete(_best: &mut Trained<Self>, _data: &Self::Data, _device: &Device) -> Result<()> {
        Ok(())
    }
}
