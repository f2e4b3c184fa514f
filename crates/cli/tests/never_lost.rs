//! A run that is killed, refused or interrupted at any moment goes on to the bytes of the undisturbed one.
//!
//! Needs a program with failpoints, as `cargo xtask test` builds it.

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{Answer, Desk, answer, refused};
use seqdata::Random;
use serde_json::Value;

/// Names and bytes.
type Files = Vec<(String, Vec<u8>)>;

/// Streams, Adam, averaged weights and a checkpoint every third step: all that a run can carry along.
const SETTINGS: &[&str] = &[
    "train.epochs=2",
    "train.method=every-step",
    "train.batch_size=4",
    "train.optimizer.kind=adam",
    "train.averaging=0.9",
    "train.schedule.kind=plateau",
    "train.schedule.factor=0.5",
    "train.schedule.patience=1",
    "streams.length=20",
    "model.embedding=6",
    "model.layers[0].units=6",
    "samples.tokens=4",
    "split.valid_fraction=0.2",
    "samples.every_steps=4",
    "checkpoints.every_steps=3",
    "checkpoints.every_minutes=0",
];

/// A short text, so that a run is over soon.
fn desk() -> Desk {
    let desk = Desk::new();
    let words =
        ["fox", "crow", "wolf", "saw", "met", "the", "a", "old", "said", "cheese", "and", "."];
    let mut random = Random::keyed(1, "text", &[]);
    let mut word = || words[random.below(words.len() as u64) as usize];
    let text: Vec<&str> = (0..700).map(|_| word()).collect();
    desk.file("my.txt", text.join(" "));
    desk
}

/// `train` with these settings into `run`, not yet started.
fn begin(desk: &Desk, run: &str) -> Command {
    let mut args = vec!["train", "--backend", "flex", "--text", "my.txt", "--out", run];
    args.extend(SETTINGS.iter().flat_map(|setting| ["--set", *setting]));
    desk.command(&args)
}

fn failing(mut command: Command, plan: &str) -> Answer {
    answer(command.env("PASTICHE_FAILPOINTS", plan).output().unwrap())
}

/// Goes on with `run`, or begins anew where nothing was kept yet, to the end.
fn finish(desk: &Desk, run: &str) {
    finish_with(desk, run, &[]);
}

/// The same with these settings where it begins anew.
fn finish_with(desk: &Desk, run: &str, more: &[&str]) {
    let steps = fs::read_dir(desk.path().join(run).join("checkpoints"));
    let kept = steps
        .into_iter()
        .flatten()
        .any(|entry| entry.unwrap().file_name().to_string_lossy().starts_with("step-"));
    let command = match kept {
        true => desk.command(&["train", "--backend", "flex", "--resume", run]),
        false => {
            let _ = fs::remove_dir_all(desk.path().join(run));
            let mut command = begin(desk, run);
            command.args(more);
            command
        }
    };
    let done = answer({ command }.output().unwrap());
    assert_eq!(done.code, Some(0), "{run}: {}", done.stderr);
}

/// The newest checkpoint whose rename was made durable before the last of `passed` is still there, or a
/// newer one.
fn nothing_durable_is_lost(desk: &Desk, run: &str, passed: &[String]) {
    let synced = passed.iter().rposition(|point| point == "sync checkpoints").unwrap_or(0);
    // Whether the point that follows was passed too tells whether this one was done.
    let durable = passed[..synced].iter().filter(|_| synced + 1 < passed.len());
    let newest = durable.filter_map(|point| point.strip_prefix("rename step-")).next_back();
    // A run that was refused before its first step leaves nothing behind.
    let Some(newest) = newest.filter(|steps| steps.parse() != Ok(0u64)) else { return };
    let kept = fs::read_dir(desk.path().join(run).join("checkpoints")).unwrap();
    let names = kept.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let kept = names.filter_map(|name| Some(name.strip_prefix("step-")?.to_string())).max();
    assert!(kept.as_deref() >= Some(newest), "step {newest} was durable, {kept:?} is left");
}

/// What no interruption may change: the files of the model and of the last checkpoint byte by byte, the
/// metrics but for times, the samples.
fn result(desk: &Desk, run: &str) -> Files {
    let run = desk.path().join(run);
    let mut files = Vec::new();
    let mut take = |path: &Path| {
        let name = path.strip_prefix(&run).unwrap().display().to_string();
        files.push((name, fs::read(path).unwrap_or_default()));
    };
    for file in ["weights.bpk", "tokenizer.json", "vocabulary.tsv", "samples.md", "loss.svg"] {
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
        let mut line: Value = serde_json::from_str(line).expect("a whole line");
        line.as_object_mut().unwrap().retain(|key, _| !key.contains("second"));
        files.push((format!("metrics.jsonl, line {}", at + 1), line.to_string().into_bytes()));
    }
    files
}

fn same(expected: &Files, found: &Files, what: &str) {
    let names =
        |files: &Files| -> Vec<String> { files.iter().map(|(name, _)| name.clone()).collect() };
    assert_eq!(names(expected), names(found), "{what}");
    for ((name, expected), (_, found)) in expected.iter().zip(found) {
        assert!(expected == found, "{what}: {name} is another");
    }
}

/// Whether this program has failpoints, and the names of all that an undisturbed run reaches.
fn undisturbed(desk: &Desk) -> Option<(Vec<String>, Files)> {
    let list = desk.path().join("points");
    let done = failing(begin(desk, "whole"), &format!("list:{}", list.display()));
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let Ok(points) = fs::read_to_string(&list) else {
        common::skipped("this program has no failpoints (run `cargo xtask test`)");
        return None;
    };
    Some((points.lines().map(String::from).collect(), result(desk, "whole")))
}

/// A point's name without the numbers in it: all checkpoints are alike.
fn kind(point: &str) -> String {
    point.chars().filter(|c| !c.is_ascii_digit()).collect()
}

#[cfg(unix)]
#[test]
fn a_run_killed_at_any_point_goes_on_to_the_same_bytes() {
    use std::os::unix::process::ExitStatusExt;

    let desk = desk();
    let Some((points, expected)) = undisturbed(&desk) else { return };
    let mut kinds: Vec<String> = points.iter().map(|point| kind(point)).collect();
    kinds.sort();
    kinds.dedup();
    for operation in ["write", "sync", "rename", "append", "step", "discard", "remove"] {
        assert!(kinds.iter().any(|kind| kind.starts_with(operation)), "{operation}: {kinds:?}");
    }
    // Twenty kinds of points, and one of each kind, as a fixed seed draws them; always the middle of a step.
    let mut random = Random::keyed(4, "kill", &[]);
    let middle = "step middle".to_string();
    kinds.retain(|kind| *kind != middle);
    let order = random.permutation(kinds.len());
    assert!(order.len() >= 19, "{kinds:?}");
    let drawn = order.iter().take(19).map(|&at| &kinds[at as usize]);
    for kind_of_point in drawn.chain([&middle]) {
        let of_kind: Vec<usize> =
            (0..points.len()).filter(|&at| kind(&points[at]) == *kind_of_point).collect();
        let at = of_kind[random.below(of_kind.len() as u64) as usize];
        let run = format!("killed-{at}");
        let mut command = begin(&desk, &run);
        command.env("PASTICHE_FAILPOINTS", format!("kill:{}", at + 1));
        let status = command.stderr(Stdio::null()).stdout(Stdio::null()).status().unwrap();
        assert_eq!(status.signal(), Some(9), "{} was not reached", points[at]);
        nothing_durable_is_lost(&desk, &run, &points[..at]);
        finish(&desk, &run);
        same(&expected, &result(&desk, &run), &format!("killed at {}", points[at]));
        fs::remove_dir_all(desk.path().join(&run)).unwrap();
    }
}

#[test]
fn a_disk_that_is_full_from_any_point_on_loses_nothing() {
    let desk = desk();
    let Some((points, expected)) = undisturbed(&desk) else { return };
    for at in 0..points.len() {
        if points[at].starts_with("step") {
            continue;
        }
        let run = format!("full-{at}");
        let ended = failing(begin(&desk, &run), &format!("fail:{}", at + 1));
        refused(&ended, &points[at], &["cannot be"]);
        nothing_durable_is_lost(&desk, &run, &points[..at]);
        finish(&desk, &run);
        same(&expected, &result(&desk, &run), &format!("full at {}", points[at]));
        fs::remove_dir_all(desk.path().join(&run)).unwrap();
    }
}

/// Kills a run at every eighth of its points, fills the disk at every eighth between, and lets it go on.
#[cfg(unix)]
fn broken_all_along(
    desk: &Desk,
    begin: impl Fn(&str) -> Command,
    go_on: impl Fn(&str),
    has_happened: &str,
) {
    use std::os::unix::process::ExitStatusExt;

    let list = desk.path().join("more-points");
    let done = failing(begin("undisturbed"), &format!("list:{}", list.display()));
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.stderr.contains(has_happened), "{}", done.stderr);
    let Ok(points) = fs::read_to_string(&list) else {
        return common::skipped("this program has no failpoints (run `cargo xtask test`)");
    };
    let expected = result(desk, "undisturbed");
    for (at, point) in points.lines().enumerate().step_by(4) {
        let run = format!("broken-{at}");
        if at % 8 == 0 {
            let mut command = begin(&run);
            command.env("PASTICHE_FAILPOINTS", format!("kill:{}", at + 1));
            let status = command.stderr(Stdio::null()).stdout(Stdio::null()).status().unwrap();
            assert_eq!(status.signal(), Some(9), "{point} was not reached");
        } else {
            let ended = failing(begin(&run), &format!("fail:{}", at + 1));
            assert_ne!(ended.code, Some(0), "{point}: {}", ended.stderr);
            assert!(!ended.stderr.contains("panicked"), "{point}: {}", ended.stderr);
        }
        go_on(&run);
        same(&expected, &result(desk, &run), &format!("broken at {point}, point {at}"));
        fs::remove_dir_all(desk.path().join(&run)).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn a_run_that_goes_on_survives_the_same() {
    let desk = desk();
    let mut half = begin(&desk, "half");
    let done = answer(half.args(["--set", "train.epochs=1"]).output().unwrap());
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let on = |run: &str| {
        desk.command(&["train", "--backend", "flex", "--resume", run, "--set", "train.epochs=2"])
    };
    let copied = |run: &str| {
        let status = Command::new("cp").args(["-r", "half", run]).current_dir(desk.path()).status();
        assert!(status.unwrap().success());
        on(run)
    };
    let go_on = |run: &str| {
        let done = answer(on(run).output().unwrap());
        assert_eq!(done.code, Some(0), "{run}: {}", done.stderr);
    };
    broken_all_along(&desk, copied, go_on, "going on with");
}

#[cfg(unix)]
#[test]
fn a_run_that_explodes_survives_the_same() {
    let desk = desk();
    let wild = ["--set", "train.learning_rate=12"];
    let exploding = |run: &str| {
        let mut command = begin(&desk, run);
        command.args(wild);
        command
    };
    broken_all_along(
        &desk,
        exploding,
        |run| finish_with(&desk, run, &wild),
        "half the learning rate",
    );
}

/// Starts a long run and waits until it has made its first checkpoint within an epoch.
#[cfg(unix)]
fn started(desk: &Desk) -> std::process::Child {
    let mut args = vec!["train", "--backend", "flex", "--text", "my.txt", "--out", "run"];
    args.extend(SETTINGS.iter().flat_map(|setting| ["--set", *setting]));
    args.extend(["--set", "train.epochs=100000", "--set", "checkpoints.keep=1"]);
    let mut command = desk.command(&args);
    let mut child = command.stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let checkpoint = desk.path().join("run/checkpoints/step-00000000");
    wait_until(&mut child, || checkpoint.exists());
    wait_until(&mut child, || !checkpoint.exists());
    child
}

/// Waits for `what` while `child` lives.
#[cfg(unix)]
fn wait_until(child: &mut std::process::Child, what: impl Fn() -> bool) {
    while !what() {
        assert!(child.try_wait().unwrap().is_none(), "the run ended by itself");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

#[cfg(unix)]
fn send(signal: &str, child: &std::process::Child) {
    let command = format!("kill -{signal} {}", child.id());
    assert!(Command::new("bash").args(["-c", &command]).status().unwrap().success());
}

#[cfg(unix)]
#[test]
fn a_second_signal_ends_the_program_and_the_last_checkpoint_goes_on() {
    let desk = desk();
    let child = started(&desk);
    // Both are there before the step that is to be finished.
    send("STOP", &child);
    send("INT", &child);
    send("TERM", &child);
    send("CONT", &child);
    let ended = answer(child.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert!(ended.stderr.contains("again to leave at once"), "{}", ended.stderr);
    assert!(ended.stderr.contains("left at once"), "{}", ended.stderr);
    let listed = desk.json(&["runs", ".", "--json"]);
    let done = listed["runs"][0]["epochs"].as_u64().unwrap();
    let more = format!("train.epochs={}", done + 1);
    desk.must(&["train", "--backend", "flex", "--resume", "run", "--set", &more]);
}

#[cfg(unix)]
#[test]
fn a_signal_lets_the_run_finish_its_step_and_say_how_to_go_on() {
    for signal in ["INT", "TERM"] {
        let desk = desk();
        let child = started(&desk);
        send(signal, &child);
        let ended = answer(child.wait_with_output().unwrap());
        assert_eq!(ended.code, Some(130), "{}", ended.stderr);
        assert!(ended.stderr.contains("--resume run"), "{}", ended.stderr);
        assert!(ended.stderr.contains("validation loss"), "{}", ended.stderr);
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
        // There is a model to write with, and a run to go on with.
        desk.must(&["generate", "--backend", "flex", "--model", "run", "--tokens", "3"]);
        let listed = desk.json(&["runs", ".", "--json"]);
        let (done, steps) = (&listed["runs"][0]["epochs"], &listed["runs"][0]["steps"]);
        assert_eq!(listed["runs"][0]["state"], "unfinished");
        assert!(ended.stderr.contains(&format!("after step {steps} ")), "{}", ended.stderr);
        let more = format!("train.epochs={}", done.as_u64().unwrap() + 1);
        let resumed = desk.must(&["train", "--backend", "flex", "--resume", "run", "--set", &more]);
        assert!(resumed.stderr.contains(&format!("after step {steps} ")), "{}", resumed.stderr);
    }
}
