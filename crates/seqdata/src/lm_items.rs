//! The items of a language-model dataset, and Burn's `Batcher` for them.

use burn::data::dataloader::batcher::Batcher;
use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::batch::Batch;
use crate::items::Items;
use crate::shard::Shard;
use crate::streams::{Chunk, Streams};
use crate::windows::Windows;

/// Windows or chunks of streams over token ids.
#[derive(Clone, Debug)]
pub enum LmItems {
    /// Independent windows; a batch has several.
    Windows(Windows),
    /// Chunks of streams; a batch has one chunk, usually with a row per stream.
    Streams(Streams),
}

impl Items for LmItems {
    type Batch = Batch;

    fn count(&self) -> usize {
        match self {
            Self::Windows(windows) => windows.len(),
            Self::Streams(streams) => streams.chunks(),
        }
    }

    fn for_pass(&self, pass: usize) -> Self {
        match self {
            Self::Windows(windows) => Self::Windows(windows.for_pass(pass)),
            Self::Streams(streams) => Self::Streams(streams.for_pass(pass)),
        }
    }

    /// Windows, or streams of the one chunk.
    fn shard(&self, items: &[usize], shard: Shard, device: &Device) -> Option<Batch> {
        match self {
            Self::Windows(windows) => {
                let items = &items[shard.rows(items.len())];
                (!items.is_empty()).then(|| window_batch(windows, items, device))
            }
            Self::Streams(streams) => {
                let chunk = only_chunk(streams, items);
                let rows = shard.rows(chunk.rows());
                (!rows.is_empty()).then(|| chunk_batch(chunk.part(rows), device))
            }
        }
    }
}

impl Batcher<usize, Batch> for LmItems {
    /// The batch of these windows, in this order, or of this one chunk. Its step is 0.
    ///
    /// # Panics
    /// If there is more than one chunk.
    fn batch(&self, items: Vec<usize>, device: &Device) -> Batch {
        match self {
            Self::Windows(windows) => window_batch(windows, &items, device),
            Self::Streams(streams) => chunk_batch(only_chunk(streams, &items), device),
        }
    }
}

fn only_chunk<'a>(streams: &'a Streams, items: &[usize]) -> Chunk<'a> {
    assert_eq!(items.len(), 1, "a batch has one chunk of every stream");
    streams.chunk(items[0])
}

fn window_batch(windows: &Windows, items: &[usize], device: &Device) -> Batch {
    let (mut inputs, mut targets, mut labels) = (Vec::new(), Vec::new(), Vec::new());
    inputs.reserve(items.len() * windows.context_len());
    for &item in items {
        inputs.extend(windows.input(item).map(|id| id as i32));
        targets.push(windows.target(item) as i32);
        labels.extend(windows.labels(item).into_iter().flatten().map(|label| label as i32));
    }
    batch_of([inputs, targets, labels], items.len(), false, device)
}

fn chunk_batch(chunk: Chunk, device: &Device) -> Batch {
    let inputs = chunk.inputs().map(|id| id as i32).collect();
    let targets = chunk.targets().map(|id| id as i32).collect();
    let labels = chunk.labels().into_iter().flatten().map(|label| label as i32).collect();
    batch_of([inputs, targets, labels], chunk.rows(), chunk.continues(), device)
}

/// The batch of `rows` rows of inputs, targets and labels, of which there may be none.
fn batch_of([inputs, targets, labels]: [Vec<i32>; 3], rows: usize, continues: bool, device: &Device) -> Batch {
    let tensor = |ids: Vec<i32>| {
        let columns = ids.len() / rows;
        Tensor::<2, Int>::from_data(TensorData::new(ids, [rows, columns]), device)
    };
    let labels = (!labels.is_empty()).then(|| tensor(labels));
    Batch { inputs: tensor(inputs), targets: tensor(targets), labels, continues, step: 0 }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::sequence::Sequence;

    fn windows() -> LmItems {
        LmItems::Windows(Windows::over(Sequence::new(Arc::new((0..10).collect()), 0..10), 3, 1))
    }

    fn values(tensor: Tensor<2, Int>) -> Vec<i64> {
        tensor.try_into_vec_as().unwrap()
    }

    #[test]
    fn a_batch_of_windows_has_their_shapes_and_values() {
        let batch = windows().batch(vec![2, 0], &Device::flex());
        assert_eq!((batch.inputs.dims(), batch.targets.dims()), ([2, 3], [2, 1]));
        assert_eq!((batch.rows(), batch.tokens(), batch.continues), (2, 6, false));
        assert_eq!(values(batch.inputs), [2, 3, 4, 0, 1, 2]);
        assert_eq!(values(batch.targets), [5, 3]);
    }

    #[test]
    fn a_batch_of_a_chunk_has_its_shapes_and_values() {
        let streams = LmItems::Streams(Streams::over(Sequence::new(Arc::new((0..12).collect()), 1..12), 2, 3));
        let batch = streams.batch(vec![0], &Device::flex());
        assert_eq!(values(batch.inputs), [1, 2, 3, 6, 7, 8]);
        assert_eq!(values(batch.targets), [2, 3, 4, 7, 8, 9]);
        assert!(!batch.continues);
        let batch = streams.batch(vec![1], &Device::flex());
        assert_eq!(values(batch.inputs), [4, 5, 9, 10]);
        assert!(batch.continues);
    }

    #[test]
    fn one_hot_rows_have_a_one_at_the_target() {
        let batch = windows().batch(vec![1, 4, 6], &Device::flex());
        let one_hot = batch.one_hot(10);
        assert_eq!(one_hot.dims(), [3, 10]);
        assert_eq!(values(one_hot.clone().argmax(1)), values(batch.targets));
        assert_eq!(one_hot.sum().try_into_scalar::<i64>().unwrap(), 3);
    }
}
