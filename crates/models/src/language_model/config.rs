//! The configuration of a language model: sizes and options, no weights.

use burn::tensor::{DType, Device};
use serde::{Deserialize, Serialize};

use super::model::LanguageModel;
use crate::activation_penalty::ActivationPenalty;
use crate::adaptive_softmax::AdaptiveSoftmax;
use crate::dropout::check_rate;
use crate::embedding::Embedding;
use crate::error::{Error, Result};
use crate::init::{InitScheme, Initialization};
use crate::output_layer::OutputLayer;
use crate::stack::{LayerConfig, Stack};

/// Embedding → recurrent layers → dropout → projection → dense layer. All rates are of dropout and
/// apply to training only. The default is the model of the Keras baseline, without a vocabulary size.
///
/// ```
/// use models::{LanguageModelConfig, LayerConfig};
///
/// let layers = [LayerConfig::gru(16).layer_norm(true), LayerConfig::gru(16)];
/// let config = LanguageModelConfig::default().vocab_size(50).embedding_dim(8).layers(layers).dropout(0.1);
/// let model = config.init(1, &kernels::default_device())?;
/// assert_eq!(model.vocab_size(), 50);
/// # Ok::<(), models::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LanguageModelConfig {
    /// V, the number of ids, including the reserved ones.
    #[serde(rename = "vocabulary")]
    pub vocab_size: usize,
    /// D, the embedding dimension.
    #[serde(rename = "embedding")]
    pub embedding_dim: usize,
    /// The recurrent layers, the lowest first.
    pub layers: Vec<LayerConfig>,
    /// P, the size of the projection between the last layer and the output layer; 0 for none.
    #[serde(rename = "projection")]
    pub projection_dim: usize,
    /// Whether the output layer uses the embedding's weights.
    #[serde(rename = "tied")]
    pub tie_weights: bool,
    /// The clusters of the output layer, if it is an adaptive softmax.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adaptive_softmax: Option<AdaptiveSoftmax>,
    /// The distributions of the initial embedding and output layer.
    #[serde(rename = "init", default, skip_serializing_if = "InitScheme::is_keras")]
    pub init_scheme: InitScheme,
    /// Whether the embedding is not trained.
    pub frozen_embedding: bool,
    /// The dropout rate of the last layer's outputs.
    pub dropout: f64,
    /// The dropout rate of the other layers' outputs.
    pub layer_dropout: f64,
    /// The rate at which whole rows of the embedding are dropped.
    pub embedding_dropout: f64,
    /// Use one dropout mask for all steps of a sequence.
    pub locked_dropout: bool,
    /// The dropout rate of the first layer's inputs.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub input_dropout: f64,
    /// α, the weight of activation regularisation in training.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub activation_regularization: f64,
    /// β, the weight of temporal activation regularisation in training.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub temporal_activation_regularization: f64,
    /// The id of the document token in a model of documents: the state is reset to zeros before each input that is this
    /// id, so it begins a document, and as a target it ends one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_id: Option<u32>,
    /// The labels that documents may have. The model has an embedding of each label and of none, which is added to the
    /// embedding of every token of a document. Label numbers are 0 for no label and i + 1 for index i.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

impl Default for LanguageModelConfig {
    fn default() -> Self {
        Self::new(0, 100, vec![LayerConfig::default()]).dropout(0.2)
    }
}

impl LanguageModelConfig {
    /// A model of these sizes without dropout, weight tying or projection. In a model of a tokenizer, `vocab_size`
    /// is `tokenizer.vocabulary.len()`.
    pub fn new(vocab_size: usize, embedding_dim: usize, layers: Vec<LayerConfig>) -> Self {
        Self {
            vocab_size,
            embedding_dim,
            layers,
            projection_dim: 0,
            tie_weights: false,
            adaptive_softmax: None,
            init_scheme: InitScheme::Keras,
            frozen_embedding: false,
            dropout: 0.0,
            layer_dropout: 0.0,
            embedding_dropout: 0.0,
            locked_dropout: false,
            input_dropout: 0.0,
            activation_regularization: 0.0,
            temporal_activation_regularization: 0.0,
            document_id: None,
            labels: Vec::new(),
        }
    }

    /// Sets [`vocab_size`](Self#structfield.vocab_size).
    pub fn vocab_size(self, vocab_size: usize) -> Self {
        Self { vocab_size, ..self }
    }

    /// Sets [`embedding_dim`](Self#structfield.embedding_dim).
    pub fn embedding_dim(self, embedding_dim: usize) -> Self {
        Self { embedding_dim, ..self }
    }

    /// Sets [`layers`](Self#structfield.layers).
    pub fn layers(self, layers: impl Into<Vec<LayerConfig>>) -> Self {
        Self { layers: layers.into(), ..self }
    }

    /// Sets [`projection_dim`](Self#structfield.projection_dim).
    pub fn projection_dim(self, projection_dim: usize) -> Self {
        Self { projection_dim, ..self }
    }

    /// Sets [`tie_weights`](Self#structfield.tie_weights).
    pub fn tie_weights(self, tie_weights: bool) -> Self {
        Self { tie_weights, ..self }
    }

    /// Sets [`adaptive_softmax`](Self#structfield.adaptive_softmax).
    pub fn adaptive_softmax(self, adaptive_softmax: impl Into<Option<AdaptiveSoftmax>>) -> Self {
        Self { adaptive_softmax: adaptive_softmax.into(), ..self }
    }

    /// Sets [`init_scheme`](Self#structfield.init_scheme).
    pub fn init_scheme(self, init_scheme: InitScheme) -> Self {
        Self { init_scheme, ..self }
    }

    /// Sets [`frozen_embedding`](Self#structfield.frozen_embedding).
    pub fn frozen_embedding(self, frozen_embedding: bool) -> Self {
        Self { frozen_embedding, ..self }
    }

    /// Sets [`dropout`](Self#structfield.dropout).
    pub fn dropout(self, dropout: f64) -> Self {
        Self { dropout, ..self }
    }

    /// Sets [`layer_dropout`](Self#structfield.layer_dropout).
    pub fn layer_dropout(self, layer_dropout: f64) -> Self {
        Self { layer_dropout, ..self }
    }

    /// Sets [`embedding_dropout`](Self#structfield.embedding_dropout).
    pub fn embedding_dropout(self, embedding_dropout: f64) -> Self {
        Self { embedding_dropout, ..self }
    }

    /// Sets [`locked_dropout`](Self#structfield.locked_dropout).
    pub fn locked_dropout(self, locked_dropout: bool) -> Self {
        Self { locked_dropout, ..self }
    }

    /// Sets [`input_dropout`](Self#structfield.input_dropout).
    pub fn input_dropout(self, input_dropout: f64) -> Self {
        Self { input_dropout, ..self }
    }

    /// Sets [`activation_regularization`](Self#structfield.activation_regularization).
    pub fn activation_regularization(self, activation_regularization: f64) -> Self {
        Self { activation_regularization, ..self }
    }

    /// Sets [`temporal_activation_regularization`](Self#structfield.temporal_activation_regularization).
    pub fn temporal_activation_regularization(self, temporal_activation_regularization: f64) -> Self {
        Self { temporal_activation_regularization, ..self }
    }

    /// Sets [`document_id`](Self#structfield.document_id).
    pub fn document_id(self, document_id: impl Into<Option<u32>>) -> Self {
        Self { document_id: document_id.into(), ..self }
    }

    /// Sets [`labels`](Self#structfield.labels).
    pub fn labels(self, labels: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { labels: labels.into_iter().map(Into::into).collect(), ..self }
    }

    /// The number of logits that every target needs: V, or the classes of the head of an adaptive softmax.
    pub fn num_classes(&self) -> usize {
        self.adaptive_softmax.as_ref().map_or(self.vocab_size, AdaptiveSoftmax::head_classes)
    }

    /// The number of the label with this name, 1 or more.
    pub fn label_number(&self, label: &str) -> Option<u32> {
        self.labels.iter().position(|known| known == label).map(|index| index as u32 + 1)
    }

    /// Checks all settings.
    ///
    /// # Errors
    /// Names the first setting that is out of range or does not match another.
    pub fn check(&self) -> Result<()> {
        let Some(last) = self.layers.last() else {
            return Err(Error::out_of_range("model.layers", "empty", "at least one layer"));
        };
        if self.vocab_size == 0 {
            return Err(Error::out_of_range("vocab_size", 0, "the size of the tokenizer's vocabulary"));
        }
        if let Some(id) = self.document_id.filter(|&id| id as usize >= self.vocab_size) {
            return Err(Error::out_of_range("document_id", id, "an id below `vocab_size`"));
        }
        if let Some(index) = (0..self.labels.len()).find(|&index| self.labels[..index].contains(&self.labels[index])) {
            return Err(Error::out_of_range(format!("labels[{index}]"), &self.labels[index], "a name of its own"));
        }
        if !(1..=8_192).contains(&self.embedding_dim) {
            return Err(Error::out_of_range("model.embedding_dim", self.embedding_dim, "1 to 8192"));
        }
        if self.projection_dim > 8_192 {
            return Err(Error::out_of_range("model.projection", self.projection_dim, "0 to 8192"));
        }
        for (index, layer) in self.layers.iter().enumerate() {
            let path = format!("model.layers[{index}]");
            layer.check(&path)?;
            if layer.bidirectional {
                return Err(Error::out_of_range(
                    format!("{path}.bidirectional"),
                    true,
                    "false in a language model: a backward layer would read the tokens that it has to \
                     predict; bidirectional layers are for encoders",
                ));
            }
        }
        for (key, rate) in [
            ("model.dropout", self.dropout),
            ("model.layer_dropout", self.layer_dropout),
            ("model.embedding_dropout", self.embedding_dropout),
            ("model.input_dropout", self.input_dropout),
        ] {
            check_rate(key, rate)?;
        }
        for (key, weight) in [
            ("model.activation_regularization", self.activation_regularization),
            ("model.temporal_activation_regularization", self.temporal_activation_regularization),
        ] {
            if !(weight >= 0.0 && weight.is_finite()) {
                return Err(Error::out_of_range(key, weight, "0 for none, or a number above 0"));
            }
        }
        if let Some(adaptive) = &self.adaptive_softmax {
            adaptive.check(self.vocab_size, self.tie_weights)?;
        }
        let (key, size) = match self.projection_dim {
            0 => (format!("model.layers[{}].units", self.layers.len() - 1), last.units),
            size => ("model.projection".into(), size),
        };
        if self.tie_weights && size != self.embedding_dim {
            let expected = self.embedding_dim;
            return Err(Error::SizeMismatch {
                key,
                found: size,
                expected,
                reason: "with `model.tie_weights` the output layer uses the embedding's weights, so its input \
                         size must equal `model.embedding_dim`",
                fix: format!("set `model.projection` to {expected}, or `model.tie_weights` to false"),
            });
        }
        Ok(())
    }

    /// The model with initial weights, which depend on `seed` alone.
    ///
    /// # Errors
    /// If [`check`](Self::check) fails.
    pub fn init(&self, seed: u64, device: &Device) -> Result<LanguageModel> {
        self.init_with_dtype(seed, DType::F32, device)
    }

    /// Like [`init`](Self::init) with weights of this dtype, `F32` or `F64`.
    ///
    /// # Errors
    /// If [`check`](Self::check) fails.
    pub fn init_with_dtype(&self, seed: u64, dtype: DType, device: &Device) -> Result<LanguageModel> {
        self.build(&Initialization::new(seed, device).dtype(dtype).scheme(self.init_scheme))
    }

    /// The model with all weights zero, to be replaced by those of a file. They take memory only when they are read.
    ///
    /// # Errors
    /// If [`check`](Self::check) fails.
    pub fn zeros(&self, device: &Device) -> Result<LanguageModel> {
        self.build(&Initialization::zeros(device))
    }

    /// As [`init`](Self::init), but the recurrent layers are zeros and take neither time nor memory until they are read:
    /// [`LanguageModel::adapt`] replaces them by those of a trained model.
    ///
    /// # Errors
    /// If [`check`](Self::check) fails.
    pub fn init_around_layers(&self, seed: u64, device: &Device) -> Result<LanguageModel> {
        let weights = Initialization::new(seed, device).scheme(self.init_scheme);
        self.build_with(&weights, &Initialization::zeros(device))
    }

    fn build(&self, weights: &Initialization) -> Result<LanguageModel> {
        self.build_with(weights, weights)
    }

    /// The model with the weights of `layers` in the recurrent layers.
    fn build_with(&self, weights: &Initialization, layers: &Initialization) -> Result<LanguageModel> {
        self.check()?;
        let (vocab_size, embedding_dim) = (self.vocab_size, self.embedding_dim);
        let stack = Stack {
            layer_dropout: self.layer_dropout,
            locked_dropout: self.locked_dropout,
            ..Stack::new(embedding_dim, &self.layers, &layers.at("stack"))
        };
        let projection = (self.projection_dim > 0).then_some(self.projection_dim);
        let (output, width) = (weights.at("output"), stack.width());
        let label_embedding = || Embedding::new(self.labels.len() + 1, embedding_dim, &weights.at("label_embedding"));
        Ok(LanguageModel {
            embedding: Embedding::new(vocab_size, embedding_dim, &weights.at("embedding")),
            label_embedding: (!self.labels.is_empty()).then(label_embedding),
            output: match &self.adaptive_softmax {
                None => OutputLayer::new(width, projection, self.tie_weights, vocab_size, &output),
                Some(adaptive) => OutputLayer::adaptive(width, projection, adaptive, vocab_size, &output),
            },
            stack,
            frozen_embedding: self.frozen_embedding,
            dropout: self.dropout,
            embedding_dropout: self.embedding_dropout,
            input_dropout: self.input_dropout,
            penalty: ActivationPenalty {
                activation: self.activation_regularization,
                temporal: self.temporal_activation_regularization,
            },
            document_id: self.document_id,
        })
    }
}
