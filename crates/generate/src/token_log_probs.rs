//! The log-probability of each token of a text.

use crate::error::Result;
use crate::generator::Generator;
use crate::prompt::Prompt;

/// A token of a text and its log-probability.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenLogProb {
    /// The id.
    pub id: u32,
    /// The token, as people read it; see [`Vocabulary::readable`](text_prep::Vocabulary::readable).
    pub token: String,
    /// ln p(token | the tokens before it), in nats.
    pub log_prob: f64,
}

impl Generator {
    /// The log-probability of each token of `text`, as the beginning of a document. Without a document token or separator
    /// in the tokenizer, the first token has none and is left out. Unknown tokens are treated as in training, and past
    /// tokens are used as [`state_mode`](Self::state_mode) says: all of them, or the last
    /// [`context_len`](Self::context_len).
    ///
    /// # Errors
    /// If the text cannot be tokenized, or the device does not return the logits.
    pub fn token_log_probs(&self, text: &str) -> Result<Vec<TokenLogProb>> {
        self.token_log_probs_with_label(text, None)
    }

    /// The same for a document with this label.
    ///
    /// # Errors
    /// As [`token_log_probs`](Self::token_log_probs), or if the model does not have the label.
    pub fn token_log_probs_with_label(&self, text: &str, label: Option<&str>) -> Result<Vec<TokenLogProb>> {
        let tokenizer = self.tokenizer();
        let (mut context, mut ids) = self.scored_ids(text)?;
        if context.is_empty() {
            context = ids.drain(..ids.len().min(1)).collect();
        }
        if context.is_empty() {
            return Ok(Vec::new());
        }
        let mut session = self.session(&Prompt { label: label.map(Into::into), ..Prompt::from(context) })?;
        let mut scored = Vec::with_capacity(ids.len());
        for id in ids {
            let token = tokenizer.vocabulary.readable(id).unwrap_or_default().into_owned();
            scored.push(TokenLogProb { id, token, log_prob: session.log_probs()[id as usize] });
            session.push(id)?;
        }
        Ok(scored)
    }

    /// The ids of `text`, as the beginning of a document, and those that come before it: the document token, or separators.
    /// Without both there are none, and the first token of the text has no probability. Unknown tokens are treated as in
    /// training.
    ///
    /// # Errors
    /// If the text cannot be tokenized.
    pub fn scored_ids(&self, text: &str) -> Result<(Vec<u32>, Vec<u32>)> {
        let tokenizer = self.tokenizer();
        let mut ids = Vec::new();
        let mut text = text;
        tokenizer.encode_stream(&mut text, |id| ids.push(id))?;
        let separator = tokenizer.document_separator_id().filter(|separator| ids.first() != Some(separator));
        let context = match (self.document_id(), separator) {
            (Some(document), _) => vec![document],
            (None, Some(separator)) => vec![separator; self.context_len()],
            (None, None) => Vec::new(),
        };
        Ok((context, ids))
    }
}

#[cfg(test)]
mod tests {
    use crate::test_model::{WORDS, composed, generator};

    #[test]
    fn their_mean_is_the_evaluation_loss() {
        let text = "a . é a a . . é a é a a a . é . a a é";
        for separator in [None, Some(".")] {
            let packed = generator(WORDS, separator);
            for generator in [composed(&packed), packed] {
                let scored = generator.token_log_probs(text).unwrap();
                let tokens: Vec<&str> = scored.iter().map(|scored| scored.token.as_str()).collect();
                let words: Vec<&str> = text.split(' ').collect();
                if separator.is_some() {
                    assert_eq!(tokens, words);
                    continue;
                }
                assert_eq!(tokens, words[1..]);
                // Evaluation leaves out the first `context_len` tokens.
                let targets = &scored[generator.context_len() - 1..];
                let sum: f64 = targets.iter().map(|scored| scored.log_prob).sum();
                let evaluation = generator.evaluate(text).unwrap();
                assert_eq!(evaluation.tokens, targets.len());
                assert!((evaluation.loss_nats_per_token + sum / targets.len() as f64).abs() < 1e-5);
                assert!(generator.token_log_probs("").unwrap().is_empty());
            }
        }
    }
}
