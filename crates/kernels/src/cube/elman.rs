//! One step of the plain recurrent network; its equation stands in [`mod@crate::reference`].

use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;

use super::{arriving, hand_on, sigmoid};
use crate::cpu::elman::Activation;

/// From the sums of step `at` to h after it. A unit computes one number of h.
#[cube(launch)]
pub fn forward<F: Float>(
    sums: &mut Tensor<F>,   // [N·T, H]: x W, and afterwards h after each step
    recurrent: &Tensor<F>,  // [N, H]: h U
    bias: &Tensor<F>,       // [H]
    hidden: &mut Tensor<F>, // [N, H]
    before: &mut Tensor<F>, // [N·T, H]: h before each step
    output: &mut Tensor<F>, // [N·S, H]: the hidden states handed on
    time: usize,
    at: usize,
    slots: usize,
    slot: usize,
    #[comptime] activation: Activation,
    #[define(F)] _element: ElemType,
) {
    let units = hidden.shape(1);
    if ABSOLUTE_POS >= hidden.shape(0) * units {
        terminate!();
    }
    let (row, unit) = (ABSOLUTE_POS / units, ABSOLUTE_POS % units);
    let step = row * time + at;
    let sum = step * sums.stride(0) + unit;
    let a = sums[sum] + recurrent[row * recurrent.stride(0) + unit] + bias[unit];
    let h = match comptime![activation] {
        Activation::Tanh => a.tanh(),
        Activation::Sigmoid => sigmoid::<F>(a),
        Activation::Relu => a.max(F::new(0.0)),
    };

    let h_at = row * hidden.stride(0) + unit;
    let kept = step * before.stride(0) + unit;
    before[kept] = hidden[h_at];
    sums[sum] = h;
    hidden[h_at] = h;
    hand_on::<F>(h, output, row, unit, slots, slot);
}

/// From the gradient of h after step `at` to that of its sum.
#[cube(launch)]
pub fn backward<F: Float>(
    states: &mut Tensor<F>, // [N·T, H]: h after each step, and afterwards the gradient of its sum
    gradient: &Tensor<F>,   // [N·S, H]: of the output
    from_later: &Tensor<F>, // [N, H]: of h after the step
    step_sums: &mut Tensor<F>, // [N, H]: this step's rows of `states`
    time: usize,
    at: usize,
    slots: usize,
    slot: usize,
    #[comptime] activation: Activation,
    #[define(F)] _element: ElemType,
) {
    let units = from_later.shape(1);
    if ABSOLUTE_POS >= from_later.shape(0) * units {
        terminate!();
    }
    let (row, unit) = (ABSOLUTE_POS / units, ABSOLUTE_POS % units);
    let state = (row * time + at) * states.stride(0) + unit;
    let h = states[state];
    let slope = match comptime![activation] {
        Activation::Tanh => F::new(1.0) - h * h,
        Activation::Sigmoid => h * (F::new(1.0) - h),
        Activation::Relu => {
            let mut slope = F::new(0.0);
            if h > F::new(0.0) {
                slope = F::new(1.0);
            }
            slope
        }
    };
    let da = arriving::<F>(from_later, gradient, row, unit, slots, slot) * slope;
    states[state] = da;
    let sum = row * step_sums.stride(0) + unit;
    step_sums[sum] = da;
}
