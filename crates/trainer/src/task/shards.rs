//! A training step on the shards of a batch: the sum of their gradients and losses as one vector.

use burn::optim::GradientsParams;
use burn::tensor::TensorReadError;
use models::{EvalMetrics, State};
use ranks::Tree;
use seqdata::ShardedBatch;

use super::module::TrainModule;
use super::train_task::{BatchOf, TrainTask};
use crate::config::TrainConfig;
use crate::flat_gradients::flatten;
use crate::step_sums::{Requests, StepSums};

/// The shards of a batch of a task.
pub(crate) type ShardsOf<M> = ShardedBatch<BatchOf<M>>;

/// What the learning rate of a batch is multiplied by: the same for all its shards.
pub(crate) fn rate_factor<M: TrainTask>(batch: &ShardsOf<M>, config: &TrainConfig) -> f64 {
    batch.non_empty().next().map_or(1.0, |shard| M::rate_factor(shard, config))
}

impl<M: TrainTask> TrainModule<M> {
    /// Forward and backward pass of each shard, one after another, so that memory holds the activations of one. The
    /// gradients are those of the sum of all losses and are added in the order of a binary tree over the numbers of the
    /// shards; at the end of the vector are the [`StepSums`]. `states` are the RNN states before the shards, or none to start
    /// with zeros; those after them are returned.
    pub fn shards_step(
        &self,
        batch: ShardsOf<M>,
        states: Vec<State>,
    ) -> (Result<Vec<f32>, TensorReadError>, Vec<State>) {
        let (mut tree, mut after) = (Tree::default(), Vec::with_capacity(states.len()));
        let mut states = states.into_iter();
        for (number, shard) in (batch.first..).zip(batch.shards) {
            let values = self.shard_values(number, shard, states.next());
            match values {
                Ok((values, state)) => {
                    tree.push(values);
                    after.extend(state);
                }
                Err(error) => return (Err(error), after),
            }
        }
        (Ok(tree.finish().unwrap_or_default()), after)
    }

    /// The vector of shard `number`, and the RNN state after it. A shard without rows has zeros.
    fn shard_values(
        &self,
        number: usize,
        shard: Option<BatchOf<M>>,
        state: Option<State>,
    ) -> Result<(Vec<f32>, Option<State>), TensorReadError> {
        let Some(shard) = shard else {
            let mut values = flatten(&self.model, GradientsParams::new())?;
            StepSums::default().append_to(&mut values);
            return Ok((values, state));
        };
        let tokens = M::num_tokens(&shard);
        let (losses, gradients, state) = self.shard_step(number, shard, state);
        let mut values = flatten(&self.model, gradients)?;
        let mut metrics = EvalMetrics::default();
        metrics.add(&losses)?;
        StepSums { metrics, tokens, requests: Requests::default() }.append_to(&mut values);
        Ok((values, state))
    }
}
