//! Passes over whole tensors on CPU backends, in place where there is no other reference to a tensor.

#[cfg(feature = "ndarray")]
use burn::backend::NdArray;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};

use super::cpu::{CpuBackend, TensorFloat, by_type};
use crate::cpu::elementwise;
use crate::cpu::simd_float::SimdFloat;
use crate::cpu::simd_level::SimdLevel;

pub(super) fn scaled<B: CpuBackend>(mut values: FloatTensor<B>, factor: FloatTensor<B>) -> FloatTensor<B> {
    by_type!(values.dtype(), T => {
        let factor = only_value::<B, T>(&factor);
        // Clipping leaves gradients below the limit unchanged: a product with 1 changes nothing.
        if factor != T::ONE {
            elementwise::scale(SimdLevel::selected(), factor, B::values_mut(&mut values));
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
        elementwise::weighted_sum(SimdLevel::selected(), factors, B::values_mut(&mut x), &y.contiguous());
    });
    x
}

/// Σ x² by Burn's operations.
pub(super) fn sum_of_squares<B: Backend>(values: FloatTensor<B>) -> FloatTensor<B> {
    B::float_sum(B::float_mul(values.clone(), values))
}

/// Σ x² on NdArray in one pass, with the sums in the order of the crate `ndarray`, so that they are the same.
#[cfg(feature = "ndarray")]
pub(super) fn sum_of_squares_on_ndarray(tensor: FloatTensor<NdArray>) -> FloatTensor<NdArray> {
    by_type!(tensor.dtype(), T => {
        let values = NdArray::values::<T>(&tensor);
        if let Some(values) = values.in_memory_order() {
            let sum = elementwise::sum_of_squares(SimdLevel::selected(), values);
            return NdArray::from_values(vec![sum], &[1]);
        }
    });
    sum_of_squares::<NdArray>(tensor)
}
