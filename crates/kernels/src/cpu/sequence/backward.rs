//! The way back: from the gradient of what a layer handed on to those of all that went in.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::arranged::{arranged, first};
use super::distinct::{gather, multiply_rows};
use super::weights::weights;
use super::{Backward, Cell, Input, Layer, Part, Tape, check, fill, slots};
use crate::cpu::number::Number;
use crate::cpu::processor::Processor;
use crate::cpu::product::Packed;
use crate::cpu::shape::{Rows, Shape, Shared};
use crate::cpu::view::View;

/// The gradients of all that went into [`forward`](super::forward).
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
    /// Of c, empty if there is none.
    pub memory: Vec<T>,
}

/// The way back: from the gradient of what [`forward`](super::forward) gave. It uses the tape up.
///
/// # Panics
/// If the tape is that of another cell, or sizes are not those of the way there.
pub fn backward<T: Number, C: Cell<T>>(
    processor: Processor,
    cell: C,
    tape: Tape<T>,
    input: Input<T>,
    layer: Layer<T>,
    gradient: &[T],
) -> Gradients<T> {
    let Shape { batch, time, units, .. } = tape.shape;
    check::<T, C>(tape.shape, input, layer);
    let sums = C::BLOCKS * units.next_multiple_of(T::PAD);
    let states = if C::MEMORY { (time + 1) * batch } else { 0 };
    let of_ids = matches!(input, Input::Ids(..));
    let found = (tape.sums.width, tape.memory.count(), tape.ids.is_some());
    assert_eq!(found, (sums, states, of_ids), "the tape must be that of the same cell and input");
    let slots = slots(&tape.shape, tape.every, C::MEMORY);
    assert_eq!(gradient.len(), batch * slots * units, "there must be a gradient for every output");
    processor.run(Return { cell, tape, input, layer, gradient })
}

struct Return<'a, T: Number, C> {
    cell: C,
    tape: Tape<T>,
    input: Input<'a, T>,
    layer: Layer<'a, T>,
    gradient: &'a [T],
}

impl<T: Number, C: Cell<T>> WithSimd for Return<'_, T, C> {
    type Output = Gradients<T>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Gradients<T> {
        let Self { cell, mut tape, input, layer, gradient } = self;
        let shape = tape.shape;
        let Shape { batch, time, inputs, units } = shape;
        let kernel = arranged(layer.kernel, units, C::INPUT);
        let recurrent = arranged(layer.recurrent, units, C::RECURRENT);
        let kernel = Packed::shared(simd, kernel.as_view().transposed());
        let recurrent = Packed::shared(simd, recurrent.as_view().transposed());
        let mut dx = Rows::new(tape.inputs.count(), inputs);
        let mut dh = Rows::new(batch, units);
        let mut dc = Rows::new(if C::MEMORY { batch } else { 0 }, units);
        let back = Back {
            cell,
            shape,
            kernel: &kernel,
            recurrent: &recurrent,
            gradient: View::dense(gradient, units),
            slots: slots(&shape, tape.every, C::MEMORY),
            every: tape.every,
            sums: tape.sums.shared(),
            hidden: tape.hidden.shared(),
            memory: tape.memory.shared(),
            dx: tape.ids.is_none().then(|| dx.shared()),
            dh: dh.shared(),
            dc: dc.shared(),
        };
        shape.parts().into_par_iter().for_each(|part| {
            simd.vectorize(Part(back, part));
        });
        let unit_width = units.next_multiple_of(T::PAD);
        let gathered = tape.ids.as_ref().map(|ids| {
            let gathered = gather(simd, &tape.sums, ids, C::INPUT.len() * unit_width);
            multiply_rows(simd, gathered.all(gathered.width), &kernel, &mut dx);
            gathered
        });
        let (kernel, recurrent, bias) = weights::<T, C, S>(simd, &tape, gathered.as_ref());
        let out = |rows: &Rows<T>, at: &dyn Fn(usize) -> usize, count: usize, width: usize| {
            let mut out = Vec::with_capacity(count * width);
            (0..count).for_each(|row| out.extend_from_slice(&rows.row(at(row))[..width]));
            out
        };
        let input = match input {
            Input::Vectors(_) => {
                out(&dx, &|row| row % time * batch + row / time, batch * time, inputs)
            }
            Input::Ids(table, _) => {
                let mut sums = vec![T::default(); table.rows * inputs];
                let which = tape.ids.iter().flat_map(|ids| &ids.which);
                for (row, &id) in which.enumerate() {
                    sums[id as usize * inputs..][..inputs].copy_from_slice(&dx.row(row)[..inputs]);
                }
                sums
            }
        };
        let same = |row| row;
        let hidden = out(&dh, &same, batch, units);
        let memory = if C::MEMORY { out(&dc, &same, batch, units) } else { Vec::new() };
        Gradients { input, kernel, recurrent, bias, hidden, memory }
    }
}

struct Back<'a, T: Number, C> {
    cell: C,
    shape: Shape,
    kernel: &'a Packed<T>,
    recurrent: &'a Packed<T>,
    gradient: View<'a, T>,
    slots: usize,
    every: bool,
    sums: Shared<'a, T>,
    hidden: Shared<'a, T>,
    memory: Shared<'a, T>,
    dx: Option<Shared<'a, T>>,
    dh: Shared<'a, T>,
    dc: Shared<'a, T>,
}

impl<T: Number, C: Copy> Clone for Back<'_, T, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Number, C: Copy> Copy for Back<'_, T, C> {}

impl<T: Number, C: Cell<T>> WithSimd for Part<Back<'_, T, C>> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self(pass, part) = self;
        let Shape { batch, time, units, .. } = pass.shape;
        let width = units.next_multiple_of(T::PAD);
        let blocks = |of: &[usize]| first(of) * width..(first(of) + of.len()) * width;
        // SAFETY: as on the way there; what is read and what is written are different matrices.
        unsafe {
            for n in part.clone() {
                pass.dh.row(n).fill(T::default());
                if C::MEMORY {
                    let last = (n + 1) * pass.slots - 1;
                    fill(pass.dc.row(n), pass.gradient.rows(last..last + 1));
                }
            }
            for t in (0..time).rev() {
                let rows = t * batch + part.start..t * batch + part.end;
                for (n, row) in part.clone().zip(rows.clone()) {
                    let dh = pass.dh.row(n);
                    if pass.every || t + 1 == time {
                        let slot = n * pass.slots + if pass.every { t } else { 0 };
                        pass.gradient.rows(slot..slot + 1).add_to(dh);
                    }
                    let memory = |row| if C::MEMORY { pass.memory.row(row) } else { &mut [] };
                    let step = Backward {
                        sums: pass.sums.row(row),
                        hidden: pass.hidden.row(row),
                        memory: memory(row),
                        new_hidden: pass.hidden.row(row + batch),
                        new_memory: memory(row + batch),
                        dh,
                        dc: if C::MEMORY { pass.dc.row(n) } else { &mut [] },
                    };
                    pass.cell.backward(simd, step);
                }
                let sums = |columns| pass.sums.view(rows.clone(), columns);
                let dh = pass.dh.target(part.start, 0);
                pass.recurrent.multiply(simd, sums(blocks(C::RECURRENT)), dh, true);
                if let Some(dx) = pass.dx {
                    let dx = dx.target(rows.start, 0);
                    pass.kernel.multiply(simd, sums(blocks(C::INPUT)), dx, false);
                }
            }
        }
    }
}
