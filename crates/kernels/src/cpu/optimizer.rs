//! RMSprop and Adam: each weight and its optimizer state are read once and written once.
//!
//! Rows of an embedding table without a gradient are not skipped: their state shrinks at every step, and with Adam their
//! weights still move, so only rows that never had a gradient would stay the same.
//!
//! Gradients and states that have become negligible count as 0 ([`SimdFloat::NEGLIGIBLE_GRADIENT`] and so on). The state of a
//! word that no longer occurs would otherwise become subnormal and stay so, which makes the steps of its row many times slower
//! on some processors.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::simd_float::SimdFloat;
use super::simd_level::SimdLevel;
use crate::profile::{self, Part};

/// Values that a thread processes at a time.
const CHUNK: usize = 1 << 15;

/// The hyperparameters of RMSprop, as Keras 3 names them.
#[derive(Clone, Copy, Debug)]
pub struct RmspropParams {
    /// η.
    pub learning_rate: f64,
    /// ρ.
    pub rho: f64,
    /// ε.
    pub epsilon: f64,
}

/// One step of RMSprop without momentum: v ← ρ v + (1 − ρ) g², w ← w − η g / √(v + ε).
///
/// # Panics
/// If the slices have different lengths.
pub fn rmsprop<T: SimdFloat>(
    level: SimdLevel,
    params: RmspropParams,
    weights: &mut [T],
    gradient: &[T],
    square: &mut [T],
) {
    let counts = [gradient.len(), square.len()];
    assert_eq!(counts, [weights.len(); 2], "w, g and v must have the same length");
    let chunks = weights.par_chunks_mut(CHUNK).zip(gradient.par_chunks(CHUNK));
    let _section = profile::section(Part::Waiting);
    chunks.zip(square.par_chunks_mut(CHUNK)).for_each(|((w, g), v)| {
        let _section = profile::section(Part::Optimizer);
        level.run(RmspropChunk(params, w, g, v));
    });
}

struct RmspropChunk<'a, T>(RmspropParams, &'a mut [T], &'a [T], &'a mut [T]);

impl<T: SimdFloat> WithSimd for RmspropChunk<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self(params, w, g, v) = self;
        let update = RmspropVectors::<T, S>::new(simd, params);
        let (ws, w) = T::vectors_mut::<S>(w);
        let (gs, g) = T::vectors::<S>(g);
        let (vs, v) = T::vectors_mut::<S>(v);
        for ((w, &g), v) in ws.iter_mut().zip(gs).zip(vs) {
            (*w, *v) = update.of(simd, *w, g, *v);
        }
        let [w_part, g_part, v_part] = [&*w, g, &*v].map(|part| T::load_partial(simd, part));
        let (w_part, v_part) = update.of(simd, w_part, g_part, v_part);
        T::store_partial(simd, w, w_part);
        T::store_partial(simd, v, v_part);
    }
}

/// The hyperparameters of RMSprop in every lane.
struct RmspropVectors<T: SimdFloat, S: Simd> {
    minus_rate: T::Vector<S>,
    rho: [T::Vector<S>; 2],
    epsilon: T::Vector<S>,
}

impl<T: SimdFloat, S: Simd> RmspropVectors<T, S> {
    #[inline(always)]
    fn new(simd: S, RmspropParams { learning_rate, rho, epsilon }: RmspropParams) -> Self {
        let [minus_rate, rho, one_minus_rho, epsilon] =
            [-learning_rate, rho, 1.0 - rho, epsilon].map(|value| T::splat(simd, T::from_f64(value)));
        Self { minus_rate, rho: [rho, one_minus_rho], epsilon }
    }

    /// w and v after a step with the gradient g.
    #[inline(always)]
    fn of(&self, simd: S, w: T::Vector<S>, g: T::Vector<S>, v: T::Vector<S>) -> (T::Vector<S>, T::Vector<S>) {
        let g = gradient::<T, S>(simd, g);
        let v = mean_square::<T, S>(simd, self.rho, v, g);
        let root = T::sqrt(simd, T::add(simd, v, self.epsilon));
        (T::add(simd, w, T::div(simd, T::mul(simd, self.minus_rate, g), root)), v)
    }
}

/// g, or 0 where it is negligible.
#[inline(always)]
fn gradient<T: SimdFloat, S: Simd>(simd: S, g: T::Vector<S>) -> T::Vector<S> {
    T::zero_below(simd, T::splat(simd, T::NEGLIGIBLE_GRADIENT), g)
}

/// ρ v + (1 − ρ) g², or 0 where that is negligible; `rho` is ρ and 1 − ρ.
#[inline(always)]
fn mean_square<T: SimdFloat, S: Simd>(
    simd: S,
    rho: [T::Vector<S>; 2],
    v: T::Vector<S>,
    g: T::Vector<S>,
) -> T::Vector<S> {
    let v = T::mul_add(simd, rho[0], v, T::mul(simd, rho[1], T::mul(simd, g, g)));
    T::zero_below(simd, T::splat(simd, T::NEGLIGIBLE_SQUARE), v)
}

/// The hyperparameters of one step of Adam.
#[derive(Clone, Copy, Debug)]
pub struct AdamParams {
    /// η′ = η √(1 − β₂ᵗ) / (1 − β₁ᵗ).
    pub learning_rate: f64,
    /// β₁.
    pub beta_1: f64,
    /// β₂.
    pub beta_2: f64,
    /// ε.
    pub epsilon: f64,
}

/// One step of Adam: m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², w ← w − η′ m / (√v + ε).
///
/// # Panics
/// If the slices have different lengths.
pub fn adam<T: SimdFloat>(
    level: SimdLevel,
    params: AdamParams,
    weights: &mut [T],
    gradient: &[T],
    mean: &mut [T],
    square: &mut [T],
) {
    let counts = [gradient.len(), mean.len(), square.len()];
    assert_eq!(counts, [weights.len(); 3], "w, g, m and v must have the same length");
    let chunks = weights.par_chunks_mut(CHUNK).zip(gradient.par_chunks(CHUNK));
    let state = mean.par_chunks_mut(CHUNK).zip(square.par_chunks_mut(CHUNK));
    let _section = profile::section(Part::Waiting);
    chunks.zip(state).for_each(|((w, g), (m, v))| {
        let _section = profile::section(Part::Optimizer);
        level.run(AdamChunk(params, w, g, m, v));
    });
}

struct AdamChunk<'a, T>(AdamParams, &'a mut [T], &'a [T], &'a mut [T], &'a mut [T]);

impl<T: SimdFloat> WithSimd for AdamChunk<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self(params, w, g, m, v) = self;
        let update = AdamVectors::<T, S>::new(simd, params);
        let (ws, w) = T::vectors_mut::<S>(w);
        let (gs, g) = T::vectors::<S>(g);
        let (ms, m) = T::vectors_mut::<S>(m);
        let (vs, v) = T::vectors_mut::<S>(v);
        for (((w, &g), m), v) in ws.iter_mut().zip(gs).zip(ms).zip(vs) {
            [*w, *m, *v] = update.of(simd, g, [*w, *m, *v]);
        }
        let [w_part, m_part, v_part] = [&*w, &*m, &*v].map(|part| T::load_partial(simd, part));
        let [w_part, m_part, v_part] = update.of(simd, T::load_partial(simd, g), [w_part, m_part, v_part]);
        T::store_partial(simd, w, w_part);
        T::store_partial(simd, m, m_part);
        T::store_partial(simd, v, v_part);
    }
}

/// The hyperparameters of Adam in every lane.
struct AdamVectors<T: SimdFloat, S: Simd> {
    minus_rate: T::Vector<S>,
    beta_1: [T::Vector<S>; 2],
    beta_2: [T::Vector<S>; 2],
    epsilon: T::Vector<S>,
}

impl<T: SimdFloat, S: Simd> AdamVectors<T, S> {
    #[inline(always)]
    fn new(simd: S, AdamParams { learning_rate, beta_1, beta_2, epsilon }: AdamParams) -> Self {
        let [minus_rate, epsilon, b1, b1_rest, b2, b2_rest] =
            [-learning_rate, epsilon, beta_1, 1.0 - beta_1, beta_2, 1.0 - beta_2]
                .map(|value| T::splat(simd, T::from_f64(value)));
        Self { minus_rate, beta_1: [b1, b1_rest], beta_2: [b2, b2_rest], epsilon }
    }

    /// w, m and v after a step with the gradient g.
    #[inline(always)]
    fn of(&self, simd: S, g: T::Vector<S>, [w, m, v]: [T::Vector<S>; 3]) -> [T::Vector<S>; 3] {
        let g = gradient::<T, S>(simd, g);
        let m = T::mul_add(simd, self.beta_1[0], m, T::mul(simd, self.beta_1[1], g));
        let m = T::zero_below(simd, T::splat(simd, T::NEGLIGIBLE), m);
        let v = mean_square::<T, S>(simd, self.beta_2, v, g);
        let root = T::add(simd, T::sqrt(simd, v), self.epsilon);
        [T::add(simd, w, T::div(simd, T::mul(simd, self.minus_rate, m), root)), m, v]
    }
}
