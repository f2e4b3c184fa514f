//! The output layer: from what the recurrence hands on to one logit a token.

use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor, s};
use kernels::{softmax_guesses, softmax_loss};

use crate::dense::Dense;
use crate::embedding::Embedding;
use crate::init::{Initialization, Initializer};

/// `y = p W + b` with `p = x P + q` where there is a projection, else `p = x`. Where W is tied, it is
/// the embedding's table, transposed (Press and Wolf 2017). The softmax is left to the loss and to
/// the sampler.
#[derive(Module, Debug)]
pub struct Output {
    /// P and q, from `H` to the `D` numbers of a token's vector or to any other size.
    pub projection: Option<Dense>,
    /// W, `[H, V]`; none where it is tied.
    pub kernel: Option<Param<Tensor<2>>>,
    /// b, `[V]`.
    pub bias: Param<Tensor<1>>,
}

impl Output {
    /// Fresh weights: Glorot uniform, zero biases, as in Keras. `projection` is the size of p.
    pub fn new(
        inputs: usize,
        projection: Option<usize>,
        tied: bool,
        vocabulary: usize,
        weights: &Initialization,
    ) -> Self {
        let size = projection.unwrap_or(inputs);
        let kernel = || weights.matrix("kernel", [size, vocabulary], Initializer::GlorotUniform);
        Self {
            projection: projection.map(|size| Dense::new(inputs, size, &weights.at("projection"))),
            kernel: (!tied).then(kernel),
            bias: weights.vector("bias", vec![0.0; vocabulary]),
        }
    }

    /// `[N, H]` to `[N, V]`; `embedding` is the model's own.
    pub fn forward(&self, input: Tensor<2>, embedding: &Embedding) -> Tensor<2> {
        let [input, kernel] = self.factors(input, embedding);
        input.matmul(kernel) + self.bias.val().unsqueeze()
    }

    /// `−ln softmax(y)` at the target of each row, `[N]`, without y as a whole.
    pub fn loss(
        &self,
        input: Tensor<2>,
        embedding: &Embedding,
        targets: Tensor<1, Int>,
    ) -> Tensor<1> {
        let [input, kernel] = self.factors(input, embedding);
        softmax_loss(input, kernel, self.bias.val(), targets)
    }

    /// The same losses without gradients, and for each row 1 if its target was the likeliest.
    pub fn guesses(
        &self,
        input: Tensor<2>,
        embedding: &Embedding,
        targets: Tensor<1, Int>,
    ) -> (Tensor<1>, Tensor<1, Int>) {
        let [input, kernel] = self.factors(input, embedding);
        softmax_guesses(input, kernel, self.bias.val(), targets)
    }

    /// p and W.
    fn factors(&self, input: Tensor<2>, embedding: &Embedding) -> [Tensor<2>; 2] {
        let input = match &self.projection {
            Some(projection) => projection.forward(input),
            None => input,
        };
        let kernel = match &self.kernel {
            Some(kernel) => kernel.val(),
            // Where fewer tokens are written than read, they are the first ones.
            None => {
                let rows = embedding.weight.val();
                let written = self.bias.dims()[0];
                match written < rows.dims()[0] {
                    true => rows.slice(s![..written, ..]).transpose(),
                    false => rows.transpose(),
                }
            }
        };
        [input, kernel]
    }
}
