//! One batch of windows on a device.

use burn::tensor::{Int, Tensor};

/// `N` windows of `T` ids with their targets.
#[derive(Clone, Debug)]
pub struct WindowBatch {
    /// Input ids, `[N, T]`.
    pub inputs: Tensor<2, Int>,
    /// The id after each window, `[N]`.
    pub targets: Tensor<1, Int>,
    /// The number of this batch in the whole run, counted from 0 over all epochs. Dropout masks
    /// are keyed by it.
    pub step: u64,
}

impl WindowBatch {
    /// How many windows the batch holds.
    pub fn len(&self) -> usize {
        self.targets.dims()[0]
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The targets as the seed writes them: one-hot rows, `[N, V]`. Made when asked for; the loss
    /// works on the ids, which say the same in `V` times less memory.
    pub fn one_hot(&self, vocabulary: usize) -> Tensor<2, Int> {
        self.targets.clone().one_hot(vocabulary)
    }
}
