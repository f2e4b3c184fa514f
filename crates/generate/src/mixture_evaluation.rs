//! The losses of a model, of n-grams and of their mixture on the same text.

use eval::TargetProbabilities;
use models::mean_loss;
use serde::Serialize;
use text_prep::{counted, thousands};

use crate::evaluate::Evaluation;
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

/// Sums over the targets of an evaluation.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TargetSums {
    targets: usize,
    weights: f64,
    /// −ln p of the n-grams.
    ngrams: f64,
    /// −ln p of the mixture.
    mixture: f64,
}

impl TargetSums {
    /// Adds a target whose context has the weight `weight`.
    pub fn add(&mut self, target: &TargetProbabilities, weight: f64) {
        self.targets += 1;
        self.weights += weight;
        self.ngrams -= target.second.ln();
        self.mixture -= target.mixture(weight).ln();
    }
}

impl Mixture {
    /// The evaluation with these sums over targets with these bytes, on which the model has the metrics `network`.
    pub(crate) fn evaluation(&self, network: &Evaluation, bytes: &TargetBytes, sums: &TargetSums) -> MixtureEvaluation {
        let &Evaluation { loss_nats_per_token, perplexity, bits_per_byte, .. } = network;
        let losses = |nats: f64| {
            let loss = mean_loss(nats, sums.targets);
            // As for the model, they are not defined if tokens are unknown or left out.
            let bits = bits_per_byte.and_then(|_| bytes.total_bits_per_byte(loss, sums.targets));
            Losses { loss_nats_per_token: loss, perplexity: loss.exp(), bits_per_byte: bits }
        };
        MixtureEvaluation {
            protocol: self.protocol(),
            order: self.ngrams().order(),
            network_weight: sums.weights / sums.targets as f64,
            network: Losses { loss_nats_per_token, perplexity, bits_per_byte },
            ngrams: losses(sums.ngrams),
            mixture: losses(sums.mixture),
        }
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
