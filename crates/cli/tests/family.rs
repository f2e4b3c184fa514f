//! Every cell, both ways of learning, pretrained vectors, and weights that come and go.

mod common;

use std::fs;

use common::{Desk, tiny};
use serde_json::Value;

/// Settings that make another network of the tiny one.
const FAMILY: [&[&str]; 7] = [
    &["model.layers=[{cell=\"rnn\",units=8}]"],
    &["model.layers=[{cell=\"rnn\",units=8,activation=\"relu\"}]", "model.locked_dropout=true"],
    &["model.layers=[{cell=\"gru\",units=8}]"],
    &["model.layers=[{cell=\"gru\",units=8,reset_after=false}]"],
    &["model.layers=[{cell=\"lstm\",units=8},{cell=\"gru\",units=6,layer_norm=true}]"],
    &["model.tied=true", "model.projection=8", "model.layers[0].recurrent_dropout=0.2"],
    &["model.locked_dropout=true", "model.embedding_dropout=0.1", "model.layer_dropout=0.1"],
];

/// What lets the tiny network learn at every step.
const EVERY_STEP: &[&str] = &[
    "train.method=every-step",
    "train.batch_size=40",
    "streams.length=10",
    "train.optimizer.kind=adam",
    "train.learning_rate=0.01",
    "train.clip.global_norm=1.0",
];

fn train(desk: &Desk, run: &str, settings: &[&str]) -> Value {
    let mut words = vec!["train"];
    words.extend(tiny());
    words.extend(settings.iter().flat_map(|setting| ["--set", *setting]));
    words.extend(["--out", run]);
    desk.must(&words);
    let manifest = fs::read_to_string(desk.path().join(run).join("manifest.json")).unwrap();
    serde_json::from_str(&manifest).unwrap()
}

#[test]
fn every_cell_learns_and_writes_both_ways() {
    let desk = Desk::new();
    for (at, settings) in FAMILY.iter().enumerate() {
        for method in [&[][..], EVERY_STEP] {
            let run = format!("runs/{at}-{}", method.len());
            let manifest = train(&desk, &run, &[settings, method].concat());
            let about = &manifest["about"];
            // A state that is carried on and on may grow out of what windows taught.
            let losses = ["valid_loss_window", "valid_loss_carried"].map(|key| about[key].as_f64());
            let loss = losses.into_iter().flatten().fold(f64::INFINITY, f64::min);
            // One epoch is enough to know more than nothing: ln V is 7.6.
            assert!(loss < 7.45, "{settings:?}: {loss}");
            assert_eq!(about["valid_loss_window"].is_null(), !method.is_empty());
            let words = ["generate", "--model", &run, "--tokens", "5", "--seed", "1", "--json"];
            let written = desk.json(&words);
            assert_eq!(written["samples"][0]["ids"].as_array().unwrap().len(), 5);
        }
    }
}

#[test]
fn a_run_at_every_step_goes_on_where_it_stopped() {
    let desk = Desk::new();
    let losses = |run: &str| -> Vec<String> {
        let metrics = fs::read_to_string(desk.path().join(run).join("metrics.jsonl")).unwrap();
        let epochs = metrics.lines().filter(|line| line.contains("\"epoch\""));
        let loss = |line: &str| {
            let line: Value = serde_json::from_str(line).ok()?;
            (line["event"] == "epoch").then(|| line["valid_loss_nats_per_token"].to_string())
        };
        epochs.filter_map(loss).collect()
    };
    let two = [EVERY_STEP, &["train.epochs=2"]].concat();
    train(&desk, "whole", &two);
    train(&desk, "parts", EVERY_STEP);
    desk.must(&["train", "--resume", "parts", "--set", "train.epochs=2"]);
    assert_eq!(losses("whole").len(), 2);
    assert_eq!(losses("whole"), losses("parts"));
    let other = ["train", "--resume", "parts", "--set", "train.method=windows"];
    desk.refuses(&other, &["`train.method`", "only `train.epochs`"]);
}

/// Vectors of eight numbers for three words of the fables.
const VECTORS: &str = "the 1 2 3 4 5 6 7 8\nfox 8 7 6 5 4 3 2 1\nzeppelin 0 0 0 0 0 0 0 0\n";

#[test]
fn pretrained_vectors_are_kept_or_trained_and_their_coverage_is_told() {
    let desk = Desk::new();
    desk.file("vectors.txt", VECTORS);
    let path = "model.vectors.path=vectors.txt";
    let (small, prepare) = ("model.embedding=8", ["prepare", "--json", "--set"]);
    let told = desk.json(&[&prepare[..], &[path, "--set", small]].concat());
    let [words, tokens] = [0, 1].map(|at| told["vector_coverage"][at].as_f64().unwrap());
    // Two words of thousands, and among them the most frequent.
    assert!(words > 0.0 && words < 0.01, "{words}");
    assert!(tokens > 0.03 && tokens < 0.2, "{tokens}");

    let row = |run: &str| -> Vec<f64> {
        let file = format!("{run}.safetensors");
        desk.must(&["export", &file, "--layout", "keras", "--model", run]);
        let tensors = models::foreign::read(&desk.path().join(&file)).unwrap();
        fs::remove_file(desk.path().join(file)).unwrap();
        let vocabulary = fs::read_to_string(desk.path().join(run).join("vocabulary.tsv")).unwrap();
        let line = vocabulary.lines().find(|line| line.split('\t').any(|cell| cell == "fox"));
        let id: usize = line.unwrap().split('\t').find_map(|cell| cell.parse().ok()).unwrap();
        tensors["embedding/embeddings"].values[id * 8..(id + 1) * 8].to_vec()
    };
    train(&desk, "frozen", &[path, "model.vectors.train=false"]);
    let fox: Vec<f64> = (1..=8).rev().map(f64::from).collect();
    assert_eq!(row("frozen"), fox);
    train(&desk, "trained", &[path]);
    let trained = row("trained");
    assert_ne!(trained, fox);
    assert!(trained.iter().zip(&fox).all(|(a, b)| (a - b).abs() < 1.0), "{trained:?}");

    // Resuming takes the weights from the checkpoint: the file is not needed any more.
    fs::remove_file(desk.path().join("vectors.txt")).unwrap();
    let other = ["train", "--resume", "frozen", "--set", "model.vectors.path=other.txt"];
    desk.refuses(&other, &["frozen cannot be resumed", "`model.vectors.path`"]);
    desk.must(&["train", "--resume", "frozen", "--set", "train.epochs=2"]);
    assert_eq!(row("frozen"), fox);
}

#[test]
fn broken_vectors_leave_no_run_behind() {
    let desk = Desk::new();
    desk.file("short.txt", "the 1 2 3 4 5 6 7 8\nfox 1 2\n");
    desk.file("small.txt", "the 1 2 3\n");
    let tiny = tiny();
    for (path, expected) in [
        ("model.vectors.path=short.txt", ["short.txt, line 2", "expected a word and 8 numbers"]),
        ("model.vectors.path=small.txt", ["`model.embedding` is 8, expected 3", "set `model."]),
    ] {
        let words = [&["train"], tiny.as_slice(), &["--set", path]].concat();
        desk.refuses(&words, &expected);
        assert!(!desk.path().join("runs/lstm-1").exists());
    }
}

#[test]
fn weights_go_out_and_come_back() {
    let desk = Desk::new();
    let gru = "model.layers=[{cell=\"gru\",units=8}]";
    train(&desk, "run", &[gru]);
    let write = |model: &str| {
        let words = ["generate", "--model", model, "--tokens", "12", "--seed", "3", "--json"];
        desk.json(&[&words[..], &["--context", "carried"]].concat())["samples"].clone()
    };
    let expected = write("run");
    for layout in ["pytorch", "keras"] {
        let (file, same, anew) =
            (format!("{layout}.safetensors"), format!("{layout}-a"), format!("{layout}-b"));
        desk.must(&["export", &file, "--layout", layout, "--model", "run"]);
        desk.refuses(&["export", &file, "--layout", layout, "--model", "run"], &["exists"]);
        let import = ["import", &file, "--layout", layout, "--out"];
        desk.must(&[&import[..], &[&same, "--like", "run"]].concat());
        assert_eq!(write(&same), expected);
        let sizes = ["--set", gru, "--set", "model.embedding=8"];
        let told = desk.must(&[&import[..], &[&anew], &sizes].concat());
        assert!(told.stderr.contains("validation loss"), "{}", told.stderr);
        assert_eq!(write(&anew), expected);
        desk.json(&["evaluate", "--model", &anew, "--json"]);
    }
    let import = ["import", "pytorch.safetensors", "--layout"];
    desk.refuses(&[&import[..], &["keras", "--like", "run"]].concat(), &["missing:", "extra:"]);
    let renamed = ["pytorch", "--like", "run", "--rename", "rnn=gru"];
    desk.refuses(&[&import[..], &renamed].concat(), &["missing: rnn.", "extra: gru."]);
    let unknown = ["pytorch", "--like", "run", "--rename", "x=y"];
    desk.refuses(&[&import[..], &unknown].concat(), &["no tensor's name begins with `x`"]);
    let other = ["pytorch", "--set", "model.embedding=9", "--set", gru];
    desk.refuses(&[&import[..], &other].concat(), &["embedding.weight (found", "expected"]);
    desk.refuses(&["import", "none.safetensors", "--layout", "keras"], &["none.safetensors"]);
    assert!(!desk.path().join("runs/imported-1").exists());
}
