//! Reads sentences: the vectors of their words and of what else is known of each, from both ends.

use crate::data::{FEATURES, Sentences};
use burn::module::Module;
use burn::tensor::{Int, Tensor, s};
use kernels::Input;

use models::dropout::{DropoutKey, Place};
use models::embedding::Embedding;
use models::init::Initialization;
use models::layer::LayerConfig;
use models::stack::{Reading, Stack};

/// What was made of some sentences.
#[derive(Clone, Debug)]
pub struct Read {
    /// The states of all words, `[N, S, E]`; those of padding mean nothing.
    pub states: Tensor<3>,
    /// What each direction knew when it had read all, side by side, `[N, E]`.
    pub end: Tensor<2>,
}

/// Features and layers.
#[derive(Module, Debug)]
pub(crate) struct Encoder {
    /// One table a feature, in the order of [`FEATURES`]; none if features are not read.
    pub features: Vec<Embedding>,
    /// The recurrence.
    pub stack: Stack,
    /// The share of what is read and of the states that is dropped while training.
    #[module(skip)]
    pub dropout: f64,
}

impl Encoder {
    /// Fresh weights; nothing is dropped.
    pub fn new(
        features: usize,
        inputs: usize,
        layers: &[LayerConfig],
        weights: &Initialization,
    ) -> Self {
        let table = |(at, &(name, values)): (usize, &(&str, usize))| {
            debug_assert!(at < FEATURES.len());
            Embedding::new(values, features, &weights.at(name))
        };
        let tables = FEATURES.iter().enumerate().map(table);
        Self {
            features: if features == 0 { Vec::new() } else { tables.collect() },
            stack: Stack::new(inputs, layers, &weights.at("stack")),
            dropout: 0.0,
        }
    }

    /// Reads sentences whose words have the rows of `table`. `features` are ids `[N, S]`, one a feature.
    pub fn read(
        &self,
        table: Tensor<2>,
        sentences: &Sentences,
        features: &[Tensor<2, Int>],
        dropout: Option<DropoutKey>,
    ) -> Read {
        let words = Input::Ids { table, ids: sentences.words.clone() };
        let [batch, time] = words.steps();
        let input = match self.features.is_empty() && dropout.is_none() {
            true => words,
            false => {
                let mut parts = vec![words.vectors()];
                for (feature, ids) in self.features.iter().zip(features) {
                    parts.push(feature.input(ids.clone(), None).vectors());
                }
                let mut vectors = Tensor::cat(parts, 2);
                if let Some(key) = dropout {
                    vectors = key.masks(Place::Input, self.dropout).drop(vectors);
                }
                Input::Vectors(vectors)
            }
        };
        let reading =
            Reading { dropout, mirror: Some(sentences.mirror.clone()), ..Reading::default() };
        let (states, _) = self.stack.run(input, self.stack.start(batch), &reading);
        let width = states.dims()[2];
        let rows = states.clone().reshape([batch * time, width]);
        let last = rows.select(0, sentences.last.clone());
        let top = self.stack.layers.last().expect("an encoder has a layer");
        let end = match &top.backward {
            None => last,
            // Where a direction has read all: forwards at the last word, backwards at the first.
            Some(_) => {
                let forwards = top.cell.units();
                let first = states.clone().slice(s![.., ..1, forwards..]).squeeze_dim::<2>(1);
                Tensor::cat(vec![last.slice(s![.., ..forwards]), first], 1)
            }
        };
        let states = match dropout {
            Some(key) => key.masks(Place::Output, self.dropout).drop(states),
            None => states,
        };
        Read { states, end }
    }
}
