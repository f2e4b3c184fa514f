//! Packed matrix products of all sizes around the borders of panels, tiles and blocks of rows. The values are small
//! integers, so that the results must be exact, also with values rounded to bf16.

use std::ops::RangeInclusive;

use pulp::{Simd, WithSimd};

use super::super::bf16::Operands;
use super::super::matmul::PackedMatrix;
use super::super::row_blocks::RowBlocks;
use super::super::simd_float::SimdFloat;
use super::super::simd_level::SimdLevel;
use super::super::view::{MatrixPtr, MatrixView};
use super::{Layout, Matrix, values};

/// More than two of the highest tiles, so that there are tiles of each height.
const ROWS: usize = 17;
const COLUMNS: usize = 50;
/// The value of memory that must not be written.
const CANARY: f64 = 77.0;

/// Integers from −3 to 3.
fn integers(seed: u64, count: usize) -> Vec<f64> {
    values(seed, count).into_iter().map(|value| (value * 3.5).trunc()).collect()
}

/// The bias of each column is its index.
fn biases<T: SimdFloat>(columns: usize) -> Vec<T> {
    (0..columns).map(|column| T::from_f64(column as f64)).collect()
}

/// What to compute.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Operation {
    /// C = A B, only the columns of B.
    Into,
    /// C += A B, only the columns of B.
    AddInto,
    /// C = A B, all columns including padding.
    Write,
    /// C += A B.
    Add,
    /// C = A B + b, all columns including padding.
    Biased,
}

const ALL_OPERATIONS: [Operation; 5] =
    [Operation::Into, Operation::AddInto, Operation::Write, Operation::Add, Operation::Biased];

impl Operation {
    /// Whether only the columns of B are written.
    fn is_into(self) -> bool {
        matches!(self, Self::Into | Self::AddInto)
    }
}

struct Multiply<'a, T> {
    operation: Operation,
    operands: Operands,
    a: MatrixView<'a, T>,
    b: MatrixView<'a, T>,
    c: &'a mut [T],
    /// The offset and the row stride of C.
    layout: [usize; 2],
    parallel: bool,
}

impl<T: SimdFloat> WithSimd for Multiply<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { operation, operands, a, b, c, layout: [start, stride], parallel } = self;
        let packed =
            if parallel { PackedMatrix::new_parallel(simd, operands, b) } else { PackedMatrix::new(simd, operands, b) };
        let written = if operation.is_into() { b.columns } else { packed.columns() };
        assert!(written <= stride && start + (a.rows - 1) * stride + written <= c.len());
        // SAFETY: C has room for all rows (see above), and there is no other reference to it.
        unsafe {
            let c = MatrixPtr::new(c.as_mut_ptr().wrapping_add(start), stride);
            match operation {
                Operation::Into | Operation::AddInto => {
                    let a = if parallel { RowBlocks::new_parallel(simd, a) } else { RowBlocks::new(a) };
                    packed.multiply_into(simd, &a, c, b.columns, operation == Operation::AddInto);
                }
                Operation::Write => packed.multiply(simd, a, c, false),
                Operation::Add => packed.multiply(simd, a, c, true),
                Operation::Biased => packed.multiply_biased(simd, a, c, &biases(written)),
            }
        }
    }
}

/// All products of up to `all_rows` rows with each of these numbers of columns, for one k, against one reference
/// product of the largest size.
fn check<T: SimdFloat>(
    level: SimdLevel,
    operands: Operands,
    k: usize,
    all_rows: usize,
    columns: RangeInclusive<usize>,
) {
    let all_columns = *columns.end();
    let (a, b) = (integers(1, all_rows * k), integers(2, k * all_columns));
    let expected = |row: usize, column: usize| -> f64 {
        (0..k).map(|k_at| a[row * k + k_at] * b[k_at * all_columns + column]).sum()
    };
    let expected: Vec<f64> =
        (0..all_rows * all_columns).map(|at| expected(at / all_columns, at % all_columns)).collect();
    let matrices =
        [(Layout::Dense, Layout::Dense), (Layout::Transposed, Layout::Slice), (Layout::Slice, Layout::Transposed)]
            .map(|(of_a, of_b)| (Matrix::<T>::new(&a, k, of_a), Matrix::<T>::new(&b, all_columns, of_b)));
    for rows in 1..=all_rows {
        for columns in columns.clone() {
            let (a, b) = &matrices[(rows + columns) % 3];
            let (a, b) = (a.view().rows(0..rows), b.view().columns(0..columns));
            for operation in ALL_OPERATIONS {
                let filled = columns.next_multiple_of(T::PAD);
                let stride = if operation.is_into() { columns + 2 } else { filled + 2 };
                let start = stride + 1;
                let mut c = vec![T::from_f64(CANARY); (rows + 2) * stride];
                let layout = [start, stride];
                let parallel = rows == 1;
                level.run(Multiply { operation, operands, a, b, c: &mut c, layout, parallel });
                for (at, &value) in c.iter().enumerate() {
                    let position = at.checked_sub(start).map(|at| (at / stride, at % stride));
                    let added = |column: usize| match operation {
                        Operation::Into | Operation::Write => 0.0,
                        Operation::Add | Operation::AddInto => CANARY,
                        Operation::Biased => column as f64,
                    };
                    let should_be = match position {
                        Some((row, at)) if row < rows && at < columns => expected[row * all_columns + at] + added(at),
                        Some((row, at)) if row < rows && at < filled && !operation.is_into() => added(at),
                        _ => CANARY,
                    };
                    assert!(
                        value.to_f64() == should_be,
                        "{operation:?} {rows} × {k} × {columns} by {level:?}, {operands:?}: {value:?} at {position:?}, \
                         expected {should_be}"
                    );
                }
            }
        }
    }
}

#[test]
fn products_of_all_sizes_are_exact() {
    for level in SimdLevel::available() {
        for k in [1, 127, 128, 129, 300] {
            check::<f32>(level, Operands::Unrounded, k, ROWS, 1..=COLUMNS);
            check::<f64>(level, Operands::Unrounded, k, ROWS, 1..=COLUMNS);
            // One row, and more than four of the widest panels.
            check::<f32>(level, Operands::Unrounded, k, 1, 190..=250);
            check::<f64>(level, Operands::Unrounded, k, 1, 190..=250);
        }
    }
}

#[test]
fn products_in_bf16_of_all_sizes_are_exact() {
    let (level, operands) = (SimdLevel::selected(), Operands::Bf16);
    for k in [1, 2, 255, 256, 259] {
        check::<f32>(level, operands, k, ROWS, 1..=COLUMNS);
        check::<f32>(level, operands, k, 1, 140..=150);
    }
    // More rows than are converted at a time.
    check::<f32>(SimdLevel::Scalar, operands, 3, 70, 47..=49);
}

struct Sums<'a, T>(Operands, MatrixView<'a, T>, Vec<T>);

impl<T: SimdFloat> WithSimd for Sums<'_, T> {
    type Output = Vec<T>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<T> {
        let Self(operands, b, mut totals) = self;
        let packed = PackedMatrix::new(simd, operands, b);
        totals.resize(packed.columns(), T::default());
        packed.column_sums(simd, b, &mut totals);
        totals
    }
}

fn check_sums<T: SimdFloat>(level: SimdLevel, operands: Operands) {
    for rows in [1, 2, 17] {
        for columns in 1..=COLUMNS {
            let b = integers(3, rows * columns);
            let layout = if columns % 2 == 0 { Layout::Dense } else { Layout::Transposed };
            let matrix = Matrix::<T>::new(&b, columns, layout);
            let found = level.run(Sums(operands, matrix.view(), vec![T::ONE; columns]));
            for (column, value) in found.into_iter().enumerate() {
                let sum = |column| b.iter().skip(column).step_by(columns).sum::<f64>() + 1.0;
                let expected = if column < columns { sum(column) } else { 0.0 };
                assert_eq!(value.to_f64(), expected, "column {column} of {columns}");
            }
        }
    }
}

#[test]
fn column_sums_are_exact() {
    for level in SimdLevel::available() {
        check_sums::<f32>(level, Operands::Unrounded);
        check_sums::<f32>(level, Operands::Bf16);
        check_sums::<f64>(level, Operands::Unrounded);
    }
}

#[test]
#[should_panic = "a view must be inside its slice"]
fn a_view_beyond_its_slice_is_rejected() {
    MatrixView::new(&[0f32; 11], [3, 4], [4, 1]);
}

#[test]
#[should_panic = "a view must be inside its slice"]
fn a_view_whose_size_overflows_is_rejected() {
    MatrixView::new(&[0f32; 1], [1 << 33, 1 << 33], [1 << 33, 1]);
}

#[test]
fn an_empty_view_needs_no_memory() {
    let view = MatrixView::new(&[0f32; 0], [0, 4], [4, 1]);
    assert_eq!((view.rows, view.columns), (0, 4));
    assert_eq!(MatrixView::<f32>::dense(&[], 4).transposed().columns, 0);
}
