//! The kernels as operations of Burn's backends, differentiable ones by their hand-written way back.
//!
//! Beside `cube/`, the only place in the house that names a concrete backend's type.

#[cfg(feature = "cube")]
mod graphics;
mod host;
mod optimizers;
mod sequence;
mod softmax_loss;
mod tape;

use std::sync::Arc;

#[cfg(feature = "ndarray")]
use burn::backend::NdArray;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Flex, backend_extension};

use crate::cpu::optimizer;
pub use sequence::Plan;
use sequence::Ways;

/// Recurrent layers, differentiable.
#[backend_extension(Flex, NdArray: cfg(feature = "ndarray"), Cube: cfg(feature = "cube"), Autodiff)]
pub trait Layers: Backend {
    /// A recurrent layer over whole sequences; see `cpu::sequence` and `cube::sequence`.
    fn sequence(
        plan: Plan,
        ids: Option<Arc<[u32]>>,
        input: FloatTensor<Self>,
        kernel: FloatTensor<Self>,
        recurrent: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        hidden: FloatTensor<Self>,
        memory: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

/// The loss, differentiable.
#[backend_extension(Flex, NdArray: cfg(feature = "ndarray"), Autodiff)]
pub trait Loss: Backend {
    /// The output layer with its loss; see `cpu::softmax_loss`.
    fn softmax_loss(
        targets: Arc<[u32]>,
        input: FloatTensor<Self>,
        kernel: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

/// The loss where nobody differentiates it.
#[backend_extension(Flex, NdArray: cfg(feature = "ndarray"))]
pub trait Guesses: Backend {
    /// The output layer with its loss: of each row the loss, and 1 if the target was the likeliest.
    fn softmax_guesses(
        targets: Arc<[u32]>,
        input: FloatTensor<Self>,
        kernel: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
}

/// Steps of optimizers.
#[backend_extension(Flex, NdArray: cfg(feature = "ndarray"), Cube: cfg(feature = "cube"))]
pub trait Updates: Backend {
    /// One step of RMSprop; gives the weights and v.
    fn rmsprop(
        config: optimizer::Rmsprop,
        weights: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        square: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// One step of Adam; gives the weights, m and v.
    fn adam(
        config: optimizer::Adam,
        weights: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        square: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

macro_rules! on_host {
    ($backend:ty) => {
        impl Layers for $backend {
            fn sequence(
                plan: Plan,
                ids: Option<Arc<[u32]>>,
                input: FloatTensor<Self>,
                kernel: FloatTensor<Self>,
                recurrent: FloatTensor<Self>,
                bias: FloatTensor<Self>,
                hidden: FloatTensor<Self>,
                memory: FloatTensor<Self>,
            ) -> FloatTensor<Self> {
                let tensors = [input, kernel, recurrent, bias, hidden, memory];
                Self::forward(plan, ids.as_deref(), &tensors).0
            }
        }

        impl Loss for $backend {
            fn softmax_loss(
                targets: Arc<[u32]>,
                input: FloatTensor<Self>,
                kernel: FloatTensor<Self>,
                bias: FloatTensor<Self>,
            ) -> FloatTensor<Self> {
                softmax_loss::forward::<Self>(&targets, &[input, kernel, bias]).0
            }
        }

        impl Guesses for $backend {
            fn softmax_guesses(
                targets: Arc<[u32]>,
                input: FloatTensor<Self>,
                kernel: FloatTensor<Self>,
                bias: FloatTensor<Self>,
            ) -> (FloatTensor<Self>, FloatTensor<Self>) {
                softmax_loss::guesses::<Self>(&targets, &[input, kernel, bias])
            }
        }

        impl Updates for $backend {
            fn rmsprop(
                config: optimizer::Rmsprop,
                weights: FloatTensor<Self>,
                gradient: FloatTensor<Self>,
                square: FloatTensor<Self>,
            ) -> (FloatTensor<Self>, FloatTensor<Self>) {
                optimizers::rmsprop::<Self>(config, weights, gradient, square)
            }

            fn adam(
                config: optimizer::Adam,
                weights: FloatTensor<Self>,
                gradient: FloatTensor<Self>,
                mean: FloatTensor<Self>,
                square: FloatTensor<Self>,
            ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
                optimizers::adam::<Self>(config, weights, gradient, mean, square)
            }
        }
    };
}

on_host!(Flex);
#[cfg(feature = "ndarray")]
on_host!(NdArray);
