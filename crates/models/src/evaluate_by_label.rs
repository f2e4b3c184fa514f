//! Losses by label, and of other labels than a document has.

use burn::data::dataloader::DataLoader;
use burn::tensor::{Int, Tensor, TensorReadError};
use seqdata::Batch;

use crate::evaluate::{EvalMetrics, each_batch, target_labels};
use crate::language_model::LanguageModel;
use crate::output_layer::LossOutput;

/// The sums over the targets of each label, by the number of the label; number 0 is no label.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricsByLabel(pub Vec<EvalMetrics>);

impl MetricsByLabel {
    /// No targets yet; an entry for every label of `model`.
    pub fn of(model: &LanguageModel) -> Self {
        let count = model.label_embedding.as_ref().map_or(1, |labels| labels.weight.dims()[0]);
        Self(vec![EvalMetrics::default(); count])
    }

    /// Adds the losses of one batch, whose targets have these label numbers; without them, all have number 0.
    ///
    /// # Errors
    /// If the device fails to return them.
    pub fn add(&mut self, losses: &LossOutput, labels: Option<Tensor<1, Int>>) -> Result<(), TensorReadError> {
        let nats: Vec<f64> = losses.nats.clone().try_into_vec_as()?;
        let correct =
            losses.correct.clone().map_or(Ok(vec![0; nats.len()]), |correct| correct.try_into_vec_as::<i64>())?;
        let labels = labels.map_or(Ok(vec![0; nats.len()]), |labels| labels.try_into_vec_as::<i64>())?;
        for ((nats, correct), label) in nats.into_iter().zip(correct).zip(labels) {
            self.add_target(label as usize, nats, correct != 0);
        }
        Ok(())
    }

    /// Adds one target with this label number and loss.
    pub fn add_target(&mut self, label: usize, nats: f64, correct: bool) {
        self.0.resize(self.0.len().max(label + 1), EvalMetrics::default());
        let of_label = &mut self.0[label];
        of_label.nats += nats;
        of_label.tokens += 1;
        of_label.correct += usize::from(correct);
    }
}

/// Evaluates all targets of `batches` as [`evaluate`](crate::evaluate()) does, separately by the label number of the
/// document that each belongs to; a document's last target, the document token after it, belongs to it. Number 0 is no
/// label. Has an entry for every label of the model, and for every number that occurs.
///
/// # Errors
/// As [`evaluate`](crate::evaluate()).
pub fn evaluate_by_label(
    model: &LanguageModel,
    batches: &dyn DataLoader<Batch>,
) -> Result<Vec<EvalMetrics>, TensorReadError> {
    let mut metrics = MetricsByLabel::of(model);
    each_batch(model, batches, None, || true, |losses, batch| metrics.add(losses, target_labels(batch)))?;
    Ok(metrics.0)
}

/// Evaluates all targets of `batches` as if every document had the label with number `label`; 0 is no label.
///
/// # Errors
/// As [`evaluate`](crate::evaluate()).
pub fn evaluate_with_label(
    model: &LanguageModel,
    batches: &dyn DataLoader<Batch>,
    label: u32,
) -> Result<EvalMetrics, TensorReadError> {
    let mut metrics = EvalMetrics::default();
    each_batch(model, batches, Some(label), || true, |losses, _| metrics.add(losses))?;
    Ok(metrics)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use burn::data::dataloader::{DataLoaderIterator, Progress};
    use burn::data::dataset::DatasetError;
    use burn::tensor::Device;

    use crate::evaluate::evaluate;
    use crate::language_model::{LanguageModelConfig, TokenInput};
    use crate::stack::LayerConfig;

    use super::*;

    #[derive(Clone)]
    struct OneBatch(Batch);

    struct Once(Option<Batch>);

    impl Iterator for Once {
        type Item = Result<Batch, DatasetError>;

        fn next(&mut self) -> Option<Self::Item> {
            self.0.take().map(Ok)
        }
    }

    impl DataLoaderIterator<Batch> for Once {
        fn progress(&self) -> Progress {
            Progress::new(0, 1, None)
        }
    }

    impl DataLoader<Batch> for OneBatch {
        fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<Batch> + 'a> {
            Box::new(Once(Some(self.0.clone())))
        }

        fn num_items(&self) -> usize {
            1
        }

        fn to_device(&self, _: &Device) -> Arc<dyn DataLoader<Batch>> {
            Arc::new(self.clone())
        }

        fn slice(&self, _: usize, _: usize) -> Arc<dyn DataLoader<Batch>> {
            Arc::new(self.clone())
        }
    }

    #[test]
    fn losses_by_label_add_up_and_are_those_of_their_targets() {
        let config = LanguageModelConfig::new(11, 4, vec![LayerConfig::lstm(6)]).labels(["a", "b"]);
        let (model, device) = (config.init(1, &Device::flex()).unwrap(), Device::flex());
        let tensor = |rows: [[i32; 4]; 2]| Tensor::<2, Int>::from_ints(rows, &device);
        let batch = Batch {
            inputs: tensor([[1, 2, 3, 4], [5, 6, 7, 8]]),
            // The targets of the last three positions, whose inputs have the labels.
            targets: tensor([[2, 3, 4, 5], [6, 7, 8, 9]]).narrow(1, 1, 3),
            labels: Some(tensor([[0, 2, 2, 1], [1, 1, 1, 1]])),
            continues: false,
            step: 0,
        };
        let input = TokenInput { ids: batch.inputs.clone(), labels: batch.labels.clone() };
        let losses = model.forward_eval(input, batch.targets.clone(), model.init_state(2)).0;
        let nats: Vec<f64> = losses.nats.try_into_vec_as().unwrap();
        let by_label = evaluate_by_label(&model, &OneBatch(batch.clone())).unwrap();
        let tokens: Vec<usize> = by_label.iter().map(|metrics| metrics.tokens).collect();
        assert_eq!(tokens, [0, 4, 2]);
        assert!((by_label[2].nats - nats[..2].iter().sum::<f64>()).abs() < 1e-9);
        assert!((by_label[1].nats - nats[2..].iter().sum::<f64>()).abs() < 1e-9);
        let all = evaluate(&model, &OneBatch(batch.clone())).unwrap();
        assert_eq!(all.correct, by_label.iter().map(|metrics| metrics.correct).sum::<usize>());
        // As if all had the second label: those that have it are the same.
        let second = evaluate_with_label(&model, &OneBatch(batch.clone()), 2).unwrap();
        assert!(second.tokens == 6 && (second.nats - all.nats).abs() > 1e-6);
        // A model without labels has losses by label, too; batches without labels have number 0.
        let plain = LanguageModel { label_embedding: None, ..model };
        let by_label = evaluate_by_label(&plain, &OneBatch(batch.clone())).unwrap();
        assert_eq!(by_label.iter().map(|metrics| metrics.tokens).collect::<Vec<_>>(), [0, 4, 2]);
        let unlabelled = Batch { labels: None, ..batch };
        assert_eq!(evaluate_by_label(&plain, &OneBatch(unlabelled)).unwrap()[0].tokens, 6);
    }
}
