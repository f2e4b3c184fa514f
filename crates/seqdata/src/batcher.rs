//! Lifts ids onto a device: Burn's `Batcher` over the numbers of windows or of pieces.

use burn::data::dataloader::batcher::Batcher;
use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::batch::Batch;
use crate::loader::Items;
use crate::streams::Streams;
use crate::windows::Windows;

/// How ids are cut into what a step learns from.
#[derive(Clone, Debug)]
pub enum Cut {
    /// Windows, each by itself; several of them make a batch.
    Windows(Windows),
    /// Pieces of streams; one of them, with a row a stream, makes a batch.
    Streams(Streams),
}

impl Items for Cut {
    type Batch = Batch;

    fn count(&self) -> usize {
        match self {
            Self::Windows(windows) => windows.len(),
            Self::Streams(streams) => streams.pieces(),
        }
    }
}

impl Batcher<usize, Batch> for Cut {
    /// The batch of these windows, in this order, or of this one piece; as step 0.
    ///
    /// # Panics
    /// If more than one piece is asked for.
    fn batch(&self, items: Vec<usize>, device: &Device) -> Batch {
        let mut goes_on = false;
        let (mut inputs, mut targets) = (Vec::new(), Vec::new());
        let ([time, judged], rows) = match self {
            Self::Windows(windows) => {
                inputs.reserve(items.len() * windows.length());
                for &item in &items {
                    inputs.extend(windows.input(item).map(|id| id as i32));
                    targets.push(windows.target(item) as i32);
                }
                ([windows.length(), 1], items.len())
            }
            Self::Streams(streams) => {
                assert_eq!(items.len(), 1, "pieces follow one another, one a batch");
                let piece = streams.piece(items[0]);
                inputs.extend(piece.inputs().map(|id| id as i32));
                targets.extend(piece.targets().map(|id| id as i32));
                goes_on = items[0] > 0;
                ([piece.length(), piece.judged()], streams.count())
            }
        };
        let lift = |ids: Vec<i32>, columns: usize| {
            Tensor::<2, Int>::from_data(TensorData::new(ids, [rows, columns]), device)
        };
        Batch { inputs: lift(inputs, time), targets: lift(targets, judged), goes_on, step: 0 }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn windows() -> Cut {
        Cut::Windows(Windows::new(Arc::new((0..10).collect()), 0..10, 3, 1))
    }

    fn values(tensor: Tensor<2, Int>) -> Vec<i64> {
        tensor.try_into_vec_as().unwrap()
    }

    #[test]
    fn shapes_and_values_of_windows_survive() {
        let batch = windows().batch(vec![2, 0], &Device::flex());
        assert_eq!((batch.inputs.dims(), batch.targets.dims()), ([2, 3], [2, 1]));
        assert_eq!((batch.rows(), batch.tokens(), batch.goes_on), (2, 6, false));
        assert_eq!(values(batch.inputs), [2, 3, 4, 0, 1, 2]);
        assert_eq!(values(batch.targets), [5, 3]);
    }

    #[test]
    fn shapes_and_values_of_pieces_survive() {
        let streams = Cut::Streams(Streams::new(Arc::new((0..12).collect()), 1..12, 2, 3));
        let batch = streams.batch(vec![0], &Device::flex());
        assert_eq!(values(batch.inputs), [1, 2, 3, 6, 7, 8]);
        assert_eq!(values(batch.targets), [2, 3, 4, 7, 8, 9]);
        assert!(!batch.goes_on);
        let batch = streams.batch(vec![1], &Device::flex());
        assert_eq!(values(batch.inputs), [4, 5, 9, 10]);
        assert!(batch.goes_on);
    }

    #[test]
    fn one_hot_marks_the_target_alone() {
        let batch = windows().batch(vec![1, 4, 6], &Device::flex());
        let one_hot = batch.one_hot(10);
        assert_eq!(one_hot.dims(), [3, 10]);
        assert_eq!(values(one_hot.clone().argmax(1)), values(batch.targets));
        assert_eq!(one_hot.sum().try_into_scalar::<i64>().unwrap(), 3);
    }
}
