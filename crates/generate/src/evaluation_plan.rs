//! What is read for an evaluation, and from its losses to the metrics of the text.

use burn::data::dataloader::DataLoader;
use models::{EvalMetrics, LmBundle, StateMode};
use seqdata::{Batch, Loader, Order, Sequence, Streams, Windows};

use crate::error::{Error, Result};
use crate::evaluate::{Evaluation, EvaluationMode, LabelChoice, LabelEvaluation, carried_protocol, window_protocol};
use crate::label::label_number;
use crate::target_bytes::TargetBytes;

/// Windows per batch.
const BATCH_SIZE: usize = 64;

/// What the predictions of [`EvaluationMode::EveryToken`] are made from, in words.
const EVERY_TOKEN: &str = "carried state: each token is predicted from the tokens before it, the first from a line end";

/// The evaluation of a model on a text before its losses are computed: the batches to read, in the order of the text.
pub struct EvaluationPlan<'a> {
    bundle: &'a LmBundle,
    /// The ids that are read: those of the text, after a line end if every token is a target.
    sequence: Sequence,
    unmapped: usize,
    /// The label number of all documents.
    label: Option<u32>,
    context_len: usize,
    loader: Loader,
    protocol: String,
}

impl<'a> EvaluationPlan<'a> {
    /// The evaluation of [`evaluate_sequence`](crate::evaluate_sequence), which has these arguments.
    ///
    /// # Errors
    /// If there are no targets, every token is to be a target and the model has no token for line ends, or the model does not
    /// have the label.
    pub fn new(
        bundle: &'a LmBundle,
        sequence: &Sequence,
        unmapped: usize,
        labels: LabelChoice,
        mode: impl Into<EvaluationMode>,
    ) -> Result<Self> {
        let mode = mode.into();
        // Documents are evaluated as in training; their states do not depend on what comes before them.
        let streams = |sequence: &Sequence, context_len, by_document| {
            let is_parallel = by_document || matches!(mode, EvaluationMode::InParallel(_));
            let count = if is_parallel { Streams::evaluation_count(sequence, context_len) } else { 1 };
            Ok(Streams::parallel_evaluation(sequence.clone(), context_len, count)?)
        };
        Self::with_batches(bundle, sequence, unmapped, labels, mode, BATCH_SIZE, streams)
    }

    /// The same evaluation in the order of the text: a single stream, or the windows one after another, in batches of
    /// `chunk_len` targets.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    ///
    /// # Panics
    /// If `chunk_len` is zero.
    pub fn in_order(
        bundle: &'a LmBundle,
        sequence: &Sequence,
        unmapped: usize,
        labels: LabelChoice,
        mode: impl Into<EvaluationMode>,
        chunk_len: usize,
    ) -> Result<Self> {
        Self::with_batches(bundle, sequence, unmapped, labels, mode.into(), chunk_len, |sequence, context_len, _| {
            Ok(Streams::evaluation(sequence.clone(), context_len).in_chunks(chunk_len))
        })
    }

    fn with_batches(
        bundle: &'a LmBundle,
        sequence: &Sequence,
        unmapped: usize,
        labels: LabelChoice,
        mode: EvaluationMode,
        batch_size: usize,
        streams: impl FnOnce(&Sequence, usize, bool) -> Result<Streams>,
    ) -> Result<Self> {
        let state_mode = match mode {
            EvaluationMode::Exact(state_mode) | EvaluationMode::InParallel(state_mode) => state_mode,
            EvaluationMode::EveryToken => StateMode::Carry,
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
                (Loader::windows(windows, batch_size, Order::Sequential, device), window_protocol(window))
            }
            StateMode::Carry => {
                let streams = streams(&sequence, context_len, by_document)?;
                let protocol =
                    if every_token { EVERY_TOKEN.to_owned() } else { carried_protocol(&streams, window, by_document) };
                (Loader::streams(streams, device), protocol)
            }
        };
        Ok(Self { bundle, sequence, unmapped, label, context_len, loader, protocol })
    }

    /// The ids that are read: those of the text, after a line end if every token is a target.
    pub fn sequence(&self) -> &Sequence {
        &self.sequence
    }

    /// The ids before the first target.
    pub fn context_len(&self) -> usize {
        self.context_len
    }

    /// The model with its tokenizer.
    pub fn bundle(&self) -> &LmBundle {
        self.bundle
    }

    /// The batches to evaluate.
    pub fn loader(&self) -> &Loader {
        &self.loader
    }

    /// The same batches, one after another.
    pub fn batches(&self) -> impl Iterator<Item = Batch> {
        DataLoader::iter(&self.loader).map(|batch| batch.expect("ids are in memory"))
    }

    /// The label number that all documents get; `None` if each has its own.
    pub fn label(&self) -> Option<u32> {
        self.label
    }

    /// Whether the documents have their own labels, and the model has labels.
    pub fn by_own_labels(&self) -> bool {
        self.label.is_none() && self.sequence.has_labels() && !self.bundle.metadata.config.labels.is_empty()
    }

    /// The evaluation with these sums over the targets of each label number.
    ///
    /// # Errors
    /// If the loss is not finite.
    pub fn evaluation(&self, by_label: &[EvalMetrics]) -> Result<Evaluation> {
        self.evaluation_of(by_label, &self.target_bytes())
    }

    /// The bytes of the targets, by their own labels if the evaluation is.
    pub(crate) fn target_bytes(&self) -> TargetBytes {
        TargetBytes::count(&self.bundle.tokenizer, &self.sequence, self.context_len, self.by_own_labels())
    }

    /// As [`evaluation`](Self::evaluation), with the [bytes of the targets](Self::target_bytes).
    ///
    /// # Errors
    /// As [`evaluation`](Self::evaluation).
    pub(crate) fn evaluation_of(&self, by_label: &[EvalMetrics], bytes: &TargetBytes) -> Result<Evaluation> {
        let Self { bundle, unmapped, .. } = *self;
        let (config, by_own_labels) = (&bundle.metadata.config, self.by_own_labels());
        let metrics = by_label.iter().fold(EvalMetrics::default(), |sum, metrics| sum.plus(metrics));
        if !metrics.nats_per_token().is_finite() {
            return Err(Error::NotFinite);
        }
        let label_name = |number: usize| number.checked_sub(1).map(|index| config.labels[index].clone());
        let of_label = |(number, metrics): (usize, &EvalMetrics)| LabelEvaluation {
            label: label_name(number),
            tokens: metrics.tokens,
            loss_nats_per_token: metrics.nats_per_token(),
            perplexity: metrics.perplexity(),
            accuracy: metrics.accuracy(),
            bits_per_byte: bytes
                .bits_per_byte(number, metrics.nats_per_token(), metrics.tokens)
                .filter(|_| unmapped == 0),
        };
        let labels = by_label.iter().enumerate().filter(|(_, metrics)| by_own_labels && metrics.tokens > 0);
        Ok(Evaluation {
            protocol: self.protocol.clone(),
            tokens: metrics.tokens,
            loss_nats_per_token: metrics.nats_per_token(),
            perplexity: metrics.perplexity(),
            accuracy: metrics.accuracy(),
            unknown_fraction: (bytes.unknown() + unmapped) as f64 / (metrics.tokens + unmapped) as f64,
            bits_per_byte: bytes
                .total_bits_per_byte(metrics.nats_per_token(), metrics.tokens)
                .filter(|_| unmapped == 0),
            labels: labels.map(of_label).collect(),
            mixture: None,
        })
    }
}
