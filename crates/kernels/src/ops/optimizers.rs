//! Updates of weights, in place where nobody else holds them.

use burn::backend::TensorMetadata;
use burn::backend::tensor::FloatTensor;

use super::host::{Host, by_type};
use crate::cpu::optimizer::{self, Adam, Rmsprop};
use crate::cpu::processor::Processor;

pub(super) fn rmsprop<B: Host>(
    config: Rmsprop,
    mut weights: FloatTensor<B>,
    gradient: FloatTensor<B>,
    mut square: FloatTensor<B>,
) -> (FloatTensor<B>, FloatTensor<B>) {
    by_type!(weights.dtype(), T => {
        let gradient = B::lend::<T>(&gradient);
        let (w, v) = (B::own(&mut weights), B::own(&mut square));
        optimizer::rmsprop(Processor::best(), config, w, &gradient.dense(), v);
    });
    (weights, square)
}

pub(super) fn adam<B: Host>(
    config: Adam,
    mut weights: FloatTensor<B>,
    gradient: FloatTensor<B>,
    mut mean: FloatTensor<B>,
    mut square: FloatTensor<B>,
) -> (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) {
    by_type!(weights.dtype(), T => {
        let gradient = B::lend::<T>(&gradient);
        let (w, m, v) = (B::own(&mut weights), B::own(&mut mean), B::own(&mut square));
        optimizer::adam(Processor::best(), config, w, &gradient.dense(), m, v);
    });
    (weights, mean, square)
}
