//! `[model]`: the sizes, layers and dropout of a language model, and its pretrained word vectors.

use std::path::PathBuf;

use models::{AdaptiveSoftmax, InitScheme, LayerConfig};
use serde::{Deserialize, Serialize};

use super::OutputKind;
use crate::error::{Result, bail};
use crate::input::is_read_once;

/// `[model]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Model {
    /// The embedding dimension.
    pub embedding_dim: usize,
    /// The recurrent layers, from input to output.
    pub layers: Vec<LayerConfig>,
    /// The width of the projection before the output layer; 0 for no projection.
    pub projection: usize,
    /// Whether the output layer shares the embedding's weights.
    pub tie_weights: bool,
    /// How the output layer is divided.
    pub output: OutputKind,
    /// The first id of each cluster of an adaptive softmax; chosen if there is none.
    pub output_cutoffs: Vec<usize>,
    /// The factor by which the projections of these clusters become smaller.
    pub output_division: usize,
    /// The distributions of the initial embedding and output layer.
    pub init: InitScheme,
    /// Pretrained word vectors.
    pub vectors: Vectors,
    /// The dropout rate after the last layer.
    pub dropout: f64,
    /// The dropout rate after every other layer.
    pub layer_dropout: f64,
    /// The fraction of the vocabulary whose embeddings are dropped in a training step.
    pub embedding_dropout: f64,
    /// Use the same dropout mask at every step of a sequence.
    pub locked_dropout: bool,
    /// The dropout rate of the first layer's inputs.
    pub input_dropout: f64,
    /// The weight of activation regularisation.
    pub activation_regularization: f64,
    /// The weight of temporal activation regularisation.
    pub temporal_activation_regularization: f64,
}

/// `[model.vectors]`: pretrained word vectors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Vectors {
    /// A text file in the format of GloVe or word2vec.
    pub path: Option<PathBuf>,
    /// Whether the embedding is trained.
    pub train: bool,
}

impl Vectors {
    /// Rejects word vectors that a run could not read again.
    ///
    /// # Errors
    /// If they can be read only once.
    pub fn reject_pipe(&self) -> Result<()> {
        match self.path.as_ref().filter(|path| is_read_once(path)) {
            None => Ok(()),
            Some(path) => bail!(
                "`model.vectors.path` is a pipe, {}, but the run needs its word vectors again to be reproduced: save \
                 them in a file and give that",
                path.display()
            ),
        }
    }
}

impl Default for Model {
    fn default() -> Self {
        Self {
            embedding_dim: 100,
            layers: vec![LayerConfig::default()],
            projection: 0,
            tie_weights: false,
            output: OutputKind::Softmax,
            output_cutoffs: Vec::new(),
            output_division: AdaptiveSoftmax::default().division,
            init: InitScheme::Keras,
            vectors: Vectors::default(),
            dropout: 0.2,
            layer_dropout: 0.0,
            embedding_dropout: 0.0,
            locked_dropout: false,
            input_dropout: 0.0,
            activation_regularization: 0.0,
            temporal_activation_regularization: 0.0,
        }
    }
}

impl Default for Vectors {
    fn default() -> Self {
        Self { path: None, train: true }
    }
}
