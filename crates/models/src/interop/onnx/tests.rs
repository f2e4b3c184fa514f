//! Compares exported models, read by `rten`, with our own forward pass.

use std::path::Path;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Int, Tensor, TensorData};
use rten::{Model, NodeId, Value};
use text_prep::{Cleaner, OovPolicy, PreTokenizer, Tokenizer, Vocabulary, WordOptions};

use super::*;
use crate::adaptive_softmax::AdaptiveSoftmax;
use crate::bundle::LmMetadata;
use crate::cell::CellKind;
use crate::init::Initialization;
use crate::language_model::{LanguageModelConfig, TokenInput};
use crate::stack::{LayerConfig, Stack};

const VOCABULARY: usize = 13;
/// The document token begins the second row and is nowhere else.
const IDS: [[i32; 5]; 3] = [[3, 1, 12, 0, 3], [2, 5, 6, 7, 8], [9, 10, 11, 4, 4]];
const LABELS: [i32; 3] = [0, 2, 1];

/// Kinds of layers and options that `rten` has, by name: it has neither a vanilla RNN nor the GRU whose reset gate is before the
/// product.
fn cases() -> Vec<(&'static str, LanguageModelConfig)> {
    let config = |layers| LanguageModelConfig::new(VOCABULARY, 4, layers);
    let single = |kind| config(vec![LayerConfig::new(kind, 5)]);
    let lstm = LayerConfig::lstm(5);
    let stack = config(vec![lstm.clone().layer_norm(true), LayerConfig::gru(6), lstm.clone().layer_norm(true)]);
    let adaptive = AdaptiveSoftmax::default().cutoffs([4, 9]).division(2);
    vec![
        ("lstm", single(CellKind::Lstm)),
        ("gru", single(CellKind::Gru { reset_after: true })),
        ("stack", stack.projection_dim(4).tie_weights(true)),
        ("documents", config(vec![lstm.clone(), LayerConfig::gru(5)]).document_id(2).labels(["a", "b"])),
        ("adaptive", config(vec![lstm]).projection_dim(6).adaptive_softmax(adaptive)),
    ]
}

/// Replaces each weight by a multiple of 1/64: biases are not zero, and no two weights of a gate are equal by chance.
struct Weights(usize);

impl ModuleMapper for Weights {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        self.0 += 1;
        let first = 17 * self.0;
        param.map(|tensor| {
            let values = (0..tensor.shape().num_elements()).map(|at| (((first + 29 * at) % 61) as f32 - 30.0) / 64.0);
            Tensor::from_data(TensorData::new(values.collect(), tensor.shape()), &tensor.device())
        })
    }
}

fn bundle(config: LanguageModelConfig) -> LmBundle {
    let words = ["the", "fox", "saw", "a", "grape", "and", "ran", "away", "from", "it", "."];
    let counts = words.iter().rev().enumerate().rev().map(|(count, word)| (*word, count as u64 + 1));
    let tokenizer = Tokenizer {
        cleaner: Cleaner::preset("prose").unwrap(),
        pre_tokenizer: PreTokenizer::Words(WordOptions::default()),
        vocabulary: Vocabulary::from_counts(counts, 1, true),
        document_separator: None,
        oov: OovPolicy::Unknown,
    };
    assert_eq!(tokenizer.vocabulary.len(), VOCABULARY);
    let model = config.init(1, &Device::flex()).unwrap().map(&mut Weights(0));
    LmBundle::new(model, tokenizer, LmMetadata::new(config, 20, 1, String::new()))
}

fn written(bundle: &LmBundle) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    write_onnx(&path, bundle, &[2]).unwrap();
    std::fs::read(path).unwrap()
}

/// The names and values of the outputs.
type Outputs = Vec<(String, Vec<f32>)>;

/// Our own outputs for all of [`IDS`].
fn expected(model: &LanguageModel) -> Outputs {
    let rows = |rows: [[i32; 5]; 3]| Tensor::<2, Int>::from_ints(rows, &Device::flex());
    let input = TokenInput { ids: rows(IDS), labels: Some(rows(LABELS.map(|label| [label; 5]))) };
    let (logits, state) = model.forward_all(input, model.init_state(3));
    let mut outputs = vec![("logits".to_string(), logits.try_into_vec_as().unwrap())];
    for (index, layer) in state.into_iter().enumerate() {
        outputs.push((format!("h{index}_out"), layer.hidden.try_into_vec_as().unwrap()));
        outputs.extend(layer.cell.map(|cell| (format!("c{index}_out"), cell.try_into_vec_as().unwrap())));
    }
    outputs
}

fn assert_close(found: &Outputs, expected: &Outputs, name: &str) {
    let names = |outputs: &Outputs| outputs.iter().map(|output| output.0.clone()).collect::<Vec<_>>();
    assert_eq!(names(found), names(expected), "{name}");
    for ((output, found), (_, expected)) in found.iter().zip(expected) {
        assert_eq!(found.len(), expected.len(), "{name}, {output}");
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{name}, {output}: {found} {expected}");
        }
    }
}

/// What `rten` computes for all rows from `steps` on, with states that it returned before.
fn run(model: &Model, steps: std::ops::Range<usize>, states: Vec<Value>) -> Vec<Value> {
    let count = steps.len();
    let ids = IDS.iter().flat_map(|row| row[steps.clone()].to_vec()).collect();
    let mut inputs: Vec<(NodeId, _)> = vec![(model.input_ids()[0], Value::from_shape([3, count], ids).unwrap().into())];
    let mut states = states.into_iter();
    for &input in &model.input_ids()[1..] {
        let value = match model.node_info(input).unwrap().name() {
            Some("labels") => Value::from_shape([3, 1], LABELS.to_vec()).unwrap(),
            _ => states.next().unwrap(),
        };
        inputs.push((input, value.into()));
    }
    model.run(inputs, model.output_ids(), None).unwrap()
}

#[test]
fn rten_computes_the_same_logits_and_states_at_once_and_in_chunks() {
    for (name, config) in cases() {
        let bundle = bundle(config);
        let model = Model::load(written(&bundle)).unwrap();
        let zeros = || -> Vec<Value> {
            let layers = &bundle.model.stack.layers;
            let state = bundle.model.init_state(3);
            let per_layer = state
                .iter()
                .zip(layers)
                .flat_map(|(state, layer)| vec![layer.cell.units(); 1 + usize::from(state.cell.is_some())]);
            per_layer.map(|units| Value::from_shape([1, 3, units], vec![0f32; 3 * units]).unwrap()).collect()
        };
        let expected = expected(&bundle.model);
        for chunks in [&[5][..], &[1, 2, 2]] {
            let mut states = zeros();
            // The logits of each row, step by step.
            let mut logits = vec![Vec::new(); 3];
            let mut from = 0;
            for &count in chunks {
                let mut outputs = run(&model, from..from + count, states);
                from += count;
                states = outputs.split_off(1);
                let (shape, values) = outputs.remove(0).into_shape_vec::<f32, 3>().unwrap();
                assert_eq!(shape, [3, count, VOCABULARY]);
                logits.iter_mut().zip(values.chunks(count * VOCABULARY)).for_each(|(row, values)| row.extend(values));
            }
            let names = model.output_ids().iter().map(|&id| model.node_info(id).unwrap().name().unwrap().to_string());
            let states = states.into_iter().map(|state| state.into_shape_vec::<f32, 3>().unwrap().1);
            let found = names.zip(std::iter::once(logits.concat()).chain(states)).collect();
            assert_close(&found, &expected, name);
        }
    }
}

#[test]
fn the_metadata_tells_how_to_write_a_text() {
    let (_, config) = cases().into_iter().find(|(name, _)| *name == "documents").unwrap();
    let bundle = bundle(config);
    let model = Model::load(written(&bundle)).unwrap();
    let entry = |key: &str| model.metadata().get(key).unwrap().to_string();
    assert_eq!(
        (model.metadata().producer_name(), model.metadata().producer_version()),
        (Some("pastiche"), Some(env!("CARGO_PKG_VERSION")))
    );
    assert_eq!(Tokenizer::from_json(&entry("tokenizer")).unwrap(), bundle.tokenizer);
    let tokens: Vec<String> = serde_json::from_str(&entry("tokens")).unwrap();
    assert_eq!((tokens.len(), tokens[2].as_str(), tokens[12].as_str()), (VOCABULARY, "the", "."));
    let found =
        ["start_ids", "never_sampled", "state_mode", "window", "document_id", "unknown_id", "labels"].map(entry);
    assert_eq!(found, ["[2]", "[0,1]", "carried", "20", "2", "1", r#"["a","b"]"#]);
    assert_eq!(entry("weights_sha256"), sha256(&weights_to_bytes(&bundle.model).unwrap()));
}

#[test]
fn a_model_that_onnx_cannot_express_is_rejected_by_key() {
    let (lstm, device) = (LayerConfig::lstm(3), Device::flex());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    for (layer, key) in [
        (lstm.clone().cell_norm(true), "cell_norm"),
        (lstm.clone().mogrifier_rounds(5), "mogrifier_rounds"),
        (lstm.clone().bidirectional(true), "bidirectional"),
    ] {
        let mut bundle = bundle(cases().remove(0).1);
        let config = LanguageModelConfig::new(VOCABULARY, 4, vec![lstm.clone()]);
        bundle.model = config.init(1, &device).unwrap();
        let weights = Initialization::new(1, &device);
        bundle.model.stack = Stack::new(4, &[lstm.clone(), layer], &weights);
        let error = write_onnx(&path, &bundle, &[]).unwrap_err().to_string();
        assert!(error.contains(&format!("model.layers[1].{key}")), "{error}");
    }
    assert!(!path.exists());
}

#[test]
fn a_model_above_two_gigabytes_is_rejected_before_its_weights_take_memory() {
    let mut bundle = bundle(cases().remove(0).1);
    let config = LanguageModelConfig::new(1 << 20, 1 << 10, vec![LayerConfig::lstm(8)]);
    bundle.model = config.zeros(&Device::flex()).unwrap();
    let error = write_onnx(Path::new("model.onnx"), &bundle, &[]).unwrap_err().to_string();
    assert!(error.contains("expected at most 2147483647") && error.contains("safetensors"), "{error}");
}
