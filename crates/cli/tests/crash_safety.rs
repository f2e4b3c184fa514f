//! A run that is killed, interrupted or hits a full disk at any moment can be resumed, and ends with the same bytes as
//! an uninterrupted run.
//!
//! Needs a binary with failpoints, as `cargo xtask test` builds it.

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;
#[cfg(unix)]
use std::process::Stdio;

use common::{CommandOutput, TestDir, assert_error, output};
use seqdata::Random;
use serde_json::Value;

/// Names and bytes.
type Files = Vec<(String, Vec<u8>)>;

/// Truncated BPTT, Adam, averaged weights and a checkpoint every third step: all kinds of training state.
const SETTINGS: &[&str] = &[
    "train.epochs=2",
    "train.mode=tbptt",
    "train.batch_size=4",
    "train.optimizer.kind=adam",
    "train.ema_decay=0.9",
    "train.schedule.kind=plateau",
    "train.schedule.factor=0.5",
    "train.schedule.patience=1",
    "train.bptt_len=20",
    "model.embedding_dim=6",
    "model.layers[0].units=6",
    "samples.max_tokens=4",
    "split.valid_fraction=0.2",
    "samples.every_steps=4",
    "checkpoints.every_steps=3",
    "checkpoints.every_minutes=0",
];

/// A directory with a short text, so that a run is short.
fn short_text_dir() -> TestDir {
    let dir = TestDir::new();
    let words = ["fox", "crow", "wolf", "saw", "met", "the", "a", "old", "said", "cheese", "and", "."];
    let mut random = Random::keyed(1, "text", &[]);
    let mut word = || words[random.below(words.len() as u64) as usize];
    let text: Vec<&str> = (0..700).map(|_| word()).collect();
    dir.file("my.txt", text.join(" "));
    dir
}

/// A command that trains `run` with these settings; not started yet.
fn train_command(dir: &TestDir, run: &str) -> Command {
    let mut args = vec!["train", "--backend", "flex", "--text", "my.txt", "--out", run];
    args.extend(SETTINGS.iter().flat_map(|setting| ["--set", *setting]));
    dir.command(&args)
}

fn failing(mut command: Command, plan: &str) -> CommandOutput {
    output(command.env("PASTICHE_FAILPOINTS", plan).output().unwrap())
}

/// Resumes `run`, or starts it again if it has no checkpoint yet, and trains it to the end.
fn finish(dir: &TestDir, run: &str) {
    finish_with(dir, run, &[]);
}

/// Like [`finish`], with additional settings if it is started again.
fn finish_with(dir: &TestDir, run: &str, more: &[&str]) {
    let steps = fs::read_dir(dir.path().join(run).join("checkpoints"));
    let has_checkpoint =
        steps.into_iter().flatten().any(|entry| entry.unwrap().file_name().to_string_lossy().starts_with("step-"));
    let mut command = if has_checkpoint {
        dir.command(&["train", "--backend", "flex", "--resume", run])
    } else {
        let _ = fs::remove_dir_all(dir.path().join(run));
        let mut command = train_command(dir, run);
        command.args(more);
        command
    };
    let done = output(command.output().unwrap());
    assert_eq!(done.code, Some(0), "{run}: {}", done.stderr);
}

/// Asserts that the newest checkpoint whose rename was synced before the last of the `passed` points still exists, or
/// a newer one.
fn assert_nothing_durable_is_lost(dir: &TestDir, run: &str, passed: &[String]) {
    let synced = passed.iter().rposition(|point| point == "sync checkpoints").unwrap_or(0);
    // An operation was completed if the point after it was passed too.
    let durable = passed[..synced].iter().filter(|_| synced + 1 < passed.len());
    let newest = durable.filter_map(|point| point.strip_prefix("rename step-")).next_back();
    // A run that failed before its first step leaves nothing.
    let Some(newest) = newest.filter(|steps| steps.parse() != Ok(0u64)) else { return };
    let checkpoints = fs::read_dir(dir.path().join(run).join("checkpoints")).unwrap();
    let names = checkpoints.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let newest_left = names.filter_map(|name| Some(name.strip_prefix("step-")?.to_string())).max();
    assert!(newest_left.as_deref() >= Some(newest), "step {newest} was durable, {newest_left:?} is left");
}

/// The files that an interruption must not change: model and checkpoints byte for byte, samples, and metrics without
/// times.
fn results(dir: &TestDir, run: &str) -> Files {
    let run = dir.path().join(run);
    let mut files = Vec::new();
    let mut take = |path: &Path| {
        let name = path.strip_prefix(&run).unwrap().display().to_string();
        files.push((name, fs::read(path).unwrap_or_default()));
    };
    for file in ["weights.bpk", "tokenizer.json", "vocabulary.tsv", "document-hashes.bin", "samples.md", "loss.svg"] {
        take(&run.join(file));
    }
    let checkpoints = fs::read_dir(run.join("checkpoints")).unwrap();
    let mut checkpoints: Vec<_> = checkpoints.map(|entry| entry.unwrap().path()).collect();
    checkpoints.sort();
    let names: Vec<_> = checkpoints.iter().map(|path| path.file_name().unwrap()).collect();
    assert!(names.iter().all(|name| name.to_string_lossy().starts_with("step-")), "{names:?}");
    for checkpoint in &checkpoints {
        for file in ["weights.bpk", "trained.bpk", "optimizer.bpk"] {
            take(&checkpoint.join(file));
        }
    }
    let metrics = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    for (at, line) in metrics.lines().enumerate() {
        let mut line: Value = serde_json::from_str(line).expect("a complete line");
        line.as_object_mut().unwrap().retain(|key, _| !key.contains("second"));
        files.push((format!("metrics.jsonl, line {}", at + 1), line.to_string().into_bytes()));
    }
    files
}

fn assert_same(expected: &Files, found: &Files, context: &str) {
    let names = |files: &Files| -> Vec<String> { files.iter().map(|(name, _)| name.clone()).collect() };
    assert_eq!(names(expected), names(found), "{context}");
    for ((name, expected), (_, found)) in expected.iter().zip(found) {
        assert!(expected == found, "{context}: {name} differs");
    }
}

/// The names of the failpoints that an uninterrupted run passes, and its results; `None` for a binary without
/// failpoints.
fn uninterrupted(dir: &TestDir) -> Option<(Vec<String>, Files)> {
    let list = dir.path().join("points");
    let done = failing(train_command(dir, "whole"), &format!("list:{}", list.display()));
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let Ok(points) = fs::read_to_string(&list) else {
        common::skipped("this binary has no failpoints (run `cargo xtask test`)");
        return None;
    };
    Some((points.lines().map(String::from).collect(), results(dir, "whole")))
}

/// The name of a failpoint without digits, so that all checkpoints have the same names.
#[cfg(unix)]
fn kind(point: &str) -> String {
    point.chars().filter(|c| !c.is_ascii_digit()).collect()
}

#[cfg(unix)]
#[test]
fn a_run_killed_at_any_point_is_resumed_to_the_same_bytes() {
    use std::os::unix::process::ExitStatusExt;

    let dir = short_text_dir();
    let Some((points, expected)) = uninterrupted(&dir) else { return };
    let mut kinds: Vec<String> = points.iter().map(|point| kind(point)).collect();
    kinds.sort();
    kinds.dedup();
    for operation in ["write", "sync", "rename", "append", "step", "discard", "remove"] {
        assert!(kinds.iter().any(|kind| kind.starts_with(operation)), "{operation}: {kinds:?}");
    }
    // Twenty kinds of points, one of each kind, drawn with a fixed seed; always including the middle of a step.
    let mut random = Random::keyed(4, "kill", &[]);
    let middle = "step middle".to_string();
    kinds.retain(|kind| *kind != middle);
    let order = random.permutation(kinds.len());
    assert!(order.len() >= 19, "{kinds:?}");
    let drawn = order.iter().take(19).map(|&at| &kinds[at as usize]);
    for kind_of_point in drawn.chain([&middle]) {
        let of_kind: Vec<usize> = (0..points.len()).filter(|&at| kind(&points[at]) == *kind_of_point).collect();
        let at = of_kind[random.below(of_kind.len() as u64) as usize];
        let run = format!("killed-{at}");
        let mut command = train_command(&dir, &run);
        command.env("PASTICHE_FAILPOINTS", format!("kill:{}", at + 1));
        let status = command.stderr(Stdio::null()).stdout(Stdio::null()).status().unwrap();
        assert_eq!(status.signal(), Some(9), "{} was not reached", points[at]);
        assert_nothing_durable_is_lost(&dir, &run, &points[..at]);
        finish(&dir, &run);
        assert_same(&expected, &results(&dir, &run), &format!("killed at {}", points[at]));
        fs::remove_dir_all(dir.path().join(&run)).unwrap();
    }
}

#[test]
fn a_disk_that_is_full_at_any_point_loses_nothing() {
    let dir = short_text_dir();
    let Some((points, expected)) = uninterrupted(&dir) else { return };
    for at in 0..points.len() {
        if points[at].starts_with("step") {
            continue;
        }
        let run = format!("full-{at}");
        let ended = failing(train_command(&dir, &run), &format!("fail:{}", at + 1));
        assert_error(&ended, &points[at], &["cannot be"]);
        assert_nothing_durable_is_lost(&dir, &run, &points[..at]);
        finish(&dir, &run);
        assert_same(&expected, &results(&dir, &run), &format!("full at {}", points[at]));
        fs::remove_dir_all(dir.path().join(&run)).unwrap();
    }
}

/// Kills a run at every eighth failpoint, fills the disk at every eighth in between, and resumes it.
#[cfg(unix)]
fn interrupt_repeatedly(dir: &TestDir, start: impl Fn(&str) -> Command, resume: impl Fn(&str), expected_message: &str) {
    use std::os::unix::process::ExitStatusExt;

    let list = dir.path().join("more-points");
    let done = failing(start("uninterrupted"), &format!("list:{}", list.display()));
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.stderr.contains(expected_message), "{}", done.stderr);
    let Ok(points) = fs::read_to_string(&list) else {
        return common::skipped("this binary has no failpoints (run `cargo xtask test`)");
    };
    let expected = results(dir, "uninterrupted");
    for (at, point) in points.lines().enumerate().step_by(4) {
        let run = format!("interrupted-{at}");
        if at % 8 == 0 {
            let mut command = start(&run);
            command.env("PASTICHE_FAILPOINTS", format!("kill:{}", at + 1));
            let status = command.stderr(Stdio::null()).stdout(Stdio::null()).status().unwrap();
            assert_eq!(status.signal(), Some(9), "{point} was not reached");
        } else {
            let ended = failing(start(&run), &format!("fail:{}", at + 1));
            assert_ne!(ended.code, Some(0), "{point}: {}", ended.stderr);
            assert!(!ended.stderr.contains("panicked"), "{point}: {}", ended.stderr);
        }
        resume(&run);
        assert_same(&expected, &results(dir, &run), &format!("interrupted at {point}, point {at}"));
        fs::remove_dir_all(dir.path().join(&run)).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn a_resumed_run_survives_interruptions() {
    let dir = short_text_dir();
    let mut half = train_command(&dir, "half");
    let done = output(half.args(["--set", "train.epochs=1"]).output().unwrap());
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let resume_command =
        |run: &str| dir.command(&["train", "--backend", "flex", "--resume", run, "--set", "train.epochs=2"]);
    let copied = |run: &str| {
        let status = Command::new("cp").args(["-r", "half", run]).current_dir(dir.path()).status();
        assert!(status.unwrap().success());
        resume_command(run)
    };
    let resume = |run: &str| {
        let done = output(resume_command(run).output().unwrap());
        assert_eq!(done.code, Some(0), "{run}: {}", done.stderr);
    };
    interrupt_repeatedly(&dir, copied, resume, "resuming");
}

#[cfg(unix)]
#[test]
fn a_run_on_labelled_documents_survives_interruptions() {
    let dir = TestDir::new();
    let mut random = Random::keyed(1, "documents", &[]);
    let mut word = || ["fox", "crow", "wolf", "saw", "met", "the", "old"][random.below(7) as usize];
    let rows = (0..60).map(|row| format!("{} {},{}\n", word(), word(), ["a", "b"][row % 2]));
    dir.file("my.txt", format!("text,author\n{}", rows.collect::<String>()));
    let table = ["--column", "text", "--label", "author", "--set", "train.epochs=1"];
    let start = |run: &str| {
        let mut command = train_command(&dir, run);
        command.args(table);
        command
    };
    interrupt_repeatedly(&dir, start, |run| finish_with(&dir, run, &table), "documents");
    let hashes = fs::read(dir.path().join("uninterrupted/document-hashes.bin")).unwrap();
    assert!(!hashes.is_empty());
}

#[cfg(unix)]
#[test]
fn a_diverging_run_survives_interruptions() {
    let dir = short_text_dir();
    let diverging = ["--set", "train.learning_rate=12"];
    let start = |run: &str| {
        let mut command = train_command(&dir, run);
        command.args(diverging);
        command
    };
    interrupt_repeatedly(&dir, start, |run| finish_with(&dir, run, &diverging), "half the learning rate");
}

/// The base has millions of weights, so few runs are killed.
#[cfg(unix)]
#[test]
fn a_run_from_the_base_survives_interruptions() {
    use std::os::unix::process::ExitStatusExt;

    let dir = short_text_dir();
    let settings = ["train.steps_per_epoch=2", "train.batch_size=2", "train.bptt_len=8", "samples.max_tokens=4"];
    let start = |run: &str| {
        let mut args = vec!["train", "--backend", "flex", "--init-from", "base", "--text", "my.txt", "--out", run];
        args.extend(["--set", "train.epochs=1", "--set", "train.unfreeze_steps=1", "--set", "train.layer_decay=0.5"]);
        args.extend(settings.iter().flat_map(|setting| ["--set", *setting]));
        dir.command(&args)
    };
    let list = dir.path().join("points");
    let done = failing(start("whole"), &format!("list:{}", list.display()));
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let Ok(points) = fs::read_to_string(&list) else {
        return common::skipped("this binary has no failpoints (run `cargo xtask test`)");
    };
    let points: Vec<&str> = points.lines().collect();
    let expected = results(&dir, "whole");
    let last = |name: &str| points.iter().rposition(|point| point.starts_with(name)).expect(name);
    for at in [last("step middle"), last("rename step-")] {
        let run = format!("killed-{at}");
        let mut command = start(&run);
        command.env("PASTICHE_FAILPOINTS", format!("kill:{}", at + 1));
        let status = command.stderr(Stdio::null()).stdout(Stdio::null()).status().unwrap();
        assert_eq!(status.signal(), Some(9), "{} was not reached", points[at]);
        let resumed = output(dir.command(&["train", "--backend", "flex", "--resume", &run]).output().unwrap());
        assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
        assert_same(&expected, &results(&dir, &run), &format!("killed at {}", points[at]));
        fs::remove_dir_all(dir.path().join(&run)).unwrap();
    }
}
