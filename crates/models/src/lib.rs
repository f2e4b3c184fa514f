//! Recurrent language models: weights and equations, and the directory that a model is kept in.
//!
//! Lives here: the cells, the stack, embedding, dropout, the output layer, the loss, the summary
//! table and the model directory. Does not live here: text files, optimizers, time, randomness
//! that outlives a call. State goes in and comes back out.

pub mod artifact;
pub mod cell;
pub mod config;
pub mod dense;
pub mod dropout;
pub mod embedding;
pub mod error;
pub mod init;
pub mod language_model;
pub mod loss;
pub mod score;
pub mod stack;
pub mod summary;

pub use artifact::{About, Artifact, Context};
pub use cell::{Cell, CellKind, CellState};
pub use config::{LanguageModelConfig, LayerConfig};
pub use dropout::DropoutKey;
pub use error::{Error, Result};
pub use language_model::LanguageModel;
pub use score::{Judged, Score, score_carried, score_windows};
pub use stack::{Stack, State};
pub use summary::{LayerSummary, Summary};
