//! The metrics of a run, in Burn's metric pipeline.
//!
//! They take numbers that the train loop has read from the device anyway, so that a metric needs no tensor operation
//! and waits for no device.

mod memory;
mod step;

use burn::train::metric::{Adaptor, LearningRateMetric};
use burn::train::{InferenceStep, LearnerModel, SupervisedTraining, TrainStep};

use memory::Memory;
use step::StepMetric;
pub(crate) use step::{StepNumbers, Sums};

/// Registers all metrics of a split: loss and perplexity of both, accuracy of the validation split, speed, learning
/// rate and memory of the training split.
pub(crate) fn register<L>(training: SupervisedTraining<L>) -> SupervisedTraining<L>
where
    L: LearnerModel,
    <L as TrainStep>::Output: Adaptor<StepNumbers> + Adaptor<()>,
    <L as InferenceStep>::Output: Adaptor<StepNumbers> + Adaptor<()>,
{
    let training = training
        .metrics((StepMetric::loss(), StepMetric::perplexity()))
        .metric_valid_numeric(StepMetric::accuracy())
        .metric_train_numeric(StepMetric::tokens_per_second())
        .metric_train_numeric(LearningRateMetric::new());
    match Memory::measure() {
        Some(memory) => training.metric_train_numeric(memory),
        None => training,
    }
}
