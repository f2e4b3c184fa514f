//! The manifest of a model directory: what is known about the network, the hashes of the files that belong to it, and
//! its own hash.

use std::collections::BTreeMap;
use std::path::Path;

use durable::read::{self, is_file_name};
use seqdata::hash::sha256;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use text_prep::error::one_line;

use crate::error::{Error, Result};
use crate::language_model::{LanguageModel, LanguageModelConfig};
use crate::network::Network;

/// The format of the directory that this program writes and reads.
pub const FORMAT: u64 = 2;
/// The file that makes a directory a model.
pub const MANIFEST: &str = "manifest.json";

/// No model has more epochs, steps or tokens in a window.
const MAX_COUNT: u64 = 1 << 48;

/// How a model reads the past tokens while it generates text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StateMode {
    /// The state is carried from token to token.
    #[serde(rename = "carried")]
    Carry,
    /// For every token the last window is read again from a zero state.
    #[serde(rename = "window")]
    Window,
}

/// What is saved about a network besides its weights; C is its configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metadata<C> {
    /// [`Network::KIND`]; omitted in the manifest of a language model.
    #[serde(rename = "purpose", default = "lm_kind", skip_serializing_if = "is_lm_kind")]
    pub kind: String,
    /// The network's configuration.
    #[serde(rename = "model")]
    pub config: C,
    /// Tokens in a training window; for question generation, in the longest training sentence.
    pub window: usize,
    /// The run's seed.
    pub seed: u64,
    /// Completed epochs.
    pub epochs: usize,
    /// Optimizer steps; 0 if unknown.
    #[serde(default)]
    pub steps: u64,
    /// Mean validation loss in nats per token, each window from a zero state, if measured.
    pub valid_loss_window: Option<f64>,
    /// Mean validation loss in nats per token for the same targets with carried state, if measured.
    pub valid_loss_carried: Option<f64>,
    /// How the model reads past tokens, if it has no validation loss that shows it, as after an import.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_state_mode: Option<StateMode>,
    /// The length in tokens that 99 % of the training documents do not exceed; `None` of running text and of directories of
    /// earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_len_p99: Option<usize>,
    /// The hash of the validation ids.
    pub valid_sha256: String,
}

fn lm_kind() -> String {
    LanguageModel::KIND.into()
}

fn is_lm_kind(kind: &str) -> bool {
    kind == LanguageModel::KIND
}

/// The metadata of a language model.
pub type LmMetadata = Metadata<LanguageModelConfig>;

impl LmMetadata {
    /// The metadata of a language model that was neither trained nor evaluated.
    pub fn new(config: LanguageModelConfig, window: usize, seed: u64, valid_sha256: String) -> Self {
        Self::untrained(LanguageModel::KIND, config, window, seed, valid_sha256)
    }
}

impl<C> Metadata<C> {
    /// The metadata of a network of this [kind](Network::KIND) that was neither trained nor evaluated.
    pub fn untrained(kind: &str, config: C, window: usize, seed: u64, valid_sha256: String) -> Self {
        Self {
            kind: kind.into(),
            config,
            window,
            seed,
            epochs: 0,
            steps: 0,
            valid_loss_window: None,
            valid_loss_carried: None,
            default_state_mode: None,
            document_len_p99: None,
            valid_sha256,
        }
    }

    /// Checks that the counters and losses are possible.
    ///
    /// # Errors
    /// The reason.
    fn check(&self) -> std::result::Result<(), String> {
        let Self { window, epochs, steps, valid_loss_window, valid_loss_carried, .. } = *self;
        let document_len = self.document_len_p99.unwrap_or(0) as u64;
        let counts = [
            ("window", window as u64),
            ("epochs", epochs as u64),
            ("steps", steps),
            ("document_len_p99", document_len),
        ];
        if let Some((name, found)) = counts.into_iter().find(|&(_, found)| found > MAX_COUNT) {
            return Err(format!("`{name}` is {found}, expected at most {MAX_COUNT}"));
        }
        let losses = [("valid_loss_window", valid_loss_window), ("valid_loss_carried", valid_loss_carried)];
        for (name, loss) in losses {
            // A loss may be negative by rounding; that of a model that diverged is not finite.
            if let Some(loss) = loss.filter(|&loss| loss < -1e-3) {
                return Err(format!("`{name}` is {loss}, expected 0 or more"));
            }
        }
        Ok(())
    }

    /// The lower of the two validation losses in nats per token, if measured.
    pub fn valid_loss(&self) -> Option<f64> {
        match (self.valid_loss_window, self.valid_loss_carried) {
            (Some(window), Some(carried)) => Some(window.min(carried)),
            (one, other) => one.or(other),
        }
    }

    /// The mode with the lower validation loss; of two equals [`StateMode::Carry`], which is faster. Without losses it
    /// is [`default_state_mode`](Self#structfield.default_state_mode), or else [`StateMode::Carry`].
    pub fn state_mode(&self) -> StateMode {
        match (self.valid_loss_window, self.valid_loss_carried) {
            (Some(window), Some(carried)) if window < carried => StateMode::Window,
            (Some(_), None) => StateMode::Window,
            (None, None) => self.default_state_mode.unwrap_or(StateMode::Carry),
            _ => StateMode::Carry,
        }
    }
}

/// The contents of a manifest.
#[derive(Serialize, Deserialize)]
pub(crate) struct Manifest<C> {
    format: u64,
    program: String,
    #[serde(rename = "about")]
    pub metadata: Metadata<C>,
    /// SHA-256 by file name.
    pub files: BTreeMap<String, String>,
    /// SHA-256 of the fields above.
    #[serde(rename = "seal", default)]
    own_hash: String,
}

impl<C: Serialize> Manifest<C> {
    /// The manifest of this program for files with these hashes.
    pub fn new(metadata: Metadata<C>, files: BTreeMap<String, String>) -> Self {
        let program = concat!("pastiche ", env!("CARGO_PKG_VERSION")).into();
        let mut manifest = Self { own_hash: String::new(), format: FORMAT, program, metadata, files };
        manifest.own_hash = manifest.expected_hash();
        manifest
    }

    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a manifest is plain data")
    }

    fn expected_hash(&self) -> String {
        let Self { format, program, metadata, files, .. } = self;
        let hashed = serde_json::to_vec(&(format, program, metadata, files));
        sha256(&hashed.expect("a manifest is plain data"))
    }
}

/// The error of a manifest without the file `name`.
pub(crate) fn not_listed(directory: &Path, name: &str) -> Error {
    Error::Manifest { directory: directory.into(), reason: format!("it does not list {name}") }
}

/// The error of a model directory without the file `name`.
pub(crate) fn missing(directory: &Path, name: &str) -> Error {
    Error::Missing { directory: directory.into(), file: name.into() }
}

/// Reads a manifest; of a network of this kind if one is given.
pub(crate) fn read_manifest<C: Serialize + DeserializeOwned>(
    directory: &Path,
    kind: Option<&'static str>,
) -> Result<Manifest<C>> {
    let path = directory.join(MANIFEST);
    let text = match read::small_text(&path) {
        Ok(text) => text,
        Err(error) if [std::io::ErrorKind::NotFound, std::io::ErrorKind::NotADirectory].contains(&error.kind()) => {
            return Err(Error::NotAModel(directory.into()));
        }
        Err(error) => return Err(Error::io(path, "read")(error)),
    };
    parse_manifest(directory, &text, kind)
}

/// As [`read_manifest`], from its contents.
pub(crate) fn parse_manifest<C: Serialize + DeserializeOwned>(
    directory: &Path,
    text: &str,
    kind: Option<&'static str>,
) -> Result<Manifest<C>> {
    let invalid = |reason: String| Error::Manifest { directory: directory.into(), reason };
    let value: serde_json::Value = serde_json::from_str(text).map_err(|error| invalid(one_line(&error.to_string())))?;
    // The format is checked first: another format may have other fields.
    let found = value["format"].as_u64().unwrap_or(0);
    if found != FORMAT {
        return Err(Error::Format { directory: directory.into(), found, expected: FORMAT });
    }
    // Then the kind: another kind has another configuration.
    let found = value["about"]["purpose"].as_str().unwrap_or(LanguageModel::KIND);
    if let Some(expected) = kind.filter(|&expected| expected != found) {
        let (directory, found) = (directory.into(), one_line(found));
        return Err(Error::WrongKind { directory, found, expected });
    }
    let manifest: Manifest<C> = serde_json::from_value(value).map_err(|error| invalid(one_line(&error.to_string())))?;
    if manifest.own_hash != manifest.expected_hash() {
        return Err(invalid(
            "it is not what was saved (its hash does not match): it was edited or damaged; restore it \
             or use one of the run's checkpoints"
                .into(),
        ));
    }
    manifest.metadata.check().map_err(|reason| {
        invalid(format!("{reason}: it was edited; restore it or use one of the run's checkpoints"))
    })?;
    check_names(directory, manifest.files.keys())?;
    Ok(manifest)
}

/// Rejects names that lead out of the directory.
pub(crate) fn check_names<'a>(directory: &Path, mut names: impl Iterator<Item = &'a String>) -> Result<()> {
    let Some(name) = names.find(|name| !is_file_name(name)) else { return Ok(()) };
    let reason = format!("it lists the file `{}`; expected names of files in this directory", one_line(name));
    Err(Error::Manifest { directory: directory.into(), reason })
}

/// Reads the file `name`, which must have the hash `expected`.
pub(crate) fn read_checked(directory: &Path, name: &str, expected: &str) -> Result<Vec<u8>> {
    let bytes = read_file(directory, name)?;
    check_hash(directory, name, &bytes, expected)?;
    Ok(bytes)
}

/// Reads the file `name`.
pub(crate) fn read_file(directory: &Path, name: &str) -> Result<Vec<u8>> {
    let path = directory.join(name);
    read::file(&path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => missing(directory, name),
        _ => Error::io(path, "read")(error),
    })
}

/// Checks that the contents of the file `name` have the hash `expected`.
pub(crate) fn check_hash(directory: &Path, name: &str, bytes: &[u8], expected: &str) -> Result<()> {
    let found = sha256(bytes);
    if found == expected {
        return Ok(());
    }
    let short = |hash: &str| hash.chars().take(12).collect();
    Err(Error::HashMismatch {
        directory: directory.into(),
        file: name.into(),
        found: short(&found),
        expected: short(expected),
    })
}
