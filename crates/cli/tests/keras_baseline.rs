//! The numbers of the Keras baseline on its text, which is not part of the repository; skipped without the text.

mod common;

use common::{TestDir, find_dataset};
use serde_json::json;

const FILES: [&str; 2] = ["aesop.txt", "aesop-crlf-bom.txt"];

/// A test directory with the corpus `aesop`.
fn dir(file: &str) -> Option<TestDir> {
    let path = find_dataset(file)?;
    let dir = TestDir::new();
    let fetched = dir.run_ok(&["fetch", "aesop", "--from", path.to_str().unwrap()]);
    assert!(!fetched.stderr.contains("warning"), "{}", fetched.stderr);
    Some(dir)
}

fn config() -> String {
    format!("{}/../../configs/keras-baseline.toml", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn both_files_give_the_counts_of_the_keras_baseline() {
    for file in FILES {
        let Some(dir) = dir(file) else { return };
        let found = dir.json(&["prepare", "--config", &config(), "--json"]);
        let expected = json!({
            "characters": 213_716,
            "tokens": 50_436,
            "words": 4_168,
            "vocabulary": 4_169,
            "windows": 50_416,
            "x_shape": [50_416, 20],
            "y_shape": [50_416, 4_169],
            "train_windows": 45_374,
            "valid_windows": 5_022,
        });
        for (key, count) in expected.as_object().unwrap() {
            assert_eq!(&found[key], count, "{file}: {key}");
        }
        let table = dir.run_ok(&["prepare", "--config", &config()]).stdout;
        assert!(table.contains("|  ,  the  and  .  a  to  \"  of  he"), "{table}");
    }
}

#[test]
fn the_model_has_the_parameters_of_the_keras_baseline() {
    let Some(dir) = dir(FILES[0]) else { return };
    let summary = dir.json(&["summary", "--config", &config(), "--json"]);
    assert_eq!(summary["total_parameters"], 1_853_901);
    let layers = summary["layers"].as_array().unwrap();
    let find = |kind: &str| layers.iter().find(|layer| layer["kind"] == kind).unwrap();
    assert_eq!(find("Embedding")["parameters"], 416_900);
    assert_eq!(find("Embedding")["output_shape"], json!([null, 20, 100]));
    assert_eq!(find("LSTM")["parameters"], 365_568);
    assert_eq!(find("LSTM")["output_shape"], json!([null, 256]));
    assert_eq!(find("Dense")["parameters"], 1_071_433);
    assert_eq!(find("Dense")["output_shape"], json!([null, 4_169]));
}

#[test]
fn an_unknown_file_with_the_right_counts_is_accepted_with_a_warning() {
    let Some(path) = find_dataset(FILES[0]) else { return };
    let dir = TestDir::new();
    let mut bytes = std::fs::read(path).unwrap();
    bytes.extend_from_slice(b"\nA line after the excerpt.\n");
    dir.file("changed.txt", bytes);
    let fetched = dir.run_ok(&["fetch", "aesop", "--from", "changed.txt"]);
    assert!(fetched.stderr.contains("unknown hash"), "{}", fetched.stderr);
}

#[test]
fn the_baselines_have_the_expected_losses() {
    let Some(dir) = dir(FILES[0]) else { return };
    let small = ["model.embedding_dim=4", "model.layers[0].units=4", "windows.stride=200", "train.epochs=1"];
    let mut args = vec!["train", "--backend", "flex", "--out", "run"];
    let config = config();
    args.extend(["--config", &config]);
    args.extend(small.iter().flat_map(|setting| ["--set", *setting]));
    dir.run_ok(&args);
    let report = std::fs::read_to_string(dir.path().join("run/score.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["tokens"], 5_022);
    let rows = report["rows"].as_array().unwrap();
    let loss = |name: &str| {
        let row = rows.iter().find(|row| row["name"] == name).unwrap();
        row["loss_nats_per_token"].as_f64().unwrap()
    };
    // The same value was computed by an independent implementation with hash maps.
    assert!((loss("5-gram") - 4.421_4).abs() < 1e-4, "{}", loss("5-gram"));
    assert!((loss("unigram") - 5.60).abs() < 0.005, "{}", loss("unigram"));
    assert!((loss("uniform") - 4_169f64.ln()).abs() < 1e-9);
    // The Keras baseline keeps every word of Aesop, so bits per byte are defined.
    assert!(rows.iter().all(|row| row["bits_per_byte"].as_f64().is_some_and(|bits| bits > 1.0)));
}
