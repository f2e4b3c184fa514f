//! Gradients by autodiff against central differences, in f64.

use burn::tensor::{DType, Int, Tensor, TensorData};
use models::{AdaptiveSoftmax, DropoutKey, ForwardOptions, LanguageModelConfig, LayerConfig, Stack, State, TokenInput};

use super::gradient_check::{STEP, TOLERANCE, assert_gradients};
use super::{BATCH, SETTINGS, Setting, TIME, all_stacks, noisy, stacks, values};

fn f64s() -> Setting {
    SETTINGS.into_iter().find(|setting| setting.dtype == DType::F64).unwrap()
}

/// Σ outputs ∘ R + Σ states ∘ S with fixed R and S: depends on every output and every state.
fn weighted_sum(setting: Setting, (outputs, state): (Vec<Tensor<2>>, State)) -> Tensor<1> {
    let weighted = |name: String, tensor: Tensor<2>| {
        let weights = setting.normal(&name, tensor.dims());
        (tensor * weights).sum()
    };
    let outputs = outputs.into_iter().enumerate().map(|(t, output)| weighted(format!("R {t}"), output));
    let states = state.into_iter().enumerate().flat_map(|(index, cell)| {
        let inner = cell.cell.map(|cell| weighted(format!("S {index} memory"), cell));
        [Some(weighted(format!("S {index}"), cell.hidden)), inner]
    });
    outputs.chain(states.flatten()).reduce(|a, b| a + b).unwrap()
}

#[test]
fn the_gradients_of_every_stack_are_central_differences() {
    let setting = f64s();
    for (name, layers) in all_stacks() {
        let stack = setting.stack(&layers);
        let run = |stack: &Stack| {
            let (inputs, state) = (setting.inputs(BATCH, TIME), setting.state(stack, BATCH));
            weighted_sum(setting, super::run(stack, inputs, state))
        };
        assert_gradients(&name, &stack, run);
    }
}

#[test]
fn the_gradients_of_every_stack_are_central_differences_with_resets() {
    let setting = f64s();
    for (name, layers) in stacks() {
        let stack = setting.stack(&layers);
        let keep_state = Some(setting.keep_state(BATCH, TIME));
        let options = ForwardOptions { keep_state, ..ForwardOptions::default() };
        let run = |stack: &Stack| {
            let (inputs, state) = (setting.inputs(BATCH, TIME), setting.state(stack, BATCH));
            weighted_sum(setting, super::run_as(stack, inputs, state, &options))
        };
        assert_gradients(&name, &stack, run);
    }
}

#[test]
fn the_gradients_of_inputs_and_states_are_central_differences() {
    let setting = f64s();
    for (name, layers) in all_stacks() {
        let stack = setting.stack(&layers);
        let first = setting.normal("input 0", [BATCH, super::INPUTS]);
        let state = setting.state(&stack, BATCH);
        let run = |first: Tensor<2>, hidden: Tensor<2>| {
            let mut inputs = setting.inputs(BATCH, TIME);
            inputs[0] = first;
            let mut state = state.clone();
            state[0].hidden = hidden;
            weighted_sum(setting, super::run(&stack, inputs, state))
        };
        let with_gradient = |tensor: &Tensor<2>| tensor.clone().autodiff().require_grad();
        let (input, hidden) = (with_gradient(&first), with_gradient(&state[0].hidden));
        let gradients = run(input.clone(), hidden.clone()).backward();
        let moved = |tensor: &Tensor<2>, index: usize, by: f64| {
            let mut changed = values(tensor);
            changed[index] += by;
            let options = (&tensor.device(), tensor.dtype());
            Tensor::<2>::from_data(TensorData::new(changed, tensor.dims()), options)
        };
        let of_input = values(&input.grad(&gradients).unwrap());
        let of_hidden = values(&hidden.grad(&gradients).unwrap());
        for (index, found) in of_input.iter().enumerate() {
            let value = |by| run(moved(&first, index, by), state[0].hidden.clone());
            assert_difference(&name, value, *found);
        }
        for (index, found) in of_hidden.iter().enumerate() {
            let value = |by| run(first.clone(), moved(&state[0].hidden, index, by));
            assert_difference(&name, value, *found);
        }
    }
}

fn assert_difference(name: &str, value: impl Fn(f64) -> Tensor<1>, found: f64) {
    let value = |by| value(by).try_into_scalar::<f64>().unwrap();
    let difference = (value(STEP) - value(-STEP)) / (2.0 * STEP);
    assert!((difference - found).abs() < TOLERANCE * 10.0, "{name}: {difference} {found}");
}

#[test]
fn the_gradients_of_whole_models_are_central_differences_with_dropout() {
    let layer = LayerConfig::lstm(5).recurrent_dropout(0.3).layer_norm(true);
    let plain = LanguageModelConfig::new(7, 3, vec![LayerConfig::lstm(4)]);
    let options = LanguageModelConfig::new(7, 3, vec![layer.clone(), layer])
        .tie_weights(true)
        .projection_dim(3)
        .dropout(0.2)
        .layer_dropout(0.2)
        .embedding_dropout(0.2)
        .input_dropout(0.2)
        .activation_regularization(2.0)
        .temporal_activation_regularization(1.0)
        .locked_dropout(true);
    let documents = plain.clone().document_id(2).labels("ab".chars());
    // Targets in the head and in both clusters.
    let adaptive = plain.clone().adaptive_softmax(AdaptiveSoftmax::default().cutoffs([3, 5]).division(2));
    let projected = adaptive.clone().projection_dim(3).dropout(0.2);
    let extended = LayerConfig::lstm(4).cell_norm(true).mogrifier_rounds(3).mogrifier_rank(2).recurrent_dropout(0.3);
    let extended = documents.clone().layers([extended.clone(), extended]).layer_dropout(0.2);
    for config in [plain, options, documents, adaptive, projected, extended] {
        let device = burn::tensor::Device::flex();
        let model = noisy(config.init_with_dtype(2, DType::F64, &device).unwrap());
        let key = DropoutKey { seed: 1, step: 4 };
        let loss = |model: &models::LanguageModel| {
            let device = model.output.bias.val().device();
            let ids = Tensor::<2, Int>::from_ints([[1, 2, 3, 1], [4, 5, 6, 6]], &device);
            let targets = Tensor::<2, Int>::from_ints([[3, 1], [6, 2]], &device);
            let labels = Tensor::<2, Int>::from_ints([[1, 0, 0, 2], [2, 2, 1, 1]], &device);
            let input = TokenInput { ids, labels: Some(labels) };
            model.forward_train(input, targets, model.init_state(2), key).0.minimized()
        };
        assert_gradients("a whole model", &model, loss);
    }
}
