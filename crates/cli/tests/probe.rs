//! `probe`: the table, the picture, and what it refuses.

mod common;

use std::fs;

use common::{Desk, tiny};

#[test]
fn the_family_is_trained_listened_to_and_drawn() {
    let desk = Desk::new();
    let probe = [&["probe", "--steps", "2", "--back", "6"], tiny().as_slice()].concat();
    let told = desk.json(&[&probe[..], &["--json", "--out", "first.svg"]].concat());
    let curves = told["curves"].as_array().unwrap();
    let names: Vec<&str> = curves.iter().map(|curve| curve["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["RNN", "LSTM", "GRU"]);
    for curve in curves {
        for which in ["trained", "untrained"] {
            let heard: Vec<f64> =
                curve[which].as_array().unwrap().iter().map(|y| y.as_f64().unwrap()).collect();
            assert_eq!((heard.len(), heard[0]), (7, 1.0));
            assert!(heard.iter().all(|&y| y > 0.0 && y.is_finite()), "{heard:?}");
        }
        assert_ne!(curve["trained"], curve["untrained"]);
        assert!(curve.get("recall").is_none());
    }
    let picture = fs::read_to_string(desk.path().join("first.svg")).unwrap();
    for word in ["<svg", "RNN", "LSTM, untrained", "steps back"] {
        assert!(picture.contains(word), "{word}");
    }

    // The same steps give the same table and the same picture.
    let table = desk.must(&[&probe[..], &["--out", "second.svg"]].concat());
    assert!(table.stdout.starts_with("steps back"), "{}", table.stdout);
    let rows: Vec<&str> =
        table.stdout.lines().skip(1).filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(rows, ["0", "1", "2", "5", "6"]);
    assert_eq!(fs::read_to_string(desk.path().join("second.svg")).unwrap(), picture);
}

#[test]
fn trained_models_are_measured_on_their_own_text() {
    let desk = Desk::new();
    for run in ["a", "b"] {
        assert_eq!(desk.train(&["--out", run]).code, Some(0));
    }
    let told = desk.json(&["probe", "--model", "a", "--model", "b", "--back", "4", "--json"]);
    let curves = told["curves"].as_array().unwrap();
    assert_eq!((&curves[0]["name"], &curves[1]["name"]), (&"a".into(), &"b".into()));
    // The same run twice hears the same.
    assert_eq!(curves[0]["trained"], curves[1]["trained"]);
    assert!(desk.path().join("probe.svg").exists());
}

#[test]
fn recall_is_tried_at_every_gap() {
    let desk = Desk::new();
    let probe = ["probe", "--steps", "1", "--back", "2", "--recall", "--json"];
    let told = desk.json(&[&probe[..], &tiny()].concat());
    assert_eq!(told["recall_gaps"].as_array().unwrap().len(), 5);
    for curve in told["curves"].as_array().unwrap() {
        let shares = curve["recall"].as_array().unwrap();
        assert_eq!(shares.len(), 5);
        // One step teaches nothing: about one in eight is right by chance.
        assert!(shares.iter().all(|share| (0.0..0.4).contains(&share.as_f64().unwrap())));
    }
}

#[test]
fn what_cannot_be_probed_is_refused() {
    let desk = Desk::new();
    desk.refuses(&["probe", "--seconds", "0"], &["`--seconds` is 0", "above 0"]);
    desk.refuses(&["probe", "--steps", "0"], &["`--steps` is 0"]);
    desk.refuses(&["probe", "--back", "0"], &["`--back` is 0", "1 to 4096"]);
    desk.refuses(&["probe", "--model", "nowhere"], &["nowhere", "no model directory"]);
    let long = [&["probe", "--back", "4000", "--steps", "1"], tiny().as_slice()].concat();
    desk.refuses(&long, &["held-out text holds", "4002", "lower `--back`"]);
    assert!(!desk.path().join("probe.svg").exists());
    assert_eq!(desk.train(&["--out", "run"]).code, Some(0));
    desk.refuses(&["probe", "--model", "run", "--recall"], &["--model", "cannot be used with"]);
    desk.refuses(&["probe", "--out", "none/probe.svg"], &["none, which is no folder"]);
    let stepwise = ["probe", "--steps", "1", "--set", "train.method=every-step"];
    desk.refuses(&stepwise, &["`every-step`", "by windows"]);
}
