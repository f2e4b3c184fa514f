//! How fast the kernels are on this machine, with its widest vectors and all threads.
//! `cargo bench -p kernels`
//!
//! What it does not know: Burn. Numbers go in and out as slices, as the training step's operations lend them.
#![allow(unsafe_code)]

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use gemm::Parallelism;
use kernels::cpu::elman::{Activation, Elman};
use kernels::cpu::gru::Gru;
use kernels::cpu::lstm::Lstm;
use kernels::cpu::number::Number;
use kernels::cpu::optimizer::{self, Adam, Rmsprop};
use kernels::cpu::processor::Processor;
use kernels::cpu::product::Packed;
use kernels::cpu::sequence::{self, Cell, Input, Layer};
use kernels::cpu::shape::Shape;
use kernels::cpu::softmax_loss::{self, Inputs};
use kernels::cpu::view::{Target, View};
use pulp::{Simd, WithSimd};

fn main() {
    divan::main();
}

/// Numbers between −0.1 and 0.1.
fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|at| (at * 7919 % 2001) as f32 / 1e4 - 0.1).collect()
}

/// What one thread gets of a step: 16 rows, from 256 units to four gates.
const PRODUCT: [usize; 3] = [16, 256, 1024];

/// Additions and multiplications: items a second are FLOP/s.
fn flops([rows, inner, columns]: [usize; 3]) -> ItemsCount {
    ItemsCount::new(2 * rows * inner * columns)
}

struct Pack<'a>(View<'a, f32>);

impl WithSimd for Pack<'_> {
    type Output = Packed<f32>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Packed<f32> {
        Packed::new(simd, self.0)
    }
}

struct Multiply<'a>(&'a Packed<f32>, View<'a, f32>, &'a mut [f32]);

impl WithSimd for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self(packed, a, c) = self;
        assert_eq!(c.len(), PRODUCT[0] * packed.columns());
        // SAFETY: C has as many rows as A, as wide as the product, and is lent to be written to.
        unsafe {
            let c = Target::new(c.as_mut_ptr(), packed.columns());
            packed.multiply(simd, a, c, false);
        }
    }
}

#[divan::bench]
fn product_packed(bencher: Bencher) {
    let [rows, inner, columns] = PRODUCT;
    let (a, b) = (numbers(rows * inner), numbers(inner * columns));
    let mut c = numbers(rows * columns);
    let packed = Processor::best().run(Pack(View::dense(&b, columns)));
    bencher.counter(flops(PRODUCT)).bench_local(|| {
        Processor::best().run(Multiply(&packed, View::dense(&a, inner), black_box(&mut c)));
    });
}

#[divan::bench]
fn product_with_packing(bencher: Bencher) {
    let [rows, inner, columns] = PRODUCT;
    let (a, b) = (numbers(rows * inner), numbers(inner * columns));
    let mut c = numbers(rows * columns);
    bencher.counter(flops(PRODUCT)).bench_local(|| {
        let packed = Processor::best().run(Pack(View::dense(&b, columns)));
        Processor::best().run(Multiply(&packed, View::dense(&a, inner), black_box(&mut c)));
    });
}

#[divan::bench]
fn product_gemm(bencher: Bencher) {
    let [rows, inner, columns] = PRODUCT;
    let (a, b) = (numbers(rows * inner), numbers(inner * columns));
    let mut c = numbers(rows * columns);
    let row = |width: usize| width as isize;
    bencher.counter(flops(PRODUCT)).bench_local(|| {
        let (c, a, b) = (black_box(&mut c).as_mut_ptr(), a.as_ptr(), b.as_ptr());
        // SAFETY: the matrices have these sizes, row after row, and C is lent to be written to.
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

/// The sizes of the first real model: 32 rows of 20 steps, from 100 numbers to 256 units.
const SHAPE: Shape = Shape { batch: 32, time: 20, inputs: 100, units: 256 };

/// The numbers of a layer.
struct Numbers {
    input: Vec<f32>,
    kernel: Vec<f32>,
    recurrent: Vec<f32>,
    bias: Vec<f32>,
    state: Vec<f32>,
}

impl Numbers {
    fn new<C: Cell<f32>>() -> Self {
        let Shape { batch, time, inputs, units } = SHAPE;
        Self {
            input: numbers(batch * time * inputs),
            kernel: numbers(inputs * C::INPUT.len() * units),
            recurrent: numbers(units * C::RECURRENT.len() * units),
            bias: numbers(C::BLOCKS * units),
            state: numbers(batch * units),
        }
    }

    fn layer<C: Cell<f32>>(&self) -> (Input<'_, f32>, Layer<'_, f32>) {
        let Shape { inputs, units, .. } = SHAPE;
        let state = View::dense(&self.state, units);
        let layer = Layer {
            kernel: View::dense(&self.kernel, C::INPUT.len() * units),
            recurrent: View::dense(&self.recurrent, C::RECURRENT.len() * units),
            bias: &self.bias,
            hidden: state,
            memory: C::MEMORY.then_some(state),
        };
        (Input::Vectors(View::dense(&self.input, inputs)), layer)
    }
}

/// Those of all products on one way; the way back has twice as many.
fn cell_flops<C: Cell<f32>>() -> usize {
    let Shape { batch, time, inputs, units } = SHAPE;
    2 * batch * time * units * (inputs * C::INPUT.len() + units * C::RECURRENT.len())
}

fn forward<C: Cell<f32>>(bencher: Bencher, cell: C) {
    let numbers = Numbers::new::<C>();
    let (input, layer) = numbers.layer::<C>();
    bencher
        .counter(ItemsCount::new(cell_flops::<C>()))
        .bench_local(|| sequence::forward(Processor::best(), cell, SHAPE, input, layer, true));
}

fn backward<C: Cell<f32>>(bencher: Bencher, cell: C) {
    let numbers = Numbers::new::<C>();
    let (input, layer) = numbers.layer::<C>();
    let there = || sequence::forward(Processor::best(), cell, SHAPE, input, layer, true);
    bencher.counter(ItemsCount::new(2 * cell_flops::<C>())).with_inputs(there).bench_local_values(
        |(output, tape)| sequence::backward(Processor::best(), cell, tape, input, layer, &output),
    );
}

#[divan::bench]
fn elman_forward(bencher: Bencher) {
    forward(bencher, Elman(Activation::Tanh));
}

#[divan::bench]
fn elman_backward(bencher: Bencher) {
    backward(bencher, Elman(Activation::Tanh));
}

#[divan::bench]
fn gru_forward(bencher: Bencher) {
    forward(bencher, Gru);
}

#[divan::bench]
fn gru_backward(bencher: Bencher) {
    backward(bencher, Gru);
}

#[divan::bench]
fn lstm_forward(bencher: Bencher) {
    forward(bencher, Lstm);
}

#[divan::bench]
fn lstm_backward(bencher: Bencher) {
    backward(bencher, Lstm);
}

/// N, H, V of the same model.
const LOSS: [usize; 3] = [32, 256, 4169];

/// x, W, b and the targets.
type Loss = (Vec<f32>, Vec<f32>, Vec<f32>, Vec<u32>);

fn loss() -> Loss {
    let [rows, units, vocabulary] = LOSS;
    let targets = (0..rows).map(|row| (row * 7919 % vocabulary) as u32).collect();
    (numbers(rows * units), numbers(units * vocabulary), numbers(vocabulary), targets)
}

fn inputs((input, kernel, bias, targets): &Loss) -> Inputs<'_, f32> {
    let [_, units, vocabulary] = LOSS;
    let (input, kernel) = (View::dense(input, units), View::dense(kernel, vocabulary));
    Inputs { input, kernel, bias, targets }
}

#[divan::bench]
fn softmax_loss_forward(bencher: Bencher) {
    let numbers = loss();
    bencher
        .counter(flops(LOSS))
        .bench_local(|| softmax_loss::forward(Processor::best(), inputs(&numbers)));
}

#[divan::bench]
fn softmax_loss_backward(bencher: Bencher) {
    let numbers = loss();
    let [rows, units, vocabulary] = LOSS;
    let there = || softmax_loss::forward(Processor::best(), inputs(&numbers)).1;
    bencher.counter(flops([2 * rows, units, vocabulary])).with_inputs(there).bench_local_values(
        |tape| softmax_loss::backward(Processor::best(), inputs(&numbers), tape, &[0.1; LOSS[0]]),
    );
}

/// The weights of the same model.
const WEIGHTS: usize = 1_850_000;

/// Gradients and squares that are not zero, as in training.
fn memory() -> [Vec<f32>; 4] {
    let positive = numbers(WEIGHTS).into_iter().map(|number| number * number + f32::ONE).collect();
    [numbers(WEIGHTS), numbers(WEIGHTS), numbers(WEIGHTS), positive]
}

#[divan::bench]
fn rmsprop(bencher: Bencher) {
    let config = Rmsprop { rate: 1e-6, rho: 0.9, epsilon: 1e-7 };
    let [mut weights, gradient, _, mut square] = memory();
    bencher.counter(ItemsCount::new(WEIGHTS)).bench_local(|| {
        optimizer::rmsprop(Processor::best(), config, &mut weights, &gradient, &mut square);
    });
}

#[divan::bench]
fn adam(bencher: Bencher) {
    let config = Adam { rate: 1e-6, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8 };
    let [mut weights, gradient, mut mean, mut square] = memory();
    bencher.counter(ItemsCount::new(WEIGHTS)).bench_local(|| {
        let memory = (&mut mean, &mut square);
        optimizer::adam(Processor::best(), config, &mut weights, &gradient, memory.0, memory.1);
    });
}
