//! Dropout: the fused kernel where there is one, else Burn's product. The values are the same.

use burn::backend::Dispatch;
use burn::tensor::{Tensor, TensorData};

pub use crate::cpu::dropout::DropoutMask;
use crate::dispatch::has_cpu_kernels;
use crate::ops::DropoutOps;

/// `values` times a mask with one entry per value; differentiable.
///
/// # Panics
/// If the mask is for another number of values.
pub fn dropout<const D: usize>(values: Tensor<D>, mask: DropoutMask) -> Tensor<D> {
    if !has_cpu_kernels(&values) {
        let mask = TensorData::new(mask.factors(), values.dims());
        let mask = Tensor::from_data(mask, (&values.device(), values.dtype()));
        return values * mask;
    }
    Tensor::from_dispatch(Dispatch::dropout(mask, values.into_dispatch()))
}
