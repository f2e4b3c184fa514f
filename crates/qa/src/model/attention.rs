//! Attention of decoder steps over encoder steps, with optional coverage.

use burn::module::{Module, Param};
use burn::tensor::activation::softmax;
use burn::tensor::{Int, Tensor, s};
use models::init::{Initialization, Initializer};
use serde::{Deserialize, Serialize};

/// The score of a query q (a decoder step) and a key k (an encoder step).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttentionScore {
    /// qᵀ k (Luong, Pham and Manning 2015, section 3.1); both must have the same size.
    Dot,
    /// qᵀ W k (the same).
    General,
    /// vᵀ tanh(W q + U k) (Bahdanau, Cho and Bengio 2015, appendix A.1.2).
    Additive,
}

/// The part of attention that depends only on the encoder, computed once per sentence.
#[derive(Clone, Debug)]
pub struct Keys {
    /// The encoder outputs, `[N, S, E]`.
    pub states: Tensor<3>,
    /// U k for additive scores, else k, `[N, S, A]`.
    projected: Tensor<3>,
    /// 0 at words, −1e9 at padding, `[N, 1, S]`.
    padding: Tensor<3>,
}

impl Keys {
    /// The keys of these rows; a row may occur several times.
    #[must_use]
    pub fn select_rows(self, rows: Tensor<1, Int>) -> Self {
        let select = |tensor: Tensor<3>| tensor.select(0, rows.clone());
        Self { states: select(self.states), projected: select(self.projected), padding: select(self.padding) }
    }
}

/// Attention weights, and optionally the coverage.
#[derive(Clone, Debug)]
pub struct AttentionOutput {
    /// The weights, which sum to 1 at each step, `[N, T, S]`.
    pub weights: Tensor<3>,
    /// At each step, the coverage: the sum of the weights of all earlier steps, `[N, T, S]`.
    pub coverage_before: Option<Tensor<3>>,
    /// The coverage after the last step, `[N, 1, S]`.
    pub coverage: Option<Tensor<3>>,
}

/// The weights of the score.
#[derive(Module, Debug)]
pub struct Attention {
    /// W, `[H, E]` or `[H, A]`; `None` for [`AttentionScore::Dot`].
    pub query: Option<Param<Tensor<2>>>,
    /// U, `[E, A]`, for [`AttentionScore::Additive`].
    pub key: Option<Param<Tensor<2>>>,
    /// v, `[A, 1]`, for [`AttentionScore::Additive`].
    pub sum: Option<Param<Tensor<2>>>,
    /// u, `[1]`: times the coverage of a key, it is added to the score (Tu et al. 2016, with a scalar instead of
    /// a layer).
    pub coverage: Option<Param<Tensor<1>>>,
}

impl Attention {
    /// Initial weights for queries of size `query` (H) and keys of size `key` (E); A = H.
    pub fn new(score: AttentionScore, query: usize, key: usize, coverage: bool, weights: &Initialization) -> Self {
        let matrix = |name, sizes| weights.matrix(name, sizes, Initializer::GlorotUniform);
        let additive = score == AttentionScore::Additive;
        Self {
            query: match score {
                AttentionScore::Dot => None,
                AttentionScore::General => Some(matrix("query", [query, key])),
                AttentionScore::Additive => Some(matrix("query", [query, query])),
            },
            key: additive.then(|| matrix("key", [key, query])),
            sum: additive.then(|| matrix("sum", [query, 1])),
            coverage: coverage.then(|| weights.vector("coverage", vec![0.0])),
        }
    }

    /// The keys of encoder outputs `states` `[N, S, E]`; `mask` `[N, S]` is 1 at words and 0 at padding.
    pub fn keys(&self, states: Tensor<3>, mask: Tensor<2>) -> Keys {
        let projected = match &self.key {
            Some(key) => project(states.clone(), key.val()),
            None => states.clone(),
        };
        Keys { states, projected, padding: mask.sub_scalar(1.0).mul_scalar(1e9).unsqueeze_dim(1) }
    }

    /// The attention weights of `queries` `[N, T, H]`. With coverage the steps are computed one after another,
    /// because each depends on the weights before it; `coverage` `[N, 1, S]` is their sum before the first step, and
    /// `None` means zero.
    pub fn forward(&self, queries: Tensor<3>, keys: &Keys, coverage: Option<Tensor<3>>) -> AttentionOutput {
        let scores = self.scores(queries, keys) + keys.padding.clone();
        let Some(weight) = &self.coverage else {
            return AttentionOutput { weights: softmax(scores, 2), coverage_before: None, coverage: None };
        };
        let [_, time, _] = scores.dims();
        let weight = weight.val().unsqueeze::<3>();
        let step = |t: usize| scores.clone().slice(s![.., t..t + 1, ..]);
        let mut coverage = coverage.unwrap_or_else(|| step(0).zeros_like());
        let (mut weights, mut before) = (Vec::with_capacity(time), Vec::with_capacity(time));
        for t in 0..time {
            let step_weights = softmax(step(t) + coverage.clone() * weight.clone(), 2);
            before.push(coverage.clone());
            coverage = coverage + step_weights.clone();
            weights.push(step_weights);
        }
        let join = |steps| Tensor::cat(steps, 1);
        AttentionOutput { weights: join(weights), coverage_before: Some(join(before)), coverage: Some(coverage) }
    }

    /// The scores before masking, `[N, T, S]`.
    fn scores(&self, queries: Tensor<3>, keys: &Keys) -> Tensor<3> {
        let queries = match &self.query {
            Some(query) => project(queries, query.val()),
            None => queries,
        };
        let Some(sum) = &self.sum else {
            return queries.matmul(keys.projected.clone().swap_dims(1, 2));
        };
        let ([batch, time, width], source) = (queries.dims(), keys.projected.dims()[1]);
        let queries: Tensor<4> = queries.unsqueeze_dim(2);
        let keys: Tensor<4> = keys.projected.clone().unsqueeze_dim(1);
        let hidden = (queries + keys).tanh().reshape([batch * time * source, width]);
        hidden.matmul(sum.val()).reshape([batch, time, source])
    }
}

/// `[N, T, D]` times `[D, P]`, as one matrix product.
fn project(input: Tensor<3>, kernel: Tensor<2>) -> Tensor<3> {
    let [batch, time, width] = input.dims();
    let size = kernel.dims()[1];
    input.reshape([batch * time, width]).matmul(kernel).reshape([batch, time, size])
}
