//! Every cell, stack and bidirectional layer against the fixtures, on any device. The tests of `models` and
//! of `cli`, which has all backends, include this file; neither uses all of it.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{DType, Device, Gradients, Tensor, TensorData};
use models::init::Initialization;
use models::interop::{Array, Layout, Tensors, export_stack, import_stack};
use models::{Activation, CellKind, ForwardOptions, Input, LayerConfig, Stack, State};
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
    /// The length of each row without padding, if rows are padded.
    lengths: Option<Vec<usize>>,
}

const LSTM: CellKind = CellKind::Lstm;
const GRU: CellKind = CellKind::Gru { reset_after: true };

/// The file and the layers of every case.
fn cases() -> Vec<(&'static str, Vec<LayerConfig>)> {
    let rnn = |activation| CellKind::Elman(activation);
    let one = |kind| vec![LayerConfig::new(kind, 4)];
    let both = |kind| vec![LayerConfig::new(kind, 4).bidirectional(true)];
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

/// Compares outputs, states and gradients of every case with those of the framework, on `device`, for each
/// dtype with its tolerance relative to the tensor's largest value.
pub fn assert_every_case(device: &Device, dtypes: &[(DType, f64)]) {
    for (name, layers) in cases() {
        let case: Case = fixture(&format!("{name}.json"));
        for &(dtype, tolerance) in dtypes {
            check(name, &case, &layers, device, (dtype, tolerance));
        }
    }
}

fn check(name: &str, case: &Case, layers: &[LayerConfig], device: &Device, (dtype, tolerance): (DType, f64)) {
    let [_, time, inputs] = case.inputs.shape[..] else { panic!("{name}: inputs") };
    let stack = Stack::new(inputs, layers, &Initialization::zeros(device).dtype(dtype));
    let stack = import_stack(stack, case.layout, tensors(&case.weights)).unwrap().model.train();

    let with_gradient = |stored: &Stored| stored.tensor::<2>(dtype, device).autodiff().require_grad();
    let whole: Tensor<3> = case.inputs.tensor(dtype, device).autodiff().require_grad();
    let initial: Vec<Tensor<2>> = case.initial_states.iter().map(with_gradient).collect();
    let mask = case.lengths.as_ref().map(|lengths| mask(lengths, time, dtype, device));
    let options = ForwardOptions { mask: mask.clone(), ..ForwardOptions::default() };
    let input = Input::Vectors(whole.clone());
    let (mut outputs, after) = stack.forward(input, to_state(&stack, &initial), &options);
    if let Some(mask) = mask.filter(|_| layers[0].bidirectional) {
        // At padding, Keras's wrapper returns zeros and its layers the last state.
        outputs = outputs * mask.unsqueeze_dim(2);
    }
    let after = to_list(after);

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

    // Gradients have the layout of their weights, so they are exported as weights.
    let of_weights = gradients_of(&stack, &gradients);
    let exported = export_stack(&of_weights, case.layout).unwrap();
    for (weight, expected) in &case.weight_gradients {
        // PyTorch adds two biases where we have one: both have its gradient.
        let merged = weight.contains("bias_hh") && layers.iter().all(|l| l.kind() != GRU);
        let name_here = if merged { weight.replace("bias_hh", "bias_ih") } else { weight.clone() };
        let context = format!("{name} gradient of {weight}");
        expected.assert_values(&exported[&name_here].values, tolerance, &context);
    }
}

/// `[N, T]`: 1 at the real steps of a row, else 0.
fn mask(lengths: &[usize], time: usize, dtype: DType, device: &Device) -> Tensor<2> {
    let row = |&length| (0..time).map(move |t| f64::from(u8::from(t < length)));
    let values: Vec<f64> = lengths.iter().flat_map(row).collect();
    Tensor::from_data(TensorData::new(values, [lengths.len(), time]), (device, dtype))
}

/// A list of states, h before c, as the state of the stack.
fn to_state(stack: &Stack, states: &[Tensor<2>]) -> State {
    let mut states = states.iter().cloned();
    let mut next = || states.next().expect("a state for every cell");
    let mut state = stack.init_state(1);
    for cell in &mut state {
        cell.hidden = next();
        cell.cell = cell.cell.take().map(|_| next());
    }
    state
}

fn to_list(state: State) -> Vec<Tensor<2>> {
    state.into_iter().flat_map(|cell| [Some(cell.hidden), cell.cell]).flatten().collect()
}

/// The stack with its weights replaced by their gradients.
fn gradients_of(stack: &Stack, gradients: &Gradients) -> Stack {
    struct Collect<'a>(&'a Gradients, BTreeMap<u64, TensorData>);
    impl ModuleVisitor for Collect<'_> {
        fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
            let gradient = parameter.val().grad(self.0).expect("every weight has a gradient");
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
    pub fn assert_equals<const D: usize>(&self, found: Tensor<D>, tolerance: f64, context: &str) {
        assert_eq!(found.dims().to_vec(), self.shape, "{context}");
        let found: Vec<f64> = found.try_into_vec_as().unwrap();
        self.assert_values(&found, tolerance, context);
    }

    pub fn assert_values(&self, found: &[f64], tolerance: f64, context: &str) {
        let largest = self.data.iter().fold(0f64, |largest, x| largest.max(x.abs()));
        assert_eq!(found.len(), self.data.len(), "{context}");
        for (found, expected) in found.iter().zip(&self.data) {
            let error = (found - expected).abs();
            assert!(error <= tolerance * largest, "{context}: {found}, expected {expected}");
        }
    }
}

pub fn tensors(stored: &BTreeMap<String, Stored>) -> Tensors {
    let array = |stored: &Stored| Array { shape: stored.shape.clone(), values: stored.data.clone() };
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
