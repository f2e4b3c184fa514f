//! RMSprop and Adam: every weight and its memory are read once and written once.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::number::Number;
use super::processor::Processor;

/// Numbers that a thread takes at a time.
const CHUNK: usize = 1 << 15;

/// The numbers of RMSprop, as Keras 3 names them.
#[derive(Clone, Copy, Debug)]
pub struct Rmsprop {
    /// η.
    pub rate: f64,
    /// ρ.
    pub rho: f64,
    /// ε.
    pub epsilon: f64,
}

/// One step of RMSprop without momentum: v ← ρ v + (1 − ρ) g², w ← w − η g / √(v + ε).
///
/// # Panics
/// If there are not as many of all of them.
pub fn rmsprop<T: Number>(
    processor: Processor,
    config: Rmsprop,
    weights: &mut [T],
    gradient: &[T],
    square: &mut [T],
) {
    let counts = [gradient.len(), square.len()];
    assert_eq!(counts, [weights.len(); 2], "there must be as many of g and v as of w");
    let chunks = weights.par_chunks_mut(CHUNK).zip(gradient.par_chunks(CHUNK));
    chunks.zip(square.par_chunks_mut(CHUNK)).for_each(|((w, g), v)| {
        processor.run(RmspropChunk(config, w, g, v));
    });
}

struct RmspropChunk<'a, T>(Rmsprop, &'a mut [T], &'a [T], &'a mut [T]);

impl<T: Number> WithSimd for RmspropChunk<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self(Rmsprop { rate, rho, epsilon }, w, g, v) = self;
        let number = |value| T::splat(simd, T::of(value));
        let (rate, rho, new, epsilon) =
            (number(-rate), number(rho), number(1.0 - rho), number(epsilon));
        let update = |w: &mut T::Lanes<S>, g: T::Lanes<S>, v: &mut T::Lanes<S>| {
            *v = T::mul_add(simd, rho, *v, T::mul(simd, new, T::mul(simd, g, g)));
            let root = T::sqrt(simd, T::add(simd, *v, epsilon));
            *w = T::add(simd, *w, T::div(simd, T::mul(simd, rate, g), root));
        };
        let (ws, w) = T::vectors_mut::<S>(w);
        let (gs, g) = T::vectors::<S>(g);
        let (vs, v) = T::vectors_mut::<S>(v);
        for ((w, &g), v) in ws.iter_mut().zip(gs).zip(vs) {
            update(w, g, v);
        }
        let (mut w_part, mut v_part) = (T::load_part(simd, w), T::load_part(simd, v));
        update(&mut w_part, T::load_part(simd, g), &mut v_part);
        T::store_part(simd, w, w_part);
        T::store_part(simd, v, v_part);
    }
}

/// The numbers of one step of Adam.
#[derive(Clone, Copy, Debug)]
pub struct Adam {
    /// η √(1 − β₂ᵗ) / (1 − β₁ᵗ).
    pub rate: f64,
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
/// If there are not as many of all of them.
pub fn adam<T: Number>(
    processor: Processor,
    config: Adam,
    weights: &mut [T],
    gradient: &[T],
    mean: &mut [T],
    square: &mut [T],
) {
    let counts = [gradient.len(), mean.len(), square.len()];
    assert_eq!(counts, [weights.len(); 3], "there must be as many of g, m and v as of w");
    let chunks = weights.par_chunks_mut(CHUNK).zip(gradient.par_chunks(CHUNK));
    let memory = mean.par_chunks_mut(CHUNK).zip(square.par_chunks_mut(CHUNK));
    chunks.zip(memory).for_each(|((w, g), (m, v))| {
        processor.run(AdamChunk(config, w, g, m, v));
    });
}

struct AdamChunk<'a, T>(Adam, &'a mut [T], &'a [T], &'a mut [T], &'a mut [T]);

impl<T: Number> WithSimd for AdamChunk<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self(Adam { rate, beta_1, beta_2, epsilon }, w, g, m, v) = self;
        let number = |value| T::splat(simd, T::of(value));
        let [rate, epsilon] = [-rate, epsilon].map(number);
        let [b1, new1, b2, new2] = [beta_1, 1.0 - beta_1, beta_2, 1.0 - beta_2].map(number);
        let update =
            |w: &mut T::Lanes<S>, g: T::Lanes<S>, m: &mut T::Lanes<S>, v: &mut T::Lanes<S>| {
                *m = T::mul_add(simd, b1, *m, T::mul(simd, new1, g));
                *v = T::mul_add(simd, b2, *v, T::mul(simd, new2, T::mul(simd, g, g)));
                let root = T::add(simd, T::sqrt(simd, *v), epsilon);
                *w = T::add(simd, *w, T::div(simd, T::mul(simd, rate, *m), root));
            };
        let (ws, w) = T::vectors_mut::<S>(w);
        let (gs, g) = T::vectors::<S>(g);
        let (ms, m) = T::vectors_mut::<S>(m);
        let (vs, v) = T::vectors_mut::<S>(v);
        for (((w, &g), m), v) in ws.iter_mut().zip(gs).zip(ms).zip(vs) {
            update(w, g, m, v);
        }
        let (mut w_part, mut m_part) = (T::load_part(simd, w), T::load_part(simd, m));
        let mut v_part = T::load_part(simd, v);
        update(&mut w_part, T::load_part(simd, g), &mut m_part, &mut v_part);
        T::store_part(simd, w, w_part);
        T::store_part(simd, m, m_part);
        T::store_part(simd, v, v_part);
    }
}
