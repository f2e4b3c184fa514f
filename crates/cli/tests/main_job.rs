//! The main job, end to end: train, generate, evaluate, resume.

mod common;

use std::fs;

use common::{Desk, answer, tiny};
use serde_json::Value;

fn samples(desk: &Desk, more: &[&str]) -> Vec<Value> {
    let report = desk.json(&[&["generate", "--json", "--tokens", "20"], more].concat());
    report["samples"].as_array().unwrap().clone()
}

#[test]
fn train_then_write_then_score() {
    let desk = Desk::new();
    let trained = desk.train(&[]);
    assert_eq!(trained.code, Some(0), "{}", trained.stderr);
    assert_eq!(trained.stdout.trim(), "runs/lstm-1");
    assert!(trained.stderr.contains("after step 40:"), "{}", trained.stderr);
    assert!(trained.stderr.contains("it writes:"), "{}", trained.stderr);

    let run = desk.path().join("runs/lstm-1");
    for file in [
        "manifest.json",
        "weights.bpk",
        "tokenizer.json",
        "vocabulary.tsv",
        "config.toml",
        "metrics.jsonl",
        "samples.md",
    ] {
        assert!(run.join(file).exists(), "{file}");
    }
    let read = |file: &str| fs::read_to_string(run.join(file)).unwrap();
    let metrics = read("metrics.jsonl");
    let last: Value = serde_json::from_str(metrics.lines().last().unwrap()).unwrap();
    assert_eq!((&last["event"], &last["epoch"]), (&"epoch".into(), &1.into()));
    let spoken = read("samples.md");
    for temperature in ["0.2", "0.5", "1"] {
        assert!(spoken.contains(&format!("Temperature {temperature}:")), "{spoken}");
    }
    let manifest: Value = serde_json::from_str(&read("manifest.json")).unwrap();
    assert_eq!(manifest["format"], 2);
    assert!(manifest["about"]["valid_loss_carried"].is_number());

    // The window protocol gives the very loss that was recorded while training.
    let scored = desk.json(&["evaluate", "--json", "--context", "window"]);
    let keys: Vec<&String> = scored.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "protocol",
            "tokens",
            "loss_nats_per_token",
            "perplexity",
            "accuracy",
            "unknown_share",
            "bits_per_byte"
        ]
    );
    let loss = scored["loss_nats_per_token"].as_f64().unwrap();
    let recorded = manifest["about"]["valid_loss_window"].as_f64().unwrap();
    assert!((loss - recorded).abs() < 1e-6, "{loss} against {recorded}");
    let carried = desk.json(&["evaluate", "--json", "--context", "carried"]);
    assert_eq!(carried["loss_nats_per_token"], manifest["about"]["valid_loss_carried"]);
    assert_eq!(carried["tokens"], scored["tokens"]);
    // Held-out fables hold words that training never saw, so nobody knows their bytes.
    assert!(scored["unknown_share"].as_f64().unwrap() > 0.0);
    assert!(scored["bits_per_byte"].is_null());
}

#[test]
fn eight_bits_write_and_say_what_they_cost() {
    let desk = Desk::new();
    assert_eq!(desk.train(&["--out", "runs/a"]).code, Some(0));
    let loss = |extra: &[&str]| {
        let scored = desk.json(&[&["evaluate", "--json"], extra].concat());
        (scored["loss_nats_per_token"].as_f64().unwrap(), scored["protocol"].to_string())
    };
    let ((exact, as_trained), (near, rounded)) = (loss(&[]), loss(&["--int8"]));
    assert!(exact != near && (exact - near).abs() < 0.01, "{exact} {near}");
    assert!(!as_trained.contains("eight bits") && rounded.contains("eight bits"), "{rounded}");
    let written = samples(&desk, &["--int8", "--seed", "1", "--samples", "2"]);
    assert_eq!(written.len(), 2);
    for command in ["generate", "evaluate"] {
        let mut off = desk.command(&[command, "--int8"]);
        let off = answer(off.env("PASTICHE_KERNELS", "off").output().unwrap());
        assert_ne!(off.code, Some(0), "{command}");
        assert!(off.stderr.contains("`--int8` is given, which needs a kernel"), "{}", off.stderr);
    }
}

#[test]
fn a_sample_is_the_same_whatever_else_is_written() {
    let desk = Desk::new();
    assert_eq!(desk.train(&["--out", "runs/a"]).code, Some(0));
    let three = samples(&desk, &["--seed", "1", "--samples", "3", "--temperature", "1"]);
    let one = samples(&desk, &["--seed", "1", "--temperature", "1"]);
    assert_eq!(three[0], one[0]);
    assert_ne!(three[0]["ids"], three[1]["ids"]);
    assert_ne!(one, samples(&desk, &["--seed", "2", "--temperature", "1"]));
    assert_eq!(one[0]["ids"].as_array().unwrap().len(), 20);

    let plain = desk.must(&["generate", "--seed", "1", "--tokens", "20", "--temperature", "1"]);
    assert_eq!(plain.stdout.trim(), one[0]["text"].as_str().unwrap().trim());

    let prompted = samples(&desk, &["--seed", "1", "--prompt", "The fox said"]);
    assert!(!prompted[0]["text"].as_str().unwrap().contains("The fox said"));
    let report = desk.json(&["generate", "--json", "--tokens", "3", "--seed", "7"]);
    assert_eq!((&report["seed"], &report["temperature"]), (&7.into(), &0.5.into()));
    assert!(report["tokens_per_second"].as_f64().unwrap() > 0.0);
}

#[test]
fn prompts_come_from_files_and_from_standard_input() {
    let desk = Desk::new();
    assert_eq!(desk.train(&["--out", "runs/a"]).code, Some(0));
    let options = ["--seed", "1", "--temperature", "0", "--context", "carried"];
    let expected = samples(&desk, &[&options[..], &["--prompt", "the old lion"]].concat());
    desk.file("prompt.txt", "the old lion");
    let from_file = [&options[..], &["--prompt-file", "prompt.txt"]].concat();
    assert_eq!(samples(&desk, &from_file), expected);
    let mut command = desk.command(&["generate", "--json", "--tokens", "20"]);
    command.args(options).args(["--prompt-file", "-"]);
    command.stdin(fs::File::open(desk.path().join("prompt.txt")).unwrap());
    let answer = common::answer(command.output().unwrap());
    let report: Value = serde_json::from_str(&answer.stdout).unwrap();
    assert_eq!(report["samples"], Value::from(expected));
}

#[test]
fn a_window_forgets_what_carried_state_remembers() {
    let desk = Desk::new();
    assert_eq!(desk.train(&["--out", "runs/a"]).code, Some(0));
    let long = |start: &str| format!("{start} {}", "and the fox went to the river ".repeat(5));
    let logits_follow = |start: &str, context: &str| {
        let prompt = long(start);
        let options = ["--seed", "1", "--temperature", "1", "--context", context];
        samples(&desk, &[&options[..], &["--prompt", prompt.as_str()]].concat())
    };
    assert_eq!(logits_follow("lion", "window"), logits_follow("crow", "window"));
    // What is carried still differs in the numbers, if not always in the words.
    let text = |start: &str| long(start) + &"and the fox went to the river ".repeat(3);
    let loss = |start: &str, context: &str| {
        desk.file("text.txt", text(start));
        let base = ["evaluate", "--json", "--text", "text.txt", "--context", context];
        desk.json(&base)["loss_nats_per_token"].as_f64().unwrap()
    };
    assert_ne!(loss("lion", "carried"), loss("crow", "carried"));
}

#[test]
fn runs_are_named_and_never_overwritten() {
    let desk = Desk::new();
    for name in ["runs/lstm-1", "runs/lstm-2"] {
        assert_eq!(desk.train(&[]).stdout.trim(), name);
    }
    let again = desk.train(&["--out", "runs/lstm-1"]);
    common::refused(&again, "--out", &["runs/lstm-1 exists", "--resume"]);
    let newest = desk.must(&["generate", "--tokens", "2"]);
    assert!(newest.stderr.contains("runs/lstm-2"), "{}", newest.stderr);
}

#[test]
fn resuming_gives_the_bytes_of_the_uninterrupted_run() {
    let desk = Desk::new();
    let whole = desk.train(&["--set", "train.epochs=3", "--out", "whole"]);
    assert_eq!(whole.code, Some(0), "{}", whole.stderr);
    let part = desk.train(&["--out", "part"]);
    assert_eq!(part.code, Some(0), "{}", part.stderr);
    let resumed = desk.run(&["train", "--resume", "part", "--set", "train.epochs=2"]);
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
    assert!(resumed.stderr.contains("after step 89 "), "{}", resumed.stderr);
    let resumed = desk.run(&["train", "--resume", "part", "--set", "train.epochs=3"]);
    assert!(resumed.stderr.contains("after step 178 "), "{}", resumed.stderr);
    // The goal that was moved is remembered: there is nothing left to do.
    fs::remove_file(desk.path().join("part/manifest.json")).unwrap();
    let done = desk.run(&["train", "--resume", "part"]);
    assert!(done.stderr.contains("has finished all 3 epochs"), "{}", done.stderr);
    let fewer = desk.run(&["train", "--resume", "part", "--set", "train.epochs=2"]);
    common::refused(&fewer, "fewer epochs", &["has finished 3 epochs", "train.epochs"]);
    assert!(!done.stderr.contains("an epoch will take"), "{}", done.stderr);
    let read = |run: &str, file: &str| fs::read(desk.path().join(run).join(file)).unwrap();
    assert_eq!(read("whole", "weights.bpk"), read("part", "weights.bpk"));
    assert_eq!(read("whole", "samples.md"), read("part", "samples.md"));
    let epochs = |run| {
        let text = String::from_utf8(read(run, "metrics.jsonl")).unwrap();
        let values = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let losses = values.map(|value| {
            let keys = ["event", "epoch", "step", "train_loss_nats_per_token"];
            keys.map(|key| value[key].clone())
        });
        losses.collect::<Vec<_>>()
    };
    assert_eq!(epochs("whole"), epochs("part"));
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let desk = Desk::new();
    for run in ["a", "b"] {
        assert_eq!(desk.train(&["--out", run]).code, Some(0));
    }
    assert_eq!(desk.train(&["--out", "c", "--set", "seed=2"]).code, Some(0));
    let read = |run: &str| fs::read(desk.path().join(run).join("weights.bpk")).unwrap();
    assert_eq!(read("a"), read("b"));
    assert_ne!(read("a"), read("c"));
}

#[test]
fn characters_are_learned_from_a_text_of_ones_own() {
    let desk = Desk::new();
    let text = "The quick brown fox jumps over the lazy dog. ".repeat(60);
    desk.file("my.txt", text);
    let settings = [
        "clean.preset=verbatim",
        "tokens.kind=characters",
        "vocabulary.min_count=1",
        "windows.step=3",
    ];
    let settings: Vec<&str> = settings.iter().flat_map(|set| ["--set", *set]).collect();
    let mut args = vec!["train", "--text", "my.txt", "--out", "run"];
    args.extend(tiny());
    args.extend(settings);
    args.extend(["--set", "clean.story_mark=@"]);
    let trained = desk.must(&args);
    assert!(trained.stderr.contains("story mark `@` does not occur"), "{}", trained.stderr);
    let report = desk.json(&["generate", "--model", "run", "--json", "--prompt", "The quick"]);
    assert_eq!(report["samples"][0]["text"].as_str().unwrap().chars().count(), 200);
    let scored = desk.json(&["evaluate", "--model", "run", "--json"]);
    assert_eq!(scored["unknown_share"], 0.0);
    let bits = scored["bits_per_byte"].as_f64().unwrap();
    let loss = scored["loss_nats_per_token"].as_f64().unwrap();
    assert!((bits - loss / 2f64.ln()).abs() < 1e-9, "one byte a character: {bits}, {loss}");
}
