//! A batch of token ids on a device.

use burn::tensor::{Int, Tensor};

use crate::items::WithStep;

/// `N` rows of `T` input ids, with targets for the last `K` positions of each row.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Input ids, `[N, T]`.
    pub inputs: Tensor<2, Int>,
    /// The ids that follow the last `K` positions, `[N, K]`. A window has one target; a chunk of a
    /// stream has one per position.
    pub targets: Tensor<2, Int>,
    /// The number of the label of each input's document, `[N, T]`, where 0 is no label; `None` if the dataset has none.
    pub labels: Option<Tensor<2, Int>>,
    /// Whether each row continues the same row of the previous batch.
    pub continues: bool,
    /// The index of this batch in the run, counted from 0 over all epochs. Dropout masks are keyed by it.
    pub step: u64,
}

impl WithStep for Batch {
    /// The first batch of a pass has no previous batch.
    fn with_step(self, index: usize, step: u64) -> Self {
        Self { continues: self.continues && index > 0, step, ..self }
    }
}

impl Batch {
    /// The number of rows, N.
    pub fn rows(&self) -> usize {
        self.inputs.dims()[0]
    }

    /// The number of input ids, N · T.
    pub fn tokens(&self) -> usize {
        self.inputs.dims().iter().product()
    }

    /// The targets as one-hot rows, `[N · K, V]`, as in the Keras baseline. The loss uses the ids,
    /// which take `V` times less memory.
    pub fn one_hot(&self, vocab_size: usize) -> Tensor<2, Int> {
        self.targets.clone().flatten::<1>(0, 1).one_hot(vocab_size)
    }
}
