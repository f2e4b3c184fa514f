//! Recurrent language models: configuration, weights, forward pass, and the directory that a trained
//! model is saved in.
//!
//! Contains: cells, stacks, embedding, dropout, output layer, layer summary, weights of other
//! programs, the model directory. Does not contain: text files, optimizers, training. Recurrent
//! state is an argument and a result, never stored.

pub mod activation_penalty;
pub mod adaptive_softmax;
pub mod bundle;
pub mod cell;
pub mod dense;
pub mod dropout;
mod each_target;
pub mod embedding;
pub mod error;
pub mod evaluate;
mod evaluate_by_label;
pub mod f16_weights;
pub mod gradient_reach;
pub mod init;
pub mod int8_weights;
pub mod interop;
pub mod language_model;
mod manifest;
pub mod network;
pub mod norm;
pub mod output_layer;
mod packed_cell;
pub mod packed_model;
mod packed_output;
pub mod parameters;
pub mod serialize;
pub mod stack;
pub mod summary;
pub mod token_cluster;
pub mod word_vectors;

pub use adaptive_softmax::AdaptiveSoftmax;
pub use bundle::{LmBundle, LmMetadata, Metadata, ModelBundle, StateMode};
pub use cell::{Activation, Cell, CellKind, CellState, LstmOptions, RecurrentCell};
pub use dropout::DropoutKey;
pub use each_target::each_target;
pub use error::{Error, Result};
pub use evaluate::{EvalMetrics, evaluate, evaluate_while, mean_loss, target_labels, with_label};
pub use evaluate_by_label::{MetricsByLabel, evaluate_by_label, evaluate_with_label};
pub use gradient_reach::GradientReach;
pub use init::InitScheme;
pub use kernels::inference::Precision;
pub use kernels::{Input, KernelMode, Steps};
pub use language_model::{LanguageModel, LanguageModelConfig, TokenInput};
pub use network::Network;
pub use output_layer::{LossOutput, TrainLoss};
pub use packed_model::PackedModel;
pub use stack::{CellName, ForwardOptions, Layer, LayerConfig, Stack, State, detach};
pub use summary::{LayerSummary, Summary};
