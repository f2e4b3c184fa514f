//! Texts and times that no good model can be made of: a plain message or a run that ends, never a panic.

use std::fs;

use super::texts::{ONE_EPOCH, sentence};
use super::{SMALL, names, train, train_ok};
use crate::common::{self, TestDir};

#[test]
fn unusual_texts_are_trained_on_or_rejected_with_one_line() {
    let dir = TestDir::new();
    for (name, text) in [
        ("blank.txt", "\n".repeat(600)),
        ("spaces.txt", " ".repeat(600)),
        ("letter.txt", "a".repeat(600)),
        ("two.txt", "ab".repeat(300)),
        ("digits.txt", (0..400).map(|n| n.to_string()).collect()),
        ("punctuation.txt", "?!… ".repeat(200)),
        ("pictures.txt", "🦊🐺👩‍🌾".repeat(150)),
        ("short.txt", "The fox saw a crow. ".repeat(26)),
        ("same-lines.txt", "Anna\n".repeat(400)),
        ("long-line.txt", (0..90).map(|n| sentence(n).replace(' ', "")).collect()),
    ] {
        dir.file(name, text);
        let out = name.trim_end_matches(".txt");
        let run = train(&dir, &[&["--text", name, "--out", out], &ONE_EPOCH[..], &SMALL].concat());
        if run.code == Some(0) {
            assert!(!run.stderr.contains("NaN") && !run.stderr.contains("inf "), "{name}: {}", run.stderr);
            assert!(dir.path().join(out).join("score.md").is_file(), "{name}");
            dir.run_ok(&["generate", "--model", out, "--max-tokens", "5"]);
        } else {
            common::assert_error(&run, name, &[]);
            assert!(!dir.path().join(out).exists(), "{name}");
        }
    }
}

#[test]
fn equal_documents_leave_nothing_to_hold_out() {
    let dir = TestDir::new();
    fs::create_dir(dir.path().join("letters")).unwrap();
    for n in 0..25 {
        dir.file(&format!("letters/{n}.txt"), "The same letter once more.\n");
    }
    let equal = train(&dir, &[&["--text", "letters"], &ONE_EPOCH[..], &SMALL].concat());
    let expected = ["the text has 1 different document, but training and the held-out parts need 2: add documents"];
    common::assert_error(&equal, "equal files", &expected);
    assert!(!dir.path().join("runs").exists());
}

#[test]
fn a_time_that_is_over_before_the_first_step_makes_one_step_and_a_finished_run() {
    let dir = TestDir::new();
    dir.file("names.txt", names());
    let run = ["--text", "names.txt", "--minutes", "0.00001", "--out", "run"];
    let run = train_ok(&dir, &[&run[..], &SMALL].concat());
    assert!(run.stderr.contains("  train.epochs: 1 step: the time of 0.6 ms is too short, "), "{}", run.stderr);
    for file in ["score.md", "weights.bpk", "plan.toml"] {
        assert!(dir.path().join("run").join(file).is_file(), "{file}");
    }
    // The model has not learned yet where a name ends, and writes no more than twice as much as nearly all names have.
    let longest = names().lines().map(str::len).max().unwrap();
    let generate =
        ["generate", "--model", "run", "--documents", "30", "--temperature", "1", "--top-p", "1", "--seed", "1"];
    let written = dir.run_ok(&generate);
    assert!(written.stdout.lines().all(|name| name.chars().count() <= 2 * longest), "{}", written.stdout);
    assert!(written.stderr.contains(" no end after "), "{}", written.stderr);
}
