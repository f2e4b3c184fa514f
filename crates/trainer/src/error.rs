//! Why a training run failed. Each error is one line.

use std::path::PathBuf;
use std::sync::Arc;

use burn::train::TrainingError;
use ranks::RanksError;
use seqdata::ConfigError;
use text_prep::counted;

/// The result of training.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A configuration setting is out of range.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The loss diverged: it is very large, infinite or NaN.
    #[error("{reason}: start a new run with a lower `train.learning_rate`")]
    Diverged {
        /// Which loss, and its value.
        reason: String,
        /// The step, counted from 1, whose starting weights gave this loss.
        step: u64,
    },
    /// The loss diverged again after every rollback.
    #[error(
        "{reason}, after the learning rate was halved {}: start a new run with a lower \
         `train.learning_rate`, or with `train.clip.global_norm`",
        counted(*.halvings as usize, "time")
    )]
    DivergedRepeatedly {
        /// Which loss, and its value.
        reason: String,
        /// How many times the learning rate was halved.
        halvings: u32,
    },
    /// The loss diverged, and there is no earlier checkpoint to roll back to.
    #[error(
        "{reason}, and there is no earlier checkpoint to roll back to: start a new run with a lower \
         `train.learning_rate`, or with `train.clip.global_norm`"
    )]
    NoRollbackPoint {
        /// Which loss, and its value.
        reason: String,
    },
    /// There is no checkpoint to resume from.
    #[error("{0} holds no complete checkpoint, so the run cannot be resumed: delete its directory and start a new run")]
    NoCheckpoint(PathBuf),
    /// No complete checkpoint has a validation loss.
    #[error("{0} has no complete checkpoint with a validation loss, so there is no model yet: resume the run")]
    NoModel(PathBuf),
    /// The newest checkpoint is damaged.
    #[error("the newest checkpoint is damaged: {reason}; {fix}")]
    Damaged {
        /// What is wrong with it.
        reason: String,
        /// What to do.
        fix: String,
    },
    /// The checkpoint does not fit the run that is to be resumed.
    #[error("{directory} cannot be resumed: {reason}")]
    Resume {
        /// The run or checkpoint directory.
        directory: PathBuf,
        /// What does not match.
        reason: String,
    },
    /// A file could not be written durably.
    #[error(transparent)]
    Durable(#[from] durable::Error),
    /// The model could not be saved or loaded.
    #[error(transparent)]
    Model(#[from] models::Error),
    /// The data could not be split into batches.
    #[error(transparent)]
    Data(#[from] seqdata::Error),
    /// A tensor could not be read back from the device.
    #[error("tensor values could not be read from the device: {0}")]
    Device(#[from] burn::tensor::TensorReadError),
    /// The gradients of a shard could not be read back from the device.
    #[error("gradients could not be read from the device: {0}")]
    Gradients(String),
    /// The ranks that train together cannot start, or one of them is lost.
    #[error(transparent)]
    Ranks(#[from] RanksError),
    /// The ranks that train together were started with different inputs.
    #[error(
        "rank {rank} on {host} has {what} that differs from that of rank 0: start all with the same files, options and \
         program"
    )]
    RanksDiffer {
        /// The rank.
        rank: usize,
        /// Its computer.
        host: String,
        /// What differs.
        what: &'static str,
    },
    /// Rank 0 sent something that cannot be read.
    #[error("what rank 0 has sent cannot be read ({0}): start all ranks with the same program")]
    FromRank0(String),
    /// The file system reported an error.
    #[error("{path} cannot be {verb}: {source}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The operation that failed, such as `read`.
        verb: &'static str,
        /// The system's error.
        source: std::io::Error,
    },
    /// The environment variable `BURN_DEVICE` has a value that Burn does not know.
    #[error("the environment variable BURN_DEVICE is `{0}`, which is no device that Burn was built with: unset it")]
    DefaultDevice(String),
    /// An observer failed.
    #[error(transparent)]
    Observer(Box<dyn std::error::Error + Send + Sync>),
    /// Burn's interrupter was given an error, or the data or a metric failed.
    #[error("training stopped: {0}")]
    Training(#[source] Arc<TrainingError>),
    /// Burn could not save or load a tensor.
    #[error("training stopped: {0}")]
    Burn(String),
}

impl From<TrainingError> for Error {
    fn from(error: TrainingError) -> Self {
        Self::Training(Arc::new(error))
    }
}

impl From<Arc<TrainingError>> for Error {
    fn from(error: Arc<TrainingError>) -> Self {
        Self::Training(error)
    }
}

impl Error {
    pub(crate) fn out_of_range(key: &'static str, found: impl ToString, expected: &'static str) -> Self {
        ConfigError::new(key, found, expected).into()
    }
}
