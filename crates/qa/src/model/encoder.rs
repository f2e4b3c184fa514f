//! The encoder: embeddings of words and word features, and bidirectional recurrent layers.

use burn::module::Module;
use burn::tensor::{Int, Tensor, s};
use kernels::Input;
use models::dropout::{DropoutKey, DropoutSite};
use models::embedding::Embedding;
use models::init::Initialization;
use models::stack::{ForwardOptions, LayerConfig, Stack};

use crate::data::{FEATURES, SentenceBatch};

/// The encoder's output for N sentences of up to S words.
#[derive(Clone, Debug)]
pub struct EncoderOutput {
    /// The last layer's output at each word, `[N, S, E]`; undefined at padding.
    pub states: Tensor<3>,
    /// The last layer's final output: that of both directions, concatenated, `[N, E]`.
    pub last: Tensor<2>,
}

/// Feature embeddings and recurrent layers.
#[derive(Module, Debug)]
pub(crate) struct Encoder {
    /// One embedding per feature, in the order of [`FEATURES`]; empty if features are not used.
    pub features: Vec<Embedding>,
    /// The recurrent layers.
    pub stack: Stack,
    /// The dropout rate of the layers' inputs and outputs while training.
    #[module(skip)]
    pub dropout: f64,
}

impl Encoder {
    /// Initial weights, without dropout.
    pub fn new(feature_dim: usize, inputs: usize, layers: &[LayerConfig], weights: &Initialization) -> Self {
        let table = |&(name, values): &(&str, usize)| Embedding::new(values, feature_dim, &weights.at(name));
        let features = if feature_dim == 0 { Vec::new() } else { FEATURES.iter().map(table).collect() };
        Self { features, stack: Stack::new(inputs, layers, &weights.at("stack")), dropout: 0.0 }
    }

    /// Encodes sentences with the word embeddings of `table`. `features` are one tensor of ids `[N, S]` per
    /// feature.
    pub fn forward(
        &self,
        table: Tensor<2>,
        sentences: &SentenceBatch,
        features: &[Tensor<2, Int>],
        dropout: Option<DropoutKey>,
    ) -> EncoderOutput {
        let words = Input::Ids { table, ids: sentences.ids.clone() };
        let [batch, time] = words.batch_and_time();
        let input = if self.features.is_empty() && dropout.is_none() {
            words
        } else {
            let mut parts = vec![words.into_vectors()];
            for (feature, ids) in self.features.iter().zip(features) {
                parts.push(feature.layer_input(ids.clone(), None).into_vectors());
            }
            let mut vectors = Tensor::cat(parts, 2);
            if let Some(key) = dropout {
                vectors = key.masks(DropoutSite::Input, self.dropout).drop(vectors);
            }
            Input::Vectors(vectors)
        };
        let options = ForwardOptions {
            dropout,
            reverse_permutation: Some(sentences.reverse_permutation.clone()),
            ..ForwardOptions::default()
        };
        let (states, _) = self.stack.forward(input, self.stack.init_state(batch), &options);
        let rows = states.clone().reshape([batch * time, states.dims()[2]]);
        let mut last = rows.select(0, sentences.last_rows.clone());
        let top = self.stack.layers.last().expect("an encoder has a layer");
        if top.backward.is_some() {
            // The forward direction ends at the last word, the backward direction at the first.
            let forward = top.cell.units();
            let first = states.clone().slice(s![.., ..1, forward..]).squeeze_dim::<2>(1);
            last = Tensor::cat(vec![last.slice(s![.., ..forward]), first], 1);
        }
        let states = match dropout {
            Some(key) => key.masks(DropoutSite::Output, self.dropout).drop(states),
            None => states,
        };
        EncoderOutput { states, last }
    }
}
