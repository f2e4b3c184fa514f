//! The model directory: weights, tokenizer and configuration that belong together, and a manifest
//! with their hashes that says so.
//!
//! Written file by file beside the final name and renamed, the manifest last: without a manifest
//! there is no model. Read strictly: a file that is missing, cut short or foreign is refused.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use burn::tensor::Device;
use durable::{Staged, directory, failpoint};
use seqdata::hash::sha256;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use text_prep::Tokenizer;

use crate::config::LanguageModelConfig;
use crate::error::{Error, Result};
use crate::language_model::LanguageModel;
use crate::network::{Network, Purpose};
use crate::packed::{pack_weights, unpack_weights};

/// The format of the directory that this program writes and reads.
pub const FORMAT: u64 = 2;
/// The file that makes a directory a model.
pub const MANIFEST: &str = "manifest.json";
/// The weights, a Burnpack file.
pub const WEIGHTS: &str = "weights.bpk";
/// Cleaning, splitting and vocabulary.
pub const TOKENIZER: &str = "tokenizer.json";
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

/// What a network says of itself besides its weights; C is its blueprint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AboutNetwork<C> {
    /// What it is for.
    #[serde(default, skip_serializing_if = "Purpose::is_writing")]
    pub purpose: Purpose,
    /// The blueprint.
    pub model: C,
    /// Tokens in a training window; of a network that asks, in the longest sentence it learned from.
    pub window: usize,
    /// The run's seed.
    pub seed: u64,
    /// Whole epochs behind these weights.
    pub epochs: usize,
    /// Updates behind these weights; 0 where nobody counted them.
    #[serde(default)]
    pub steps: u64,
    /// Mean validation loss in nats a token, each window read from an empty state, if measured.
    pub valid_loss_window: Option<f64>,
    /// The same targets with the state carried through, if measured.
    pub valid_loss_carried: Option<f64>,
    /// The hash of the validation ids.
    pub valid_sha256: String,
}

/// What a language model says of itself.
pub type About = AboutNetwork<LanguageModelConfig>;

impl About {
    /// What a language model says of itself that nobody has trained or judged yet.
    pub fn new(model: LanguageModelConfig, window: usize, seed: u64, valid_sha256: String) -> Self {
        Self::untrained(Purpose::Writing, model, window, seed, valid_sha256)
    }
}

impl<C> AboutNetwork<C> {
    /// What a network says of itself that nobody has trained or judged yet.
    pub fn untrained(
        purpose: Purpose,
        model: C,
        window: usize,
        seed: u64,
        valid_sha256: String,
    ) -> Self {
        Self {
            purpose,
            model,
            window,
            seed,
            epochs: 0,
            steps: 0,
            valid_loss_window: None,
            valid_loss_carried: None,
            valid_sha256,
        }
    }

    /// The lowest validation loss in nats a token, however the past was read, if measured.
    pub fn valid_loss(&self) -> Option<f64> {
        match (self.valid_loss_window, self.valid_loss_carried) {
            (Some(window), Some(carried)) => Some(window.min(carried)),
            (one, other) => one.or(other),
        }
    }

    /// The better way to read the past, by validation loss; carried of two equals, for it is faster.
    pub fn context(&self) -> Context {
        match (self.valid_loss_window, self.valid_loss_carried) {
            (Some(window), Some(carried)) if window < carried => Context::Window,
            (Some(_), None) => Context::Window,
            _ => Context::Carried,
        }
    }
}

/// A network with all that it needs to be used.
#[derive(Clone, Debug)]
pub struct Trained<M: Network> {
    /// The weights.
    pub model: M,
    /// From text to ids and back.
    pub tokenizer: Tokenizer,
    /// What the model says of itself.
    pub about: AboutNetwork<M::Config>,
    /// Further files by name, such as the run's configuration.
    pub extra: BTreeMap<String, Vec<u8>>,
}

/// A language model with all that it needs to write.
pub type Artifact = Trained<LanguageModel>;

/// What is known of a network whatever it is for: its blueprint is plain data.
type AboutAny = AboutNetwork<serde_json::Value>;

#[derive(Serialize, Deserialize)]
struct Manifest<C> {
    format: u64,
    program: String,
    about: AboutNetwork<C>,
    /// SHA-256 by file name.
    files: BTreeMap<String, String>,
    /// SHA-256 of all the above; empty in what was written before there were seals.
    #[serde(default)]
    seal: String,
}

impl<C: Serialize> Manifest<C> {
    fn expected_seal(&self) -> String {
        let Self { format, program, about, files, .. } = self;
        let sealed = serde_json::to_vec(&(format, program, about, files));
        sha256(&sealed.expect("a manifest is plain data"))
    }
}

impl<M: Network> Trained<M> {
    /// Writes the model into `directory`, which is made if it is not there.
    ///
    /// # Errors
    /// If the file system refuses. What was in `directory` is untouched if it refuses to write; if
    /// it refuses a rename there is no manifest, so that no mixture is read as a model.
    pub fn save(&self, directory: &Path) -> Result<()> {
        directory::create(directory)?;
        let weights = pack_weights(&self.model)
            .map_err(|reason| Error::Mismatch { directory: directory.into(), reason })?;
        let mut files = self.extra.clone();
        files.insert(WEIGHTS.into(), weights);
        files.insert(TOKENIZER.into(), self.tokenizer.to_json().into_bytes());
        files.insert(VOCABULARY.into(), self.tokenizer.vocabulary.to_tsv().into_bytes());
        let mut manifest = Manifest {
            seal: String::new(),
            format: FORMAT,
            program: concat!("pastiche ", env!("CARGO_PKG_VERSION")).into(),
            about: self.about.clone(),
            files: files.iter().map(|(name, bytes)| (name.clone(), sha256(bytes))).collect(),
        };
        manifest.seal = manifest.expected_seal();
        let manifest = serde_json::to_string_pretty(&manifest).expect("a manifest is plain data");

        // A full disk must not cost the model that is there: all is written before any is renamed.
        let mut staged: Vec<Staged> = Vec::with_capacity(files.len());
        for (name, bytes) in &files {
            staged.push(Staged::write(directory.join(name), bytes)?);
        }
        let manifest = Staged::write(directory.join(MANIFEST), manifest.as_bytes())?;
        // Between the renames there is no model rather than a mixed one.
        let place = directory.join(MANIFEST);
        let removed = failpoint::reach("remove", &place).and_then(|()| fs::remove_file(&place));
        match removed {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::io(place, "replaced")(error));
            }
            _ => {}
        }
        staged.into_iter().try_for_each(Staged::rename)?;
        directory::sync(directory)?;
        manifest.rename()?;
        Ok(directory::sync(directory)?)
    }

    /// Reads the model in `directory` onto `device`, checking every file against the manifest.
    ///
    /// # Errors
    /// If it is no model directory, or a file in it is missing, cut short, foreign or of another
    /// model.
    pub fn load(directory: &Path, device: &Device) -> Result<Self> {
        let manifest = read_manifest::<M::Config>(directory, Some(M::PURPOSE))?;
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
        let (known, planned) = (tokenizer.vocabulary.len(), M::vocabulary_of(&about.model));
        if known != planned {
            return Err(mismatch(format!(
                "the tokenizer knows {known} ids, the model was built for {planned}"
            )));
        }
        let model = unpack_weights(&about.model, weights, device).map_err(mismatch)?;
        Ok(Self { model, tokenizer, about, extra })
    }

    /// Reads what the model in `directory` says of itself, without its weights.
    ///
    /// # Errors
    /// If there is no readable manifest.
    pub fn about(directory: &Path) -> Result<AboutNetwork<M::Config>> {
        Ok(read_manifest(directory, Some(M::PURPOSE))?.about)
    }
}

/// Reads the tokenizer of the model in `directory`, without its weights.
///
/// # Errors
/// If it is no model directory, or the tokenizer is not the one that was saved.
pub fn tokenizer(directory: &Path) -> Result<Tokenizer> {
    let manifest = read_manifest::<serde_json::Value>(directory, None)?;
    let mismatch = |reason| Error::Mismatch { directory: directory.into(), reason };
    let hash = manifest.files.get(TOKENIZER).map_or("", String::as_str);
    let bytes = read_checked(directory, TOKENIZER, hash)?;
    Tokenizer::from_json(&String::from_utf8_lossy(&bytes))
        .map_err(|error| mismatch(error.to_string()))
}

/// Checks every file of `directory` against its manifest.
///
/// # Errors
/// If it is no model directory, or a file in it is missing, cut short or foreign.
pub fn verify(directory: &Path) -> Result<()> {
    let files = read_manifest::<serde_json::Value>(directory, None)?.files;
    files.iter().try_for_each(|(name, hash)| read_checked(directory, name, hash).map(|_| ()))
}

/// Reads what the network in `directory` says of itself, whatever it is for.
///
/// # Errors
/// If there is no readable manifest.
pub fn about_any(directory: &Path) -> Result<AboutAny> {
    Ok(read_manifest(directory, None)?.about)
}

/// The manifest of a network, of one for `purpose` if that is asked for.
fn read_manifest<C: Serialize + DeserializeOwned>(
    directory: &Path,
    purpose: Option<Purpose>,
) -> Result<Manifest<C>> {
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
    // So is what it is for: another purpose has another blueprint.
    let found = match &value["about"]["purpose"] {
        serde_json::Value::Null => Purpose::default(),
        found => serde_json::from_value(found.clone()).map_err(refuse)?,
    };
    if let Some(expected) = purpose.filter(|&expected| expected != found) {
        return Err(Error::OtherPurpose {
            directory: directory.into(),
            found: found.does(),
            expected: expected.does(),
            cure: expected.commands(),
        });
    }
    let manifest: Manifest<C> = serde_json::from_value(value).map_err(refuse)?;
    match manifest.seal.is_empty() || manifest.seal == manifest.expected_seal() {
        true => Ok(manifest),
        false => Err(Error::Manifest {
            directory: directory.into(),
            reason: "it is not what was saved (its seal is broken): it was edited or damaged; \
                     restore it or take one of the run's checkpoints"
                .into(),
        }),
    }
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
