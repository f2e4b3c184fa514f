//! Every kernel against the equations on Burn's own operations, in value and in gradient, on each CPU
//! backend, in f32 and f64.

use burn::tensor::{DType, Device, Distribution, Int, Tensor, TensorData};
use kernels::reference::{self, Equations};
use kernels::{
    Activation, CellState, ElmanWeights, GruWeights, Input, LstmWeights, Pass, Steps,
    elman_sequence, gru_sequence, lstm_sequence, softmax_guesses, softmax_loss,
};

/// How close is equal, on `device`.
fn settings(device: &Device) -> [(DType, f64); 2] {
    // What Burn itself computes with f64 on NdArray has no more than f32's digits, where it is σ.
    let exact = if *device == Device::flex() { 1e-12 } else { 1e-6 };
    [(DType::F64, exact), (DType::F32, 2e-5)]
}

/// N, T, D, H.
const SIZES: [[usize; 4]; 6] = [
    [1, 1, 1, 1],
    [3, 17, 1, 3],
    [17, 3, 33, 17],
    [2, 5, 129, 33],
    [33, 1, 3, 129],
    [1, 33, 17, 16],
];

#[allow(deprecated)]
fn devices() -> Vec<Device> {
    vec![
        Device::flex(),
        #[cfg(feature = "ndarray")]
        Device::ndarray(),
    ]
}

/// Numbers that depend on their place alone.
fn tensor<const D: usize>(seed: usize, dims: [usize; D], (device, dtype): At) -> Tensor<D> {
    let count: usize = dims.iter().product();
    let number = |at: usize| ((at * 7919 + seed * 104_729) % 1_009) as f64 / 1_009.0 - 0.5;
    let numbers: Vec<f64> = (0..count).map(number).collect();
    Tensor::from_data(TensorData::new(numbers, dims), (device, dtype))
}

type At<'a> = (&'a Device, DType);

fn values<const D: usize>(tensor: &Tensor<D>) -> Vec<f64> {
    tensor.clone().try_into_vec_as().unwrap()
}

fn assert_close<const D: usize>(
    found: &Tensor<D>,
    expected: &Tensor<D>,
    tolerance: f64,
    what: &str,
) {
    assert_eq!(found.dims(), expected.dims(), "{what}");
    let largest = values(expected).iter().fold(1f64, |largest, x| largest.max(x.abs()));
    for (found, expected) in values(found).iter().zip(values(expected)) {
        assert!((found - expected).abs() <= tolerance * largest, "{what}: {found} {expected}");
    }
}

/// A layer with all that goes into it.
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
            // Laid out column by column: a kernel must not need rows that follow one another.
            let recurrent =
                tensor(2, [gates * units, units], at).transpose().detach().require_grad();
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

    /// By the kernel, or by the equations.
    fn run(
        &self,
        fused: bool,
        input: Input,
        state: CellState,
        pass: &Pass,
    ) -> (Tensor<3>, CellState) {
        fn plainly(
            layer: &impl Equations,
            input: Input,
            state: CellState,
            pass: &Pass,
        ) -> (Tensor<3>, CellState) {
            reference::run(input, layer, state, pass)
        }
        match (self.clone(), fused) {
            (Self::Lstm(weights), true) => lstm_sequence(input, weights, state, pass),
            (Self::Gru(weights), true) => gru_sequence(input, weights, state, pass),
            (Self::Elman(weights), true) => elman_sequence(input, weights, state, pass),
            (Self::Lstm(weights), false) => plainly(&reference::Lstm(weights), input, state, pass),
            (Self::Gru(weights), false) => plainly(&reference::Gru(weights), input, state, pass),
            (Self::Elman(weights), false) => {
                plainly(&reference::Elman(weights), input, state, pass)
            }
        }
    }

    fn weights(&self) -> (Vec<Tensor<2>>, Vec<Tensor<1>>) {
        match self.clone() {
            Self::Lstm(w) => (vec![w.kernel, w.recurrent], vec![w.bias]),
            Self::Elman(w) => (vec![w.kernel, w.recurrent], vec![w.bias]),
            Self::Gru(w) => (vec![w.kernel, w.recurrent], vec![w.bias, w.recurrent_bias.unwrap()]),
        }
    }

    fn has_memory(&self) -> bool {
        matches!(self, Self::Lstm(_))
    }
}

/// What has a gradient, and how it is read: laid anew for every graph.
type Reading = (Tensor<2>, Box<dyn Fn(Tensor<2>) -> Input>);

fn inputs([batch, time, size, _]: [usize; 4], at: At) -> Vec<Reading> {
    let rows = tensor(5, [batch * time, size], at).require_grad();
    let table = tensor(6, [7, size], at).require_grad();
    let ids: Vec<i32> = (0..batch * time).map(|at| (at * at % 5) as i32).collect();
    let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, [batch, time]), at.0);
    let shaped = move |rows: Tensor<2>| rows.reshape([batch, time, size]);
    // Time first in memory, and backwards: neither lies as it is read.
    let exchanged = move |rows: Tensor<2>| rows.reshape([time, batch, size]).swap_dims(0, 1);
    vec![
        (rows.clone(), Box::new(move |rows| Input::Vectors(shaped(rows)))),
        (rows.clone(), Box::new(move |rows| Input::Vectors(exchanged(rows)))),
        (rows, Box::new(move |rows| Input::Vectors(shaped(rows).flip([1])))),
        (table, Box::new(move |table| Input::Ids { table, ids: ids.clone() })),
    ]
}

#[test]
fn every_layer_is_its_equations_in_value_and_in_gradient() {
    for device in devices() {
        let device = device.autodiff();
        for (dtype, tolerance) in settings(&device) {
            for sizes in SIZES {
                for layer in Layer::all(sizes, (&device, dtype)) {
                    check(&layer, sizes, (&device, dtype), tolerance);
                }
            }
        }
    }
}

fn check(layer: &Layer, sizes: [usize; 4], at: At, tolerance: f64) {
    let [batch, _, _, units] = sizes;
    let steps = [Steps::Every, Steps::Last];
    for (of_input, input) in inputs(sizes, at) {
        for steps in steps {
            let what = format!("{sizes:?} {steps:?} {:?}", at.1);
            let pass = Pass { steps, ..Pass::default() };
            let hidden = tensor(7, [batch, units], at).require_grad();
            let memory = tensor(8, [batch, units], at).require_grad();
            let state = || CellState {
                hidden: hidden.clone(),
                memory: layer.has_memory().then(|| memory.clone()),
            };
            let run = |fused| {
                let (out, after) = layer.run(fused, input(of_input.clone()), state(), &pass);
                let weigh = |seed, tensor: &Tensor<2>| {
                    (tensor.clone() * self::tensor(seed, tensor.dims(), at)).sum()
                };
                let mut loss = (out.clone() * self::tensor(9, out.dims(), at)).sum();
                loss = loss + weigh(10, &after.hidden);
                if let Some(memory) = &after.memory {
                    loss = loss + weigh(11, memory);
                }
                (out, after, loss.backward())
            };
            let (found, after, gradients) = run(true);
            let (expected, expected_after, expected_gradients) = run(false);
            assert_close(&found, &expected, tolerance, &what);
            assert_close(&after.hidden, &expected_after.hidden, tolerance, &what);
            if let (Some(found), Some(expected)) = (&after.memory, &expected_after.memory) {
                assert_close(found, expected, tolerance, &what);
            }
            let (mut matrices, vectors) = layer.weights();
            matrices.extend([of_input.clone(), hidden.clone()]);
            matrices.extend(layer.has_memory().then(|| memory.clone()));
            for (at, tensor) in matrices.iter().enumerate() {
                let what = format!("{what}, gradient of matrix {at}");
                let found = tensor.grad(&gradients).expect(&what);
                let expected = tensor.grad(&expected_gradients).expect(&what);
                assert_close(&found, &expected, 10.0 * tolerance, &what);
            }
            for (at, tensor) in vectors.iter().enumerate() {
                let what = format!("{what}, gradient of bias {at}");
                let found = tensor.grad(&gradients).expect(&what);
                let expected = tensor.grad(&expected_gradients).expect(&what);
                assert_close(&found, &expected, 10.0 * tolerance, &what);
            }
        }
    }
}

#[test]
fn the_softmax_loss_is_its_equation_in_value_and_in_gradient() {
    for device in devices() {
        let device = device.autodiff();
        for (dtype, tolerance) in settings(&device) {
            let at = (&device, dtype);
            for [rows, units, vocabulary] in [[1, 1, 1], [3, 17, 129], [33, 3, 17], [17, 129, 3]] {
                let input = tensor(1, [rows, units], at).require_grad();
                let kernel = tensor(2, [units, vocabulary], at).require_grad();
                let tied = tensor(2, [vocabulary, units], at).require_grad();
                let bias = tensor(3, [vocabulary], at).require_grad();
                let targets: Vec<i32> =
                    (0..rows).map(|row| (row * 5 % vocabulary) as i32).collect();
                let targets = Tensor::<1, Int>::from_ints(targets.as_slice(), &device);
                for (leaf, is_tied) in [(kernel, false), (tied, true)] {
                    let kernel = || if is_tied { leaf.clone().transpose() } else { leaf.clone() };
                    let weights = tensor(4, [rows], at);
                    let found =
                        softmax_loss(input.clone(), kernel(), bias.clone(), targets.clone());
                    let logits = input.clone().matmul(kernel()) + bias.clone().unsqueeze();
                    let expected = reference::nats_per_token(logits, targets.clone());
                    let what = format!("{rows} {units} {vocabulary} {dtype:?}");
                    assert_close(&found, &expected, tolerance, &what);
                    let (nats, hits) =
                        softmax_guesses(input.clone(), kernel(), bias.clone(), targets.clone());
                    assert_close(&nats, &expected.clone().without_autodiff(), tolerance, &what);
                    assert_eq!(hits.dims(), [rows]);
                    let gradients = (found * weights.clone()).sum().backward();
                    let expected = (expected * weights).sum().backward();
                    for tensor in [&input, &leaf] {
                        let (found, expected) =
                            (tensor.grad(&gradients).unwrap(), tensor.grad(&expected).unwrap());
                        assert_close(&found, &expected, 10.0 * tolerance, &what);
                    }
                    let (found, expected) =
                        (bias.grad(&gradients).unwrap(), bias.grad(&expected).unwrap());
                    assert_close(&found, &expected, 10.0 * tolerance, &what);
                }
            }
        }
    }
}

#[test]
fn the_likeliest_target_is_a_hit() {
    for device in devices() {
        let kernel = Tensor::<2>::from_floats([[1.0, 3.0, 3.0, 2.0]], &device);
        let bias = Tensor::<1>::zeros([4], &device);
        let input = Tensor::<2>::ones([4, 1], &device);
        let targets = Tensor::<1, Int>::from_ints([0, 1, 2, 3], &device);
        let (_, hits) = softmax_guesses(input, kernel, bias, targets);
        // Of equals the first, as argmax has it.
        assert_eq!(hits.try_into_vec_as::<i64>().unwrap(), [0, 1, 0, 0]);
    }
}

#[test]
fn what_has_no_size_is_refused() {
    let refused = |sizes: [usize; 4]| {
        let message = std::panic::catch_unwind(|| {
            let [batch, time, size, units] = sizes;
            let device = Device::flex();
            let zeros = |dims: [usize; 2]| Tensor::<2>::zeros(dims, &device);
            let weights = ElmanWeights {
                kernel: zeros([size, units]),
                recurrent: zeros([units, units]),
                bias: Tensor::zeros([units], &device),
                activation: Activation::Tanh,
            };
            let state = CellState { hidden: zeros([batch, units]), memory: None };
            let input = Tensor::random([batch, time, size], Distribution::Default, &device);
            elman_sequence(Input::Vectors(input), weights, state, &Pass::default())
        });
        let message = message.err().unwrap_or_else(|| panic!("it was not refused"));
        let message = message.downcast_ref::<String>().expect("a message in words");
        assert!(message.contains("1 or more"), "{message}");
    };
    refused([0, 2, 2, 2]);
    refused([2, 0, 2, 2]);
    refused([2, 2, 0, 2]);
}

#[test]
fn an_id_outside_the_table_is_refused() {
    let message = std::panic::catch_unwind(|| {
        let device = Device::flex();
        let weights = LstmWeights {
            kernel: Tensor::zeros([2, 8], &device),
            recurrent: Tensor::zeros([2, 8], &device),
            bias: Tensor::zeros([8], &device),
        };
        let zeros = Tensor::<2>::zeros([1, 2], &device);
        let state = CellState { hidden: zeros.clone(), memory: Some(zeros) };
        let (table, ids) = (Tensor::zeros([3, 2], &device), Tensor::from_ints([[3]], &device));
        lstm_sequence(Input::Ids { table, ids }, weights, state, &Pass::default())
    });
    let message = message.err().unwrap_or_else(|| panic!("it was not refused"));
    let message = message.downcast_ref::<String>().expect("a message in words");
    assert!(message.contains("an id is 3; expected 0 to 2"), "{message}");
}
