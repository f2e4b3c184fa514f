//! The likelihood of a text while it is sampled.

use kernels::inference::log_sum_exp;

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
        self.sum += f64::from(logits[id as usize]) - log_sum_exp(logits);
        self.tokens += 1;
    }

    /// The mean; `None` without tokens.
    pub fn per_token(&self) -> Option<f64> {
        (self.tokens > 0).then(|| self.sum / self.tokens as f64)
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
        }
        assert!((likelihood.per_token().unwrap() - 5.0 / 3.0 * 0.5f64.ln()).abs() < 1e-4);
    }
}
