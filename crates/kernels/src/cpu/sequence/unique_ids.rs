//! The unique ids of a batch: what depends on the id alone is computed once per id.

use pulp::Simd;
use rayon::prelude::*;

use crate::cpu::matmul::PackedMatrix;
use crate::cpu::rows::PaddedRows;
use crate::cpu::simd_float::SimdFloat;
use crate::cpu::view::MatrixView;
use crate::profile::{self, Part};

/// The unique ids of a batch and their positions.
#[derive(Debug)]
pub(super) struct UniqueIds {
    /// The ids, in order of first occurrence.
    pub ids: Vec<u32>,
    /// For row `t · N + n`, the index of its id in `ids`.
    pub index_of_row: Vec<u32>,
    /// The rows of each id, id after id.
    rows: Vec<u32>,
    /// The start of each id's rows in `rows`, and the end.
    starts: Vec<u32>,
}

impl UniqueIds {
    /// From ids `[N, T]`.
    pub fn new(ids: &[u32], [batch, time]: [usize; 2]) -> Self {
        const NONE: u32 = u32::MAX;
        let _section = profile::section(Part::GatherScatter);
        let largest = ids.iter().max().map_or(0, |&id| id as usize);
        let mut index_of_id = vec![NONE; largest + 1];
        let (mut unique, mut counts, mut index_of_row) = (Vec::new(), Vec::new(), Vec::new());
        for row in 0..batch * time {
            let id = ids[row % batch * time + row / batch];
            let at = &mut index_of_id[id as usize];
            if *at == NONE {
                *at = unique.len() as u32;
                unique.push(id);
                counts.push(0);
            }
            counts[*at as usize] += 1;
            index_of_row.push(*at);
        }
        let mut starts = vec![0];
        starts.extend(counts.iter().scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        }));
        let mut next = starts.clone();
        let mut rows = vec![0; index_of_row.len()];
        for (row, &at) in index_of_row.iter().enumerate() {
            rows[next[at as usize] as usize] = row as u32;
            next[at as usize] += 1;
        }
        Self { ids: unique, index_of_row, rows, starts }
    }

    /// The rows of the id at `index`, ascending.
    pub fn rows_of(&self, index: usize) -> &[u32] {
        &self.rows[self.starts[index] as usize..self.starts[index + 1] as usize]
    }
}

/// Copies the vectors of the unique ids into `inputs`, and returns their products with W.
pub(super) fn project<T: SimdFloat, S: Simd>(
    simd: S,
    table: MatrixView<T>,
    ids: &UniqueIds,
    inputs: &mut PaddedRows<T>,
    kernel: &PackedMatrix<T>,
) -> PaddedRows<T> {
    let _section = profile::section(Part::GatherScatter);
    let mut projected = PaddedRows::new(ids.ids.len(), kernel.columns());
    for (row, &id) in ids.ids.iter().enumerate() {
        table.rows(id as usize..id as usize + 1).copy_padded_to(inputs.row_mut(row));
    }
    let x = inputs.all(table.columns);
    kernel.multiply_parallel(simd, x, &mut projected);
    projected
}

/// For each unique id, the sum of the first `width` columns over its rows.
pub(super) fn sum_by_id<T: SimdFloat, S: Simd>(
    _: S,
    sums: &PaddedRows<T>,
    ids: &UniqueIds,
    width: usize,
) -> PaddedRows<T> {
    let mut by_id = PaddedRows::new(ids.ids.len(), width);
    let shared = by_id.shared();
    let _section = profile::section(Part::Waiting);
    (0..ids.ids.len()).into_par_iter().with_min_len(16).for_each(|index| {
        let _section = profile::section(Part::GatherScatter);
        // SAFETY: each row belongs to one task.
        let total = unsafe { shared.row(index) };
        let (first, others) = ids.rows_of(index).split_first().expect("every id has a row");
        total.copy_from_slice(&sums.row(*first as usize)[..width]);
        for &row in others {
            let row = &sums.row(row as usize)[..width];
            total.iter_mut().zip(row).for_each(|(total, &value)| *total += value);
        }
    });
    by_id
}
