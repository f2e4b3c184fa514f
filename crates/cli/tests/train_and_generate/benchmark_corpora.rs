//! Corpora with a fixed split, and the protocol of papers.

use std::fs;

use super::text_files::{folder, tbptt};
use super::text_inputs::weights;
use crate::common::TestDir;

/// Nine words and a line end.
const LINE: &str = " the <unk> sold N loaf of mr. fox 's \n";
const DESCRIPTION: &str = r#"
title = "Forty lines"
source = "Written for this test."
licence = "MIT"
file = "small.train.txt"
[split]
valid = "small.valid.txt"
test = "small.test.txt"
tokens = { train = 400, valid = 90, test = 40 }
vocabulary = 10
"#;
/// Nothing is changed, and line ends are tokens.
const PREPARED: [&str; 4] = ["--set", "clean={rules=[]}", "--set", "tokens.newlines=keep"];
const DATASET: [&str; 2] = ["--set", "text.dataset=small"];

fn corpus() -> TestDir {
    let dir = TestDir::new();
    let lines = [40, 9, 4].map(|count| LINE.repeat(count));
    folder(
        &dir,
        &[
            ("datasets/small/dataset.toml", DESCRIPTION.as_bytes()),
            ("datasets/small/small.train.txt", lines[0].as_bytes()),
            ("datasets/small/small.valid.txt", lines[1].as_bytes()),
            ("datasets/small/small.test.txt", lines[2].as_bytes()),
        ],
    );
    dir
}

#[test]
fn a_corpus_with_a_fixed_split_is_scored_as_in_papers() {
    let dir = corpus();
    let checked = dir.run_ok(&["fetch", "small"]);
    assert!(checked.stderr.contains("with the expected counts"), "{}", checked.stderr);
    assert!(checked.stderr.contains("0.00 % of the validation part"), "{}", checked.stderr);
    assert_eq!(checked.stdout.lines().count(), 3, "{}", checked.stdout);
    let settings = [&DATASET[..], &PREPARED].concat();
    let found = dir.json(&[&["prepare", "--json"], &settings[..]].concat());
    assert_eq!((&found["tokens"], &found["words"]), (&530.into(), &10.into()));
    assert_eq!(found["tokens_of_parts"], serde_json::json!([400, 90, 40]));
    assert_eq!(found["unknown_in_validation"], 0.0);

    dir.run_ok(&tbptt(&[&settings[..], &["--out", "run"]].concat()));
    dir.run_ok(&["train", "--resume", "run", "--set", "train.epochs=2"]);
    dir.run_ok(&["reproduce", "run", "--out", "again"]);
    assert!(weights(&dir, "again") == weights(&dir, "run"));
    let evaluate = |more: &[&str]| dir.json(&[&["evaluate", "--model", "run", "--json"], more].concat());
    let test = evaluate(&["--part", "test", "--every-token"]);
    assert_eq!((&test["tokens"], &test["vocabulary"]), (&40.into(), &10.into()));
    assert!(test["protocol"].as_str().unwrap().ends_with("the first from a line end"), "{test}");
    assert!(test["parameters"].as_u64().unwrap() > 100, "{test}");
    let named = evaluate(&["--text", "datasets/small/small.test.txt", "--every-token"]);
    assert_eq!(named, test);
    // Without the option, the first five are not scored.
    assert_eq!(evaluate(&["--part", "test"])["tokens"], 35);
    assert_eq!(evaluate(&["--every-token"])["tokens"], 90);
    // Also with a cache, while the model learns, and mixed with n-grams.
    let cached = evaluate(&["--every-token", "--adapt", "cache"]);
    let dynamic = evaluate(&["--every-token", "--adapt", "dynamic", "--dynamic-chunk", "7"]);
    for adapted in [&cached, &dynamic] {
        assert_eq!(adapted["tokens"], 90, "{adapted}");
        let protocol = adapted["protocol"].as_str().unwrap();
        assert!(protocol.contains("the first from a line end; "), "{protocol}");
        let without = adapted["adaptation"]["loss_without_nats_per_token"].as_f64().unwrap();
        let plain = evaluate(&["--every-token"])["loss_nats_per_token"].as_f64().unwrap();
        assert!((without - plain).abs() < 1e-5, "{adapted}");
    }
    let mixed = evaluate(&["--every-token", "--mix", "ngram"]);
    assert_eq!(mixed["tokens"], 90, "{mixed}");
    assert_eq!(mixed["mixture"]["network"]["loss_nats_per_token"], mixed["loss_nats_per_token"]);

    let text = dir.path().join("datasets/small/small.test.txt");
    fs::write(&text, LINE.repeat(5)).unwrap();
    let other = "small.test.txt is not that of the corpus `small`: it has 50 words and line ends, expected 40";
    for command in [&["evaluate", "--model", "run"][..], &["train", "--resume", "run", "--set", "train.epochs=3"]] {
        dir.expect_error(command, &[other]);
    }
    fs::remove_file(&text).unwrap();
    dir.expect_error(&["fetch", "small"], &["is missing", "put the files small.train.txt, small.valid.txt and"]);
    dir.expect_error(&["fetch", "ptb"], &["ptb.train.txt", "put the files", "the package simple-examples"]);
    dir.expect_error(&["fetch", "stand-in"], &["stand-in.train.txt", "written by `cargo xtask stand-in"]);
}

#[test]
fn what_does_not_suit_a_fixed_split_is_rejected() {
    let dir = corpus();
    let valid = [&["prepare"], &DATASET[..], &["--set", "text.valid=datasets/small/dataset.toml"]].concat();
    dir.expect_error(&valid, &["`text.valid` is given, but the corpus `small` has small.valid.txt for validation"]);
    dir.expect_error(&["fetch", "small", "--from", "a.txt"], &["`--from` is given", "several files"]);
    let fraction = [&["prepare"], &DATASET[..], &["--set", "split.test_fraction=0.1"]].concat();
    let warned = dir.run_ok(&fraction).stderr;
    assert!(warned.contains("warning: `split.test_fraction` is given, but"), "{warned}");
    for (description, found) in [
        (DESCRIPTION.replace("small.valid.txt", "../valid.txt"), "`split.valid` is \"../valid.txt\""),
        (DESCRIPTION.split("[split]").next().unwrap().into(), "expected one of the sections `counts`"),
    ] {
        dir.file("datasets/small/dataset.toml", description);
        dir.expect_error(&fraction, &["dataset.toml: ", found]);
    }
    dir.file("datasets/small/dataset.toml", DESCRIPTION);
    // Without line ends there is nothing before the first token.
    dir.run_ok(&tbptt(&[&DATASET[..], &["--out", "run"]].concat()));
    let every = ["evaluate", "--model", "run", "--every-token"];
    dir.expect_error(&every, &["no token for line ends", "`tokens.newlines = \"keep\"`"]);
    let window = [&every[..], &["--state", "window"]].concat();
    assert!(dir.run(&window).stderr.contains("cannot be used with"), "{}", dir.run(&window).stderr);
}
