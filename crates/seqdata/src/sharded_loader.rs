//! Serves the batches of a loader as shards.

use std::ops::Range;
use std::sync::Arc;

use burn::data::dataloader::{DataLoader, DataLoaderIterator, Progress};
use burn::data::dataset::DatasetError;
use burn::tensor::Device;

use crate::items::Items;
use crate::lm_items::LmItems;
use crate::loader::{Epoch, EpochCursor, Loader, Pass};
use crate::shard::{Shard, ShardedBatch};

/// A loader that cuts every batch into shards and serves some of them: those of one process. The others are not read.
#[derive(Clone, Debug)]
pub struct ShardedLoader<I = LmItems> {
    loader: Loader<I>,
    /// Shards of a batch.
    count: usize,
    /// Those that are served.
    served: Range<usize>,
}

impl<I: Items> ShardedLoader<I> {
    /// The shards `served` of the `count` shards of each batch of `loader`.
    ///
    /// # Panics
    /// If `served` is empty or ends after `count`.
    pub fn new(loader: Loader<I>, count: usize, served: Range<usize>) -> Self {
        assert!(!served.is_empty() && served.end <= count, "shards {served:?} of {count}");
        Self { loader, count, served }
    }

    /// The handle that sets the epoch.
    pub fn cursor(&self) -> EpochCursor {
        self.loader.cursor()
    }

    /// Batches per pass.
    pub fn batches(&self) -> usize {
        self.loader.batches()
    }

    /// The batches of pass 1, 2, … without end; none if there are no items.
    pub fn endless(self) -> impl Iterator<Item = ShardedBatch<I::Batch>> {
        let mut pass = self.loader.pass(1);
        self.loader.endless_steps().map(move |step| self.batch(&mut pass, step))
    }

    /// The batch of step `step` of the run. `pass` becomes the pass that it belongs to.
    fn batch(&self, pass: &mut Pass<I>, step: u64) -> ShardedBatch<I::Batch> {
        let count = self.count;
        let shard = |index| self.loader.shard(pass, step, Shard { index, count });
        ShardedBatch { step, count, first: self.served.start, shards: self.served.clone().map(shard).collect() }
    }
}

impl<I: Items> DataLoader<ShardedBatch<I::Batch>> for ShardedLoader<I> {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<ShardedBatch<I::Batch>> + 'a> {
        Box::new(ShardedEpoch { loader: self, epoch: self.loader.epoch() })
    }

    fn num_items(&self) -> usize {
        self.loader.num_items()
    }

    fn to_device(&self, device: &Device) -> Arc<dyn DataLoader<ShardedBatch<I::Batch>>> {
        Arc::new(Self { loader: self.loader.on_device(device), ..self.clone() })
    }

    fn slice(&self, start: usize, end: usize) -> Arc<dyn DataLoader<ShardedBatch<I::Batch>>> {
        Arc::new(Self { loader: self.loader.of_range(start..end), ..self.clone() })
    }
}

/// The batches of an epoch.
struct ShardedEpoch<'a, I> {
    loader: &'a ShardedLoader<I>,
    epoch: Epoch<'a, I>,
}

impl<I: Items> Iterator for ShardedEpoch<'_, I> {
    type Item = Result<ShardedBatch<I::Batch>, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.epoch.next_step()?;
        Some(Ok(self.loader.batch(&mut self.epoch.pass, step)))
    }
}

impl<I: Items> DataLoaderIterator<ShardedBatch<I::Batch>> for ShardedEpoch<'_, I> {
    fn progress(&self) -> Progress {
        self.epoch.progress()
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Int, Tensor};

    use super::*;
    use crate::batch::Batch;
    use crate::loader::Order;
    use crate::sequence::Sequence;
    use crate::streams::Streams;
    use crate::windows::Windows;

    fn sequence() -> Sequence {
        Sequence::new(Arc::new((0..100).collect()), 0..100)
    }

    fn values(tensor: &Tensor<2, Int>) -> Vec<i64> {
        tensor.clone().try_into_vec_as().unwrap()
    }

    /// The rows of the shards together are those of the batches of `loader`, for every way to divide shards over processes.
    fn assert_same_rows(loader: &Loader, count: usize, has_empty_shards: bool) {
        for ranks in [1, 2, 4] {
            let share = count / ranks;
            let shards =
                (0..ranks).map(|rank| ShardedLoader::new(loader.clone(), count, rank * share..(rank + 1) * share));
            let of_ranks: Vec<Vec<ShardedBatch<Batch>>> =
                shards.map(|loader| loader.endless().take(9).collect()).collect();
            let mut empty = 0;
            for (at, whole) in loader.clone().endless().take(9).enumerate() {
                let batches = of_ranks.iter().map(|batches| &batches[at]);
                let shards: Vec<&Option<Batch>> = batches.clone().flat_map(|batch| &batch.shards).collect();
                assert_eq!(shards.len(), count);
                assert!(
                    batches.enumerate().all(|(rank, batch)| batch.first == rank * share && batch.step == whole.step)
                );
                let parts: Vec<&Batch> = shards.iter().filter_map(|shard| shard.as_ref()).collect();
                empty += count - parts.len();
                let joined = |part: fn(&Batch) -> &Tensor<2, Int>| -> Vec<i64> {
                    parts.iter().flat_map(|batch| values(part(batch))).collect()
                };
                assert_eq!(joined(|batch| &batch.inputs), values(&whole.inputs));
                assert_eq!(joined(|batch| &batch.targets), values(&whole.targets));
                assert!(parts.iter().all(|part| (part.continues, part.step) == (whole.continues, whole.step)));
            }
            assert_eq!(empty > 0, has_empty_shards);
        }
    }

    #[test]
    fn the_shards_of_all_processes_are_the_batch() {
        let windows = |size| {
            let windows = Windows::over(sequence(), 3, 1);
            Loader::windows(windows, size, Order::Shuffled(5), Device::flex())
        };
        // The last of 97 windows is alone in its batch.
        assert_same_rows(&windows(16), 4, true);
        assert_same_rows(&windows(40), 4, false);
        assert_same_rows(&Loader::streams(Streams::over(sequence(), 8, 5), Device::flex()), 8, false);
    }

    #[test]
    fn epochs_are_those_of_the_loader() {
        let loader = Loader::streams(Streams::over(sequence(), 4, 5), Device::flex()).steps_per_epoch(3);
        let sharded = ShardedLoader::new(loader.clone(), 2, 1..2);
        sharded.cursor().set(2, 1);
        let steps: Vec<u64> = sharded.iter().map(|batch| batch.unwrap().step).collect();
        assert_eq!(steps, [4, 5]);
        assert_eq!((sharded.num_items(), sharded.batches()), (loader.num_items(), loader.batches()));
        let progress = sharded.iter().progress();
        assert_eq!((progress.items_processed, progress.items_total), (1, 3));
        assert_eq!(sharded.slice(0, 2).num_items(), loader.slice(0, 2).num_items());
    }
}
