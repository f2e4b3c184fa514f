//! Iterators over generated text: the pieces of one sample, or many samples.

use std::ops::Range;

use crate::error::Result;
use crate::generator::Generator;
use crate::prompt::{Prompt, ToPrompt};
use crate::sample_batch::SampleBatch;
use crate::sample_in_progress::{Sample, TokenSpan};
use crate::sampling::Sampling;
use crate::stop::Stops;

/// Texts per batch with packed weights, several for each sample that is the best of them.
const BATCH_SIZE: u64 = 64;

impl Generator {
    /// Continues `prompt`: the text of sample 0, without the prompt.
    ///
    /// # Errors
    /// If a sampling option is out of range, the prompt cannot be encoded, the model does not have its label, the device
    /// does not return the logits, or they are not finite.
    pub fn generate(&self, prompt: &(impl ToPrompt + ?Sized), sampling: &Sampling) -> Result<String> {
        Ok(self.sample(prompt, sampling, 0)?.text)
    }

    /// The same text as that of [`generate`](Self::generate), in pieces as soon as they are sampled. The best of several
    /// ([`Sampling::best_of`]) is known, and one piece, at the end.
    ///
    /// # Errors
    /// As [`generate`](Self::generate); later errors are items of the iterator.
    pub fn stream(&self, prompt: &(impl ToPrompt + ?Sized), sampling: &Sampling) -> Result<SampleStream<'_>> {
        let prompt = prompt.to_prompt(self)?;
        SampleStream::new(self, &prompt, sampling)
    }

    /// Sample `number` with its ids. The same seed and number give the same sample, alone or in a batch.
    ///
    /// # Errors
    /// As [`generate`](Self::generate).
    ///
    /// # Panics
    /// If `number` is `u64::MAX`.
    pub fn sample(&self, prompt: &(impl ToPrompt + ?Sized), sampling: &Sampling, number: u64) -> Result<Sample> {
        let sample = self.samples(prompt, sampling, number..number + 1)?.next();
        sample.expect("one number gives one sample")
    }

    /// Like [`sample`](Self::sample), as long as `keep_going`, which is called before each token, returns true; `None` if it
    /// does not.
    ///
    /// # Errors
    /// As [`generate`](Self::generate).
    ///
    /// # Panics
    /// If `number` is `u64::MAX`.
    pub fn sample_while(
        &self,
        prompt: &(impl ToPrompt + ?Sized),
        sampling: &Sampling,
        number: u64,
        keep_going: impl Fn() -> bool + Sync,
    ) -> Result<Option<Sample>> {
        sampling.check()?;
        let prompt = prompt.to_prompt(self)?.into_owned();
        self.with_workers(|| {
            let mut batch = SampleBatch::new(self, &prompt, sampling, number..number + 1)?;
            while keep_going() {
                if !batch.step(|_, _| ())? {
                    return Ok(batch.into_samples().pop());
                }
            }
            Ok(None)
        })
    }

    /// The samples with these numbers, in order. On CPU backends they are generated in batches of 64.
    ///
    /// # Errors
    /// As [`generate`](Self::generate); later errors are items of the iterator.
    pub fn samples(
        &self,
        prompt: &(impl ToPrompt + ?Sized),
        sampling: &Sampling,
        numbers: Range<u64>,
    ) -> Result<Samples<'_>> {
        let prompt = prompt.to_prompt(self)?.into_owned();
        Samples::new(self, prompt, sampling.clone(), numbers)
    }
}

/// The pieces of one sample, each as soon as it is sampled; never empty, and together the sample's text. Created by
/// [`Generator::stream`]. After an error it ends.
pub struct SampleStream<'a> {
    batch: SampleBatch<'a>,
    ended: bool,
}

impl<'a> SampleStream<'a> {
    fn new(generator: &'a Generator, prompt: &Prompt, sampling: &Sampling) -> Result<Self> {
        sampling.check()?;
        let batch = SampleBatch::new(generator, prompt, sampling, 0..1)?;
        Ok(Self { batch, ended: false })
    }

    /// Tokens sampled so far, also those of candidates that are not kept.
    pub fn sampled_tokens(&self) -> usize {
        self.batch.sampled_tokens()
    }

    /// What the tokens so far wrote, with their log-probabilities; empty without [`Sampling::token_spans`].
    pub fn spans(&self) -> Vec<TokenSpan> {
        self.batch.spans()
    }

    /// The sample so far; complete after the last piece.
    pub fn into_sample(self) -> Sample {
        self.batch.into_samples().remove(0)
    }

    /// The next piece; `None` at the end.
    fn next_piece(&mut self) -> Result<Option<String>> {
        let mut piece = String::new();
        while !self.ended && piece.is_empty() {
            self.ended = !self.batch.step(|_, text| piece.push_str(text))?;
        }
        Ok(Some(piece).filter(|piece| !piece.is_empty()))
    }
}

impl Iterator for SampleStream<'_> {
    type Item = Result<String>;

    fn next(&mut self) -> Option<Result<String>> {
        let piece = self.next_piece();
        self.ended |= piece.is_err();
        piece.transpose()
    }
}

/// Samples with consecutive numbers, generated in batches. Created by [`Generator::samples`]. After an error it ends.
pub struct Samples<'a> {
    generator: &'a Generator,
    prompt: Prompt,
    sampling: Sampling,
    /// The numbers of the samples that are not generated yet.
    numbers: Range<u64>,
    /// The rest of the last batch.
    generated: std::vec::IntoIter<Sample>,
    /// Tokens sampled so far, also those of candidates that are not kept.
    sampled: usize,
}

impl<'a> Samples<'a> {
    fn new(generator: &'a Generator, prompt: Prompt, sampling: Sampling, numbers: Range<u64>) -> Result<Self> {
        sampling.check()?;
        // Reports a label that the model does not have and a stop text that is invalid before the first batch.
        generator.label_number(prompt.label.as_deref())?;
        Stops::new(generator.tokenizer(), &sampling.stop_texts)?;
        Ok(Self { generator, prompt, sampling, numbers, generated: Vec::new().into_iter(), sampled: 0 })
    }

    /// Tokens sampled so far, also those of the rest of a batch and of candidates that are not kept
    /// ([`Sampling::best_of`]): the work that was done.
    pub fn sampled_tokens(&self) -> usize {
        self.sampled
    }

    fn next_batch(&mut self) -> Result<Vec<Sample>> {
        let Self { generator, prompt, sampling, numbers, sampled, .. } = self;
        // Without packed weights, floating-point rounding in a batch may differ from that of a single text.
        let batch_size = if generator.engine().is_packed() { (BATCH_SIZE / sampling.best_of as u64).max(1) } else { 1 };
        let batch = numbers.start..numbers.end.min(numbers.start.saturating_add(batch_size));
        numbers.start = batch.end;
        generator.with_workers(|| {
            let mut batch = SampleBatch::new(generator, prompt, sampling, batch)?;
            while batch.step(|_, _| ())? {}
            *sampled += batch.sampled_tokens();
            Ok(batch.into_samples())
        })
    }
}

impl Iterator for Samples<'_> {
    type Item = Result<Sample>;

    fn next(&mut self) -> Option<Result<Sample>> {
        if self.generated.as_slice().is_empty() && !self.numbers.is_empty() {
            match self.next_batch() {
                Ok(batch) => self.generated = batch.into_iter(),
                Err(error) => {
                    self.numbers.start = self.numbers.end;
                    return Some(Err(error));
                }
            }
        }
        self.generated.next().map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use models::LayerConfig;

    use crate::cache::CacheSettings;
    use crate::error::Error;
    use crate::test_model::{JAMO, WORDS, bundle, composed, generator};

    use super::*;

    #[test]
    fn streamed_text_equals_the_sample_and_the_sample_its_decoded_ids() {
        let mut ended_within_a_syllable = false;
        for pre_tokenizer in [JAMO, WORDS] {
            let packed = generator(pre_tokenizer, None);
            for (generator, lengths) in [(composed(&packed), 1..4), (packed, 1..40)] {
                for max_tokens in lengths {
                    let number = max_tokens as u64;
                    let sampling = Sampling::default().max_tokens(max_tokens).seed(number);
                    let prompt = Prompt::from(vec![1, 2]);
                    let mut stream = generator.stream(&prompt, &sampling).unwrap();
                    let mut streamed = String::new();
                    for piece in &mut stream {
                        let piece = piece.unwrap();
                        assert!(!piece.is_empty());
                        streamed.push_str(&piece);
                    }
                    let sample = stream.into_sample();
                    assert_eq!(streamed, sample.text);
                    assert_eq!(generator.generate(&prompt, &sampling).unwrap(), streamed);
                    assert_eq!(sample.ids.len(), max_tokens);
                    let alone = generator.sample(&prompt, &sampling, number).unwrap();
                    let many = generator.samples(&prompt, &sampling, 0..number + 2).unwrap();
                    let many: Vec<Sample> = many.collect::<Result<_>>().unwrap();
                    assert_eq!(many.len(), max_tokens + 2);
                    assert_eq!((&many[0], &many[max_tokens]), (&sample, &alone));
                    if pre_tokenizer == JAMO {
                        ended_within_a_syllable |= sample.ids.last() == Some(&1);
                        // A final consonant after the prompt is not joined to the prompt's last syllable.
                        let mut after = sample.ids.as_slice();
                        if after[0] == 3 {
                            assert!(sample.text.starts_with('\u{11ab}'), "{}", sample.text);
                            after = &after[1..];
                        }
                        assert!(sample.text.ends_with(&generator.tokenizer().decode(after)), "{}", sample.text);
                    }
                }
            }
        }
        assert!(ended_within_a_syllable);
    }

    #[test]
    fn a_sample_can_be_cut_off_between_two_tokens() {
        use std::sync::atomic::{AtomicUsize, Ordering};

        let packed = generator(WORDS, None);
        for generator in [composed(&packed), packed] {
            let sampling = Sampling::default().max_tokens(5);
            let whole = generator.sample("a", &sampling, 2).unwrap();
            let calls = AtomicUsize::new(0);
            let sample_while = |limit| {
                calls.store(0, Ordering::Relaxed);
                generator.sample_while("a", &sampling, 2, || calls.fetch_add(1, Ordering::Relaxed) < limit).unwrap()
            };
            assert_eq!(sample_while(100), Some(whole));
            assert_eq!(sample_while(3), None);
            assert_eq!(calls.load(Ordering::Relaxed), 4);
        }
    }

    #[test]
    fn more_samples_than_a_batch_have_the_same_numbers() {
        let generator = generator(WORDS, None);
        let sampling = Sampling::default().max_tokens(5);
        let many: Vec<Sample> = generator.samples("a", &sampling, 3..70).unwrap().map(Result::unwrap).collect();
        assert_eq!(many.len(), 67);
        for number in [3, 66, 67, 69] {
            assert_eq!(many[number as usize - 3], generator.sample("a", &sampling, number).unwrap());
        }
    }

    #[test]
    fn a_sample_ends_before_the_stop_token_and_within_its_document() {
        let generator = generator(WORDS, Some("."));
        let all = Sampling::default().max_tokens(60);
        let separator = generator.tokenizer().document_separator_id().unwrap();
        let ids = |sampling: Sampling| generator.sample("a", &sampling, 0).unwrap().ids;
        let unlimited = ids(all.clone());
        let first = unlimited.iter().position(|&id| id == separator).unwrap();
        assert_eq!(ids(all.clone().stop_id(separator)), unlimited[..first]);
        assert!(!ids(all.clone().single_document(true)).contains(&separator));
        assert!(ids(all.clone().max_tokens(0)).is_empty());
        // The other samples of a batch continue after one has stopped.
        let all = all.stop_id(separator);
        let batch = generator.samples("a", &all, 0..4).unwrap();
        for (number, sample) in (0..).zip(batch) {
            assert_eq!(sample.unwrap(), generator.sample("a", &all, number).unwrap());
        }
    }

    #[test]
    fn diverged_weights_and_invalid_options_are_errors() {
        let mut bundle = bundle(WORDS, None, LayerConfig::lstm(4));
        bundle.model.output.bias = bundle.model.output.bias.map(|bias| bias * f32::NAN);
        let generator = Generator::new(bundle);
        let sampling = Sampling::default();
        let mut stream = generator.stream("a", &sampling).unwrap();
        assert!(matches!(stream.next(), Some(Err(Error::NotFinite))));
        assert!(stream.next().is_none());
        let mut samples = generator.samples("a", &sampling, 0..100).unwrap();
        assert!(matches!(samples.next(), Some(Err(Error::NotFinite))));
        assert!(samples.next().is_none());
        assert!(matches!(generator.evaluate("a . a . a"), Err(Error::NotFinite)));
        assert!(matches!(generator.stream("a", &sampling.clone().top_p(2.0)).err(), Some(Error::Config(_))));
        assert!(matches!(generator.generate("a", &sampling.top_k(0)), Err(Error::Config(_))));
    }

    /// All methods that depend on the tokens before or on the whole distribution.
    fn all_methods() -> Sampling {
        let sampling =
            Sampling::default().temperature(0.9).top_k(7).min_p(0.01).top_p(0.99).typical(0.95).mirostat(2.0);
        sampling.repetition_penalty(1.3).repetition_window(5).no_repeat_ngram(4).max_tokens(12)
    }

    #[test]
    fn a_sample_with_all_methods_is_the_same_alone_in_a_batch_and_with_any_number_of_threads() {
        let generator = generator(WORDS, None);
        let cache = CacheSettings { size: 5, weight: 0.5, theta: 0.5 };
        for sampling in [all_methods(), all_methods().best_of(3), all_methods().cache(cache)] {
            let run = |threads: usize| -> Vec<Sample> {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| generator.samples("a", &sampling, 0..70).unwrap().map(Result::unwrap).collect())
            };
            let many = run(1);
            assert_eq!(many.len(), 70);
            assert_eq!(many, run(3));
            for number in [0, 20, 21, 63, 64, 69] {
                assert_eq!(many[number], generator.sample("a", &sampling, number as u64).unwrap(), "{number}");
            }
            let pieces: Vec<String> = generator.stream("a", &sampling).unwrap().map(Result::unwrap).collect();
            assert_eq!(pieces.concat(), many[0].text);
            assert!(sampling.best_of == 1 || pieces.len() == 1, "{pieces:?}");
            let whole = generator.sample_while("a", &sampling, 5, || true).unwrap();
            assert_eq!(whole.as_ref(), Some(&many[5]));
        }
    }

    #[test]
    fn the_best_of_several_samples_has_the_highest_log_probability_per_token() {
        let packed = generator(WORDS, Some("."));
        let separator = packed.tokenizer().document_separator_id().unwrap();
        let prompt = Prompt::from(vec![1, 2]);
        for generator in [composed(&packed), packed] {
            // Samples end at the separator, which counts as a token, or after eight tokens.
            let all = Sampling::default().temperature(1.5).max_tokens(8).stop_id(separator);
            let mean = |sample: &Sample| {
                let mut session = generator.session(&prompt).unwrap();
                let end = sample.is_complete.then_some(separator);
                let ids: Vec<u32> = sample.ids.iter().copied().chain(end).collect();
                let log_prob = |&id: &u32| {
                    let log_prob = session.log_probs()[id as usize];
                    session.push(id).unwrap();
                    log_prob
                };
                ids.iter().map(log_prob).sum::<f64>() / ids.len() as f64
            };
            let best = generator.samples(&prompt, &all.clone().best_of(4), 0..30).unwrap();
            let mut other_than_first = 0;
            for (number, best) in (0..).zip(best) {
                let best = best.unwrap();
                let candidates = generator.samples(&prompt, &all, number * 4..number * 4 + 4).unwrap();
                let candidates: Vec<Sample> = candidates.collect::<Result<_>>().unwrap();
                assert!(candidates.iter().all(|candidate| candidate.log_prob_per_token.is_none()));
                let chosen = candidates.iter().position(|candidate| candidate.ids == best.ids).unwrap();
                other_than_first += usize::from(chosen > 0);
                assert_eq!(best.text, candidates[chosen].text);
                let found = best.log_prob_per_token.unwrap();
                assert!((found - mean(&best)).abs() < 1e-5, "{found}");
                for candidate in &candidates {
                    assert!(mean(candidate) < found + 1e-5, "{candidate:?}");
                }
            }
            assert!(other_than_first > 10, "{other_than_first}");
            let none = generator.sample(&prompt, &all.best_of(4).max_tokens(0), 0).unwrap();
            assert_eq!((none.ids.len(), none.log_prob_per_token), (0, None));
        }
    }
}
