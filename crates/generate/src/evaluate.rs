//! Loss, perplexity and accuracy of a model on a text.

use std::sync::Arc;

use models::{EvalMetrics, LmBundle, StateMode};
use seqdata::{IdsWriter, Loader, Order, Sequence, Streams, Windows};
use serde::Serialize;
use text_prep::{TextSource, Tokenizer};

use crate::error::{Error, Result};
use crate::generator::Generator;
use crate::label::label_number;

/// Windows per batch.
const BATCH_SIZE: usize = 64;

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
}

impl Generator {
    /// Loss, perplexity and accuracy on `text`, with past tokens used as [`state_mode`](Self::state_mode) says;
    /// [`evaluate_text`] takes another mode, and files of any size.
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
        let mut text = text;
        evaluate_text(self.bundle(), &mut text, label, self.state_mode())
    }
}

/// Evaluates a model on a text, which has the label `label` if one is given. A model of documents reads the text as one
/// document and predicts its end, too.
///
/// # Errors
/// If the text cannot be read or has no token after the first window, the model does not have the label, the loss is not
/// finite, or the device fails.
pub fn evaluate_text(
    bundle: &LmBundle,
    text: &mut dyn TextSource,
    label: Option<&str>,
    state_mode: StateMode,
) -> Result<Evaluation> {
    let document = bundle.metadata.config.document_id;
    let mut ids = IdsWriter::default();
    document.into_iter().for_each(|id| ids.push(id));
    let counts = bundle.tokenizer.encode_stream(text, |id| ids.push(id))?;
    document.into_iter().for_each(|id| ids.push(id));
    let ids = ids.finish()?;
    let count = ids.len();
    let unmapped = (counts.dropped + counts.unmapped) as usize;
    evaluate_ids(bundle, Sequence::new(Arc::new(ids), 0..count), unmapped, label, state_mode)
}

/// Evaluates a model on the ids of a sequence, whose first window has no targets; with carried state, a model of documents
/// is evaluated from the first token on. Documents have the labels of the sequence, or all of them `label`, if it is given.
/// `unmapped` is the number of tokens of the text without an id; they count as unknown.
///
/// # Errors
/// If there is no id after the first window, the model does not have the label, the loss is not finite, or the device
/// fails.
pub fn evaluate_ids(
    bundle: &LmBundle,
    sequence: Sequence,
    unmapped: usize,
    label: Option<&str>,
    state_mode: StateMode,
) -> Result<Evaluation> {
    let label = label.map(|label| label_number(&bundle.metadata.config, Some(label))).transpose()?;
    let has_documents = bundle.metadata.config.document_id.is_some();
    let context_len = match state_mode {
        StateMode::Carry if has_documents => 1,
        StateMode::Carry | StateMode::Window => bundle.metadata.window,
    };
    if sequence.len() <= context_len {
        let (tokens, needed) = (sequence.len(), context_len + 1);
        return Err(Error::TooShort { tokens, needed, context_len });
    }
    let device = bundle.model.device();
    let ids: Vec<u32> = sequence.ids(0..sequence.len()).collect();
    let (protocol, loader) = match state_mode {
        StateMode::Window => {
            let windows = Windows::over(sequence, context_len, 1);
            let protocol = format!("window: each token from the {context_len} before it");
            (protocol, Loader::windows(windows, BATCH_SIZE, Order::Sequential, device))
        }
        StateMode::Carry => {
            let stream = Streams::for_evaluation_of(sequence, context_len);
            let protocol = if has_documents {
                "each token of a document, and its end, is predicted from the tokens before it".to_owned()
            } else {
                format!("each token after the first {context_len} is predicted from the tokens before it")
            };
            (format!("carried state: {protocol}"), Loader::streams(stream, device))
        }
    };
    let metrics = match label {
        None => models::evaluate(&bundle.model, &loader),
        Some(label) => models::evaluate_with_label(&bundle.model, &loader, label),
    }?;
    if !metrics.nats_per_token().is_finite() {
        return Err(Error::NotFinite);
    }
    Ok(evaluation(bundle, protocol, metrics, &ids, context_len, unmapped))
}

/// The loss in bits per UTF-8 byte of a text whose ids after the first `context_len` have a mean loss of
/// `nats_per_token`: comparable between word and character models. `None` if some targets are
/// unknown, because their number of bytes is not known.
pub fn bits_per_byte(tokenizer: &Tokenizer, ids: &[u32], context_len: usize, nats_per_token: f64) -> Option<f64> {
    let (context, targets) = ids.split_at(context_len);
    let unknown = tokenizer.vocabulary.unknown_id();
    let bytes = tokenizer.decoded_len(ids).saturating_sub(tokenizer.decoded_len(context));
    let bits = nats_per_token * targets.len() as f64 / std::f64::consts::LN_2;
    let known = targets.iter().all(|&id| Some(id) != unknown);
    (known && bytes > 0).then(|| bits / bytes as f64)
}

fn evaluation(
    bundle: &LmBundle,
    protocol: String,
    metrics: EvalMetrics,
    ids: &[u32],
    context_len: usize,
    unmapped: usize,
) -> Evaluation {
    let targets = &ids[context_len..];
    let unknown = bundle.tokenizer.vocabulary.unknown_id();
    let unknown = targets.iter().filter(|&&id| Some(id) == unknown).count() + unmapped;
    let bits = bits_per_byte(&bundle.tokenizer, ids, context_len, metrics.nats_per_token());
    Evaluation {
        protocol,
        tokens: metrics.tokens,
        loss_nats_per_token: metrics.nats_per_token(),
        perplexity: metrics.perplexity(),
        accuracy: metrics.accuracy(),
        unknown_fraction: unknown as f64 / (targets.len() + unmapped) as f64,
        bits_per_byte: bits.filter(|_| unmapped == 0),
    }
}
