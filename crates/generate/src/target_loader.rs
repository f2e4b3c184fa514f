//! How a text is read for an evaluation: its labels, its targets in batches, and their context in words.

use models::{LmBundle, StateMode};
use seqdata::{Loader, Order, Sequence, Streams, Windows};
use text_prep::counted;

use crate::error::{Error, Result};
use crate::label::label_number;

/// Windows per batch.
const BATCH_SIZE: usize = 64;

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

/// What the predictions of [`EvaluationMode::EveryToken`] are made from, in words.
const EVERY_TOKEN: &str = "carried state: each token is predicted from the tokens before it, the first from a line end";

impl From<StateMode> for EvaluationMode {
    fn from(state_mode: StateMode) -> Self {
        Self::Exact(state_mode)
    }
}

/// How the targets of a text are read.
pub(crate) struct TargetLoader {
    /// Their batches.
    pub loader: Loader,
    /// The context of each prediction, in words.
    pub protocol: String,
    /// The ids that are read: those of the text, after a line end if every token is a target.
    pub sequence: Sequence,
    /// The ids before the first target.
    pub context_len: usize,
    /// The number of the label that all documents have, if it is not their own.
    pub label: Option<u32>,
}

impl TargetLoader {
    /// The targets of `sequence` for the model of `bundle`.
    ///
    /// # Errors
    /// If there are no targets, every token is to be a target and the model has no token for line ends, or the model does not
    /// have the label.
    pub fn new(bundle: &LmBundle, sequence: &Sequence, labels: LabelChoice, mode: EvaluationMode) -> Result<Self> {
        let (state_mode, in_parallel) = match mode {
            EvaluationMode::Exact(state_mode) => (state_mode, false),
            EvaluationMode::InParallel(state_mode) => (state_mode, true),
            EvaluationMode::EveryToken => (StateMode::Carry, false),
        };
        let config = &bundle.metadata.config;
        let label = match labels {
            LabelChoice::Own => None,
            LabelChoice::Without => Some(0),
            LabelChoice::All(label) => Some(label_number(config, Some(label))?),
        };
        let (window, device) = (bundle.metadata.window, bundle.model.device());
        // A document starts with its token and needs nothing before it.
        let by_document = config.document_id.is_some() && state_mode == StateMode::Carry;
        let every_token = mode == EvaluationMode::EveryToken && !by_document;
        let sequence = if every_token {
            sequence.after(bundle.tokenizer.line_end_id().ok_or(Error::NoLineEnd)?)?
        } else {
            sequence.clone()
        };
        let context_len = if by_document || every_token { 1 } else { window };
        if sequence.len() <= context_len {
            let (tokens, needed) = (sequence.len(), context_len + 1);
            return Err(Error::TooShort { tokens, needed, context_len });
        }
        let (loader, protocol) = match state_mode {
            StateMode::Window => {
                let windows = Windows::over(sequence.clone(), window, 1);
                (Loader::windows(windows, BATCH_SIZE, Order::Sequential, device), window_protocol(window))
            }
            StateMode::Carry => {
                // Documents are evaluated as in training; their states do not depend on what comes before them.
                let count =
                    if by_document || in_parallel { Streams::evaluation_count(&sequence, context_len) } else { 1 };
                let streams = Streams::parallel_evaluation(sequence.clone(), context_len, count)?;
                let protocol =
                    if every_token { EVERY_TOKEN.to_owned() } else { carried_protocol(&streams, window, by_document) };
                (Loader::streams(streams, device), protocol)
            }
        };
        Ok(Self { loader, protocol, sequence, context_len, label })
    }
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
