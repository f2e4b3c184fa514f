//! The gradients of the weights, from those of the sums.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::{Cell, Tape};
use crate::cpu::number::Number;
use crate::cpu::product::Packed;
use crate::cpu::scratch::Scratch;
use crate::cpu::shape::{Rows, Shape};
use crate::cpu::view::{Target, View};

/// The gradients of W, U and the biases from those of the sums: one product over all rows and steps for
/// every few columns, shared out over the threads. Of ids, `gathered` holds the sums' gradients by id.
pub(super) fn weights<T: Number, C: Cell<T>, S: Simd>(
    simd: S,
    tape: &Tape<T>,
    gathered: Option<&Rows<T>>,
) -> (Vec<T>, Vec<T>, Vec<T>) {
    /// Columns that one thread takes at a time: two panels.
    const COLUMNS: usize = 96;
    let Shape { batch, time, inputs, units } = tape.shape;
    let width = units.next_multiple_of(T::PAD);
    let rows = batch * time;
    let empty = |rows: usize, blocks: usize| Vec::<T>::with_capacity(rows * blocks * units);
    let mut kernel = empty(inputs, C::INPUT.len());
    let mut recurrent = empty(units, C::RECURRENT.len());
    let mut bias = empty(1, C::BLOCKS);
    // SAFETY: each task writes to columns of its own, and nobody reads them before all have.
    let (dw, du, db) = unsafe {
        (
            Target::new(kernel.as_mut_ptr(), C::INPUT.len() * units),
            Target::new(recurrent.as_mut_ptr(), C::RECURRENT.len() * units),
            Target::new(bias.as_mut_ptr(), 0),
        )
    };
    let tasks: Vec<(usize, Range<usize>)> = (0..C::BLOCKS)
        .flat_map(|block| (0..units).step_by(COLUMNS).map(move |from| (block, from)))
        .map(|(block, from)| (block, from..(from + COLUMNS).min(units)))
        .collect();
    let x = tape.inputs.all(inputs).transposed();
    let h = tape.hidden.view(0..rows, 0..units).transposed();
    tasks.into_par_iter().for_each(|(block, columns)| {
        let of = |blocks: &[usize]| blocks.iter().position(|&at| at == block);
        let to = |target: Target<T>, at: usize| target.from(0, at * units + columns.start);
        let start = block * width;
        let columns_of = start + columns.start..start + columns.end;
        let sums = tape.sums.view(0..rows, columns_of.clone());
        // Not of every block: W has none for m of a GRU.
        let by_input = || match gathered {
            Some(gathered) => gathered.all(gathered.width).columns(columns_of.clone()),
            None => sums,
        };
        simd.vectorize(Columns {
            sums,
            bias: to(db, block),
            recurrent: of(C::RECURRENT).map(|at| (h, to(du, at))),
            input: of(C::INPUT).map(|at| (x, by_input(), to(dw, at))),
        });
    });
    // SAFETY: the tasks together have written all columns: every block has biases, and every block of W and
    // U is one of them.
    unsafe {
        kernel.set_len(inputs * C::INPUT.len() * units);
        recurrent.set_len(units * C::RECURRENT.len() * units);
        bias.set_len(C::BLOCKS * units);
    }
    (kernel, recurrent, bias)
}

/// Some columns of the gradients of b, U and W.
struct Columns<'a, T> {
    sums: View<'a, T>,
    bias: Target<T>,
    /// hᵀ, and where the product with the sums goes.
    recurrent: Option<(View<'a, T>, Target<T>)>,
    /// xᵀ, what it is multiplied with, and where that goes.
    input: Option<(View<'a, T>, View<'a, T>, Target<T>)>,
}

impl<T: Number> WithSimd for Columns<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { sums, bias, recurrent, input } = self;
        let packed = Packed::new(simd, sums);
        let mut totals = Scratch::zeros(packed.columns());
        packed.column_sums(simd, &mut totals);
        // SAFETY: these columns are this task's alone, and the targets have them.
        unsafe {
            bias.write(&totals[..sums.columns]);
            if let Some((h, target)) = recurrent {
                packed.multiply_into(simd, h, target, sums.columns);
            }
            match input {
                Some((x, by_input, target)) if by_input.is(&sums) => {
                    packed.multiply_into(simd, x, target, sums.columns);
                }
                Some((x, by_input, target)) => {
                    Packed::new(simd, by_input).multiply_into(simd, x, target, sums.columns);
                }
                None => {}
            }
        }
    }
}
