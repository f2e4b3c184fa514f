//! Evaluation of a model with a continuous cache, and the choice of its settings.

use burn::tensor::Tensor;
use kernels::inference::log_sum_exp;
use models::{MetricsByLabel, TokenInput, mean_loss, target_labels, with_label};
use rayon::prelude::*;

use crate::cache::{CacheSettings, Memory, Similar};
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

impl Position<'_> {
    /// −ln p of the target by these logits.
    fn nats(&self, logits: &[f32]) -> f64 {
        log_sum_exp(logits) - f64::from(logits[self.target as usize])
    }
}

/// The evaluation of a model with a continuous cache.
#[derive(Clone, Debug, PartialEq)]
pub struct CacheEvaluation {
    /// Of the model with the cache.
    pub evaluation: Evaluation,
    /// The loss of the model alone, on the same targets.
    pub loss_without_nats_per_token: f64,
}

impl EvaluationPlan<'_> {
    /// Evaluates the model with and without a continuous cache; it reads the text once. The cache has tokens of the evaluated
    /// text only, from its first target on. `progress` is called with the fraction of the text that was read.
    ///
    /// # Errors
    /// If a setting is out of range, the loss is not finite, or the device fails.
    pub fn with_cache(&self, settings: &CacheSettings, progress: impl FnMut(f64)) -> Result<CacheEvaluation> {
        settings.check()?;
        let mut metrics = MetricsByLabel::of(&self.bundle().model);
        let (mut nats_without, mut targets) = (0.0, 0);
        let score = |position: Position| {
            let mixed = position.similar.mixed(position.logits, settings);
            let nats = [position.nats(&mixed), position.nats(position.logits)];
            let mixed: Vec<f64> = mixed.into_iter().map(f64::from).collect();
            (nats, argmax(&mixed) == position.target as usize)
        };
        self.each_position(settings.size, usize::MAX, score, progress, |label, ([nats, without], correct)| {
            metrics.add_target(label, nats, correct);
            nats_without += without;
            targets += 1;
        })?;
        let loss_without_nats_per_token = mean_loss(nats_without, targets);
        Ok(CacheEvaluation { evaluation: self.evaluation(&metrics.0)?, loss_without_nats_per_token })
    }

    /// The settings of a cache of this size with the lowest loss on the first `targets` targets, or some more, of a grid of
    /// λ and θ. With λ = 0, the cache is of no use. `progress` is called with the fraction of these targets that was read.
    ///
    /// # Errors
    /// If `size` is out of range, the loss is not finite, or the device fails.
    pub fn best_cache(&self, size: usize, targets: usize, progress: impl FnMut(f64)) -> Result<CacheSettings> {
        CacheSettings::default().size(size).check()?;
        let mut nats = [[0.0; WEIGHTS.len()]; THETAS + 1];
        let probabilities = |position: Position| ((-position.nats(position.logits)).exp(), of_cache(&position));
        self.each_position(size, targets, probabilities, progress, |_, (of_model, of_cache)| {
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
    /// computed in parallel. `progress` is called with the fraction of these targets after each batch.
    fn each_position<R: Send>(
        &self,
        size: usize,
        limit: usize,
        score: impl Fn(Position) -> R + Sync,
        mut progress: impl FnMut(f64),
        mut each: impl FnMut(usize, R),
    ) -> Result<()> {
        let model = &self.bundle().model;
        let document_id = model.document_id;
        let (mut memory, mut state) = (Memory::default(), None);
        // The first entry of the document that is read.
        let mut document = 0usize;
        let mut targets_read = 0;
        let all = (self.sequence().len() - self.context_len()).min(limit);
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
            progress((targets_read as f64 / all as f64).min(1.0));
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

#[cfg(test)]
mod tests {
    use models::StateMode;
    use seqdata::{DatasetInput, EvaluationText};

    use super::*;
    use crate::batch_session::BatchSession;
    use crate::cache::Cache;
    use crate::evaluate::{LabelChoice, evaluate_sequence};
    use crate::generator::Generator;
    use crate::test_model::{WORDS, composed, document_generator, generator};

    const TEXT: &str = "a é a . a é é a . . é a é a a a a . é . a a é a a a . é é é é a . . . a";

    fn read(generator: &Generator, documents: bool) -> EvaluationText {
        let documents = documents.then_some([("a é a a", Some("one")), ("é é . é", None), ("a a . a a", Some("two"))]);
        let input = match &documents {
            Some(documents) => DatasetInput::documents(&documents[..]),
            None => DatasetInput::whole_text(TEXT),
        };
        EvaluationText::read(input, generator.tokenizer(), &generator.bundle().metadata.config.labels).unwrap()
    }

    /// The mean loss, computed token by token with the cache of a text that is written.
    fn one_by_one(generator: &Generator, text: &EvaluationText, mode: StateMode, settings: CacheSettings) -> f64 {
        let sequence = &text.sequence;
        let by_document = generator.document_id().is_some() && mode == StateMode::Carry;
        let context_len = if by_document { 1 } else { generator.context_len() };
        let ids: Vec<u32> = sequence.ids(0..sequence.len()).collect();
        let mut cache = Cache::new(settings, generator.document_id());
        let mut session = BatchSession::new(generator.engine(), mode, generator.context_len());
        let mut sum = 0.0;
        for at in 0..ids.len() - 1 {
            session.forward(&ids[at..=at]).unwrap();
            if at + 1 >= context_len {
                cache.push(ids[at], session.outputs().remove(0));
                let mixed = cache.mixed(session.logits()[0]);
                sum += log_sum_exp(&mixed) - f64::from(mixed[ids[at + 1] as usize]);
            }
        }
        sum / (ids.len() - context_len) as f64
    }

    #[test]
    fn the_loss_is_that_of_the_cache_of_a_text_that_is_written() {
        let packed = [(generator(WORDS, None), false), (document_generator(), true)];
        for (packed, documents) in packed {
            for generator in [composed(&packed), packed] {
                let text = read(&generator, documents);
                for mode in [StateMode::Carry, StateMode::Window] {
                    for settings in [
                        CacheSettings { size: 3, weight: 0.4, theta: 2.0 },
                        CacheSettings { size: 100, weight: 0.2, theta: 0.0 },
                    ] {
                        let expected = one_by_one(&generator, &text, mode, settings);
                        for chunk in [2, 64] {
                            let (bundle, labels) = (generator.bundle(), LabelChoice::Without);
                            let plan =
                                EvaluationPlan::in_order(bundle, &text.sequence, 0, labels, mode, chunk).unwrap();
                            let found = plan.with_cache(&settings, |_| {}).unwrap().evaluation.loss_nats_per_token;
                            assert!((found - expected).abs() < 1e-5, "{found} {expected} {mode:?} {settings:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn without_weight_the_evaluation_is_that_of_the_model_also_by_label() {
        let generator = document_generator();
        let text = read(&generator, true);
        for mode in [StateMode::Carry, StateMode::Window] {
            let (bundle, labels) = (generator.bundle(), LabelChoice::Own);
            let plain = evaluate_sequence(bundle, &text.sequence, 0, labels, mode).unwrap();
            let plan = EvaluationPlan::in_order(bundle, &text.sequence, 0, labels, mode, 7).unwrap();
            let mut read = Vec::new();
            let without_weight = CacheSettings::default().weight(0.0);
            let found = plan.with_cache(&without_weight, |fraction| read.push(fraction)).unwrap();
            assert!(read.is_sorted() && read.len() > 1 && read.last() == Some(&1.0), "{read:?}");
            let with_cache = plan.with_cache(&CacheSettings::default(), |_| {}).unwrap();
            for evaluation in [&found, &with_cache] {
                assert!((evaluation.loss_without_nats_per_token - plain.loss_nats_per_token).abs() < 1e-6);
            }
            assert!((with_cache.evaluation.loss_nats_per_token - plain.loss_nats_per_token).abs() > 1e-3);
            let found = found.evaluation;
            assert_eq!(
                (found.tokens, found.accuracy, &found.protocol),
                (plain.tokens, plain.accuracy, &plain.protocol)
            );
            assert!((found.loss_nats_per_token - plain.loss_nats_per_token).abs() < 1e-6);
            assert_eq!(found.labels.len(), plain.labels.len());
            for (found, plain) in found.labels.iter().zip(&plain.labels) {
                assert_eq!((&found.label, found.tokens), (&plain.label, plain.tokens));
                assert!((found.loss_nats_per_token - plain.loss_nats_per_token).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn a_cache_is_used_in_documents_with_their_own_labels() {
        let generator = document_generator();
        let texts = ["a é a a é a", "é é . é é", "a a . a a . a"];
        let bundle = generator.bundle();
        let evaluate = |label: Option<&'static str>, labels| {
            let documents = texts.map(|text| (text, label));
            let input = DatasetInput::documents(&documents[..]);
            let known = &bundle.metadata.config.labels;
            let text = EvaluationText::read(input, generator.tokenizer(), known).unwrap();
            let plan = EvaluationPlan::in_order(bundle, &text.sequence, 0, labels, StateMode::Carry, 4).unwrap();
            plan.with_cache(&CacheSettings::default().weight(0.4), |_| {}).unwrap()
        };
        for name in ["one", "two"] {
            let own = evaluate(Some(name), LabelChoice::Own);
            let given = evaluate(None, LabelChoice::All(name));
            assert_eq!(own.evaluation.loss_nats_per_token, given.evaluation.loss_nats_per_token);
            assert_eq!(own.loss_without_nats_per_token, given.loss_without_nats_per_token);
            let [label] = &own.evaluation.labels[..] else { panic!("{own:?}") };
            assert_eq!((label.label.as_deref(), label.tokens), (Some(name), own.evaluation.tokens));
            assert_eq!(label.loss_nats_per_token, own.evaluation.loss_nats_per_token);
            let without = evaluate(Some(name), LabelChoice::Without);
            assert!((without.evaluation.loss_nats_per_token - label.loss_nats_per_token).abs() > 1e-3, "{name}");
            assert!((own.loss_without_nats_per_token - label.loss_nats_per_token).abs() > 1e-3, "{name}");
        }
    }

    #[test]
    fn the_chosen_settings_have_the_lowest_loss_of_the_grid() {
        let generator = generator(WORDS, None);
        let text = read(&generator, false);
        let (bundle, mode) = (generator.bundle(), StateMode::Carry);
        let plan = EvaluationPlan::in_order(bundle, &text.sequence, 0, LabelChoice::Own, mode, 9).unwrap();
        let loss = |settings: &CacheSettings| plan.with_cache(settings, |_| {}).unwrap().evaluation.loss_nats_per_token;
        let best = plan.best_cache(20, usize::MAX, |_| {}).unwrap();
        let plain = loss(&best.weight(0.0));
        // An untrained model does not know that three of its tokens are frequent.
        assert!(best.weight > 0.0 && loss(&best) < plain - 0.1, "{best:?}");
        for theta in (0..THETAS).map(|power| FIRST_THETA * f64::from(1 << power)).chain([0.0]) {
            for weight in WEIGHTS {
                let other = CacheSettings { size: 20, weight, theta };
                assert!(loss(&other) > loss(&best) - 1e-6, "{other:?} {best:?}");
            }
        }
        assert!(plan.best_cache(0, usize::MAX, |_| {}).is_err());
    }
}
