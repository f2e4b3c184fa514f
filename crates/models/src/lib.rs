//! Recurrent language models: weights and equations, and the directory that a model is kept in.
//!
//! Lives here: the cells, the stack, embedding, dropout, the output layer, the summary
//! table and the model directory. Does not live here: text files, optimizers, time, randomness
//! that outlives a call. State goes in and comes back out.

pub mod artifact;
pub mod cell;
pub mod config;
pub mod dense;
pub mod dropout;
pub mod embedding;
pub mod error;
pub mod foreign;
pub mod hearing;
pub mod init;
pub mod language_model;
pub mod layer;
pub mod network;
pub mod norm;
pub mod output;
pub mod packed;
pub mod reader;
pub mod score;
pub mod stack;
pub mod summary;
pub mod word_vectors;

pub use artifact::{About, AboutNetwork, Artifact, Context, Trained};
pub use cell::{Activation, Cell, CellKind, CellState};
pub use config::LanguageModelConfig;
pub use dropout::DropoutKey;
pub use error::{Error, Result};
pub use kernels::inference::Precision;
pub use kernels::{Input, Steps};
pub use language_model::LanguageModel;
pub use layer::{CellName, LayerConfig};
pub use network::{Network, Purpose};
pub use reader::Reader;
pub use score::{Judged, Score, score};
pub use stack::{Layer, Reading, Stack, State, detach};
pub use summary::{LayerSummary, Summary};
