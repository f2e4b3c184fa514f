//! The peak of the machine: fused multiply-adds in registers, without any access to memory.

use std::hint::black_box;

use pulp::{Simd, WithSimd};

use super::simd_float::SimdFloat;
use super::simd_level::SimdLevel;

/// Fused multiply-adds of each chain in one repetition.
const LENGTH: u64 = 1 << 16;

/// Runs the loop on the current thread and returns the number of floating-point operations in f32: two for each value
/// of each fused multiply-add.
pub fn multiply_add(level: SimdLevel, repetitions: u64) -> f64 {
    level.run(Chains(repetitions))
}

struct Chains(u64);

impl WithSimd for Chains {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        // More chains than a processor computes at the same time, and two registers less than it has.
        if S::REGISTER_COUNT >= 32 { chains::<S, 24>(simd, self.0) } else { chains::<S, 12>(simd, self.0) }
    }
}

/// N independent chains x ← x / 2 + 1, from different values, so that none is computed once for all.
#[inline(always)]
fn chains<S: Simd, const N: usize>(simd: S, repetitions: u64) -> f64 {
    let starts: [f32; N] = black_box(std::array::from_fn(|at| at as f32));
    let (factor, term) = (simd.splat_f32s(black_box(0.5)), simd.splat_f32s(black_box(1.0)));
    let mut all = [term; N];
    for (x, start) in all.iter_mut().zip(starts) {
        *x = simd.splat_f32s(start);
    }
    let length = repetitions * LENGTH;
    for _ in 0..length {
        for x in &mut all {
            *x = simd.mul_add_e_f32s(*x, factor, term);
        }
    }
    let mut sum = all[0];
    for &x in &all[1..] {
        sum = simd.add_f32s(sum, x);
    }
    black_box(simd.reduce_sum_f32s(sum));
    2.0 * (f32::lanes::<S>() * N) as f64 * length as f64
}
