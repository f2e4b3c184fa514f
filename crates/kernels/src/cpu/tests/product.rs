//! Packed products of every size around the borders of panels, tiles and blocks of rows. The numbers are
//! small integers: sums of their products are exact, and so must be what is found.

use pulp::{Simd, WithSimd};

use super::super::number::Number;
use super::super::processor::Processor;
use super::super::product::Packed;
use super::super::view::{Target, View};
use super::{Lie, Matrix, numbers};

const ROWS: usize = 9;
const COLUMNS: usize = 50;
/// What stands where nothing may be written.
const CANARY: f64 = 77.0;

/// Whole numbers from −3 to 3.
fn integers(seed: u64, count: usize) -> Vec<f64> {
    numbers(seed, count).into_iter().map(|number| (number * 3.5).trunc()).collect()
}

/// What is done with A, B and memory for C.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Verb {
    /// Write as many columns as B has.
    Into,
    /// Write all columns, those that fill up too.
    Write,
    /// Add to what is there.
    Add,
}

struct Multiply<'a, T> {
    verb: Verb,
    a: View<'a, T>,
    b: View<'a, T>,
    c: &'a mut [T],
    /// Where C begins, and the distance between its rows.
    lie: [usize; 2],
    shared: bool,
}

impl<T: Number> WithSimd for Multiply<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { verb, a, b, c, lie: [start, stride], shared } = self;
        let packed = if shared { Packed::shared(simd, b) } else { Packed::new(simd, b) };
        let written = if verb == Verb::Into { b.columns } else { packed.columns() };
        assert!(written <= stride && start + (a.rows - 1) * stride + written <= c.len());
        // SAFETY: C has room for all rows (see above), and nobody else holds it.
        unsafe {
            let c = Target::new(c.as_mut_ptr().wrapping_add(start), stride);
            match verb {
                Verb::Into => packed.multiply_into(simd, a, c, b.columns),
                Verb::Write => packed.multiply(simd, a, c, false),
                Verb::Add => packed.multiply(simd, a, c, true),
            }
        }
    }
}

/// All sizes for one k, against one naive product of the largest size.
fn check<T: Number>(processor: Processor, k: usize) {
    let (a, b) = (integers(1, ROWS * k), integers(2, k * COLUMNS));
    let expected = |row: usize, column: usize| -> f64 {
        (0..k).map(|k_at| a[row * k + k_at] * b[k_at * COLUMNS + column]).sum()
    };
    let expected: Vec<f64> =
        (0..ROWS * COLUMNS).map(|at| expected(at / COLUMNS, at % COLUMNS)).collect();
    let matrices =
        [(Lie::Dense, Lie::Dense), (Lie::Transposed, Lie::Slice), (Lie::Slice, Lie::Transposed)]
            .map(|(of_a, of_b)| {
                (Matrix::<T>::new(&a, k, of_a), Matrix::<T>::new(&b, COLUMNS, of_b))
            });
    for rows in 1..=ROWS {
        for columns in 1..=COLUMNS {
            let (a, b) = &matrices[(rows + columns) % 3];
            let (a, b) = (a.view().rows(0..rows), b.view().columns(0..columns));
            for verb in [Verb::Into, Verb::Write, Verb::Add] {
                let filled = columns.next_multiple_of(T::PAD);
                let stride = if verb == Verb::Into { columns + 2 } else { filled + 2 };
                let start = stride + 1;
                let mut c = vec![T::of(CANARY); (rows + 2) * stride];
                let lie = [start, stride];
                let shared = rows == 1;
                processor.run(Multiply { verb, a, b, c: &mut c, lie, shared });
                for (at, &number) in c.iter().enumerate() {
                    let place = at.checked_sub(start).map(|at| (at / stride, at % stride));
                    let before = if verb == Verb::Add { CANARY } else { 0.0 };
                    let should = match place {
                        Some((row, at)) if row < rows && at < columns => {
                            expected[row * COLUMNS + at] + before
                        }
                        Some((row, at)) if row < rows && at < filled && verb != Verb::Into => {
                            before
                        }
                        _ => CANARY,
                    };
                    assert!(
                        number.wide() == should,
                        "{verb:?} {rows} × {k} × {columns} by {processor:?}: {number:?} at {place:?}, \
                         expected {should}"
                    );
                }
            }
        }
    }
}

#[test]
fn products_of_all_sizes() {
    for processor in Processor::all() {
        for k in [1, 127, 128, 129, 300] {
            check::<f32>(processor, k);
            check::<f64>(processor, k);
        }
    }
}

struct Sums<'a, T>(View<'a, T>, Vec<T>);

impl<T: Number> WithSimd for Sums<'_, T> {
    type Output = Vec<T>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<T> {
        let Self(b, mut totals) = self;
        let packed = Packed::new(simd, b);
        totals.resize(packed.columns(), T::default());
        packed.column_sums(simd, &mut totals);
        totals
    }
}

fn check_sums<T: Number>(processor: Processor) {
    for rows in [1, 2, 17] {
        for columns in 1..=COLUMNS {
            let b = integers(3, rows * columns);
            let lie = if columns % 2 == 0 { Lie::Dense } else { Lie::Transposed };
            let matrix = Matrix::<T>::new(&b, columns, lie);
            let found = processor.run(Sums(matrix.view(), vec![T::ONE; columns]));
            for (column, number) in found.into_iter().enumerate() {
                let sum = |column| b.iter().skip(column).step_by(columns).sum::<f64>() + 1.0;
                let expected = if column < columns { sum(column) } else { 0.0 };
                assert_eq!(number.wide(), expected, "column {column} of {columns}");
            }
        }
    }
}

#[test]
fn columns_add_up() {
    for processor in Processor::all() {
        check_sums::<f32>(processor);
        check_sums::<f64>(processor);
    }
}

#[test]
#[should_panic = "a view must lie inside its slice"]
fn a_view_ends_inside_its_slice() {
    View::new(&[0f32; 11], [3, 4], [4, 1]);
}

#[test]
#[should_panic = "a view must lie inside its slice"]
fn a_view_too_large_to_count_does_not_lie_inside() {
    View::new(&[0f32; 1], [1 << 33, 1 << 33], [1 << 33, 1]);
}

#[test]
fn a_view_of_nothing_may_lie_anywhere() {
    let view = View::new(&[0f32; 0], [0, 4], [4, 1]);
    assert_eq!((view.rows, view.columns), (0, 4));
    assert_eq!(View::<f32>::dense(&[], 4).transposed().columns, 0);
}
