//! One step of a vanilla RNN, forward and backward.

use pulp::Simd;
use serde::{Deserialize, Serialize};

use super::sequence::{BackwardStep, Cell, ForwardStep, blocks, blocks_mut};
use super::simd_float::{SimdFloat, sigmoid, tanh};

/// The activation function φ of a vanilla RNN.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// tanh, from −1 to 1.
    #[default]
    Tanh,
    /// The logistic function σ, from 0 to 1.
    Sigmoid,
    /// max(0, ·), without an upper bound.
    Relu,
}

/// h′ = φ(a), with one block of sums. With scalar instructions max(0, NaN) is 0.
#[derive(Clone, Copy, Debug)]
pub struct Elman(pub Activation);

impl<T: SimdFloat> Cell<T> for Elman {
    const BLOCKS: usize = 1;
    const INPUT: &'static [usize] = &[0];
    const RECURRENT: &'static [usize] = &[0];
    const HAS_CELL_STATE: bool = false;

    #[inline(always)]
    fn forward<S: Simd>(self, simd: S, step: ForwardStep<T>) {
        let (new_h, _) = T::vectors_mut::<S>(step.new_hidden);
        let [sums] = blocks_mut::<T, S, 1>(step.sums);
        let [bias] = blocks::<T, S, 1>(step.bias);
        for ((h, &mut a), &b) in new_h.iter_mut().zip(sums).zip(bias) {
            let a = T::add(simd, a, b);
            *h = match self.0 {
                Activation::Tanh => tanh::<T, S>(simd, a),
                Activation::Sigmoid => sigmoid::<T, S>(simd, a),
                Activation::Relu => T::max(simd, T::splat(simd, T::default()), a),
            };
        }
    }

    /// da = dh′ ∘ φ′(a), with φ′ from h′: 1 − h′² for tanh, h′ (1 − h′) for σ, 0 or 1 for max(0, ·). The
    /// whole gradient of h goes through U.
    #[inline(always)]
    fn backward<S: Simd>(self, simd: S, step: BackwardStep<T>) {
        let (h, _) = T::vectors::<S>(step.new_hidden);
        let (dh, _) = T::vectors_mut::<S>(step.dh);
        let [sums] = blocks_mut::<T, S, 1>(step.sums);
        let (zero, one) = (T::splat(simd, T::default()), T::splat(simd, T::ONE));
        let negligible = T::splat(simd, T::NEGLIGIBLE);
        for ((d, &h), dh) in sums.iter_mut().zip(h).zip(dh) {
            let da = match self.0 {
                Activation::Tanh => T::mul(simd, *dh, T::sub(simd, one, T::mul(simd, h, h))),
                Activation::Sigmoid => T::mul(simd, *dh, T::mul(simd, h, T::sub(simd, one, h))),
                Activation::Relu => T::where_positive(simd, h, *dh),
            };
            *d = T::zero_below(simd, negligible, da);
            *dh = zero;
        }
    }
}
