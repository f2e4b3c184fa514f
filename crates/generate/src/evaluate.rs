//! Loss, perplexity and accuracy of a model on a text.

use models::{LmBundle, StateMode};
use seqdata::{DatasetInput, EvaluationText, Sequence, Streams};
use serde::Serialize;
use text_prep::counted;

use crate::error::Result;
use crate::evaluation_plan::EvaluationPlan;
use crate::generator::Generator;
use crate::mixture_evaluation::MixtureEvaluation;

/// Which labels the documents of a text have while a model is evaluated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LabelChoice<'a> {
    /// Each its own.
    #[default]
    Own,
    /// None.
    Without,
    /// All the same one.
    All(&'a str),
}

/// How a running text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EvaluationMode {
    /// As one stream.
    Exact(StateMode),
    /// A long one as parallel streams, as for validation in training: much faster, with nearly the same loss. The protocol
    /// says how many.
    InParallel(StateMode),
    /// As one stream with carried state that begins with a line end, so that every token is a target, as results on
    /// benchmarks are given (Mikolov et al. 2010).
    EveryToken,
}

impl From<StateMode> for EvaluationMode {
    fn from(state_mode: StateMode) -> Self {
        Self::Exact(state_mode)
    }
}

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
    /// [`TooShort`](crate::Error::TooShort) if `text` has no token after the first [`context_len`](Self::context_len),
    /// [`NotFinite`](crate::Error::NotFinite) if the loss is not finite, or if the device fails.
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
    let plan = EvaluationPlan::new(bundle, sequence, unmapped, labels, mode)?;
    let (model, batches) = (&bundle.model, plan.loader());
    let by_label = match plan.label() {
        None if plan.by_own_labels() => models::evaluate_by_label(model, batches)?,
        None => vec![models::evaluate(model, batches)?],
        Some(label) => vec![models::evaluate_with_label(model, batches, label)?],
    };
    plan.evaluation(&by_label)
}

/// What the predictions by windows of `window` ids are made from, in words.
pub fn window_protocol(window: usize) -> String {
    format!("window: each token from the {window} before it")
}

/// What the predictions by `streams` are made from, in words. In a running text, the first `window` ids are no targets.
pub fn carried_protocol(streams: &Streams, window: usize, has_documents: bool) -> String {
    let targets = if has_documents {
        "each token is predicted from the tokens of its document before it".to_owned()
    } else {
        format!("each token after the first {window} is predicted from the tokens before it")
    };
    let (count, warm_up) = (streams.count(), streams.warm_up());
    let parallel = if streams.is_exact() {
        String::new()
    } else {
        format!("; {count} parallel streams, each after a warm-up of {}", counted(warm_up, "token"))
    };
    format!("carried state: {targets}{parallel}")
}
