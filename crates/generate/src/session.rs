//! One text in progress, token by token: its logits and log-probabilities.

use kernels::inference::log_softmax;
use models::StateMode;

use crate::batch_session::BatchSession;
use crate::error::Result;
use crate::generator::Generator;
use crate::prompt::ToPrompt;

/// One text in progress, for a sampling loop of one's own or the probabilities of given tokens. Created by
/// [`Generator::session`].
pub struct Session<'a> {
    batch: BatchSession<'a>,
    logits: Vec<f32>,
}

impl Generator {
    /// A text that begins with `prompt`, token by token: for logits, log-probabilities and a sampling loop of one's
    /// own. It uses past tokens as [`state_mode`](Self::state_mode) says; [`Session::new`] takes another mode.
    ///
    /// # Errors
    /// If the prompt cannot be encoded, the model does not have its label, or the device does not return the logits.
    pub fn session(&self, prompt: &(impl ToPrompt + ?Sized)) -> Result<Session<'_>> {
        Session::new(self, prompt, self.state_mode())
    }
}

impl<'a> Session<'a> {
    /// The text `prompt`, with this use of the past tokens.
    ///
    /// # Errors
    /// If the prompt cannot be encoded, the model does not have its label, or the device does not return the logits.
    pub fn new(generator: &'a Generator, prompt: &(impl ToPrompt + ?Sized), state_mode: StateMode) -> Result<Self> {
        let prompt = prompt.to_prompt(generator)?;
        let label = generator.label_number(prompt.label.as_deref())?;
        let batch = BatchSession::with_label(generator.engine(), state_mode, generator.context_len(), label);
        let mut session = Self { batch, logits: Vec::new() };
        session.extend(&prompt.ids)?;
        Ok(session)
    }

    /// The logits of the next token, V values: one per id of the vocabulary.
    pub fn logits(&self) -> &[f32] {
        &self.logits
    }

    /// The log-probabilities of the next token in nats, V values: log-softmax of the logits in f64, without any
    /// filter. NaN if the logits are not finite.
    pub fn log_probs(&self) -> Vec<f64> {
        log_softmax(&self.logits)
    }

    /// Appends one token.
    ///
    /// # Errors
    /// If the device does not return the logits.
    ///
    /// # Panics
    /// If `id` is not below V.
    pub fn push(&mut self, id: u32) -> Result<()> {
        self.extend(&[id])
    }

    /// Appends tokens, and returns the logits after each of them, V values each: those of one [`push`](Self::push) at a time,
    /// bit for bit, but faster.
    ///
    /// # Errors
    /// If the device does not return the logits.
    ///
    /// # Panics
    /// If an id is not below V.
    pub fn logits_of_each(&mut self, ids: &[u32]) -> Result<Vec<Vec<f32>>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let logits = self.batch.logits_of_each(ids)?;
        if let Some(last) = logits.last() {
            self.logits.clone_from(last);
        }
        Ok(logits)
    }

    /// Appends one token to each of several texts of one generator, as a batch where that has the same results, bit for bit.
    ///
    /// # Panics
    /// If there are not as many ids as texts, an id is not below V, or the texts are of several generators.
    pub fn push_each(texts: &mut [&mut Self], ids: &[u32]) -> Vec<Result<()>> {
        let mut batch: Vec<&mut BatchSession> = texts.iter_mut().map(|text| &mut text.batch).collect();
        let logits = BatchSession::forward_each(&mut batch, ids);
        let read = |(text, logits): (&mut &mut Self, Result<Vec<f32>>)| -> Result<()> {
            text.logits = logits?;
            Ok(())
        };
        texts.iter_mut().zip(logits).map(read).collect()
    }

    /// Appends tokens; faster than one [`push`](Self::push) for each.
    ///
    /// # Errors
    /// If the device does not return the logits.
    ///
    /// # Panics
    /// If an id is not below V.
    pub fn extend(&mut self, ids: &[u32]) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        self.batch.forward(ids)?;
        self.logits.clear();
        self.logits.extend_from_slice(self.batch.logits()[0]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::test_model::{WORDS, composed, generator};

    use super::*;

    #[test]
    fn tokens_may_be_appended_one_by_one_or_together() {
        let packed = generator(WORDS, None);
        for generator in [composed(&packed), packed] {
            for state_mode in [StateMode::Carry, StateMode::Window] {
                let mut single = Session::new(&generator, "a", state_mode).unwrap();
                let mut together = Session::new(&generator, "a", state_mode).unwrap();
                for id in [1, 2, 3, 4] {
                    single.push(id).unwrap();
                }
                together.extend(&[1, 2, 3, 4]).unwrap();
                assert_eq!(single.logits().len(), generator.tokenizer().vocabulary.len());
                for (a, b) in single.logits().iter().zip(together.logits()) {
                    assert!((a - b).abs() < 1e-6, "{a} {b}");
                }
                let mut each = Session::new(&generator, "a", state_mode).unwrap();
                let logits = [each.logits_of_each(&[1, 2]).unwrap(), each.logits_of_each(&[3, 4]).unwrap()].concat();
                assert!(logits.len() == 4 && logits[3] == single.logits() && each.logits() == single.logits());
                assert!(each.logits_of_each(&[]).unwrap().is_empty());
                let before = together.logits().to_vec();
                together.extend(&[]).unwrap();
                assert_eq!(together.logits(), before);
                let total: f64 = single.log_probs().iter().map(|log_prob| log_prob.exp()).sum();
                assert!((total - 1.0).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn greedy_decoding_takes_the_largest_logit() {
        let generator = generator(WORDS, None);
        let sample = generator.sample("a", &crate::Sampling::default().temperature(0.0).max_tokens(9), 0).unwrap();
        let mut session = generator.session("a").unwrap();
        for id in sample.ids {
            let logits = session.logits();
            // Id 0 is padding, which is never sampled.
            let largest = (1..logits.len()).max_by(|&a, &b| logits[a].total_cmp(&logits[b]));
            assert_eq!(largest, Some(id as usize));
            session.push(id).unwrap();
        }
    }
}
