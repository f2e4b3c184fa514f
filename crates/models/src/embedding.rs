//! From ids to vectors: one trainable row a token.

use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor, s};

use crate::dropout::Masks;
use crate::init::{Initialization, Initializer};

/// A table of `V` rows of `D` numbers.
#[derive(Module, Debug)]
pub struct Embedding {
    /// The rows, `[V, D]`.
    pub weight: Param<Tensor<2>>,
}

impl Embedding {
    /// Fresh rows, uniform over ±0.05 as in Keras.
    pub fn new(vocabulary: usize, size: usize, weights: &Initialization) -> Self {
        let initializer = Initializer::Uniform { limit: 0.05 };
        Self { weight: weights.matrix("weight", [vocabulary, size], initializer) }
    }

    /// The rows of `ids` `[N, T]`, one `[N, D]` tensor a time step, with the rows of some ids
    /// dropped if there are masks.
    pub fn steps(&self, ids: Tensor<2, Int>, masks: Option<Masks>) -> Vec<Tensor<2>> {
        let [batch, time] = ids.dims();
        // Time-major, so that a step is one block of rows: cheap to cut, forwards and backwards.
        let ids = ids.swap_dims(0, 1).reshape([time * batch]);
        let mut rows = self.weight.val().select(0, ids.clone());
        if let Some(mut masks) = masks {
            rows = masks.drop_ids(rows, ids, self.weight.dims()[0]);
        }
        (0..time).map(|t| rows.clone().slice(s![t * batch..(t + 1) * batch, ..])).collect()
    }
}
