//! A text that is written token by token: by choice, by typing, by sampling.

use models::StateMode;
use text_prep::{Detokenizer, Encoded, OovPolicy, Tokenizer};

use crate::batch_session::{BatchSession, MAX_READ};
use crate::cache::Cache;
use crate::error::Result;
use crate::generator::Generator;
use crate::next_token::NextToken;
use crate::prompt::{Prompt, ToPrompt};
use crate::sampler::Sampler;
use crate::sampling::Sampling;

/// A text in progress of which each next token is given or sampled. Its probabilities are those of the model with its cache and
/// n-grams, if it has any. Created by [`Generator::draft`].
///
/// Unlike a sample, a draft takes the prompt and typed texts as whole words: the last one is not continued.
pub struct Draft<'a> {
    generator: &'a Generator,
    sampling: Sampling,
    /// The tokenizer for a part of a text.
    of_part: Tokenizer,
    prompt: Prompt,
    /// The ids after the prompt.
    ids: Vec<u32>,
    session: BatchSession<'a>,
    cache: Option<Cache>,
    /// The logits of the next token, with the cache and the n-grams.
    logits: Vec<f32>,
    /// The log-probability of each next token; −∞ for those that a model must not write.
    log_probs: Vec<f64>,
}

impl Generator {
    /// A text that begins with `prompt` and is written token by token. `sampling` says how the past tokens are used, and how
    /// [`Draft::sample`] samples.
    ///
    /// # Errors
    /// If an option is out of range, the prompt cannot be encoded, the model does not have its label, the device does not
    /// return the logits, or they are not finite.
    pub fn draft(&self, prompt: &(impl ToPrompt + ?Sized), sampling: Sampling) -> Result<Draft<'_>> {
        sampling.check()?;
        let prompt = prompt.to_prompt(self)?.into_owned();
        let cleaner = self.tokenizer().cleaner.for_part();
        let of_part = Tokenizer { cleaner, ..self.tokenizer().clone() };
        let (session, cache) = start(self, &prompt, &sampling)?;
        let (ids, logits, log_probs) = Default::default();
        let mut draft = Draft { generator: self, sampling, of_part, prompt, ids, session, cache, logits, log_probs };
        draft.read(&draft.prompt.ids.clone())?;
        Ok(draft)
    }
}

/// The session and the cache before the first token.
fn start<'a>(
    generator: &'a Generator,
    prompt: &Prompt,
    sampling: &Sampling,
) -> Result<(BatchSession<'a>, Option<Cache>)> {
    let label = generator.label_number(prompt.label.as_deref())?;
    let mode: StateMode = sampling.state_mode.unwrap_or_else(|| generator.state_mode());
    let session = BatchSession::with_label(generator.engine(), mode, generator.context_len(), label);
    Ok((session, sampling.cache.map(|settings| Cache::new(settings, generator.document_id()))))
}

impl Draft<'_> {
    /// The ids after the prompt.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// The text after the prompt.
    pub fn text(&self) -> String {
        self.text_of(self.ids.len())
    }

    /// The text of the first `count` ids after the prompt.
    ///
    /// # Panics
    /// If there are fewer.
    pub fn text_of(&self, count: usize) -> String {
        let mut detokenizer = self.of_prompt();
        let start = detokenizer.text().len();
        let vocabulary = &self.generator.tokenizer().vocabulary;
        detokenizer.extend(self.ids[..count].iter().map(|&id| vocabulary.written(id)));
        detokenizer.into_text().split_off(start)
    }

    /// As in a sample, tokens do not change what the prompt has written.
    fn of_prompt(&self) -> Detokenizer {
        let tokenizer = self.generator.tokenizer();
        let mut detokenizer = tokenizer.detokenizer();
        detokenizer.extend(self.prompt.ids.iter().map(|&id| tokenizer.vocabulary.written(id)));
        detokenizer.finish();
        detokenizer
    }

    /// Whether the text is a document that is complete.
    pub fn is_complete(&self) -> bool {
        self.ids.last().copied().is_some_and(|last| Some(last) == self.generator.document_id())
    }

    /// The likeliest next tokens, the likeliest first; at most `count`. None after the end of a document.
    pub fn likeliest(&self, count: usize) -> Vec<NextToken> {
        if self.is_complete() { Vec::new() } else { NextToken::likeliest(&self.log_probs, count) }
    }

    /// The log-probability of `id` as the next token, among the tokens that a text can have there; −∞ for others.
    ///
    /// # Panics
    /// If `id` is not below V.
    pub fn log_prob(&self, id: u32) -> f64 {
        self.log_probs[id as usize]
    }

    /// The tokens of a text that is typed after this one, as it is: a space at its beginning counts.
    ///
    /// # Errors
    /// If it has out-of-vocabulary tokens and `oov` is [`OovPolicy::Error`], or [`OovPolicy::Unknown`] and there is no unknown
    /// token.
    pub fn encode(&self, text: &str, oov: OovPolicy) -> Result<Encoded> {
        Ok(self.of_part.encode(text, oov)?)
    }

    /// Appends a token.
    ///
    /// # Errors
    /// If the device does not return the logits, or they are not finite.
    ///
    /// # Panics
    /// If `id` is not below V.
    pub fn push(&mut self, id: u32) -> Result<()> {
        self.ids.push(id);
        self.read(&[id])
    }

    /// Samples at most `count` tokens and appends them, to the end of the document at most. The same seed, `number` and text
    /// give the same tokens. Returns each with its log-probability.
    ///
    /// # Errors
    /// If the device does not return the logits, or they are not finite.
    pub fn sample(&mut self, count: usize, number: u64) -> Result<Vec<(u32, f64)>> {
        let tokenizer = self.generator.tokenizer();
        let (reserved, separator) = (tokenizer.vocabulary.never_sampled(), tokenizer.document_separator_id());
        let sampler = Sampler::new(self.sampling.clone(), number, reserved, separator);
        let mut sampler = sampler.document_id(self.generator.document_id());
        sampler.extend_history(&self.history());
        let generator = self.generator;
        generator.with_workers(|| {
            let mut sampled = Vec::new();
            while sampled.len() < count && !self.is_complete() {
                let id = sampler.sample(&self.logits)?;
                sampled.push((id, self.log_prob(id)));
                self.push(id)?;
            }
            Ok(sampled)
        })
    }

    /// Replaces the text after the prompt by that of `ids`.
    ///
    /// # Errors
    /// If the device does not return the logits, or they are not finite.
    ///
    /// # Panics
    /// If an id is not below V.
    pub fn replace(&mut self, ids: &[u32]) -> Result<()> {
        (self.session, self.cache) = start(self.generator, &self.prompt, &self.sampling)?;
        self.ids = ids.to_vec();
        self.read(&self.history())
    }

    /// The prompt and the ids after it.
    fn history(&self) -> Vec<u32> {
        [&self.prompt.ids[..], &self.ids].concat()
    }

    /// Reads the last of the ids so far, and computes the probabilities after them.
    fn read(&mut self, ids: &[u32]) -> Result<()> {
        match &mut self.cache {
            None => self.session.forward(ids)?,
            Some(cache) => {
                for &id in &ids[ids.len().saturating_sub(MAX_READ)..] {
                    self.session.forward(&[id])?;
                    self.session.outputs().into_iter().for_each(|output| cache.push(id, output));
                }
            }
        }
        let history = self.history();
        let mut logits = self.session.logits()[0].to_vec();
        if let Some(cache) = &self.cache {
            logits = cache.mixed(&logits);
        }
        if let Some(mixture) = self.generator.mixture() {
            logits = mixture.mix(&logits, &history);
        }
        self.log_probs = self.generator.next_log_probs(&logits, &history)?;
        self.logits = logits;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::cache::CacheSettings;
    use crate::error::Error;
    use crate::test_model::{DOCUMENT, JAMO, WORDS, composed, document_generator, generator, subword_generator};

    use super::*;

    #[test]
    fn a_draft_has_the_probabilities_of_a_session_without_reserved_tokens() {
        let packed = generator(WORDS, None);
        for generator in [composed(&packed), packed] {
            for mode in [StateMode::Carry, StateMode::Window] {
                let mut draft = generator.draft("a é", Sampling::default().state_mode(mode)).unwrap();
                let mut session = crate::Session::new(&generator, "a é", mode).unwrap();
                for id in [5, 8, 6] {
                    let padding = session.log_probs()[0].exp();
                    let expected = session.log_probs()[id as usize] - (1.0 - padding).ln();
                    assert!((draft.log_prob(id) - expected).abs() < 1e-5);
                    draft.push(id).unwrap();
                    session.push(id).unwrap();
                }
                let next = draft.likeliest(100);
                assert_eq!(next.len(), generator.tokenizer().vocabulary.len() - 1);
                assert!(next.is_sorted_by(|a, b| a.probability >= b.probability));
                assert!((next.iter().map(|next| next.probability).sum::<f64>() - 1.0).abs() < 1e-9);
                assert_eq!(draft.likeliest(2), next[..2]);
            }
        }
    }

    #[test]
    fn a_draft_can_be_replaced_by_an_earlier_or_another_text() {
        let cache = CacheSettings::default();
        for sampling in [Sampling::default(), Sampling::default().cache(cache)] {
            let generator = generator(WORDS, None);
            let mut draft = generator.draft("a", sampling).unwrap();
            let first = draft.likeliest(9);
            draft.sample(5, 0).unwrap();
            let (ids, after) = (draft.ids().to_vec(), draft.likeliest(9));
            draft.replace(&[]).unwrap();
            assert_eq!((draft.text().as_str(), draft.likeliest(9)), ("", first));
            draft.replace(&ids).unwrap();
            assert_eq!(draft.likeliest(9), after);
        }
    }

    #[test]
    fn the_same_number_samples_the_same_tokens_of_the_same_text() {
        let generator = generator(JAMO, None);
        let run = |number| {
            let mut draft = generator.draft("a", Sampling::default().seed(3)).unwrap();
            let sampled = draft.sample(12, number).unwrap();
            assert_eq!(sampled.iter().map(|(id, _)| *id).collect::<Vec<_>>(), draft.ids());
            assert!(sampled.iter().all(|(_, log_prob)| *log_prob < 0.0));
            draft.ids().to_vec()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }

    #[test]
    fn typed_text_is_appended_as_it_is() {
        for (generator, prompt, typed) in [
            (generator(JAMO, None), "a", " é"),
            (generator(JAMO, None), "a", "한"),
            (subword_generator(), "the", " fox"),
            (subword_generator(), "the", "fox🦊"),
        ] {
            let mut draft = generator.draft(prompt, Sampling::default()).unwrap();
            for id in draft.encode(typed, OovPolicy::Error).unwrap().ids {
                draft.push(id).unwrap();
            }
            assert_eq!(draft.text(), typed);
        }
        let generator = generator(WORDS, None);
        let mut draft = generator.draft("a", Sampling::default()).unwrap();
        assert!(matches!(draft.encode("wolf", OovPolicy::Error), Err(Error::Text(_))));
        for id in draft.encode("é a", OovPolicy::Error).unwrap().ids {
            draft.push(id).unwrap();
        }
        assert_eq!(draft.text(), " é a");
    }

    #[test]
    fn a_complete_document_has_no_next_token() {
        let generator = document_generator();
        let prompt = generator.prompt("").unwrap().label("two");
        let mut draft = generator.draft(&prompt, Sampling::default()).unwrap();
        // No document is empty.
        assert_eq!(draft.log_prob(DOCUMENT), f64::NEG_INFINITY);
        let first = draft.likeliest(1)[0].id;
        draft.push(first).unwrap();
        assert!(draft.log_prob(DOCUMENT) > f64::NEG_INFINITY && !draft.is_complete());
        draft.push(DOCUMENT).unwrap();
        assert!(draft.is_complete() && draft.likeliest(5).is_empty() && draft.sample(5, 0).unwrap().is_empty());
    }
}
