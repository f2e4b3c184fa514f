//! The likelihood of a text while it is sampled.

use kernels::inference::log_sum_exp;

/// The log-probabilities of the tokens of a text under the model, whatever they were sampled from.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogLikelihood {
    /// In nats.
    log_probs: Vec<f64>,
}

impl LogLikelihood {
    /// Adds the next token, an id for which these are the logits. They are finite or −∞.
    pub fn add(&mut self, logits: &[f32], id: u32) {
        self.log_probs.push(f64::from(logits[id as usize]) - log_sum_exp(logits));
    }

    /// One for each token.
    pub fn log_probs(&self) -> &[f64] {
        &self.log_probs
    }

    /// The mean; `None` without tokens.
    pub fn per_token(&self) -> Option<f64> {
        let tokens = self.log_probs.len();
        (tokens > 0).then(|| self.log_probs.iter().sum::<f64>() / tokens as f64)
    }
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
            let mut alone = LogLikelihood::default();
            alone.add(&logits, id);
            assert!((alone.per_token().unwrap() - nats).abs() < 1e-4, "{shift}");
            likelihood.add(&logits, id);
            assert_eq!(likelihood.log_probs().last().copied(), alone.per_token());
        }
        assert!((likelihood.per_token().unwrap() - 5.0 / 3.0 * 0.5f64.ln()).abs() < 1e-4);
    }
}
