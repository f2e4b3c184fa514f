//! The backward pass: from the gradient of a layer's output to those of all its inputs.

use std::mem::MaybeUninit;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::block_order::{first_block, reorder_blocks};
use super::cell::{BackwardStep, Cell};
use super::layer::{ForwardCache, Input, Layer, SequenceShape, check};
use super::regions::{Region, RegionWeights, Regions};
use super::resets::{Resets, SharedResets};
use super::unique_ids::sum_by_id;
use super::weight_gradients::weight_gradients;
use crate::cpu::matmul::PackedMatrix;
use crate::cpu::rows::{PaddedRows, SharedRows};
use crate::cpu::simd_float::SimdFloat;
use crate::cpu::simd_level::SimdLevel;
use crate::cpu::view::MatrixView;
use crate::profile::{self, Part};

/// The gradients of all inputs of [`forward`](super::forward).
pub struct Gradients<T> {
    /// Of the vectors `[N, T, D]`, or of the table.
    pub input: Vec<T>,
    /// Of W.
    pub kernel: Vec<T>,
    /// Of U.
    pub recurrent: Vec<T>,
    /// Of the biases of all sums.
    pub bias: Vec<T>,
    /// Of h.
    pub hidden: Vec<T>,
    /// Of c, empty if the cell has none.
    pub cell_state: Vec<T>,
}

/// The backward pass, from the gradient of the output of [`forward`](super::forward). Consumes the cache.
///
/// # Panics
/// If the cache is from another cell, or the sizes differ from those of the forward pass.
pub fn backward<T: SimdFloat, C: Cell<T>>(
    level: SimdLevel,
    cell: C,
    cache: ForwardCache<T>,
    input: Input<T>,
    layer: Layer<T>,
    gradient: &[T],
) -> Gradients<T> {
    let SequenceShape { batch, time, units, .. } = cache.shape;
    check::<T, C>(cache.shape, input, layer);
    let sums = C::BLOCKS * units.next_multiple_of(T::PAD);
    let states = if C::HAS_CELL_STATE { (time + 1) * batch } else { 0 };
    let has_ids = matches!(input, Input::Ids(..));
    let found = (cache.sums.width, cache.cell_state.count(), cache.ids.is_some());
    assert_eq!(found, (sums, states, has_ids), "the cache must be from the same cell and input");
    let slots = cache.shape.slots(cache.all_steps, C::HAS_CELL_STATE);
    assert_eq!(gradient.len(), batch * slots * units, "there must be one gradient per output");
    level.run(RunBackward { cell, cache, input, layer, gradient })
}

struct RunBackward<'a, T: SimdFloat, C> {
    cell: C,
    cache: ForwardCache<T>,
    input: Input<'a, T>,
    layer: Layer<'a, T>,
    gradient: &'a [T],
}

impl<T: SimdFloat, C: Cell<T>> WithSimd for RunBackward<'_, T, C> {
    type Output = Gradients<T>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Gradients<T> {
        let _section = profile::section(Part::Copying);
        let Self { cell, mut cache, input, layer, gradient } = self;
        let shape = cache.shape;
        let SequenceShape { batch, time, inputs, units } = shape;
        let width = units.next_multiple_of(T::PAD);
        let regions = Regions::new::<T>(cache.division, batch, width);
        let kernel = reorder_blocks(layer.kernel, units, C::INPUT);
        let recurrent = reorder_blocks(layer.recurrent, units, C::RECURRENT);
        let kernel = PackedMatrix::new_parallel(simd, layer.operands, kernel.as_view().transposed());
        // One block of columns: the units of the gradient of h.
        let recurrent = recurrent.as_view().transposed();
        let recurrent = RegionWeights::new(simd, layer.operands, recurrent, &regions, &[0], width);
        let mut dx = PaddedRows::new(cache.inputs.count(), inputs);
        let mut dh = PaddedRows::new(batch, units);
        let mut dc = PaddedRows::new(if C::HAS_CELL_STATE { batch } else { 0 }, units);
        let pass = BackwardPass {
            cell,
            shape,
            regions: &regions,
            recurrent: &recurrent,
            gradient: MatrixView::dense(gradient, units),
            slots: shape.slots(cache.all_steps, C::HAS_CELL_STATE),
            all_steps: cache.all_steps,
            sums: cache.sums.shared(),
            hidden: cache.hidden.shared(),
            cell_state: cache.cell_state.shared(),
            resets: cache.resets.as_mut().map(Resets::shared),
            dh: dh.shared(),
            dc: dc.shared(),
        };
        regions.run(time + 1, |region, phase| simd.vectorize(BackwardPhase { pass: &pass, region, phase }));
        let by_id = cache.ids.as_ref().map(|ids| sum_by_id(simd, &cache.sums, ids, C::INPUT.len() * width));
        // The products with W of all steps at once; W adds to the first blocks of the sums.
        let sums = by_id.as_ref().unwrap_or(&cache.sums);
        kernel.multiply_parallel(simd, sums.all(C::INPUT.len() * width), &mut dx);
        let (kernel, recurrent, bias) = weight_gradients::<T, C, S>(simd, layer.operands, &cache, by_id.as_ref());
        let input = match input {
            Input::Vectors(_) => {
                dense_rows(batch * time, inputs, |row| Some(&dx.row(row % time * batch + row / time)[..inputs]))
            }
            Input::Ids(table, _) => {
                let mut sums = dense_rows(table.rows, inputs, |_| None);
                let _section = profile::section(Part::GatherScatter);
                let ids = cache.ids.iter().flat_map(|ids| &ids.ids);
                for (row, &id) in ids.enumerate() {
                    sums[id as usize * inputs..][..inputs].copy_from_slice(&dx.row(row)[..inputs]);
                }
                sums
            }
        };
        let state = |rows: &PaddedRows<T>| dense_rows(rows.count(), units, |row| Some(&rows.row(row)[..units]));
        Gradients { input, kernel, recurrent, bias, hidden: state(&dh), cell_state: state(&dc) }
    }
}

/// `count` rows of this width without padding, each a copy of what `source` returns, or zeros. On all threads.
fn dense_rows<'a, T: SimdFloat>(
    count: usize,
    width: usize,
    source: impl Fn(usize) -> Option<&'a [T]> + Sync,
) -> Vec<T> {
    /// Rows that a thread writes at a time.
    const ROWS: usize = 64;
    let mut out = Vec::with_capacity(count * width);
    let _waiting = profile::section(Part::Waiting);
    let blocks = out.spare_capacity_mut()[..count * width].par_chunks_mut((ROWS * width).max(1)).enumerate();
    blocks.for_each(|(block, rows)| {
        let _section = profile::section(Part::Copying);
        for (row, to) in rows.chunks_exact_mut(width.max(1)).enumerate() {
            match source(block * ROWS + row) {
                Some(from) => _ = to.write_copy_of_slice(from),
                None => to.fill(MaybeUninit::new(T::default())),
            }
        }
    });
    // SAFETY: each row has been written as a whole: blocks consist of whole rows, and a source of another length panics.
    unsafe { out.set_len(count * width) };
    out
}

struct BackwardPass<'a, T: SimdFloat, C> {
    cell: C,
    shape: SequenceShape,
    regions: &'a Regions,
    recurrent: &'a RegionWeights<T>,
    gradient: MatrixView<'a, T>,
    slots: usize,
    all_steps: bool,
    sums: SharedRows<'a, T>,
    hidden: SharedRows<'a, T>,
    cell_state: SharedRows<'a, T>,
    resets: Option<SharedResets<'a, T>>,
    dh: SharedRows<'a, T>,
    dc: SharedRows<'a, T>,
}

/// Each phase ends with the gradients of the sums of one step, the last step first, which all regions need in the next
/// phase. The last phase ends with the gradients of the states before the first step.
struct BackwardPhase<'a, T: SimdFloat, C> {
    pass: &'a BackwardPass<'a, T, C>,
    region: usize,
    phase: usize,
}

impl<T: SimdFloat, C: Cell<T>> WithSimd for BackwardPhase<'_, T, C> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let _section = profile::section(Part::Copying);
        let Self { pass, region, phase } = self;
        // The step whose gradients of the sums are complete; in the first phase there is none.
        let complete = pass.shape.time - phase;
        // SAFETY: a phase writes only the units of its own region, and reads others only in rows that were written in
        // the phase before.
        unsafe {
            if phase == 0 {
                pass.start(pass.regions.get(region));
            } else {
                pass.through_recurrent(simd, region, complete);
            }
            if complete > 0 {
                pass.step(simd, pass.regions.get(region), complete - 1);
            }
        }
    }
}

impl<T: SimdFloat, C: Cell<T>> BackwardPass<'_, T, C> {
    /// The gradients of the states after the last step, without those of the output at the last step.
    ///
    /// # Safety
    /// Only this thread accesses the region.
    #[inline(always)]
    unsafe fn start(&self, region: &Region) {
        let units = region.units.start..region.units.end.min(self.shape.units);
        for n in region.rows.clone() {
            // SAFETY: the caller guarantees it.
            unsafe {
                self.dh.part(n, region.units.clone()).fill(T::default());
                if C::HAS_CELL_STATE {
                    let last = (n + 1) * self.slots - 1;
                    let gradient = self.gradient.rows(last..last + 1).columns(units.clone());
                    gradient.copy_padded_to(self.dc.part(n, region.units.clone()));
                }
            }
        }
    }

    /// The gradients of the sums of step `t`, from those of the states after it.
    ///
    /// # Safety
    /// Only this thread accesses the region.
    #[inline(always)]
    unsafe fn step<S: Simd>(&self, simd: S, region: &Region, t: usize) {
        let _section = profile::section(Part::ElementWise);
        let SequenceShape { batch, time, units: all_units, .. } = self.shape;
        let width = all_units.next_multiple_of(T::PAD);
        let units = region.units.clone();
        let block = |block: usize| block * width + units.start..block * width + units.end;
        for n in region.rows.clone() {
            let (row, after) = (t * batch + n, (t + 1) * batch + n);
            // SAFETY: the references do not overlap, and the caller guarantees the rest.
            unsafe {
                let dh = self.dh.part(n, units.clone());
                if self.all_steps || t + 1 == time {
                    let slot = n * self.slots + if self.all_steps { t } else { 0 };
                    let gradient = self.gradient.rows(slot..slot + 1);
                    gradient.columns(units.start..units.end.min(all_units)).add_to(dh);
                }
                let cell_state =
                    |row| if C::HAS_CELL_STATE { self.cell_state.part(row, units.clone()) } else { &mut [] };
                let before_reset =
                    self.resets.and_then(|resets| resets.values_before(after, units.clone(), C::HAS_CELL_STATE));
                let [new_hidden, new_cell_state] =
                    before_reset.unwrap_or_else(|| [self.hidden.part(after, units.clone()), cell_state(after)]);
                let step = BackwardStep {
                    sums: std::array::from_fn(
                        |at| if at < C::BLOCKS { self.sums.part(row, block(at)) } else { &mut [] },
                    ),
                    hidden: self.hidden.part(row, units.clone()),
                    cell_state: cell_state(row),
                    new_hidden,
                    new_cell_state,
                    dh,
                    dc: if C::HAS_CELL_STATE { self.dc.part(n, units.clone()) } else { &mut [] },
                };
                self.cell.backward(simd, step);
            }
        }
    }

    /// Adds the part of the gradient of h before step `t` that goes through U. Before a reset all gradients are zero.
    ///
    /// # Safety
    /// Only this thread accesses the region, and the gradients of the sums of this step are complete in all regions.
    #[inline(always)]
    unsafe fn through_recurrent<S: Simd>(&self, simd: S, index: usize, t: usize) {
        let region = self.regions.get(index);
        let SequenceShape { batch, units: all_units, .. } = self.shape;
        let width = all_units.next_multiple_of(T::PAD);
        let first = first_block(C::RECURRENT);
        let columns = first * width..(first + C::RECURRENT.len()) * width;
        let rows = t * batch + region.rows.start..t * batch + region.rows.end;
        // SAFETY: matrices that are read are not written, products are as wide as the region, and the caller guarantees
        // the rest.
        unsafe {
            let sums = self.sums.view(rows, columns);
            for product in self.recurrent.of(index) {
                product.weights.multiply(simd, sums, self.dh.ptr(region.rows.start, product.column), true);
            }
            let Some(resets) = self.resets else { return };
            for n in region.rows.clone().filter(|n| resets.contains(t * batch + n)) {
                self.dh.part(n, region.units.clone()).fill(T::default());
                if C::HAS_CELL_STATE {
                    self.dc.part(n, region.units.clone()).fill(T::default());
                }
            }
        }
    }
}
