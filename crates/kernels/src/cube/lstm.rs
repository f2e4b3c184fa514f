//! One step of an LSTM; see [`mod@crate::reference`] for the equations.

use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;

use super::common::{hidden_gradient, keep_factor, sigmoid, write_output};

/// h and c after step `at`, from the sums. Each GPU thread computes one value of h and of c.
#[cube(launch)]
pub fn forward<F: Float>(
    sums: &mut Tensor<F>,       // [N·T, 4H]: in: x W; out: the gates i, f, g, o
    recurrent: &Tensor<F>,      // [N, 4H]: h U
    bias: &Tensor<F>,           // [4H]
    hidden: &mut Tensor<F>,     // [N, H]
    cell_state: &mut Tensor<F>, // [N, H]
    before: &mut Tensor<F>,     // [N·T, 2H]: h and c before each step
    output: &mut Tensor<F>,     // [N·S, H]: the hidden states, then c after the last step
    keep_state: &Tensor<F>,     // [N, T]
    time: usize,
    at: usize,
    slots: usize,
    slot: usize,
    cell_slot: usize,
    #[comptime] has_resets: bool,
    #[define(F)] _element: ElemType,
) {
    let units = hidden.shape(1);
    if ABSOLUTE_POS >= hidden.shape(0) * units {
        terminate!();
    }
    let (row, unit) = (ABSOLUTE_POS / units, ABSOLUTE_POS % units);
    let step = row * time + at;
    let sum = step * sums.stride(0) + unit;
    let part = row * recurrent.stride(0) + unit;

    let keep = keep_factor::<F>(keep_state, row, at, has_resets);
    let i = sigmoid::<F>(sums[sum] + keep * recurrent[part] + bias[unit]);
    let f = sigmoid::<F>(sums[sum + units] + keep * recurrent[part + units] + bias[unit + units]);
    let g = (sums[sum + 2 * units] + keep * recurrent[part + 2 * units] + bias[unit + 2 * units]).tanh();
    let o = sigmoid::<F>(sums[sum + 3 * units] + keep * recurrent[part + 3 * units] + bias[unit + 3 * units]);
    let h_at = row * hidden.stride(0) + unit;
    let c_at = row * cell_state.stride(0) + unit;
    let (old_h, old_c) = (keep * hidden[h_at], keep * cell_state[c_at]);
    let c = f * old_c + i * g;
    let h = o * c.tanh();

    sums[sum] = i;
    sums[sum + units] = f;
    sums[sum + 2 * units] = g;
    sums[sum + 3 * units] = o;
    let saved = step * before.stride(0) + unit;
    before[saved] = old_h;
    before[saved + units] = old_c;
    hidden[h_at] = h;
    cell_state[c_at] = c;
    write_output::<F>(h, output, row, unit, slots, slot);
    write_output::<F>(c, output, row, unit, slots, cell_slot);
}

/// The gradients of the sums of step `at` and of c before it, from those of h and c after it.
#[cube(launch)]
pub fn backward<F: Float>(
    gates: &mut Tensor<F>,      // [N·T, 4H]: in: i, f, g, o; out: the gradients of their sums
    before: &Tensor<F>,         // [N·T, 2H]
    gradient: &Tensor<F>,       // [N·S, H]: that of the output
    from_later: &Tensor<F>,     // [N, H]: that of h after the step
    cell_state: &mut Tensor<F>, // [N, H]: in: that of c after the step; out: of c before it
    step_sums: &mut Tensor<F>,  // [N, 4H]: this step's rows of `gates`, contiguous; zeros where the state is reset
    keep_state: &Tensor<F>,     // [N, T]
    time: usize,
    at: usize,
    slots: usize,
    slot: usize,
    #[comptime] has_resets: bool,
    #[define(F)] _element: ElemType,
) {
    let units = from_later.shape(1);
    if ABSOLUTE_POS >= from_later.shape(0) * units {
        terminate!();
    }
    let (row, unit) = (ABSOLUTE_POS / units, ABSOLUTE_POS % units);
    let step = row * time + at;
    let gate = step * gates.stride(0) + unit;
    let one = F::new(1.0);

    let (i, f) = (gates[gate], gates[gate + units]);
    let (g, o) = (gates[gate + 2 * units], gates[gate + 3 * units]);
    let old_c = before[step * before.stride(0) + units + unit];
    let tanh_c = (f * old_c + i * g).tanh();
    let dh = hidden_gradient::<F>(from_later, gradient, row, unit, slots, slot);
    let c_at = row * cell_state.stride(0) + unit;
    let dc = cell_state[c_at] + dh * o * (one - tanh_c * tanh_c);
    let di = dc * g * i * (one - i);
    let df = dc * old_c * f * (one - f);
    let dg = dc * i * (one - g * g);
    let d_o = dh * tanh_c * o * (one - o);

    let keep = keep_factor::<F>(keep_state, row, at, has_resets);
    cell_state[c_at] = keep * dc * f;
    gates[gate] = di;
    gates[gate + units] = df;
    gates[gate + 2 * units] = dg;
    gates[gate + 3 * units] = d_o;
    let sum = row * step_sums.stride(0) + unit;
    step_sums[sum] = keep * di;
    step_sums[sum + units] = keep * df;
    step_sums[sum + 2 * units] = keep * dg;
    step_sums[sum + 3 * units] = keep * d_o;
}
