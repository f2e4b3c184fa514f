//! From loss to new weights: the loop, the optimizer, the checkpoints.
//!
//! Built on burn-train: its `SupervisedTraining`, metrics, events and interrupter run the show; the
//! strategy that owns model, optimizer and position is ours, so that a run can be resumed exactly.
//! This crate never prints and never parses: it tells an [`Observer`].

pub mod averaging;
pub mod brief;
pub mod checkpoint;
pub mod clip;
pub mod config;
pub mod error;
mod estimate;
pub mod observer;
pub mod optimizer;
pub mod progress;
mod run;
pub mod schedule;
mod silent;
mod standing;
pub mod stop;
mod strategy;
mod task;
mod train;

// What `#[derive(RecordState)]` looks for in the root of the crate that uses it.
use burn::optim::{RecordState, StateSink, StateSource};

pub use brief::{Limit, endless_windows, train_briefly};
pub use checkpoint::{Checkpoints, Kept};
pub use clip::Clip;
pub use config::{Keeping, Method, TrainConfig};
pub use error::{Error, Result};
pub use observer::{EpochReport, Heard, Observer, Phase, Plan, Retreat, StepReport};
pub use optimizer::{Adam, AdamConfig, OptimizerConfig, Rmsprop, RmspropConfig};
pub use progress::{Marks, Pass, Progress};
pub use run::Ended;
pub use schedule::Schedule;
pub use stop::Stop;
pub use task::{BatchOf, Task};
pub use train::{Identity, Job, Outcome, Start, train};
