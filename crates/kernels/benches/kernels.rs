//! The speed of the kernels on this machine, at its widest SIMD level and on all threads.
//! `cargo bench -p pastiche-kernels`
//!
//! Without Burn: the kernels take slices.
#![allow(unsafe_code)]

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use gemm::Parallelism;
use kernels::cpu::bf16::Operands;
use kernels::cpu::elman::{Activation, Elman};
use kernels::cpu::gru::Gru;
use kernels::cpu::lstm::Lstm;
use kernels::cpu::matmul::PackedMatrix;
use kernels::cpu::optimizer::{self, AdamParams, RmspropParams};
use kernels::cpu::sequence::{self, Cell, Input, Layer, SequenceShape};
use kernels::cpu::simd_float::SimdFloat;
use kernels::cpu::simd_level::SimdLevel;
use kernels::cpu::softmax_loss::{self, Inputs};
use kernels::cpu::view::{MatrixPtr, MatrixView};
use pulp::{Simd, WithSimd};

fn main() {
    divan::main();
}

/// Values between −0.1 and 0.1.
fn values(count: usize) -> Vec<f32> {
    (0..count).map(|at| (at * 7919 % 2001) as f32 / 1e4 - 0.1).collect()
}

/// One thread's part of a step: 16 rows, from 256 units to four gates.
const MATMUL: [usize; 3] = [16, 256, 1024];

/// Additions and multiplications: items per second are FLOP/s.
fn flops([rows, inner, columns]: [usize; 3]) -> ItemsCount {
    ItemsCount::new(2 * rows * inner * columns)
}

struct Pack<'a>(MatrixView<'a, f32>);

impl WithSimd for Pack<'_> {
    type Output = PackedMatrix<f32>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> PackedMatrix<f32> {
        PackedMatrix::new(simd, Operands::Unrounded, self.0)
    }
}

struct Multiply<'a>(&'a PackedMatrix<f32>, MatrixView<'a, f32>, &'a mut [f32]);

impl WithSimd for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self(packed, a, c) = self;
        assert_eq!(c.len(), MATMUL[0] * packed.columns());
        // SAFETY: C has as many rows as A, as wide as the product, and is borrowed mutably.
        unsafe {
            let c = MatrixPtr::new(c.as_mut_ptr(), packed.columns());
            packed.multiply(simd, a, c, false);
        }
    }
}

#[divan::bench]
fn matmul_packed(bencher: Bencher) {
    let [rows, inner, columns] = MATMUL;
    let (a, b) = (values(rows * inner), values(inner * columns));
    let mut c = values(rows * columns);
    let packed = SimdLevel::selected().run(Pack(MatrixView::dense(&b, columns)));
    bencher.counter(flops(MATMUL)).bench_local(|| {
        SimdLevel::selected().run(Multiply(&packed, MatrixView::dense(&a, inner), black_box(&mut c)));
    });
}

#[divan::bench]
fn matmul_with_packing(bencher: Bencher) {
    let [rows, inner, columns] = MATMUL;
    let (a, b) = (values(rows * inner), values(inner * columns));
    let mut c = values(rows * columns);
    bencher.counter(flops(MATMUL)).bench_local(|| {
        let packed = SimdLevel::selected().run(Pack(MatrixView::dense(&b, columns)));
        SimdLevel::selected().run(Multiply(&packed, MatrixView::dense(&a, inner), black_box(&mut c)));
    });
}

#[divan::bench]
fn matmul_gemm(bencher: Bencher) {
    let [rows, inner, columns] = MATMUL;
    let (a, b) = (values(rows * inner), values(inner * columns));
    let mut c = values(rows * columns);
    let row = |width: usize| width as isize;
    bencher.counter(flops(MATMUL)).bench_local(|| {
        let (c, a, b) = (black_box(&mut c).as_mut_ptr(), a.as_ptr(), b.as_ptr());
        // SAFETY: the matrices have these sizes and are row-major, and C is borrowed mutably.
        unsafe {
            gemm::gemm(
                rows,
                columns,
                inner,
                c,
                1,
                row(columns),
                false,
                a,
                1,
                row(inner),
                b,
                1,
                row(columns),
                0.0,
                1.0,
                false,
                false,
                false,
                Parallelism::None,
            );
        }
    });
}

/// The sizes of the Keras baseline: N = 32, T = 20, D = 100, H = 256.
const SHAPE: SequenceShape = SequenceShape { batch: 32, time: 20, inputs: 100, units: 256 };

/// Whether the state is reset within the sequences.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Resets {
    Never,
    /// Once in 20 steps.
    Some,
}

const RESETS: [Resets; 2] = [Resets::Never, Resets::Some];

/// The values of a layer.
struct LayerValues {
    input: Vec<f32>,
    kernel: Vec<f32>,
    recurrent: Vec<f32>,
    bias: Vec<f32>,
    state: Vec<f32>,
    keep_state: Option<Vec<f32>>,
}

impl LayerValues {
    fn new<C: Cell<f32>>(resets: Resets) -> Self {
        let SequenceShape { batch, time, inputs, units } = SHAPE;
        Self {
            input: values(batch * time * inputs),
            kernel: values(inputs * C::INPUT.len() * units),
            recurrent: values(units * C::RECURRENT.len() * units),
            bias: values(C::BLOCKS * units),
            state: values(batch * units),
            keep_state: (resets == Resets::Some)
                .then(|| (0..batch * time).map(|at| f32::from(u8::from(at % 21 != 3))).collect()),
        }
    }

    fn layer<C: Cell<f32>>(&self) -> (Input<'_, f32>, Layer<'_, f32>) {
        let SequenceShape { inputs, units, .. } = SHAPE;
        let state = MatrixView::dense(&self.state, units);
        let layer = Layer {
            kernel: MatrixView::dense(&self.kernel, C::INPUT.len() * units),
            recurrent: MatrixView::dense(&self.recurrent, C::RECURRENT.len() * units),
            bias: &self.bias,
            hidden: state,
            cell_state: C::HAS_CELL_STATE.then_some(state),
            keep_state: self.keep_state.as_deref(),
            operands: Operands::Unrounded,
        };
        (Input::Vectors(MatrixView::dense(&self.input, inputs)), layer)
    }
}

/// The operations of all products in the forward pass; the backward pass has twice as many.
fn cell_flops<C: Cell<f32>>() -> usize {
    let SequenceShape { batch, time, inputs, units } = SHAPE;
    2 * batch * time * units * (inputs * C::INPUT.len() + units * C::RECURRENT.len())
}

fn forward<C: Cell<f32>>(bencher: Bencher, cell: C, resets: Resets) {
    let values = LayerValues::new::<C>(resets);
    let (input, layer) = values.layer::<C>();
    bencher
        .counter(ItemsCount::new(cell_flops::<C>()))
        .bench_local(|| sequence::forward(SimdLevel::selected(), cell, SHAPE, input, layer, true));
}

fn backward<C: Cell<f32>>(bencher: Bencher, cell: C, resets: Resets) {
    let values = LayerValues::new::<C>(resets);
    let (input, layer) = values.layer::<C>();
    let forward = || sequence::forward(SimdLevel::selected(), cell, SHAPE, input, layer, true);
    bencher.counter(ItemsCount::new(2 * cell_flops::<C>())).with_inputs(forward).bench_local_values(
        |(output, cache)| sequence::backward(SimdLevel::selected(), cell, cache, input, layer, &output),
    );
}

#[divan::bench(args = RESETS)]
fn elman_forward(bencher: Bencher, resets: Resets) {
    forward(bencher, Elman(Activation::Tanh), resets);
}

#[divan::bench(args = RESETS)]
fn elman_backward(bencher: Bencher, resets: Resets) {
    backward(bencher, Elman(Activation::Tanh), resets);
}

#[divan::bench(args = RESETS)]
fn gru_forward(bencher: Bencher, resets: Resets) {
    forward(bencher, Gru, resets);
}

#[divan::bench(args = RESETS)]
fn gru_backward(bencher: Bencher, resets: Resets) {
    backward(bencher, Gru, resets);
}

#[divan::bench(args = RESETS)]
fn lstm_forward(bencher: Bencher, resets: Resets) {
    forward(bencher, Lstm, resets);
}

#[divan::bench(args = RESETS)]
fn lstm_backward(bencher: Bencher, resets: Resets) {
    backward(bencher, Lstm, resets);
}

/// N, H, V of the same model.
const LOSS: [usize; 3] = [32, 256, 4169];

/// x, W, b and the targets.
type Loss = (Vec<f32>, Vec<f32>, Vec<f32>, Vec<u32>);

fn loss() -> Loss {
    let [rows, units, vocabulary] = LOSS;
    let targets = (0..rows).map(|row| (row * 7919 % vocabulary) as u32).collect();
    (values(rows * units), values(units * vocabulary), values(vocabulary), targets)
}

fn inputs((input, kernel, bias, targets): &Loss) -> Inputs<'_, f32> {
    let [_, units, vocabulary] = LOSS;
    let (input, kernel) = (MatrixView::dense(input, units), MatrixView::dense(kernel, vocabulary));
    Inputs { input, kernel, bias, targets, operands: Operands::Unrounded }
}

#[divan::bench]
fn softmax_loss_forward(bencher: Bencher) {
    let values = loss();
    bencher
        .counter(flops(LOSS))
        .bench_local(|| softmax_loss::forward(SimdLevel::selected(), inputs(&values), softmax_loss::KEPT));
}

#[divan::bench]
fn softmax_loss_backward(bencher: Bencher) {
    let values = loss();
    let [rows, units, vocabulary] = LOSS;
    let forward = || softmax_loss::forward(SimdLevel::selected(), inputs(&values), softmax_loss::KEPT).1;
    bencher.counter(flops([2 * rows, units, vocabulary])).with_inputs(forward).bench_local_values(|cache| {
        softmax_loss::backward(SimdLevel::selected(), inputs(&values), cache, &[0.1; LOSS[0]])
    });
}

/// The number of weights of the same model.
const WEIGHTS: usize = 1_850_000;

/// Weights, gradients, means and squares that are not zero, as in training.
fn optimizer_values() -> [Vec<f32>; 4] {
    let positive = values(WEIGHTS).into_iter().map(|value| value * value + f32::ONE).collect();
    [values(WEIGHTS), values(WEIGHTS), values(WEIGHTS), positive]
}

#[divan::bench]
fn rmsprop(bencher: Bencher) {
    let params = RmspropParams { learning_rate: 1e-6, rho: 0.9, epsilon: 1e-7 };
    let [mut weights, gradient, _, mut square] = optimizer_values();
    bencher.counter(ItemsCount::new(WEIGHTS)).bench_local(|| {
        optimizer::rmsprop(SimdLevel::selected(), params, &mut weights, &gradient, &mut square);
    });
}

#[divan::bench]
fn adam(bencher: Bencher) {
    let params = AdamParams { learning_rate: 1e-6, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8 };
    let [mut weights, gradient, mut mean, mut square] = optimizer_values();
    bencher.counter(ItemsCount::new(WEIGHTS)).bench_local(|| {
        optimizer::adam(SimdLevel::selected(), params, &mut weights, &gradient, &mut mean, &mut square);
    });
}
