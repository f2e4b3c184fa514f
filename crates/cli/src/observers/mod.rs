//! Observers of a run: progress lines, the dashboard, metrics, samples and TensorBoard event files.

pub mod dashboard;
pub mod epoch_in_words;
pub mod metrics_file;
pub mod progress;
pub mod rewindable_file;
pub mod samples_file;
pub mod sampling;
pub mod tensorboard_log;
