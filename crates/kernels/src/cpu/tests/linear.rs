//! A linear layer against plain loops, and its independence of the number of threads.

use super::super::bf16::Operands;
use super::super::linear::{Gradients, Inputs, backward, forward};
use super::super::simd_float::SimdFloat;
use super::super::simd_level::SimdLevel;
use super::{Layout, Matrix, assert_near, cast, tolerance, values};

/// N, D, P.
const SIZES: [[usize; 3]; 6] = [[1, 3, 17], [3, 17, 1], [17, 1, 129], [33, 129, 33], [129, 33, 3], [300, 140, 260]];

fn run<T: SimdFloat>(level: SimdLevel, sizes: [usize; 3], layout: Layout) -> (Vec<T>, Gradients<T>) {
    run_rounded(level, Operands::Unrounded, sizes, layout)
}

/// The same with the factors of products rounded like this.
fn run_rounded<T: SimdFloat>(
    level: SimdLevel,
    operands: Operands,
    [n, d, p]: [usize; 3],
    layout: Layout,
) -> (Vec<T>, Gradients<T>) {
    let input = Matrix::<T>::new(&values(1, n * d), d, layout);
    let kernel = Matrix::<T>::new(&values(2, d * p), p, layout);
    let gradient = Matrix::<T>::new(&values(4, n * p), p, layout);
    let bias = cast(&values(3, p));
    let inputs = Inputs { input: input.view(), kernel: kernel.view(), bias: &bias, operands };
    (forward(level, inputs), backward(level, inputs, gradient.view()))
}

fn check<T: SimdFloat>(level: SimdLevel, sizes @ [n, d, p]: [usize; 3], layout: Layout) {
    let (x, w, b, dy) = (values(1, n * d), values(2, d * p), values(3, p), values(4, n * p));
    let sum = |count: usize, term: &dyn Fn(usize) -> f64| (0..count).map(term).sum::<f64>();
    let matrix = |rows: usize, columns: usize, value: &dyn Fn(usize, usize) -> f64| -> Vec<f64> {
        (0..rows * columns).map(|at| value(at / columns, at % columns)).collect()
    };
    let y = matrix(n, p, &|row, column| b[column] + sum(d, &|k| x[row * d + k] * w[k * p + column]));
    let dx = matrix(n, d, &|row, k| sum(p, &|column| dy[row * p + column] * w[k * p + column]));
    let dw = matrix(d, p, &|k, column| sum(n, &|row| x[row * d + k] * dy[row * p + column]));
    let db = matrix(1, p, &|_, column| sum(n, &|row| dy[row * p + column]));
    let (output, of) = run::<T>(level, sizes, layout);
    let context = |name| format!("{name} of {sizes:?} by {level:?}, {layout:?}");
    let found = [("output", output, y), ("input", of.input, dx), ("kernel", of.kernel, dw), ("bias", of.bias, db)];
    for (name, found, expected) in found {
        assert_near(&context(name), &found, &expected, tolerance::<T>());
    }
}

#[test]
fn a_linear_layer_equals_plain_loops() {
    for sizes in SIZES {
        for level in SimdLevel::available() {
            for layout in [Layout::Dense, Layout::Transposed, Layout::Slice] {
                check::<f32>(level, sizes, layout);
                check::<f64>(level, sizes, layout);
            }
        }
    }
}

#[test]
fn a_linear_layer_does_not_depend_on_threads() {
    for operands in [Operands::Unrounded, Operands::Bf16] {
        let bits = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            let work = || run_rounded::<f32>(SimdLevel::selected(), operands, [300, 140, 260], Layout::Dense);
            let (output, of) = pool.install(work);
            [output, of.input, of.kernel, of.bias].concat().into_iter().map(f32::to_bits).collect::<Vec<u32>>()
        };
        let expected = bits(1);
        assert!(bits(2) == expected && bits(3) == expected, "{operands:?}");
    }
}

#[test]
#[should_panic = "W must have one row per input"]
fn sizes_that_do_not_match_are_rejected() {
    let (input, kernel) = (Matrix::<f32>::new(&values(1, 6), 3, Layout::Dense), values(2, 8));
    let kernel = Matrix::<f32>::new(&kernel, 4, Layout::Dense);
    let (input, kernel) = (input.view(), kernel.view());
    forward(SimdLevel::selected(), Inputs { input, kernel, bias: &[0.0; 4], operands: Operands::Unrounded });
}
