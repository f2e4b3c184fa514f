//! The model directory: weights, tokenizer and configuration that belong together, and a manifest
//! with their hashes.
//!
//! Every file is written under a temporary name and then renamed, the manifest last: without a
//! manifest the directory is not a model. A file that is missing, truncated or of another model is
//! an error.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use burn::tensor::Device;
use durable::{StagedFile, directory, failpoint};
use kernels::KernelMode;
use seqdata::hash::sha256;
use serde::Serialize;
use serde::de::DeserializeOwned;
use text_prep::Tokenizer;

use crate::error::{Error, Result};
use crate::int8_weights::{int8_weights_from_bytes, int8_weights_to_bytes};
use crate::language_model::LanguageModel;
use crate::manifest::{
    Manifest, check_hash, check_names, missing, not_listed, parse_manifest, read_checked, read_file, read_manifest,
};
use crate::network::Network;
use crate::serialize::{weights_from_bytes, weights_to_bytes};

pub use crate::manifest::{FORMAT, LmMetadata, MANIFEST, Metadata, StateMode};

/// The weights, a Burnpack file of 32-bit floats.
pub const WEIGHTS: &str = "weights.bpk";
/// The weights of a directory that [`ModelBundle::save_int8`] wrote, in place of [`WEIGHTS`].
pub const INT8_WEIGHTS: &str = "weights-int8.safetensors";
/// Cleaning rules, pre-tokenizer and vocabulary.
pub const TOKENIZER: &str = "tokenizer.json";
const VOCABULARY: &str = "vocabulary.tsv";
/// The hashes of the training documents, if a model was trained on documents: an additional file, which
/// [`DocumentHashes`](seqdata::DocumentHashes) reads.
pub const DOCUMENT_HASHES: &str = "document-hashes.bin";
/// The n-grams of a training text and the weights of their mixture with the network: an additional file, which
/// `generate::Mixture` reads.
pub const NGRAM_COUNTS: &str = "ngram-counts.bin";
/// More tokens in a window than any model is trained with: prompts are padded to this length.
const MAX_WINDOW: usize = 1 << 20;

/// A network with everything that is needed to use it.
#[derive(Clone, Debug)]
pub struct ModelBundle<M: Network> {
    /// The network with its weights.
    pub model: M,
    /// From text to ids and back.
    pub tokenizer: Tokenizer,
    /// The rest of the manifest.
    pub metadata: Metadata<M::Config>,
    /// Additional files by name, such as the run's configuration.
    pub extra_files: BTreeMap<String, Vec<u8>>,
}

/// A language model with everything that is needed to generate text.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let my_model = folder.path().join("my-model");
/// use models::{LanguageModelConfig, LayerConfig, LmBundle, LmMetadata};
/// use text_prep::{Cleaner, OovPolicy, PreTokenizer, Tokenizer, Vocabulary, WordOptions};
///
/// let tokenizer = Tokenizer {
///     cleaner: Cleaner::preset("prose")?,
///     pre_tokenizer: PreTokenizer::Words(WordOptions::default()),
///     vocabulary: Vocabulary::from_counts([("the", 2), ("fox", 1)], 1, true),
///     document_separator: None,
///     oov: OovPolicy::Unknown,
/// };
/// let config = LanguageModelConfig::new(tokenizer.vocabulary.len(), 4, vec![LayerConfig::lstm(8)]);
/// let device = kernels::default_device();
/// // Train `model` between these two lines.
/// let model = config.init(1, &device)?;
/// let metadata = LmMetadata::new(config, 20, 1, String::new());
/// LmBundle::new(model, tokenizer, metadata).save(&my_model)?;
///
/// let loaded = LmBundle::load(&my_model, &device)?;
/// assert_eq!(loaded.metadata.config.embedding_dim, 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type LmBundle = ModelBundle<LanguageModel>;

impl<M: Network> ModelBundle<M> {
    /// A bundle without additional files.
    pub fn new(model: M, tokenizer: Tokenizer, metadata: Metadata<M::Config>) -> Self {
        Self { model, tokenizer, metadata, extra_files: BTreeMap::new() }
    }

    /// The same model, computed by fused kernels (the default) or by Burn's own operations.
    #[must_use]
    pub fn with_kernels(self, kernels: KernelMode) -> Self {
        Self { model: self.model.with_kernels(kernels), ..self }
    }

    /// Writes the model into `directory`, which is created if necessary.
    ///
    /// # Errors
    /// If a name in `extra_files` is not that of a file, or the file system fails. If a write fails, the files in
    /// `directory` are unchanged; if a rename fails, there is no manifest, so that a mixture of two models cannot be
    /// loaded.
    pub fn save(&self, directory: impl AsRef<Path>) -> Result<()> {
        self.create(directory.as_ref(), WEIGHTS, weights_to_bytes(&self.model))
    }

    /// Like [`save`](Self::save), with weights rounded to [8 bits](crate::int8_weights): in about a quarter of the
    /// space. [`load`](Self::load) reads such a directory like any other, as a model of 32-bit floats.
    ///
    /// # Errors
    /// As [`save`](Self::save), and if the weights are not finite.
    pub fn save_int8(&self, directory: impl AsRef<Path>) -> Result<()> {
        self.create(directory.as_ref(), INT8_WEIGHTS, int8_weights_to_bytes(&self.model))
    }

    fn create(
        &self,
        directory: &Path,
        weights_file: &str,
        weights: std::result::Result<Vec<u8>, String>,
    ) -> Result<()> {
        let weights = weights.map_err(|reason| Error::Inconsistent { directory: directory.into(), reason })?;
        check_names(directory, self.extra_files.keys())?;
        directory::create(directory)?;
        self.save_files(directory, weights_file, &weights)
    }

    /// Like [`save`](Self::save), into an existing directory, with the weights as bytes if they are at hand.
    ///
    /// # Errors
    /// As [`save`](Self::save).
    pub fn save_with_weights(&self, directory: impl AsRef<Path>, weights: &[u8]) -> Result<()> {
        self.save_files(directory.as_ref(), WEIGHTS, weights)
    }

    fn save_files(&self, directory: &Path, weights_file: &str, weights: &[u8]) -> Result<()> {
        check_names(directory, self.extra_files.keys())?;
        let (tokenizer, vocabulary) = (self.tokenizer.to_json(), self.tokenizer.vocabulary.to_tsv());
        // By reference: a checkpoint's files are several times the model.
        let extra_files = self.extra_files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
        let mut files: BTreeMap<&str, &[u8]> = extra_files.collect();
        files.insert(weights_file, weights);
        files.insert(TOKENIZER, tokenizer.as_bytes());
        files.insert(VOCABULARY, vocabulary.as_bytes());
        let hashes = files.iter().map(|(&name, &bytes)| (name.into(), sha256(bytes))).collect();
        let manifest = Manifest::new(self.metadata.clone(), hashes).to_json();

        // A full disk must not destroy the old model: all files are written before any is renamed.
        let mut staged: Vec<StagedFile> = Vec::with_capacity(files.len());
        for (&name, &bytes) in &files {
            staged.push(StagedFile::write(directory.join(name), bytes)?);
        }
        let manifest = StagedFile::write(directory.join(MANIFEST), manifest.as_bytes())?;
        // Between the renames there is no manifest, so that no mixture of two models can be loaded.
        let path = directory.join(MANIFEST);
        let removed = failpoint::reach("remove", &path).and_then(|()| fs::remove_file(&path));
        match removed {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::io(path, "replaced")(error));
            }
            _ => {}
        }
        staged.into_iter().try_for_each(StagedFile::rename)?;
        directory::sync(directory)?;
        manifest.rename()?;
        Ok(directory::sync(directory)?)
    }

    /// Loads the model in `directory` onto `device` and checks every file against the manifest.
    ///
    /// # Errors
    /// If it is not a model directory of this kind, or a file in it is missing, truncated or of another
    /// model.
    pub fn load(directory: impl AsRef<Path>, device: &Device) -> Result<Self> {
        Self::load_without(directory, &[], device)
    }

    /// As [`load`](Self::load), without the additional files of these names: they are checked, and not kept in memory.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_without(directory: impl AsRef<Path>, omitted: &[&str], device: &Device) -> Result<Self> {
        let directory = directory.as_ref();
        let manifest = read_manifest::<M::Config>(directory, Some(M::KIND))?;
        let read = |file: &str| Ok(Some(Cow::Owned(read_file(directory, file)?)));
        Self::from_manifest(directory, manifest, read, omitted, device)
    }

    /// As [`load`](Self::load), without the additional files of these names, which are not read: they may be damaged or
    /// missing.
    ///
    /// # Errors
    /// As [`load`](Self::load), except for these files.
    pub fn load_unread(directory: impl AsRef<Path>, unread: &[&str], device: &Device) -> Result<Self> {
        let directory = directory.as_ref();
        let manifest = read_manifest::<M::Config>(directory, Some(M::KIND))?;
        let read = |file: &str| {
            if unread.contains(&file) {
                Ok(None)
            } else {
                read_file(directory, file).map(|bytes| Some(Cow::Owned(bytes)))
            }
        };
        Self::from_manifest(directory, manifest, read, &[], device)
    }

    /// As [`load`](Self::load), from the contents of the files by name, which may be more than those of the manifest.
    /// Additional files that are left out are not checked. In errors the directory is called `name`.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_files(name: &Path, files: &[(&str, &[u8])], device: &Device) -> Result<Self> {
        let manifest = manifest_of_files(name, files, Some(M::KIND))?;
        let is_needed = |file: &str| [WEIGHTS, INT8_WEIGHTS, TOKENIZER, VOCABULARY].contains(&file);
        Self::from_manifest(
            name,
            manifest,
            |file| match contents(files, file) {
                None if is_needed(file) => Err(missing(name, file)),
                bytes => Ok(bytes.map(Cow::Borrowed)),
            },
            &[],
            device,
        )
    }

    /// Reads the metadata and the tokenizer from the contents of the files by name, as [`load_files`](Self::load_files) does,
    /// without the weights.
    ///
    /// # Errors
    /// As [`read_metadata`](Self::read_metadata) and [`read_tokenizer`].
    pub fn read_files(name: &Path, files: &[(&str, &[u8])]) -> Result<(Metadata<M::Config>, Tokenizer)> {
        let manifest: Manifest<M::Config> = manifest_of_files(name, files, Some(M::KIND))?;
        let hash = manifest.files.get(TOKENIZER).ok_or_else(|| not_listed(name, TOKENIZER))?;
        let tokenizer = contents(files, TOKENIZER).ok_or_else(|| missing(name, TOKENIZER))?;
        check_hash(name, TOKENIZER, tokenizer, hash)?;
        let tokenizer = parse_tokenizer(name, tokenizer)?;
        Ok((manifest.metadata, tokenizer))
    }

    /// The model of a manifest, whose files `read` returns by name, or `None` for one that is left out. `omitted` are only
    /// checked.
    fn from_manifest<'a>(
        directory: &Path,
        manifest: Manifest<M::Config>,
        read: impl Fn(&str) -> Result<Option<Cow<'a, [u8]>>>,
        omitted: &[&str],
        device: &Device,
    ) -> Result<Self> {
        let mut files: BTreeMap<String, Cow<'a, [u8]>> = BTreeMap::new();
        for (name, hash) in &manifest.files {
            let Some(bytes) = read(name)? else { continue };
            check_hash(directory, name, &bytes, hash)?;
            if !omitted.contains(&name.as_str()) {
                files.insert(name.clone(), bytes);
            }
        }
        let (weights, int8_weights) = (files.remove(WEIGHTS), files.remove(INT8_WEIGHTS));
        let mut take = |name: &str| files.remove(name).ok_or_else(|| not_listed(directory, name));
        let tokenizer = take(TOKENIZER)?;
        take(VOCABULARY)?;
        let extra_files = files.into_iter().map(|(name, bytes)| (name, bytes.into_owned())).collect();

        let inconsistent = |reason| Error::Inconsistent { directory: directory.into(), reason };
        let tokenizer = parse_tokenizer(directory, &tokenizer)?;
        let metadata = manifest.metadata;
        if !(1..=MAX_WINDOW).contains(&metadata.window) {
            let found = metadata.window;
            return Err(inconsistent(format!(
                "{MANIFEST}: the window has the length {found}, expected 1 to {MAX_WINDOW}"
            )));
        }
        let (known, expected) = (tokenizer.vocabulary.len(), M::vocab_size(&metadata.config));
        if known != expected {
            return Err(inconsistent(format!("the tokenizer has {known} ids, the model expects {expected}")));
        }
        M::check_vocabulary(&metadata.config, &tokenizer.vocabulary).map_err(inconsistent)?;
        let model = M::zeros(&metadata.config, device).map_err(|error| inconsistent(format!("{MANIFEST}: {error}")))?;
        let (file, model) = match (weights, int8_weights) {
            (Some(weights), None) => (WEIGHTS, weights_from_bytes(model, weights.into_owned())),
            (None, Some(weights)) => (INT8_WEIGHTS, int8_weights_from_bytes(model, &weights)),
            (None, None) => return Err(not_listed(directory, WEIGHTS)),
            (Some(_), Some(_)) => {
                return Err(inconsistent(format!("it has {WEIGHTS} and {INT8_WEIGHTS}, expected one of them")));
            }
        };
        let model = model.map_err(|reason| inconsistent(format!("{file}: {reason}")))?;
        Ok(Self { model, tokenizer, metadata, extra_files })
    }

    /// Reads the metadata of the model in `directory`, without its weights.
    ///
    /// # Errors
    /// If there is no readable manifest of this kind.
    pub fn read_metadata(directory: impl AsRef<Path>) -> Result<Metadata<M::Config>> {
        Ok(read_manifest(directory.as_ref(), Some(M::KIND))?.metadata)
    }
}

/// The contents of the file `name`, if it is one of `files`.
fn contents<'a>(files: &[(&str, &'a [u8])], name: &str) -> Option<&'a [u8]> {
    files.iter().find(|(file, _)| *file == name).map(|&(_, bytes)| bytes)
}

/// The manifest among `files`; of a network of this kind if one is given.
fn manifest_of_files<C: Serialize + DeserializeOwned>(
    name: &Path,
    files: &[(&str, &[u8])],
    kind: Option<&'static str>,
) -> Result<Manifest<C>> {
    let manifest = contents(files, MANIFEST).ok_or_else(|| Error::NotAModel(name.into()))?;
    parse_manifest(name, &String::from_utf8_lossy(manifest), kind)
}

/// Reads the tokenizer of the model in `directory`, without its weights.
///
/// # Errors
/// If it is not a model directory, or the tokenizer is not the one that was saved.
pub fn read_tokenizer(directory: impl AsRef<Path>) -> Result<Tokenizer> {
    let directory = directory.as_ref();
    let manifest = read_manifest::<serde_json::Value>(directory, None)?;
    let hash = manifest.files.get(TOKENIZER).ok_or_else(|| not_listed(directory, TOKENIZER))?;
    parse_tokenizer(directory, &read_checked(directory, TOKENIZER, hash)?)
}

fn parse_tokenizer(directory: &Path, json: &[u8]) -> Result<Tokenizer> {
    Tokenizer::from_json(&String::from_utf8_lossy(json))
        .map_err(|error| Error::Inconsistent { directory: directory.into(), reason: error.to_string() })
}

/// Checks every file of `directory` against its manifest.
///
/// # Errors
/// If it is not a model directory, or a file in it is missing, truncated or of another model.
pub fn verify(directory: impl AsRef<Path>) -> Result<()> {
    let directory = directory.as_ref();
    let files = read_manifest::<serde_json::Value>(directory, None)?.files;
    files.iter().try_for_each(|(name, hash)| read_checked(directory, name, hash).map(|_| ()))
}

/// The SHA-256 that the manifest of `directory` gives for each file, by name.
///
/// # Errors
/// If there is no readable manifest.
pub fn read_file_hashes(directory: impl AsRef<Path>) -> Result<BTreeMap<String, String>> {
    Ok(read_manifest::<serde_json::Value>(directory.as_ref(), None)?.files)
}

/// Reads the metadata of a network of any kind; its configuration is plain JSON.
///
/// # Errors
/// If there is no readable manifest.
pub fn read_metadata(directory: impl AsRef<Path>) -> Result<Metadata<serde_json::Value>> {
    Ok(read_manifest(directory.as_ref(), None)?.metadata)
}
