//! A dense (fully connected) layer.

use burn::module::{Module, Param};
use burn::tensor::Tensor;
use kernels::{KernelMode, linear};

use crate::init::{Initialization, Initializer};

/// `y = x W + b`.
#[derive(Module, Debug)]
pub struct Dense {
    /// W, `[D, P]`.
    pub kernel: Param<Tensor<2>>,
    /// b, `[P]`.
    pub bias: Param<Tensor<1>>,
}

impl Dense {
    /// Initial weights as in Keras: Glorot uniform, zero bias.
    pub fn new(inputs: usize, outputs: usize, weights: &Initialization) -> Self {
        Self {
            kernel: weights.matrix("kernel", [inputs, outputs], Initializer::GlorotUniform),
            bias: weights.vector("bias", vec![0.0; outputs]),
        }
    }

    /// From `[N, D]` to `[N, P]`, by Burn's own operations.
    pub fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        self.forward_by(input, KernelMode::Composed)
    }

    /// The same, by a fused kernel or Burn's own operations.
    pub fn forward_by(&self, input: Tensor<2>, kernels: KernelMode) -> Tensor<2> {
        linear(input, self.kernel.val(), self.bias.val(), kernels)
    }
}
