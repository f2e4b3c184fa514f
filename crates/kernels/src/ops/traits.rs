//! The operations that this crate adds to Burn's backends.

use std::sync::Arc;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, backend_extension};

use crate::cpu::bf16::Operands;
use crate::cpu::dropout::DropoutMask;
use crate::cpu::kernel_cell::KernelCell;
use crate::cpu::optimizer::{AdamParams, RmspropParams};

/// The cell of a layer, and which hidden states it returns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SequenceSpec {
    /// The cell.
    pub cell: KernelCell,
    /// `[N, T]`.
    pub batch_and_time: [usize; 2],
    /// All hidden states, or only the last.
    pub all_steps: bool,
    /// Whether the state is reset before some steps; else the argument that says where is ignored.
    pub has_resets: bool,
    /// How the factors of products are rounded; on a CPU only.
    pub operands: Operands,
}

/// Recurrent layers, differentiable.
#[backend_extension(Flex, NdArray: cfg(feature = "ndarray"), Cube: cfg(feature = "cube"), Autodiff)]
pub trait SequenceOps: Backend {
    /// A recurrent layer over whole sequences; see `cpu::sequence` and `cube::sequence`.
    fn sequence(
        spec: SequenceSpec,
        ids: Option<Arc<[u32]>>,
        input: FloatTensor<Self>,
        kernel: FloatTensor<Self>,
        recurrent: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        hidden: FloatTensor<Self>,
        cell_state: FloatTensor<Self>,
        keep_state: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

/// Linear layers, differentiable.
#[backend_extension(Flex, NdArray: cfg(feature = "ndarray"), Autodiff)]
pub trait LinearOps: Backend {
    /// x W + b with the factors of products rounded like this; see `cpu::linear`.
    fn linear(
        operands: Operands,
        input: FloatTensor<Self>,
        kernel: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

/// The output layer with its loss, differentiable.
#[backend_extension(Flex, NdArray: cfg(feature = "ndarray"), Autodiff)]
pub trait SoftmaxLossOps: Backend {
    /// The loss of each row, with the factors of products rounded like this; see `cpu::softmax_loss`.
    fn softmax_loss(
        operands: Operands,
        targets: Arc<[u32]>,
        input: FloatTensor<Self>,
        kernel: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

/// The output layer with its loss and accuracy, not differentiable.
#[backend_extension(Flex, NdArray: cfg(feature = "ndarray"))]
pub trait LossWithAccuracyOps: Backend {
    /// The loss of each row, and 1 where the target has the highest probability.
    fn softmax_loss_with_accuracy(
        targets: Arc<[u32]>,
        input: FloatTensor<Self>,
        kernel: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
}

/// Products with dropout masks, differentiable.
#[backend_extension(Flex, NdArray: cfg(feature = "ndarray"), Autodiff)]
pub trait DropoutOps: Backend {
    /// The values times the mask, which has one entry per value.
    fn dropout(mask: DropoutMask, values: FloatTensor<Self>) -> FloatTensor<Self>;
}

/// Passes over whole tensors, not differentiable: Burn panics if the backend is [`Autodiff`](burn::backend::Autodiff).
#[backend_extension(Flex, NdArray: cfg(feature = "ndarray"))]
pub trait ElementwiseOps: Backend {
    /// The values times the factor, a tensor of one value.
    fn scaled(values: FloatTensor<Self>, factor: FloatTensor<Self>) -> FloatTensor<Self>;

    /// a x + b y, with `factors` a and b.
    fn weighted_sum(factors: [f64; 2], x: FloatTensor<Self>, y: FloatTensor<Self>) -> FloatTensor<Self>;

    /// Σ x², `[1]`.
    fn sum_of_squares(values: FloatTensor<Self>) -> FloatTensor<Self>;
}

/// Optimizer steps.
#[backend_extension(Flex, NdArray: cfg(feature = "ndarray"), Cube: cfg(feature = "cube"))]
pub trait OptimizerOps: Backend {
    /// One step of RMSprop; returns w and v.
    fn rmsprop(
        params: RmspropParams,
        weights: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        square: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// One step of Adam; returns w, m and v.
    fn adam(
        params: AdamParams,
        weights: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        square: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}
