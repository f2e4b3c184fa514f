//! The reports that observers receive: the plan of a run, steps, epochs, phases and rollbacks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::config::TrainMode;

/// Lengths, in bytes, of the append-only files of observers, by name.
pub type FileOffsets = BTreeMap<String, u64>;

/// What a run is about to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The first epoch to train or to resume, counted from 1.
    pub first_epoch: usize,
    /// The last epoch.
    pub epochs: usize,
    /// Updates made before this start; 0 for a new run.
    pub steps_done: u64,
    /// Epochs finished before this start.
    pub reports: Vec<EpochReport>,
    /// Lengths of the observers' files at the last checkpoint.
    pub file_offsets: FileOffsets,
    /// How batches are formed.
    pub mode: TrainMode,
    /// Number of training windows, or of segments of the training streams.
    pub train_items: usize,
    /// Number of validation windows, or of segments of the validation stream.
    pub valid_items: usize,
    /// Steps per epoch.
    pub steps_per_epoch: usize,
    /// Steps in a pass over the training data.
    pub steps_per_pass: usize,
    /// Number of model parameters.
    pub parameters: usize,
    /// Estimated memory of one step, in bytes.
    pub memory_bytes: usize,
}

/// One training step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepReport {
    /// The epoch, counted from 1.
    pub epoch: usize,
    /// The step within the epoch, counted from 1.
    pub step: usize,
    /// Steps per epoch.
    pub steps: usize,
    /// The step within the run, counted from 1.
    pub step_of_run: u64,
    /// Mean training loss of this step.
    pub step_loss_nats_per_token: f64,
    /// Mean training loss of this epoch so far.
    pub loss_nats_per_token: f64,
    /// Learning rate of this step.
    pub learning_rate: f64,
    /// Wall time of training in this epoch so far.
    pub seconds: f64,
    /// Training speed in this epoch so far.
    pub tokens_per_second: f64,
    /// Wall time of the validation after the epoch: that of the previous one, or an estimate.
    pub validation_seconds: f64,
}

impl StepReport {
    /// Estimated wall time for the rest of the epoch, at this epoch's speed so far, and for its validation.
    pub fn seconds_left_in_epoch(&self) -> f64 {
        self.seconds_left(self.steps - self.step, 1)
    }

    /// Estimated wall time of `steps` steps, at this epoch's speed so far, and `validations` validations.
    pub fn seconds_left(&self, steps: usize, validations: usize) -> f64 {
        self.seconds / self.step as f64 * steps as f64 + self.validation_seconds * validations as f64
    }
}

/// One epoch, trained and validated.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochReport {
    /// The epoch, counted from 1.
    pub epoch: usize,
    /// Updates made by the end of the epoch.
    pub step: u64,
    /// Mean training loss (with dropout), in nats per token.
    pub train_loss_nats_per_token: f64,
    /// Mean validation loss, in nats per token: over windows, or with carried state, as in training.
    pub valid_loss_nats_per_token: f64,
    /// Fraction of validation targets that had the highest probability.
    pub valid_accuracy: f64,
    /// Learning rate of the last step.
    pub learning_rate: f64,
    /// Wall time of training, without validation.
    pub seconds: f64,
    /// Training speed.
    pub tokens_per_second: f64,
}

impl EpochReport {
    /// exp(validation loss).
    pub fn valid_perplexity(&self) -> f64 {
        self.valid_loss_nats_per_token.exp()
    }
}

/// What the train loop is doing, reported for everything that takes noticeable time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Updating the weights.
    Training,
    /// Computing the validation loss.
    Validating,
    /// Writing a checkpoint.
    Saving,
}

/// The loss diverged, and the run was rolled back to an earlier checkpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Rollback {
    /// Which loss diverged, and its value.
    pub reason: String,
    /// Updates made at the checkpoint that training continues from.
    pub step: u64,
    /// The halved learning rate at that step.
    pub learning_rate: f64,
    /// How many times the learning rate was halved in this run.
    pub halvings: u32,
    /// The epochs that remain.
    pub reports: Vec<EpochReport>,
    /// Lengths of the observers' files at that step.
    pub file_offsets: FileOffsets,
}
