//! Training: the train loop, optimizers, learning-rate schedules, gradient clipping and checkpoints.
//!
//! Runs inside burn-train's `SupervisedTraining`. Its metrics, events and interrupter are used; the strategy that
//! owns the model, the optimizer and the position in the data is ours, so that a resumed run is bit-identical
//! to an uninterrupted one. This crate prints nothing and parses nothing: it reports to an [`Observer`].

mod burn_events;
pub mod checkpoint;
pub mod clip;
pub mod config;
pub mod ema;
pub mod error;
mod estimate;
pub mod fit;
pub mod job;
mod noop;
pub mod observer;
pub mod optimizer;
pub mod progress;
pub mod report;
pub mod schedule;
mod state;
pub mod stop;
mod strategy;
mod task;
mod train;
mod train_loop;

// `#[derive(RecordState)]` expects these names in the root of the crate that uses it.
use burn::optim::{RecordState, StateSink, StateSource};

pub use checkpoint::{Checkpoint, Checkpoints};
pub use clip::Clip;
pub use config::{CheckpointPolicy, TrainConfig, TrainMode};
pub use error::{Error, Result};
pub use fit::{FitLimit, endless_windows, fit};
pub use job::{Job, Outcome, RunIdentity, StartFrom, StopReason};
pub use observer::{Observer, ObserverResult};
pub use optimizer::{Adam, AdamConfig, OptimizerConfig, Rmsprop, RmspropConfig};
pub use progress::{EpochTotals, Progress};
pub use report::{EpochReport, FileOffsets, Phase, Plan, Rollback, StepReport};
pub use schedule::Schedule;
pub use stop::StopFlag;
pub use task::{BatchOf, TrainTask};
pub use train::train;
