//! Why a training run ends before its time, each said in one line.

/// The result of training.
pub type Result<T> = std::result::Result<T, Error>;

/// What stopped a run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting is out of range.
    #[error("`{key}` is {found}; expected {expected}")]
    OutOfRange {
        /// The setting, as written in a configuration.
        key: &'static str,
        /// What was found.
        found: String,
        /// What is allowed.
        expected: &'static str,
    },
    /// The loss exploded or is no number any more.
    #[error("{what}: train anew with a lower `train.learning_rate`")]
    Diverged {
        /// What was seen.
        what: String,
        /// The step that began with the weights that it was seen of, counted from 1.
        shown_by: u64,
    },
    /// The loss exploded again and again.
    #[error(
        "{what}, after the learning rate was halved {halvings} times: train anew with a lower \
         `train.learning_rate`, or with `train.clip.global_norm`"
    )]
    Hopeless {
        /// What was seen at which step.
        what: String,
        /// How often the learning rate was halved.
        halvings: u32,
    },
    /// The loss exploded, and no checkpoint is left from before.
    #[error(
        "{what}, and there is no earlier checkpoint to go back to: train anew with a lower \
         `train.learning_rate`, or with `train.clip.global_norm`"
    )]
    NoWayBack {
        /// What was seen at which step.
        what: String,
    },
    /// There is nothing to resume from.
    #[error(
        "{0} holds no complete checkpoint: there is nothing to resume; delete the run and start anew"
    )]
    NoCheckpoint(std::path::PathBuf),
    /// No checkpoint has weights that are worth a model.
    #[error(
        "{0} has no whole checkpoint whose weights were judged: there is no model to keep yet; go on with \
         `--resume {0}`"
    )]
    NoModel(std::path::PathBuf),
    /// A checkpoint is damaged.
    #[error("the newest checkpoint is damaged: {reason}; {cure}")]
    Damaged {
        /// What is wrong with it.
        reason: String,
        /// What to do.
        cure: String,
    },
    /// The checkpoint is of another run.
    #[error("{directory} cannot be resumed: {reason}")]
    Resume {
        /// The checkpoint.
        directory: std::path::PathBuf,
        /// What does not match.
        reason: String,
    },
    /// Something could not be kept.
    #[error(transparent)]
    Kept(#[from] durable::Error),
    /// The model could not be kept or read.
    #[error(transparent)]
    Model(#[from] models::Error),
    /// The windows could not be cut.
    #[error(transparent)]
    Data(#[from] seqdata::Error),
    /// The device did not give its numbers back.
    #[error("the device did not return its numbers: {0}")]
    Device(#[from] burn::tensor::TensorReadError),
    /// The file system refused.
    #[error("{path} cannot be {verb}: {source}")]
    Io {
        /// The file or directory.
        path: std::path::PathBuf,
        /// What was tried.
        verb: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// Whoever listens could not go on.
    #[error("{0}")]
    Observer(Box<dyn std::error::Error + Send + Sync>),
    /// Burn's own machinery stopped the run.
    #[error("training stopped: {0}")]
    Burn(String),
}
