//! One step of a gated recurrent unit, reset after the product; its equations stand in [`mod@crate::reference`].

use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;

use super::{arriving, hand_on, sigmoid};

/// From the sums of step `at` to the state after it. A unit computes one number of h.
#[cube(launch)]
pub fn forward<F: Float>(
    sums: &mut Tensor<F>,   // [N·T, 3H]: x W, and afterwards z, r, n
    recurrent: &Tensor<F>,  // [N, 3H]: h U
    bias: &Tensor<F>,       // [4H]: of x in n, of both in z and in r, of h in n
    hidden: &mut Tensor<F>, // [N, H]
    before: &mut Tensor<F>, // [N·T, 2H]: h before each step, and what r is multiplied with
    output: &mut Tensor<F>, // [N·S, H]: the hidden states handed on
    time: usize,
    at: usize,
    slots: usize,
    slot: usize,
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

    let z = sigmoid::<F>(sums[sum] + recurrent[part] + bias[unit + units]);
    let r = sigmoid::<F>(sums[sum + units] + recurrent[part + units] + bias[unit + 2 * units]);
    let q = recurrent[part + 2 * units] + bias[unit + 3 * units];
    let n = (sums[sum + 2 * units] + bias[unit] + r * q).tanh();
    let h_at = row * hidden.stride(0) + unit;
    let old_h = hidden[h_at];
    let h = n + z * (old_h - n);

    sums[sum] = z;
    sums[sum + units] = r;
    sums[sum + 2 * units] = n;
    let kept = step * before.stride(0) + unit;
    before[kept] = old_h;
    before[kept + units] = q;
    hidden[h_at] = h;
    hand_on::<F>(h, output, row, unit, slots, slot);
}

/// From the gradient of h after step `at` to those of its sums, and to what h before it owes to z alone.
#[cube(launch)]
pub fn backward<F: Float>(
    gates: &mut Tensor<F>, // [N·T, 3H]: z, r, n, and afterwards the gradients of the sums over x
    of_hidden: &mut Tensor<F>, // [N·T, 3H]: the gradients of the sums over h
    before: &Tensor<F>,    // [N·T, 2H]
    gradient: &Tensor<F>,  // [N·S, H]: of the output
    from_later: &Tensor<F>, // [N, H]: of h after the step, by the product
    kept: &mut Tensor<F>,  // [N, H]: the same by z, and afterwards that of h before the step
    step_sums: &mut Tensor<F>, // [N, 3H]: this step's rows of `of_hidden`
    time: usize,
    at: usize,
    slots: usize,
    slot: usize,
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
    let kept_at = row * kept.stride(0) + unit;
    let dh = arriving::<F>(from_later, gradient, row, unit, slots, slot) + kept[kept_at];
    let dz = dh * (old_h - n) * z * (one - z);
    let dn = dh * (one - z) * (one - n * n);
    let dr = dn * q * r * (one - r);

    kept[kept_at] = dh * z;
    gates[gate] = dz;
    gates[gate + units] = dr;
    gates[gate + 2 * units] = dn;
    let all = step * of_hidden.stride(0) + unit;
    of_hidden[all] = dz;
    of_hidden[all + units] = dr;
    of_hidden[all + 2 * units] = dn * r;
    let sum = row * step_sums.stride(0) + unit;
    step_sums[sum] = dz;
    step_sums[sum + units] = dr;
    step_sums[sum + 2 * units] = dn * r;
}
