//! A sample that is generated together with others that come and go.

use eval::TrainingText;
use rayon::prelude::*;

use crate::batch_session::MAX_READ;
use crate::error::Result;
use crate::predictor::{Blend, Predictor};
use crate::prompt::Prompt;
use crate::sample_in_progress::{Sample, SampleInProgress};
use crate::sampling::Sampling;
use crate::scores::Scores;
use crate::stop::Stops;
use crate::unfinished::Unfinished;

/// The ids of a prompt that are read in one step, so that other samples need not wait long for the next one.
const PROMPT_IDS_PER_STEP: usize = 128;

/// One sample in progress, which [`step_each`](Self::step_each) advances together with others. Its text does not depend on
/// them: it is that of [`Generator::sample`](crate::Generator::sample), bit for bit on CPU backends.
pub struct OngoingSample<'a> {
    predictor: Predictor<'a>,
    sample: SampleInProgress<'a>,
    stops: Stops,
    /// The ids that end the sample.
    ends: Vec<u32>,
    /// The ids that the models have not read yet: of the prompt, or the last one.
    unread: Vec<u32>,
    /// The number of ids of the prompt that come before its text.
    text_start: usize,
    /// The number of likeliest tokens to report with each token, if log-probabilities are wanted.
    log_probs: Option<usize>,
    /// The log-probabilities of the tokens that are sampled, and those that are reported beside them.
    scores: Vec<SampledToken>,
    /// The ids that are never sampled.
    never_sampled: Vec<u32>,
    /// A text from which at most so many ids in a row may be copied.
    copy_limit: Option<(&'a TrainingText, usize)>,
    /// The number of tokens that were taken.
    taken: usize,
    is_finished: bool,
}

/// A token of a sample with its log-probability under the model, whatever it was sampled from.
#[derive(Clone, Debug, PartialEq)]
pub struct SampledToken {
    /// The id.
    pub id: u32,
    /// Where its text begins in the sample's text, in characters.
    pub start: usize,
    /// ln p of the token, in nats.
    pub log_prob: f64,
    /// The token, as the text that it adds, with the space before it; what adds none by itself, or a part of a character, has
    /// the name that people read.
    pub text: String,
    /// The likeliest tokens there: id, name in the same form, and ln p; the likeliest first.
    pub top: Vec<(u32, String, f64)>,
}

impl<'a> OngoingSample<'a> {
    /// Sample `number` of the text that begins with `prompt`, before its first token. The cache and the choice of the best of
    /// several are options of [`Samples`](crate::Samples) only.
    ///
    /// # Errors
    /// If a sampling option is out of range, a stop text is invalid, or a model does not have the label.
    ///
    /// # Panics
    /// If the sampling options have a cache, or a number of texts to choose from.
    pub fn new(blend: &Blend<'a>, prompt: &Prompt, sampling: &Sampling, number: u64) -> Result<Self> {
        assert!(sampling.cache.is_none() && sampling.best_of == 1, "a cache and best_of are not options here");
        sampling.check()?;
        let generator = blend.first();
        let (tokenizer, document) = (generator.tokenizer(), generator.document_id());
        let (ids, unfinished) = Unfinished::split_off(tokenizer, &prompt.ids, document);
        Ok(Self {
            predictor: Predictor::new(blend, prompt.label.as_deref(), sampling.state_mode)?,
            sample: SampleInProgress::new(tokenizer, ids, unfinished, document, sampling, number),
            stops: Stops::new(tokenizer, &sampling.stop_texts)?,
            ends: sampling.stop_id.into_iter().chain(document).collect(),
            unread: ids[ids.len().saturating_sub(MAX_READ)..].to_vec(),
            text_start: prompt.text_start,
            log_probs: None,
            scores: Vec::new(),
            never_sampled: tokenizer.vocabulary.never_sampled().collect(),
            copy_limit: None,
            taken: 0,
            is_finished: false,
        })
    }

    /// Reports the log-probability of each token, and the `count` likeliest tokens in its place, of those that a text can have
    /// there. Tokens of a prompt's last word that are written again are not reported, and the first new token has its
    /// log-probability among those that continue this word.
    #[must_use]
    pub fn with_log_probs(self, count: usize) -> Self {
        Self { log_probs: Some(count), ..self }
    }

    /// Samples no id that would be the last of more than `most` ids in a row of `text`, unless all others are impossible. What
    /// the prompt has before its text, such as separators, does not count.
    #[must_use]
    pub fn with_copy_limit(self, text: &'a TrainingText, most: usize) -> Self {
        Self { copy_limit: Some((text, most)), ..self }
    }

    /// Advances each sample: it reads a part of its prompt, or samples its next token, or completes its text, after which it
    /// is [finished](Self::is_finished). What happens to one sample does not depend on the others. At most `prompt_ids` ids of
    /// prompts are read in all, those of the first samples, so that the others need not wait long for their next token; the
    /// number of ids that are left is returned beside the results.
    pub fn step_each(samples: &mut [&mut Self], mut prompt_ids: usize) -> (Vec<Result<()>>, usize) {
        let mut results: Vec<Result<()>> =
            samples.iter_mut().map(|sample| sample.read_prompt(&mut prompt_ids)).collect();
        let mut last: Vec<(usize, &mut Self)> = Vec::new();
        for (at, sample) in samples.iter_mut().enumerate() {
            if results[at].is_ok() && sample.unread.len() == 1 && sample.sample.has_next() {
                last.push((at, sample));
            }
        }
        let ids: Vec<u32> = last.iter().map(|(_, sample)| sample.unread[0]).collect();
        let mut texts: Vec<&mut Predictor> = last.iter_mut().map(|(_, sample)| &mut sample.predictor).collect();
        let read = Predictor::push_each(&mut texts, &ids);
        for ((at, sample), read) in last.into_iter().zip(read) {
            sample.unread.clear();
            results[at] = read;
        }
        samples.par_iter_mut().zip(&mut results).filter(|(_, result)| result.is_ok()).for_each(|(sample, result)| {
            *result = sample.advance();
        });
        (results, prompt_ids)
    }

    /// Reads the next ids of the prompt, except the last one; at most `limit`, which is lowered by their number.
    fn read_prompt(&mut self, limit: &mut usize) -> Result<()> {
        let count = (self.unread.len().max(1) - 1).min(PROMPT_IDS_PER_STEP).min(*limit);
        *limit -= count;
        let read: Vec<u32> = self.unread.drain(..count).collect();
        self.predictor.extend(&read)
    }

    /// Samples the next token, or completes the text if there is none.
    fn advance(&mut self) -> Result<()> {
        if !self.sample.has_next() {
            self.sample.finish(&self.stops);
            self.is_finished = true;
        } else if self.unread.is_empty() {
            let logits = self.predictor.logits(self.sample.history());
            let allowed = self.without_copies(&logits);
            if let Some(id) = self.sample.sample(allowed.as_deref().unwrap_or(&logits), &self.ends)? {
                if let Some(count) = self.log_probs {
                    let scores = Scores::new(&self.sample.continuing(&logits), id, count, &self.never_sampled);
                    let name = |id| self.sample.token_text(id);
                    let top = scores.top.into_iter().map(|(id, log_prob)| (id, name(id), log_prob)).collect();
                    self.scores.push(SampledToken { id, start: 0, log_prob: scores.log_prob, text: name(id), top });
                }
                self.unread.push(id);
                self.sample.push(id, &self.stops);
            }
        }
        Ok(())
    }

    /// `logits` without those of ids that would copy too many in a row; `None` if there are none, or no others.
    fn without_copies(&self, logits: &[f32]) -> Option<Vec<f32>> {
        let (text, most) = self.copy_limit?;
        let written = self.sample.history().get(self.text_start..).unwrap_or_default();
        let copies = text.followers(&written[written.len().checked_sub(most)?..]);
        let mut allowed = logits.to_vec();
        copies.iter().for_each(|&id| allowed[id as usize] = f32::NEG_INFINITY);
        self.never_sampled.iter().for_each(|&id| allowed[id as usize] = f32::NEG_INFINITY);
        let is_possible = self.sample.continuing(&allowed).iter().any(|logit| logit.is_finite());
        (!copies.is_empty() && is_possible).then_some(allowed)
    }

    /// Whether its text is complete.
    pub fn is_finished(&self) -> bool {
        self.is_finished
    }

    /// Whether its text ended by itself, before the maximum number of tokens.
    pub fn is_complete(&self) -> bool {
        self.sample.stopped
    }

    /// The text that has become certain since the last call.
    pub fn take_text(&mut self) -> &str {
        self.sample.take_text()
    }

    /// The tokens of the text that was taken, since the last call: none without
    /// [`with_log_probs`](Self::with_log_probs).
    pub fn take_tokens(&mut self) -> Vec<SampledToken> {
        let text = self.sample.text();
        let first = self.taken.max(self.sample.rewritten());
        let starts = self.sample.taken_starts().skip(first);
        let scored = starts.zip(self.scores.iter().skip(first));
        // Each token is counted on from the one before it: a text that is taken as a whole may be long.
        let (mut bytes, mut characters) = (0, 0);
        let mut position = |start: usize| {
            characters = match text.get(bytes..start) {
                Some(between) => characters + between.chars().count(),
                None => text.get(..start).map_or(0, |before| before.chars().count()),
            };
            bytes = start;
            characters
        };
        let tokens: Vec<SampledToken> =
            scored.map(|(start, token)| SampledToken { start: position(start), ..token.clone() }).collect();
        self.taken = first + tokens.len();
        tokens
    }

    /// The number of tokens of the text so far, without those that write the end of the prompt again.
    pub fn tokens(&self) -> usize {
        self.sample.ids().len().saturating_sub(self.sample.rewritten())
    }

    /// The sample so far; complete once it [is finished](Self::is_finished).
    pub fn into_sample(self) -> Sample {
        self.sample.into_sample()
    }
}

#[cfg(test)]
mod tests {
    use models::LayerConfig;

    use crate::generator::Generator;
    use crate::test_model::{JAMO, WORDS, bundle, composed, document_generator, generator, subword_generator};

    use super::*;

    /// The samples 0, 1, … of the prompts: of which the second and the third begin later, and the first is given up.
    fn among_others(generator: &Generator, prompts: &[&str], sampling: &Sampling) -> Vec<Sample> {
        let blend = Blend::of(generator);
        let begin = |number: usize| {
            let prompt = generator.prompt(prompts[number % prompts.len()]).unwrap();
            OngoingSample::new(&blend, &prompt, sampling, number as u64).unwrap()
        };
        let mut samples: Vec<OngoingSample> = vec![begin(0), begin(3)];
        for step in 0..200 {
            match step {
                2 => samples.push(begin(1)),
                5 => samples.insert(0, begin(2)),
                7 => drop(samples.remove(1)),
                _ => {}
            }
            let mut all: Vec<&mut OngoingSample> = samples.iter_mut().filter(|sample| !sample.is_finished()).collect();
            OngoingSample::step_each(&mut all, step % 4).0.into_iter().for_each(Result::unwrap);
        }
        assert!(samples.iter().all(OngoingSample::is_finished));
        // In the order 2, 3, 1.
        samples.into_iter().map(OngoingSample::into_sample).collect()
    }

    #[test]
    fn a_sample_among_others_is_the_same_as_alone() {
        let layers = [LayerConfig::gru(5), LayerConfig::gru(5).reset_after(false), LayerConfig::rnn(6)];
        let mut generators: Vec<Generator> =
            layers.into_iter().map(|layer| Generator::new(bundle(WORDS, Some("."), layer))).collect();
        generators.extend([generator(WORDS, None), generator(JAMO, None), document_generator(), subword_generator()]);
        generators.push(composed(&generators[0]));
        let sampling = Sampling::default().max_tokens(30).seed(7).top_p(0.95).no_repeat_ngram(5);
        for generator in &generators {
            let words =
                if generator.tokenizer().vocabulary.is_subwords() { ["the fox", "fo"] } else { ["a é a", "a"] };
            for state_mode in [models::StateMode::Carry, models::StateMode::Window] {
                let sampling = sampling.clone().state_mode(state_mode);
                let found = among_others(generator, &words, &sampling);
                for (number, found) in [2, 3, 1].into_iter().zip(found) {
                    let expected = generator.sample(words[number % 2], &sampling, number as u64).unwrap();
                    assert_eq!(found, expected, "{number}");
                }
            }
        }
    }

    #[test]
    fn the_pieces_join_to_the_text_and_the_tokens_have_the_probabilities_of_the_model() {
        let generator = generator(WORDS, None);
        let sampling = Sampling::default().max_tokens(20).temperature(0.5).stop_texts(["é ."]);
        for number in 0..10 {
            let prompt = generator.prompt("a").unwrap();
            let sample = OngoingSample::new(&Blend::of(&generator), &prompt, &sampling, number).unwrap();
            let mut sample = sample.with_log_probs(3);
            let (mut text, mut tokens) = (String::new(), Vec::new());
            while !sample.is_finished() {
                OngoingSample::step_each(&mut [&mut sample], usize::MAX).0.pop().unwrap().unwrap();
                text.push_str(sample.take_text());
                tokens.extend(sample.take_tokens());
            }
            let sample = sample.into_sample();
            assert_eq!(text, sample.text);
            assert_eq!(tokens.iter().map(|token| token.id).collect::<Vec<_>>(), sample.ids);
            let mut session = generator.session(&prompt).unwrap();
            let ends = tokens.iter().skip(1).map(|token| token.start).chain([text.chars().count()]);
            for (token, end) in tokens.iter().zip(ends) {
                let log_probs = session.log_probs();
                assert_eq!(token.log_prob, log_probs[token.id as usize]);
                // Padding is none of the likeliest tokens.
                let max = log_probs[1..].iter().copied().fold(f64::NEG_INFINITY, f64::max);
                assert_eq!((token.top.len(), token.top[0].2), (3, max));
                // A second space writes nothing, and the end may be cut by a stop text.
                let written: String = text.chars().take(end).skip(token.start).collect();
                let name = generator.tokenizer().vocabulary.readable(token.id).unwrap();
                let is_named =
                    if written.is_empty() { token.text.contains(&*name) } else { token.text.starts_with(&written) };
                assert!(is_named, "{written:?} {token:?}");
                session.push(token.id).unwrap();
            }
        }
    }

    #[test]
    fn no_sequence_of_the_training_text_is_longer_than_the_limit() {
        let generator = generator(WORDS, None);
        let blend = Blend::of(&generator);
        let prompt = generator.prompt("a é . a").unwrap();
        // It has most sequences of three of the eight tokens, but few of four.
        let mut random = seqdata::Random::keyed(1, "text", &[]);
        let text = (0..1000).map(|_| 1 + (8.0 * random.uniform()) as u32).collect();
        let text = TrainingText::new(text, None);
        let longest = |limit: Option<usize>, number| {
            let sample = OngoingSample::new(&blend, &prompt, &Sampling::default().max_tokens(40), number).unwrap();
            let mut sample = limit.into_iter().fold(sample, |sample, most| sample.with_copy_limit(&text, most));
            while !sample.is_finished() {
                OngoingSample::step_each(&mut [&mut sample], usize::MAX).0.pop().unwrap().unwrap();
            }
            text.compare(&sample.into_sample().ids).longest.length
        };
        let unlimited = (0..5).map(|number| longest(None, number)).max().unwrap();
        assert!(unlimited > 3, "{unlimited}");
        for number in 0..5 {
            assert!(longest(Some(3), number) <= 3);
        }
    }

    #[test]
    fn separators_before_a_text_are_not_copied() {
        let generator = generator(WORDS, Some("."));
        let blend = Blend::of(&generator);
        let [separator, a, e] = [".", "a", "é"].map(|token| generator.tokenizer().vocabulary.id(token).unwrap());
        let text = TrainingText::new(vec![separator, separator, separator, a, e, a, e], None);
        let logits = vec![0.0; generator.tokenizer().vocabulary.len()];
        let excluded = |prompt: &str| -> Vec<u32> {
            let prompt = generator.prompt(prompt).unwrap();
            let sample = OngoingSample::new(&blend, &prompt, &Sampling::default(), 0).unwrap();
            let allowed = sample.with_copy_limit(&text, 3).without_copies(&logits).unwrap_or_else(|| logits.clone());
            [separator, a, e].into_iter().filter(|&id| allowed[id as usize].is_infinite()).collect()
        };
        // The prompts begin with three, two and one separators, the last one with none.
        for prompt in ["", "a", "a é"] {
            assert_eq!(excluded(prompt), [] as [u32; 0], "{prompt}");
        }
        assert_eq!(excluded("a é a"), [e]);
    }

    #[test]
    fn tokens_that_write_the_end_of_the_prompt_again_do_not_count() {
        let generator = subword_generator();
        let sampling = Sampling::default().max_tokens(4).seed(1);
        for prompt in ["the fox", "the fo", "a 🦊"] {
            let encoded = generator.prompt(prompt).unwrap();
            let sample = OngoingSample::new(&Blend::of(&generator), &encoded, &sampling, 0).unwrap();
            let mut sample = sample.with_log_probs(2);
            let mut tokens = Vec::new();
            while !sample.is_finished() {
                OngoingSample::step_each(&mut [&mut sample], usize::MAX).0.pop().unwrap().unwrap();
                sample.take_text();
                tokens.extend(sample.take_tokens());
            }
            assert_eq!((sample.tokens(), tokens.len(), tokens[0].start), (4, 4, 0), "{prompt}");
            let expected = generator.sample(prompt, &sampling, 0).unwrap();
            assert!(expected.ids.len() >= 4 && !expected.text.is_empty(), "{prompt}: {expected:?}");
            assert_eq!(sample.into_sample(), expected);
        }
    }

    #[test]
    fn only_so_many_ids_of_prompts_are_read_in_a_step() {
        let generator = generator(WORDS, None);
        let prompt = generator.prompt("a é . a é . a é .").unwrap();
        let blend = Blend::of(&generator);
        let [mut first, mut second] =
            [0, 1].map(|number| OngoingSample::new(&blend, &prompt, &Sampling::default(), number).unwrap());
        let left = [5, 11, 0, 9].map(|limit| OngoingSample::step_each(&mut [&mut first, &mut second], limit).1);
        // Eight of each, beside the last one, which is read with a token that is sampled.
        assert_eq!(left, [0, 0, 0, 9]);
        assert!(first.tokens() == 3 && second.tokens() == 3, "{} {}", first.tokens(), second.tokens());
    }
}
