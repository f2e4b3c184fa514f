//! The model directory: weights, tokenizer and configuration that belong together, and a manifest
//! with their hashes that says so.
//!
//! Written file by file beside the final name and renamed, the manifest last: without a manifest
//! there is no model. Read strictly: a file that is missing, cut short or foreign is refused.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::store::ModuleRecord;
use burn::tensor::{Bytes, Device};
use seqdata::hash::sha256;
use serde::{Deserialize, Serialize};
use text_prep::Tokenizer;

use crate::config::LanguageModelConfig;
use crate::error::{Error, Result};
use crate::language_model::LanguageModel;

/// The format of the directory that this program writes and reads.
pub const FORMAT: u64 = 2;
/// The file that makes a directory a model.
pub const MANIFEST: &str = "manifest.json";
const WEIGHTS: &str = "weights.bpk";
const TOKENIZER: &str = "tokenizer.json";
const VOCABULARY: &str = "vocabulary.tsv";

/// How a model reads its past while it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Context {
    /// The state is carried from token to token.
    Carried,
    /// The last window is read afresh for every token.
    Window,
}

/// What a model says of itself besides its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// The blueprint.
    pub model: LanguageModelConfig,
    /// Tokens in a training window.
    pub window: usize,
    /// The run's seed.
    pub seed: u64,
    /// Epochs behind these weights.
    pub epochs: usize,
    /// Mean validation loss in nats a token, each window read from an empty state, if measured.
    pub valid_loss_window: Option<f64>,
    /// The same targets with the state carried through, if measured.
    pub valid_loss_carried: Option<f64>,
    /// The hash of the validation ids.
    pub valid_sha256: String,
}

impl About {
    /// The better way to read the past, by validation loss; carried of two equals, for it is faster.
    pub fn context(&self) -> Context {
        match (self.valid_loss_window, self.valid_loss_carried) {
            (Some(window), Some(carried)) if window < carried => Context::Window,
            (Some(_), None) => Context::Window,
            _ => Context::Carried,
        }
    }
}

/// A model with all it needs to write.
#[derive(Clone, Debug)]
pub struct Artifact {
    /// The weights.
    pub model: LanguageModel,
    /// From text to ids and back.
    pub tokenizer: Tokenizer,
    /// What the model says of itself.
    pub about: About,
    /// Further files by name, such as the run's configuration.
    pub extra: BTreeMap<String, Vec<u8>>,
}

#[derive(Serialize, Deserialize)]
struct Manifest {
    format: u64,
    program: String,
    about: About,
    /// SHA-256 by file name.
    files: BTreeMap<String, String>,
}

impl Artifact {
    /// Writes the model into `directory`, which is made if it is not there.
    ///
    /// # Errors
    /// If the file system refuses. What was in `directory` is untouched if it refuses to write; if
    /// it refuses a rename there is no manifest, so that no mixture is read as a model.
    pub fn save(&self, directory: &Path) -> Result<()> {
        fs::create_dir_all(directory).map_err(Error::io(directory, "made"))?;
        let record = self.model.clone().into_record().into_bytes();
        let weights = record.map_err(|error| Error::Mismatch {
            directory: directory.into(),
            reason: format!("the weights cannot be packed: {error}"),
        })?;
        let mut files = self.extra.clone();
        files.insert(WEIGHTS.into(), weights.to_vec());
        files.insert(TOKENIZER.into(), self.tokenizer.to_json().into_bytes());
        files.insert(VOCABULARY.into(), self.tokenizer.vocabulary.to_tsv().into_bytes());
        let manifest = Manifest {
            format: FORMAT,
            program: concat!("pastiche ", env!("CARGO_PKG_VERSION")).into(),
            about: self.about.clone(),
            files: files.iter().map(|(name, bytes)| (name.clone(), sha256(bytes))).collect(),
        };
        let manifest = serde_json::to_string_pretty(&manifest).expect("a manifest is plain data");

        // A full disk must not cost the model that is there: all is written before any is renamed.
        let mut staged: Vec<Staged> = Vec::with_capacity(files.len());
        for (name, bytes) in &files {
            staged.push(Staged::write(directory.join(name), bytes)?);
        }
        let manifest = Staged::write(directory.join(MANIFEST), manifest.as_bytes())?;
        // Between the renames there is no model rather than a mixed one.
        match fs::remove_file(directory.join(MANIFEST)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::io(directory.join(MANIFEST), "replaced")(error));
            }
            _ => {}
        }
        staged.into_iter().try_for_each(Staged::rename)?;
        manifest.rename()
    }

    /// Reads the model in `directory` onto `device`, checking every file against the manifest.
    ///
    /// # Errors
    /// If it is no model directory, or a file in it is missing, cut short, foreign or of another
    /// model.
    pub fn load(directory: &Path, device: &Device) -> Result<Self> {
        let manifest = read_manifest(directory)?;
        let mut extra = BTreeMap::new();
        for (name, hash) in &manifest.files {
            extra.insert(name.clone(), read_checked(directory, name, hash)?);
        }
        let mut take = |name: &str| {
            extra.remove(name).ok_or_else(|| Error::Manifest {
                directory: directory.into(),
                reason: format!("it does not name {name}"),
            })
        };
        let (weights, tokenizer) = (take(WEIGHTS)?, take(TOKENIZER)?);
        take(VOCABULARY)?;

        let mismatch = |reason| Error::Mismatch { directory: directory.into(), reason };
        let text = String::from_utf8_lossy(&tokenizer);
        let tokenizer = Tokenizer::from_json(&text).map_err(|error| mismatch(error.to_string()))?;
        let about = manifest.about;
        if about.window == 0 {
            return Err(mismatch("its manifest says that a window holds no token".into()));
        }
        let (known, planned) = (tokenizer.vocabulary.len(), about.model.vocabulary);
        if known != planned {
            return Err(mismatch(format!(
                "the tokenizer knows {known} ids, the model was built for {planned}"
            )));
        }
        let blank = about.model.blank(device)?;
        // Read whole into memory: records on disk are read again, or changed, at first use.
        let record = ModuleRecord::from_bytes(Bytes::from_bytes_vec(weights));
        let model = record
            .and_then(|record| blank.try_load_record(record))
            .map_err(|error| mismatch(format!("the weights do not fit the model: {error}")))?;
        Ok(Self { model, tokenizer, about, extra })
    }

    /// Reads what the model in `directory` says of itself, without its weights.
    ///
    /// # Errors
    /// If there is no readable manifest.
    pub fn about(directory: &Path) -> Result<About> {
        Ok(read_manifest(directory)?.about)
    }
}

fn read_manifest(directory: &Path) -> Result<Manifest> {
    let path = directory.join(MANIFEST);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error)
            if [std::io::ErrorKind::NotFound, std::io::ErrorKind::NotADirectory]
                .contains(&error.kind()) =>
        {
            return Err(Error::NotAModel(directory.into()));
        }
        Err(error) => return Err(Error::io(path, "read")(error)),
    };
    let refuse = |reason: serde_json::Error| Error::Manifest {
        directory: directory.into(),
        reason: reason.to_string(),
    };
    let value: serde_json::Value = serde_json::from_str(&text).map_err(refuse)?;
    // The format is looked at first: what else a later format holds is not ours to know.
    let found = value["format"].as_u64().unwrap_or(0);
    if found != FORMAT {
        return Err(Error::Format { directory: directory.into(), found, expected: FORMAT });
    }
    serde_json::from_value(value).map_err(refuse)
}

fn read_checked(directory: &Path, name: &str, expected: &str) -> Result<Vec<u8>> {
    let path = directory.join(name);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::Missing { directory: directory.into(), file: name.into() });
        }
        Err(error) => return Err(Error::io(path, "read")(error)),
    };
    let found = sha256(&bytes);
    if found != expected {
        let short = |hash: &str| hash.chars().take(12).collect();
        return Err(Error::Foreign {
            directory: directory.into(),
            file: name.into(),
            found: short(&found),
            expected: short(expected),
        });
    }
    Ok(bytes)
}

/// Writes beside the final name, syncs, renames: `path` holds all of `bytes` or what it held.
///
/// # Errors
/// If the file system refuses; what was written beside is removed.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    Staged::write(path.into(), bytes)?.rename()
}

/// A file written beside its place, and removed again unless it is renamed.
struct Staged {
    beside: PathBuf,
    place: PathBuf,
}

impl Staged {
    fn write(place: PathBuf, bytes: &[u8]) -> Result<Self> {
        let mut beside = place.as_os_str().to_owned();
        beside.push(".writing");
        let staged = Self { beside: beside.into(), place };
        File::create(&staged.beside)
            .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
            .map_err(Error::io(&staged.place, "written"))?;
        Ok(staged)
    }

    fn rename(self) -> Result<()> {
        fs::rename(&self.beside, &self.place).map_err(Error::io(&self.place, "renamed"))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // After the rename there is nothing left here.
        let _ = fs::remove_file(&self.beside);
    }
}
