//! Base models: made from texts or from a run; and the built-in one.

use std::fs;

use crate::FLEX;
use crate::common::{CommandOutput, TestDir, assert_error};

/// Sentences that differ.
fn text(animal: &str) -> String {
    let sentence =
        |n: usize| format!("The {animal} n° {n} saw {} hills and {} rivers, and said no more.\n", n * 7, n * n);
    (0..60).map(sentence).collect()
}

/// Settings of a tiny model for `configs/base.toml`.
fn tiny() -> Vec<&'static str> {
    let settings = [
        "vocabulary.size=320",
        "model.embedding_dim=8",
        "model.projection=8",
        "model.layers[0].units=16",
        "train.batch_size=4",
        "samples.max_tokens=20",
    ];
    settings.into_iter().flat_map(|setting| ["--set", setting]).collect()
}

fn texts(dir: &TestDir) {
    dir.file("fox.txt", text("fox"));
    dir.file("crow.txt", text("crow"));
}

/// Runs `base` on two texts for an epoch.
fn base(dir: &TestDir, more: &[&str]) -> CommandOutput {
    texts(dir);
    let texts = ["base", "--text", "fox.txt", "--text", "crow.txt", "--set", "train.epochs=1"];
    dir.run(&[&texts[..], FLEX, &tiny(), more].concat())
}

fn read(dir: &TestDir, file: &str) -> Vec<u8> {
    fs::read(dir.path().join(file)).unwrap()
}

#[test]
fn a_base_is_a_small_model_directory_from_which_runs_start() {
    let dir = TestDir::new();
    // What a program that was stopped left.
    let writing = dir.path().join("my-base.writing");
    fs::create_dir(&writing).unwrap();
    dir.file("my-base.writing/left.txt", "left");
    let made = base(&dir, &["--out", "my-base", "--licence", "public domain", "--about", "Two stories"]);
    assert!(!writing.exists());
    assert_eq!((made.code, made.stdout.as_str()), (Some(0), "my-base\n"), "{}", made.stderr);
    let entries = fs::read_dir(dir.path().join("my-base")).unwrap();
    let mut files: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    files.sort();
    let expected = [
        "README.md",
        "config.toml",
        "manifest.json",
        "ngrams.bin",
        "tokenizer.json",
        "vocabulary.tsv",
        "weights-int8.safetensors",
    ];
    assert_eq!(files, expected);
    // An epoch of a few steps is not enough.
    assert!(made.stderr.contains("\nwarning: the base needs "), "{}", made.stderr);
    let card = String::from_utf8(read(&dir, "my-base/README.md")).unwrap();
    let row = format!("| fox.txt | {} |", text_prep::thousands(text("fox").len()));
    for part in [
        "Two stories. ",
        "public domain",
        "the last 10 % of each file",
        &row,
        "and 320 subwords",
        "\nProtocol of the evaluation: carried state: ",
        "\n**Warning:** the base needs ",
    ] {
        assert!(card.contains(part), "{part}: {card}");
    }
    let config = String::from_utf8(read(&dir, "my-base/config.toml")).unwrap();
    assert!(config.contains("path = [\"fox.txt\", \"crow.txt\"]") && config.contains("each_file = true"), "{config}");

    let sample = dir.run_ok(&["generate", "--model", "my-base", "--seed", "1", "--max-tokens", "30"]);
    assert!(!sample.stdout.trim().is_empty());
    let score = dir.json(&["evaluate", "--model", "my-base", "--text", "fox.txt", "--json"]);
    assert!(score["bits_per_byte"].as_f64().unwrap() > 0.0, "{score}");
    let start =
        ["train", "--init-from", "my-base", "--text", "crow.txt", "--set", "train.epochs=1", "--out", "runs/crow"];
    dir.run_ok(&[&start[..], FLEX].concat());

    // The run of the base is an ordinary run, which gives the same base again.
    let again = dir.run_ok(&[&["base", "--run", "base-1", "--out", "again"], FLEX].concat());
    assert_eq!(again.stdout, "again\n");
    for file in expected.into_iter().filter(|&file| file != "README.md") {
        assert_eq!(read(&dir, &format!("again/{file}")), read(&dir, &format!("my-base/{file}")), "{file}");
    }
    // The n-grams of a run are not part of a base.
    dir.run_ok(&[&["train", "--resume", "base-1", "--set", "ngrams.order=2"], FLEX].concat());
    assert!(dir.path().join("runs/base-1/ngram-counts.bin").exists());
    let without = dir.run_ok(&[&["base", "--run", "base-1", "--out", "without"], FLEX].concat()).stderr;
    assert!(without.contains("the n-gram counts of the run are not kept"), "{without}");
    assert!(!dir.path().join("without/ngram-counts.bin").exists());
    assert!(!String::from_utf8(read(&dir, "without/config.toml")).unwrap().contains("ngrams"));
    let card = String::from_utf8(read(&dir, "again/README.md")).unwrap();
    assert!(card.contains("not given when the base was made"), "{card}");

    dir.file("fox.txt", text("wolf"));
    let other = [&["base", "--run", "base-1", "--out", "other"], FLEX].concat();
    dir.expect_error(&other, &["has changed since training", "or train a new base with `base --text`"]);
    assert!(!dir.path().join("other").exists());
}

#[test]
fn what_no_base_can_be_made_of_is_rejected() {
    let dir = TestDir::new();
    dir.expect_error(&["base", "--out", "x"], &["no text is given", "--text my.txt"]);
    dir.expect_error(&["base", "--text", "fox.txt", "--out", "base"], &["the name of the built-in base", "`my-base`"]);
    dir.file("taken", "");
    let taken = base(&dir, &["--out", "taken"]);
    crate::common::assert_error(&taken, "--out taken", &["taken exists", "--out"]);
    let both =
        [&["base", "--text", "fox.txt", "--out", "x", "--minutes", "1"][..], &["--set", "train.epochs=1"]].concat();
    for (option, expected) in [
        (["--set", "tokens.kind=words"], "words or characters"),
        (["--documents", "lines"], "a model of documents"),
        (["--set", "init.from=base"], "starts from another one, base"),
    ] {
        dir.expect_error(&[&["base", "--text", "fox.txt", "--out", "x"], &option[..]].concat(), &[expected]);
    }
    for option in ["--about", "--licence"] {
        let empty = ["base", "--text", "fox.txt", "--out", "x", option, " "];
        dir.expect_error(&empty, &[&format!("`{option}` is empty"), "leave the option out"]);
    }
    dir.expect_error(&both, &["`--minutes` and `--set train.epochs` are both given"]);
    assert!(!dir.path().join("runs").exists());

    dir.expect_error(&["base", "--run", "nowhere", "--out", "x"], &["nowhere is not a run"]);
    assert_eq!(dir.train(&["--out", "runs/words"]).code, Some(0));
    dir.expect_error(&["base", "--run", "words", "--out", "x"], &["words or characters", "expected one of subwords"]);
    let train =
        ["train", "--config", "configs/base.toml", "--text", "fox.txt", "--out", "runs/a", "--set", "train.epochs=2"];
    dir.run_ok(&[&train[..], FLEX, &tiny()].concat());
    // As if it had been killed in its second epoch.
    fs::remove_dir_all(dir.path().join(dir.newest_checkpoint("runs/a"))).unwrap();
    dir.expect_error(&["base", "--run", "a", "--out", "x"], &["runs/a is not finished", "`train --resume runs/a`"]);
    assert!(!dir.path().join("x").exists());
}

#[test]
fn without_any_run_the_built_in_base_generates() {
    let dir = TestDir::new();
    let options = ["--seed", "1", "--max-tokens", "20"];
    let sample = dir.run_ok(&[&["generate"], &options[..]].concat());
    assert!(!sample.stdout.trim().is_empty());
    for part in ["built-in base", "train --text my.txt", "model base, seed 1"] {
        assert!(sample.stderr.contains(part), "{part}: {}", sample.stderr);
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    let named = dir.run_ok(&[&["generate", "--model", "base"], &options[..]].concat());
    assert_eq!(named.stdout, sample.stdout);
    assert!(!named.stderr.contains("no run"), "{}", named.stderr);
    let prompted = dir.run_ok(&[&["generate", "--prompt", "It was 가 🦊"], &options[..]].concat());
    assert!(prompted.stdout.starts_with("It was 가 🦊"), "{}", prompted.stdout);
    let json = dir.json(&[&["generate", "--json"], &options[..]].concat());
    assert_eq!(json["samples"].as_array().unwrap().len(), 1);
    dir.expect_error(&["generate", "--unique"], &["base was trained on running text"]);
}

#[test]
fn errors_of_the_prompt_come_before_the_notice_that_the_base_writes() {
    let dir = TestDir::new();
    dir.file("empty.txt", "");
    for (prompt, expected) in [
        ("none.txt", "none.txt"),
        ("empty.txt", "the prompt in empty.txt is empty: expected at least one character"),
        (".", "`.` is a directory: expected a text file"),
        ("*.txt", "no file is named *.txt: expected one file with the prompt"),
    ] {
        let output = dir.run(&["generate", "--prompt-file", prompt]);
        assert_error(&output, prompt, &[expected]);
        assert_eq!(output.stderr.lines().count(), 1, "{}", output.stderr);
    }
}

#[test]
fn only_the_end_of_a_very_long_prompt_is_printed() {
    let dir = TestDir::new();
    dir.file("prompt.txt", "The fox saw the crow. ".repeat(3_000));
    let generate = ["generate", "--prompt-file", "prompt.txt", "--max-tokens", "5", "--seed", "1"];
    let output = dir.run_ok(&generate);
    let note = " tokens: the model reads the last 8,192, and its end is printed";
    assert!(output.stderr.contains(note), "{}", output.stderr);
    assert!(output.stdout.starts_with('…') && output.stdout.len() < 2_000, "{}", output.stdout);
    let json = dir.run_ok(&[&generate[..], &["--json"]].concat());
    assert!(json.stderr.contains(" tokens: the model reads the last 8,192\n"), "{}", json.stderr);
}

#[test]
fn other_commands_take_the_built_in_base_by_its_name() {
    let dir = TestDir::new();
    texts(&dir);
    let score = dir.json(&["evaluate", "--model", "base", "--text", "fox.txt", "--json"]);
    assert!(score["bits_per_byte"].as_f64().unwrap() > 0.0, "{score}");
    dir.expect_error(&["evaluate", "--model", "base"], &["text of the built-in base", "--text"]);
    dir.expect_error(&["gradients", "--model", "base"], &["text of the built-in base"]);
    for command in
        [&["train", "--resume", "base"][..], &["base", "--run", "base", "--out", "x"], &["reproduce", "base"]]
    {
        dir.expect_error(command, &["`base` is the built-in base model, not a run", "--init-from base"]);
    }
    dir.expect_error(&["evaluate"], &["no finished run"]);
    dir.expect_error(&["generate", "--model", "./base"], &["not a model directory"]);
    dir.expect_error(
        &["ask", "--text", "fox.txt"],
        &["no finished run of a question generation model", "`--no-network`"],
    );
    let ask = ["ask", "--text", "fox.txt", "--model", "base"];
    dir.expect_error(&ask, &["base holds a language model, expected a question model"]);
    dir.run_ok(&["export", "--model", "base", "--layout", "pytorch", "base.safetensors"]);
    assert!(dir.run_ok(&["runs"]).stderr.contains("no runs under runs"));
    fs::create_dir_all(dir.path().join("runs/base")).unwrap();
    let named = dir.run_ok(&["generate", "--model", "base", "--max-tokens", "5"]);
    assert!(named.stderr.contains("the directory of this name is `runs/base`"), "{}", named.stderr);
}
