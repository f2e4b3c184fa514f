//! Attention: at each step of what is written, which steps of what was read it looks at.

use burn::module::{Module, Param};
use burn::tensor::activation::softmax;
use burn::tensor::{Int, Tensor, s};
use serde::{Deserialize, Serialize};

use models::init::{Initialization, Initializer};

/// How well a step q of what is written and a step k of what was read fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Score {
    /// qᵀ k (Luong, Pham and Manning 2015, section 3.1); both must have the same size.
    Dot,
    /// qᵀ W k (the same).
    General,
    /// vᵀ tanh(W q + U k) (Bahdanau, Cho and Bengio 2015, appendix A.1.2).
    Additive,
}

/// What scores need that grows with what was read, computed once.
#[derive(Clone, Debug)]
pub struct Keys {
    /// What was read, `[N, S, E]`.
    pub states: Tensor<3>,
    /// U k where scores are additive, else k, `[N, S, A]`.
    projected: Tensor<3>,
    /// 0 where a step is real, far below 0 where it is padding, `[N, 1, S]`.
    padding: Tensor<3>,
}

impl Keys {
    /// Those of these rows, some maybe several times.
    pub fn picked(self, rows: Tensor<1, Int>) -> Self {
        let pick = |tensor: Tensor<3>| tensor.select(0, rows.clone());
        Self {
            states: pick(self.states),
            projected: pick(self.projected),
            padding: pick(self.padding),
        }
    }
}

/// Which steps are looked at, and how much was looked at before.
#[derive(Clone, Debug)]
pub struct Looked {
    /// Shares that add up to 1 at each step, `[N, T, S]`.
    pub shares: Tensor<3>,
    /// The sum of all shares before each step, `[N, T, S]`, if it is kept.
    pub before: Option<Tensor<3>>,
    /// The sum of all shares so far, `[N, 1, S]`, if it is kept.
    pub covered: Option<Tensor<3>>,
}

/// The weights of the scores.
#[derive(Module, Debug)]
pub struct Attention {
    /// W, `[H, E]` or `[H, A]`; none for [`Score::Dot`].
    pub query: Option<Param<Tensor<2>>>,
    /// U, `[E, A]`, of [`Score::Additive`].
    pub key: Option<Param<Tensor<2>>>,
    /// v, `[A, 1]`, of [`Score::Additive`].
    pub sum: Option<Param<Tensor<2>>>,
    /// u, `[1]`: what a share that was looked at before adds to a score (coverage: Tu et al. 2016, with one
    /// number in the place of a layer).
    pub coverage: Option<Param<Tensor<1>>>,
}

impl Attention {
    /// Fresh weights for queries of `query` and keys of `key` numbers; additive scores meet in `query`
    /// numbers.
    pub fn new(
        score: Score,
        query: usize,
        key: usize,
        coverage: bool,
        weights: &Initialization,
    ) -> Self {
        let matrix = |name, sizes| weights.matrix(name, sizes, Initializer::GlorotUniform);
        let additive = score == Score::Additive;
        Self {
            query: match score {
                Score::Dot => None,
                Score::General => Some(matrix("query", [query, key])),
                Score::Additive => Some(matrix("query", [query, query])),
            },
            key: additive.then(|| matrix("key", [key, query])),
            sum: additive.then(|| matrix("sum", [query, 1])),
            coverage: coverage.then(|| weights.vector("coverage", vec![0.0])),
        }
    }

    /// Prepares what was read: `states` `[N, S, E]`, of which those are real that `real` `[N, S]` says.
    pub fn keys(&self, states: Tensor<3>, real: Tensor<2>) -> Keys {
        let projected = match &self.key {
            Some(key) => product(states.clone(), key.val()),
            None => states.clone(),
        };
        let padding = real.sub_scalar(1.0).mul_scalar(1e9).unsqueeze_dim(1);
        Keys { states, projected, padding }
    }

    /// What each of `queries` `[N, T, H]` looks at. With coverage the steps go one after another, for each
    /// depends on what was looked at before: `covered` `[N, 1, S]`, nothing at the beginning.
    pub fn look(&self, queries: Tensor<3>, keys: &Keys, covered: Option<Tensor<3>>) -> Looked {
        let scores = self.scores(queries, keys) + keys.padding.clone();
        let Some(coverage) = &self.coverage else {
            return Looked { shares: softmax(scores, 2), before: None, covered: None };
        };
        let [_, time, _] = scores.dims();
        let coverage = coverage.val().unsqueeze::<3>();
        let step = |t: usize| scores.clone().slice(s![.., t..t + 1, ..]);
        let mut covered = covered.unwrap_or_else(|| step(0).zeros_like());
        let (mut shares, mut before) = (Vec::with_capacity(time), Vec::with_capacity(time));
        for t in 0..time {
            let share = softmax(step(t) + covered.clone() * coverage.clone(), 2);
            before.push(covered.clone());
            covered = covered + share.clone();
            shares.push(share);
        }
        let join = |steps| Tensor::cat(steps, 1);
        Looked { shares: join(shares), before: Some(join(before)), covered: Some(covered) }
    }

    /// `[N, T, S]`, padding not yet taken out.
    fn scores(&self, queries: Tensor<3>, keys: &Keys) -> Tensor<3> {
        let queries = match &self.query {
            Some(query) => product(queries, query.val()),
            None => queries,
        };
        let Some(sum) = &self.sum else {
            return queries.matmul(keys.projected.clone().swap_dims(1, 2));
        };
        let ([batch, time, width], source) = (queries.dims(), keys.projected.dims()[1]);
        let queries: Tensor<4> = queries.unsqueeze_dim(2);
        let keys: Tensor<4> = keys.projected.clone().unsqueeze_dim(1);
        let met = (queries + keys).tanh().reshape([batch * time * source, width]);
        met.matmul(sum.val()).reshape([batch, time, source])
    }
}

/// `[N, T, D]` times `[D, P]`, as one matrix.
fn product(input: Tensor<3>, kernel: Tensor<2>) -> Tensor<3> {
    let [batch, time, width] = input.dims();
    let size = kernel.dims()[1];
    input.reshape([batch * time, width]).matmul(kernel).reshape([batch, time, size])
}
