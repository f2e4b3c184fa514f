//! Evaluation of a model with a continuous cache, and the choice of its settings.

use burn::tensor::Tensor;
use models::{MetricsByLabel, TokenInput, target_labels, with_label};
use rayon::prelude::*;

use crate::cache::{CacheSettings, Memory, Similar, log_sum_exp};
use crate::error::{Error, Result};
use crate::evaluate::Evaluation;
use crate::evaluation_plan::EvaluationPlan;
use crate::sampling::argmax;

/// The smallest θ above 0 that is tried; each of the others is twice the one before.
const FIRST_THETA: f64 = 0.025;
/// How many θ above 0 are tried.
const THETAS: usize = 8;
/// The λ that are tried.
const WEIGHTS: [f64; 11] = [0.0, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6];

/// A target with what predicts it.
struct Position<'a> {
    target: u32,
    logits: &'a [f32],
    similar: Similar<'a>,
}

impl EvaluationPlan<'_> {
    /// Evaluates the model with a continuous cache. The cache has tokens of the evaluated text only, from its first target on.
    ///
    /// # Errors
    /// If a setting is out of range, the loss is not finite, or the device fails.
    pub fn with_cache(&self, settings: &CacheSettings) -> Result<Evaluation> {
        settings.check()?;
        let mut metrics = MetricsByLabel::of(&self.bundle().model);
        let score = |position: Position| {
            let mixed = position.similar.mixed(position.logits, settings);
            let nats = log_sum_exp(&mixed) - f64::from(mixed[position.target as usize]);
            let mixed: Vec<f64> = mixed.into_iter().map(f64::from).collect();
            (nats, argmax(&mixed) == position.target as usize)
        };
        self.each_position(settings.size, usize::MAX, score, |label, (nats, correct)| {
            metrics.add_target(label, nats, correct)
        })?;
        self.evaluation(&metrics.0)
    }

    /// The settings of a cache of this size with the lowest loss on the first `targets` targets, or some more, of a grid of
    /// λ and θ. With λ = 0, the cache is of no use.
    ///
    /// # Errors
    /// If `size` is out of range, the loss is not finite, or the device fails.
    pub fn best_cache(&self, size: usize, targets: usize) -> Result<CacheSettings> {
        CacheSettings::default().size(size).check()?;
        let mut nats = [[0.0; WEIGHTS.len()]; THETAS + 1];
        let probabilities = |position: Position| {
            let of_model = f64::from(position.logits[position.target as usize]) - log_sum_exp(position.logits);
            (of_model.exp(), of_cache(&position))
        };
        self.each_position(size, targets, probabilities, |_, (of_model, of_cache)| {
            for (theta, nats) in nats.iter_mut().enumerate() {
                for (weight, nats) in WEIGHTS.iter().zip(nats) {
                    let mixed =
                        of_cache.map_or(of_model, |of_cache| (1.0 - weight) * of_model + weight * of_cache[theta]);
                    *nats -= mixed.max(f64::MIN_POSITIVE).ln();
                }
            }
        })?;
        let cells = nats.iter().enumerate().flat_map(|(theta, nats)| {
            let theta = if theta == 0 { 0.0 } else { FIRST_THETA * f64::from(1 << (theta - 1)) };
            WEIGHTS.iter().zip(nats).map(move |(&weight, &nats)| (CacheSettings { size, weight, theta }, nats))
        });
        let best = cells.min_by(|(_, a), (_, b)| a.total_cmp(b)).expect("the grid is not empty");
        if best.1.is_finite() { Ok(best.0) } else { Err(Error::NotFinite) }
    }

    /// Calls `each` with the label number and the score of every target, in their order, until there are `limit`. `score` is
    /// computed in parallel.
    fn each_position<R: Send>(
        &self,
        size: usize,
        limit: usize,
        score: impl Fn(Position) -> R + Sync,
        mut each: impl FnMut(usize, R),
    ) -> Result<()> {
        let model = &self.bundle().model;
        let document_id = model.document_id;
        let (mut memory, mut state) = (Memory::default(), None);
        // The first entry of the document that is read.
        let mut document = 0usize;
        let mut targets_read = 0;
        for batch in self.batches() {
            if targets_read >= limit {
                break;
            }
            let batch = with_label(batch, self.label());
            let before = model.state_before(&batch, state.take());
            let [rows, count] = batch.targets.dims();
            let labels = target_labels(&batch).map(Tensor::try_into_vec_as::<i64>).transpose()?;
            targets_read += rows * count;
            let time = batch.inputs.dims()[1];
            let last: Tensor<2, burn::tensor::Int> = batch.inputs.clone().narrow(1, time - count, count);
            let [last, targets] = [last, batch.targets];
            let [inputs, targets]: [Vec<i64>; 2] = [last.try_into_vec_as()?, targets.try_into_vec_as()?];
            let (outputs, logits, after) =
                model.forward_outputs(TokenInput { ids: batch.inputs, labels: batch.labels }, before, count);
            state = Some(after);
            let units = outputs.dims()[1];
            let [outputs, logits]: [Vec<f32>; 2] = [outputs.try_into_vec_as()?, logits.try_into_vec_as()?];
            let removed = memory.len().saturating_sub(size);
            memory.remove_first(removed);
            document = document.saturating_sub(removed);
            let first = memory.len();
            let mut starts = Vec::with_capacity(rows * count);
            for (at, output) in outputs.chunks_exact(units).enumerate() {
                if document_id.is_some_and(|id| i64::from(id) == inputs[at]) {
                    document = first + at;
                }
                starts.push(document.max((first + at).saturating_sub(size)));
                memory.push(output, targets[at] as u32);
            }
            let position = |at: usize| Position {
                target: targets[at] as u32,
                logits: &logits[at * model.vocab_size()..][..model.vocab_size()],
                similar: memory.seen_from(&outputs[at * units..][..units], starts[at]..first + at),
            };
            let scores: Vec<R> = (0..rows * count).into_par_iter().map(|at| score(position(at))).collect();
            for (at, score) in scores.into_iter().enumerate() {
                each(labels.as_ref().map_or(0, |labels| labels[at] as usize), score);
            }
        }
        Ok(())
    }
}

/// p_cache(target) for each θ; `None` if the cache is empty.
fn of_cache(position: &Position) -> Option<[f64; THETAS + 1]> {
    if position.similar.is_empty() {
        return None;
    }
    let (mut same, mut total) = ([0.0; THETAS + 1], [0.0; THETAS + 1]);
    let zero = position.similar.weights(0.0);
    for ((id, one), (_, first)) in zero.zip(position.similar.weights(FIRST_THETA)) {
        let (mut weight, mut next) = (one, first);
        for theta in 0..=THETAS {
            total[theta] += weight;
            if id == position.target {
                same[theta] += weight;
            }
            // Twice the θ is the square of the weight.
            (weight, next) = (next, next * next);
        }
    }
    Some(std::array::from_fn(|theta| same[theta] / total[theta]))
}
