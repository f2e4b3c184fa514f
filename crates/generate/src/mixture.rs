//! The mixture of a model with the n-grams of its training text.

use std::ops::RangeInclusive;

use eval::{BestOrder, KneserNey, SeenContext, TargetProbabilities, fit_weights};
use kernels::inference::log_softmax;
use models::bundle::NGRAM_COUNTS;
use models::{EvalMetrics, LmBundle};
use seqdata::Sequence;

use crate::error::{Error, Result};
use crate::evaluate::{Evaluation, EvaluationMode, LabelChoice};
use crate::evaluation_plan::EvaluationPlan;
use crate::mixture_evaluation::TargetSums;

/// The orders among which the best one is.
const ORDERS: RangeInclusive<usize> = 2..=8;
/// Contexts that occur 1, 2 to 3, 4 to 7, … and 128 times or more.
const COUNT_CLASSES: usize = 8;

/// The length of the longest n-grams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NgramOrder {
    /// The one from 2 to 8 with which n-grams alone have the lowest loss on the held-out text.
    Best,
    /// This number of tokens.
    Tokens(usize),
}

/// The mixture λ p + (1 − λ) q of the probabilities p of a model with those, q, of a Kneser–Ney model of the tokens of its
/// training text. The weight λ depends on the longest suffix of the context that was seen in the training text: on its length
/// and on its count, by powers of two. N-grams know no labels.
///
/// ```
/// # use models::{LanguageModelConfig, LayerConfig, LmBundle, LmMetadata};
/// # use text_prep::{Cleaner, OovPolicy, PreTokenizer, Tokenizer, Vocabulary, WordOptions};
/// # let tokenizer = Tokenizer {
/// #     cleaner: Cleaner::preset("prose")?,
/// #     pre_tokenizer: PreTokenizer::Words(WordOptions::default()),
/// #     vocabulary: Vocabulary::from_counts([("the", 3), ("fox", 2), ("crow", 2), (".", 1)], 1, true),
/// #     document_separator: None,
/// #     oov: OovPolicy::Unknown,
/// # };
/// # let config = LanguageModelConfig::new(tokenizer.vocabulary.len(), 4, vec![LayerConfig::lstm(4)]);
/// # let model = config.init(1, &kernels::default_device())?;
/// # let bundle = LmBundle::new(model, tokenizer, LmMetadata::new(config, 3, 1, String::new()));
/// use generate::{Generator, Mixture, NgramOrder, Sampling};
/// use seqdata::{NewTokens, Part, TextDataset};
///
/// # let tokenizer = bundle.tokenizer.clone();
/// let text = "the fox . the crow . the fox . the crow and the fox . ".repeat(5);
/// let dataset = TextDataset::from_text(text).tokenizer(&tokenizer, NewTokens::Unk).context_len(3).build()?;
/// let training = dataset.ids.slice(dataset.split.train.clone());
/// let mode = bundle.metadata.state_mode();
/// let mixture = Mixture::fit(&bundle, &training, &dataset.sequence(Part::Valid), NgramOrder::Best, mode)?;
/// let generator = Generator::new(bundle).with_mixture(mixture);
/// let text = generator.generate("the fox", &Sampling::default())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Mixture {
    ngrams: KneserNey,
    /// λ of each class of contexts.
    weights: Vec<f64>,
}

impl Mixture {
    /// Counts the n-grams of the ids `training`, and fits the weights by expectation maximization on the text `held_out`, on
    /// which the best order is chosen, too. The model of `bundle` reads it as `mode` says, documents with their own labels.
    ///
    /// # Errors
    /// If `held_out` has no targets, the losses are not finite, or the device fails.
    ///
    /// # Panics
    /// If the order is 0 or above 254, an id is not one of the model's, or there are 2³² − 1 ids or more.
    pub fn fit(
        bundle: &LmBundle,
        training: &[u32],
        held_out: &Sequence,
        order: NgramOrder,
        mode: impl Into<EvaluationMode>,
    ) -> Result<Self> {
        Ok(Self::fit_and_evaluate(bundle, training, held_out, 0, order, mode)?.0)
    }

    /// As [`fit`](Self::fit), with the evaluation of the text `held_out`, which the model reads once for both. `unmapped` is
    /// the number of its tokens without an id.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    ///
    /// # Panics
    /// As [`fit`](Self::fit).
    pub fn fit_and_evaluate(
        bundle: &LmBundle,
        training: &[u32],
        held_out: &Sequence,
        unmapped: usize,
        order: NgramOrder,
        mode: impl Into<EvaluationMode>,
    ) -> Result<(Self, Evaluation)> {
        let vocabulary = &bundle.tokenizer.vocabulary;
        let (size, document) = (vocabulary.len(), vocabulary.document_id());
        let plan = EvaluationPlan::new(bundle, held_out, unmapped, LabelChoice::Own, mode)?;
        let order = match order {
            NgramOrder::Tokens(order) => order,
            NgramOrder::Best => {
                let ids: Vec<u32> = plan.sequence().ids(0..plan.sequence().len()).collect();
                BestOrder::find(training, &ids, plan.context_len()..ids.len(), ORDERS, size, document).order
            }
        };
        let ngrams = KneserNey::fit(training, order, size, document);
        let classes = order * COUNT_CLASSES;
        let mixture = Self { ngrams, weights: vec![0.5; classes] };
        let mut targets = Vec::new();
        let by_label = mixture.each_target(&plan, |target| targets.push(target))?;
        // Before the weights, which need losses that are finite.
        let bytes = plan.target_bytes();
        let network = plan.evaluation_of(&by_label, &bytes)?;
        let mixture = Self { weights: fit_weights(&targets, classes), ..mixture };
        let mut sums = TargetSums::default();
        targets.iter().for_each(|target| sums.add(target, mixture.weights[target.class]));
        let evaluation = mixture.evaluation(&network, &bytes, &sums);
        Ok((mixture, Evaluation { mixture: Some(evaluation), ..network }))
    }

    /// Evaluates the model of `bundle` on `sequence`, as [`evaluate_sequence`](crate::evaluate_sequence) does, and the n-grams
    /// and the mixture on the same targets. The model reads the text once. `unmapped` is the number of tokens of the text
    /// without an id.
    ///
    /// # Errors
    /// As [`evaluate_sequence`](crate::evaluate_sequence).
    pub fn evaluate(
        &self,
        bundle: &LmBundle,
        sequence: &Sequence,
        unmapped: usize,
        labels: LabelChoice,
        mode: impl Into<EvaluationMode>,
    ) -> Result<Evaluation> {
        let plan = EvaluationPlan::new(bundle, sequence, unmapped, labels, mode)?;
        let mut sums = TargetSums::default();
        let by_label = self.each_target(&plan, |target| sums.add(&target, self.weights[target.class]))?;
        let bytes = plan.target_bytes();
        let network = plan.evaluation_of(&by_label, &bytes)?;
        let evaluation = self.evaluation(&network, &bytes, &sums);
        Ok(Evaluation { mixture: Some(evaluation), ..network })
    }

    /// The mixture that is saved with the model of `bundle`; `None` if there is none.
    ///
    /// # Errors
    /// [`Error::InvalidNgrams`] if its file is invalid.
    pub fn of(bundle: &LmBundle) -> Result<Option<Self>> {
        let Some(bytes) = bundle.extra_files.get(NGRAM_COUNTS) else { return Ok(None) };
        let mixture = Self::from_bytes(bytes).filter(|Self { ngrams, .. }| {
            let vocabulary = &bundle.tokenizer.vocabulary;
            (ngrams.vocab_size(), ngrams.document()) == (vocabulary.len(), vocabulary.document_id())
        });
        mixture.map(Some).ok_or(Error::InvalidNgrams)
    }

    /// The contents of its file, [`NGRAM_COUNTS`]: the number of weights in 2 bytes and each weight in 8, in little-endian order,
    /// and [the n-grams](KneserNey::to_bytes).
    pub fn to_bytes(&self) -> Vec<u8> {
        let number = (self.weights.len() as u16).to_le_bytes();
        let weights = self.weights.iter().flat_map(|weight| weight.to_le_bytes());
        number.into_iter().chain(weights).chain(self.ngrams.to_bytes()).collect()
    }

    /// The mixture that [`to_bytes`](Self::to_bytes) wrote; `None` if the bytes are others.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (number, bytes) = bytes.split_first_chunk()?;
        let (weights, ngrams) = bytes.split_at_checked(8 * usize::from(u16::from_le_bytes(*number)))?;
        let weights: Vec<f64> = weights.as_chunks().0.iter().map(|&weight| f64::from_le_bytes(weight)).collect();
        let ngrams = KneserNey::from_bytes(ngrams)?;
        let is_valid = weights.len() == ngrams.order() * COUNT_CLASSES
            && weights.iter().all(|weight| (0.0..=1.0).contains(weight));
        is_valid.then_some(Self { ngrams, weights })
    }

    /// The n-grams.
    pub fn ngrams(&self) -> &KneserNey {
        &self.ngrams
    }

    /// λ after these ids.
    pub fn weight(&self, context: &[u32]) -> f64 {
        self.weights[self.class(context)]
    }

    /// The logarithms of the probabilities of the mixture after the ids `context`, where the model has these `logits`: the
    /// logits of the mixture. NaN if the logits are not finite.
    pub fn mix(&self, logits: &[f32], context: &[u32]) -> Vec<f32> {
        let weight = self.weight(context);
        let both = log_softmax(logits).into_iter().zip(self.ngrams.distribution(context));
        both.map(|(log_prob, ngrams)| (weight * log_prob.exp() + (1.0 - weight) * ngrams).ln() as f32).collect()
    }

    /// The probability of `target` after the ids `context`, where that of the model is `probability`.
    pub(crate) fn probability(&self, probability: f64, context: &[u32], target: u32) -> f64 {
        let weight = self.weight(context);
        weight * probability + (1.0 - weight) * self.ngrams.probability(context, target)
    }

    /// The class of contexts with a weight of their own.
    fn class(&self, context: &[u32]) -> usize {
        let SeenContext { length, count } = self.ngrams.seen_context(context);
        let by_count = count.checked_ilog2().map_or(0, |log| (log as usize).min(COUNT_CLASSES - 1));
        length * COUNT_CLASSES + by_count
    }

    /// Calls `each` with the probabilities of the model and of the n-grams for every target, and returns the sums of the model
    /// by label.
    fn each_target(
        &self,
        plan: &EvaluationPlan,
        mut each: impl FnMut(TargetProbabilities),
    ) -> Result<Vec<EvalMetrics>> {
        let add = |nats: f64, context: &[u32], target| {
            let (first, second) = ((-nats).exp(), self.ngrams.probability(context, target));
            each(TargetProbabilities { first, second, class: self.class(context) });
        };
        let context_len = self.ngrams.order() - 1;
        Ok(models::each_target(&plan.bundle().model, plan.loader(), plan.label(), context_len, add)?)
    }
}
