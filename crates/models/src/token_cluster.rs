//! A cluster of an adaptive softmax: rarer tokens that share a class of the head.

use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor};
use kernels::{KernelMode, linear, softmax_loss};

use crate::init::{Initialization, Initializer};

/// `y = x P W`, as in the paper without biases, whose softmax has the probabilities of the cluster's tokens among themselves.
#[derive(Module, Debug)]
pub struct TokenCluster {
    /// P, `[H, D]`.
    pub projection: Param<Tensor<2>>,
    /// W, `[D, K]`.
    pub kernel: Param<Tensor<2>>,
}

impl TokenCluster {
    /// Initial weights of `tokens` tokens: P as the kernel of a dense layer, W by the scheme of `weights`.
    pub fn new(inputs: usize, dim: usize, tokens: usize, weights: &Initialization) -> Self {
        Self {
            projection: weights.matrix("projection", [inputs, dim], Initializer::GlorotUniform),
            kernel: weights.matrix("kernel", [dim, tokens], weights.scheme.output_kernel(dim)),
        }
    }

    /// K. Lazy values are not created.
    pub fn tokens(&self) -> usize {
        self.kernel.lazy_shape()[1]
    }

    /// y, from `[N, H]` to `[N, K]`.
    pub fn forward(&self, input: Tensor<2>, kernels: KernelMode) -> Tensor<2> {
        self.projected(input, kernels).matmul(self.kernel.val())
    }

    /// `−ln softmax(y)` at each row's target, `[N]`; targets are from 0 to below K.
    pub fn loss(&self, input: Tensor<2>, targets: Tensor<1, Int>, kernels: KernelMode) -> Tensor<1> {
        let input = self.projected(input, kernels);
        let no_bias = zeros(self.tokens(), &input);
        softmax_loss(input, self.kernel.val(), no_bias, targets, kernels)
    }

    /// x P.
    fn projected(&self, input: Tensor<2>, kernels: KernelMode) -> Tensor<2> {
        let projection = self.projection.val();
        let no_bias = zeros(projection.dims()[1], &input);
        linear(input, projection, no_bias, kernels)
    }
}

/// Zeros on the device of a tensor and of its type.
fn zeros(count: usize, like: &Tensor<2>) -> Tensor<1> {
    Tensor::zeros([count], (&like.device(), like.dtype()))
}
