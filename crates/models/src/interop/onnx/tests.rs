//! Compares exported models with our own forward pass: all of them as an evaluator of the operators computes them, and as `rten`
//! does those that it reads. The same files are committed, and `cargo xtask parity` has onnxruntime compute them.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use rten::Model;
use serde_json::{Value, json};
use text_prep::Tokenizer;

use super::evaluator::Evaluator;
use super::test_models::{Case, IDS, LABELS, Outputs, VOCABULARY, assert_close, bundle, cases, config_of, expected};
use super::*;
use crate::init::Initialization;
use crate::interop::array::Array;
use crate::language_model::LanguageModelConfig;
use crate::stack::{LayerConfig, Stack};

fn written(bundle: &LmBundle) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    write_onnx(&path, bundle, &[2]).unwrap();
    std::fs::read(path).unwrap()
}

/// What another program computes for the steps of all rows: from the names and values of the inputs to the outputs.
type Run<'a> = &'a dyn Fn(HashMap<String, Array>) -> Outputs;

/// Compares the outputs for all steps at once and for chunks of them, whose states are fed back.
fn assert_at_once_and_in_chunks(name: &str, inputs: &[String], expected: &Outputs, run: Run) {
    let rows = |steps: Range<usize>| {
        let values = IDS.iter().flat_map(|row| row[steps.clone()].to_vec()).map(f64::from).collect();
        Array { shape: vec![3, steps.len()], values }
    };
    for chunks in [&[5][..], &[1, 2, 2]] {
        let mut states: HashMap<String, Array> = HashMap::new();
        // The logits of each row, step by step.
        let mut logits = vec![Vec::new(); 3];
        let (mut from, mut outputs) = (0, Vec::new());
        for &count in chunks {
            let value = |name: &String| match name.as_str() {
                "ids" => rows(from..from + count),
                "labels" => Array { shape: vec![3, 1], values: LABELS.map(f64::from).into() },
                _ => states.get(name).cloned().unwrap_or_else(|| {
                    let shape = expected.iter().find(|(output, _)| *output == name.replace("_in", "_out")).unwrap();
                    Array { values: vec![0.0; shape.1.values.len()], shape: shape.1.shape.clone() }
                }),
            };
            outputs = run(inputs.iter().map(|name| (name.clone(), value(name))).collect());
            from += count;
            states = outputs[1..].iter().map(|(name, state)| (name.replace("_out", "_in"), state.clone())).collect();
            let Array { shape, values } = &outputs[0].1;
            assert_eq!(*shape, [3, count, VOCABULARY], "{name}");
            logits.iter_mut().zip(values.chunks(count * VOCABULARY)).for_each(|(row, values)| row.extend(values));
        }
        outputs[0].1 = Array { shape: vec![3, 5, VOCABULARY], values: logits.concat() };
        assert_close(&outputs, expected, name);
    }
}

#[test]
fn all_exported_graphs_compute_the_same_logits_and_states_at_once_and_in_chunks() {
    for Case { name, config, .. } in cases() {
        let bundle = bundle(config);
        let evaluator = Evaluator::new(&written(&bundle)).unwrap();
        let run = |inputs| -> Outputs { evaluator.outputs.iter().cloned().zip(evaluator.run(inputs)).collect() };
        assert_at_once_and_in_chunks(name, &evaluator.inputs, &expected(&bundle.model), &run);
    }
}

#[test]
fn rten_computes_the_same_logits_and_states_at_once_and_in_chunks() {
    for Case { name, config, .. } in cases().into_iter().filter(|case| case.is_in_rten) {
        let bundle = bundle(config);
        let model = Model::load(written(&bundle)).unwrap();
        let names = |ids: &[rten::NodeId]| -> Vec<String> {
            ids.iter().map(|&id| model.node_info(id).unwrap().name().unwrap().into()).collect()
        };
        let inputs = names(model.input_ids());
        let run = |values: HashMap<String, Array>| -> Outputs {
            let value = |name: &String| {
                let Array { shape, values } = &values[name];
                // Two shapes of different ranks.
                match name.as_str() {
                    "ids" | "labels" => {
                        let ids = values.iter().map(|&value| value as i32).collect::<Vec<_>>();
                        rten::Value::from_shape([shape[0], shape[1]], ids).unwrap().into()
                    }
                    _ => {
                        let state = values.iter().map(|&value| value as f32).collect::<Vec<_>>();
                        rten::Value::from_shape([shape[0], shape[1], shape[2]], state).unwrap().into()
                    }
                }
            };
            let inputs = model.input_ids().iter().copied().zip(inputs.iter().map(value)).collect();
            let outputs = model.run(inputs, model.output_ids(), None).unwrap();
            let arrays = outputs.into_iter().map(|output| {
                let (shape, values) = output.into_shape_vec::<f32, 3>().unwrap();
                Array { shape: shape.into(), values: values.into_iter().map(f64::from).collect() }
            });
            names(model.output_ids()).into_iter().zip(arrays).collect()
        };
        assert_at_once_and_in_chunks(name, &inputs, &expected(&bundle.model), &run);
    }
}

/// The files that onnxruntime computes, and what it must give. `WRITE_FIXTURE=1` writes them.
#[test]
fn the_exported_files_are_those_that_onnxruntime_computes() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/onnx"));
    for Case { name, config, .. } in cases() {
        let bundle = bundle(config);
        let (file, report) = (folder.join(format!("{name}.onnx")), folder.join(format!("{name}.json")));
        let (bytes, outputs) = (written(&bundle), expected(&bundle.model));
        if std::env::var_os("WRITE_FIXTURE").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&file, &bytes).unwrap();
            let outputs: serde_json::Map<String, Value> = outputs
                .iter()
                .map(|(name, array)| (name.clone(), json!({"shape": array.shape, "data": array.values})))
                .collect();
            let labels = LABELS.map(|label| [label]);
            let value = json!({"ids": IDS, "labels": labels, "outputs": outputs});
            std::fs::write(&report, format!("{value}\n")).unwrap();
        }
        let committed = Evaluator::new(&std::fs::read(&file).unwrap()).unwrap();
        let is_same = committed.contents == Evaluator::new(&bytes).unwrap().contents;
        assert!(is_same, "{name}.onnx is another model: write it with WRITE_FIXTURE=1, then run `cargo xtask parity`");
        let report: Value = serde_json::from_str(&std::fs::read_to_string(&report).unwrap()).unwrap();
        let array = |name: &String| {
            let numbers = |key: &str| report["outputs"][name][key].as_array().unwrap().iter();
            let shape = numbers("shape").map(|size| size.as_u64().unwrap() as usize).collect();
            Array { shape, values: numbers("data").map(|value| value.as_f64().unwrap()).collect() }
        };
        let committed = outputs.iter().map(|(name, _)| (name.clone(), array(name))).collect();
        assert_close(&outputs, &committed, name);
    }
}

#[test]
fn a_file_that_ends_early_is_no_model() {
    let bytes = written(&bundle(config_of("lstm")));
    for end in [0, 1, 40, bytes.len() / 2, bytes.len() - 1] {
        assert!(Evaluator::new(&bytes[..end]).is_err() && Model::load(bytes[..end].to_vec()).is_err(), "{end}");
    }
}

#[test]
fn the_metadata_tells_how_to_write_a_text() {
    let bundle = bundle(config_of("documents"));
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
        let mut bundle = bundle(config_of("lstm"));
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
    let mut bundle = bundle(config_of("lstm"));
    let config = LanguageModelConfig::new(1 << 20, 1 << 10, vec![LayerConfig::lstm(8)]);
    bundle.model = config.zeros(&Device::flex()).unwrap();
    let error = write_onnx(Path::new("model.onnx"), &bundle, &[]).unwrap_err().to_string();
    assert!(error.contains("expected at most 2147483647") && error.contains("safetensors"), "{error}");
}
