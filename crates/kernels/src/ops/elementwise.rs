//! Passes over whole tensors on CPU backends, in place where there is no other reference to a tensor.

use burn::backend::TensorMetadata;
use burn::backend::tensor::FloatTensor;

use super::cpu::{CpuBackend, TensorFloat, by_type};
use crate::cpu::elementwise;
use crate::cpu::simd_float::SimdFloat;
use crate::cpu::simd_level::SimdLevel;

pub(super) fn scaled<B: CpuBackend>(mut values: FloatTensor<B>, factor: FloatTensor<B>) -> FloatTensor<B> {
    by_type!(values.dtype(), T => {
        let factor = only_value::<B, T>(&factor);
        // Gradients below the limit of a norm: a product with 1 changes nothing.
        if factor != T::ONE {
            elementwise::scale(SimdLevel::best(), factor, B::values_mut(&mut values));
        }
    });
    values
}

/// The value of a tensor with one value.
fn only_value<B: CpuBackend, T: TensorFloat>(tensor: &FloatTensor<B>) -> T {
    let values = B::values::<T>(tensor);
    let values = values.contiguous();
    assert_eq!(values.len(), 1, "the factor must be one value");
    values[0]
}

pub(super) fn weighted_sum<B: CpuBackend>(
    factors: [f64; 2],
    mut x: FloatTensor<B>,
    y: FloatTensor<B>,
) -> FloatTensor<B> {
    by_type!(x.dtype(), T => {
        let y = B::values::<T>(&y);
        let factors = factors.map(T::from_f64);
        elementwise::weighted_sum(SimdLevel::best(), factors, B::values_mut(&mut x), &y.contiguous());
    });
    x
}
