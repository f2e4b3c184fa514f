//! `gradients`: its table, its chart and its errors.

mod common;

use std::fs;

use common::{TestDir, tiny_fables};

#[test]
fn every_cell_is_trained_measured_and_drawn() {
    let dir = TestDir::new();
    let gradients = [&["gradients", "--steps", "2", "--max-lag", "6"], tiny_fables().as_slice()].concat();
    let report = dir.json(&[&gradients[..], &["--json", "--out", "first.svg"]].concat());
    let curves = report["curves"].as_array().unwrap();
    let names: Vec<&str> = curves.iter().map(|curve| curve["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["RNN", "LSTM", "GRU"]);
    for curve in curves {
        for which in ["trained", "untrained"] {
            let norms: Vec<f64> = curve[which].as_array().unwrap().iter().map(|y| y.as_f64().unwrap()).collect();
            assert_eq!((norms.len(), norms[0]), (7, 1.0));
            assert!(norms.iter().all(|&y| y > 0.0 && y.is_finite()), "{norms:?}");
        }
        assert_ne!(curve["trained"], curve["untrained"]);
        assert!(curve.get("recall").is_none());
    }
    let chart = fs::read_to_string(dir.path().join("first.svg")).unwrap();
    for word in ["<svg", "RNN", "LSTM, untrained", "lag k"] {
        assert!(chart.contains(word), "{word}");
    }

    // The same steps give the same table and the same chart.
    let table = dir.run_ok(&[&gradients[..], &["--out", "second.svg"]].concat());
    assert!(table.stdout.starts_with("lag "), "{}", table.stdout);
    let rows: Vec<&str> = table.stdout.lines().skip(1).filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(rows, ["0", "1", "2", "5", "6"]);
    assert_eq!(fs::read_to_string(dir.path().join("second.svg")).unwrap(), chart);
}

#[test]
fn trained_models_are_measured_on_their_own_text() {
    let dir = TestDir::new();
    for run in ["a", "b"] {
        assert_eq!(dir.train(&["--out", run]).code, Some(0));
    }
    let report = dir.json(&["gradients", "--model", "a", "--model", "b", "--max-lag", "4", "--json"]);
    let curves = report["curves"].as_array().unwrap();
    assert_eq!((&curves[0]["name"], &curves[1]["name"]), (&"a".into(), &"b".into()));
    // Two runs with the same seed give the same result.
    assert_eq!(curves[0]["trained"], curves[1]["trained"]);
    assert!(dir.path().join("gradients.svg").exists());
}

#[test]
fn recall_is_measured_at_every_gap() {
    let dir = TestDir::new();
    let gradients = ["gradients", "--steps", "1", "--max-lag", "2", "--recall", "--json"];
    let report = dir.json(&[&gradients[..], &tiny_fables()].concat());
    assert_eq!(report["recall_gaps"].as_array().unwrap().len(), 5);
    for curve in report["curves"].as_array().unwrap() {
        let accuracies = curve["recall"].as_array().unwrap();
        assert_eq!(accuracies.len(), 5);
        // After one step nothing is learned: about one in eight is right by chance.
        assert!(accuracies.iter().all(|rate| (0.0..0.4).contains(&rate.as_f64().unwrap())));
    }
}

#[test]
fn invalid_options_and_models_are_rejected() {
    let dir = TestDir::new();
    dir.expect_error(&["gradients", "--seconds", "0"], &["`--seconds` is 0", "above 0"]);
    dir.expect_error(&["gradients", "--steps", "0"], &["`--steps` is 0"]);
    dir.expect_error(&["gradients", "--max-lag", "0"], &["`--max-lag` is 0", "1 to 4096"]);
    dir.expect_error(&["gradients", "--model", "nowhere"], &["nowhere", "not a model directory"]);
    let long = [&["gradients", "--max-lag", "4000", "--steps", "1"], tiny_fables().as_slice()].concat();
    dir.expect_error(&long, &["held-out text has", "4002", "lower `--max-lag`"]);
    assert!(!dir.path().join("gradients.svg").exists());
    assert_eq!(dir.train(&["--out", "run"]).code, Some(0));
    dir.expect_error(&["gradients", "--model", "run", "--recall"], &["--model", "cannot be used with"]);
    dir.expect_error(&["gradients", "--out", "none/gradients.svg"], &["none, which is not a folder"]);
    let stepwise = ["gradients", "--steps", "1", "--set", "train.mode=tbptt"];
    dir.expect_error(&stepwise, &["`tbptt`", "by windows"]);
}
