//! Generates samples: feed the prompt, sample a token, append it, repeat; text is streamed as it is generated.

use std::ops::Range;
use std::time::{Duration, Instant};

use models::StateMode;
use rayon::prelude::*;
use serde::Serialize;
use text_prep::{Detokenizer, Tokenizer, Vocabulary};

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::sampler::Sampler;
use crate::sampling::Sampling;
use crate::session::Session;

/// Samples per batch with [`Engine::Packed`].
const BATCH_SIZE: u64 = 64;

/// A model with its tokenizer, which generates samples.
pub struct Generator<'a> {
    /// The model.
    pub engine: Engine<'a>,
    /// The model's tokenizer.
    pub tokenizer: &'a Tokenizer,
    /// Ids per training window, for [`StateMode::Window`].
    pub context_len: usize,
}

/// What to generate.
#[derive(Clone, Debug)]
pub struct GenerateOptions<'a> {
    /// The ids that the samples continue, at least one.
    pub prompt: &'a [u32],
    /// The maximum number of tokens per sample.
    pub max_tokens: usize,
    /// How tokens are sampled. Default: temperature 1 without filters.
    pub sampling: Sampling,
    /// The seed of the random numbers. Default: 0.
    pub seed: u64,
    /// How the model uses the past tokens. Default: [`StateMode::Carry`].
    pub state_mode: StateMode,
    /// Never sample the document separator. Default: false.
    pub single_document: bool,
    /// The id that ends a sample; it is not part of the sample. Default: none.
    pub stop: Option<u32>,
}

impl<'a> GenerateOptions<'a> {
    /// The default options for this prompt and number of tokens.
    pub fn new(prompt: &'a [u32], max_tokens: usize) -> Self {
        Self {
            prompt,
            max_tokens,
            sampling: Sampling::default(),
            seed: 0,
            state_mode: StateMode::Carry,
            single_document: false,
            stop: None,
        }
    }

    /// Sets [`sampling`](Self::sampling).
    pub fn with_sampling(self, sampling: Sampling) -> Self {
        Self { sampling, ..self }
    }

    /// Sets [`seed`](Self::seed).
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Sets [`state_mode`](Self::state_mode).
    pub fn with_state_mode(self, state_mode: StateMode) -> Self {
        Self { state_mode, ..self }
    }

    /// Sets [`stop`](Self::stop).
    pub fn with_stop(self, stop: Option<u32>) -> Self {
        Self { stop, ..self }
    }

    /// Never samples the document separator, see [`single_document`](Self::single_document).
    pub fn within_one_document(self) -> Self {
        Self { single_document: true, ..self }
    }
}

/// A generated text, without the prompt.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sample {
    /// The text to append to the prompt.
    pub text: String,
    /// The ids of the text.
    pub ids: Vec<u32>,
    /// How long generation took, including the prompt.
    #[serde(skip)]
    pub time: Duration,
}

impl Generator<'_> {
    /// Generates sample `number`. Equal numbers give equal samples, however many samples are generated.
    /// `on_text` gets each piece of text as soon as it is sampled; together they are the sample's text.
    ///
    /// # Errors
    /// If the device does not return the logits, the logits are not finite, or `on_text` fails.
    pub fn generate(
        &self,
        options: &GenerateOptions,
        number: u64,
        mut on_text: impl FnMut(&str) -> std::io::Result<()> + Send,
    ) -> Result<Sample> {
        let mut samples = self.generate_batch(options, number..number + 1, |_, text| on_text(text))?;
        Ok(samples.remove(0))
    }

    /// Generates the samples with these numbers, in batches with [`Engine::Packed`]. `on_sample` gets the
    /// samples in order, as soon as their batch is complete.
    ///
    /// # Errors
    /// If the device does not return the logits, the logits are not finite, or `on_sample` fails.
    pub fn generate_many<E: From<Error>>(
        &self,
        options: &GenerateOptions,
        numbers: Range<u64>,
        mut on_sample: impl FnMut(Sample) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let batch_size = match self.engine {
            Engine::Packed(_) => BATCH_SIZE,
            // In a batch, floating-point rounding may differ from that of a single text.
            Engine::Module { .. } => 1,
        };
        for start in numbers.clone().step_by(batch_size as usize) {
            let batch = start..(start + batch_size).min(numbers.end);
            let samples = self.generate_batch(options, batch, |_, _| Ok(()))?;
            samples.into_iter().try_for_each(&mut on_sample)?;
        }
        Ok(())
    }

    /// Generates samples as one batch. `on_text` gets each piece of text with the sample's index in the batch.
    fn generate_batch(
        &self,
        options: &GenerateOptions,
        numbers: Range<u64>,
        on_text: impl FnMut(usize, &str) -> std::io::Result<()> + Send,
    ) -> Result<Vec<Sample>> {
        // A token takes a few parallel loops of microseconds: waking the workers for each would take longer.
        let packed = matches!(self.engine, Engine::Packed(_));
        kernels::with_spinning_workers(packed, || self.run_batch(options, numbers, on_text))
    }

    fn run_batch(
        &self,
        options: &GenerateOptions,
        numbers: Range<u64>,
        mut on_text: impl FnMut(usize, &str) -> std::io::Result<()>,
    ) -> Result<Vec<Sample>> {
        let start = Instant::now();
        let mut states: Vec<_> = numbers.map(|number| SampleState::new(self.tokenizer, options, number)).collect();
        let mut session = Session::new(&self.engine, options.state_mode, self.context_len);
        session.forward(options.prompt)?;
        let mut session = session.expand_batch(states.len());
        let mut emit = |at: usize, text: &str| if text.is_empty() { Ok(()) } else { on_text(at, text) };
        for generated in 1..=options.max_tokens {
            let logits = session.logits();
            let rows = states.par_iter_mut().zip(logits);
            let sampled: Vec<_> =
                rows.map(|(state, logits)| state.sample(logits, options.stop)).collect::<Result<_>>()?;
            // The input of a stopped sample does not matter: its logits are not used.
            let next: Vec<u32> = sampled.iter().map(|id| id.unwrap_or(options.prompt[0])).collect();
            for (at, (state, id)) in states.iter_mut().zip(sampled).enumerate() {
                let Some(id) = id else { continue };
                emit(at, state.detokenizer.push(state.vocabulary.token(id).unwrap_or_default()))?;
            }
            if states.iter().all(|state| state.stopped) {
                break;
            }
            if generated < options.max_tokens {
                session.forward(&next)?;
            }
        }
        let mut samples = Vec::with_capacity(states.len());
        for (at, mut state) in states.into_iter().enumerate() {
            emit(at, state.detokenizer.finish())?;
            let text = state.detokenizer.into_text().split_off(state.prompt_len);
            samples.push(Sample { text, ids: state.ids, time: start.elapsed() });
        }
        Ok(samples)
    }
}

/// A sample in progress.
struct SampleState<'a> {
    vocabulary: &'a Vocabulary,
    sampler: Sampler,
    detokenizer: Detokenizer,
    /// Bytes of the prompt's text.
    prompt_len: usize,
    ids: Vec<u32>,
    stopped: bool,
}

impl<'a> SampleState<'a> {
    fn new(tokenizer: &'a Tokenizer, options: &GenerateOptions, number: u64) -> Self {
        let vocabulary = &tokenizer.vocabulary;
        let separator = tokenizer.document_separator_id();
        let reserved = vocabulary.reserved().chain(separator.filter(|_| options.single_document));
        let mut sampler = Sampler::new(options.sampling, options.seed, number, reserved, separator);
        sampler.extend_history(options.prompt);
        // The detokenizer needs the prompt for the space before the first token. `finish` completes the
        // prompt's text: a sample cannot add a final consonant to the prompt's last syllable.
        let mut detokenizer = tokenizer.detokenizer();
        detokenizer.extend(options.prompt.iter().filter_map(|&id| vocabulary.token(id)));
        detokenizer.finish();
        let prompt_len = detokenizer.clone().into_text().len();
        Self { vocabulary, sampler, detokenizer, prompt_len, ids: Vec::new(), stopped: false }
    }

    /// The next id; `None` from the stop token on.
    fn sample(&mut self, logits: &[f32], stop: Option<u32>) -> Result<Option<u32>> {
        if self.stopped {
            return Ok(None);
        }
        let id = self.sampler.sample(logits)?;
        self.stopped = Some(id) == stop;
        if self.stopped {
            return Ok(None);
        }
        self.ids.push(id);
        Ok(Some(id))
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use models::{CellKind, LanguageModelConfig, LayerConfig, Precision};
    use text_prep::{Cleaner, OovPolicy, PreTokenizer, SHIFT, Vocabulary};

    use super::*;

    fn tokenizer(pre_tokenizer: &str) -> Tokenizer {
        let tokens = ["\u{1112}", "\u{1161}", "\u{11ab}", SHIFT, "a", "é", " ", "."];
        Tokenizer {
            cleaner: Cleaner::preset("verbatim").unwrap(),
            pre_tokenizer: serde_json::from_str::<PreTokenizer>(pre_tokenizer).unwrap(),
            vocabulary: Vocabulary::from_counts(tokens.map(|token| (token, 1)), 1, false),
            document_separator: None,
            oov: OovPolicy::Unknown,
        }
    }

    #[test]
    fn streamed_text_equals_the_sample_and_the_sample_its_decoded_ids() {
        let device = Device::flex();
        let layers = vec![LayerConfig::new(CellKind::Lstm, 4)];
        let config = LanguageModelConfig::new(9, 4, layers);
        let model = config.init(1, &device).unwrap();
        let jamo = r#"{"kind": "characters", "jamo": true, "capitals": "shift"}"#;
        let mut ended_within_a_syllable = false;
        for pre_tokenizer in [jamo, r#"{"kind": "words"}"#] {
            let tokenizer = tokenizer(pre_tokenizer);
            let packed = Engine::new(&model, &device, Precision::F32);
            let module = Engine::Module { model: &model, device: &device };
            for (engine, lengths) in [(module, 1..4), (packed, 1..40)] {
                let generator = Generator { engine, tokenizer: &tokenizer, context_len: 3 };
                for max_tokens in lengths {
                    let options = GenerateOptions::new(&[1, 2], max_tokens).with_seed(1);
                    let mut streamed = String::new();
                    let sample = generator.generate(&options, max_tokens as u64, |piece| {
                        assert!(!piece.is_empty());
                        streamed.push_str(piece);
                        Ok(())
                    });
                    let sample = sample.unwrap();
                    assert_eq!(streamed, sample.text);
                    assert_eq!(sample.ids.len(), max_tokens);
                    let mut many = Vec::new();
                    let numbers = 0..max_tokens as u64 + 2;
                    let collected = generator.generate_many(&options, numbers, |sample| {
                        many.push(sample);
                        Ok::<(), Error>(())
                    });
                    collected.unwrap();
                    assert_eq!(many[max_tokens].ids, sample.ids);
                    assert_eq!(many[max_tokens].text, sample.text);
                    if pre_tokenizer == jamo {
                        ended_within_a_syllable |= sample.ids.last() == Some(&1);
                        // A final consonant after the prompt is not joined to the prompt's last syllable.
                        let mut after = sample.ids.as_slice();
                        if after[0] == 3 {
                            assert!(sample.text.starts_with('\u{11ab}'), "{}", sample.text);
                            after = &after[1..];
                        }
                        assert!(sample.text.ends_with(&tokenizer.decode(after)), "{}", sample.text);
                    }
                }
            }
        }
        assert!(ended_within_a_syllable);
    }
}
