//! The input of a training run (data, config, start) and its outcome.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::Device;
use kernels::KernelMode;
use models::{LanguageModel, Metadata, ModelBundle};
use text_prep::Tokenizer;

use crate::config::TrainConfig;
use crate::progress::Progress;
use crate::stop::StopFlag;
use crate::task::TrainTask;

/// Everything that a run uses and does not change.
pub struct Job<'a, M: TrainTask = LanguageModel> {
    /// Training and validation data.
    pub data: &'a M::Data,
    /// Training hyperparameters.
    pub config: &'a TrainConfig,
    /// What is stored in every checkpoint besides weights and training state.
    pub identity: RunIdentity<M>,
    /// The run directory.
    pub run_dir: &'a Path,
    /// The device to train on.
    pub device: &'a Device,
    /// Fused kernels or Burn's own operations.
    pub kernels: KernelMode,
    /// Set from outside to end the run early.
    pub stop: StopFlag,
}

/// What describes a run besides its weights. Stored in every checkpoint and in the model directory.
#[derive(Clone, Debug)]
pub struct RunIdentity<M: TrainTask = LanguageModel> {
    /// The tokenizer of the model.
    pub tokenizer: Tokenizer,
    /// The model's config and metadata; losses, epochs and steps are filled in during the run.
    pub metadata: Metadata<M::Config>,
    /// Additional files by name, such as the run's configuration.
    pub extra_files: BTreeMap<String, Vec<u8>>,
}

/// Where a run starts.
#[derive(Clone, Debug)]
pub enum StartFrom<M = LanguageModel> {
    /// From this model, at step 0.
    Model(Box<M>),
    /// From the run's newest checkpoint, bit-identical to a run that was never interrupted.
    Checkpoint,
}

/// The result of a run.
#[derive(Clone, Debug)]
pub struct Outcome<M: TrainTask = LanguageModel> {
    /// The model with the lowest validation loss, as saved in the run directory.
    pub best: ModelBundle<M>,
    /// Progress, with the reports of all epochs.
    pub progress: Progress,
    /// Why the run ended.
    pub stop_reason: StopReason,
}

/// Why a run ended without an error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StopReason {
    /// All epochs are done.
    Finished,
    /// Early stopping: the validation loss did not decrease for `early_stopping_patience` epochs.
    EarlyStopping,
    /// The stop flag was set; the run can be resumed.
    Requested {
        /// Validation loss at the last step, in nats per token.
        valid_loss_nats_per_token: f64,
    },
}
