//! Writes a sample: read the prompt, choose, append, repeat, and hand each piece on as it comes.

use std::time::{Duration, Instant};

use burn::tensor::Device;
use models::{Context, LanguageModel};
use serde::Serialize;
use text_prep::Tokenizer;

use crate::error::Result;
use crate::sampler::Sampler;
use crate::sampling::Sampling;
use crate::session::Session;

/// Who writes.
#[derive(Clone, Copy, Debug)]
pub struct Writer<'a> {
    /// The weights.
    pub model: &'a LanguageModel,
    /// From ids to text.
    pub tokenizer: &'a Tokenizer,
    /// Tokens in a training window.
    pub window: usize,
    /// Where it computes.
    pub device: &'a Device,
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
    mut piece: impl FnMut(&str) -> std::io::Result<()>,
) -> Result<Sample> {
    let Writer { model, tokenizer, window, device } = *writer;
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
    let start_of_sample = joiner.clone().into_text().len();

    let start = Instant::now();
    let mut session = Session::new(model, request.context, window, device);
    let mut logits = session.read(request.prompt)?;
    let mut ids = Vec::new();
    let mut hand_on = |text: &str| if text.is_empty() { Ok(()) } else { piece(text) };
    while ids.len() < request.tokens {
        let id = sampler.choose(&logits)?;
        if Some(id) == request.stop {
            break;
        }
        hand_on(joiner.push(vocabulary.token(id).unwrap_or_default()))?;
        ids.push(id);
        if ids.len() < request.tokens {
            logits = session.read(&[id])?;
        }
    }
    hand_on(joiner.finish())?;
    let text = joiner.into_text().split_off(start_of_sample);
    Ok(Sample { text, ids, time: start.elapsed() })
}

#[cfg(test)]
mod tests {
    use models::{CellKind, LanguageModelConfig, LayerConfig};
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
            let writer =
                Writer { model: &model, tokenizer: &tokenizer, window: 3, device: &device };
            for tokens in 1..40 {
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
        assert!(ended_within_a_syllable);
    }
}
