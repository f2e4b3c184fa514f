//! The next tokens that a text can have, and their probabilities.

use kernels::inference::log_softmax;

use crate::error::{Error, Result};
use crate::generator::Generator;
use crate::scores::likeliest;

/// A token that may come next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NextToken {
    /// The id.
    pub id: u32,
    /// Its probability among the tokens that a text can have there.
    pub probability: f64,
}

impl Generator {
    /// The log-probability of each next token after the ids `context`, where these are the logits, among the tokens that a text
    /// can have there; −∞ for the others: those that a model must not write, and the end of a document that is empty.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if a logit is NaN or +∞, or none is finite.
    pub fn next_log_probs(&self, logits: &[f32], context: &[u32]) -> Result<Vec<f64>> {
        let mut logits = logits.to_vec();
        let empty_document = self.document_id().filter(|document| context.last() == Some(document));
        for id in self.tokenizer().vocabulary.never_sampled().chain(empty_document) {
            logits[id as usize] = f32::NEG_INFINITY;
        }
        let log_probs = log_softmax(&logits);
        if log_probs.iter().any(|log_prob| log_prob.is_nan()) { Err(Error::NotFinite) } else { Ok(log_probs) }
    }
}

impl NextToken {
    /// The `count` likeliest tokens of those with these log-probabilities, the likeliest first; none that is impossible.
    pub fn likeliest(log_probs: &[f64], count: usize) -> Vec<Self> {
        let possible = likeliest(log_probs, count).into_iter().filter(|(_, log_prob)| *log_prob > f64::NEG_INFINITY);
        possible.map(|(id, log_prob)| Self { id, probability: log_prob.exp() }).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::test_model::{DOCUMENT, document_generator};

    use super::*;

    #[test]
    fn a_document_does_not_end_right_after_its_beginning() {
        let generator = document_generator();
        let logits = vec![0.0; generator.tokenizer().vocabulary.len()];
        let [empty, other] =
            [&[DOCUMENT][..], &[DOCUMENT, 3]].map(|context| generator.next_log_probs(&logits, context).unwrap());
        assert_eq!(empty[DOCUMENT as usize], f64::NEG_INFINITY);
        assert!(other[DOCUMENT as usize] > f64::NEG_INFINITY);
        for (log_probs, impossible) in [(empty, 2), (other, 1)] {
            let next = NextToken::likeliest(&log_probs, usize::MAX);
            assert_eq!(next.len(), logits.len() - impossible);
            assert!((next.iter().map(|next| next.probability).sum::<f64>() - 1.0).abs() < 1e-9);
        }
        assert!(matches!(generator.next_log_probs(&vec![f32::NAN; logits.len()], &[3]), Err(Error::NotFinite)));
    }
}
