//! From ids to vectors: one trainable row a token.

use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor};
use kernels::Input;

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

    /// What a layer reads of `ids` `[N, T]`, with the rows of some ids dropped if there are masks.
    pub fn input(&self, ids: Tensor<2, Int>, masks: Option<Masks>) -> Input {
        let mut table = self.weight.val();
        if let Some(mut masks) = masks {
            table = masks.drop_rows(table);
        }
        Input::Ids { table, ids }
    }
}
