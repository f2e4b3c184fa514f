//! The losses of a model, of n-grams and of their mixture on the same text.

use eval::TargetProbabilities;
use models::{LmBundle, mean_loss};
use seqdata::Sequence;
use serde::Serialize;
use text_prep::{counted, thousands};

use crate::error::Result;
use crate::evaluate::{EvaluationMode, LabelChoice};
use crate::evaluation_plan::EvaluationPlan;
use crate::mixture::Mixture;
use crate::target_bytes::TargetBytes;

/// The losses of a model, of n-grams and of their mixture on the same targets.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MixtureEvaluation {
    /// What is mixed, in words.
    pub protocol: String,
    /// The length of the longest n-grams in tokens.
    pub order: usize,
    /// The mean weight of the model.
    pub network_weight: f64,
    /// The model alone.
    pub network: Losses,
    /// The n-grams alone.
    pub ngrams: Losses,
    /// Both.
    pub mixture: Losses,
}

/// A loss on a text.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Losses {
    /// The mean of −ln p(target).
    pub loss_nats_per_token: f64,
    /// e to the power of the loss.
    pub perplexity: f64,
    /// The loss in bits per UTF-8 byte of the decoded targets; `None` if some tokens are unknown.
    pub bits_per_byte: Option<f64>,
}

impl Mixture {
    /// Evaluates the model of `bundle`, the n-grams and the mixture on `sequence`, as
    /// [`evaluate_sequence`](crate::evaluate_sequence) evaluates the model. `unmapped` is the number of tokens of the text
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
    ) -> Result<MixtureEvaluation> {
        let plan = EvaluationPlan::new(bundle, sequence, unmapped, labels, mode)?;
        let targets = self.targets(&plan)?;
        let bytes = TargetBytes::count(&bundle.tokenizer, plan.sequence(), plan.context_len(), false);
        let losses = |probability: &dyn Fn(&TargetProbabilities) -> f64| {
            let nats: f64 = targets.iter().map(|target| -probability(target).ln()).sum();
            let loss = mean_loss(nats, targets.len());
            let bits_per_byte = bytes.total_bits_per_byte(loss, targets.len()).filter(|_| unmapped == 0);
            Losses { loss_nats_per_token: loss, perplexity: loss.exp(), bits_per_byte }
        };
        let weights: f64 = targets.iter().map(|target| self.weight_of(target)).sum();
        Ok(MixtureEvaluation {
            protocol: self.protocol(),
            order: self.ngrams().order(),
            network_weight: weights / targets.len() as f64,
            network: losses(&|target| target.first),
            ngrams: losses(&|target| target.second),
            mixture: losses(&|target| target.mixture(self.weight_of(target))),
        })
    }

    /// What is mixed, in words.
    pub fn protocol(&self) -> String {
        let order = counted(self.ngrams().order(), "token");
        format!(
            "mixture: the network with {} of up to {order} of its training text (Kneser–Ney), which know no labels; the \
             weight depends on how often the suffix of the context occurs there and was fitted on the validation text",
            thousands(self.ngrams().len()) + " n-grams"
        )
    }
}
