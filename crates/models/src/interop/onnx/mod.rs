//! Export of language models to ONNX: one file with the network, its tokenizer and what is needed to generate text.
//!
//! `messages.rs` has the messages of the format, `graph.rs` builds graphs of them, and `network.rs` that of a language model.

#[cfg(test)]
mod evaluated_operators;
#[cfg(test)]
mod evaluator;
mod graph;
mod messages;
mod network;
#[cfg(test)]
mod test_models;
#[cfg(test)]
mod tests;

use std::path::Path;

use durable::write_atomically;
use seqdata::hash::sha256;

use crate::bundle::LmBundle;
use crate::error::{Error, Result};
use crate::language_model::LanguageModel;
use crate::parameters::parameters;
use crate::serialize::weights_to_bytes;

/// No reader of Protocol Buffers accepts more bytes.
const MAX_BYTES: usize = i32::MAX as usize;

/// Writes the language model of `bundle` as an ONNX model, atomically: inputs `ids` `[batch, time]`, `labels` `[batch, 1]` in a model
/// with labels, and for each layer `h{i}_in` and, of an LSTM, `c{i}_in` `[1, batch, H]`; outputs `logits` `[batch, time, V]`
/// and `h{i}_out`, `c{i}_out`. The state is reset where the first id of a call is the document token.
///
/// Its metadata has the tokenizer, the tokens by id and how to generate text; `start_ids` are the ids that begin a text.
///
/// # Errors
/// If ONNX's operators cannot express a layer, the file would have more than 2 GiB, or the file system fails.
pub fn write_onnx(path: &Path, bundle: &LmBundle, start_ids: &[u32]) -> Result<()> {
    Ok(write_atomically(path, &onnx_to_bytes(path, bundle, start_ids)?)?)
}

/// The contents of the file that [`write_onnx`] writes. `path` is for messages.
///
/// # Errors
/// As [`write_onnx`], except those of the file system.
pub fn onnx_to_bytes(path: &Path, bundle: &LmBundle, start_ids: &[u32]) -> Result<Vec<u8>> {
    let model = &bundle.model;
    network::check(&model.stack)?;
    check_size(weight_bytes(model))?;
    let description = "A recurrent language model. Give the states that it returns with the next ids.";
    let graph = network::graph(model)?.into_message("language-model");
    let metadata = metadata(path, bundle, start_ids)?;
    let bytes = messages::model(env!("CARGO_PKG_VERSION"), description, graph, &metadata).finish();
    check_size(bytes.len())?;
    Ok(bytes)
}

/// The size of all weights in the file; lazy weights take no memory.
fn weight_bytes(model: &LanguageModel) -> usize {
    parameters(model).values().map(|parameter| 4 * parameter.shape.iter().product::<usize>()).sum()
}

fn check_size(bytes: usize) -> Result<()> {
    if bytes <= MAX_BYTES { Ok(()) } else { Err(Error::OnnxSize { bytes, limit: MAX_BYTES }) }
}

/// What the graph does not say, by key.
fn metadata(path: &Path, bundle: &LmBundle, start_ids: &[u32]) -> Result<Vec<(&'static str, String)>> {
    let LmBundle { model, tokenizer, metadata, .. } = bundle;
    let vocabulary = &tokenizer.vocabulary;
    let json = |value: serde_json::Value| value.to_string();
    let tokens: Vec<&str> = (0..vocabulary.len() as u32).map(|id| vocabulary.token(id).unwrap_or_default()).collect();
    let never_sampled: Vec<u32> = vocabulary.never_sampled().collect();
    let weights = weights_to_bytes(model).map_err(|reason| Error::Inconsistent { directory: path.into(), reason })?;
    let state_mode = serde_json::to_value(metadata.state_mode()).expect("a mode is a string");
    let mut entries = vec![
        ("tokenizer", tokenizer.to_json()),
        ("tokens", json(tokens.into())),
        ("start_ids", json(start_ids.into())),
        ("never_sampled", json(never_sampled.into())),
        ("state_mode", state_mode.as_str().unwrap_or_default().into()),
        ("window", metadata.window.to_string()),
        ("weights_sha256", sha256(&weights)),
    ];
    entries.extend(model.document_id.map(|id| ("document_id", id.to_string())));
    entries.extend(vocabulary.unknown_id().map(|id| ("unknown_id", id.to_string())));
    if !metadata.config.labels.is_empty() {
        entries.push(("labels", json(metadata.config.labels.clone().into())));
    }
    Ok(entries)
}
