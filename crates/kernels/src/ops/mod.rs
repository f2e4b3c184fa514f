//! The kernels as operations of Burn's CPU backends, differentiable ones by their hand-written way back.
//!
//! The only place in the house that names a concrete backend's type.

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

/// Operations that record how to go back.
#[backend_extension(Flex, NdArray: cfg(feature = "ndarray"), Autodiff)]
pub trait Differentiable: Backend {
    /// A recurrent layer over whole sequences; see `cpu::sequence`.
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

    /// The output layer with its loss; see `cpu::softmax_loss`.
    fn softmax_loss(
        targets: Arc<[u32]>,
        input: FloatTensor<Self>,
        kernel: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

/// What nobody differentiates.
#[backend_extension(Flex, NdArray: cfg(feature = "ndarray"))]
pub trait Plain: Backend {
    /// The output layer with its loss: of each row the loss, and 1 if the target was the likeliest.
    fn softmax_guesses(
        targets: Arc<[u32]>,
        input: FloatTensor<Self>,
        kernel: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

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
        impl Differentiable for $backend {
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
                sequence::forward::<Self>(plan, ids.as_deref(), &tensors).0
            }

            fn softmax_loss(
                targets: Arc<[u32]>,
                input: FloatTensor<Self>,
                kernel: FloatTensor<Self>,
                bias: FloatTensor<Self>,
            ) -> FloatTensor<Self> {
                softmax_loss::forward::<Self>(&targets, &[input, kernel, bias]).0
            }
        }

        impl Plain for $backend {
            fn softmax_guesses(
                targets: Arc<[u32]>,
                input: FloatTensor<Self>,
                kernel: FloatTensor<Self>,
                bias: FloatTensor<Self>,
            ) -> (FloatTensor<Self>, FloatTensor<Self>) {
                softmax_loss::guesses::<Self>(&targets, &[input, kernel, bias])
            }

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
