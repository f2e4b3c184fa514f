//! The way there: all steps of all sequences.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::arranged::{arranged, first};
use super::distinct::{Distinct, project};
use super::{Cell, Forward, Input, Layer, Part, Tape, check, fill, slots};
use crate::cpu::number::Number;
use crate::cpu::processor::Processor;
use crate::cpu::product::Packed;
use crate::cpu::scratch::Scratch;
use crate::cpu::shape::{Rows, Shape, Shared};
use crate::cpu::view::Target;

/// Runs `layer` over whole sequences; `every` asks for all hidden states, else only the last. Gives them as
/// [`slots`] says.
///
/// # Panics
/// If sizes do not fit together, any of them is zero, or an id names no row of the table.
pub fn forward<T: Number, C: Cell<T>>(
    processor: Processor,
    cell: C,
    shape: Shape,
    input: Input<T>,
    layer: Layer<T>,
    every: bool,
) -> (Vec<T>, Tape<T>) {
    check::<T, C>(shape, input, layer);
    processor.run(Prepare { cell, shape, input, layer, every })
}

struct Prepare<'a, T, C> {
    cell: C,
    shape: Shape,
    input: Input<'a, T>,
    layer: Layer<'a, T>,
    every: bool,
}

impl<T: Number, C: Cell<T>> WithSimd for Prepare<'_, T, C> {
    type Output = (Vec<T>, Tape<T>);

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
        let Self { cell, shape, input, layer, every } = self;
        let Shape { batch, time, inputs, units } = shape;
        let rows = batch * time;
        let kernel = arranged(layer.kernel, units, C::INPUT);
        let recurrent = arranged(layer.recurrent, units, C::RECURRENT);
        let kernel = Packed::shared(simd, kernel.as_view());
        let recurrent = Packed::shared(simd, recurrent.as_view());
        let width = units.next_multiple_of(T::PAD);
        let mut bias = Scratch::zeros(C::BLOCKS * width);
        for (from, to) in layer.bias.chunks(units).zip(bias.chunks_mut(width)) {
            to[..units].copy_from_slice(from);
        }
        let memory_rows = if C::MEMORY { rows + batch } else { 0 };
        let ids = match input {
            Input::Vectors(_) => None,
            Input::Ids(_, ids) => Some(Distinct::new(ids, [batch, time])),
        };
        let input_rows = ids.as_ref().map_or(rows, |ids| ids.which.len());
        let mut tape = Tape {
            shape,
            inputs: Rows::new(input_rows, inputs),
            ids,
            sums: Rows::new(rows, C::BLOCKS * width),
            hidden: Rows::new(rows + batch, units),
            memory: Rows::new(memory_rows, units),
            every,
        };
        // Words come again and again: each is projected once, wherever it stands.
        let projected = tape
            .ids
            .as_ref()
            .zip(input.table())
            .map(|(ids, table)| project(simd, table, ids, &mut tape.inputs, &kernel));
        let slots = slots(&shape, every, C::MEMORY);
        let mut output: Vec<T> = Vec::with_capacity(batch * slots * units);
        let forth = Forth {
            cell,
            shape,
            input,
            layer,
            kernel: &kernel,
            recurrent: &recurrent,
            bias: &bias,
            projected: projected.as_ref().zip(tape.ids.as_ref()),
            inputs: tape.inputs.shared(),
            sums: tape.sums.shared(),
            hidden: tape.hidden.shared(),
            memory: tape.memory.shared(),
            // SAFETY: each thread writes the sequences of its rows, and nobody reads them before all have.
            output: unsafe { Target::new(output.as_mut_ptr(), units) },
            slots,
            every,
        };
        shape.parts().into_par_iter().for_each(|part| {
            simd.vectorize(Part(forth, part));
        });
        // SAFETY: the parts together have written all sequences, in each of them all slots: there is at
        // least one step.
        unsafe { output.set_len(batch * slots * units) };
        (output, tape)
    }
}

struct Forth<'a, T: Number, C> {
    cell: C,
    shape: Shape,
    input: Input<'a, T>,
    layer: Layer<'a, T>,
    kernel: &'a Packed<T>,
    recurrent: &'a Packed<T>,
    bias: &'a [T],
    projected: Option<(&'a Rows<T>, &'a Distinct)>,
    inputs: Shared<'a, T>,
    sums: Shared<'a, T>,
    hidden: Shared<'a, T>,
    memory: Shared<'a, T>,
    output: Target<T>,
    slots: usize,
    every: bool,
}

impl<T: Number, C: Copy> Clone for Forth<'_, T, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Number, C: Copy> Copy for Forth<'_, T, C> {}

impl<T: Number, C: Cell<T>> WithSimd for Part<Forth<'_, T, C>> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self(pass, part) = self;
        let Shape { batch, time, inputs, units } = pass.shape;
        let width = units.next_multiple_of(T::PAD);
        let starts = [first(C::INPUT) * width, first(C::RECURRENT) * width];
        // SAFETY: this thread alone reads and writes the rows of `part`, at every step, and never two parts
        // of them at once that are the same: a step reads h and c in its own rows and writes those in the
        // rows of the next. Products are as wide as the blocks that they are written to.
        unsafe {
            for n in part.clone() {
                fill(pass.hidden.row(n), pass.layer.hidden.rows(n..n + 1));
                if let Some(memory) = pass.layer.memory {
                    fill(pass.memory.row(n), memory.rows(n..n + 1));
                }
            }
            for t in 0..time {
                let rows = t * batch + part.start..t * batch + part.end;
                let sums = |column| pass.sums.target(rows.start, column);
                for (n, row) in part.clone().zip(rows.clone()) {
                    let sums = pass.sums.row(row);
                    let (of_input, others) = sums.split_at_mut(C::INPUT.len() * width);
                    match (pass.input, pass.projected) {
                        (Input::Vectors(x), _) => {
                            let at = n * time + t;
                            fill(pass.inputs.row(row), x.rows(at..at + 1));
                        }
                        (_, projected) => {
                            let (rows, ids) = projected.expect("ids are projected beforehand");
                            of_input.copy_from_slice(rows.row(ids.place[row] as usize));
                        }
                    }
                    // Blocks that only the recurrent weights add to begin at zero.
                    others.fill(T::default());
                }
                if pass.projected.is_none() {
                    let x = pass.inputs.view(rows.clone(), 0..inputs);
                    pass.kernel.multiply(simd, x, sums(starts[0]), false);
                }
                let h = pass.hidden.view(rows.clone(), 0..units);
                pass.recurrent.multiply(simd, h, sums(starts[1]), true);
                for (n, row) in part.clone().zip(rows) {
                    let memory = |row| if C::MEMORY { pass.memory.row(row) } else { &mut [] };
                    let step = Forward {
                        sums: pass.sums.row(row),
                        bias: pass.bias,
                        hidden: pass.hidden.row(row),
                        memory: memory(row),
                        new_hidden: pass.hidden.row(row + batch),
                        new_memory: memory(row + batch),
                    };
                    pass.cell.forward(simd, step);
                    if pass.every || t + 1 == time {
                        let slot = if pass.every { t } else { 0 };
                        let output = pass.output.from(n * pass.slots + slot, 0);
                        output.write(&pass.hidden.row(row + batch)[..units]);
                    }
                }
            }
            if C::MEMORY {
                for n in part {
                    let output = pass.output.from((n + 1) * pass.slots - 1, 0);
                    output.write(&pass.memory.row(time * batch + n)[..units]);
                }
            }
        }
    }
}
