//! One batch of token ids on a device: windows, or pieces of streams.

use burn::tensor::{Int, Tensor};

use crate::loader::Placed;

/// `N` rows of `T` ids, and what follows the last `K` of them in each row.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Input ids, `[N, T]`.
    pub inputs: Tensor<2, Int>,
    /// The ids after the last `K` positions, `[N, K]`. A window has one target; of a piece of a
    /// stream every position has.
    pub targets: Tensor<2, Int>,
    /// Whether each row goes on where the same row of the batch before ended.
    pub goes_on: bool,
    /// The number of this batch in the whole run, counted from 0 over all epochs. Dropout masks
    /// are keyed by it.
    pub step: u64,
}

impl Placed for Batch {
    /// The first batch of an epoch goes on from nothing.
    fn placed(self, index: usize, step: u64) -> Self {
        Self { goes_on: self.goes_on && index > 0, step, ..self }
    }
}

impl Batch {
    /// N.
    pub fn rows(&self) -> usize {
        self.inputs.dims()[0]
    }

    /// How many ids are read, N · T.
    pub fn tokens(&self) -> usize {
        self.inputs.dims().iter().product()
    }

    /// The targets as the seed writes them: one-hot rows, `[N · K, V]`. Made when asked for; the loss
    /// works on the ids, which say the same in `V` times less memory.
    pub fn one_hot(&self, vocabulary: usize) -> Tensor<2, Int> {
        self.targets.clone().flatten::<1>(0, 1).one_hot(vocabulary)
    }
}
