//! Lifts windows onto a device: Burn's `Batcher` over window numbers.

use burn::data::dataloader::batcher::Batcher;
use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::batch::WindowBatch;
use crate::windows::Windows;

/// Turns window numbers into a [`WindowBatch`].
#[derive(Clone, Debug)]
pub struct WindowBatcher {
    windows: Windows,
}

impl WindowBatcher {
    /// A batcher over these windows.
    pub fn new(windows: Windows) -> Self {
        Self { windows }
    }
}

impl Batcher<usize, WindowBatch> for WindowBatcher {
    /// The batch of these windows, in this order, as step 0.
    fn batch(&self, items: Vec<usize>, device: &Device) -> WindowBatch {
        let (count, length) = (items.len(), self.windows.length());
        let mut inputs = Vec::with_capacity(count * length);
        let mut targets = Vec::with_capacity(count);
        for item in items {
            inputs.extend(self.windows.input(item).map(|id| id as i32));
            targets.push(self.windows.target(item) as i32);
        }
        WindowBatch {
            inputs: Tensor::<2, Int>::from_data(TensorData::new(inputs, [count, length]), device),
            targets: Tensor::<1, Int>::from_data(TensorData::new(targets, [count]), device),
            step: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn shapes_and_values_survive() {
        let windows = Windows::new(Arc::new((0..10).collect()), 0..10, 3, 1);
        let batch = WindowBatcher::new(windows).batch(vec![2, 0], &Device::flex());
        assert_eq!(batch.inputs.dims(), [2, 3]);
        assert_eq!(batch.inputs.try_into_vec_as::<i64>().unwrap(), [2, 3, 4, 0, 1, 2]);
        assert_eq!(batch.targets.clone().try_into_vec_as::<i64>().unwrap(), [5, 3]);
    }

    #[test]
    fn one_hot_marks_the_target_alone() {
        let windows = Windows::new(Arc::new((0..10).collect()), 0..10, 3, 1);
        let batch = WindowBatcher::new(windows).batch(vec![1, 4, 6], &Device::flex());
        let one_hot = batch.one_hot(10);
        assert_eq!(one_hot.dims(), [3, 10]);
        let marked = one_hot.clone().argmax(1).flatten::<1>(0, 1);
        assert_eq!(
            marked.try_into_vec_as::<i64>().unwrap(),
            batch.targets.try_into_vec_as::<i64>().unwrap()
        );
        assert_eq!(one_hot.sum().try_into_scalar::<i64>().unwrap(), 3);
    }
}
