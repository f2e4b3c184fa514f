//! A resumed run of a question model equals an uninterrupted one, also if it was killed in its pretraining.

use serde_json::Value;

use crate::common::{self, TestDir};
use crate::{small, train_small};

#[test]
fn a_resumed_run_equals_an_uninterrupted_run() {
    let dir = TestDir::new();
    train_small(&dir, "whole", &["train.epochs=2"]);
    train_small(&dir, "parts", &[]);
    dir.run_ok(&["train", "--resume", "parts", "--set", "train.epochs=2"]);
    let weights = |run: &str| std::fs::read(dir.path().join(run).join("weights.bpk")).unwrap();
    assert!(weights("whole") == weights("parts"), "the resumed run differs");
    dir.expect_error(
        &["train", "--resume", "parts", "--set", "train.epochs=3", "--set", "model.features=3"],
        &["model.features"],
    );
}

#[test]
fn settings_of_pretraining_out_of_range_are_rejected_by_their_names() {
    let dir = TestDir::new();
    let wrong =
        [("batch_size=0", "pretraining.batch_size"), ("learning_rate=-1.0", "above 0"), ("dropout=1.0", "below 1")];
    for (setting, expected) in wrong {
        let setting = format!("pretraining.{setting}");
        let set = ["--set", "pretraining.epochs=1", "--set", &setting];
        dir.expect_error(&[&["train", "--config", "configs/qa.toml", "--out", "run"], &set[..]].concat(), &[expected]);
        assert!(!dir.path().join("run").exists());
    }
}

/// Whether this is the name of a complete checkpoint.
fn is_checkpoint(name: &std::ffi::OsStr) -> bool {
    let number = name.to_str().and_then(|name| name.strip_prefix("step-"));
    number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Kills a run at more and more failpoints until one is in its pretraining, and resumes it.
#[test]
fn a_run_that_was_killed_in_pretraining_is_resumed() {
    if !cfg!(all(unix, feature = "failpoints")) {
        return common::skipped("this binary has no failpoints (run `cargo xtask test`)");
    }
    let dir = TestDir::new();
    let pretraining = ["pretraining.epochs=2", "pretraining.batch_size=8"];
    train_small(&dir, "whole", &pretraining);
    let metrics = std::fs::read_to_string(dir.path().join("whole/pretraining/metrics.jsonl")).unwrap();
    let losses: Vec<f64> = metrics
        .lines()
        .filter_map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            (line["event"] == "epoch").then(|| line["valid_loss_nats_per_token"].as_f64().unwrap())
        })
        .collect();
    assert!(losses.len() == 2 && losses[1] < losses[0], "{losses:?}");
    let settings = [&small()[..], &pretraining].concat();
    let has_steps = |path: &str| {
        let entries = dir.path().join(path).read_dir();
        entries.is_ok_and(|mut entries| entries.any(|entry| is_checkpoint(&entry.unwrap().file_name())))
    };
    let is_killed_in_pretraining = |count: usize| {
        let _ = std::fs::remove_dir_all(dir.path().join("parts"));
        let mut command = dir.command(&["train", "--config", "configs/qa.toml", "--out", "parts"]);
        command.args(settings.iter().flat_map(|setting| ["--set", *setting]));
        command.env("PASTICHE_FAILPOINTS", format!("kill:{count}"));
        assert!(!command.output().unwrap().status.success(), "failpoint {count} was not reached");
        has_steps("parts/pretraining/checkpoints") && !has_steps("parts/checkpoints")
    };
    assert!((2..8).any(|tens| is_killed_in_pretraining(10 * tens)), "no failpoint is in pretraining");
    dir.run_ok(&["train", "--resume", "parts"]);
    for file in ["weights.bpk", "pretraining/weights.bpk", "pretraining/manifest.json"] {
        let bytes = |run: &str| std::fs::read(dir.path().join(run).join(file)).unwrap();
        assert!(bytes("whole") == bytes("parts"), "{file} of the resumed run differs");
    }
    let pretraining = "whole/pretraining";
    dir.expect_error(&["generate", "--model", pretraining], &[pretraining, "give its run, whole, to `ask`"]);
    train_small(&dir, "without", &[]);
    let weights = |run: &str| std::fs::read(dir.path().join(run).join("weights.bpk")).unwrap();
    assert!(weights("whole") != weights("without"));
}
