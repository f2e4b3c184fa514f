//! Runs that are interrupted by signals, or whose directory is taken away, end soon and can be resumed.
#![cfg(unix)]

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::{CommandOutput, TestDir, assert_error, output};

/// Small and quick steps; a checkpoint after each.
const SETTINGS: &[&str] = &[
    "train.epochs=100000",
    "train.mode=tbptt",
    "train.batch_size=4",
    "train.bptt_len=20",
    "model.embedding_dim=6",
    "model.layers[0].units=6",
    "samples.max_tokens=4",
    "samples.every_steps=0",
    "split.valid_fraction=0.2",
    "checkpoints.every_steps=1",
    "checkpoints.keep=1",
];

const FLEX: [&str; 2] = ["--backend", "flex"];

fn text_dir() -> TestDir {
    let dir = TestDir::new();
    dir.file("my.txt", "the fox saw the crow, and the old crow said a wolf ate the cheese. ".repeat(50));
    dir
}

/// A command that trains `run`; not started yet.
fn train_command(dir: &TestDir, more: &[&str]) -> Command {
    let mut args = vec!["train", "--text", "my.txt", "--out", "run"];
    args.extend(FLEX);
    args.extend(SETTINGS.iter().chain(more).flat_map(|setting| ["--set", *setting]));
    let mut command = dir.command(&args);
    command.stderr(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// Starts a long run and waits for a checkpoint within an epoch.
fn start_long_run(dir: &TestDir, more: &[&str]) -> Child {
    let mut child = train_command(dir, more).spawn().unwrap();
    wait_until(&mut child, || newest_checkpoint(dir).is_some_and(|step| step > 0));
    child
}

/// The number of updates of the newest checkpoint.
fn newest_checkpoint(dir: &TestDir) -> Option<u64> {
    let names = fs::read_dir(dir.path().join("run/checkpoints")).ok()?;
    let names = names.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()));
    names.filter_map(|name| name.strip_prefix("step-")?.parse().ok()).max()
}

/// Starts a long run that pauses at the `count`-th failpoint `point`, and waits until it is there. Returns the run and
/// the file whose deletion ends the pause.
fn start_and_pause_at(dir: &TestDir, point: &str, count: usize) -> (Child, PathBuf) {
    let paused = dir.path().join("paused");
    let mut command = train_command(dir, &[]);
    command.env("PASTICHE_FAILPOINTS", format!("pause:{count}:{point}:{}", paused.display()));
    let mut child = command.spawn().unwrap();
    wait_until(&mut child, || paused.exists());
    (child, paused)
}

/// Waits until `condition` holds; `child` must not end before.
fn wait_until(child: &mut Child, condition: impl Fn() -> bool) {
    while !condition() {
        assert!(child.try_wait().unwrap().is_none(), "the run ended by itself");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn send(signal: &str, child: &Child) {
    let command = format!("kill -{signal} {}", child.id());
    assert!(Command::new("bash").args(["-c", &command]).status().unwrap().success());
}

fn end_of(child: Child) -> CommandOutput {
    output(child.wait_with_output().unwrap())
}

/// Asserts that the run was stopped and saved, and that it can be resumed for one more epoch with `settings`.
fn assert_resumable(dir: &TestDir, ended: &CommandOutput, settings: &[&str]) {
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert!(ended.stderr.contains("saved; resume with"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    resume(dir, "run", settings);
}

/// Resumes `run` and trains until the end of its current epoch.
fn resume(dir: &TestDir, run: &str, settings: &[&str]) -> CommandOutput {
    let listed = dir.json(&["runs", ".", "--json"]);
    let row = listed["runs"].as_array().unwrap().iter().find(|row| row["run"] == format!("./{run}")).unwrap();
    let epochs = format!("train.epochs={}", row["epochs"].as_u64().unwrap() + 1);
    let mut args = vec!["train", "--resume", run, "--set", &epochs];
    args.extend(settings.iter().flat_map(|setting| ["--set", *setting]));
    dir.run_ok(&args)
}

#[test]
fn after_a_signal_the_run_finishes_its_step_and_says_how_to_resume() {
    for signal in ["INT", "TERM"] {
        let dir = text_dir();
        let child = start_long_run(&dir, &[]);
        send(signal, &child);
        let ended = end_of(child);
        assert!(ended.stderr.contains("--resume run"), "{}", ended.stderr);
        assert!(ended.stderr.contains("validation loss"), "{}", ended.stderr);
        // There is a model to generate with, and a run to resume.
        dir.run_ok(&["generate", "--backend", "flex", "--model", "run", "--max-tokens", "3"]);
        let listed = dir.json(&["runs", ".", "--json"]);
        let steps = &listed["runs"][0]["steps"];
        assert_eq!(listed["runs"][0]["state"], "unfinished");
        assert!(ended.stderr.contains(&format!("after step {steps} ")), "{}", ended.stderr);
        let resumed = resume(&dir, "run", &[]);
        assert!(resumed.stderr.contains(&format!("after step {steps} on flex")), "{}", resumed.stderr);
        assert_eq!(ended.code, Some(130));
    }
}

/// The handlers are installed when the program reads its text, here from a pipe that has no end.
#[test]
#[cfg(target_os = "linux")]
fn a_signal_before_training_says_that_no_run_was_created() {
    use std::io::Write;

    let dir = TestDir::new();
    let mut command = dir.exact_command(&["train", "--text", "-", "--out", "run", "--backend", "flex"]);
    command.stdin(Stdio::piped()).stderr(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut text = child.stdin.take().unwrap();
    text.write_all(b"The fox saw the crow.\n").unwrap();
    let status = format!("/proc/{}/status", child.id());
    // The mask of the signals that are caught; that of SIGINT, which has the number 2, is the second bit.
    let catches_interrupts = || {
        let status = fs::read_to_string(&status).unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).map(str::trim);
        mask.and_then(|mask| u64::from_str_radix(mask, 16).ok()).is_some_and(|mask| mask & 2 != 0)
    };
    wait_until(&mut child, catches_interrupts);
    send("INT", &child);
    let ended = end_of(child);
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert!(ended.stderr.contains("stopped before the first training step: no run was created"), "{}", ended.stderr);
    assert!(!dir.path().join("run").exists());
    drop(text);
}

/// The text is read before training continues, here from a pipe that has no end.
#[test]
#[cfg(target_os = "linux")]
fn a_signal_before_a_resumed_run_trains_names_the_run() {
    use std::os::unix::fs::OpenOptionsExt;

    const O_NONBLOCK: i32 = 0o4000;

    let dir = text_dir();
    let child = start_long_run(&dir, &[]);
    send("INT", &child);
    assert_eq!(end_of(child).code, Some(130));
    let (text, copy) = (dir.path().join("my.txt"), dir.path().join("copy.txt"));
    fs::rename(&text, &copy).unwrap();
    assert!(Command::new("mkfifo").arg(&text).status().unwrap().success());
    let mut command = dir.command(&["train", "--resume", "run"]);
    let mut child = command.stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    // Without blocking, a pipe can be opened for writing only while the run reads it.
    let mut writer = None;
    while writer.is_none() {
        assert!(child.try_wait().unwrap().is_none(), "the run ended by itself");
        writer = fs::OpenOptions::new().write(true).custom_flags(O_NONBLOCK).open(&text).ok();
        std::thread::sleep(Duration::from_millis(5));
    }
    send("INT", &child);
    let ended = end_of(child);
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    let expected = "run is as it was; resume it with: cargo xtask train --resume run (or pastiche …)";
    assert!(ended.stderr.contains(expected), "{}", ended.stderr);
    fs::rename(&copy, &text).unwrap();
    resume(&dir, "run", &[]);
}

/// Between the creation of the directory and the first step, a signal does not leave a run that cannot be resumed.
#[test]
fn a_signal_after_the_directory_is_created_saves_the_run() {
    if !cfg!(feature = "failpoints") {
        return common::skipped("this binary has no failpoints (run `cargo xtask test`)");
    }
    let dir = text_dir();
    let (child, paused) = start_and_pause_at(&dir, "write config.toml", 1);
    assert_eq!(newest_checkpoint(&dir), None);
    send("INT", &child);
    fs::remove_file(paused).unwrap();
    assert_resumable(&dir, &end_of(child), &[]);
}

#[test]
fn a_run_that_has_no_model_yet_says_whether_it_is_in_training() {
    let dir = text_dir();
    let mut child = start_long_run(&dir, &[]);
    let generate = ["generate", "--backend", "flex", "--model", "run"];
    let training = format!("run is in training (process {}) and has no model yet", child.id());
    dir.expect_error(&generate, &[&training, "when training ends"]);
    child.kill().unwrap();
    child.wait().unwrap();
    dir.expect_error(&generate, &["run has no model, because its training was interrupted: `train --resume run`"]);
}

#[test]
fn a_signal_while_the_report_is_written_says_that_the_run_is_saved() {
    if !cfg!(feature = "failpoints") {
        return common::skipped("this binary has no failpoints (run `cargo xtask test`)");
    }
    let dir = text_dir();
    let paused = dir.path().join("paused");
    let mut command = train_command(&dir, &["train.epochs=1", "checkpoints.every_steps=0"]);
    command.env("PASTICHE_FAILPOINTS", format!("pause:1:sync score.md:{}", paused.display()));
    let mut child = command.spawn().unwrap();
    wait_until(&mut child, || paused.exists());
    let half_written = dir.path().join("run/score.md.writing");
    assert!(half_written.exists());
    send("INT", &child);
    let ended = end_of(child);
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert!(ended.stderr.contains("run is saved, but not all of its report"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("without saving"), "{}", ended.stderr);
    assert!(!half_written.exists() && !dir.path().join("run/score.md").exists());
    dir.run_ok(&["train", "--resume", "run"]);
    assert!(dir.path().join("run/score.md").exists());
}

/// As GNU `timeout` sends them: to the program, and to its group.
#[test]
fn two_signals_at_once_are_one_request() {
    let dir = text_dir();
    let child = start_long_run(&dir, &[]);
    // Both signals are pending before the current step ends.
    for signal in ["STOP", "INT", "TERM", "CONT"] {
        send(signal, &child);
    }
    let ended = end_of(child);
    assert!(!ended.stderr.contains("quit without saving"), "{}", ended.stderr);
    assert_resumable(&dir, &ended, &[]);
}

#[test]
fn a_second_signal_exits_and_the_last_checkpoint_is_resumable() {
    if !cfg!(feature = "failpoints") {
        return common::skipped("this binary has no failpoints (run `cargo xtask test`)");
    }
    let dir = text_dir();
    // Within its third step.
    let (mut child, _) = start_and_pause_at(&dir, "step middle", 3);
    send("INT", &child);
    let mut errors = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(errors.any(|line| line.contains("repeat to quit now")));
    std::thread::sleep(Duration::from_millis(600));
    send("TERM", &child);
    assert!(errors.any(|line| line.contains("quit without saving")));
    assert_eq!(end_of(child).code, Some(130));
    resume(&dir, "run", &[]);
}

#[test]
fn a_signal_takes_effect_within_a_long_sample() {
    let endless = "samples.max_tokens=1000000000";
    // In the sample after a step, and in those after an epoch.
    for every in ["samples.every_steps=1", "samples.every_steps=0"] {
        let dir = text_dir();
        let mut child = train_command(&dir, &[endless, every]).spawn().unwrap();
        wait_until(&mut child, || newest_checkpoint(&dir).is_some());
        if every.ends_with('0') {
            // Nothing more is saved before the samples are complete.
            let is_at_rest = || {
                let newest = newest_checkpoint(&dir);
                std::thread::sleep(Duration::from_millis(300));
                newest == newest_checkpoint(&dir)
            };
            wait_until(&mut child, is_at_rest);
        }
        send("INT", &child);
        assert_resumable(&dir, &end_of(child), &["samples.max_tokens=3"]);
        let samples = fs::read_to_string(dir.path().join("run/samples.md")).unwrap();
        assert_eq!(samples.matches("## Epoch 1,").count(), 1, "{samples}");
        assert_eq!(samples.matches("Temperature").count(), 3, "{samples}");
    }
}

#[test]
fn a_run_whose_directory_is_moved_or_deleted_ends_with_a_message() {
    let dir = text_dir();
    let (run, moved) = (dir.path().join("run"), dir.path().join("moved"));
    let lost = ["run was deleted, moved or replaced", "under its new name"];
    let child = start_long_run(&dir, &[]);
    fs::rename(&run, &moved).unwrap();
    assert_error(&end_of(child), "moved", &lost);
    assert!(!run.exists());
    resume(&dir, "moved", &[]);

    // A second run takes the name: the first one neither shares nor removes its directory.
    let child = start_long_run(&dir, &[]);
    send("STOP", &child);
    fs::remove_dir_all(&run).unwrap();
    let done = output(train_command(&dir, &["train.epochs=1"]).output().unwrap());
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let weights = fs::read(run.join("weights.bpk")).unwrap();
    send("CONT", &child);
    assert_error(&end_of(child), "replaced", &lost);
    assert!(fs::read(run.join("weights.bpk")).unwrap() == weights);
    dir.run_ok(&["generate", "--backend", "flex", "--model", "run", "--max-tokens", "3"]);
}

#[test]
fn a_run_whose_directory_is_moved_while_it_saves_ends_with_the_same_message() {
    if !cfg!(feature = "failpoints") {
        return common::skipped("this binary has no failpoints (run `cargo xtask test`)");
    }
    let dir = text_dir();
    let (run, moved) = (dir.path().join("run"), dir.path().join("moved"));
    let (child, paused) = start_and_pause_at(&dir, "write optimizer.bpk", 2);
    fs::rename(&run, &moved).unwrap();
    fs::remove_file(paused).unwrap();
    assert_error(&end_of(child), "moved", &["run was deleted, moved or replaced", "under its new name"]);
    assert!(!run.exists());
    resume(&dir, "moved", &[]);
}
