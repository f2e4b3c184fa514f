//! The output of a training or validation step.

use burn::tensor::{ExecutionError, TensorReadError};
use burn::train::ItemLazy;
use burn::train::metric::Adaptor;
use models::{EvalMetrics, LossOutput};

use crate::metrics::StepNumbers;

/// What a step gives.
#[derive(Clone, Debug)]
pub(crate) enum StepOutput {
    /// The losses on the device. They are read after the update, so that a GPU need not wait in between.
    Losses(Box<LossOutput>),
    /// The sums over the shards of a batch that this process computes, as one vector of gradients and
    /// [`StepSums`](crate::step_sums::StepSums), or why they could not be read.
    Sums(Result<Vec<f32>, String>),
    /// What has been read, for Burn's metrics.
    Numbers(StepNumbers),
}

impl StepOutput {
    /// The sums over the batch, for which the device has to finish its work.
    pub fn read(&self) -> Result<EvalMetrics, TensorReadError> {
        let mut metrics = EvalMetrics::default();
        match self {
            Self::Losses(losses) => metrics.add(losses)?,
            Self::Numbers(numbers) => metrics = numbers.step.targets,
            // They are complete only with those of the other processes.
            Self::Sums(_) => {}
        }
        Ok(metrics)
    }
}

impl ItemLazy for StepOutput {
    fn sync(self) -> Result<Self, ExecutionError> {
        Ok(self)
    }
}

impl Adaptor<StepNumbers> for StepOutput {
    fn adapt(&self) -> StepNumbers {
        match self {
            // Losses that nobody has read count nothing.
            Self::Losses(_) | Self::Sums(_) => StepNumbers::default(),
            Self::Numbers(numbers) => *numbers,
        }
    }
}
