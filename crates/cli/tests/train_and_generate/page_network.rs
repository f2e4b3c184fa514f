//! The network of a page computes the same logits as the program, for all cells, stacks and options.

use std::path::Path;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Int, Tensor, TensorData};
use models::f16_weights::f16_weights_to_bytes;
use models::int8_weights::{int8_weights_from_bytes, int8_weights_to_bytes};
use models::{
    Activation, AdaptiveSoftmax, CellKind, LanguageModel, LanguageModelConfig, LayerConfig, LstmOptions, PackedModel,
    Precision, TokenInput,
};
use serde_json::json;

use super::node::run_node;

const VOCABULARY: usize = 37;
/// The number of ids that are read.
pub const TOKENS: usize = 1_000;
/// The most by which a logit of a page may differ from that of the program.
pub const TOLERANCE: f64 = 1e-5;
const LABEL: u32 = 2;

/// All cells by name.
pub fn cell_kinds() -> [(&'static str, CellKind); 9] {
    [
        ("rnn", CellKind::Elman(Activation::Tanh)),
        ("rnn-sigmoid", CellKind::Elman(Activation::Sigmoid)),
        ("rnn-relu", CellKind::Elman(Activation::Relu)),
        ("lstm", CellKind::Lstm),
        ("gru", CellKind::Gru { reset_after: true }),
        ("gru-before", CellKind::Gru { reset_after: false }),
        ("lstm-norm", lstm_with(true, 0, 0)),
        ("mogrifier", lstm_with(false, 5, 0)),
        ("mogrifier-rank", lstm_with(true, 4, 3)),
    ]
}

/// Configurations by name.
fn cases() -> Vec<(String, LanguageModelConfig)> {
    let config = |layers| LanguageModelConfig::new(VOCABULARY, 5, layers);
    let mut cases: Vec<(String, LanguageModelConfig)> = Vec::new();
    for (name, kind) in cell_kinds() {
        let layer = LayerConfig::new(kind, 19);
        cases.push((name.into(), config(vec![layer.clone()])));
        let stack = vec![layer.clone().layer_norm(true), LayerConfig::gru(33), layer];
        let tied = config(stack).projection_dim(5).tie_weights(true).document_id(4).labels(["a", "b"]);
        cases.push((format!("{name}-stack"), tied));
    }
    let clusters = AdaptiveSoftmax::default().cutoffs([9, 20, 36]).division(2);
    let adaptive = config(vec![LayerConfig::lstm(24).layer_norm(true)]).adaptive_softmax(clusters);
    cases.push(("adaptive".into(), adaptive.clone()));
    cases.push(("adaptive-projection".into(), adaptive.projection_dim(6).document_id(30)));
    cases.push((
        "wide".into(),
        LanguageModelConfig::new(700, 48, vec![LayerConfig::lstm(130)]).projection_dim(48).tie_weights(true),
    ));
    cases
}

fn lstm_with(cell_norm: bool, mogrifier_rounds: usize, mogrifier_rank: usize) -> CellKind {
    CellKind::ExtendedLstm(LstmOptions { cell_norm, mogrifier_rounds, mogrifier_rank })
}

/// Makes vectors, such as biases, different from zero and one, and rounds all weights to multiples of 1/1024, which
/// half-precision floats below 1 represent. Gains are below 1/2: with normalised sums and gains of 1, a network with random weights
/// amplifies rounding errors from step to step, so that two orders of a sum give other logits after some hundred steps.
pub struct Weights(pub usize);

impl ModuleMapper for Weights {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        self.0 += 1;
        let first = 17 * self.0;
        param.map(|tensor| {
            let (shape, device) = (tensor.shape(), tensor.device());
            let values: Vec<f32> = tensor.try_into_vec_as().unwrap();
            let changed = values.into_iter().enumerate().map(|(at, value)| {
                let noise = (((first + 29 * at) % 61) as f32 - 30.0) / 128.0;
                let value = if D == 1 { value / 4.0 + noise } else { value };
                (1024.0 * value).round() / 1024.0
            });
            Tensor::from_data(TensorData::new(changed.collect(), shape), &device)
        })
    }
}

/// The ids that are read, with the document token of the cases among them.
fn ids(vocabulary: usize) -> Vec<u32> {
    let next = |state: &mut u64| {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Some((*state >> 33) as u32 % vocabulary as u32)
    };
    let mut state = 7;
    std::iter::from_fn(|| next(&mut state)).take(TOKENS).collect()
}

/// The logits after each id, one after another.
pub fn logits(model: &LanguageModel, ids: &[u32], label: u32) -> Vec<f32> {
    let Some(packed) = PackedModel::new(model, Precision::F32) else {
        let row =
            |values: Vec<i32>| Tensor::<2, Int>::from_data(TensorData::new(values, [1, ids.len()]), &model.device());
        let labels = model.label_embedding.is_some().then(|| row(vec![label as i32; ids.len()]));
        let input = TokenInput { ids: row(ids.iter().map(|&id| id as i32).collect()), labels };
        return model.forward_all(input, model.init_state(1)).0.try_into_vec_as().unwrap();
    };
    let mut state = packed.init_state(1).with_labels(&[label]);
    let mut logits = Vec::new();
    for &id in ids {
        packed.step(&[id], &mut state);
        logits.extend(packed.logits(&mut state).flatten());
    }
    logits
}

fn write(folder: &Path, name: &str, bytes: &[u8]) {
    std::fs::write(folder.join(name), bytes).unwrap();
}

#[test]
fn a_page_computes_the_logits_of_the_program_for_every_cell_stack_and_option() {
    let folder = tempfile::tempdir().unwrap();
    let device = kernels::default_device();
    let mut listed = Vec::new();
    for (name, config) in cases() {
        let model = config.init(3, &device).unwrap().map(&mut Weights(0));
        let int8 = int8_weights_to_bytes(&model).unwrap();
        let rounded = int8_weights_from_bytes(config.zeros(&device).unwrap(), &int8).unwrap();
        let ids = ids(config.vocab_size);
        for (precision, model, weights) in
            [("int8", &rounded, int8), ("f16", &model, f16_weights_to_bytes(&model).unwrap())]
        {
            let label = if config.labels.is_empty() { 0 } else { LABEL };
            let logits = logits(model, &ids, label);
            assert_eq!(logits.len(), TOKENS * config.vocab_size);
            let bytes: Vec<u8> = logits.iter().flat_map(|logit| logit.to_le_bytes()).collect();
            let [weights_file, logits_file] = ["weights", "logits"].map(|part| format!("{name}-{precision}.{part}"));
            write(folder.path(), &weights_file, &weights);
            write(folder.path(), &logits_file, &bytes);
            listed.push(json!({
                "name": format!("{name}, {precision}"), "config": config, "weights": weights_file, "logits": logits_file,
                "within": TOLERANCE, "ids": ids, "label": label,
            }));
        }
    }
    write(folder.path(), "cases.json", serde_json::to_string(&listed).unwrap().as_bytes());
    run_node("network_cases.mjs", &[folder.path()]);
}
