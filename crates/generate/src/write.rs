//! Writes samples: read the prompt, choose, append, repeat, and hand each piece on as it comes.

use std::ops::Range;
use std::time::{Duration, Instant};

use models::Context;
use rayon::prelude::*;
use serde::Serialize;
use text_prep::{Joiner, Tokenizer, Vocabulary};

use crate::error::{Error, Result};
use crate::sampler::Sampler;
use crate::sampling::Sampling;
use crate::session::Session;
use crate::voice::Voice;

/// Samples that are written side by side at most.
const TOGETHER: u64 = 64;

/// Who writes.
pub struct Writer<'a> {
    /// The weights.
    pub voice: Voice<'a>,
    /// From ids to text.
    pub tokenizer: &'a Tokenizer,
    /// Tokens in a training window.
    pub window: usize,
}

/// What to write.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The ids to go on from, at least one.
    pub prompt: &'a [u32],
    /// How many tokens.
    pub tokens: usize,
    /// How they are chosen.
    pub sampling: Sampling,
    /// The seed of the choices.
    pub seed: u64,
    /// How the past is read.
    pub context: Context,
    /// Never write the story mark: all of the sample is one story.
    pub one_story: bool,
    /// The id after which nothing more is written; it is not part of the sample.
    pub stop: Option<u32>,
}

/// What was written, without the prompt.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sample {
    /// The text as it goes on from the prompt's.
    pub text: String,
    /// Its ids.
    pub ids: Vec<u32>,
    /// How long the writing took, the reading of the prompt included.
    #[serde(skip)]
    pub time: Duration,
}

/// Writes sample number `number` of `request`: the same number gives the same sample however many
/// others are written. Each piece of text goes to `piece` as soon as it is chosen; the pieces join
/// to the sample's text.
///
/// # Errors
/// If the device does not give the numbers back, or `piece` refuses one.
pub fn write_sample(
    writer: &Writer,
    request: &Request,
    number: u64,
    mut piece: impl FnMut(&str) -> std::io::Result<()> + Send,
) -> Result<Sample> {
    let mut samples = write_together(writer, request, number..number + 1, |_, text| piece(text))?;
    Ok(samples.remove(0))
}

/// Writes the samples of these numbers, several of them in one pass through the weights where a voice is laid
/// out; `finished` gets each, in order, as soon as those written with it are done.
///
/// # Errors
/// If the device does not give the numbers back, or `finished` refuses one.
pub fn write_samples<E: From<Error>>(
    writer: &Writer,
    request: &Request,
    numbers: Range<u64>,
    mut finished: impl FnMut(Sample) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let together = match writer.voice {
        Voice::Laid(_) => TOGETHER,
        // A batch of several may round otherwise than a text alone.
        Voice::Model { .. } => 1,
    };
    for start in numbers.clone().step_by(together as usize) {
        let some = start..(start + together).min(numbers.end);
        let samples = write_together(writer, request, some, |_, _| Ok(()))?;
        samples.into_iter().try_for_each(&mut finished)?;
    }
    Ok(())
}

/// Writes samples side by side; each piece of text goes to `piece` with the place of its sample.
fn write_together(
    writer: &Writer,
    request: &Request,
    numbers: Range<u64>,
    piece: impl FnMut(usize, &str) -> std::io::Result<()> + Send,
) -> Result<Vec<Sample>> {
    // A token is a few loops of microseconds: nobody should have to be woken for each of them.
    let on = matches!(writer.voice, Voice::Laid(_));
    kernels::awake(on, || write_awake(writer, request, numbers, piece))
}

fn write_awake(
    writer: &Writer,
    request: &Request,
    numbers: Range<u64>,
    mut piece: impl FnMut(usize, &str) -> std::io::Result<()>,
) -> Result<Vec<Sample>> {
    let start = Instant::now();
    let mut pens: Vec<Pen> = numbers.map(|number| Pen::new(writer, request, number)).collect();
    let mut session = Session::new(&writer.voice, request.context, writer.window);
    session.read(request.prompt)?;
    let mut session = session.repeated(pens.len());
    let mut hand_on = |at: usize, text: &str| match text.is_empty() {
        true => Ok(()),
        false => piece(at, text),
    };
    for written in 1..=request.tokens {
        let logits = session.logits();
        let choices = pens.par_iter_mut().zip(logits);
        let chosen: Vec<_> =
            choices.map(|(pen, logits)| pen.choose(logits, request.stop)).collect::<Result<_>>()?;
        // Who has stopped reads anything from now on, and is not asked any more.
        let next: Vec<u32> =
            chosen.iter().map(|chosen| chosen.unwrap_or(request.prompt[0])).collect();
        for (at, (pen, chosen)) in pens.iter_mut().zip(chosen).enumerate() {
            let Some(id) = chosen else { continue };
            hand_on(at, pen.joiner.push(pen.vocabulary.token(id).unwrap_or_default()))?;
        }
        if pens.iter().all(|pen| pen.stopped) {
            break;
        }
        if written < request.tokens {
            session.read(&next)?;
        }
    }
    let mut samples = Vec::with_capacity(pens.len());
    for (at, mut pen) in pens.into_iter().enumerate() {
        hand_on(at, pen.joiner.finish())?;
        let text = pen.joiner.into_text().split_off(pen.start);
        samples.push(Sample { text, ids: pen.ids, time: start.elapsed() });
    }
    Ok(samples)
}

/// One sample under way.
struct Pen<'a> {
    vocabulary: &'a Vocabulary,
    sampler: Sampler,
    joiner: Joiner,
    /// Where the joined text goes on from the prompt's.
    start: usize,
    ids: Vec<u32>,
    stopped: bool,
}

impl<'a> Pen<'a> {
    fn new(writer: &Writer<'a>, request: &Request, number: u64) -> Self {
        let tokenizer = writer.tokenizer;
        let vocabulary = &tokenizer.vocabulary;
        let mark = tokenizer.story_mark_id();
        let reserved = vocabulary.reserved().chain(mark.filter(|_| request.one_story));
        let mut sampler = Sampler::new(request.sampling, request.seed, number, reserved, mark);
        sampler.read(request.prompt);
        // The joiner reads the prompt too: it decides how the first piece is spaced. What the prompt
        // says stands as it is: a syllable that it ends with gets no final consonant afterwards.
        let mut joiner = tokenizer.joiner();
        joiner.extend(request.prompt.iter().filter_map(|&id| vocabulary.token(id)));
        joiner.finish();
        let start = joiner.clone().into_text().len();
        Self { vocabulary, sampler, joiner, start, ids: Vec::new(), stopped: false }
    }

    /// The next id; none at the stop and after it.
    fn choose(&mut self, logits: &[f32], stop: Option<u32>) -> Result<Option<u32>> {
        if self.stopped {
            return Ok(None);
        }
        let id = self.sampler.choose(logits)?;
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
    use text_prep::{Cleaner, Rare, SHIFT, Splitter, Vocabulary};

    use super::*;

    fn tokenizer(splitter: &str) -> Tokenizer {
        let tokens = ["\u{1112}", "\u{1161}", "\u{11ab}", SHIFT, "a", "é", " ", "."];
        Tokenizer {
            cleaner: Cleaner::preset("verbatim").unwrap(),
            splitter: serde_json::from_str::<Splitter>(splitter).unwrap(),
            vocabulary: Vocabulary::from_counts(tokens.map(|token| (token, 1)), 1, false),
            story_mark: None,
            rare: Rare::Unknown,
        }
    }

    #[test]
    fn pieces_join_to_the_sample_and_the_sample_to_its_ids() {
        let device = Device::flex();
        let layers = vec![LayerConfig::new(CellKind::Lstm, 4)];
        let config = LanguageModelConfig::new(9, 4, layers);
        let model = config.init(1, &device).unwrap();
        let jamo = r#"{"kind": "characters", "jamo": true, "capitals": "shift"}"#;
        let mut ended_within_a_syllable = false;
        for splitter in [jamo, r#"{"kind": "words"}"#] {
            let tokenizer = tokenizer(splitter);
            let laid = Voice::new(&model, &device, Precision::F32);
            let plain = Voice::Model { model: &model, device: &device };
            for (voice, tokens) in [(plain, 1..4), (laid, 1..40)] {
                let writer = Writer { voice, tokenizer: &tokenizer, window: 3 };
                for tokens in tokens {
                    let request = Request {
                        prompt: &[1, 2],
                        tokens,
                        sampling: Sampling { temperature: 1.0, ..Sampling::default() },
                        seed: 1,
                        context: Context::Carried,
                        one_story: false,
                        stop: None,
                    };
                    let mut pieces = String::new();
                    let sample = write_sample(&writer, &request, tokens as u64, |piece| {
                        assert!(!piece.is_empty());
                        pieces.push_str(piece);
                        Ok(())
                    });
                    let sample = sample.unwrap();
                    assert_eq!(pieces, sample.text);
                    assert_eq!(sample.ids.len(), tokens);
                    let mut together = Vec::new();
                    let every = 0..tokens as u64 + 2;
                    write_samples(&writer, &request, every, |sample| -> Result<()> {
                        together.push(sample);
                        Ok(())
                    })
                    .unwrap();
                    assert_eq!(together[tokens].ids, sample.ids);
                    assert_eq!(together[tokens].text, sample.text);
                    if splitter == jamo {
                        ended_within_a_syllable |= sample.ids.last() == Some(&1);
                        // A final consonant that follows the prompt's syllable stands by itself.
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
