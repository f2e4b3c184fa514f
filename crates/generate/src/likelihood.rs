//! The likelihood of a text while it is sampled.

use kernels::inference::softmax_weights;

/// The log-probability of the tokens of a text under the model, whatever they were sampled from.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogLikelihood {
    /// Their sum, in nats.
    sum: f64,
    tokens: usize,
}

impl LogLikelihood {
    /// Adds the next token, an id for which these are the logits. They are finite or −∞.
    pub fn add(&mut self, logits: &[f32], id: u32) {
        self.sum += log_prob(logits, id);
        self.tokens += 1;
    }

    /// The mean; `None` without tokens.
    pub fn per_token(&self) -> Option<f64> {
        (self.tokens > 0).then(|| self.sum / self.tokens as f64)
    }
}

/// ln softmax(`logits`) of one token in f64.
fn log_prob(logits: &[f32], id: u32) -> f64 {
    let mut weights: Vec<f64> = logits.iter().map(|&logit| logit.into()).collect();
    let sum = softmax_weights(&mut weights, 1.0);
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    f64::from(logits[id as usize]) - f64::from(largest) - sum.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likelihood_is_the_mean_of_the_log_probabilities() {
        let mut likelihood = LogLikelihood::default();
        assert_eq!(likelihood.per_token(), None);
        // Probabilities of 1/2, 1/4, 1/4 and 0, whatever is added to the logits.
        for (shift, id, nats) in [(0.0, 0, 0.5f64.ln()), (-50.0, 2, 0.25f64.ln()), (300.0, 1, 0.25f64.ln())] {
            let logits = [2f32.ln() + shift, shift, shift, f32::NEG_INFINITY];
            assert!((log_prob(&logits, id) - nats).abs() < 1e-4, "{shift}");
            likelihood.add(&logits, id);
        }
        assert!((likelihood.per_token().unwrap() - 5.0 / 3.0 * 0.5f64.ln()).abs() < 1e-4);
    }
}
