//! One step of a vanilla RNN; see [`mod@crate::reference`] for the equation.

use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;

use super::common::{hidden_gradient, keep_factor, sigmoid, write_output};
use crate::cpu::elman::Activation;

/// h after step `at`, from the sums. Each GPU thread computes one value of h.
#[cube(launch)]
pub fn forward<F: Float>(
    sums: &mut Tensor<F>,   // [N·T, H]: in: x W; out: h after each step
    recurrent: &Tensor<F>,  // [N, H]: h U
    bias: &Tensor<F>,       // [H]
    hidden: &mut Tensor<F>, // [N, H]
    before: &mut Tensor<F>, // [N·T, H]: h before each step
    output: &mut Tensor<F>, // [N·S, H]
    keep_state: &Tensor<F>, // [N, T]
    time: usize,
    at: usize,
    slots: usize,
    slot: usize,
    #[comptime] has_resets: bool,
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
    let keep = keep_factor::<F>(keep_state, row, at, has_resets);
    let a = sums[sum] + keep * recurrent[row * recurrent.stride(0) + unit] + bias[unit];
    let h = match comptime![activation] {
        Activation::Tanh => a.tanh(),
        Activation::Sigmoid => sigmoid::<F>(a),
        Activation::Relu => a.max(F::new(0.0)),
    };

    let h_at = row * hidden.stride(0) + unit;
    let saved = step * before.stride(0) + unit;
    before[saved] = keep * hidden[h_at];
    sums[sum] = h;
    hidden[h_at] = h;
    write_output::<F>(h, output, row, unit, slots, slot);
}

/// The gradient of the sum of step `at`, from that of h after it.
#[cube(launch)]
pub fn backward<F: Float>(
    states: &mut Tensor<F>,    // [N·T, H]: in: h after each step; out: the gradient of its sum
    gradient: &Tensor<F>,      // [N·S, H]: that of the output
    from_later: &Tensor<F>,    // [N, H]: that of h after the step
    step_sums: &mut Tensor<F>, // [N, H]: this step's rows of `states`, contiguous; zeros where the state is reset
    keep_state: &Tensor<F>,    // [N, T]
    time: usize,
    at: usize,
    slots: usize,
    slot: usize,
    #[comptime] has_resets: bool,
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
    let da = hidden_gradient::<F>(from_later, gradient, row, unit, slots, slot) * slope;
    states[state] = da;
    let sum = row * step_sums.stride(0) + unit;
    step_sums[sum] = keep_factor::<F>(keep_state, row, at, has_resets) * da;
}
