//! One step of a GRU with the reset gate after the product; see [`mod@crate::reference`] for the equations.

use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;

use super::common::{hidden_gradient, keep_factor, sigmoid, write_output};

/// h after step `at`, from the sums. Each GPU thread computes one value of h.
#[cube(launch)]
pub fn forward<F: Float>(
    sums: &mut Tensor<F>,   // [N·T, 3H]: in: x W; out: z, r, n
    recurrent: &Tensor<F>,  // [N, 3H]: h U
    bias: &Tensor<F>,       // [4H]: of x in n, of both x and h in z and in r, of h in n
    hidden: &mut Tensor<F>, // [N, H]
    before: &mut Tensor<F>, // [N·T, 2H]: h before each step, and the factor of r
    output: &mut Tensor<F>, // [N·S, H]
    keep_state: &Tensor<F>, // [N, T]
    time: usize,
    at: usize,
    slots: usize,
    slot: usize,
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
    let z = sigmoid::<F>(sums[sum] + keep * recurrent[part] + bias[unit + units]);
    let r = sigmoid::<F>(sums[sum + units] + keep * recurrent[part + units] + bias[unit + 2 * units]);
    let q = keep * recurrent[part + 2 * units] + bias[unit + 3 * units];
    let n = (sums[sum + 2 * units] + bias[unit] + r * q).tanh();
    let h_at = row * hidden.stride(0) + unit;
    let old_h = keep * hidden[h_at];
    let h = n + z * (old_h - n);

    sums[sum] = z;
    sums[sum + units] = r;
    sums[sum + 2 * units] = n;
    let saved = step * before.stride(0) + unit;
    before[saved] = old_h;
    before[saved + units] = q;
    hidden[h_at] = h;
    write_output::<F>(h, output, row, unit, slots, slot);
}

/// The gradients of the sums of step `at` from that of h after it, and the part of the gradient of h before it that
/// goes through z and not through U.
#[cube(launch)]
pub fn backward<F: Float>(
    gates: &mut Tensor<F>,          // [N·T, 3H]: in: z, r, n; out: the gradients of the sums over x
    recurrent_sums: &mut Tensor<F>, // [N·T, 3H]: out: the gradients of the sums over h
    before: &Tensor<F>,             // [N·T, 2H]
    gradient: &Tensor<F>,           // [N·S, H]: that of the output
    from_later: &Tensor<F>,         // [N, H]: that of h after the step, through U
    through_z: &mut Tensor<F>,      // [N, H]: in: that of h after the step, through z; out: that of h before it
    step_sums: &mut Tensor<F>,      // [N, 3H]: this step's rows of `recurrent_sums`; zeros where the state is reset
    keep_state: &Tensor<F>,         // [N, T]
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

    let (z, r, n) = (gates[gate], gates[gate + units], gates[gate + 2 * units]);
    let old_h = before[step * before.stride(0) + unit];
    let q = before[step * before.stride(0) + units + unit];
    let z_at = row * through_z.stride(0) + unit;
    let dh = hidden_gradient::<F>(from_later, gradient, row, unit, slots, slot) + through_z[z_at];
    let dz = dh * (old_h - n) * z * (one - z);
    let dn = dh * (one - z) * (one - n * n);
    let dr = dn * q * r * (one - r);

    let keep = keep_factor::<F>(keep_state, row, at, has_resets);
    through_z[z_at] = keep * dh * z;
    gates[gate] = dz;
    gates[gate + units] = dr;
    gates[gate + 2 * units] = dn;
    let all = step * recurrent_sums.stride(0) + unit;
    recurrent_sums[all] = dz;
    recurrent_sums[all + units] = dr;
    recurrent_sums[all + 2 * units] = dn * r;
    let sum = row * step_sums.stride(0) + unit;
    step_sums[sum] = keep * dz;
    step_sums[sum + units] = keep * dr;
    step_sums[sum + 2 * units] = keep * dn * r;
}
