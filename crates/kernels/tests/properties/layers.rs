//! Recurrent layers over whole sequences.

use std::ops::Range;

use burn::tensor::{DType, Int, Tensor, TensorData, s};
use kernels::KernelMode::{self, Composed, Fused};
use kernels::{
    Activation, CellState, ElmanWeights, GruWeights, Input, LstmWeights, SequenceOptions, Steps, elman_sequence,
    gru_sequence, lstm_sequence,
};

use super::{At, assert_close, assert_near, devices, settings, tensor, values};

/// N, T, D, H.
const SIZES: [[usize; 4]; 6] =
    [[1, 1, 1, 1], [3, 17, 1, 3], [17, 3, 33, 17], [2, 5, 129, 33], [33, 1, 3, 129], [1, 33, 17, 16]];

/// The weights of a layer.
#[allow(clippy::large_enum_variant)]
#[derive(Clone)]
enum Layer {
    Lstm(LstmWeights),
    Gru(GruWeights),
    Elman(ElmanWeights),
}

impl Layer {
    fn all([_, _, inputs, units]: [usize; 4], at: At) -> Vec<Self> {
        let weights = |gates: usize| {
            let kernel = tensor(1, [inputs, gates * units], at).require_grad();
            // Column-major: a kernel must accept any strides.
            let recurrent = tensor(2, [gates * units, units], at).transpose().detach().require_grad();
            (kernel, recurrent, tensor(3, [gates * units], at).require_grad())
        };
        let mut layers = Vec::new();
        let (kernel, recurrent, bias) = weights(4);
        layers.push(Self::Lstm(LstmWeights { kernel, recurrent, bias }));
        let (kernel, recurrent, bias) = weights(3);
        let recurrent_bias = Some(tensor(4, [3 * units], at).require_grad());
        layers.push(Self::Gru(GruWeights { kernel, recurrent, bias, recurrent_bias }));
        for activation in [Activation::Tanh, Activation::Sigmoid, Activation::Relu] {
            let (kernel, recurrent, bias) = weights(1);
            layers.push(Self::Elman(ElmanWeights { kernel, recurrent, bias, activation }));
        }
        layers
    }

    fn run(&self, input: Input, state: CellState, options: &SequenceOptions) -> (Tensor<3>, CellState) {
        match self.clone() {
            Self::Lstm(weights) => lstm_sequence(input, weights, state, options),
            Self::Gru(weights) => gru_sequence(input, weights, state, options),
            Self::Elman(weights) => elman_sequence(input, weights, state, options),
        }
    }

    fn weights(&self) -> (Vec<Tensor<2>>, Vec<Tensor<1>>) {
        match self.clone() {
            Self::Lstm(w) => (vec![w.kernel, w.recurrent], vec![w.bias]),
            Self::Elman(w) => (vec![w.kernel, w.recurrent], vec![w.bias]),
            Self::Gru(w) => (vec![w.kernel, w.recurrent], vec![w.bias, w.recurrent_bias.unwrap()]),
        }
    }

    fn has_cell_state(&self) -> bool {
        matches!(self, Self::Lstm(_))
    }
}

/// A tensor with a gradient, and the layer input made of it, for each graph anew.
type InputCase = (Tensor<2>, Box<dyn Fn(Tensor<2>) -> Input>);

fn inputs([batch, time, size, _]: [usize; 4], at: At) -> Vec<InputCase> {
    let rows = tensor(5, [batch * time, size], at).require_grad();
    let table = tensor(6, [7, size], at).require_grad();
    let ids: Vec<i32> = (0..batch * time).map(|at| (at * at % 5) as i32).collect();
    let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, [batch, time]), at.0);
    let shaped = move |rows: Tensor<2>| rows.reshape([batch, time, size]);
    // Time-major in memory, and reversed: strides other than those of the input.
    let time_major = move |rows: Tensor<2>| rows.reshape([time, batch, size]).swap_dims(0, 1);
    vec![
        (rows.clone(), Box::new(move |rows| Input::Vectors(shaped(rows)))),
        (rows.clone(), Box::new(move |rows| Input::Vectors(time_major(rows)))),
        (rows, Box::new(move |rows| Input::Vectors(shaped(rows).flip([1])))),
        (table, Box::new(move |table| Input::Ids { table, ids: ids.clone() })),
    ]
}

#[test]
fn every_layer_equals_its_reference_in_value_and_gradient() {
    for device in devices() {
        let device = device.autodiff();
        assert_eq!([Fused, Composed].map(|mode| mode.fuses_all(&device)), [true, false]);
        for (dtype, tolerance) in settings(&device) {
            for sizes in SIZES {
                let at = (&device, dtype);
                compare(sizes, (Fused, at), (Composed, at), tolerance);
            }
        }
    }
}

#[test]
fn a_sequence_with_a_reset_equals_two_sequences() {
    let sizes @ [batch, time, size, units] = [3, 7, 5, 17];
    let cut = 4;
    for device in devices() {
        let device = device.autodiff();
        let at = (&device, DType::F32);
        let keep = Tensor::<2>::ones([batch, time], &device);
        let keep = keep.slice_fill(s![.., cut..cut + 1], 0.0);
        for layer in Layer::all(sizes, at) {
            for kernels in [Fused, Composed] {
                let run = |steps: Range<usize>, hidden: Tensor<2>, keep_state| {
                    let input = tensor::<3>(5, [batch, time, size], at).slice(s![.., steps, ..]);
                    let cell = layer.has_cell_state().then(|| hidden.clone());
                    let options = SequenceOptions { keep_state, kernels, ..SequenceOptions::default() };
                    layer.run(Input::Vectors(input), CellState { hidden, cell }, &options)
                };
                let start = tensor::<2>(7, [batch, units], at);
                let (whole, end) = run(0..time, start.clone(), Some(keep.clone()));
                let (first, _) = run(0..cut, start.clone(), None);
                let (second, after) = run(cut..time, start.zeros_like(), None);
                assert_close(&whole, &Tensor::cat(vec![first, second], 1), 1e-6, "outputs");
                assert_close(&end.hidden, &after.hidden, 1e-6, "h");
                if let Some((found, expected)) = end.cell.zip(after.cell) {
                    assert_close(&found, &expected, 1e-6, "c");
                }
            }
        }
    }
}

/// On a GPU, or one that software emulates. The reference runs on the CPU and in f64, so that it does not use the
/// same library.
#[cfg(feature = "wgpu")]
#[test]
fn every_layer_equals_its_reference_on_a_gpu() {
    let Some(gpu) = super::gpu() else { return };
    let gpu = gpu.autodiff();
    assert!(Fused.fuses_optimizers(&gpu, DType::F32), "otherwise no kernel would be tested");
    assert!(!Fused.fuses_all(&gpu), "the loss has no kernel there");
    let cpu = burn::tensor::Device::flex().autodiff();
    for sizes in SIZES {
        compare(sizes, (Fused, (&gpu, DType::F32)), (Composed, (&cpu, DType::F64)), 2e-5);
    }
}

/// Kernels or reference implementation, and where.
type Run<'a> = (KernelMode, At<'a>);

fn compare(sizes: [usize; 4], found: Run, expected: Run, tolerance: f64) {
    let runs = [found, expected];
    let [layers, expected_layers] = runs.map(|(_, at)| Layer::all(sizes, at));
    let [cases, expected_cases] = runs.map(|(_, at)| inputs(sizes, at));
    for (index, layer) in layers.iter().zip(&expected_layers).enumerate() {
        for (case, input) in cases.iter().zip(&expected_cases).enumerate() {
            let with_resets = if case % 2 == 0 { Steps::Every } else { Steps::Last };
            for (steps, resets) in [(Steps::Every, false), (Steps::Last, false), (with_resets, true)] {
                let found = computed(layer.0, input.0, (steps, resets), sizes, found);
                let expected = computed(layer.1, input.1, (steps, resets), sizes, expected);
                for ((name, found), (_, expected)) in found.iter().zip(&expected) {
                    let context = format!("{sizes:?} layer {index} input {case} {steps:?} resets {resets}: {name}");
                    // Gradients accumulate more rounding errors.
                    let tolerance = if name.starts_with("gradient") { 10.0 * tolerance } else { tolerance };
                    assert_near(found, expected, tolerance, &context);
                }
            }
        }
    }
}

/// Random resets, about one in three steps, column-major.
fn keep_state([batch, time]: [usize; 2], at: At) -> Tensor<2> {
    tensor::<2>(12, [time, batch], at).transpose().greater_scalar(-0.2).float().cast(at.1)
}

/// The outputs of a layer, and the gradients of all its inputs, each with its name.
fn computed(
    layer: &Layer,
    (of_input, input): &InputCase,
    (steps, resets): (Steps, bool),
    [batch, time, _, units]: [usize; 4],
    (kernels, at): Run,
) -> Vec<(String, Vec<f64>)> {
    let hidden = tensor(7, [batch, units], at).require_grad();
    let cell = layer.has_cell_state().then(|| tensor(8, [batch, units], at).require_grad());
    let state = CellState { hidden: hidden.clone(), cell: cell.clone() };
    let keep_state = resets.then(|| keep_state([batch, time], at));
    let options = SequenceOptions { steps, kernels, keep_state, ..SequenceOptions::default() };
    let (out, after) = layer.run(input(of_input.clone()), state, &options);
    let weigh = |seed, state: &Tensor<2>| (state.clone() * tensor(seed, state.dims(), at)).sum();
    let mut loss = (out.clone() * tensor(9, out.dims(), at)).sum() + weigh(10, &after.hidden);
    if let Some(cell) = &after.cell {
        loss = loss + weigh(11, cell);
    }
    let gradients = loss.backward();
    // The initial state may be used again: it must be unchanged.
    let initial = [Some(&hidden), cell.as_ref()].into_iter().flatten().map(values).collect::<Vec<_>>();

    let mut all = vec![("output".to_string(), values(&out)), ("h".into(), values(&after.hidden))];
    all.extend(after.cell.iter().map(|cell| ("c".to_string(), values(cell))));
    all.extend(initial.into_iter().map(|state| ("initial state".to_string(), state)));
    let (mut matrices, vectors) = layer.weights();
    matrices.extend([of_input.clone(), hidden]);
    matrices.extend(cell);
    for (at, tensor) in matrices.iter().enumerate() {
        let gradient = tensor.grad(&gradients).expect("every matrix has a gradient");
        assert_eq!(gradient.dims(), tensor.dims());
        all.push((format!("gradient of matrix {at}"), values(&gradient)));
    }
    for (at, tensor) in vectors.iter().enumerate() {
        let gradient = tensor.grad(&gradients).expect("every bias has a gradient");
        assert_eq!(gradient.dims(), tensor.dims());
        all.push((format!("gradient of bias {at}"), values(&gradient)));
    }
    all
}
