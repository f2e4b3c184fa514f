//! Errors of building, saving and loading models, each a message of one line.

use std::borrow::Cow;
use std::path::PathBuf;

use seqdata::ConfigError;

/// The result of building or loading a model.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a model cannot be built, saved or loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A configuration setting is out of range.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A size does not match another.
    #[error("`{key}` is {found}, expected {expected}: {reason}; {fix}")]
    SizeMismatch {
        /// The setting, as written in a configuration.
        key: String,
        /// Its value.
        found: usize,
        /// The value that would match.
        expected: usize,
        /// Why they must match.
        reason: &'static str,
        /// What to do.
        fix: String,
    },
    /// There is no manifest.
    #[error(
        "{0} is not a model directory: it does not exist or has no manifest.json; expected a finished \
         run or one of its checkpoints"
    )]
    NotAModel(PathBuf),
    /// A file that is listed in the manifest does not exist.
    #[error("{directory} is incomplete: {file} is missing; restore it or use one of the run's checkpoints")]
    Missing {
        /// The model directory.
        directory: PathBuf,
        /// The missing file.
        file: String,
    },
    /// A file is not the one that was saved.
    #[error(
        "{directory}/{file} is not the file that was saved (its SHA-256 is {found}, in the manifest it \
         is {expected}): it was truncated, edited or comes from another model; restore it"
    )]
    HashMismatch {
        /// The model directory.
        directory: PathBuf,
        /// The file.
        file: String,
        /// The first digits of its hash.
        found: String,
        /// The first digits of the hash in the manifest.
        expected: String,
    },
    /// The manifest is invalid.
    #[error("{directory}/manifest.json cannot be read: {reason}")]
    Manifest {
        /// The model directory.
        directory: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The directory was written by another version of the program.
    #[error(
        "{directory} was written by another version: its manifest has format {found} (0 for none), \
         expected {expected}; use the version that wrote it, or train again"
    )]
    Format {
        /// The model directory.
        directory: PathBuf,
        /// The format found.
        found: u64,
        /// The format that this program reads.
        expected: u64,
    },
    /// The network is of another kind (`Network::KIND`).
    #[error("{directory} holds a model of kind `{found}`, expected `{expected}`; use another directory")]
    WrongKind {
        /// The model directory.
        directory: PathBuf,
        /// The kind of its network.
        found: String,
        /// The kind that is needed.
        expected: &'static str,
    },
    /// The files of a directory contradict each other.
    #[error("{directory} is inconsistent: {reason}")]
    Inconsistent {
        /// The model directory.
        directory: PathBuf,
        /// The contradiction.
        reason: String,
    },
    /// A file of weights cannot be read or written.
    #[error("{path} cannot be used as weights: {reason}")]
    WeightFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The tensors of a file are not those of the model.
    #[error(
        "the weights do not fit the model ({wrong}): compare layout, names and sizes with the program \
         that wrote them"
    )]
    WeightMismatch {
        /// All tensors that are missing, extra or of another shape.
        wrong: String,
    },
    /// A model is too large for a file of Protocol Buffers.
    #[error(
        "the ONNX file would have {bytes} bytes, expected at most {limit}: larger files of Protocol Buffers cannot be read; \
         export the weights as safetensors, or train a smaller model"
    )]
    OnnxSize {
        /// The size of the file, or of its weights alone.
        bytes: usize,
        /// The largest size.
        limit: usize,
    },
    /// A file of word vectors is invalid.
    #[error("{path}, line {line}: {reason}")]
    WordVectors {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What was expected and found.
        reason: String,
    },
    /// The device failed to return a tensor.
    #[error("the device did not return a tensor: {0}")]
    Device(#[from] burn::tensor::TensorReadError),
    /// A file could not be saved.
    #[error(transparent)]
    Durable(#[from] durable::Error),
    /// The file system failed.
    #[error("{path} cannot be {verb}: {source}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What was tried: `read`, `written`, `replaced`.
        verb: &'static str,
        /// The system's error.
        source: std::io::Error,
    },
}

impl Error {
    /// An [`Error::Config`] about the setting `key`.
    pub fn out_of_range(key: impl Into<String>, found: impl ToString, expected: impl Into<Cow<'static, str>>) -> Self {
        ConfigError::new(key, found, expected).into()
    }

    /// The name of the file of a model directory that is missing, damaged or unreadable, if one is the reason.
    pub fn file(&self) -> Option<&str> {
        match self {
            Self::Missing { file, .. } | Self::HashMismatch { file, .. } => Some(file),
            Self::Io { path, .. } => path.file_name()?.to_str(),
            _ => None,
        }
    }

    /// An [`Error::Io`] about `path`.
    pub fn io(path: impl Into<PathBuf>, verb: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, verb, source }
    }
}
