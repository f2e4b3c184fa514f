//! Passes over whole tensors: the kernel where there is one, else Burn's operations. The values are the same.
//!
//! They are for gradients and weights outside the autodiff graph. A kernel has no backward pass: it panics if a tensor is
//! on an autodiff device, where Burn's operations would record it: call [`Tensor::inner`] first.

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use crate::dispatch::has_cpu_kernels;
use crate::ops::ElementwiseOps;

/// `values` times a tensor of one value.
///
/// # Panics
/// If `factor` has more than one value, or if there is a kernel and the device is an autodiff device.
pub fn scaled<const D: usize>(values: Tensor<D>, factor: Tensor<1>) -> Tensor<D> {
    if !has_cpu_kernels(&values) {
        return values * factor.unsqueeze();
    }
    Tensor::from_dispatch(Dispatch::scaled(values.into_dispatch(), factor.into_dispatch()))
}

/// a x + b y.
///
/// # Panics
/// If x and y have different shapes, or if there is a kernel and the device is an autodiff device.
pub fn weighted_sum<const D: usize>([a, b]: [f64; 2], x: Tensor<D>, y: Tensor<D>) -> Tensor<D> {
    assert_eq!(x.dims(), y.dims(), "x and y must have the same shape");
    if !has_cpu_kernels(&x) {
        return x.mul_scalar(a) + y.mul_scalar(b);
    }
    Tensor::from_dispatch(Dispatch::weighted_sum([a, b], x.into_dispatch(), y.into_dispatch()))
}

/// Σ x².
///
/// # Panics
/// If there is a kernel and the device is an autodiff device.
pub fn sum_of_squares<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    if !has_cpu_kernels(&x) {
        return (x.clone() * x).sum();
    }
    Tensor::from_dispatch(Dispatch::sum_of_squares(x.into_dispatch()))
}
