//! When checkpoints are written, and how many are kept.

use serde::{Deserialize, Serialize};

/// When checkpoints are written, and how many are kept.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckpointPolicy {
    /// Steps between two checkpoints within an epoch; 0 to disable.
    pub every_steps: u64,
    /// Minutes between two checkpoints within an epoch; 0 to disable.
    pub every_minutes: f64,
    /// How many of the newest are kept, besides the best one.
    #[serde(rename = "last")]
    pub keep_last: usize,
}

impl Default for CheckpointPolicy {
    fn default() -> Self {
        Self { every_steps: 0, every_minutes: 1.0, keep_last: 2 }
    }
}

impl CheckpointPolicy {
    /// Sets [`every_steps`](Self#structfield.every_steps).
    pub fn every_steps(self, every_steps: u64) -> Self {
        Self { every_steps, ..self }
    }

    /// Sets [`every_minutes`](Self#structfield.every_minutes).
    pub fn every_minutes(self, every_minutes: f64) -> Self {
        Self { every_minutes, ..self }
    }

    /// Sets [`keep_last`](Self#structfield.keep_last).
    pub fn keep_last(self, keep_last: usize) -> Self {
        Self { keep_last, ..self }
    }
}
