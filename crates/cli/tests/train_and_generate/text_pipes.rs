//! Texts from pipes and standard input, of which a run keeps a copy.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::text_inputs::{in_shell, latin, prepared, text, train, weights, with_input};
use crate::common::{self, TestDir};

#[test]
fn a_piped_text_is_kept_for_what_needs_it_again() {
    let dir = TestDir::new();
    let bytes = latin(&text());
    dir.file("my.txt", &bytes);
    let options = ["--encoding", "latin1", "--set", "train.epochs=1"];
    dir.run_ok(&train(&[&["--text", "my.txt", "--out", "file"], &options[..]].concat()));
    let piped = with_input(&dir, &train(&[&["--text", "-", "--out", "stdin"], &options[..]].concat()), &bytes);
    assert_eq!(piped.code, Some(0), "{}", piped.stderr);
    let mut runs = vec!["stdin"];
    if cfg!(unix) {
        let args = train(&[&["--text", "<(cat my.txt)", "--out", "shell"], &options[..]].concat());
        let piped = in_shell(&dir, &args);
        assert_eq!(piped.code, Some(0), "{}", piped.stderr);
        runs.push("shell");
    }
    fs::remove_file(dir.path().join("my.txt")).unwrap();
    for run in runs {
        assert!(weights(&dir, run) == weights(&dir, "file"), "{run}");
        assert_eq!(fs::read(dir.path().join(run).join("text.txt")).unwrap(), bytes);
        // The copy is found wherever the run is.
        let moved = format!("moved-{run}");
        fs::rename(dir.path().join(run), dir.path().join(&moved)).unwrap();
        dir.run_ok(&["evaluate", "--model", &moved]);
        dir.run_ok(&["train", "--resume", &moved, "--set", "train.epochs=2"]);
        dir.run_ok(&["evaluate", "--model", &moved]);
        dir.run_ok(&["reproduce", &moved, "--out", &format!("{run}-again")]);
        dir.run_ok(&["evaluate", "--model", &format!("{run}-again")]);
        dir.run_ok(&["train", "--init-from", &moved, "--set", "train.epochs=1", "--out", &format!("{run}-from")]);
        dir.run_ok(&["gradients", "--model", &moved, "--max-lag", "3"]);
        assert!(weights(&dir, &format!("{run}-again")) == weights(&dir, &moved));
        // A checkpoint is part of its run.
        let checkpoint = dir.newest_checkpoint(&moved);
        dir.run_ok(&["evaluate", "--model", &checkpoint]);
        dir.run_ok(&["gradients", "--model", &checkpoint, "--max-lag", "3"]);
        let out = format!("{run}-from-checkpoint");
        dir.run_ok(&["train", "--init-from", &checkpoint, "--set", "train.epochs=1", "--out", &out]);
        // Each of the new runs has a copy of its own.
        let before = moved;
        let moved = format!("{before}-again");
        fs::rename(dir.path().join(&before), dir.path().join(&moved)).unwrap();
        for new in [format!("{run}-again"), format!("{run}-from"), out] {
            assert_eq!(fs::read(dir.path().join(&new).join("text.txt")).unwrap(), bytes);
            dir.run_ok(&["evaluate", "--model", &new]);
            dir.run_ok(&["train", "--resume", &new, "--set", "train.epochs=3"]);
        }
        dir.run_ok(&["reproduce", &format!("{run}-again"), "--out", &format!("{run}-third")]);
        assert_eq!(fs::read(dir.path().join(format!("{run}-third/text.txt"))).unwrap(), bytes);
        let checkpoint = dir.newest_checkpoint(&moved);
        fs::remove_file(dir.path().join(&moved).join("text.txt")).unwrap();
        dir.expect_error(&["evaluate", "--model", &checkpoint], &["text.txt, which does not exist"]);
        dir.expect_error(&["evaluate", "--model", &moved], &["text.txt, which does not exist"]);
    }
}

#[test]
fn the_copy_of_a_run_is_never_taken_for_a_text_of_the_working_directory() {
    let dir = TestDir::new();
    let other = "The grey cat sold the crow. A loaf flew on the corner, and away the crow saw the café.\n".repeat(40);
    let args = train(&["--text", "-", "--set", "train.epochs=1", "--out", "piped"]);
    let piped = with_input(&dir, &args, text().as_bytes());
    assert_eq!(piped.code, Some(0), "{}", piped.stderr);
    dir.file("text.txt", &other);
    dir.file("named.txt", &other);
    let from = |run: &str, more: &[&str]| {
        let from = ["train", "--init-from", "piped", "--new-tokens", "unk", "--set", "train.epochs=1", "--out", run];
        dir.run_ok(&[&from, more].concat());
        let record = fs::read_to_string(dir.path().join(run).join("run.json")).unwrap();
        record.parse::<Value>().unwrap()["text_sha256"].clone()
    };
    let expected = from("named", &["--text", "named.txt"]);
    assert_eq!(from("given", &["--text", "text.txt"]), expected);
    assert_eq!(from("set", &["--set", "text.path=text.txt"]), expected);
    let of_run = from("same", &[]);
    assert_ne!(of_run, expected);
    assert_eq!(from("copy", &["--text", "piped/text.txt"]), of_run);
    // A configuration for a new run names no copy.
    let reason = "this text is the copy in the directory of a run: give it with `--text RUN/text.txt`";
    for command in ["prepare", "train", "summary"] {
        dir.expect_error(&[command, "--config", "piped/config.toml"], &["`text.copy`", reason]);
    }
    let set = ["--config", "piped/config.toml", "--set", "text.path=text.txt"];
    dir.expect_error(&[&["prepare"], &set[..]].concat(), &[reason]);
    dir.expect_error(&[&["train", "--init-from", "named"], &set[..2]].concat(), &[reason]);
    assert_eq!(
        prepared(&dir, &["--config", "piped/config.toml", "--text", "piped/text.txt"]),
        with_config(&dir, &["--text", "-"], text().as_bytes())
    );
    assert!(!dir.path().join("runs").exists());
}

/// What `prepare` prints for a piped text and the configuration of the run `piped`.
fn with_config(dir: &TestDir, args: &[&str], text: &[u8]) -> Value {
    let prepare = ["prepare", "--json", "--set", "windows.context_len=5", "--config", "piped/config.toml"];
    serde_json::from_str(&with_input(dir, &[&prepare, args].concat(), text).stdout).unwrap()
}

#[test]
fn a_model_that_is_imported_with_a_piped_run_has_its_text() {
    let dir = TestDir::new();
    let args = train(&["--text", "-", "--set", "train.epochs=1", "--out", "piped"]);
    let piped = with_input(&dir, &args, text().as_bytes());
    assert_eq!(piped.code, Some(0), "{}", piped.stderr);
    dir.run_ok(&["export", "weights.safetensors", "--layout", "pytorch", "--model", "piped"]);
    let import = |like: &str, out: &str| {
        dir.run_ok(&["import", "weights.safetensors", "--layout", "pytorch", "--like", like, "--out", out])
    };
    import("piped", "imported");
    import(&dir.newest_checkpoint("piped"), "of-checkpoint");
    let evaluated = |model: &str| dir.run_ok(&["evaluate", "--model", model, "--state", "carry"]).stdout;
    let expected = evaluated("piped");
    fs::remove_file(dir.path().join("piped/text.txt")).unwrap();
    for model in ["imported", "of-checkpoint"] {
        assert_eq!(fs::read_to_string(dir.path().join(model).join("text.txt")).unwrap(), text());
        assert_eq!(evaluated(model), expected);
    }
    let stderr = import("piped", "without").stderr;
    assert!(stderr.contains("text.txt") && stderr.contains("only with `--text`"), "{stderr}");
    dir.expect_error(&["evaluate", "--model", "without"], &["without/text.txt, which does not exist"]);
}

#[test]
fn word_vectors_for_training_are_in_a_file() {
    let dir = TestDir::new();
    dir.file("my.txt", text());
    dir.file("vectors.txt", "cat 1 2 3 4 5 6 7 8\ncrow 2 3 4 5 6 7 8 9\n");
    let reason = ["`model.vectors.path` is a pipe", "to be reproduced", "save them in a file"];
    let pipe = if cfg!(unix) { "/dev/stdin" } else { return };
    let set = format!("model.vectors.path={pipe}");
    for config in [&["--text", "my.txt"][..], &["--config", "configs/qa.toml"]] {
        dir.expect_error(&[&["train", "--set", &set], config].concat(), &reason);
    }
    let standard_input = ["--text", "my.txt", "--set", "model.vectors.path=-"];
    for command in ["train", "prepare"] {
        dir.expect_error(&[&[command], &standard_input[..]].concat(), &["`model.vectors.path`"]);
    }
    assert!(!dir.path().join("runs").exists());
    // They are needed once.
    let prepare = |path: &str| {
        let vectors = format!("model.vectors.path={path}");
        let args = ["prepare", "--json", "--text", "my.txt", "--set", "model.embedding_dim=8", "--set"];
        [&args[..], &[&format!("'{vectors}'")]].concat().join(" ")
    };
    let [file, piped] = [prepare("vectors.txt"), prepare("/dev/stdin")].map(|args| {
        let args = [&args, "< <(cat vectors.txt)"].map(String::from);
        in_shell(&dir, &args.each_ref().map(String::as_str)).stdout
    });
    assert!(file.contains("vector_coverage"), "{file}");
    assert_eq!(piped, file);
}

#[test]
fn one_pipe_is_not_two_inputs() {
    let dir = TestDir::new();
    let named_twice = "standard input is named twice; it can be read only once";
    for command in ["train", "prepare"] {
        let questions = [command, "--config", "configs/qa.toml", "--text", "-", "--set", "data.valid=-"];
        common::assert_error(&with_input(&dir, &questions, text().as_bytes()), command, &[named_twice]);
    }
    if cfg!(unix) {
        for (config, set) in [("/dev/stdin", "seed=1"), ("my.toml", "model.vectors.path=/dev/stdin")] {
            dir.file("my.toml", "seed = 2\n");
            let args = ["prepare", "--config", config, "--text", "-", "--set", set];
            common::assert_error(&with_input(&dir, &args, b"seed = 2\n"), config, &[named_twice]);
        }
    }
    assert!(!dir.path().join("runs").exists());
}

#[test]
fn a_text_that_is_needed_once_may_be_piped() {
    let dir = TestDir::new();
    dir.file("my.txt", text());
    let expected = prepared(&dir, &["--text", "my.txt"]);
    let prepare = ["prepare", "--json", "--set", "windows.context_len=5", "--text", "-"];
    let output = with_input(&dir, &prepare, text().as_bytes());
    assert_eq!(serde_json::from_str::<Value>(&output.stdout).unwrap(), expected);
    dir.run_ok(&train(&["--text", "my.txt", "--out", "run"]));
    let evaluated = dir.run_ok(&["evaluate", "--model", "run", "--text", "my.txt"]).stdout;
    let evaluate = ["evaluate", "--model", "run", "--text", "-"];
    assert_eq!(with_input(&dir, &evaluate, text().as_bytes()).stdout, evaluated);
    let output = with_input(&dir, &prepare, b" \n");
    common::assert_error(&output, "white space", &["`standard input` contains no text"]);
}

#[cfg(unix)]
#[test]
fn pipes_are_read_once_and_replaced_runs_do_not_depend_on_them() {
    let dir = TestDir::new();
    dir.file("my.txt", text());
    let evaluate = ["prepare", "--json", "--set", "windows.context_len=5", "--text", "<(cat my.txt)"];
    let output = in_shell(&dir, &evaluate);
    let found: Value = serde_json::from_str(&output.stdout).expect(&output.stderr);
    assert_eq!(found, prepared(&dir, &["--text", "my.txt"]));
    dir.run_ok(&train(&["--text", "my.txt", "--out", "run"]));
    // With `--init-from`, a configuration is compared with that of the model.
    dir.file("again.toml", "seed = 5\n[train]\nepochs = 1\n");
    let from = ["train", "--init-from", "run", "--text", "my.txt", "--config", "<(cat again.toml)", "--out", "again"];
    let output = in_shell(&dir, &from);
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    let config = fs::read_to_string(Path::new(dir.path()).join("again/config.toml")).unwrap();
    assert!(config.contains("seed = 5"), "{config}");
}
