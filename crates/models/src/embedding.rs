//! From ids to vectors: one trainable row per token.

use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor};
use kernels::Input;

use crate::dropout::Masks;
use crate::init::Initialization;

/// A table of `V` vectors of dimension `D`.
#[derive(Module, Debug)]
pub struct Embedding {
    /// The vectors, `[V, D]`.
    pub weight: Param<Tensor<2>>,
}

impl Embedding {
    /// Initial vectors, whose distribution the scheme of `weights` determines.
    pub fn new(vocab_size: usize, dim: usize, weights: &Initialization) -> Self {
        Self { weight: weights.matrix("weight", [vocab_size, dim], weights.scheme.embedding()) }
    }

    /// The input of a recurrent layer for `ids` `[N, T]`; `masks` drop whole rows of the table.
    pub fn layer_input(&self, ids: Tensor<2, Int>, masks: Option<Masks>) -> Input {
        let mut table = self.weight.val();
        if let Some(mut masks) = masks {
            table = masks.drop_rows(table);
        }
        Input::Ids { table, ids }
    }
}
