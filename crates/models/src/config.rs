//! The blueprint of a language model: sizes, no weights.

use burn::tensor::{DType, Device};
use serde::{Deserialize, Serialize};

use crate::embedding::Embedding;
use crate::error::{Error, Result};
use crate::init::Initialization;
use crate::language_model::LanguageModel;
use crate::layer::LayerConfig;
use crate::output::Output;
use crate::stack::Stack;

/// Embedding → recurrent layers → dropout → projection → dense.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LanguageModelConfig {
    /// V, how many ids there are, the reserved ones included.
    pub vocabulary: usize,
    /// D, numbers in a token's vector.
    pub embedding: usize,
    /// The recurrent layers, the lowest first.
    pub layers: Vec<LayerConfig>,
    /// P, numbers between the last layer and the output layer; 0 for no projection.
    pub projection: usize,
    /// Whether the output layer's weights are the embedding's.
    pub tied: bool,
    /// Whether the embedding stays as it is while the rest is trained.
    pub frozen_embedding: bool,
    /// The share of what the last layer hands on that is dropped while training.
    pub dropout: f64,
    /// The share of what every other layer hands on that is dropped while training.
    pub layer_dropout: f64,
    /// The share of the token ids whose vectors are dropped while training.
    pub embedding_dropout: f64,
    /// Drop the same numbers at every step of a sequence.
    pub locked_dropout: bool,
}

impl LanguageModelConfig {
    /// A model of these sizes, with nothing dropped, tied or projected.
    pub fn new(vocabulary: usize, embedding: usize, layers: Vec<LayerConfig>) -> Self {
        Self {
            vocabulary,
            embedding,
            layers,
            projection: 0,
            tied: false,
            frozen_embedding: false,
            dropout: 0.0,
            layer_dropout: 0.0,
            embedding_dropout: 0.0,
            locked_dropout: false,
        }
    }

    /// Refuses sizes that make no model.
    ///
    /// # Errors
    /// Names the first setting that is out of range or does not fit another.
    pub fn check(&self) -> Result<()> {
        let Some(last) = self.layers.last() else {
            return Err(Error::out_of_range("model.layers", "empty", "at least one layer"));
        };
        if !(1..=8_192).contains(&self.embedding) {
            return Err(Error::out_of_range("model.embedding", self.embedding, "1 to 8192"));
        }
        if self.projection > 8_192 {
            return Err(Error::out_of_range("model.projection", self.projection, "0 to 8192"));
        }
        for (at, layer) in self.layers.iter().enumerate() {
            let place = format!("model.layers[{at}]");
            layer.check(&place)?;
            if layer.bidirectional {
                return Err(Error::out_of_range(
                    format!("{place}.bidirectional"),
                    true,
                    "false in a model that writes from left to right: it cannot read what it has \
                     not written yet; bidirectional layers belong to encoders",
                ));
            }
        }
        for (key, share) in [
            ("model.dropout", self.dropout),
            ("model.layer_dropout", self.layer_dropout),
            ("model.embedding_dropout", self.embedding_dropout),
        ] {
            check_share(key, share)?;
        }
        let (place, size) = match self.projection {
            0 => (format!("model.layers[{}].units", self.layers.len() - 1), last.units),
            size => ("model.projection".into(), size),
        };
        if self.tied && size != self.embedding {
            let embedding = self.embedding;
            return Err(Error::Unfit {
                key: place,
                found: size,
                expected: embedding,
                reason: "`model.tied` uses the embedding's weights again, so that the output layer \
                         must read as many numbers as `model.embedding` holds",
                cure: format!("set `model.projection` or `model.embedding` to fit ({embedding})"),
            });
        }
        Ok(())
    }

    /// The model with fresh weights: a function of `seed` alone.
    ///
    /// # Errors
    /// If [`check`](Self::check) does.
    pub fn init(&self, seed: u64, device: &Device) -> Result<LanguageModel> {
        self.init_as(seed, DType::F32, device)
    }

    /// The same with weights of this dtype, `F32` or `F64`.
    ///
    /// # Errors
    /// If [`check`](Self::check) does.
    pub fn init_as(&self, seed: u64, dtype: DType, device: &Device) -> Result<LanguageModel> {
        self.build(&Initialization::new(seed, device).with_dtype(dtype))
    }

    /// The model with all weights zero, to be replaced by those of a file.
    ///
    /// # Errors
    /// If [`check`](Self::check) does.
    pub fn blank(&self, device: &Device) -> Result<LanguageModel> {
        self.build(&Initialization::blank(device))
    }

    fn build(&self, weights: &Initialization) -> Result<LanguageModel> {
        self.check()?;
        let stack = Stack {
            dropout: self.layer_dropout,
            locked: self.locked_dropout,
            ..Stack::new(self.embedding, &self.layers, &weights.at("stack"))
        };
        let projection = (self.projection > 0).then_some(self.projection);
        let output = weights.at("output");
        Ok(LanguageModel {
            embedding: Embedding::new(self.vocabulary, self.embedding, &weights.at("embedding")),
            output: Output::new(stack.width(), projection, self.tied, self.vocabulary, &output),
            stack,
            frozen_embedding: self.frozen_embedding,
            dropout: self.dropout,
            embedding_dropout: self.embedding_dropout,
        })
    }
}

/// Rejects a rate outside `[0, 1)`.
///
/// # Errors
/// [`Error::OutOfRange`] that names `key`.
pub fn check_share(key: impl Into<String>, share: f64) -> Result<()> {
    match (0.0..1.0).contains(&share) {
        true => Ok(()),
        false => Err(Error::out_of_range(key, share, "0 or more and below 1")),
    }
}

#[cfg(test)]
mod tests {
    use crate::cell::{Activation, CellKind};

    use super::*;

    fn layer() -> LayerConfig {
        LayerConfig::new(CellKind::Lstm, 4)
    }

    fn config() -> LanguageModelConfig {
        LanguageModelConfig { dropout: 0.2, ..LanguageModelConfig::new(9, 3, vec![layer()]) }
    }

    #[test]
    fn what_makes_no_model_is_refused_by_name() {
        let with = |layer| LanguageModelConfig { layers: vec![layer], ..config() };
        let cases = [
            (LanguageModelConfig { embedding: 0, ..config() }, "model.embedding"),
            (LanguageModelConfig { dropout: 1.0, ..config() }, "model.dropout"),
            (LanguageModelConfig { dropout: f64::NAN, ..config() }, "model.dropout"),
            (LanguageModelConfig { layer_dropout: -0.1, ..config() }, "model.layer_dropout"),
            (LanguageModelConfig { embedding_dropout: 1.5, ..config() }, "embedding_dropout"),
            (LanguageModelConfig { layers: vec![], ..config() }, "model.layers"),
            (LanguageModelConfig { projection: 9_000, ..config() }, "model.projection"),
            (with(LayerConfig { units: 0, ..layer() }), "model.layers[0].units"),
            (with(LayerConfig { recurrent_dropout: 1.0, ..layer() }), "[0].recurrent_dropout"),
            (
                with(LayerConfig { activation: Some(Activation::Relu), ..layer() }),
                "`model.layers[0].activation`",
            ),
            (with(LayerConfig { reset_after: Some(true), ..layer() }), "[0].reset_after`"),
        ];
        for (config, key) in cases {
            let error = config.check().unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
        config().check().unwrap();
    }

    #[test]
    fn a_bidirectional_writer_is_refused_with_the_reason() {
        let layers = vec![layer(), LayerConfig { bidirectional: true, ..layer() }];
        let error = LanguageModelConfig { layers, ..config() }.check().unwrap_err().to_string();
        assert!(error.contains("model.layers[1].bidirectional"), "{error}");
        assert!(error.contains("has not written yet"), "{error}");
    }

    #[test]
    fn tied_sizes_must_fit_and_a_projection_makes_them() {
        let tied = LanguageModelConfig { tied: true, ..config() };
        let error = tied.check().unwrap_err().to_string();
        assert!(error.contains("`model.layers[0].units` is 4, expected 3"), "{error}");
        assert!(error.contains("model.projection"), "{error}");
        let error = LanguageModelConfig { projection: 5, ..tied.clone() }.check().unwrap_err();
        assert!(error.to_string().contains("`model.projection` is 5, expected 3"), "{error}");
        LanguageModelConfig { projection: 3, ..tied.clone() }.check().unwrap();
        LanguageModelConfig { embedding: 4, ..tied }.check().unwrap();
    }
}
