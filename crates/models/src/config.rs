//! The blueprint of a language model: sizes, no weights.

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use crate::cell::CellKind;
use crate::dense::Dense;
use crate::embedding::Embedding;
use crate::error::{Error, Result};
use crate::init::Initialization;
use crate::language_model::LanguageModel;
use crate::stack::Stack;

/// One recurrent layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerConfig {
    /// Which equations.
    pub cell: CellKind,
    /// H, how many units.
    pub units: usize,
}

/// Embedding → recurrent layers → dropout → dense.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LanguageModelConfig {
    /// V, how many ids there are, the reserved ones included.
    pub vocabulary: usize,
    /// D, numbers in a token's vector.
    pub embedding: usize,
    /// The recurrent layers, the lowest first.
    pub layers: Vec<LayerConfig>,
    /// The share of the last hidden state that is dropped while training.
    pub dropout: f64,
}

impl LanguageModelConfig {
    /// Refuses sizes that make no model.
    ///
    /// # Errors
    /// Names the first setting that is out of range.
    pub fn check(&self) -> Result<()> {
        let refuse =
            |key: String, found: String, expected| Err(Error::OutOfRange { key, found, expected });
        if self.layers.is_empty() {
            return refuse("model.layers".into(), "empty".into(), "at least one layer");
        }
        let units = self.layers.iter().enumerate();
        let units = units.map(|(at, layer)| (format!("model.layers[{at}].units"), layer.units));
        for (key, size) in std::iter::once(("model.embedding".into(), self.embedding)).chain(units)
        {
            if !(1..=8_192).contains(&size) {
                return refuse(key, size.to_string(), "1 to 8192");
            }
        }
        if !(0.0..1.0).contains(&self.dropout) {
            let found = self.dropout.to_string();
            return refuse("model.dropout".into(), found, "0 or more and below 1");
        }
        Ok(())
    }

    /// The model with fresh weights: a function of `seed` alone.
    ///
    /// # Errors
    /// If [`check`](Self::check) does.
    pub fn init(&self, seed: u64, device: &Device) -> Result<LanguageModel> {
        self.build(&Initialization::new(seed, device))
    }

    /// The model with all weights zero, to be replaced by those of a file.
    ///
    /// # Errors
    /// If [`check`](Self::check) does.
    pub(crate) fn blank(&self, device: &Device) -> Result<LanguageModel> {
        self.build(&Initialization::blank(device))
    }

    fn build(&self, weights: &Initialization) -> Result<LanguageModel> {
        self.check()?;
        let mut inputs = self.embedding;
        let mut layers = Vec::with_capacity(self.layers.len());
        for (at, layer) in self.layers.iter().enumerate() {
            let weights = weights.at("stack.layers").at(at);
            layers.push(layer.cell.init(inputs, layer.units, &weights));
            inputs = layer.units;
        }
        Ok(LanguageModel {
            embedding: Embedding::new(self.vocabulary, self.embedding, &weights.at("embedding")),
            stack: Stack { layers },
            output: Dense::new(inputs, self.vocabulary, &weights.at("output")),
            dropout: self.dropout,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> LanguageModelConfig {
        let layers = vec![LayerConfig { cell: CellKind::Lstm, units: 4 }];
        LanguageModelConfig { vocabulary: 9, embedding: 3, layers, dropout: 0.2 }
    }

    #[test]
    fn what_makes_no_model_is_refused_by_name() {
        let cases = [
            (LanguageModelConfig { embedding: 0, ..config() }, "model.embedding"),
            (LanguageModelConfig { dropout: 1.0, ..config() }, "model.dropout"),
            (LanguageModelConfig { dropout: f64::NAN, ..config() }, "model.dropout"),
            (LanguageModelConfig { layers: vec![], ..config() }, "model.layers"),
            (
                LanguageModelConfig {
                    layers: vec![LayerConfig { cell: CellKind::Lstm, units: 0 }],
                    ..config()
                },
                "model.layers[0].units",
            ),
        ];
        for (config, key) in cases {
            let error = config.check().unwrap_err().to_string();
            assert!(error.contains(key), "{error}");
        }
        config().check().unwrap();
    }
}
