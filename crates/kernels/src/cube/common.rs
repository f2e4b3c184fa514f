//! Helpers of all kernels.
//!
//! A cell's kernel computes step `at` of `time` = T for N rows. A row of the layer's output has `slots` = S
//! entries of H values; `slot` is the entry of this step, or S if this step's state is not part of the output.

use burn::tensor::{DType, Shape};
use burn_cubecl::cubecl::client::Client;
use burn_cubecl::cubecl::ir::{ElemType, FloatKind};
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::cubecl::{self, calculate_cube_count_elemwise};
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;

/// The logistic function.
#[cube]
pub fn sigmoid<F: Float>(x: F) -> F {
    F::new(1.0) / (F::new(1.0) + (F::new(0.0) - x).exp())
}

/// The factor of a row's state before step `at`: 0 where it is reset, 1 elsewhere. `keep_state` is `[N, T]`, and not read
/// without resets.
#[cube]
pub fn keep_factor<F: Float>(keep_state: &Tensor<F>, row: usize, at: usize, #[comptime] has_resets: bool) -> F {
    let mut factor = F::new(1.0);
    if comptime![has_resets] {
        factor = keep_state[row * keep_state.stride(0) + at];
    }
    factor
}

/// The gradient of h of a row's unit: from the step after, plus from the output, if this step is part of it.
#[cube]
pub fn hidden_gradient<F: Float>(
    from_later: &Tensor<F>,
    gradient: &Tensor<F>,
    row: usize,
    unit: usize,
    slots: usize,
    slot: usize,
) -> F {
    let mut sum = from_later[row * from_later.stride(0) + unit];
    if slot < slots {
        sum += gradient[(row * slots + slot) * gradient.stride(0) + unit];
    }
    sum
}

/// Writes the value of a row's unit to its slot of the output, if it has one.
#[cube]
pub fn write_output<F: Float>(value: F, output: &mut Tensor<F>, row: usize, unit: usize, slots: usize, slot: usize) {
    if slot < slots {
        let index = (row * slots + slot) * output.stride(0) + unit;
        output[index] = value;
    }
}

/// CubeCL's name of a tensor's element type.
///
/// # Panics
/// If it is neither f32 nor f64, for which there are no kernels.
pub fn elem_type(dtype: DType) -> ElemType {
    match dtype {
        DType::F32 => ElemType::Float(FloatKind::F32),
        DType::F64 => ElemType::Float(FloatKind::F64),
        other => panic!("the kernels compute in F32 and F64, and found {other:?}"),
    }
}

/// The launch size with one GPU thread for each of `count` values.
pub fn launch_size(client: &Client, count: usize) -> (CubeCount, CubeDim) {
    let dim = CubeDim::new(client, count);
    (calculate_cube_count_elemwise(client, count, dim), dim)
}

/// An uninitialized contiguous tensor with the device and element type of `like`.
pub fn empty_like(like: &CubeTensor, shape: &[usize]) -> CubeTensor {
    let (client, device) = (like.client.clone(), like.device.clone());
    empty_device_contiguous_dtype(client, device, Shape::from(shape.to_vec()), like.dtype)
}
