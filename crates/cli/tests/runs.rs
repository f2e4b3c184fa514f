//! Runs that begin with other runs, are made again, listed and compared; and what a run leaves behind to
//! look at.

mod common;

use std::fs;

use common::{Desk, tiny};
use serde_json::Value;

const FLEX: &[&str] = &["--backend", "flex"];

/// Trains a tiny network on `text`.
fn train_on(desk: &Desk, text: &str, more: &[&str]) {
    let args = [&["train", "--text", text], &tiny()[..], FLEX, more].concat();
    desk.must(&args);
}

fn texts(desk: &Desk) {
    desk.file("old.txt", "the cat saw the dog and the dog ran away from the cat . ".repeat(30));
    desk.file("new.txt", "the cat met a wolf and the wolf ran away from the dog . ".repeat(30));
}

fn vocabulary(desk: &Desk, run: &str) -> Vec<String> {
    let text = fs::read_to_string(desk.path().join(run).join("vocabulary.tsv")).unwrap();
    text.lines().skip(1).map(|line| line.split('\t').nth(1).unwrap().to_string()).collect()
}

#[test]
fn a_run_begins_with_another_ones_weights_and_tokens() {
    let desk = Desk::new();
    texts(&desk);
    let long = ["--set", "windows.step=1", "--set", "train.epochs=4"];
    train_on(&desk, "old.txt", &[&["--out", "old"], &long[..]].concat());
    fn from<'a>(more: &[&'a str]) -> Vec<&'a str> {
        [&["train", "--from", "old", "--text", "new.txt"], FLEX, more].concat()
    }
    let refused = from(&["--out", "refused"]);
    desk.refuses(&refused, &["3 tokens", "`a`", "`wolf`", "--vocabulary keep", "extend"]);
    assert!(!desk.path().join("refused").exists());

    let keep = from(&["--vocabulary", "keep", "--out", "kept"]);
    desk.must(&keep);
    assert_eq!(vocabulary(&desk, "kept"), vocabulary(&desk, "old"));
    let extend = from(&["--vocabulary", "extend", "--out", "extended"]);
    let said = desk.must(&extend).stderr;
    assert!(said.contains("3 tokens are new"), "{said}");
    let (old, new) = (vocabulary(&desk, "old"), vocabulary(&desk, "extended"));
    assert_eq!(new[..old.len()], old);
    let mut added = new[old.len()..].to_vec();
    added.sort();
    assert_eq!(added, ["a", "met", "wolf"]);

    // It begins where the other one ended: better than one that begins with nothing.
    train_on(&desk, "new.txt", &[&["--out", "fresh"], &long[..]].concat());
    let first_loss = |run: &str| {
        let text = fs::read_to_string(desk.path().join(run).join("metrics.jsonl")).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let epoch = lines.into_iter().find(|line| line["event"] == "epoch").unwrap();
        epoch["train_loss_nats_per_token"].as_f64().unwrap()
    };
    assert!(first_loss("extended") < first_loss("fresh"));

    // It can be gone on with, judged and begun with again, whatever becomes of the first model.
    fs::remove_dir_all(desk.path().join("old")).unwrap();
    let on = ["train", "--resume", "extended", "--set", "train.epochs=5"];
    desk.must(&[&on[..], FLEX].concat());
    desk.json(&[&["evaluate", "--model", "extended", "--json"], FLEX].concat());
    let again = ["train", "--from", "extended", "--text", "old.txt", "--out", "again"];
    desk.must(&[&again[..], FLEX].concat());
    assert_eq!(vocabulary(&desk, "again"), new);

    let resized = ["train", "--from", "extended", "--set", "model.embedding=9"];
    desk.refuses(&resized, &["`model.embedding`", "--from"]);
    desk.refuses(&["train", "--from", "nowhere", "--text", "new.txt"], &["nowhere"]);
    desk.refuses(&["train", "--vocabulary", "keep"], &["--from"]);
}

#[test]
fn a_run_is_reproduced_to_the_last_bit_and_a_difference_is_found() {
    let desk = Desk::new();
    texts(&desk);
    train_on(&desk, "old.txt", &["--out", "run"]);
    // The backend is that of the run, though it is not the first one.
    let verdict = desk.json(&["reproduce", "run", "--json", "--out", "again"]);
    assert_eq!(verdict["identical"], true, "{verdict}");
    assert!(verdict["equal_lines"].as_u64().unwrap() > 0, "{verdict}");
    assert_eq!(desk.must(&["reproduce", "again"]).stdout.matches("to the last bit").count(), 1);

    let metrics = desk.path().join("run/metrics.jsonl");
    let text = fs::read_to_string(&metrics).unwrap();
    fs::write(&metrics, text.replacen("\"epoch\":1", "\"epoch\":7", 1)).unwrap();
    let differs = desk.run(&["reproduce", "run"]);
    assert_eq!(differs.code, Some(1), "{}", differs.stdout);
    assert!(differs.stdout.contains("metrics.jsonl differs in line 1"), "{}", differs.stdout);

    desk.file("old.txt", "the dog saw the cat and the dog ran away from the cat . ".repeat(30));
    desk.refuses(&["reproduce", "run"], &["its text is not what it was", "restore"]);
    desk.refuses(&["reproduce", "nowhere"], &["nowhere is no run"]);
}

/// Burn's CPU backends share work out in the same pieces whatever the threads.
#[test]
fn the_number_of_threads_changes_no_bit() {
    let desk = Desk::new();
    texts(&desk);
    for backend in ["flex", "ndarray"] {
        let train = |threads: &str| {
            let run = format!("{backend}-{threads}");
            let mut args = vec!["train", "--text", "old.txt", "--backend", backend, "--out", &run];
            args.extend(tiny());
            // Large enough for the work to be shared.
            args.extend(["--set", "model.embedding=64", "--set", "model.layers[0].units=128"]);
            let done = desk.command(&args).env("RAYON_NUM_THREADS", threads).output().unwrap();
            assert!(done.status.success());
            fs::read(desk.path().join(run).join("weights.bpk")).unwrap()
        };
        assert!(train("1") == train("3"), "{backend}");
    }
}

#[test]
fn runs_are_listed_and_compared() {
    let desk = Desk::new();
    texts(&desk);
    assert!(desk.must(&["runs"]).stderr.contains("no run under runs"));
    train_on(&desk, "old.txt", &["--out", "runs/a"]);
    train_on(&desk, "old.txt", &["--out", "runs/b", "--set", "train.learning_rate=0.01"]);
    train_on(&desk, "new.txt", &["--out", "runs/c"]);
    fs::create_dir(desk.path().join("runs/no-run")).unwrap();
    let listed = desk.json(&["runs", "--json"]);
    let names: Vec<&str> =
        listed["runs"].as_array().unwrap().iter().map(|run| run["run"].as_str().unwrap()).collect();
    assert_eq!(names, ["runs/c", "runs/b", "runs/a"]);
    for run in listed["runs"].as_array().unwrap() {
        assert_eq!((&run["state"], &run["epochs"]), (&"finished".into(), &1.into()));
        assert!(run["best_valid_loss_nats_per_token"].as_f64().unwrap() > 0.0);
        assert!(run["bytes"].as_u64().unwrap() > 1_000);
    }
    let table = desk.must(&["runs"]).stdout;
    assert!(table.contains("runs/a") && table.contains("1 of 1"), "{table}");

    let compared = desk.must(&["compare", "runs/a", "runs/b"]);
    assert!(compared.stdout.contains("train.learning_rate"), "{}", compared.stdout);
    assert!(!compared.stderr.contains("warning"), "{}", compared.stderr);
    let svg = fs::read_to_string(desk.path().join("compare.svg")).unwrap();
    assert!(svg.contains("runs/a, validation") && svg.contains("runs/b, training"));
    let other = desk.must(&["compare", "runs/a", "runs/c", "--out", "other.svg"]);
    assert!(other.stderr.contains("runs/c was not judged by"), "{}", other.stderr);
    desk.refuses(&["compare", "runs/a"], &["2"]);
    desk.refuses(&["compare", "runs/a", "runs/no-run"], &["runs/no-run is no run", "expected"]);
}

#[test]
fn a_finished_run_leaves_a_score_card_a_chart_and_files_for_tensorboard() {
    let desk = Desk::new();
    texts(&desk);
    train_on(
        &desk,
        "old.txt",
        &["--out", "run", "--set", "windows.step=1", "--set", "train.epochs=3"],
    );
    let read = |file: &str| fs::read_to_string(desk.path().join("run").join(file)).unwrap();
    let card: Value = serde_json::from_str(&read("score.json")).unwrap();
    let rows = card["rows"].as_array().unwrap();
    let names: Vec<&str> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert!(names[0].starts_with("this model"), "{names:?}");
    assert_eq!(names[2..], ["5-gram", "unigram", "uniform"]);
    let loss = |at: usize| rows[at]["loss_nats_per_token"].as_f64().unwrap();
    assert!(loss(2) < loss(3) && loss(3) < loss(4), "{rows:?}");
    // Every held-out word is known, so that bytes can be counted.
    assert!(rows[0]["bits_per_byte"].as_f64().unwrap() > 0.0);
    let (written, held_out) = (&card["copied"], &card["copied_by_held_out_text"]);
    assert!(written["tokens"].as_u64().unwrap() > 8, "{card}");
    assert_eq!(written["tokens"], held_out["tokens"]);
    // The whole text is one sentence over and over: hardly anything in it is new.
    assert_eq!(card["copied_by_held_out_text"]["novel_ngrams"][0][1], 0.0);
    assert!(read("score.md").contains("| 5-gram |"), "{}", read("score.md"));
    assert!(read("loss.svg").contains("validation"));
    assert!(read("tensorboard/metadata.tsv").lines().any(|name| name == "cat"));
    assert!(read("tensorboard/projector_config.pbtxt").contains("embedding.tsv"));
    let run: Value = serde_json::from_str(&read("run.json")).unwrap();
    assert_eq!((&run["backend"], &run["seed"]), (&"flex".into(), &1.into()));
    assert_eq!(run["text_sha256"].as_str().unwrap().len(), 64);
}

/// util-linux's `script` lends a terminal.
#[cfg(target_os = "linux")]
#[test]
fn a_terminal_shows_the_run_and_is_given_back() {
    let desk = Desk::new();
    texts(&desk);
    let program = env!("CARGO_BIN_EXE_pastiche");
    let settings = tiny().join(" ");
    let on_terminal = |more: &str| {
        let size = "stty rows 24 cols 80";
        let train =
            format!("{size}; {program} train --text old.txt --backend flex {settings} {more}");
        let mut command = std::process::Command::new("script");
        command.args(["-qec", &train, "/dev/null"]).current_dir(desk.path());
        command.env("TERM", "xterm").stdin(std::process::Stdio::null());
        let output = command.output().ok()?;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let Some(shown) = on_terminal("--out shown") else {
        return common::skipped("there is no `script` (Debian's package is bsdutils)");
    };
    let (enter, leave) = ("\x1b[?1049h", "\x1b[?1049l");
    let screen = shown.find(enter).expect("a screen")..shown.find(leave).expect("given back");
    assert!(shown[screen.clone()].contains("nats a token"), "{shown}");
    // What the epochs came to stays readable, and the result follows.
    let after = &shown[screen.end..];
    assert!(after.contains("\x1b[?25h"), "the cursor stays hidden: {after}");
    assert!(after.contains("epoch 1/1: train loss") && after.contains("best epoch 1"), "{after}");
    let plain = on_terminal("--out plain --plain").unwrap();
    assert!(!plain.contains(enter) && plain.contains("epoch 1/1: train loss"), "{plain}");
}
