//! What a loader needs to know about its items and batches.

use burn::data::dataloader::batcher::Batcher;
use burn::tensor::Device;

use crate::shard::Shard;

/// The items of a dataset, addressed by index, and how to make batches of them.
pub trait Items: Batcher<usize, Self::Batch> + Clone + 'static {
    /// Several items on a device.
    type Batch: WithStep;

    /// The number of items.
    fn count(&self) -> usize;

    /// The items as they are in `pass`, counted from 1, if they differ from pass to pass. Their number does not.
    #[must_use]
    fn for_pass(&self, _pass: usize) -> Self {
        self.clone()
    }

    /// The rows of `shard` in the batch of `items`; `None` if it has none.
    fn shard(&self, items: &[usize], shard: Shard, device: &Device) -> Option<Self::Batch> {
        let items = &items[shard.rows(items.len())];
        (!items.is_empty()).then(|| self.batch(items.to_vec(), device))
    }

    /// The length of an item. A shuffled pass puts items of similar length into the same batch, so that
    /// batches have little padding. If all lengths are equal, the order stays as shuffled.
    fn length(&self, _item: usize) -> usize {
        0
    }
}

/// A batch that stores its position in a run.
pub trait WithStep: Send + 'static {
    /// The same batch as batch `index` of its pass and step `step` of the run, both counted from 0.
    fn with_step(self, index: usize, step: u64) -> Self;
}
