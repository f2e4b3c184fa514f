//! Why a model cannot be built, kept or read, each said in one line.

use std::path::PathBuf;

/// The result of building or reading a model.
pub type Result<T> = std::result::Result<T, Error>;

/// What is wrong with a configuration or a model directory.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting is out of range.
    #[error("`{key}` is {found}; expected {expected}")]
    OutOfRange {
        /// The setting, as written in a configuration.
        key: String,
        /// What was found.
        found: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// A size does not fit another.
    #[error("`{key}` is {found}, expected {expected}: {reason}; {cure}")]
    Unfit {
        /// The setting, as written in a configuration.
        key: String,
        /// What was found.
        found: usize,
        /// What would fit.
        expected: usize,
        /// Why.
        reason: &'static str,
        /// What to do.
        cure: String,
    },
    /// The directory holds no manifest.
    #[error(
        "{0} is no model directory: it does not exist or holds no manifest.json; expected a finished \
         run or one of its checkpoints"
    )]
    NotAModel(PathBuf),
    /// A file that the manifest names is not there.
    #[error(
        "{directory} is incomplete: {file} is missing; restore it or take one of the run's \
         checkpoints"
    )]
    Missing {
        /// The model directory.
        directory: PathBuf,
        /// The missing file.
        file: String,
    },
    /// A file is not the one that was saved.
    #[error(
        "{directory}/{file} is not the file that was saved (its SHA-256 is {found}, the manifest \
         says {expected}): it was cut short, edited or comes from another model; restore it"
    )]
    Foreign {
        /// The model directory.
        directory: PathBuf,
        /// The file.
        file: String,
        /// The first digits of its hash.
        found: String,
        /// The first digits of the hash in the manifest.
        expected: String,
    },
    /// The manifest cannot be understood.
    #[error("{directory}/manifest.json cannot be read: {reason}")]
    Manifest {
        /// The model directory.
        directory: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The directory was written by an earlier or later program.
    #[error(
        "{directory} is no model of this program: its manifest has format {found} (0 for none), \
         expected {expected}; use the program that wrote it, or train anew"
    )]
    Format {
        /// The model directory.
        directory: PathBuf,
        /// The format found.
        found: u64,
        /// The format that this program reads.
        expected: u64,
    },
    /// The network is for something else.
    #[error(
        "{directory} holds a network that {found}, expected one that {expected}: name another directory \
         with `--model`; {cure}"
    )]
    OtherPurpose {
        /// The model directory.
        directory: PathBuf,
        /// What its network does.
        found: &'static str,
        /// What was needed.
        expected: &'static str,
        /// How to get one.
        cure: &'static str,
    },
    /// Parts of the directory do not belong together.
    #[error("{directory} does not hold together: {reason}")]
    Mismatch {
        /// The model directory.
        directory: PathBuf,
        /// What contradicts what.
        reason: String,
    },
    /// A file of weights is not readable.
    #[error("{path} cannot be read as weights: {reason}")]
    Safetensors {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The tensors of a file are not those of the model.
    #[error(
        "the weights do not fit the model ({wrong}): compare the layout, the names and the sizes of \
         `model` with the program that wrote them"
    )]
    ForeignWeights {
        /// All tensors that are missing, extra or of another shape.
        wrong: String,
    },
    /// A file of word vectors is broken.
    #[error("{path}, line {line}: {reason}")]
    WordVectors {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What was expected and found.
        reason: String,
    },
    /// The device did not give its numbers back.
    #[error("the device did not return its numbers: {0}")]
    Device(#[from] burn::tensor::TensorReadError),
    /// Something could not be kept.
    #[error(transparent)]
    Kept(#[from] durable::Error),
    /// The file system refused.
    #[error("{path} cannot be {verb}: {source}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What was tried: `read`, `written`, `renamed`.
        verb: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Error {
    /// An [`Error::OutOfRange`] about the setting `key`.
    pub fn out_of_range(
        key: impl Into<String>,
        found: impl ToString,
        expected: &'static str,
    ) -> Self {
        Self::OutOfRange { key: key.into(), found: found.to_string(), expected }
    }

    /// An [`Error::Io`] about `path`.
    pub fn io(path: impl Into<PathBuf>, verb: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, verb, source }
    }
}
