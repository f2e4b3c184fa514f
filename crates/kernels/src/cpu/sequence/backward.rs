//! The backward pass: from the gradient of a layer's output to those of all its inputs.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::block_order::{first_block, reorder_blocks};
use super::cell::{BackwardStep, Cell};
use super::layer::{BatchPart, ForwardCache, Input, Layer, SequenceShape, check};
use super::resets::{Resets, SharedResets};
use super::unique_ids::{multiply_rows, sum_by_id};
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
        let kernel = reorder_blocks(layer.kernel, units, C::INPUT);
        let recurrent = reorder_blocks(layer.recurrent, units, C::RECURRENT);
        let kernel = PackedMatrix::new_parallel(simd, kernel.as_view().transposed());
        let recurrent = PackedMatrix::new_parallel(simd, recurrent.as_view().transposed());
        let mut dx = PaddedRows::new(cache.inputs.count(), inputs);
        let mut dh = PaddedRows::new(batch, units);
        let mut dc = PaddedRows::new(if C::HAS_CELL_STATE { batch } else { 0 }, units);
        let pass = BackwardPass {
            cell,
            shape,
            kernel: &kernel,
            recurrent: &recurrent,
            gradient: MatrixView::dense(gradient, units),
            slots: shape.slots(cache.all_steps, C::HAS_CELL_STATE),
            all_steps: cache.all_steps,
            sums: cache.sums.shared(),
            hidden: cache.hidden.shared(),
            cell_state: cache.cell_state.shared(),
            resets: cache.resets.as_mut().map(Resets::shared),
            dx: cache.ids.is_none().then(|| dx.shared()),
            dh: dh.shared(),
            dc: dc.shared(),
        };
        let waiting = profile::section(Part::Waiting);
        shape.parts().into_par_iter().for_each(|part| {
            simd.vectorize(BatchPart(pass, part));
        });
        waiting.end();
        let unit_width = units.next_multiple_of(T::PAD);
        let by_id = cache.ids.as_ref().map(|ids| {
            let by_id = sum_by_id(simd, &cache.sums, ids, C::INPUT.len() * unit_width);
            multiply_rows(simd, by_id.all(by_id.width), &kernel, &mut dx);
            by_id
        });
        let (kernel, recurrent, bias) = weight_gradients::<T, C, S>(simd, &cache, by_id.as_ref());
        let out = |rows: &PaddedRows<T>, at: &dyn Fn(usize) -> usize, count: usize, width: usize| {
            let mut out = Vec::with_capacity(count * width);
            (0..count).for_each(|row| out.extend_from_slice(&rows.row(at(row))[..width]));
            out
        };
        let input = match input {
            Input::Vectors(_) => out(&dx, &|row| row % time * batch + row / time, batch * time, inputs),
            Input::Ids(table, _) => {
                let _section = profile::section(Part::GatherScatter);
                let mut sums = vec![T::default(); table.rows * inputs];
                let ids = cache.ids.iter().flat_map(|ids| &ids.ids);
                for (row, &id) in ids.enumerate() {
                    sums[id as usize * inputs..][..inputs].copy_from_slice(&dx.row(row)[..inputs]);
                }
                sums
            }
        };
        let same = |row| row;
        let hidden = out(&dh, &same, batch, units);
        let cell_state = if C::HAS_CELL_STATE { out(&dc, &same, batch, units) } else { Vec::new() };
        Gradients { input, kernel, recurrent, bias, hidden, cell_state }
    }
}

struct BackwardPass<'a, T: SimdFloat, C> {
    cell: C,
    shape: SequenceShape,
    kernel: &'a PackedMatrix<T>,
    recurrent: &'a PackedMatrix<T>,
    gradient: MatrixView<'a, T>,
    slots: usize,
    all_steps: bool,
    sums: SharedRows<'a, T>,
    hidden: SharedRows<'a, T>,
    cell_state: SharedRows<'a, T>,
    resets: Option<SharedResets<'a, T>>,
    dx: Option<SharedRows<'a, T>>,
    dh: SharedRows<'a, T>,
    dc: SharedRows<'a, T>,
}

impl<T: SimdFloat, C: Copy> Clone for BackwardPass<'_, T, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: SimdFloat, C: Copy> Copy for BackwardPass<'_, T, C> {}

impl<T: SimdFloat, C: Cell<T>> WithSimd for BatchPart<BackwardPass<'_, T, C>> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let _section = profile::section(Part::Copying);
        let Self(pass, part) = self;
        let SequenceShape { batch, time, units, .. } = pass.shape;
        let width = units.next_multiple_of(T::PAD);
        let blocks = |of: &[usize]| first_block(of) * width..(first_block(of) + of.len()) * width;
        // SAFETY: as in the forward pass; matrices that are read are not written.
        unsafe {
            for n in part.clone() {
                pass.dh.row(n).fill(T::default());
                if C::HAS_CELL_STATE {
                    let last = (n + 1) * pass.slots - 1;
                    pass.gradient.rows(last..last + 1).copy_padded_to(pass.dc.row(n));
                }
            }
            for t in (0..time).rev() {
                let rows = t * batch + part.start..t * batch + part.end;
                let cells = profile::section(Part::ElementWise);
                for (n, row) in part.clone().zip(rows.clone()) {
                    let dh = pass.dh.row(n);
                    if pass.all_steps || t + 1 == time {
                        let slot = n * pass.slots + if pass.all_steps { t } else { 0 };
                        pass.gradient.rows(slot..slot + 1).add_to(dh);
                    }
                    let cell_state = |row| if C::HAS_CELL_STATE { pass.cell_state.row(row) } else { &mut [] };
                    let after = row + batch;
                    let before_reset = pass.resets.and_then(|resets| resets.values_before(after, C::HAS_CELL_STATE));
                    let [new_hidden, new_cell_state] =
                        before_reset.unwrap_or_else(|| [pass.hidden.row(after), cell_state(after)]);
                    let step = BackwardStep {
                        sums: pass.sums.row(row),
                        hidden: pass.hidden.row(row),
                        cell_state: cell_state(row),
                        new_hidden,
                        new_cell_state,
                        dh,
                        dc: if C::HAS_CELL_STATE { pass.dc.row(n) } else { &mut [] },
                    };
                    pass.cell.backward(simd, step);
                }
                cells.end();
                let sums = |columns| pass.sums.view(rows.clone(), columns);
                let dh = pass.dh.ptr(part.start, 0);
                pass.recurrent.multiply(simd, sums(blocks(C::RECURRENT)), dh, true);
                if let Some(resets) = pass.resets {
                    for (n, _) in part.clone().zip(rows.clone()).filter(|&(_, row)| resets.contains(row)) {
                        pass.dh.row(n).fill(T::default());
                        if C::HAS_CELL_STATE {
                            pass.dc.row(n).fill(T::default());
                        }
                    }
                }
                if let Some(dx) = pass.dx {
                    let dx = dx.ptr(rows.start, 0);
                    pass.kernel.multiply(simd, sums(blocks(C::INPUT)), dx, false);
                }
            }
        }
    }
}
