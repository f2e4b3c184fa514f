//! Optimizer steps on CPU backends, in place where there is no other reference to a tensor.

use burn::backend::TensorMetadata;
use burn::backend::tensor::FloatTensor;

use super::cpu::{CpuBackend, by_type};
use crate::cpu::optimizer::{self, AdamParams, RmspropParams};
use crate::cpu::simd_level::SimdLevel;
use crate::profile::{self, Part};

pub(super) fn rmsprop<B: CpuBackend>(
    params: RmspropParams,
    mut weights: FloatTensor<B>,
    gradient: FloatTensor<B>,
    mut square: FloatTensor<B>,
) -> (FloatTensor<B>, FloatTensor<B>) {
    let _section = profile::section(Part::Optimizer);
    by_type!(weights.dtype(), T => {
        let gradient = B::values::<T>(&gradient);
        let (w, v) = (B::values_mut(&mut weights), B::values_mut(&mut square));
        optimizer::rmsprop(SimdLevel::selected(), params, w, &gradient.contiguous(), v);
    });
    (weights, square)
}

pub(super) fn adam<B: CpuBackend>(
    params: AdamParams,
    mut weights: FloatTensor<B>,
    gradient: FloatTensor<B>,
    mut mean: FloatTensor<B>,
    mut square: FloatTensor<B>,
) -> (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) {
    let _section = profile::section(Part::Optimizer);
    by_type!(weights.dtype(), T => {
        let gradient = B::values::<T>(&gradient);
        let [w, m, v] = [&mut weights, &mut mean, &mut square].map(B::values_mut);
        optimizer::adam(SimdLevel::selected(), params, w, &gradient.contiguous(), m, v);
    });
    (weights, mean, square)
}
