//! How the work of a layer is divided over threads, and the order of its phases.
//!
//! Either each thread processes all steps of some sequences and never waits for another, but reads all weights at each
//! step; or each processes some units of all sequences, and reads only the weights of these, which then stay in its
//! core's own cache. In the second case the next step needs the hidden states of all units, so the threads wait for each
//! other after each step. The results are the same, bit for bit.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use pulp::Simd;
use rayon::prelude::*;

use super::block_order::first_block;
use crate::cpu::bf16::Operands;
use crate::cpu::matmul::{PackedMatrix, pack};
use crate::cpu::simd_float::SimdFloat;
use crate::cpu::view::MatrixView;
use crate::profile::{self, Part};

/// Recurrent weights of up to this many bytes stay in a core's own cache (L2) or are read fast enough from the shared
/// one. Between 1 MiB, with which dividing the units was slower on a Xeon with 2 MiB of L2 for each core, and 4 MiB, with
/// which it was faster (benchmarks/README.md, "Layers on several threads").
const SMALL_WEIGHTS: usize = 3 << 19;
/// With as many sequences for each thread, weights are used so often that reading them costs little.
const MANY_SEQUENCES: usize = 64;

/// How the threads divide the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Division {
    /// Each thread has some sequences.
    Sequences,
    /// Each thread has some units.
    Units,
}

impl Division {
    /// The faster one for recurrent weights of `bytes`, for `batch` sequences and the threads of the current pool.
    pub fn new(bytes: usize, batch: usize) -> Self {
        let threads = rayon::current_num_threads();
        let reads_much = bytes > SMALL_WEIGHTS && batch < MANY_SEQUENCES * threads;
        if threads > 1 && reads_much { Self::Units } else { Self::Sequences }
    }
}

/// The sequences and units that a thread processes.
#[derive(Clone, Debug)]
pub struct Region {
    /// The sequences.
    pub rows: Range<usize>,
    /// The units, to a multiple of [`SimdFloat::PAD`]: the last region has the padding.
    pub units: Range<usize>,
}

/// The regions of a layer.
#[derive(Clone, Debug)]
pub struct Regions {
    all: Vec<Region>,
    division: Division,
}

impl Regions {
    /// Divides `batch` sequences of a layer with `width` units, padding included, over the threads of the current pool.
    pub fn new<T: SimdFloat>(division: Division, batch: usize, width: usize) -> Self {
        let threads = rayon::current_num_threads();
        let part = |at: usize, of: usize, count: usize| at * count / of..(at + 1) * count / of;
        let all = match division {
            Division::Sequences => {
                let count = threads.min(batch);
                (0..count).map(|at| Region { rows: part(at, count, batch), units: 0..width }).collect()
            }
            Division::Units => {
                let vectors = width / T::PAD;
                let count = threads.min(vectors).min(u64::BITS as usize);
                let units = |at| part(at, count, vectors);
                let padded = |units: Range<usize>| units.start * T::PAD..units.end * T::PAD;
                (0..count).map(|at| Region { rows: 0..batch, units: padded(units(at)) }).collect()
            }
        };
        Self { all, division }
    }

    /// Runs `work` for each region in each of `phases`, in order. Regions of units wait for each other after each phase.
    pub fn run(&self, phases: usize, work: impl Fn(usize, usize) + Sync) {
        let _waiting = profile::section(Part::Waiting);
        let regions = 0..self.all.len();
        match self.division {
            Division::Sequences => {
                regions.into_par_iter().for_each(|region| (0..phases).for_each(|phase| work(region, phase)));
            }
            Division::Units => run_together(self.all.len(), phases, work),
        }
    }

    /// The region at `index`.
    pub fn get(&self, index: usize) -> &Region {
        &self.all[index]
    }
}

/// Packed weights: those of each region of units, or one matrix for all regions of sequences.
pub struct RegionWeights<T: SimdFloat>(Vec<Vec<Product<T>>>);

/// Some columns of a product.
pub struct Product<T: SimdFloat> {
    /// The first column of the output.
    pub column: usize,
    /// The columns of the weights.
    pub weights: PackedMatrix<T>,
}

impl<T: SimdFloat> RegionWeights<T> {
    /// Packs `weights`, whose columns are blocks of units, each `width` wide: in ascending order those of the output that
    /// `blocks` lists, which are adjacent.
    pub fn new<S: Simd>(
        simd: S,
        operands: Operands,
        weights: MatrixView<T>,
        regions: &Regions,
        blocks: &[usize],
        width: usize,
    ) -> Self {
        let first = first_block(blocks);
        if regions.division == Division::Sequences {
            let weights = PackedMatrix::new_parallel(simd, operands, weights);
            return Self(vec![vec![Product { column: first * width, weights }]]);
        }
        let _waiting = profile::section(Part::Waiting);
        let products = |region: &Region| {
            let product = |block: usize| {
                let from = block * width + region.units.start;
                let to = (block * width + region.units.end).min(weights.columns);
                Product { column: first * width + from, weights: pack(simd, operands, weights.columns(from..to)) }
            };
            (0..blocks.len()).map(product).collect()
        };
        Self(regions.all.par_iter().map(products).collect())
    }

    /// The products of a region.
    #[inline(always)]
    pub fn of(&self, region: usize) -> &[Product<T>] {
        &self.0[if self.0.len() == 1 { 0 } else { region }]
    }
}

/// One phase: which parts were begun, and how many are done.
#[derive(Default)]
struct Phase {
    begun: AtomicU64,
    done: AtomicUsize,
}

/// Runs `work` for each part in each phase; a phase begins when the one before is done. A thread takes its own part, whose
/// data are in its cache, and then those that no thread has begun. So it waits only for work that is in progress, and
/// it does not matter how many threads take part or when they come.
fn run_together(parts: usize, phases: usize, work: impl Fn(usize, usize) + Sync) {
    /// Counts a part as done, also if it panics: the others must not wait for it forever.
    struct Done<'a>(&'a AtomicUsize);
    impl Drop for Done<'_> {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Release);
        }
    }
    let state: Vec<Phase> = (0..phases).map(|_| Phase::default()).collect();
    (0..parts).into_par_iter().for_each(|own| {
        for (at, phase) in state.iter().enumerate() {
            for part in (own..parts).chain(0..own) {
                let bit = 1 << part;
                let is_free = phase.begun.load(Ordering::Relaxed) & bit == 0;
                if is_free && phase.begun.fetch_or(bit, Ordering::Relaxed) & bit == 0 {
                    let _done = Done(&phase.done);
                    work(part, at);
                }
            }
            // Acquire: what the other threads have written in this phase is read in the next one.
            let mut spins = 0_u32;
            while phase.done.load(Ordering::Acquire) < parts {
                spins = spins.wrapping_add(1);
                // The other thread may wait for this processor.
                if spins.is_multiple_of(4096) { std::thread::yield_now() } else { std::hint::spin_loop() }
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn each_part_runs_once_in_each_phase_and_phases_follow_one_another() {
        for (threads, parts) in [(1, 3), (2, 2), (3, 2), (4, 7)] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let order = Mutex::new(Vec::new());
            pool.install(|| run_together(parts, 50, |part, phase| order.lock().unwrap().push((phase, part))));
            let mut order = order.into_inner().unwrap();
            assert!(order.is_sorted_by_key(|&(phase, _)| phase), "{threads} threads, {parts} parts");
            order.sort_unstable();
            let expected: Vec<_> = (0..50).flat_map(|phase| (0..parts).map(move |part| (phase, part))).collect();
            assert_eq!(order, expected);
        }
    }

    #[test]
    fn two_callers_at_the_same_time_do_not_wait_for_each_other_forever() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let count = AtomicUsize::new(0);
        pool.install(|| {
            (0..8).into_par_iter().for_each(|_| {
                run_together(2, 20, |_, _| {
                    count.fetch_add(1, Ordering::Relaxed);
                });
            });
        });
        assert_eq!(count.into_inner(), 8 * 2 * 20);
    }

    #[test]
    fn a_panic_ends_all_threads() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            pool.install(|| run_together(2, 5, |part, phase| assert!((part, phase) != (1, 2), "on purpose")));
        }));
        assert!(caught.is_err());
    }

    #[test]
    fn regions_cover_all_sequences_and_units() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        for (batch, width) in [(1, 16), (2, 64), (19, 208)] {
            for division in [Division::Sequences, Division::Units] {
                let regions = pool.install(|| Regions::new::<f32>(division, batch, width));
                let cells = regions.all.iter().map(|region| region.rows.len() * region.units.len());
                assert_eq!(cells.sum::<usize>(), batch * width);
                assert!(regions.all.iter().all(|region| !region.rows.is_empty() && !region.units.is_empty()));
                let (first, last) = (&regions.all[0], &regions.all[regions.all.len() - 1]);
                assert_eq!((first.rows.start, first.units.start), (0, 0));
                assert_eq!((last.rows.end, last.units.end), (batch, width));
            }
        }
    }
}
