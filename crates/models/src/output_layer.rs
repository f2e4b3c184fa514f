//! The output layer: from hidden states to one logit per token.

mod adaptive;

use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor, s};
use kernels::{KernelMode, softmax_loss, softmax_loss_with_accuracy};

use crate::dense::Dense;
use crate::embedding::Embedding;
use crate::init::Initialization;
use crate::token_cluster::TokenCluster;

/// The losses of one batch, still on the device.
#[derive(Clone, Debug)]
pub struct LossOutput {
    /// −ln p(target), `[N]`.
    pub nats: Tensor<1>,
    /// 1 where the target was the most probable token, else 0, `[N]`, if accuracy was requested.
    pub correct: Option<Tensor<1, Int>>,
}

/// The loss of one training batch, still on the device.
#[derive(Clone, Debug)]
pub struct TrainLoss {
    /// −ln p(target), `[N]`, which is reported.
    pub nats: Tensor<1>,
    /// What is minimized besides the mean of these, `[1]`, if there is something.
    pub penalty: Option<Tensor<1>>,
}

impl TrainLoss {
    /// The value to minimize, `[1]`.
    pub fn minimized(&self) -> Tensor<1> {
        let mean = self.nats.clone().mean();
        match &self.penalty {
            Some(penalty) => mean + penalty.clone(),
            None => mean,
        }
    }

    /// This value times the number of losses, `[1]`: what the shards of a batch add. Their sum, divided by the number of
    /// all losses, is the value of the batch; the penalty is then the mean of the shards', weighted by their losses.
    pub fn summed(&self) -> Tensor<1> {
        let sum = self.nats.clone().sum();
        match &self.penalty {
            Some(penalty) => sum + penalty.clone().mul_scalar(self.nats.dims()[0] as f64),
            None => sum,
        }
    }
}

impl From<Tensor<1>> for TrainLoss {
    fn from(nats: Tensor<1>) -> Self {
        Self { nats, penalty: None }
    }
}

/// `y = p W + b` with `p = x P + q` if there is a projection, else `p = x`. With tied weights, W is
/// the transposed embedding table (Press and Wolf 2017). The softmax is computed by the loss or the
/// sampler.
///
/// With an [adaptive softmax](crate::AdaptiveSoftmax), W and b are those of the head: its columns are those of the most frequent
/// tokens, then those of the clusters.
#[derive(Module, Debug)]
pub struct OutputLayer {
    /// P and q, from the hidden size `H` to the embedding dimension `D` or any other size.
    pub projection: Option<Dense>,
    /// W, `[H, V]`, or with clusters `[H, C]` for the C classes of the head; none with tied weights.
    pub kernel: Option<Param<Tensor<2>>>,
    /// b, `[V]` or `[C]`.
    pub bias: Param<Tensor<1>>,
    /// The clusters of the tokens that have no class in the head, in the order of their ids; empty without an adaptive
    /// softmax.
    pub clusters: Vec<TokenCluster>,
    /// Fused kernels for the projection and the loss or Burn's own operations; not part of a saved model.
    #[module(skip)]
    pub kernels: KernelMode,
}

impl OutputLayer {
    /// Initial weights: W by the scheme of `weights`, P as in Keras, zero biases. `projection` is the size of p.
    pub fn new(
        inputs: usize,
        projection: Option<usize>,
        tied: bool,
        vocab_size: usize,
        weights: &Initialization,
    ) -> Self {
        let size = projection.unwrap_or(inputs);
        let kernel = || weights.matrix("kernel", [size, vocab_size], weights.scheme.output_kernel(size));
        Self {
            projection: projection.map(|size| Dense::new(inputs, size, &weights.at("projection"))),
            kernel: (!tied).then(kernel),
            bias: weights.zero_vector("bias", vocab_size),
            clusters: Vec::new(),
            kernels: KernelMode::default(),
        }
    }

    /// V.
    pub fn vocab_size(&self) -> usize {
        self.head_tokens() + self.clusters.iter().map(TokenCluster::tokens).sum::<usize>()
    }

    /// The number of tokens that have a class in the head: all without an adaptive softmax.
    pub fn head_tokens(&self) -> usize {
        self.bias.lazy_shape()[0] - self.clusters.len()
    }

    /// Logits, from `[N, H]` to `[N, V]`; `embedding` is the same model's. Those of an adaptive softmax are logarithms of
    /// probabilities.
    pub fn forward(&self, input: Tensor<2>, embedding: &Embedding) -> Tensor<2> {
        let [input, kernel] = self.factors(input, embedding);
        let logits = self.head(input.clone(), kernel);
        if self.clusters.is_empty() { logits } else { self.log_probabilities(input, logits) }
    }

    /// `−ln softmax(y)` at each row's target, `[N]`, without storing all logits.
    pub fn loss(&self, input: Tensor<2>, embedding: &Embedding, targets: Tensor<1, Int>) -> Tensor<1> {
        let [input, kernel] = self.factors(input, embedding);
        if self.clusters.is_empty() {
            softmax_loss(input, kernel, self.bias.val(), targets, self.kernels)
        } else {
            self.adaptive_loss(input, kernel, targets)
        }
    }

    /// The same losses without gradients, and whether each target was the most probable token.
    pub fn loss_with_accuracy(&self, input: Tensor<2>, embedding: &Embedding, targets: Tensor<1, Int>) -> LossOutput {
        let [input, kernel] = self.factors(input, embedding);
        if !self.clusters.is_empty() {
            return self.adaptive_loss_with_accuracy(input, kernel, targets);
        }
        let (nats, correct) = softmax_loss_with_accuracy(input, kernel, self.bias.val(), targets, self.kernels);
        LossOutput { nats, correct: Some(correct) }
    }

    /// p and W.
    fn factors(&self, input: Tensor<2>, embedding: &Embedding) -> [Tensor<2>; 2] {
        let input = match &self.projection {
            Some(projection) => projection.forward_by(input, self.kernels),
            None => input,
        };
        let kernel = match &self.kernel {
            Some(kernel) => kernel.val(),
            None => {
                let rows = embedding.weight.val();
                // An output vocabulary that is smaller than the embedding's is its beginning.
                let outputs = self.bias.dims()[0];
                if outputs < rows.dims()[0] { rows.slice(s![..outputs, ..]).transpose() } else { rows.transpose() }
            }
        };
        [input, kernel]
    }

    /// The logits of the head's classes.
    fn head(&self, input: Tensor<2>, kernel: Tensor<2>) -> Tensor<2> {
        input.matmul(kernel) + self.bias.val().unsqueeze()
    }
}
