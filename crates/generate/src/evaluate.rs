//! Loss, perplexity and accuracy of a model on a text.

use models::{EvalMetrics, LmBundle, StateMode};
use seqdata::{DatasetInput, EvaluationText, Sequence};
use serde::Serialize;

use crate::error::{Error, Result};
use crate::generator::Generator;
use crate::mixture_evaluation::MixtureEvaluation;
use crate::target_bytes::TargetBytes;
use crate::target_loader::{EvaluationMode, LabelChoice, TargetLoader};

/// The metrics of a model on a text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// The context of each prediction, in words.
    pub protocol: String,
    /// The number of targets.
    pub tokens: usize,
    /// The mean of −ln p(target).
    pub loss_nats_per_token: f64,
    /// e to the power of the loss.
    pub perplexity: f64,
    /// The fraction of targets with the highest logit.
    pub accuracy: f64,
    /// The fraction of out-of-vocabulary tokens, including those without an id.
    #[serde(rename = "unknown_share")]
    pub unknown_fraction: f64,
    /// The loss in bits per UTF-8 byte of the decoded targets, comparable between word and character
    /// models. `None` if some tokens are unknown, because their number of bytes is not known.
    pub bits_per_byte: Option<f64>,
    /// The same for the documents of each label, if they were evaluated with their own labels: first those without label,
    /// then by the number of the label; without labels that no document has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<LabelEvaluation>,
    /// The same text by the model, by n-grams and by both: what [`Mixture::evaluate`](crate::Mixture::evaluate) found, if it
    /// was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mixture: Option<MixtureEvaluation>,
}

/// The metrics of a model on the documents of one label.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LabelEvaluation {
    /// The label; `None` for the documents without one.
    pub label: Option<String>,
    /// As in [`Evaluation`].
    pub tokens: usize,
    /// As in [`Evaluation`].
    pub loss_nats_per_token: f64,
    /// As in [`Evaluation`].
    pub perplexity: f64,
    /// As in [`Evaluation`].
    pub accuracy: f64,
    /// As in [`Evaluation`].
    pub bits_per_byte: Option<f64>,
}

impl Generator {
    /// Loss, perplexity and accuracy on `text`, with past tokens used as [`state_mode`](Self::state_mode) says;
    /// [`evaluate_input`] takes another mode, files of any size, and documents.
    ///
    /// # Errors
    /// [`Error::TooShort`] if `text` has no token after the first [`context_len`](Self::context_len),
    /// [`Error::NotFinite`] if the loss is not finite, or if the device fails.
    pub fn evaluate(&self, text: &str) -> Result<Evaluation> {
        self.evaluate_with_label(text, None)
    }

    /// The same for a text with this label.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate), or if the model does not have the label.
    pub fn evaluate_with_label(&self, text: &str, label: Option<&str>) -> Result<Evaluation> {
        let labels = label.map_or(LabelChoice::Own, LabelChoice::All);
        evaluate_input(self.bundle(), DatasetInput::whole_text(text), labels, self.state_mode())
    }
}

/// Evaluates a model on a running text or on documents. A model of documents reads a running text as one document; of every
/// document it predicts the end, too.
///
/// # Errors
/// If the text cannot be read, has documents although the model has none, or has no token after the first window, the model
/// does not have the label, the loss is not finite, or the device fails.
pub fn evaluate_input(
    bundle: &LmBundle,
    input: DatasetInput,
    labels: LabelChoice,
    state_mode: StateMode,
) -> Result<Evaluation> {
    let text = EvaluationText::read(input, &bundle.tokenizer, &bundle.metadata.config.labels)?;
    evaluate_sequence(bundle, &text.sequence, text.unmapped, labels, state_mode)
}

/// Evaluates a model on the ids of `sequence`, as they were encoded for it. In a running text, and by windows, the ids
/// of the first window are no targets, unless the mode says that every token is one. `unmapped` is the number of tokens of the
/// text without an id; they count as unknown. The mode may be a [`StateMode`].
///
/// # Errors
/// If there are no targets, every token is to be a target and the model has no token for line ends, the model does not have
/// the label, the loss is not finite, or the device fails.
pub fn evaluate_sequence(
    bundle: &LmBundle,
    sequence: &Sequence,
    unmapped: usize,
    labels: LabelChoice,
    mode: impl Into<EvaluationMode>,
) -> Result<Evaluation> {
    let TargetLoader { loader, protocol, sequence, context_len, label } =
        TargetLoader::new(bundle, sequence, labels, mode.into())?;
    let config = &bundle.metadata.config;
    let by_own_labels = label.is_none() && sequence.has_labels() && !config.labels.is_empty();
    let by_label = match label {
        None if by_own_labels => models::evaluate_by_label(&bundle.model, &loader)?,
        None => vec![models::evaluate(&bundle.model, &loader)?],
        Some(label) => vec![models::evaluate_with_label(&bundle.model, &loader, label)?],
    };
    let metrics = by_label.iter().fold(EvalMetrics::default(), |sum, metrics| sum.plus(metrics));
    if !metrics.nats_per_token().is_finite() {
        return Err(Error::NotFinite);
    }
    let bytes = TargetBytes::count(&bundle.tokenizer, &sequence, context_len, by_own_labels);
    let label_name = |number: usize| number.checked_sub(1).map(|index| config.labels[index].clone());
    let of_label = |(number, metrics): (usize, &EvalMetrics)| LabelEvaluation {
        label: label_name(number),
        tokens: metrics.tokens,
        loss_nats_per_token: metrics.nats_per_token(),
        perplexity: metrics.perplexity(),
        accuracy: metrics.accuracy(),
        bits_per_byte: bytes.bits_per_byte(number, metrics.nats_per_token(), metrics.tokens).filter(|_| unmapped == 0),
    };
    let labels = by_label.iter().enumerate().filter(|(_, metrics)| by_own_labels && metrics.tokens > 0);
    Ok(Evaluation {
        protocol,
        tokens: metrics.tokens,
        loss_nats_per_token: metrics.nats_per_token(),
        perplexity: metrics.perplexity(),
        accuracy: metrics.accuracy(),
        unknown_fraction: (bytes.unknown() + unmapped) as f64 / (metrics.tokens + unmapped) as f64,
        bits_per_byte: bytes.total_bits_per_byte(metrics.nats_per_token(), metrics.tokens).filter(|_| unmapped == 0),
        labels: labels.map(of_label).collect(),
        mixture: None,
    })
}
