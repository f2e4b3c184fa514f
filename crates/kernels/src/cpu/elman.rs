//! One step of the plain recurrent network, forwards and backwards.

use pulp::Simd;
use serde::{Deserialize, Serialize};

use super::number::{Number, sigmoid, tanh};
use super::sequence::{Backward, Cell, Forward};

/// What an Elman network puts its sums through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// tanh, between −1 and 1.
    #[default]
    Tanh,
    /// The logistic function σ, between 0 and 1.
    Sigmoid,
    /// max(0, ·), without an upper bound.
    Relu,
}

/// h′ = φ(a), for each of the activations, with the biases of one block. max(0, ·) makes 0 of NaN where
/// numbers come one at a time.
#[derive(Clone, Copy, Debug)]
pub struct Elman(pub Activation);

impl<T: Number> Cell<T> for Elman {
    const BLOCKS: usize = 1;
    const INPUT: &'static [usize] = &[0];
    const RECURRENT: &'static [usize] = &[0];
    const MEMORY: bool = false;

    #[inline(always)]
    fn forward<S: Simd>(self, simd: S, step: Forward<T>) {
        let (new_h, _) = T::vectors_mut::<S>(step.new_hidden);
        let (sums, _) = T::vectors::<S>(step.sums);
        let (bias, _) = T::vectors::<S>(step.bias);
        for ((h, &a), &b) in new_h.iter_mut().zip(sums).zip(bias) {
            let a = T::add(simd, a, b);
            *h = match self.0 {
                Activation::Tanh => tanh::<T, S>(simd, a),
                Activation::Sigmoid => sigmoid::<T, S>(simd, a),
                Activation::Relu => T::max(simd, T::splat(simd, T::default()), a),
            };
        }
    }

    /// da = dh′ ∘ φ′(a), with φ′ from h′: 1 − h′² of tanh, h′ (1 − h′) of σ, 0 or 1 of max(0, ·). All of
    /// h goes through U.
    #[inline(always)]
    fn backward<S: Simd>(self, simd: S, step: Backward<T>) {
        let (h, _) = T::vectors::<S>(step.new_hidden);
        let (dh, _) = T::vectors_mut::<S>(step.dh);
        let (sums, _) = T::vectors_mut::<S>(step.sums);
        let (zero, one) = (T::splat(simd, T::default()), T::splat(simd, T::ONE));
        for ((d, &h), dh) in sums.iter_mut().zip(h).zip(dh) {
            *d = match self.0 {
                Activation::Tanh => T::mul(simd, *dh, T::sub(simd, one, T::mul(simd, h, h))),
                Activation::Sigmoid => T::mul(simd, *dh, T::mul(simd, h, T::sub(simd, one, h))),
                Activation::Relu => T::where_positive(simd, h, *dh),
            };
            *dh = zero;
        }
    }
}
