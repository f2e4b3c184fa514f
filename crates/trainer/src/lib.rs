//! Training: the train loop, optimizers, learning-rate schedules, gradient clipping and checkpoints.
//!
//! [`train()`] runs a [`Job`] inside burn-train's `SupervisedTraining`:
//!
//! - Burn's `Learner` owns the network, the optimizer and the learning-rate scheduler, and makes every step:
//!   `lr_step`, `train_step`, `optimizer_step`.
//! - The strategy that drives it is ours. It knows the position in the data and saves [`Checkpoints`] after any step,
//!   so that a resumed run is bit-identical to an uninterrupted one.
//! - It feeds Burn's metric pipeline: a `MetricLogger` or `MetricsRenderer` that is registered with [`Job`] receives
//!   loss, perplexity, accuracy, speed, learning rate and memory. Without one there are no metrics to compute.
//! - Burn's `Interrupter` ends a run, as a [`StopFlag`] does.
//!
//! An [`Observer`] gets what Burn's renderers do not: the plan, checkpoints, rollbacks and the model to sample from.
//! [`fit()`] trains without any of this, for short experiments; [`try_training()`] sees how well a model learns a text in
//! seconds. This crate prints nothing and parses nothing.

mod averaging;
mod burn_session;
mod carried_state;
pub mod checkpoint;
mod checkpoint_parts;
mod checkpoint_policy;
mod checkpointing;
pub mod clip;
pub mod config;
mod config_checks;
pub mod dynamic_evaluation;
pub mod ema;
pub mod error;
pub mod estimate;
mod exchange;
pub mod fit;
mod flat_gradients;
pub mod job;
mod layer_rates;
mod listeners;
mod metrics;
mod next_rate;
pub mod observer;
pub mod optimizer;
pub mod precision;
pub mod progress;
pub mod report;
pub mod schedule;
mod shared_module;
mod short_run;
mod state;
mod step_output;
mod step_sums;
pub mod stop;
mod strategy;
mod task;
mod train;
mod train_loop;
pub mod trial;
mod update;

pub use checkpoint::{Checkpoint, Checkpoints};
pub use clip::Clip;
pub use config::{CheckpointPolicy, TrainConfig, TrainMode};
pub use dynamic_evaluation::{DynamicEvaluation, DynamicRates};
pub use error::{Error, Result};
pub use estimate::{StepTime, measure_step};
pub use fit::{FitLimit, endless_windows, fit};
pub use job::{Job, Outcome, RunIdentity, StartFrom, StopReason};
pub use observer::{Observer, ObserverResult};
pub use optimizer::{Adam, AdamConfig, OptimizerConfig, Rmsprop, RmspropConfig, Sgd, SgdConfig};
pub use precision::TrainPrecision;
pub use progress::{EpochTotals, Progress};
pub use report::{EpochReport, FileOffsets, Phase, Plan, Rollback, StepReport};
pub use schedule::Schedule;
pub use stop::StopFlag;
pub use task::{BatchOf, TrainTask};
pub use train::train;
pub use trial::{try_training, validation_loss};
