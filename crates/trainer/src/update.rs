//! One update of the weights: by the gradients of a whole batch, or by those of its shards in all processes.

use burn::train::{Learner, TrainOutput};
use ranks::Ranks;

use crate::error::{Error, Result};
use crate::flat_gradients::unflatten;
use crate::shared_module::SharedModule;
use crate::step_output::StepOutput;
use crate::step_sums::{Requests, StepSums};
use crate::task::TrainTask;

/// Updates the weights of `learner` after its training step with this `output`. The shards of all `ranks` are added, the
/// gradients divided by the number of all targets, and the requests of each are known to all. `tokens` is the number of input
/// tokens of a batch that is not cut.
pub(crate) fn update<M: TrainTask>(
    learner: &mut Learner<SharedModule<M>>,
    output: TrainOutput<StepOutput>,
    tokens: usize,
    requests: Requests,
    ranks: &dyn Ranks,
) -> Result<StepSums> {
    let StepOutput::Sums(values) = output.item else {
        learner.optimizer_step(output.grads);
        return Ok(StepSums { metrics: output.item.read()?, tokens, requests });
    };
    let mut values = values.map_err(Error::Gradients)?;
    StepSums::request(&mut values, requests);
    ranks.sum(&mut values)?;
    let sums = StepSums::take_from(&mut values);
    let targets = sums.metrics.tokens as f32;
    let gradients = learner.model().with(|module| unflatten(&module.model, &values, targets));
    drop(values);
    learner.optimizer_step(gradients);
    Ok(sums)
}
