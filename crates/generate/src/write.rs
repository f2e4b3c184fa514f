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
    // The joiner reads the prompt too: it decides how the first piece is spaced.
    let mut joiner = tokenizer.joiner();
    let mut next = String::new();
    for &id in request.prompt {
        joiner.push(vocabulary.token(id).unwrap_or_default(), &mut next);
    }

    let start = Instant::now();
    let mut session = Session::new(model, request.context, window, device);
    let mut logits = session.read(request.prompt)?;
    let (mut text, mut ids) = (String::new(), Vec::new());
    while ids.len() < request.tokens {
        let id = sampler.choose(&logits)?;
        if Some(id) == request.stop {
            break;
        }
        next.clear();
        joiner.push(vocabulary.token(id).unwrap_or_default(), &mut next);
        piece(&next)?;
        text.push_str(&next);
        ids.push(id);
        if ids.len() < request.tokens {
            logits = session.read(&[id])?;
        }
    }
    Ok(Sample { text, ids, time: start.elapsed() })
}
