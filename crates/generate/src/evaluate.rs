//! How well a model predicts a text, in numbers that can be compared.

use std::sync::Arc;

use burn::tensor::Device;
use models::{Artifact, Context, Score, score};
use seqdata::{Ids, IdsWriter, Loader, Order, Streams, Windows};
use serde::Serialize;
use text_prep::{Text, Tokenizer};

use crate::error::{Error, Result};

/// Windows scored at once.
const BATCH: usize = 64;

/// A score and how it was taken.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// What was predicted from what.
    pub protocol: String,
    /// How many tokens were predicted.
    pub tokens: usize,
    /// Mean −ln p(token).
    pub loss_nats_per_token: f64,
    /// e to the loss.
    pub perplexity: f64,
    /// The share of tokens that were the likeliest.
    pub accuracy: f64,
    /// The share of tokens that the vocabulary does not hold, those that could not even be read as
    /// unknown included.
    pub unknown_share: f64,
    /// The loss in bits over the UTF-8 bytes that the predicted tokens stand for: comparable
    /// between words and characters. None where some of the tokens are unknown, for then nobody
    /// knows how many bytes were predicted.
    pub bits_per_byte: Option<f64>,
}

/// Scores a text that training never saw.
///
/// # Errors
/// If the text cannot be read or is shorter than a window and one token, or the device fails.
pub fn evaluate_text(
    artifact: &Artifact,
    text: &mut dyn Text,
    context: Context,
    device: &Device,
) -> Result<Evaluation> {
    let mut ids = IdsWriter::default();
    let counts = artifact.tokenizer.encode_text(text, |id| ids.push(id))?;
    let ids = ids.finish()?;
    let count = ids.len();
    let left_out = (counts.dropped + counts.without_id) as usize;
    evaluate_ids(artifact, Arc::new(ids), 0..count, left_out, context, device)
}

/// Scores the ids of `range`, all but the first window of them. `left_out` tokens of the text have
/// no id and are not among them: they count as unknown.
///
/// # Errors
/// If the range is shorter than a window and one token, or the device fails.
pub fn evaluate_ids(
    artifact: &Artifact,
    ids: Arc<Ids>,
    range: std::ops::Range<usize>,
    left_out: usize,
    context: Context,
    device: &Device,
) -> Result<Evaluation> {
    let window = artifact.about.window;
    if range.len() <= window {
        return Err(Error::TooShort { tokens: range.len(), needed: window + 1, window });
    }
    let (protocol, loader) = match context {
        Context::Window => {
            let windows = Windows::new(ids.clone(), range.clone(), window, 1);
            let protocol = format!("window: each token from the {window} before it");
            (protocol, Loader::windows(windows, BATCH, Order::Sequential, device.clone()))
        }
        Context::Carried => {
            let stream = Streams::whole(ids.clone(), range.clone(), window);
            let protocol = format!(
                "carried: each token after the first {window} from all before it, the state carried"
            );
            (protocol, Loader::streams(stream, device.clone()))
        }
    };
    let score = score(&artifact.model, &loader)?;
    Ok(evaluation(artifact, protocol, score, &ids.slice(range), left_out))
}

/// Bits that each UTF-8 byte of a text costs whose tokens after the first `window` ids cost
/// `nats_per_token`: comparable between words and characters. None where some of the tokens are
/// unknown, for then nobody knows how many bytes were predicted.
pub fn bits_per_byte(
    tokenizer: &Tokenizer,
    ids: &[u32],
    window: usize,
    nats_per_token: f64,
) -> Option<f64> {
    let (context, scored) = ids.split_at(window);
    let unknown = tokenizer.vocabulary.unknown_id();
    let bytes = tokenizer.decode(ids).len() - tokenizer.decode(context).len();
    let bits = nats_per_token * scored.len() as f64 / std::f64::consts::LN_2;
    let known = scored.iter().all(|&id| Some(id) != unknown);
    (known && bytes > 0).then(|| bits / bytes as f64)
}

fn evaluation(
    artifact: &Artifact,
    protocol: String,
    score: Score,
    ids: &[u32],
    left_out: usize,
) -> Evaluation {
    let window = artifact.about.window;
    let scored = &ids[window..];
    let unknown = artifact.tokenizer.vocabulary.unknown_id();
    let unknown = scored.iter().filter(|&&id| Some(id) == unknown).count() + left_out;
    let bits = bits_per_byte(&artifact.tokenizer, ids, window, score.nats_per_token());
    Evaluation {
        protocol,
        tokens: score.tokens,
        loss_nats_per_token: score.nats_per_token(),
        perplexity: score.perplexity(),
        accuracy: score.accuracy(),
        unknown_share: unknown as f64 / (scored.len() + left_out) as f64,
        bits_per_byte: bits.filter(|_| left_out == 0),
    }
}
