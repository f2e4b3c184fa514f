//! Training tasks: what a network is trained on, and its loss. One file per task.

mod language;
mod module;
mod shards;
mod train_task;

pub(crate) use module::TrainModule;
pub(crate) use shards::{ShardsOf, rate_factor};
pub use train_task::{BatchOf, TrainTask};
