//! Model files of Keras: archives, HDF5 of Keras 3 and in the layout of Keras 2, and files that are rejected.

use std::fs;

use burn::tensor::{Device, Int, Tensor};
use models::interop::{Layout, import, is_keras_file, is_pytorch_file, read_weights};
use models::{Activation, CellKind, LanguageModelConfig, LayerConfig};
use serde::Deserialize;

use super::fixtures::{Stored, fixture, path};

#[derive(Deserialize)]
struct Report {
    ids: Vec<Vec<i32>>,
    logits: Stored,
}

#[test]
fn saved_models_give_the_logits_of_keras() {
    let device = Device::flex();
    let lstm = LayerConfig::lstm(4);
    let one = |kind| vec![LayerConfig::new(kind, 4)];
    for (name, layers) in [
        ("stack.keras", vec![lstm.clone().layer_norm(true), lstm.clone()]),
        ("gru.weights.h5", one(CellKind::Gru { reset_after: true })),
        ("rnn.h5", one(CellKind::Elman(Activation::Tanh))),
        ("keras_2.hdf5", vec![lstm]),
    ] {
        let file = path(&format!("keras_archives/{name}"));
        assert!(is_keras_file(&file).unwrap(), "{name}");
        let tensors = read_weights(&file, None).unwrap();
        let model = LanguageModelConfig::new(7, 3, layers).zeros(&device).unwrap();
        let model = import(model, Layout::Keras, tensors).unwrap().model;
        let report: Report = fixture(&format!("keras_archives/{name}.json"));
        let rows = Tensor::<1, Int>::from_ints(report.ids.concat().as_slice(), &device);
        let rows = rows.reshape([report.ids.len(), report.ids[0].len()]);
        let (logits, _) = model.forward_last(rows, model.init_state(report.ids.len()));
        report.logits.assert_equals(logits, 1e-5, name);
    }
    assert!(!is_keras_file(&path("checkpoints/char_rnn.pt")).unwrap());
    assert!(!is_pytorch_file(&path("keras_archives/rnn.h5")).unwrap());
}

#[test]
fn a_file_for_another_model_is_rejected_with_all_differences() {
    let tensors = read_weights(&path("keras_archives/stack.keras"), None).unwrap();
    let model = LanguageModelConfig::new(8, 3, vec![LayerConfig::lstm(4)]).zeros(&Device::flex()).unwrap();
    let error = import(model, Layout::Keras, tensors).unwrap_err().to_string();
    for part in [
        "embedding/embeddings (found [7, 3], expected [8, 3])",
        "dense/bias (found [7], expected [8])",
        "lstm_1/lstm_cell/kernel [4, 16]",
        "layer_normalization/gamma [4]",
    ] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn the_attention_of_textgenrnn_is_rejected_with_the_reason() {
    let error = read_weights(&path("keras_archives/textgenrnn.hdf5"), None).unwrap_err().to_string();
    assert!(error.contains("its layer `attention` takes a weighted mean") && error.contains("textgenrnn"), "{error}");
}

#[test]
fn damaged_files_are_rejected_with_a_one_line_message() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["stack.keras", "gru.weights.h5", "rnn.h5"] {
        let whole = fs::read(path(&format!("keras_archives/{name}"))).unwrap();
        let file = folder.path().join(name);
        for end in [0, 3, 9, 100, 200, whole.len() / 2, whole.len() * 4 / 5] {
            fs::write(&file, &whole[..end]).unwrap();
            assert!(is_keras_file(&file).unwrap(), "{name}, {end}");
            let error = read_weights(&file, None).unwrap_err().to_string();
            assert!(error.contains("incomplete or damaged file of Keras ("), "{name}, {end}: {error}");
            assert!(!error.contains('\n'), "{name}, {end}: {error}");
        }
        // Every byte may be wrong: then it is an error, or other values.
        for at in (0..whole.len()).step_by(97) {
            let mut damaged = whole.clone();
            damaged[at] ^= 0xff;
            fs::write(&file, &damaged).unwrap();
            if let Err(error) = read_weights(&file, None) {
                assert!(!error.to_string().contains('\n'), "{name}, {at}: {error}");
            }
        }
    }
}
