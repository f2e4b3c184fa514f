//! Every cell, stack and encoder against the fixtures, on any device. Included by the tests of `models`
//! and of the binary, which alone knows every backend; not each of them uses all of it.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{DType, Device, Gradients, Tensor, TensorData};
use models::foreign::{Array, Layout, Tensors, export_stack, import_stack};
use models::init::Initialization;
use models::{Activation, CellKind, Input, LayerConfig, Reading, Stack, State};
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Deserialize)]
struct Case {
    layout: Layout,
    weights: BTreeMap<String, Stored>,
    inputs: Stored,
    initial_states: Vec<Stored>,
    outputs: Stored,
    final_states: Vec<Stored>,
    weigh_outputs: Stored,
    weigh_states: Vec<Stored>,
    weight_gradients: BTreeMap<String, Stored>,
    input_gradient: Stored,
    state_gradients: Vec<Stored>,
    /// Steps of each row that are real, if not all of them.
    lengths: Option<Vec<usize>>,
}

const LSTM: CellKind = CellKind::Lstm;
const GRU: CellKind = CellKind::Gru { reset_after: true };

/// Every case by its file, and the layers that it is about.
fn cases() -> Vec<(&'static str, Vec<LayerConfig>)> {
    let rnn = |activation| CellKind::Elman(activation);
    let one = |kind| vec![LayerConfig::new(kind, 4)];
    let both = |kind| vec![LayerConfig { bidirectional: true, ..LayerConfig::new(kind, 4) }];
    let two = |lower, upper| vec![LayerConfig::new(lower, 4), LayerConfig::new(upper, 4)];
    vec![
        ("keras/rnn_tanh", one(rnn(Activation::Tanh))),
        ("keras/rnn_sigmoid", one(rnn(Activation::Sigmoid))),
        ("keras/rnn_relu", one(rnn(Activation::Relu))),
        ("keras/lstm", one(LSTM)),
        ("keras/lstm_from_zero", one(LSTM)),
        ("keras/gru_after", one(GRU)),
        ("keras/gru_before", one(CellKind::Gru { reset_after: false })),
        ("keras/stack", two(LSTM, LSTM)),
        ("keras/mixed", two(GRU, LSTM)),
        ("keras/bidirectional_lstm", both(LSTM)),
        ("keras/bidirectional_gru", both(GRU)),
        ("keras/masked_lstm", one(LSTM)),
        ("keras/masked_bidirectional_gru", both(GRU)),
        ("pytorch/rnn_tanh", one(rnn(Activation::Tanh))),
        ("pytorch/rnn_relu", one(rnn(Activation::Relu))),
        ("pytorch/lstm", one(LSTM)),
        ("pytorch/gru", one(GRU)),
        ("pytorch/stack", two(LSTM, LSTM)),
        ("pytorch/bidirectional_lstm", both(LSTM)),
        ("pytorch/bidirectional_gru", both(GRU)),
    ]
}

/// Outputs, states and gradients of every case are the frameworks' own, on `device`, with each of
/// these dtypes up to a tolerance relative to the tensor's largest number.
pub fn assert_every_case(device: &Device, dtypes: &[(DType, f64)]) {
    for (name, layers) in cases() {
        let case: Case = fixture(&format!("{name}.json"));
        for &(dtype, tolerance) in dtypes {
            check(name, &case, &layers, device, (dtype, tolerance));
        }
    }
}

fn check(
    name: &str,
    case: &Case,
    layers: &[LayerConfig],
    device: &Device,
    (dtype, tolerance): (DType, f64),
) {
    let [_, time, inputs] = case.inputs.shape[..] else { panic!("{name}: inputs") };
    let blank = Stack::new(inputs, layers, &Initialization::blank(device).with_dtype(dtype));
    let stack = import_stack(blank, case.layout, tensors(&case.weights)).unwrap().train();

    let lift = |stored: &Stored| stored.tensor::<2>(dtype, device).autodiff().require_grad();
    let whole: Tensor<3> = case.inputs.tensor(dtype, device).autodiff().require_grad();
    let initial: Vec<Tensor<2>> = case.initial_states.iter().map(lift).collect();
    let real = case.lengths.as_ref().map(|lengths| real(lengths, time, dtype, device));
    let reading = Reading { real: real.clone(), ..Reading::default() };
    let input = Input::Vectors(whole.clone());
    let (mut outputs, after) = stack.run(input, arrange(&stack, &initial), &reading);
    if let Some(real) = real.filter(|_| layers[0].bidirectional) {
        // Keras's wrapper hands on zeros where there is padding, its layers their last state.
        outputs = outputs * real.unsqueeze_dim(2);
    }
    let after = spread(after);

    assert_eq!(after.len(), case.weigh_states.len(), "{name}");
    assert_eq!(initial.len(), case.state_gradients.len(), "{name}");
    let mut loss = (outputs.clone() * case.weigh_outputs.tensor(dtype, device)).sum();
    for (state, weights) in after.iter().zip(&case.weigh_states) {
        loss = loss + (state.clone() * weights.tensor(dtype, device)).sum();
    }
    let gradients = loss.backward();

    case.outputs.assert_equals(outputs, tolerance, &format!("{name} outputs"));
    assert_eq!(after.len(), case.final_states.len(), "{name}");
    for (found, expected) in after.into_iter().zip(&case.final_states) {
        expected.assert_equals(found, tolerance, &format!("{name} final state"));
    }
    let of_inputs = whole.grad(&gradients).unwrap();
    case.input_gradient.assert_equals(of_inputs, tolerance, &format!("{name} input gradient"));
    for (state, expected) in initial.iter().zip(&case.state_gradients) {
        let found = state.grad(&gradients).unwrap();
        expected.assert_equals(found, tolerance, &format!("{name} state gradient"));
    }

    // Gradients lie as their weights do, so they are exported as weights are.
    let of_weights = gradients_of(&stack, &gradients);
    let exported = export_stack(&of_weights, case.layout).unwrap();
    for (weight, expected) in &case.weight_gradients {
        // PyTorch adds two biases that we keep as one: both have its gradient.
        let merged = weight.contains("bias_hh") && layers.iter().all(|l| l.kind() != GRU);
        let name_here = if merged { weight.replace("bias_hh", "bias_ih") } else { weight.clone() };
        let what = format!("{name} gradient of {weight}");
        expected.assert_numbers(&exported[&name_here].values, tolerance, &what);
    }
}

/// 1 where a row's step is real, `[N, 1]` a step.
fn real(lengths: &[usize], time: usize, dtype: DType, device: &Device) -> Tensor<2> {
    let row = |&length| (0..time).map(move |t| f64::from(u8::from(t < length)));
    let numbers: Vec<f64> = lengths.iter().flat_map(row).collect();
    Tensor::from_data(TensorData::new(numbers, [lengths.len(), time]), (device, dtype))
}

/// States in a row, h before c, as the states of the stack's cells.
fn arrange(stack: &Stack, states: &[Tensor<2>]) -> State {
    let mut states = states.iter().cloned();
    let mut next = || states.next().expect("a state for every cell");
    let mut arranged = stack.start(1);
    for cell in &mut arranged {
        cell.hidden = next();
        cell.memory = cell.memory.take().map(|_| next());
    }
    arranged
}

fn spread(state: State) -> Vec<Tensor<2>> {
    state.into_iter().flat_map(|cell| [Some(cell.hidden), cell.memory]).flatten().collect()
}

/// The stack with its gradients in the place of its weights.
fn gradients_of(stack: &Stack, gradients: &Gradients) -> Stack {
    struct Collect<'a>(&'a Gradients, BTreeMap<u64, TensorData>);
    impl ModuleVisitor for Collect<'_> {
        fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
            let gradient = parameter.val().grad(self.0).expect("every weight takes part");
            self.1.insert(parameter.id.val(), gradient.into_data());
        }
    }
    struct Replace(BTreeMap<u64, TensorData>);
    impl ModuleMapper for Replace {
        fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let data = self.0.remove(&parameter.id.val()).unwrap();
            parameter.map(|tensor| Tensor::from_data(data, (&tensor.device(), tensor.dtype())))
        }
    }
    let mut collect = Collect(gradients, BTreeMap::new());
    stack.visit(&mut collect);
    stack.clone().valid().map(&mut Replace(collect.1))
}

/// A tensor of a fixture.
#[derive(Clone, Debug, Deserialize)]
pub struct Stored {
    pub shape: Vec<usize>,
    pub data: Vec<f64>,
}

impl Stored {
    pub fn tensor<const D: usize>(&self, dtype: DType, device: &Device) -> Tensor<D> {
        let data = TensorData::new(self.data.clone(), self.shape.clone());
        Tensor::from_data(data, (device, dtype))
    }

    /// |a − b| ≤ tolerance · max |b|.
    pub fn assert_equals<const D: usize>(&self, found: Tensor<D>, tolerance: f64, what: &str) {
        assert_eq!(found.dims().to_vec(), self.shape, "{what}");
        let found: Vec<f64> = found.try_into_vec_as().unwrap();
        self.assert_numbers(&found, tolerance, what);
    }

    pub fn assert_numbers(&self, found: &[f64], tolerance: f64, what: &str) {
        let largest = self.data.iter().fold(0f64, |largest, x| largest.max(x.abs()));
        assert_eq!(found.len(), self.data.len(), "{what}");
        for (found, expected) in found.iter().zip(&self.data) {
            let error = (found - expected).abs();
            assert!(error <= tolerance * largest, "{what}: {found}, expected {expected}");
        }
    }
}

pub fn tensors(stored: &BTreeMap<String, Stored>) -> Tensors {
    let array =
        |stored: &Stored| Array { shape: stored.shape.clone(), values: stored.data.clone() };
    stored.iter().map(|(name, stored)| (name.clone(), array(stored))).collect()
}

pub fn path(name: &str) -> PathBuf {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/tests/fixtures");
    Path::new(fixtures).join(name)
}

pub fn fixture<T: DeserializeOwned>(name: &str) -> T {
    let text = std::fs::read_to_string(path(name)).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}
