//! One step of a GRU with the reset gate after the product, forward and backward.

use pulp::Simd;

use super::sequence::{BackwardStep, Cell, ForwardStep, blocks, blocks_mut};
use super::simd_float::{SimdFloat, sigmoid, tanh};

/// Blocks n, z, r of x W + b and z, r, m of h U + b′; z and r are sums of both:
///
/// ```text
/// z, r = σ(a_z), σ(a_r)                  n = tanh(a_n + r ∘ m)        m = h U_n + b′_n
/// h′ = z ∘ h + (1 − z) ∘ n
/// ```
///
/// The weights have their blocks in the order z, r, n.
#[derive(Clone, Copy, Debug)]
pub struct Gru;

impl<T: SimdFloat> Cell<T> for Gru {
    const BLOCKS: usize = 4;
    const INPUT: &'static [usize] = &[1, 2, 0];
    const RECURRENT: &'static [usize] = &[1, 2, 3];
    const HAS_CELL_STATE: bool = false;

    #[inline(always)]
    fn forward<S: Simd>(self, simd: S, step: ForwardStep<T>) {
        let (h, _) = T::vectors::<S>(step.hidden);
        let (new_h, _) = T::vectors_mut::<S>(step.new_hidden);
        let [bn, bz, br, bm] = blocks::<T, S, 4>(step.bias);
        let [n, z, r, m] = blocks_mut::<T, S, 4>(step.sums);
        for at in 0..h.len() {
            z[at] = sigmoid::<T, S>(simd, T::add(simd, z[at], bz[at]));
            r[at] = sigmoid::<T, S>(simd, T::add(simd, r[at], br[at]));
            m[at] = T::add(simd, m[at], bm[at]);
            let a = T::mul_add(simd, r[at], m[at], T::add(simd, n[at], bn[at]));
            n[at] = tanh::<T, S>(simd, a);
            new_h[at] = T::mul_add(simd, z[at], T::sub(simd, h[at], n[at]), n[at]);
        }
    }

    /// ```text
    /// dz = dh′ ∘ (h − n)      dn = dh′ ∘ (1 − z)      dh = dh′ ∘ z, plus the part through U
    /// da_n = dn ∘ (1 − n²)    dr = da_n ∘ m           dm = da_n ∘ r
    /// ```
    #[inline(always)]
    fn backward<S: Simd>(self, simd: S, step: BackwardStep<T>) {
        let (h, _) = T::vectors::<S>(step.hidden);
        let (dh, _) = T::vectors_mut::<S>(step.dh);
        let [dn, dz, dr, dm] = blocks_mut::<T, S, 4>(step.sums);
        let (one, negligible) = (T::splat(simd, T::ONE), T::splat(simd, T::NEGLIGIBLE));
        for at in 0..h.len() {
            let (n, z, r, m) = (dn[at], dz[at], dr[at], dm[at]);
            let (keep, reset) = (T::sub(simd, one, z), T::sub(simd, one, r));
            let d = T::mul(simd, dh[at], keep);
            let d = T::mul(simd, d, T::sub(simd, one, T::mul(simd, n, n)));
            let through = T::mul(simd, dh[at], T::sub(simd, h[at], n));
            dz[at] = T::zero_below(simd, negligible, T::mul(simd, through, T::mul(simd, z, keep)));
            dr[at] = T::zero_below(simd, negligible, T::mul(simd, T::mul(simd, d, m), T::mul(simd, r, reset)));
            dm[at] = T::zero_below(simd, negligible, T::mul(simd, d, r));
            dn[at] = T::zero_below(simd, negligible, d);
            dh[at] = T::zero_below(simd, negligible, T::mul(simd, dh[at], z));
        }
    }
}
