//! The loss of each target with the ids before it, to compare the model with others.

use burn::data::dataloader::DataLoader;
use burn::tensor::{Int, Tensor, TensorReadError};
use seqdata::Batch;

use crate::evaluate::{EvalMetrics, each_batch, target_labels};
use crate::evaluate_by_label::MetricsByLabel;
use crate::language_model::LanguageModel;

/// Evaluates all targets of `batches` as [`evaluate_by_label`](crate::evaluate_by_label()) does, and calls `each` with the
/// loss −ln p of every target, the ids before it and its id. Of the ids before it, `each` gets as many as the model has read
/// in its row, and at most `context_len`. All documents get the label number `label`, if one is given.
///
/// # Errors
/// As [`evaluate`](crate::evaluate()).
pub fn each_target(
    model: &LanguageModel,
    batches: &dyn DataLoader<Batch>,
    label: Option<u32>,
    context_len: usize,
    mut each: impl FnMut(f64, &[u32], u32),
) -> Result<Vec<EvalMetrics>, TensorReadError> {
    let mut metrics = MetricsByLabel::of(model);
    // The last ids of each row.
    let mut rows: Vec<Vec<u32>> = Vec::new();
    let add = |losses: &crate::LossOutput, batch: &Batch| -> Result<(), TensorReadError> {
        let [count, inputs] = batch.inputs.dims();
        let targets = batch.targets.dims()[1];
        // A row that first reads ids without targets does not go on where another row ended.
        if !batch.continues || inputs > targets {
            rows.clear();
        }
        rows.resize(count, Vec::new());
        let nats: Vec<f64> = losses.nats.clone().try_into_vec_as()?;
        let (input_ids, target_ids) = (ids(&batch.inputs)?, ids(&batch.targets)?);
        for (row, past) in rows.iter_mut().enumerate() {
            past.extend(&input_ids[row * inputs..(row + 1) * inputs]);
            let first = past.len() - targets;
            for target in 0..targets {
                let (end, at) = (first + target + 1, row * targets + target);
                each(nats[at], &past[end.saturating_sub(context_len)..end], target_ids[at]);
            }
            past.drain(..past.len().saturating_sub(context_len));
        }
        metrics.add(losses, target_labels(batch))
    };
    each_batch(model, batches, label, || true, add)?;
    Ok(metrics.0)
}

fn ids(tensor: &Tensor<2, Int>) -> Result<Vec<u32>, TensorReadError> {
    let ids: Vec<i64> = tensor.clone().try_into_vec_as()?;
    Ok(ids.into_iter().map(|id| id as u32).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use burn::tensor::Device;
    use seqdata::{Ids, Loader, Order, Sequence, Streams, Windows};

    use crate::evaluate::evaluate;
    use crate::language_model::LanguageModelConfig;
    use crate::stack::LayerConfig;

    use super::*;

    #[test]
    fn every_target_comes_with_the_ids_before_it() {
        let layers = vec![LayerConfig::lstm(6)];
        let model = LanguageModelConfig::new(2_000, 4, layers).init(1, &Device::flex()).unwrap();
        // Every id is at one place: its own number.
        let (ids, device): (Arc<Ids>, _) = (Arc::new((0..2_000u32).collect()), Device::flex());
        let sequence = || Sequence::new(ids.clone(), 50..2_000);
        let streams = |count| Streams::parallel_evaluation(sequence(), 7, count).unwrap();
        let loaders = [
            Loader::windows(Windows::over(sequence(), 7, 1), 32, Order::Sequential, device.clone()),
            Loader::streams(streams(1), device.clone()),
            Loader::streams(streams(3), device.clone()),
        ];
        for (number, loader) in loaders.iter().enumerate() {
            let mut found = BTreeMap::new();
            let each = |nats: f64, context: &[u32], target: u32| {
                assert_eq!(context, Vec::from_iter(target - 5..target), "loader {number}");
                assert!(found.insert(target, nats).is_none());
            };
            let metrics = each_target(&model, loader, None, 5, each).unwrap();
            assert!(found.keys().copied().eq(57..2_000), "loader {number}");
            let expected = evaluate(&model, loader).unwrap();
            assert!((found.values().sum::<f64>() - expected.nats).abs() < 1e-6);
            assert_eq!((metrics.len(), metrics[0].tokens), (1, expected.tokens));
            assert_eq!(metrics[0].correct, expected.correct);
            assert!((metrics[0].nats - expected.nats).abs() < 1e-6);
        }
        // No more than what was read.
        each_target(&model, &loaders[0], None, 9, |_, context, _| assert_eq!(context.len(), 7)).unwrap();
    }
}
