//! The gradients of W, U and the biases, from those of the sums.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::cell::Cell;
use super::layer::{ForwardCache, SequenceShape};
use crate::cpu::bf16::Operands;
use crate::cpu::matmul::PackedMatrix;
use crate::cpu::row_blocks::RowBlocks;
use crate::cpu::rows::PaddedRows;
use crate::cpu::scratch::Scratch;
use crate::cpu::simd_float::SimdFloat;
use crate::cpu::view::{MatrixPtr, MatrixView};
use crate::profile::{self, Part};

/// The gradients of W, U and the biases, from those of the sums: for each group of columns one product over all rows
/// and steps, on all threads. If the input is ids, `by_id` holds the gradients of the sums added up by id.
pub(super) fn weight_gradients<T: SimdFloat, C: Cell<T>, S: Simd>(
    simd: S,
    operands: Operands,
    cache: &ForwardCache<T>,
    by_id: Option<&PaddedRows<T>>,
) -> (Vec<T>, Vec<T>, Vec<T>) {
    /// Columns that a thread processes at a time: two panels.
    const COLUMNS: usize = 96;
    let SequenceShape { batch, time, inputs, units } = cache.shape;
    let width = units.next_multiple_of(T::PAD);
    let rows = batch * time;
    let empty = |rows: usize, blocks: usize| Vec::<T>::with_capacity(rows * blocks * units);
    let mut kernel = empty(inputs, C::INPUT.len());
    let mut recurrent = empty(units, C::RECURRENT.len());
    let mut bias = empty(1, C::BLOCKS);
    // SAFETY: each task writes its own columns, and nothing reads them before all are written.
    let (dw, du, db) = unsafe {
        (
            MatrixPtr::new(kernel.as_mut_ptr(), C::INPUT.len() * units),
            MatrixPtr::new(recurrent.as_mut_ptr(), C::RECURRENT.len() * units),
            MatrixPtr::new(bias.as_mut_ptr(), 0),
        )
    };
    let tasks: Vec<(usize, Range<usize>)> = (0..C::BLOCKS)
        .flat_map(|block| (0..units).step_by(COLUMNS).map(move |from| (block, from)))
        .map(|(block, from)| (block, from..(from + COLUMNS).min(units)))
        .collect();
    let x = RowBlocks::new_parallel(simd, cache.inputs.all(inputs).transposed());
    let h = RowBlocks::new_parallel(simd, cache.hidden.view(0..rows, 0..units).transposed());
    let waiting = profile::section(Part::Waiting);
    tasks.into_par_iter().for_each(|(block, columns)| {
        let position = |blocks: &[usize]| blocks.iter().position(|&at| at == block);
        let to = |gradient: MatrixPtr<T>, at: usize| gradient.offset(0, at * units + columns.start);
        let start = block * width;
        let sum_columns = start + columns.start..start + columns.end;
        let sums = cache.sums.view(0..rows, sum_columns.clone());
        // Called only if W has this block; for m of a GRU it has none.
        let input_sums = || match by_id {
            Some(by_id) => by_id.all(by_id.width).columns(sum_columns.clone()),
            None => sums,
        };
        simd.vectorize(Columns {
            operands,
            sums,
            bias: to(db, block),
            recurrent: position(C::RECURRENT).map(|at| (&h, to(du, at))),
            input: position(C::INPUT).map(|at| (&x, input_sums(), to(dw, at))),
        });
    });
    waiting.end();
    // SAFETY: together the tasks have written all columns: every block has biases, and every block of W and U is one
    // of these blocks.
    unsafe {
        kernel.set_len(inputs * C::INPUT.len() * units);
        recurrent.set_len(units * C::RECURRENT.len() * units);
        bias.set_len(C::BLOCKS * units);
    }
    (kernel, recurrent, bias)
}

/// Some columns of the gradients of b, U and W.
struct Columns<'a, T: SimdFloat> {
    operands: Operands,
    sums: MatrixView<'a, T>,
    bias: MatrixPtr<T>,
    /// hᵀ, and the output of its product with the sums.
    recurrent: Option<(&'a RowBlocks<T>, MatrixPtr<T>)>,
    /// xᵀ, its second factor, and the output of their product.
    input: Option<(&'a RowBlocks<T>, MatrixView<'a, T>, MatrixPtr<T>)>,
}

impl<T: SimdFloat> WithSimd for Columns<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let _section = profile::section(Part::Copying);
        let Self { operands, sums, bias, recurrent, input } = self;
        let packed = PackedMatrix::new(simd, operands, sums);
        let mut totals = Scratch::zeros(packed.columns());
        packed.column_sums(simd, sums, &mut totals);
        // SAFETY: these columns belong to this task and are inside the outputs.
        unsafe {
            bias.write(&totals[..sums.columns]);
            if let Some((h, du)) = recurrent {
                packed.multiply_into(simd, h, du, sums.columns, false);
            }
            match input {
                Some((x, input_sums, dw)) if input_sums.is(&sums) => {
                    packed.multiply_into(simd, x, dw, sums.columns, false);
                }
                Some((x, input_sums, dw)) => {
                    PackedMatrix::new(simd, operands, input_sums).multiply_into(simd, x, dw, sums.columns, false);
                }
                None => {}
            }
        }
    }
}
