//! Outputs, final states, gradients and records of [`Lstm`] and [`Gru`] against those of Burn's modules.

use burn::module::{Module, ModuleVisitor, Param};
use burn::nn::HardSigmoidConfig;
use burn::nn::activation::ActivationConfig;
use burn::store::ModuleRecord;
use burn::tensor::{Device, Gradients, Tensor, TensorData};

use super::{Gru, GruConfig, Lstm, LstmConfig, LstmState};

/// N, T, D and H.
const SHAPES: [[usize; 4]; 5] = [[3, 5, 4, 6], [1, 1, 2, 3], [1, 7, 3, 5], [4, 1, 5, 8], [4, 2, 5, 8]];

#[allow(deprecated)]
fn devices() -> Vec<Device> {
    vec![
        Device::flex(),
        #[cfg(feature = "ndarray")]
        Device::ndarray(),
    ]
}

/// Values from −1 to 1 that depend only on `seed` and their position.
fn tensor<const D: usize>(seed: usize, dims: [usize; D], device: &Device) -> Tensor<D> {
    let count: usize = dims.iter().product();
    let value = |at: usize| ((at * 7919 + seed * 104_729) % 1_009) as f32 / 504.5 - 1.0;
    Tensor::from_data(TensorData::new((0..count).map(value).collect::<Vec<f32>>(), dims), device)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.try_into_vec_as().unwrap()
}

fn assert_close(found: &[Vec<f64>], expected: &[Vec<f64>], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert_eq!(found.len(), expected.len(), "{what}: tensor {at}");
        let largest = expected.iter().fold(0f64, |largest, x| largest.max(x.abs()));
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() <= 1e-5 * largest, "{what}: tensor {at}: {found} {expected}");
        }
    }
}

/// Collects the gradients of all parameters.
struct Collect<'a>(&'a Gradients, Vec<Vec<f64>>);

impl ModuleVisitor for Collect<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.1.push(values(param.val().grad(self.0).expect("every parameter has a gradient")));
    }
}

/// `outputs`, then the gradients of `leaves` and of the parameters of `module`, for the loss `Σ w ∘ output`.
fn results<M: Module>(
    module: &M,
    leaves: [Option<Tensor<2>>; 2],
    input: &Tensor<3>,
    outputs: [Tensor<3>; 3],
) -> Vec<Vec<f64>> {
    let device = input.device();
    let loss = outputs.iter().enumerate().map(|(at, x)| (x.clone() * tensor(at + 50, x.dims(), &device)).sum());
    let gradients = loss.reduce(|a, b| a + b).unwrap().backward();
    let mut results: Vec<_> = outputs.map(values).into();
    results.push(values(input.grad(&gradients).unwrap()));
    results.extend(leaves.into_iter().flatten().map(|leaf| values(leaf.grad(&gradients).unwrap())));
    let mut collect = Collect(&gradients, results);
    module.visit(&mut collect);
    collect.1
}

type LstmForward<M> = fn(&M, Tensor<3>, Option<LstmState<2>>) -> (Tensor<3>, LstmState<2>);

fn run_lstm<M: Module>(
    module: &M,
    forward: LstmForward<M>,
    input_dims: [usize; 3],
    state_dims: Option<[usize; 2]>,
    device: &Device,
) -> Vec<Vec<f64>> {
    let device = device.clone().autodiff();
    let input = tensor(1, input_dims, &device).require_grad();
    let part = |seed| state_dims.map(|dims| tensor(seed, dims, &device).require_grad());
    let (cell, hidden) = (part(2), part(3));
    let state = cell.clone().zip(hidden.clone()).map(|(cell, hidden)| LstmState::new(cell, hidden));
    let (output, after) = forward(module, input.clone(), state);
    let outputs = [output, after.cell.unsqueeze(), after.hidden.unsqueeze()];
    results(module, [cell, hidden], &input, outputs)
}

fn run_gru<M: Module>(
    module: &M,
    forward: fn(&M, Tensor<3>, Option<Tensor<2>>) -> Tensor<3>,
    input_dims: [usize; 3],
    state_dims: Option<[usize; 2]>,
    device: &Device,
) -> Vec<Vec<f64>> {
    let device = device.clone().autodiff();
    let input = tensor(1, input_dims, &device).require_grad();
    let state = state_dims.map(|dims| tensor(2, dims, &device).require_grad());
    let output = forward(module, input.clone(), state.clone());
    results(module, [state, None], &input, [output.clone(), output.clone(), output])
}

#[test]
fn an_lstm_has_the_outputs_and_gradients_of_burns() {
    for device in devices() {
        for [batch, time, inputs, units] in SHAPES {
            for (bias, state) in [(true, true), (true, false), (false, true), (false, false)] {
                for (batch_first, reverse) in [(true, false), (true, true), (false, false), (false, true)] {
                    let config = burn::nn::LstmConfig::new(inputs, units, bias);
                    let config = config.with_batch_first(batch_first).with_reverse(reverse);
                    let burn = config.init(&device.clone().autodiff());
                    let ours = Lstm::from(burn.clone());
                    let steps = if batch_first { [batch, time] } else { [time, batch] };
                    let input = [steps[0], steps[1], inputs];
                    assert_eq!(ours.kernel_gates(&Tensor::zeros(input, &device)).is_some(), time > 1);
                    let state = state.then_some([batch, units]);
                    let found = run_lstm(&ours, Lstm::forward, input, state, &device);
                    let expected = run_lstm(&burn, burn::nn::Lstm::forward, input, state, &device);
                    let parameters = if bias { 16 } else { 8 };
                    assert_eq!(found.len(), 4 + 2 * usize::from(state.is_some()) + parameters);
                    assert_close(
                        &found,
                        &expected,
                        &format!("{device:?} {input:?} {units} {bias} {state:?} {reverse}"),
                    );
                }
            }
        }
    }
}

#[test]
fn a_gru_has_the_outputs_and_gradients_of_burns() {
    for device in devices() {
        for [batch, time, inputs, units] in SHAPES {
            for (bias, state) in [(true, true), (true, false), (false, true), (false, false)] {
                for reset_after in [true, false] {
                    let config = burn::nn::GruConfig::new(inputs, units, bias).with_reset_after(reset_after);
                    let burn = config.init(&device.clone().autodiff());
                    let ours = Gru::from(burn.clone());
                    assert_eq!(ours.uses_kernels(&Tensor::zeros([batch, time, inputs], &device)), time > 1);
                    let (input, state) = ([batch, time, inputs], state.then_some([batch, units]));
                    let found = run_gru(&ours, Gru::forward, input, state, &device);
                    let expected = run_gru(&burn, burn::nn::Gru::forward, input, state, &device);
                    let parameters = if bias { 12 } else { 6 };
                    assert_eq!(found.len(), 4 + usize::from(state.is_some()) + parameters);
                    assert_close(&found, &expected, &format!("{device:?} {input:?} {units} {bias} {reset_after}"));
                }
            }
        }
    }
}

#[test]
fn options_without_a_kernel_give_burns_results() {
    let device = Device::flex();
    let hard = || ActivationConfig::HardSigmoid(HardSigmoidConfig::new());
    let lstm = || LstmConfig::new(4, 6, true);
    let lstms = [
        lstm().with_clip(Some(0.2)),
        lstm().with_input_forget(true),
        lstm().with_gate_activation(hard()),
        lstm().with_cell_activation(ActivationConfig::Relu),
        lstm().with_hidden_activation(ActivationConfig::Identity),
    ];
    for config in lstms {
        let ours = config.init(&device.clone().autodiff());
        let burn = burn::nn::Lstm::from(ours.clone());
        let found = run_lstm(&ours, Lstm::forward, [3, 5, 4], Some([3, 6]), &device);
        assert_eq!(found, run_lstm(&burn, burn::nn::Lstm::forward, [3, 5, 4], Some([3, 6]), &device), "{config}");
    }
    let gru = || GruConfig::new(4, 6, true);
    let grus = [
        gru().with_clip(Some(0.2)),
        gru().with_gate_activation(hard()),
        gru().with_hidden_activation(ActivationConfig::Relu),
    ];
    for config in grus {
        let ours = config.init(&device.clone().autodiff());
        let burn = burn::nn::Gru::from(ours.clone());
        let found = run_gru(&ours, Gru::forward, [3, 5, 4], None, &device);
        assert_eq!(found, run_gru(&burn, burn::nn::Gru::forward, [3, 5, 4], None, &device), "{config}");
    }
}

#[test]
fn an_empty_sequence_gives_burns_result() {
    let device = Device::flex();
    let lstm = LstmConfig::new(4, 6, true).init(&device);
    let (output, state) = lstm.forward(Tensor::zeros([2, 0, 4], &device), None);
    assert_eq!((output.dims(), state.hidden.dims()), ([2, 0, 6], [2, 6]));
    assert_eq!(values(state.cell), [0.0; 12]);
}

#[test]
fn records_load_into_burns_modules_and_back() {
    let device = Device::flex();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("weights.bpk");
    let input = tensor(1, [3, 5, 4], &device);
    for bias in [true, false] {
        let ours = LstmConfig::new(4, 6, bias).init(&device);
        let burn = || burn::nn::LstmConfig::new(4, 6, bias).init(&device);
        let expected = values(ours.forward(input.clone(), None).0);
        ours.into_record().save(&file).unwrap();
        let loaded = burn().try_load_record(ModuleRecord::load(&file).unwrap()).unwrap();
        assert_close(
            &[values(loaded.forward(input.clone(), None).0)],
            std::slice::from_ref(&expected),
            "ours in Burn's LSTM",
        );
        let record = ModuleRecord::from_bytes(loaded.into_record().into_bytes().unwrap()).unwrap();
        let back = LstmConfig::new(4, 6, bias).init(&device).try_load_record(record).unwrap();
        assert_eq!(values(back.forward(input.clone(), None).0), expected);

        let ours = GruConfig::new(4, 6, bias).init(&device);
        let burn = || burn::nn::GruConfig::new(4, 6, bias).init(&device);
        let expected = values(ours.forward(input.clone(), None));
        let loaded = burn().try_load_record(ours.into_record()).unwrap();
        assert_close(
            &[values(loaded.forward(input.clone(), None))],
            std::slice::from_ref(&expected),
            "ours in Burn's GRU",
        );
        let back = GruConfig::new(4, 6, bias).init(&device).try_load_record(loaded.into_record()).unwrap();
        assert_eq!(values(back.forward(input.clone(), None)), expected);
    }
}

#[test]
fn configurations_have_the_json_of_burns() {
    let config = LstmConfig::new(4, 6, true).with_clip(Some(2.0)).with_reverse(true);
    let burn = burn::nn::LstmConfig::new(4, 6, true).with_clip(Some(2.0)).with_reverse(true);
    assert_eq!(config.to_string(), burn.to_string());
    let config = GruConfig::new(4, 6, true).with_reset_after(false);
    let burn = burn::nn::GruConfig::new(4, 6, true).with_reset_after(false);
    assert_eq!(config.to_string(), burn.to_string());
}

#[test]
fn frozen_parameters_get_no_gradient_and_inference_has_no_graph() {
    let device = Device::flex().autodiff();
    let mut lstm = LstmConfig::new(4, 6, true).init(&device);
    lstm.cell_gate = lstm.cell_gate.no_grad();
    let (output, _) = lstm.forward(tensor(1, [3, 5, 4], &device), None);
    let expected = values(output.clone());
    let gradients = output.sum().backward();
    let has_gradient = |gate: &super::GateController| {
        let weights = [&gate.input_transform.weight, &gate.hidden_transform.weight];
        weights.map(|weight| weight.val().grad(&gradients).is_some())
    };
    assert_eq!(has_gradient(&lstm.cell_gate), [false, false]);
    assert_eq!(has_gradient(&lstm.output_gate), [true, true]);

    let device = Device::flex();
    let (output, _) = lstm.valid().forward(tensor(1, [3, 5, 4], &device), None);
    assert!(!output.device().is_autodiff());
    assert_eq!(values(output), expected);
}
