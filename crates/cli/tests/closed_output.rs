//! No command panics if standard output or standard error is closed or full, and a lost result is an error.
#![cfg(target_os = "linux")]

mod common;

use std::process::{Command, Stdio};

use common::{CommandOutput, TINY_QUESTION_MODEL, TestDir, output, tiny, with_config};
use serde_json::json;

/// Redirections, and whether they lose what is written to standard output. Rust replaces a closed stream by
/// `/dev/null`, where every write succeeds.
const REDIRECTIONS: [(&str, bool); 5] =
    [(">&-", false), ("2>&-", false), (">&- 2>&-", false), (">/dev/full", true), ("2>/dev/full", false)];

/// Runs the binary in a shell that redirects its output.
fn run_redirected(dir: &TestDir, args: &[&str], redirection: &str) -> CommandOutput {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("\"$@\" {redirection}"), "sh"]);
    shell.arg(env!("CARGO_BIN_EXE_pastiche")).args(with_config(args)).current_dir(dir.path());
    shell.env_remove("PASTICHE_BACKEND").env("RAYON_NUM_THREADS", "2").stdin(Stdio::null());
    output(shell.output().unwrap())
}

/// Trains a language model in `run` and a question generation model in `qa`, and exports weights.
fn prepare_models(dir: &TestDir) {
    dir.file("sentences.txt", "The fox saw three stones by the mill. The crow saw two.");
    dir.file("my.txt", "the cat saw the dog and the dog ran away from the cat . ".repeat(30));
    dir.run_ok(&[&["train", "--text", "my.txt", "--out", "run"], &tiny()[..]].concat());
    dir.run_ok(&["export", "weights.safetensors", "--layout", "keras", "--model", "run"]);
    let pair = |animal| {
        let context = format!("The {animal} saw three stones by the mill.");
        let question = format!("How many stones did the {animal} see?");
        json!({"context": context, "question": question, "answer": "three"}).to_string() + "\n"
    };
    dir.file("pairs.jsonl", ["fox", "crow", "hen", "wolf", "ant"].map(pair).concat());
    let settings = [
        "data.valid=pairs.jsonl",
        "train.epochs=1",
        "train.schedule.kind=constant",
        "train.schedule.warm_up_steps=0",
        "train.batch_size=5",
        "vocabulary.min_count=1",
    ];
    let train = ["train", "--config", "configs/qa.toml", "--text", "pairs.jsonl", "--out", "qa"];
    let settings = settings.iter().chain(TINY_QUESTION_MODEL).flat_map(|setting| ["--set", *setting]);
    dir.run_ok(&train.into_iter().chain(settings).collect::<Vec<_>>());
}

#[test]
fn samples_are_printed_before_the_last_one_is_generated() {
    let dir = TestDir::new();
    dir.file("my.txt", "the cat saw the dog and the dog ran away from the cat . ".repeat(30));
    dir.run_ok(&[&["train", "--text", "my.txt", "--out", "run"], &tiny()[..]].concat());
    let generate = ["generate", "--model", "run", "--max-tokens", "2", "--num-samples", "1000000000000"];
    for (options, start) in [(&[][..], "--- 1 ---\n"), (&["--json"], "{\"samples\":[{\"text\":")] {
        // It would never end if it kept the samples until the last one.
        let output = run_redirected(&dir, &[&generate[..], options].concat(), "| head -c 3000");
        assert!(output.stdout.len() == 3000 && output.stdout.starts_with(start), "{}", output.stdout);
        assert!(!output.stderr.contains("panicked"), "{}", output.stderr);
    }
}

#[test]
fn no_command_panics_without_its_output_streams() {
    let dir = TestDir::new();
    prepare_models(&dir);
    // `NEW` stands for an unused name, `TINY` for the settings of the tiny model.
    let commands = [
        ("--help", 0),
        ("--version", 0),
        ("train --no-such-option", 2),
        ("train --text my.txt TINY --out NEW", 0),
        ("generate --model run --max-tokens 3", 0),
        ("prepare --text my.txt TINY", 0),
        ("summary --text my.txt TINY", 0),
        ("evaluate --model run", 0),
        ("ask --model qa --text sentences.txt --format squad", 0),
        ("gradients --steps 1 --max-lag 2 --text my.txt TINY", 0),
        ("runs .", 0),
        ("compare run run", 0),
        ("reproduce run --out NEW", 0),
        ("fetch fables", 0),
        ("import weights.safetensors --layout keras --like run --out NEW", 0),
        ("export NEW --layout keras --model run", 0),
    ];
    for (command, code) in commands {
        for (at, (redirection, loses_result)) in REDIRECTIONS.into_iter().enumerate() {
            let new = format!("{}-{at}", command.split(' ').next().unwrap());
            let expand = |word| match word {
                "NEW" => vec![new.as_str()],
                "TINY" => tiny(),
                word => vec![word],
            };
            let args: Vec<&str> = command.split(' ').flat_map(expand).collect();
            let output = run_redirected(&dir, &args, redirection);
            let context = format!("{command} {redirection}: {:?}, {}", output.code, output.stderr);
            assert!(!output.stderr.contains("panicked"), "{context}");
            let expected = if loses_result && code == 0 { 1 } else { code };
            assert_eq!(output.code, Some(expected), "{context}");
        }
    }
}
