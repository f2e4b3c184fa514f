//! RMSprop and Adam: each weight and its optimizer state are read once and written once.
//!
//! Rows of an embedding table without a gradient are not skipped: their state shrinks at every step, and with Adam their
//! weights still move, so only rows that never had a gradient would stay the same.
//!
//! States that have become negligible, and squares that would be, count as 0 ([`SimdFloat::NEGLIGIBLE`]). The state of a word
//! that no longer occurs would otherwise become subnormal and stay so, which makes each step of its row a hundred times slower.

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
        let Self(RmspropParams { learning_rate, rho, epsilon }, w, g, v) = self;
        let splat = |value| T::splat(simd, T::from_f64(value));
        let [minus_rate, epsilon] = [-learning_rate, epsilon].map(splat);
        let [rho, one_minus_rho] = [rho, 1.0 - rho].map(splat);
        let [negligible, negligible_root] = [T::NEGLIGIBLE, T::NEGLIGIBLE_ROOT].map(|value| T::splat(simd, value));
        let update = |w: &mut T::Vector<S>, g: T::Vector<S>, v: &mut T::Vector<S>| {
            let in_square = T::zero_below(simd, negligible_root, g);
            let square = T::mul(simd, one_minus_rho, T::mul(simd, in_square, in_square));
            *v = T::zero_below(simd, negligible, T::mul_add(simd, rho, *v, square));
            let root = T::sqrt(simd, T::add(simd, *v, epsilon));
            let g = T::zero_below(simd, negligible, g);
            *w = T::add(simd, *w, T::div(simd, T::mul(simd, minus_rate, g), root));
        };
        let (ws, w) = T::vectors_mut::<S>(w);
        let (gs, g) = T::vectors::<S>(g);
        let (vs, v) = T::vectors_mut::<S>(v);
        for ((w, &g), v) in ws.iter_mut().zip(gs).zip(vs) {
            update(w, g, v);
        }
        let (mut w_part, mut v_part) = (T::load_partial(simd, w), T::load_partial(simd, v));
        update(&mut w_part, T::load_partial(simd, g), &mut v_part);
        T::store_partial(simd, w, w_part);
        T::store_partial(simd, v, v_part);
    }
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
        let Self(AdamParams { learning_rate, beta_1, beta_2, epsilon }, w, g, m, v) = self;
        let splat = |value| T::splat(simd, T::from_f64(value));
        let [minus_rate, epsilon] = [-learning_rate, epsilon].map(splat);
        let [b1, b1_rest, b2, b2_rest] = [beta_1, 1.0 - beta_1, beta_2, 1.0 - beta_2].map(splat);
        let [negligible, negligible_root] = [T::NEGLIGIBLE, T::NEGLIGIBLE_ROOT].map(|value| T::splat(simd, value));
        let update = |w: &mut T::Vector<S>, g: T::Vector<S>, m: &mut T::Vector<S>, v: &mut T::Vector<S>| {
            let g = T::zero_below(simd, negligible, g);
            *m = T::zero_below(simd, negligible, T::mul_add(simd, b1, *m, T::mul(simd, b1_rest, g)));
            let in_square = T::zero_below(simd, negligible_root, g);
            let square = T::mul(simd, b2_rest, T::mul(simd, in_square, in_square));
            *v = T::zero_below(simd, negligible, T::mul_add(simd, b2, *v, square));
            let root = T::add(simd, T::sqrt(simd, *v), epsilon);
            *w = T::add(simd, *w, T::div(simd, T::mul(simd, minus_rate, *m), root));
        };
        let (ws, w) = T::vectors_mut::<S>(w);
        let (gs, g) = T::vectors::<S>(g);
        let (ms, m) = T::vectors_mut::<S>(m);
        let (vs, v) = T::vectors_mut::<S>(v);
        for (((w, &g), m), v) in ws.iter_mut().zip(gs).zip(ms).zip(vs) {
            update(w, g, m, v);
        }
        let (mut w_part, mut m_part) = (T::load_partial(simd, w), T::load_partial(simd, m));
        let mut v_part = T::load_partial(simd, v);
        update(&mut w_part, T::load_partial(simd, g), &mut m_part, &mut v_part);
        T::store_partial(simd, w, w_part);
        T::store_partial(simd, m, m_part);
        T::store_partial(simd, v, v_part);
    }
}
