//! The parts of a checkpoint: model, optimizer state, RNN state and progress. They are checked against each other, not
//! only against their hashes, before training continues from them.

use std::collections::BTreeMap;
use std::path::Path;

use burn::optim::{ModuleOptimizer, OptimizerRecord};
use burn::tensor::Device;
use models::bundle::{WEIGHTS, read_file_hashes};
use models::parameters::parameters;
use models::serialize::{state_from_bytes, state_to_bytes, weights_from_bytes, weights_to_bytes};
use models::{ModelBundle, Network, State};
use seqdata::hash::sha256;
use serde_json::Value;
use text_prep::error::one_line;

use crate::averaging::Averaging;
use crate::config::TrainConfig;
use crate::error::{Error, Result};
use crate::optimizer::state_file::{self, Parts};
use crate::progress::Progress;
use crate::task::{TrainModule, TrainTask};

const OPTIMIZER: &str = "optimizer.bpk";
pub(crate) const PROGRESS: &str = "progress.json";
/// The raw weights, if those of the model are averaged.
const RAW_WEIGHTS: &str = "trained.bpk";
/// The RNN state that the next batch starts from.
const RNN_STATE: &str = "carried.safetensors";
/// Format version of `progress.json`.
const FORMAT: u64 = 1;
/// The files that the optimizer's state belongs to. The progress has times, which would make equal states differ.
const PARTS: [&str; 3] = [WEIGHTS, RAW_WEIGHTS, RNN_STATE];

/// The contents of a checkpoint.
pub struct Checkpoint<M: Network> {
    /// The model as evaluated and used, with its metadata and tokenizer.
    pub bundle: ModelBundle<M>,
    /// The model with the raw weights, if those in `bundle` are averaged.
    pub raw_model: Option<M>,
    /// The optimizer state.
    pub optimizer: OptimizerRecord,
    /// The RNN state that the next batch starts from, within a pass of truncated BPTT.
    pub rnn_state: Option<State>,
    /// The progress of the run.
    pub progress: Progress,
}

/// Adds the training state to the files of `bundle`, whose weights are returned as bytes.
pub(crate) fn add<M: Network>(
    bundle: &mut ModelBundle<M>,
    raw_model: Option<&M>,
    optimizer: &ModuleOptimizer,
    rnn_state: Option<&State>,
    progress: &Progress,
) -> Result<Vec<u8>> {
    let weights = weights_to_bytes(&bundle.model).map_err(Error::Burn)?;
    bundle.extra_files.insert(PROGRESS.into(), to_json(progress));
    if let Some(model) = raw_model {
        bundle.extra_files.insert(RAW_WEIGHTS.into(), weights_to_bytes(model).map_err(Error::Burn)?);
    }
    if let Some(state) = rnn_state {
        bundle.extra_files.insert(RNN_STATE.into(), state_to_bytes(state).map_err(Error::Burn)?);
    }
    let files = bundle.extra_files.iter().map(|(name, bytes)| (name.as_str(), bytes));
    let parts = files.chain([(WEIGHTS, &weights)]).filter(|(name, _)| PARTS.contains(name));
    let parts: Parts = parts.map(|(name, bytes)| (name.into(), sha256(bytes))).collect();
    bundle.extra_files.insert(OPTIMIZER.into(), state_file::to_bytes(optimizer, &parts).map_err(Error::Burn)?);
    Ok(weights)
}

/// Loads the model of a checkpoint, without the training state, which is only checked.
pub(crate) fn load_model<M: Network>(path: &Path, device: &Device) -> models::Result<ModelBundle<M>> {
    ModelBundle::load_without(path, &[OPTIMIZER, PROGRESS, RAW_WEIGHTS, RNN_STATE], device)
}

/// Loads a checkpoint and checks that its parts belong together.
pub(crate) fn load<M: TrainTask>(path: &Path, device: &Device) -> Result<Checkpoint<M>> {
    let bundle = ModelBundle::load(path, device)?;
    from_files(bundle, read_file_hashes(path)?, path, device)
}

/// The checkpoint with these files, of which `hashes` has the SHA-256 by name, and checks that its parts belong together.
/// `path` is named in errors.
pub(crate) fn from_files<M: TrainTask>(
    mut bundle: ModelBundle<M>,
    mut hashes: BTreeMap<String, String>,
    path: &Path,
    device: &Device,
) -> Result<Checkpoint<M>> {
    let mut take = |name: &str| bundle.extra_files.remove(name);
    let (raw_weights, rnn_state) = (take(RAW_WEIGHTS), take(RNN_STATE));
    let mut require = |name: &str| take(name).ok_or_else(|| inconsistent(path, name, "it is missing".into()));
    let (optimizer, progress) = (require(OPTIMIZER)?, require(PROGRESS)?);
    let progress = from_json(&progress, path)?;
    let metadata = &bundle.metadata;
    progress.check().map_err(|reason| inconsistent(path, PROGRESS, reason))?;
    if (metadata.steps, metadata.epochs) != (progress.steps, progress.epochs.len()) {
        let reason = "its steps and epochs are not those of the manifest";
        return Err(inconsistent(path, PROGRESS, reason.into()));
    }
    let TrainConfig { batch_size, mode, optimizer: ref optimizer_config, .. } = progress.config;

    let check_present = |name: &str, is_present: bool, is_expected: bool| match (is_present, is_expected) {
        (false, true) => Err(inconsistent(path, name, "it is missing".into())),
        (true, false) => Err(inconsistent(path, name, "it is not expected".into())),
        _ => Ok(()),
    };
    check_present(RAW_WEIGHTS, raw_weights.is_some(), progress.averaging() != Averaging::Off)?;
    let raw_model = raw_weights.map(|bytes| {
        let model = M::zeros(&metadata.config, device)?;
        weights_from_bytes(model, bytes).map_err(|reason| inconsistent(path, RAW_WEIGHTS, reason))
    });
    let raw_model = raw_model.transpose()?;
    let trained = raw_model.as_ref().unwrap_or(&bundle.model);
    if parameters(trained) != parameters(&bundle.model) {
        let reason = format!("its parameter ids are not those of {WEIGHTS}");
        return Err(inconsistent(path, RAW_WEIGHTS, reason));
    }

    let model_state = trained.init_state(1);
    let is_expected = mode.carries_state() && progress.holds_rnn_state() && model_state.is_some();
    check_present(RNN_STATE, rnn_state.is_some(), is_expected)?;
    let rnn_state = rnn_state.zip(model_state).map(|(bytes, model_state)| {
        state_from_bytes(&bytes, &model_state, batch_size).map_err(|reason| inconsistent(path, RNN_STATE, reason))
    });

    hashes.retain(|name, _| PARTS.contains(&name.as_str()));
    let expected = state_file::Expected {
        config: optimizer_config,
        parameters: &parameters(&TrainModule::new(trained.clone(), &progress.config).model),
        steps: progress.steps,
        parts: &hashes,
    };
    let optimizer =
        state_file::from_bytes(optimizer, &expected).map_err(|reason| inconsistent(path, OPTIMIZER, reason))?;
    Ok(Checkpoint { raw_model, optimizer, rnn_state: rnn_state.transpose()?, bundle, progress })
}

/// The error that a file of the checkpoint in `directory` contradicts the others.
pub(crate) fn inconsistent(directory: &Path, file: &str, reason: String) -> Error {
    let (directory, reason) = (directory.into(), format!("{file}: {reason}"));
    models::Error::Inconsistent { directory, reason }.into()
}

fn to_json(progress: &Progress) -> Vec<u8> {
    let mut value = serde_json::json!({ "format": FORMAT });
    let progress = serde_json::to_value(progress).expect("progress is plain data");
    if let (Value::Object(value), Value::Object(progress)) = (&mut value, progress) {
        value.extend(progress);
    }
    format!("{value:#}\n").into_bytes()
}

pub(crate) fn from_json(bytes: &[u8], path: &Path) -> Result<Progress> {
    let invalid = |reason| Error::Resume { directory: path.into(), reason };
    let unreadable = |error: serde_json::Error| inconsistent(path, PROGRESS, one_line(&error.to_string()));
    let value: Value = serde_json::from_slice(bytes).map_err(unreadable)?;
    // Check the format version first: the fields of later formats are unknown.
    let found = value["format"].as_u64().unwrap_or(0);
    if found != FORMAT {
        return Err(invalid(format!(
            "its {PROGRESS} has format {found} (0 for none), expected {FORMAT}; use the program that \
             wrote it"
        )));
    }
    serde_json::from_value(value).map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::config;

    #[test]
    fn progress_survives_a_round_trip_and_a_later_format_is_rejected() {
        let mut progress = Progress::new(config(), "00".into(), 7);
        progress.epoch_totals.nats = 0.1 + 0.2;
        progress.file_offsets.insert("metrics.jsonl".into(), 12);
        let bytes = to_json(&progress);
        assert_eq!(from_json(&bytes, Path::new("run")).unwrap(), progress);
        let text = String::from_utf8(bytes).unwrap();
        // Serialized names that differ from the field names.
        for name in [
            "method",
            "every-step",
            "length",
            "averaging",
            "patience",
            "look_every",
            "keeping",
            "last",
            "pass",
            "marks",
        ] {
            assert!(text.contains(&format!("\"{name}\":")), "{name} is missing in {text}");
        }
        let later = text.replace("\"format\": 1", "\"format\": 9");
        let error = from_json(later.as_bytes(), Path::new("run")).unwrap_err().to_string();
        assert!(error.contains("format 9") && error.contains("expected 1"), "{error}");
    }
}
