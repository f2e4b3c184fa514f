//! The operations of `traits` for every backend with kernels.

use std::sync::Arc;

use burn::backend::Flex;
#[cfg(feature = "ndarray")]
use burn::backend::NdArray;
use burn::backend::tensor::FloatTensor;
#[cfg(feature = "cube")]
use burn_cubecl::CubeBackend;

use super::layer_kernels::LayerKernels;
use super::traits::{
    DropoutOps, ElementwiseOps, LinearOps, LossWithAccuracyOps, OptimizerOps, SequenceOps, SequenceSpec, SoftmaxLossOps,
};
use super::{dropout, elementwise, linear, optimizers, softmax_loss};
use crate::cpu::bf16::Operands;
use crate::cpu::dropout::DropoutMask;
use crate::cpu::optimizer::{AdamParams, RmspropParams};
#[cfg(feature = "cube")]
use crate::cube;

/// Layers by the backend's [`LayerKernels`], optimizers by the two given functions.
macro_rules! impl_layers_and_optimizers {
    ($backend:ty, $rmsprop:expr, $adam:expr) => {
        impl SequenceOps for $backend {
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
            ) -> FloatTensor<Self> {
                let tensors = [input, kernel, recurrent, bias, hidden, cell_state, keep_state];
                Self::forward(spec, ids.as_deref(), &tensors).0
            }
        }

        impl OptimizerOps for $backend {
            fn rmsprop(
                params: RmspropParams,
                weights: FloatTensor<Self>,
                gradient: FloatTensor<Self>,
                square: FloatTensor<Self>,
            ) -> (FloatTensor<Self>, FloatTensor<Self>) {
                $rmsprop(params, weights, gradient, square)
            }

            fn adam(
                params: AdamParams,
                weights: FloatTensor<Self>,
                gradient: FloatTensor<Self>,
                mean: FloatTensor<Self>,
                square: FloatTensor<Self>,
            ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
                $adam(params, weights, gradient, mean, square)
            }
        }
    };
}

/// Everything else, on a CPU backend, with the given sum of squares.
macro_rules! impl_cpu_operations {
    ($backend:ty, $sum_of_squares:expr) => {
        impl LinearOps for $backend {
            fn linear(
                operands: Operands,
                input: FloatTensor<Self>,
                kernel: FloatTensor<Self>,
                bias: FloatTensor<Self>,
            ) -> FloatTensor<Self> {
                linear::forward::<Self>(operands, &[input, kernel, bias])
            }
        }

        impl SoftmaxLossOps for $backend {
            fn softmax_loss(
                operands: Operands,
                targets: Arc<[u32]>,
                input: FloatTensor<Self>,
                kernel: FloatTensor<Self>,
                bias: FloatTensor<Self>,
            ) -> FloatTensor<Self> {
                softmax_loss::forward::<Self>(operands, &targets, &[input, kernel, bias], false).0
            }
        }

        impl LossWithAccuracyOps for $backend {
            fn softmax_loss_with_accuracy(
                targets: Arc<[u32]>,
                input: FloatTensor<Self>,
                kernel: FloatTensor<Self>,
                bias: FloatTensor<Self>,
            ) -> (FloatTensor<Self>, FloatTensor<Self>) {
                softmax_loss::with_accuracy::<Self>(&targets, &[input, kernel, bias])
            }
        }

        impl DropoutOps for $backend {
            fn dropout(mask: DropoutMask, values: FloatTensor<Self>) -> FloatTensor<Self> {
                dropout::forward::<Self>(&mask, &values)
            }
        }

        impl ElementwiseOps for $backend {
            fn scaled(values: FloatTensor<Self>, factor: FloatTensor<Self>) -> FloatTensor<Self> {
                elementwise::scaled::<Self>(values, factor)
            }

            fn weighted_sum(factors: [f64; 2], x: FloatTensor<Self>, y: FloatTensor<Self>) -> FloatTensor<Self> {
                elementwise::weighted_sum::<Self>(factors, x, y)
            }

            fn sum_of_squares(values: FloatTensor<Self>) -> FloatTensor<Self> {
                $sum_of_squares(values)
            }
        }
    };
}

impl_layers_and_optimizers!(Flex, optimizers::rmsprop::<Flex>, optimizers::adam::<Flex>);
impl_cpu_operations!(Flex, elementwise::sum_of_squares::<Flex>);
#[cfg(feature = "ndarray")]
impl_layers_and_optimizers!(NdArray, optimizers::rmsprop::<NdArray>, optimizers::adam::<NdArray>);
#[cfg(feature = "ndarray")]
impl_cpu_operations!(NdArray, elementwise::sum_of_squares_on_ndarray);
#[cfg(feature = "cube")]
impl_layers_and_optimizers!(CubeBackend, cube::optimizer::rmsprop, cube::optimizer::adam);
