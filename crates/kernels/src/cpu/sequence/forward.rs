//! The forward pass: all steps of all sequences.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::block_order::{first_block, reorder_blocks};
use super::cell::{Cell, ForwardStep};
use super::layer::{BatchPart, ForwardCache, Input, Layer, SequenceShape, check};
use super::resets::{Resets, SharedResets};
use super::unique_ids::{UniqueIds, project};
use crate::cpu::matmul::PackedMatrix;
use crate::cpu::rows::{PaddedRows, SharedRows};
use crate::cpu::scratch::Scratch;
use crate::cpu::simd_float::SimdFloat;
use crate::cpu::simd_level::SimdLevel;
use crate::cpu::view::MatrixPtr;
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
    check::<T, C>(shape, input, layer);
    level.run(RunForward { cell, shape, input, layer, all_steps })
}

struct RunForward<'a, T, C> {
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
        let Self { cell, shape, input, layer, all_steps } = self;
        let SequenceShape { batch, time, inputs, units } = shape;
        let rows = batch * time;
        let kernel = reorder_blocks(layer.kernel, units, C::INPUT);
        let recurrent = reorder_blocks(layer.recurrent, units, C::RECURRENT);
        let kernel = PackedMatrix::new_parallel(simd, kernel.as_view());
        let recurrent = PackedMatrix::new_parallel(simd, recurrent.as_view());
        let width = units.next_multiple_of(T::PAD);
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
        };
        // Tokens repeat: each unique id is projected once.
        let projected = cache
            .ids
            .as_ref()
            .zip(input.table())
            .map(|(ids, table)| project(simd, table, ids, &mut cache.inputs, &kernel));
        let slots = shape.slots(all_steps, C::HAS_CELL_STATE);
        let mut output: Vec<T> = Vec::with_capacity(batch * slots * units);
        let pass = ForwardPass {
            cell,
            shape,
            input,
            layer,
            kernel: &kernel,
            recurrent: &recurrent,
            bias: &bias,
            projected: projected.as_ref().zip(cache.ids.as_ref()),
            inputs: cache.inputs.shared(),
            sums: cache.sums.shared(),
            hidden: cache.hidden.shared(),
            cell_state: cache.cell_state.shared(),
            resets: cache.resets.as_mut().map(Resets::shared),
            // SAFETY: each thread writes the sequences of its rows, and nothing reads them before all are written.
            output: unsafe { MatrixPtr::new(output.as_mut_ptr(), units) },
            slots,
            all_steps,
        };
        let waiting = profile::section(Part::Waiting);
        shape.parts().into_par_iter().for_each(|part| {
            simd.vectorize(BatchPart(pass, part));
        });
        waiting.end();
        // SAFETY: together the parts have written all slots of all sequences: there is at least one step.
        unsafe { output.set_len(batch * slots * units) };
        (output, cache)
    }
}

struct ForwardPass<'a, T: SimdFloat, C> {
    cell: C,
    shape: SequenceShape,
    input: Input<'a, T>,
    layer: Layer<'a, T>,
    kernel: &'a PackedMatrix<T>,
    recurrent: &'a PackedMatrix<T>,
    bias: &'a [T],
    projected: Option<(&'a PaddedRows<T>, &'a UniqueIds)>,
    inputs: SharedRows<'a, T>,
    sums: SharedRows<'a, T>,
    hidden: SharedRows<'a, T>,
    cell_state: SharedRows<'a, T>,
    resets: Option<SharedResets<'a, T>>,
    output: MatrixPtr<T>,
    slots: usize,
    all_steps: bool,
}

impl<T: SimdFloat, C: Copy> Clone for ForwardPass<'_, T, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: SimdFloat, C: Copy> Copy for ForwardPass<'_, T, C> {}

impl<T: SimdFloat, C: Cell<T>> WithSimd for BatchPart<ForwardPass<'_, T, C>> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let _section = profile::section(Part::Copying);
        let Self(pass, part) = self;
        let SequenceShape { batch, time, inputs, units } = pass.shape;
        let width = units.next_multiple_of(T::PAD);
        let starts = [first_block(C::INPUT) * width, first_block(C::RECURRENT) * width];
        // SAFETY: only this thread accesses the rows of `part`, at every step, and its references do not overlap: a
        // step reads h and c in its own rows and writes them to the rows of the next step. Products are as wide as
        // the blocks that they are written to.
        unsafe {
            for n in part.clone() {
                pass.layer.hidden.rows(n..n + 1).copy_padded_to(pass.hidden.row(n));
                if let Some(cell_state) = pass.layer.cell_state {
                    cell_state.rows(n..n + 1).copy_padded_to(pass.cell_state.row(n));
                }
            }
            for t in 0..time {
                let rows = t * batch + part.start..t * batch + part.end;
                let sums = |column| pass.sums.ptr(rows.start, column);
                let gather = pass.projected.map_or(Part::Copying, |_| Part::GatherScatter);
                let gather = profile::section(gather);
                for (n, row) in part.clone().zip(rows.clone()) {
                    let sums = pass.sums.row(row);
                    let (input_sums, other_sums) = sums.split_at_mut(C::INPUT.len() * width);
                    match (pass.input, pass.projected) {
                        (Input::Vectors(x), _) => {
                            let at = n * time + t;
                            x.rows(at..at + 1).copy_padded_to(pass.inputs.row(row));
                        }
                        (_, projected) => {
                            let (rows, ids) = projected.expect("ids are projected beforehand");
                            input_sums.copy_from_slice(rows.row(ids.index_of_row[row] as usize));
                        }
                    }
                    // Blocks that only the recurrent weights add to start at zero.
                    other_sums.fill(T::default());
                }
                gather.end();
                if pass.projected.is_none() {
                    let x = pass.inputs.view(rows.clone(), 0..inputs);
                    pass.kernel.multiply(simd, x, sums(starts[0]), false);
                }
                if let Some(resets) = pass.resets {
                    for row in rows.clone() {
                        let cell_state = if C::HAS_CELL_STATE { pass.cell_state.row(row) } else { &mut [] };
                        resets.reset(row, pass.hidden.row(row), cell_state);
                    }
                }
                let h = pass.hidden.view(rows.clone(), 0..units);
                pass.recurrent.multiply(simd, h, sums(starts[1]), true);
                let cells = profile::section(Part::ElementWise);
                for (n, row) in part.clone().zip(rows) {
                    let cell_state = |row| if C::HAS_CELL_STATE { pass.cell_state.row(row) } else { &mut [] };
                    let step = ForwardStep {
                        sums: pass.sums.row(row),
                        bias: pass.bias,
                        hidden: pass.hidden.row(row),
                        cell_state: cell_state(row),
                        new_hidden: pass.hidden.row(row + batch),
                        new_cell_state: cell_state(row + batch),
                    };
                    pass.cell.forward(simd, step);
                    if pass.all_steps || t + 1 == time {
                        let slot = if pass.all_steps { t } else { 0 };
                        let output = pass.output.offset(n * pass.slots + slot, 0);
                        output.write(&pass.hidden.row(row + batch)[..units]);
                    }
                }
                cells.end();
            }
            if C::HAS_CELL_STATE {
                for n in part {
                    let output = pass.output.offset((n + 1) * pass.slots - 1, 0);
                    output.write(&pass.cell_state.row(time * batch + n)[..units]);
                }
            }
        }
    }
}
