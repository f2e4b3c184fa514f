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

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use burn::tensor::{Device, Int, Tensor, TensorData};
    use models::parameters::parameters;
    use models::{LanguageModel, LanguageModelConfig, LayerConfig};
    use seqdata::{Batch, Shard};

    use super::*;
    use crate::flat_gradients::unflatten;

    const ROWS: usize = 8;
    const STEPS: usize = 6;

    fn config() -> LanguageModelConfig {
        let config = LanguageModelConfig::new(9, 5, vec![LayerConfig::lstm(7), LayerConfig::gru(6)]);
        config.activation_regularization(0.3).temporal_activation_regularization(0.2)
    }

    fn module(config: &LanguageModelConfig) -> TrainModule<LanguageModel> {
        TrainModule::new(config.init(3, &Device::flex()).unwrap(), &TrainConfig::default())
    }

    /// Rows of ids, all with the same ids if `distance` is 0.
    fn rows(rows: Range<usize>, distance: usize) -> Batch {
        let device = Device::flex().autodiff();
        let ids = |first: usize| {
            let row =
                |row: usize| (0..STEPS).map(move |at| ((row * distance + (first + at) * (first + at)) % 9) as i32);
            let ids: Vec<i32> = rows.clone().flat_map(row).collect();
            Tensor::<2, Int>::from_data(TensorData::new(ids, [rows.len(), STEPS]), &device)
        };
        Batch { inputs: ids(0), targets: ids(1), labels: None, continues: false, step: 4 }
    }

    fn shards(count: usize, distance: usize) -> ShardsOf<LanguageModel> {
        let shards = (0..count).map(|index| Some(rows(Shard { index, count }.rows(ROWS), distance)));
        ShardedBatch { step: 4, count, first: 0, shards: shards.collect() }
    }

    fn gradients(module: &TrainModule<LanguageModel>, count: usize) -> Vec<f32> {
        let (values, states) = module.shards_step(shards(count, 5), Vec::new());
        let mut values = values.unwrap();
        let sums = StepSums::take_from(&mut values);
        assert_eq!((sums.metrics.tokens, sums.tokens, states.len()), (ROWS * STEPS, ROWS * STEPS, count));
        flatten(&module.model, unflatten(&module.model, &values, (ROWS * STEPS) as f32)).unwrap()
    }

    #[test]
    fn the_gradient_of_shards_is_that_of_the_batch_but_for_rounding() {
        let module = module(&config());
        let (_, whole, _) = module.train_step(rows(0..ROWS, 5), None);
        let whole = flatten(&module.model, whole).unwrap();
        let square = |values: &[f32]| values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>();
        // Without the ones that say that a parameter has a gradient.
        let norm = (square(&whole) - parameters(&module.model).len() as f64).sqrt();
        for count in [2, 4, 8] {
            let found = gradients(&module, count);
            let difference: Vec<f32> = found.iter().zip(&whole).map(|(found, whole)| found - whole).collect();
            let difference = square(&difference).sqrt();
            assert!(difference <= 1e-6 * norm, "{difference} of {norm}");
        }
    }

    #[test]
    fn the_sum_of_all_shards_is_that_of_its_parts() {
        let module = module(&config().dropout(0.3).embedding_dropout(0.2));
        let all = module.shards_step(shards(4, 5), Vec::new()).0.unwrap();
        let half = |first: usize| {
            let mut batch = shards(4, 5);
            batch.shards = batch.shards.drain(first..first + 2).collect();
            module.shards_step(ShardedBatch { first, ..batch }, Vec::new()).0.unwrap()
        };
        let sum: Vec<f32> = half(0).iter().zip(half(2)).map(|(left, right)| left + right).collect();
        assert!(sum == all);
    }

    #[test]
    fn each_shard_has_its_own_dropout_masks() {
        for config in [config().dropout(0.5), config().embedding_dropout(0.5)] {
            let module = module(&config);
            let values = |number: usize| module.shard_values(number, Some(rows(0..2, 0)), None).unwrap().0;
            assert!(values(0) == values(0));
            assert!(values(0) != values(1));
        }
    }

    #[test]
    fn a_shard_without_rows_adds_nothing() {
        let module = module(&config());
        let values = |shard| module.shard_values(1, shard, None).unwrap().0;
        let (empty, full) = (values(None), values(Some(rows(0..2, 5))));
        assert_eq!(empty, vec![0.0; full.len()]);
    }
}
