//! Dropout masks, and products with them.

use std::mem::MaybeUninit;
use std::sync::Arc;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::simd_float::SimdFloat;
use super::simd_level::SimdLevel;
use crate::profile::{self, Part};

/// Values that a thread processes at a time; their random numbers and factors stay in its cache.
const CHUNK: usize = 1 << 13;

/// Which values are kept, in row-major order, and the factor of these. Clones share the memory.
#[derive(Clone, Debug)]
pub struct DropoutMask {
    keep: Arc<Vec<bool>>,
    scale: f32,
}

impl DropoutMask {
    /// The mask of `count` values that keeps each value whose random number is `threshold` or more, and multiplies it
    /// by `scale`. `numbers` is given a position and fills a slice with the random numbers from there on.
    pub fn draw(count: usize, threshold: u32, scale: f32, numbers: impl Fn(usize, &mut [u32]) + Sync) -> Self {
        let mut keep = vec![false; count];
        let _section = profile::section(Part::Waiting);
        keep.par_chunks_mut(CHUNK).enumerate().for_each(|(at, keep)| {
            let _section = profile::section(Part::ElementWise);
            let mut drawn = [0; CHUNK];
            let drawn = &mut drawn[..keep.len()];
            numbers(at * CHUNK, drawn);
            for (keep, &number) in keep.iter_mut().zip(&*drawn) {
                *keep = number >= threshold;
            }
        });
        Self { keep: Arc::new(keep), scale }
    }

    /// The mask in which each run of `length` entries comes `times` times.
    pub fn repeated(&self, length: usize, times: usize) -> Self {
        let mut keep = Vec::with_capacity(self.keep.len() * times);
        // Without entries there are no runs, whatever their length.
        for run in self.keep.chunks(length.max(1)) {
            keep.extend_from_slice(&run.repeat(times));
        }
        Self { keep: Arc::new(keep), scale: self.scale }
    }

    /// The factor of each value: 0 or the scale.
    pub fn factors(&self) -> Vec<f32> {
        self.keep.iter().map(|&keep| if keep { self.scale } else { 0.0 }).collect()
    }
}

/// `values` times the mask.
///
/// # Panics
/// If the mask is for another number of values.
pub fn dropped<T: SimdFloat>(level: SimdLevel, values: &[T], mask: &DropoutMask) -> Vec<T> {
    let mut output = Vec::with_capacity(values.len());
    let free: &mut [MaybeUninit<T>] = &mut output.spare_capacity_mut()[..values.len()];
    let chunks = free.par_chunks_mut(CHUNK).zip(values.par_chunks(CHUNK));
    let waiting = profile::section(Part::Waiting);
    chunks.zip(mask.chunks(values.len())).for_each(|((to, values), keep)| {
        let _section = profile::section(Part::ElementWise);
        let values = to.write_copy_of_slice(values);
        level.run(Chunk { values, keep, scale: T::from_f64(mask.scale.into()) });
    });
    waiting.end();
    // SAFETY: the chunks are all of these values, and each has been written.
    unsafe { output.set_len(values.len()) };
    output
}

/// Multiplies `values` by the mask in place.
///
/// # Panics
/// If the mask is for another number of values.
pub fn drop_in_place<T: SimdFloat>(level: SimdLevel, values: &mut [T], mask: &DropoutMask) {
    let keep = mask.chunks(values.len());
    let _section = profile::section(Part::Waiting);
    values.par_chunks_mut(CHUNK).zip(keep).for_each(|(values, keep)| {
        let _section = profile::section(Part::ElementWise);
        level.run(Chunk { values, keep, scale: T::from_f64(mask.scale.into()) });
    });
}

impl DropoutMask {
    /// The mask of each chunk of `count` values.
    fn chunks(&self, count: usize) -> rayon::slice::Chunks<'_, bool> {
        assert_eq!(self.keep.len(), count, "a mask must have one entry per value");
        self.keep.par_chunks(CHUNK)
    }
}

struct Chunk<'a, T> {
    values: &'a mut [T],
    keep: &'a [bool],
    scale: T,
}

impl<T: SimdFloat> WithSimd for Chunk<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { values, keep, scale } = self;
        // A product also for dropped values: 0 times a negative number is −0, and 0 times NaN is NaN.
        for (value, &keep) in values.iter_mut().zip(keep) {
            *value *= if keep { scale } else { T::default() };
        }
    }
}
