//! Recurrent layers over whole sequences.

use burn::tensor::{DType, Int, Tensor, TensorData};
use kernels::reference::{self, Equations};
use kernels::{
    Activation, CellState, ElmanWeights, GruWeights, Input, LstmWeights, Pass, Steps,
    elman_sequence, gru_sequence, lstm_sequence,
};

use super::{At, assert_near, devices, settings, tensor, values};

/// N, T, D, H.
const SIZES: [[usize; 4]; 6] = [
    [1, 1, 1, 1],
    [3, 17, 1, 3],
    [17, 3, 33, 17],
    [2, 5, 129, 33],
    [33, 1, 3, 129],
    [1, 33, 17, 16],
];

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
                let at = (&device, dtype);
                compare(sizes, (true, at), (false, at), tolerance);
            }
        }
    }
}

/// Where there is no graphics processor, on one that software makes believe; the equations are computed on
/// the CPU, and in f64, so that they are not the same library's.
#[cfg(feature = "wgpu")]
#[test]
fn every_layer_is_its_equations_on_a_graphics_processor() {
    let Some(graphics) = super::graphics() else { return };
    let graphics = graphics.autodiff();
    assert!(
        kernels::updates_are_fused(&graphics),
        "else the equations are compared with themselves"
    );
    assert!(!kernels::are_fused(&graphics), "the loss has no kernel there");
    let cpu = burn::tensor::Device::flex().autodiff();
    for sizes in SIZES {
        compare(sizes, (true, (&graphics, DType::F32)), (false, (&cpu, DType::F64)), 2e-5);
    }
}

/// Compares two ways of computing: by kernels or by equations, and where.
fn compare(sizes: [usize; 4], found: (bool, At), expected: (bool, At), tolerance: f64) {
    let ways = [found, expected];
    let [layers, expected_layers] = ways.map(|(_, at)| Layer::all(sizes, at));
    let [readings, expected_readings] = ways.map(|(_, at)| inputs(sizes, at));
    for (number, layer) in layers.iter().zip(&expected_layers).enumerate() {
        for (reading, input) in readings.iter().zip(&expected_readings).enumerate() {
            for steps in [Steps::Every, Steps::Last] {
                let found = computed(layer.0, input.0, steps, sizes, found);
                let expected = computed(layer.1, input.1, steps, sizes, expected);
                for ((name, found), (_, expected)) in found.iter().zip(&expected) {
                    let what =
                        format!("{sizes:?} layer {number} input {reading} {steps:?}: {name}");
                    // Gradients add up more roundings.
                    let tolerance =
                        if name.starts_with("gradient") { 10.0 * tolerance } else { tolerance };
                    assert_near(found, expected, tolerance, &what);
                }
            }
        }
    }
}

/// All that a layer hands on, and the gradients of all that goes into it, each with its name.
fn computed(
    layer: &Layer,
    (of_input, input): &Reading,
    steps: Steps,
    [batch, _, _, units]: [usize; 4],
    (fused, at): (bool, At),
) -> Vec<(String, Vec<f64>)> {
    let hidden = tensor(7, [batch, units], at).require_grad();
    let memory = layer.has_memory().then(|| tensor(8, [batch, units], at).require_grad());
    let state = CellState { hidden: hidden.clone(), memory: memory.clone() };
    let pass = Pass { steps, ..Pass::default() };
    let (out, after) = layer.run(fused, input(of_input.clone()), state, &pass);
    let weigh = |seed, state: &Tensor<2>| (state.clone() * tensor(seed, state.dims(), at)).sum();
    let mut loss = (out.clone() * tensor(9, out.dims(), at)).sum() + weigh(10, &after.hidden);
    if let Some(memory) = &after.memory {
        loss = loss + weigh(11, memory);
    }
    let gradients = loss.backward();
    // A state that was handed in may be gone on from again: nothing writes to it.
    let handed_in =
        [Some(&hidden), memory.as_ref()].into_iter().flatten().map(values).collect::<Vec<_>>();

    let mut all = vec![("output".to_string(), values(&out)), ("h".into(), values(&after.hidden))];
    all.extend(after.memory.iter().map(|memory| ("c".to_string(), values(memory))));
    all.extend(handed_in.into_iter().map(|state| ("state handed in".to_string(), state)));
    let (mut matrices, vectors) = layer.weights();
    matrices.extend([of_input.clone(), hidden]);
    matrices.extend(memory);
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
