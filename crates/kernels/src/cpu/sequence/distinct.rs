//! The ids of a batch, each once: what is computed of an id is computed once, wherever it stands.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::fill;
use crate::cpu::number::Number;
use crate::cpu::product::Packed;
use crate::cpu::shape::Rows;
use crate::cpu::view::{Target, View};

/// The ids of a batch, each once, and where they stand.
#[derive(Debug)]
pub(super) struct Distinct {
    /// The ids, by first appearance.
    pub which: Vec<u32>,
    /// For row `t · N + n` the place of its id in `which`.
    pub place: Vec<u32>,
    /// For each of `which` its rows, one after another.
    rows: Vec<u32>,
    /// Where those of each begin; and the end.
    starts: Vec<u32>,
}

impl Distinct {
    /// Of ids `[N, T]`.
    pub fn new(ids: &[u32], [batch, time]: [usize; 2]) -> Self {
        const NONE: u32 = u32::MAX;
        let largest = ids.iter().max().map_or(0, |&id| id as usize);
        let mut seen = vec![NONE; largest + 1];
        let (mut which, mut counts, mut place) = (Vec::new(), Vec::new(), Vec::new());
        for row in 0..batch * time {
            let id = ids[row % batch * time + row / batch];
            let at = &mut seen[id as usize];
            if *at == NONE {
                *at = which.len() as u32;
                which.push(id);
                counts.push(0);
            }
            counts[*at as usize] += 1;
            place.push(*at);
        }
        let mut starts = vec![0];
        starts.extend(counts.iter().scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        }));
        let mut next = starts.clone();
        let mut rows = vec![0; place.len()];
        for (row, &at) in place.iter().enumerate() {
            rows[next[at as usize] as usize] = row as u32;
            next[at as usize] += 1;
        }
        Self { which, place, rows, starts }
    }

    /// The rows in which the id at `place` stands, in order.
    pub fn rows_of(&self, place: usize) -> &[u32] {
        &self.rows[self.starts[place] as usize..self.starts[place + 1] as usize]
    }
}

/// The vectors of the distinct ids into `inputs`, and their products with W.
pub(super) fn project<T: Number, S: Simd>(
    simd: S,
    table: View<T>,
    ids: &Distinct,
    inputs: &mut Rows<T>,
    kernel: &Packed<T>,
) -> Rows<T> {
    let mut projected = Rows::new(ids.which.len(), kernel.columns());
    for (row, &id) in ids.which.iter().enumerate() {
        fill(inputs.row_mut(row), table.rows(id as usize..id as usize + 1));
    }
    let x = inputs.all(table.columns);
    multiply_rows(simd, x, kernel, &mut projected);
    projected
}

/// For each of the distinct ids, the sum of the first `width` columns over its rows.
pub(super) fn gather<T: Number, S: Simd>(
    _: S,
    sums: &Rows<T>,
    ids: &Distinct,
    width: usize,
) -> Rows<T> {
    let mut gathered = Rows::new(ids.which.len(), width);
    let shared = gathered.shared();
    (0..ids.which.len()).into_par_iter().with_min_len(16).for_each(|place| {
        // SAFETY: each row is one task's alone.
        let total = unsafe { shared.row(place) };
        let (first, others) = ids.rows_of(place).split_first().expect("every id stands somewhere");
        total.copy_from_slice(&sums.row(*first as usize)[..width]);
        for &row in others {
            let row = &sums.row(row as usize)[..width];
            total.iter_mut().zip(row).for_each(|(total, &number)| *total += number);
        }
    });
    gathered
}

/// The product of all rows of `a` with `b` into the rows of `to`, shared out over the threads.
pub(super) fn multiply_rows<T: Number, S: Simd>(
    simd: S,
    a: View<T>,
    b: &Packed<T>,
    to: &mut Rows<T>,
) {
    /// Rows that one thread takes at a time.
    const ROWS: usize = 32;
    struct Product<'a, T: Number>(View<'a, T>, &'a Packed<T>, Target<T>);
    impl<T: Number> WithSimd for Product<'_, T> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            // SAFETY: these rows are this task's alone, as wide as the product.
            unsafe { self.1.multiply(simd, self.0, self.2, false) }
        }
    }
    assert!(a.rows <= to.count() && b.columns() == to.width, "the product must have its place");
    let shared = to.shared();
    (0..a.rows.div_ceil(ROWS)).into_par_iter().for_each(|at| {
        let rows = at * ROWS..((at + 1) * ROWS).min(a.rows);
        // SAFETY: each task has rows of its own.
        let to = unsafe { shared.target(rows.start, 0) };
        simd.vectorize(Product(a.rows(rows), b, to));
    });
}
