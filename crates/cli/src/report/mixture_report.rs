//! The mixture of the network with the n-grams of its training text: made at the end of a run, kept with the model and
//! reported beside the network.

use generate::{Evaluation, EvaluationMode, LabelEvaluation, Mixture, MixtureEvaluation, NgramOrder};
use models::bundle::NGRAM_COUNTS;
use models::{LmBundle, StateMode};
use seqdata::{Part, TextDataset};
use serde::Serialize;

use crate::error::Result;
use crate::long_task::LongTask;
use crate::report::baselines::last_train_ids;
use crate::report::copied_words::{CopiedWords, EarlierTexts};
use crate::report::counting::MAX_COUNTED;
use crate::report::final_sample::{DocumentNovelty, FinalSample};
use crate::report::held_out::HeldOut;
use crate::report::overlap::Overlap;
use crate::report::terms::loss_in_words;

/// The mixture at the end of a run.
pub struct RunMixture {
    /// The mixture.
    pub mixture: Mixture,
    /// Its losses on the validation text.
    pub evaluation: MixtureEvaluation,
    /// The losses of the network on it by label.
    pub labels: Vec<LabelEvaluation>,
    /// A sample from it.
    pub sample: FinalSample,
}

/// The findings about the mixture, for the evaluation report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MixtureReport {
    /// The losses on the validation text.
    #[serde(flatten)]
    pub evaluation: MixtureEvaluation,
    /// The overlap of a sample from the mixture with the training text.
    pub copied: Overlap,
    /// The overlap of held-out text of the same length.
    pub copied_by_held_out_text: Overlap,
    /// The sequences of words of the sample that are copied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copied_words: Option<CopiedWords>,
    /// How many generated documents are new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub novelty: Option<DocumentNovelty>,
}

/// Counts the n-grams of the training text, of a long one those of its end, and fits the weights on the validation text, which
/// is evaluated, too.
///
/// # Errors
/// If the model cannot be evaluated on the validation text.
pub fn fit_mixture(
    best: &LmBundle,
    dataset: &TextDataset,
    order: NgramOrder,
    mode: StateMode,
) -> Result<(Mixture, Evaluation)> {
    let _task = LongTask::start("counting n-grams and mixing them with the network");
    let (training, held_out) = (last_train_ids(dataset, MAX_COUNTED), dataset.sequence(Part::Valid));
    let mode = EvaluationMode::InParallel(mode);
    Ok(Mixture::fit_and_evaluate(best, &training, &held_out, dataset.valid_dropped, order, mode)?)
}

/// Completes the bits per byte of losses on the validation text, with unknown tokens spelled, as far as that is possible.
pub fn spell_unknown_tokens(evaluation: &mut MixtureEvaluation, held_out: &HeldOut) {
    for losses in [&mut evaluation.network, &mut evaluation.ngrams, &mut evaluation.mixture] {
        losses.bits_per_byte = Some(held_out.bits_per_byte(losses.loss_nats_per_token));
    }
}

impl RunMixture {
    /// The mixture of the model `best` of a run on `dataset`, with its losses and a sample.
    ///
    /// # Errors
    /// If the model cannot be evaluated on the validation text, or its outputs are not finite.
    pub fn new(best: &LmBundle, dataset: &TextDataset, order: NgramOrder, earlier: &EarlierTexts) -> Result<Self> {
        let (mixture, evaluation) = fit_mixture(best, dataset, order, best.metadata.state_mode())?;
        let Evaluation { labels, mixture: evaluation, .. } = evaluation;
        let mut evaluation = evaluation.expect("the mixture was evaluated");
        let context_len = match best.metadata.state_mode() {
            StateMode::Carry => dataset.valid_context_len(),
            StateMode::Window => dataset.context_len(),
        };
        if let Some(held_out) = HeldOut::new(dataset, context_len) {
            spell_unknown_tokens(&mut evaluation, &held_out);
        }
        let sample = FinalSample::new(best, Some(&mixture), dataset, earlier)?;
        Ok(Self { mixture, evaluation, labels, sample })
    }

    /// The model with the mixture as an additional file.
    pub fn add_to(&self, best: &LmBundle) -> LmBundle {
        let mut with_counts = best.clone();
        with_counts.extra_files.insert(NGRAM_COUNTS.into(), self.mixture.to_bytes());
        with_counts
    }

    /// The findings, with the overlap of the sample and of held-out text of the same length with the training text.
    pub fn report(&self, [copied, copied_by_held_out_text]: [Overlap; 2]) -> MixtureReport {
        let FinalSample { copied_words, novelty, .. } = &self.sample;
        let (copied_words, novelty) = (copied_words.clone(), *novelty);
        MixtureReport { evaluation: self.evaluation.clone(), copied, copied_by_held_out_text, copied_words, novelty }
    }
}

impl MixtureReport {
    /// The losses beside those of the network, in one sentence.
    pub fn losses(&self) -> String {
        let MixtureEvaluation { order, network, ngrams, mixture, .. } = &self.evaluation;
        format!(
            "The mixture of the network with {order}-grams of its training text has a validation loss of {}; the \
             network alone has {} and the {order}-grams alone {}. The weights of the mixture were fitted on this text.",
            loss_in_words(mixture.loss_nats_per_token, mixture.bits_per_byte),
            loss_in_words(network.loss_nats_per_token, network.bits_per_byte),
            loss_in_words(ngrams.loss_nats_per_token, ngrams.bits_per_byte)
        )
    }

    /// The findings, one sentence each: the losses, and how much of a sample is copied.
    pub fn sentences(&self) -> Vec<String> {
        let mut copies: Vec<String> = self.novelty.iter().map(DocumentNovelty::sentence).collect();
        copies.push(self.copied.sentence(&self.copied_by_held_out_text));
        copies.extend(self.copied_words.as_ref().map(CopiedWords::sentence));
        let copies = copies.iter().map(|sentence| format!("Text from the mixture: {sentence}"));
        std::iter::once(self.losses()).chain(copies).collect()
    }
}
