//! The evaluation report at the end of a run: the loss compared with baselines, how much of a sample is copied from the
//! training text, and the number of parameters against the number of training tokens. Written to `score.md` and
//! `score.json`; two of its sentences are printed.

use burn::module::Module;
use eval::TrainingText;
use generate::{Evaluation, LabelEvaluation};
use models::StateMode;
use seqdata::Part;
use serde::Serialize;
use trainer::{Outcome, StopReason};

use crate::config::LmExperiment;
use crate::report::advice::{Evidence, TIE};
use crate::report::baselines::{Baselines, COUNTING, train_ids, valid_ids};
use crate::report::copied_words::CopiedWords;
use crate::report::counting::CountingScore;
use crate::report::final_sample::{DocumentNovelty, FinalSample};
use crate::report::held_out::HeldOut;
use crate::report::mixture_report::{MixtureReport, RunMixture};
use crate::report::overlap::{self, Overlap};

/// The evaluation of a language model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EvaluationReport {
    /// The number of contiguous held-out tokens that were predicted.
    pub tokens: usize,
    /// The number of held-out documents, if the text consists of documents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub documents: Option<usize>,
    /// The epoch whose weights are evaluated.
    pub best_epoch: usize,
    /// How the losses of the model are computed, in words.
    pub protocols: Vec<String>,
    /// The losses of the model (first) and of the baselines.
    pub rows: Vec<Row>,
    /// The comparison with the best Kneser–Ney model of characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counting: Option<CountingScore>,
    /// The losses of the model by label, if documents have labels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<LabelEvaluation>,
    /// The evaluation on the test part, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<Evaluation>,
    /// The mixture of the model with n-grams, if it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mixture: Option<MixtureReport>,
    /// How many generated documents are new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub novelty: Option<DocumentNovelty>,
    /// The overlap of the sample with the training text.
    pub copied: Overlap,
    /// The overlap of held-out text of the same length with the training text.
    pub copied_by_held_out_text: Overlap,
    /// The sequences of words of the sample that are copied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copied_words: Option<CopiedWords>,
    /// The number of parameters.
    pub parameters: usize,
    /// The number of training tokens.
    pub training_tokens: usize,
    /// What to do for a lower loss.
    pub advice: String,
}

/// The loss of a model or baseline on the held-out text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The name of the model or baseline.
    pub name: String,
    /// The mean of −ln p over all tokens.
    pub loss_nats_per_token: f64,
    /// exp(loss).
    pub perplexity: f64,
    /// The total loss in bits divided by the bytes of the text; `None` if tokens are left out of it.
    pub bits_per_byte: Option<f64>,
}

impl EvaluationReport {
    /// Evaluates the best model of `outcome`, which was trained as `experiment` says, validated as `protocols` says,
    /// generated `sample`, and has these losses by label and on the test part and this mixture. `is_planned`: by `--minutes`.
    pub fn new(
        mut protocols: Vec<String>,
        experiment: &LmExperiment,
        outcome: &Outcome,
        baselines: &Baselines,
        FinalSample { sample, novelty, copied_words }: &FinalSample,
        (labels, test, mixture): (Vec<LabelEvaluation>, Option<Evaluation>, Option<&RunMixture>),
        is_planned: bool,
    ) -> Self {
        let (dataset, best) = (&experiment.dataset, &outcome.best);
        let context_len = dataset.valid_context_len();
        // In windows, the first documents are context.
        let [carried, windows] = [context_len, dataset.context_len()].map(|length| HeldOut::new(dataset, length));
        protocols.extend(carried.and_then(|held_out| held_out.protocol(dataset)).map(String::from));
        protocols.extend(baselines.protocol());
        let row = |name: &str, loss: f64, held_out: Option<HeldOut>| Row {
            name: name.into(),
            loss_nats_per_token: loss,
            perplexity: loss.exp(),
            bits_per_byte: held_out.map(|held_out| held_out.bits_per_byte(loss)),
        };
        let metadata = &best.metadata;
        let mut losses = [
            ("this model, carried", metadata.valid_loss_carried, carried),
            ("this model, by window", metadata.valid_loss_window, windows),
        ];
        // The state mode that `generate` uses by default comes first.
        if metadata.state_mode() == StateMode::Window {
            losses.reverse();
        }
        let mut rows: Vec<Row> =
            losses.into_iter().filter_map(|(name, loss, held_out)| Some(row(name, loss?, held_out))).collect();
        let named = baselines.named();
        rows.extend(
            named
                .iter()
                .map(|&(name, loss)| row(name, loss, if name == COUNTING { baselines.held_out } else { carried })),
        );

        let without_separators = |ids: &[u32]| overlap::without_separators(ids, &dataset.tokenizer);
        let document = dataset.tokenizer.vocabulary.document_id();
        let training_text = TrainingText::new(without_separators(&train_ids(dataset)), document);
        let overlap = |ids: &[u32]| Overlap::new(&training_text, ids, &dataset.tokenizer);
        let held_out = without_separators(&valid_ids(dataset));
        // Two texts of equal length.
        let overlaps = |written: &[u32]| {
            let written = without_separators(written);
            let length = held_out.len().min(written.len());
            [&written, &held_out].map(|ids| overlap(&ids[..length]))
        };
        let [copied, copied_by_held_out_text] = overlaps(&sample.ids);
        let (parameters, training_tokens) = (best.model.num_params(), dataset.split.train.len());
        let lowest_baseline = named.iter().map(|&(_, loss)| loss).fold(f64::INFINITY, f64::min);
        let progress = &outcome.progress;
        let counting_held_out = baselines.counting.as_ref().zip(baselines.held_out);
        let evidence = Evidence {
            epochs: &progress.epochs,
            passes: progress.steps as f64 / progress.steps_per_pass.max(1) as f64,
            schedule: progress.config.schedule,
            is_planned,
            stopped_early: outcome.stop_reason == StopReason::EarlyStopping,
            parameters_per_token: parameters as f64 / training_tokens.max(1) as f64,
            is_worse_than_baseline: rows[0].loss_nats_per_token > lowest_baseline + TIE,
            starts_from_model: experiment.config.init.from.is_some(),
            splits_characters: dataset.tokenizer.vocabulary.is_subwords()
                && counting_held_out.is_some_and(|(counting, held_out)| held_out.targets > counting.characters),
        };
        let counting = baselines.counting.as_ref().zip(rows[0].bits_per_byte);
        let counting = counting.map(|(counting, bits)| counting.compare(bits, evidence.why_worse()));
        Self {
            tokens: dataset.split.valid.len() - context_len,
            documents: dataset.documents.as_ref().map(|documents| documents.of(Part::Valid).len()),
            best_epoch: metadata.epochs,
            protocols,
            rows,
            counting,
            labels,
            test,
            mixture: mixture.map(|mixture| mixture.report(overlaps(&mixture.sample.sample.ids))),
            novelty: *novelty,
            copied,
            copied_by_held_out_text,
            copied_words: copied_words.clone(),
            parameters,
            training_tokens,
            advice: evidence.advice(),
        }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// The report on a model with this loss.
    pub fn report(model: f64) -> EvaluationReport {
        let row = |name: &str, loss: f64| Row {
            name: name.into(),
            loss_nats_per_token: loss,
            perplexity: loss.exp(),
            bits_per_byte: None,
        };
        let overlap = |longest_run, fraction| Overlap {
            tokens: 500,
            longest_run,
            longest_run_text: "the\nfox said".into(),
            novel_ngrams: (2..=8).map(|n| (n, Some(fraction))).collect(),
        };
        EvaluationReport {
            tokens: 5_022,
            documents: None,
            best_epoch: 3,
            counting: None,
            labels: Vec::new(),
            test: None,
            mixture: None,
            novelty: None,
            protocols: vec!["carried: each token from all before it".into()],
            rows: vec![row("this model", model), row("5-gram", 4.42), row("unigram", 5.6)],
            copied: overlap(12, 0.25),
            copied_by_held_out_text: overlap(7, 0.75),
            copied_words: None,
            parameters: 1_853_901,
            training_tokens: 45_394,
            advice: "Train longer.".into(),
        }
    }
}
