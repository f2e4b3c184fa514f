//! The same equations for graphics processors, written once in CubeCL for whatever it compiles to.
//!
//! Matrix products are the library's. Lives here: what stands between them, a step's gates and an update of
//! weights, each one launch instead of a score.
//!
//! A cell's kernels take N rows through step `at` of `time` = T. Of what a layer hands on, a row has `slots` = S
//! places of H numbers; `slot` is the one that belongs to this step, or S, which is none.

mod elman;
mod gru;
mod lstm;
pub mod optimizer;
pub mod sequence;

use burn::tensor::{DType, Shape};
use burn_cubecl::cubecl::client::Client;
use burn_cubecl::cubecl::ir::{ElemType, FloatKind};
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::cubecl::{self, calculate_cube_count_elemwise};
use burn_cubecl::ops::numeric::empty_device_contiguous_dtype;
use burn_cubecl::tensor::CubeTensor;

/// The logistic function.
#[cube]
fn sigmoid<F: Float>(x: F) -> F {
    F::new(1.0) / (F::new(1.0) + (F::new(0.0) - x).exp())
}

/// What reaches h of a row's unit: from the step after, and from outside, if this step was handed on.
#[cube]
fn arriving<F: Float>(
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

/// Writes a number of a row's unit to its slot in what the layer hands on, if it has one.
#[cube]
fn hand_on<F: Float>(
    number: F,
    output: &mut Tensor<F>,
    row: usize,
    unit: usize,
    slots: usize,
    slot: usize,
) {
    if slot < slots {
        let place = (row * slots + slot) * output.stride(0) + unit;
        output[place] = number;
    }
}

/// The type of a tensor's numbers, as CubeCL names it.
///
/// # Panics
/// If it is neither f32 nor f64, for which there are no kernels.
fn element(dtype: DType) -> ElemType {
    match dtype {
        DType::F32 => ElemType::Float(FloatKind::F32),
        DType::F64 => ElemType::Float(FloatKind::F64),
        other => panic!("the kernels compute in F32 and F64, and found {other:?}"),
    }
}

/// One unit for each of `count` numbers.
fn units_for(client: &Client, count: usize) -> (CubeCount, CubeDim) {
    let dim = CubeDim::new(client, count);
    (calculate_cube_count_elemwise(client, count, dim), dim)
}

/// Room for numbers beside `like`, in rows without gaps.
fn room(like: &CubeTensor, shape: &[usize]) -> CubeTensor {
    let (client, device) = (like.client.clone(), like.device.clone());
    empty_device_contiguous_dtype(client, device, Shape::from(shape.to_vec()), like.dtype)
}
