//! The forward pass: all steps of all sequences.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::block_order::reorder_blocks;
use super::cell::{Cell, ForwardStep, MAX_BLOCKS, split_blocks};
use super::layer::{ForwardCache, Input, Layer, SequenceShape, check};
use super::regions::{Division, Region, RegionWeights, Regions};
use super::resets::{Resets, SharedResets};
use super::unique_ids::{UniqueIds, project};
use crate::cpu::matmul::PackedMatrix;
use crate::cpu::rows::{PaddedRows, SharedRows};
use crate::cpu::scratch::Scratch;
use crate::cpu::simd_float::SimdFloat;
use crate::cpu::simd_level::SimdLevel;
use crate::cpu::view::{MatrixPtr, MatrixView};
use crate::profile::{self, Part};

/// Runs `layer` over whole sequences. Returns `[N, S, H]` with S as in [`SequenceShape::slots`]: all hidden states if
/// `all_steps`, else only the last; then the last c.
///
/// # Panics
/// If sizes do not match, any of them is zero, or an id is not in the table.
pub fn forward<T: SimdFloat, C: Cell<T>>(
    level: SimdLevel,
    cell: C,
    shape: SequenceShape,
    input: Input<T>,
    layer: Layer<T>,
    all_steps: bool,
) -> (Vec<T>, ForwardCache<T>) {
    let weights = C::RECURRENT.len() * shape.units * shape.units;
    let division = Division::new(weights * size_of::<T>(), shape.batch);
    forward_divided(level, division, cell, shape, input, layer, all_steps)
}

/// The same with this division of the work over threads, here and in the backward pass.
pub fn forward_divided<T: SimdFloat, C: Cell<T>>(
    level: SimdLevel,
    division: Division,
    cell: C,
    shape: SequenceShape,
    input: Input<T>,
    layer: Layer<T>,
    all_steps: bool,
) -> (Vec<T>, ForwardCache<T>) {
    check::<T, C>(shape, input, layer);
    level.run(RunForward { division, cell, shape, input, layer, all_steps })
}

struct RunForward<'a, T, C> {
    division: Division,
    cell: C,
    shape: SequenceShape,
    input: Input<'a, T>,
    layer: Layer<'a, T>,
    all_steps: bool,
}

impl<T: SimdFloat, C: Cell<T>> WithSimd for RunForward<'_, T, C> {
    type Output = (Vec<T>, ForwardCache<T>);

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
        let _section = profile::section(Part::Copying);
        let Self { division, cell, shape, input, layer, all_steps } = self;
        let SequenceShape { batch, time, inputs, units } = shape;
        let rows = batch * time;
        let width = units.next_multiple_of(T::PAD);
        let regions = Regions::new::<T>(division, batch, width);
        let kernel = reorder_blocks(layer.kernel, units, C::INPUT);
        let recurrent = reorder_blocks(layer.recurrent, units, C::RECURRENT);
        let kernel = PackedMatrix::new_parallel(simd, layer.operands, kernel.as_view());
        let recurrent = RegionWeights::new(simd, layer.operands, recurrent.as_view(), &regions, C::RECURRENT, width);
        let mut bias = Scratch::zeros(C::BLOCKS * width);
        for (from, to) in layer.bias.chunks(units).zip(bias.chunks_mut(width)) {
            to[..units].copy_from_slice(from);
        }
        let cell_state_rows = if C::HAS_CELL_STATE { rows + batch } else { 0 };
        let ids = match input {
            Input::Vectors(_) => None,
            Input::Ids(_, ids) => Some(UniqueIds::new(ids, [batch, time])),
        };
        let resets = layer.keep_state.and_then(|keep| Resets::new(keep, [batch, time], units, C::HAS_CELL_STATE));
        let input_rows = ids.as_ref().map_or(rows, |ids| ids.ids.len());
        let mut cache = ForwardCache {
            shape,
            inputs: PaddedRows::new(input_rows, inputs),
            ids,
            sums: PaddedRows::new(rows, C::BLOCKS * width),
            hidden: PaddedRows::new(rows + batch, units),
            cell_state: PaddedRows::new(cell_state_rows, units),
            resets,
            all_steps,
            division,
        };
        // The products with W of all steps at once. Tokens repeat: each unique id is projected once.
        let projected = match (&cache.ids, input) {
            (Some(ids), Input::Ids(table, _)) => Some(project(simd, table, ids, &mut cache.inputs, &kernel)),
            (_, Input::Ids(x, _) | Input::Vectors(x)) => {
                time_major(x, [batch, time], &mut cache.inputs);
                kernel.multiply_parallel(simd, cache.inputs.all(inputs), &mut cache.sums);
                None
            }
        };
        let slots = shape.slots(all_steps, C::HAS_CELL_STATE);
        let mut output: Vec<T> = Vec::with_capacity(batch * slots * units);
        let pass = ForwardPass {
            cell,
            shape,
            layer,
            regions: &regions,
            recurrent: &recurrent,
            bias: split_blocks(&bias, C::BLOCKS),
            projected: projected.as_ref().zip(cache.ids.as_ref()),
            sums: cache.sums.shared(),
            hidden: cache.hidden.shared(),
            cell_state: cache.cell_state.shared(),
            resets: cache.resets.as_mut().map(Resets::shared),
            // SAFETY: each thread writes the values of its region, and nothing reads them before all are written.
            output: unsafe { MatrixPtr::new(output.as_mut_ptr(), units) },
            slots,
            all_steps,
        };
        regions.run(time + 1, |region, phase| simd.vectorize(ForwardPhase { pass: &pass, region, phase }));
        // SAFETY: together the regions have written all slots of all sequences: there is at least one step.
        unsafe { output.set_len(batch * slots * units) };
        (output, cache)
    }
}

/// Copies row `n · T + t` of `x` to row `t · N + n`, on all threads.
fn time_major<T: SimdFloat>(x: MatrixView<T>, [batch, time]: [usize; 2], to: &mut PaddedRows<T>) {
    let shared = to.shared();
    let _waiting = profile::section(Part::Waiting);
    (0..time).into_par_iter().for_each(|t| {
        let _section = profile::section(Part::Copying);
        for n in 0..batch {
            let from = n * time + t;
            // SAFETY: each row is written by one thread.
            x.rows(from..from + 1).copy_padded_to(unsafe { shared.row(t * batch + n) });
        }
    });
}

struct ForwardPass<'a, T: SimdFloat, C> {
    cell: C,
    shape: SequenceShape,
    layer: Layer<'a, T>,
    regions: &'a Regions,
    recurrent: &'a RegionWeights<T>,
    bias: [&'a [T]; MAX_BLOCKS],
    projected: Option<(&'a PaddedRows<T>, &'a UniqueIds)>,
    sums: SharedRows<'a, T>,
    hidden: SharedRows<'a, T>,
    cell_state: SharedRows<'a, T>,
    resets: Option<SharedResets<'a, T>>,
    output: MatrixPtr<T>,
    slots: usize,
    all_steps: bool,
}

/// Phase 0 writes the states before the first step, and phase `t + 1` is step `t`.
struct ForwardPhase<'a, T: SimdFloat, C> {
    pass: &'a ForwardPass<'a, T, C>,
    region: usize,
    phase: usize,
}

impl<T: SimdFloat, C: Cell<T>> WithSimd for ForwardPhase<'_, T, C> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let _section = profile::section(Part::Copying);
        let Self { pass, region, phase } = self;
        // SAFETY: a phase writes only the units of its own region, and reads others only in rows that were written in
        // earlier phases.
        unsafe {
            match phase.checked_sub(1) {
                None => pass.start(pass.regions.get(region)),
                Some(t) => pass.step(simd, region, t),
            }
        }
    }
}

impl<T: SimdFloat, C: Cell<T>> ForwardPass<'_, T, C> {
    /// The states before the first step.
    ///
    /// # Safety
    /// Only this thread accesses the region.
    #[inline(always)]
    unsafe fn start(&self, region: &Region) {
        let units = region.units.start..region.units.end.min(self.shape.units);
        for n in region.rows.clone() {
            let copy = |from: MatrixView<T>, to: SharedRows<T>| {
                // SAFETY: the row exists, and the caller guarantees the rest.
                let to = unsafe { to.part(n, region.units.clone()) };
                from.rows(n..n + 1).columns(units.clone()).copy_padded_to(to);
            };
            copy(self.layer.hidden, self.hidden);
            if let Some(cell_state) = self.layer.cell_state {
                copy(cell_state, self.cell_state);
            }
            // SAFETY: the caller guarantees it.
            unsafe { self.reset(region, n) };
        }
    }

    /// Step `t`.
    ///
    /// # Safety
    /// Only this thread accesses the region, and all regions have finished the step before.
    #[inline(always)]
    unsafe fn step<S: Simd>(&self, simd: S, index: usize, t: usize) {
        let region = self.regions.get(index);
        let SequenceShape { batch, time, units: all_units, .. } = self.shape;
        let width = all_units.next_multiple_of(T::PAD);
        let units = region.units.clone();
        let block = |block: usize| block * width + units.start..block * width + units.end;
        let rows = t * batch + region.rows.start..t * batch + region.rows.end;
        // SAFETY: the references to parts of rows do not overlap: a step reads h and c in its own rows and writes them to
        // the rows of the next step; products are as wide as the blocks that they are written to. The caller
        // guarantees the rest.
        unsafe {
            let gather = profile::section(Part::GatherScatter);
            for row in rows.clone() {
                if let Some((projected, ids)) = self.projected {
                    let from = projected.row(ids.index_of_row[row] as usize);
                    for at in 0..C::INPUT.len() {
                        self.sums.part(row, block(at)).copy_from_slice(&from[block(at)]);
                    }
                }
                // Blocks that only the recurrent weights add to start at zero.
                for at in C::INPUT.len()..C::BLOCKS {
                    self.sums.part(row, block(at)).fill(T::default());
                }
            }
            gather.end();
            let h = self.hidden.view(rows.clone(), 0..all_units);
            // No closure: it would not be compiled for these SIMD instructions.
            for product in self.recurrent.of(index) {
                product.weights.multiply(simd, h, self.sums.ptr(rows.start, product.column), true);
            }
            let _section = profile::section(Part::ElementWise);
            for (n, row) in region.rows.clone().zip(rows) {
                let after = row + batch;
                let cell_state =
                    |row| if C::HAS_CELL_STATE { self.cell_state.part(row, units.clone()) } else { &mut [] };
                let step = ForwardStep {
                    sums: std::array::from_fn(
                        |at| if at < C::BLOCKS { self.sums.part(row, block(at)) } else { &mut [] },
                    ),
                    bias: self.bias.map(|bias| if bias.is_empty() { bias } else { &bias[units.clone()] }),
                    // Other regions read it at the same time, for their products.
                    hidden: self.hidden.read_part(row, units.clone()),
                    cell_state: cell_state(row),
                    new_hidden: self.hidden.part(after, units.clone()),
                    new_cell_state: cell_state(after),
                };
                self.cell.forward(simd, step);
                let count = units.end.min(all_units) - units.start;
                let is_last = t + 1 == time;
                if self.all_steps || is_last {
                    let slot = n * self.slots + if self.all_steps { t } else { 0 };
                    let output = self.output.offset(slot, units.start);
                    output.write(&self.hidden.part(after, units.clone())[..count]);
                }
                if C::HAS_CELL_STATE && is_last {
                    let output = self.output.offset((n + 1) * self.slots - 1, units.start);
                    output.write(&cell_state(after)[..count]);
                }
                self.reset(region, after);
            }
        }
    }

    /// Resets the units of the region in `row`, if this row is reset.
    ///
    /// # Safety
    /// Only this thread accesses them.
    #[inline(always)]
    unsafe fn reset(&self, region: &Region, row: usize) {
        let Some(resets) = self.resets else { return };
        let units = &region.units;
        // SAFETY: the caller guarantees it.
        unsafe {
            let cell_state = if C::HAS_CELL_STATE { self.cell_state.part(row, units.clone()) } else { &mut [] };
            resets.reset(row, units.clone(), self.hidden.part(row, units.clone()), cell_state);
        }
    }
}
