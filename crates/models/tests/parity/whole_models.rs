//! Whole models: loss and gradients, and weight files of both frameworks.

use std::collections::BTreeMap;

use burn::module::Module;
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use models::interop::{Layout, Tensors, export, import, read_safetensors, write_safetensors};
use models::{Activation, AdaptiveSoftmax, CellKind, LanguageModelConfig, LayerConfig};
use serde::Deserialize;

use super::fixtures::{Stored, fixture, path, tensors};

const LSTM: CellKind = CellKind::Lstm;
const GRU: CellKind = CellKind::Gru { reset_after: true };
const RNN: CellKind = CellKind::Elman(Activation::Tanh);

/// The sizes of the fixtures: seven ids, embedding dimension three, four hidden units.
fn config(kinds: &[CellKind]) -> LanguageModelConfig {
    let layers = kinds.iter().map(|&kind| LayerConfig::new(kind, 4)).collect();
    LanguageModelConfig::new(7, 3, layers)
}

fn ids(rows: &[Vec<i32>], device: &Device) -> Tensor<2, Int> {
    let data = TensorData::new(rows.concat(), [rows.len(), rows[0].len()]);
    Tensor::from_data(data, device)
}

#[test]
fn the_loss_and_all_gradients_of_a_language_model_are_those_of_keras() {
    #[derive(Deserialize)]
    struct Case {
        ids: Vec<Vec<i32>>,
        targets: Vec<i32>,
        weights: BTreeMap<String, Stored>,
        logits: Stored,
        loss_nats_per_token: f64,
        weight_gradients: BTreeMap<String, Stored>,
    }
    let case: Case = fixture("language_model.json");
    let device = Device::flex();
    for (dtype, tolerance) in [(DType::F64, 1e-9), (DType::F32, 1e-5)] {
        let model = config(&[LSTM]).init_with_dtype(1, dtype, &device).unwrap();
        let model = import(model, Layout::Keras, tensors(&case.weights)).unwrap().model.trainable();
        let autodiff = device.clone().autodiff();
        let (logits, _) = model.forward_last(ids(&case.ids, &autodiff), model.init_state(2));
        case.logits.assert_equals(logits, tolerance, "logits");
        let targets = Tensor::<1, Int>::from_ints(case.targets.as_slice(), &autodiff);
        let (ids, targets) = (ids(&case.ids, &autodiff), targets.unsqueeze_dim(1));
        let loss = model.forward_loss(ids, targets, model.init_state(2), None).0.mean();
        let found = loss.clone().try_into_scalar::<f64>().unwrap();
        assert!((found - case.loss_nats_per_token).abs() <= tolerance * found, "{found}");

        let gradients = loss.backward();
        let models::Cell::Lstm(cell) = &model.stack.layers[0].cell else { panic!("an LSTM") };
        let embedding = model.embedding.weight.val().grad(&gradients).unwrap();
        let kernel = model.output.kernel.as_ref().unwrap().val().grad(&gradients).unwrap();
        let expected = |name: &str| &case.weight_gradients[&format!("sequential/{name}")];
        expected("embedding/embeddings").assert_equals(embedding, tolerance, "embedding");
        expected("dense/kernel").assert_equals(kernel, tolerance, "dense kernel");
        for (name, found) in [
            ("lstm/lstm_cell/kernel", cell.kernel.val().grad(&gradients)),
            ("lstm/lstm_cell/recurrent_kernel", cell.recurrent_kernel.val().grad(&gradients)),
        ] {
            expected(name).assert_equals(found.unwrap(), tolerance, name);
        }
        for (name, found) in [
            ("lstm/lstm_cell/bias", cell.bias.val().grad(&gradients)),
            ("dense/bias", model.output.bias.val().grad(&gradients)),
        ] {
            expected(name).assert_equals(found.unwrap(), tolerance, name);
        }
    }
}

#[derive(Deserialize)]
struct File {
    ids: Vec<Vec<i32>>,
    logits: Stored,
}

fn files() -> Vec<(&'static str, Layout, LanguageModelConfig)> {
    let before = CellKind::Gru { reset_after: false };
    let (pytorch, keras) = (Layout::Pytorch, Layout::Keras);
    let adaptive = config(&[LSTM]).adaptive_softmax(AdaptiveSoftmax::default().cutoffs([3, 5]).division(2));
    vec![
        ("pytorch_rnn", pytorch, config(&[RNN])),
        ("pytorch_lstm", pytorch, config(&[LSTM])),
        ("pytorch_gru", pytorch, config(&[GRU])),
        ("pytorch_stack", pytorch, config(&[LSTM, LSTM])),
        ("pytorch_adaptive", pytorch, adaptive),
        ("keras_rnn", keras, config(&[RNN])),
        ("keras_lstm", keras, config(&[LSTM])),
        ("keras_gru", keras, config(&[GRU])),
        ("keras_gru_before", keras, config(&[before])),
        ("keras_stack", keras, config(&[LSTM, LSTM])),
    ]
}

#[test]
fn imported_models_give_the_logits_of_the_frameworks() {
    let device = Device::flex();
    for (name, layout, config) in files() {
        let tensors = read_safetensors(&path(&format!("weights/{name}.safetensors"))).unwrap();
        let model = import(config.zeros(&device).unwrap(), layout, tensors).unwrap().model;
        let file: File = fixture(&format!("weights/{name}.json"));
        let (logits, _) = model.forward_last(ids(&file.ids, &device), model.init_state(file.ids.len()));
        file.logits.assert_equals(logits, 1e-5, name);
    }
}

#[test]
fn exported_weights_are_those_that_were_imported() {
    let folder = tempfile::tempdir().unwrap();
    let device = Device::flex();
    for (name, layout, config) in files() {
        let found = read_safetensors(&path(&format!("weights/{name}.safetensors"))).unwrap();
        let model = import(config.zeros(&device).unwrap(), layout, found.clone()).unwrap().model;
        let exported = export(&model, layout).unwrap();
        // Keras puts the name of a sequential model before every path.
        let ours = |name: &str| name.strip_prefix("sequential/").unwrap_or(name).to_string();
        let found: Tensors = found.into_iter().map(|(name, array)| (ours(&name), array)).collect();
        assert_eq!(exported.keys().collect::<Vec<_>>(), found.keys().collect::<Vec<_>>(), "{name}");
        for (tensor, expected) in &found {
            // Two biases that are added are exported as their sum and zero.
            if !tensor.contains("bias_") || name == "pytorch_gru" {
                assert_eq!(&exported[tensor], expected, "{name} {tensor}");
            }
        }
        // The written file gives the same logits again.
        let file = folder.path().join(name);
        write_safetensors(&file, &exported).unwrap();
        let again = import(config.zeros(&device).unwrap(), layout, read_safetensors(&file).unwrap()).unwrap().model;
        let rows = ids(&[vec![1, 2, 3]], &device);
        let logits = |model: &models::LanguageModel| -> Vec<f32> {
            model.forward_last(rows.clone(), model.init_state(1)).0.try_into_vec_as().unwrap()
        };
        assert_eq!(logits(&model), logits(&again), "{name}");
    }
}

#[test]
fn a_file_for_another_model_is_rejected_with_all_differences() {
    let device = Device::flex();
    let tensors = read_safetensors(&path("weights/pytorch_stack.safetensors")).unwrap();
    let other = LanguageModelConfig::new(8, 3, vec![LayerConfig::new(LSTM, 4)]);
    let model = || other.zeros(&device).unwrap();
    assert_eq!(model().num_params(), other.init(1, &device).unwrap().num_params());
    let error = import(model(), Layout::Pytorch, tensors.clone()).unwrap_err().to_string();
    assert!(error.contains("embedding.weight (found [7, 3], expected [8, 3])"), "{error}");
    assert!(error.contains("extra: rnn.bias_hh_l1 [16]"), "{error}");
    let error = import(model(), Layout::Keras, tensors).unwrap_err().to_string();
    assert!(error.contains("missing: embedding/embeddings [8, 3]"), "{error}");
    assert!(error.contains("extra: embedding.weight [7, 3]"), "{error}");
    assert!(!error.contains('\n'), "{error}");
}
