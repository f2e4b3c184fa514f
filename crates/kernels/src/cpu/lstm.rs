//! One step of an LSTM, forward and backward.

use pulp::Simd;

use super::sequence::{BackwardStep, Cell, ForwardStep, blocks, blocks_mut};
use super::simd_float::{SimdFloat, sigmoid, tanh};

/// Blocks i, f, g, o:
///
/// ```text
/// i, f, o = σ(aᵢ), σ(a_f), σ(aₒ)        g = tanh(a_g)
/// c′ = f ∘ c + i ∘ g                     h′ = o ∘ tanh(c′)
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Lstm;

impl<T: SimdFloat> Cell<T> for Lstm {
    const BLOCKS: usize = 4;
    const INPUT: &'static [usize] = &[0, 1, 2, 3];
    const RECURRENT: &'static [usize] = &[0, 1, 2, 3];
    const HAS_CELL_STATE: bool = true;

    #[inline(always)]
    fn forward<S: Simd>(self, simd: S, step: ForwardStep<T>) {
        let (c, _) = T::vectors::<S>(step.cell_state);
        let (new_c, _) = T::vectors_mut::<S>(step.new_cell_state);
        let (new_h, _) = T::vectors_mut::<S>(step.new_hidden);
        let [bi, bf, bg, bo] = blocks::<T, S, 4>(step.bias);
        let [i, f, g, o] = blocks_mut::<T, S, 4>(step.sums);
        for at in 0..c.len() {
            i[at] = sigmoid::<T, S>(simd, T::add(simd, i[at], bi[at]));
            f[at] = sigmoid::<T, S>(simd, T::add(simd, f[at], bf[at]));
            g[at] = tanh::<T, S>(simd, T::add(simd, g[at], bg[at]));
            o[at] = sigmoid::<T, S>(simd, T::add(simd, o[at], bo[at]));
            new_c[at] = T::mul_add(simd, f[at], c[at], T::mul(simd, i[at], g[at]));
            new_h[at] = T::mul(simd, o[at], tanh::<T, S>(simd, new_c[at]));
        }
    }

    /// With dh′ the gradient of h′, and dc′ that of c′ from the later steps:
    ///
    /// ```text
    /// do = dh′ ∘ tanh(c′)      dc = dc′ + dh′ ∘ o ∘ (1 − tanh²(c′))
    /// di = dc ∘ g              df = dc ∘ c          dg = dc ∘ i          dc → dc ∘ f
    /// daᵢ = di ∘ i ∘ (1 − i)   …                    da_g = dg ∘ (1 − g²)
    /// ```
    #[inline(always)]
    fn backward<S: Simd>(self, simd: S, step: BackwardStep<T>) {
        let (c, _) = T::vectors::<S>(step.cell_state);
        let (new_c, _) = T::vectors::<S>(step.new_cell_state);
        let (dh, _) = T::vectors_mut::<S>(step.dh);
        let (dc, _) = T::vectors_mut::<S>(step.dc);
        let [di, df, dg, d_o] = blocks_mut::<T, S, 4>(step.sums);
        let one = T::splat(simd, T::ONE);
        let zero = T::splat(simd, T::default());
        // x (1 − x) and 1 − x²
        let logistic = |x| T::mul(simd, x, T::sub(simd, one, x));
        let hyperbolic = |x| T::sub(simd, one, T::mul(simd, x, x));
        let negligible = T::splat(simd, T::NEGLIGIBLE);
        for at in 0..c.len() {
            let (i, f, g, o) = (di[at], df[at], dg[at], d_o[at]);
            let tanh_c = tanh::<T, S>(simd, new_c[at]);
            let through = T::mul(simd, T::mul(simd, dh[at], o), hyperbolic(tanh_c));
            let d = T::add(simd, dc[at], through);
            d_o[at] = T::zero_below(simd, negligible, T::mul(simd, T::mul(simd, dh[at], tanh_c), logistic(o)));
            di[at] = T::zero_below(simd, negligible, T::mul(simd, T::mul(simd, d, g), logistic(i)));
            df[at] = T::zero_below(simd, negligible, T::mul(simd, T::mul(simd, d, c[at]), logistic(f)));
            dg[at] = T::zero_below(simd, negligible, T::mul(simd, T::mul(simd, d, i), hyperbolic(g)));
            dc[at] = T::zero_below(simd, negligible, T::mul(simd, d, f));
            // The whole gradient of h goes through U.
            dh[at] = zero;
        }
    }
}
