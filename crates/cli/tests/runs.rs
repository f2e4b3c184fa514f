//! Runs reproduced, resumed, listed and compared; and the report files of a run.

#[path = "runs/base_models.rs"]
mod base_models;
mod common;
#[path = "runs/documents.rs"]
mod documents;
#[path = "runs/from_base.rs"]
mod from_base;
#[path = "runs/init_from.rs"]
mod init_from;
#[path = "runs/processes.rs"]
mod processes;
#[path = "runs/reports.rs"]
mod reports;

use std::fs;

use common::{TestDir, tiny};
use serde_json::Value;
use text_prep::counted;

const FLEX: &[&str] = &["--backend", "flex"];

/// Trains a tiny model on `text`.
fn train_on(dir: &TestDir, text: &str, more: &[&str]) {
    let args = [&["train", "--text", text], &tiny()[..], FLEX, more].concat();
    dir.run_ok(&args);
}

fn texts(dir: &TestDir) {
    dir.file("old.txt", "the cat saw the dog and the dog ran away from the cat . ".repeat(30));
    dir.file("new.txt", "the cat met a wolf and the wolf ran away from the dog . ".repeat(30));
}

#[test]
fn a_run_is_reproduced_bit_for_bit_and_a_difference_is_found() {
    let dir = TestDir::new();
    texts(&dir);
    train_on(&dir, "old.txt", &["--out", "run"]);
    // The run's backend is used, although it is not the default one.
    let verdict = dir.json(&["reproduce", "run", "--json", "--out", "again"]);
    assert_eq!(verdict["identical"], true, "{verdict}");
    assert!(verdict["equal_lines"].as_u64().unwrap() > 0, "{verdict}");
    assert_eq!(dir.run_ok(&["reproduce", "again"]).stdout.matches("bit-identical").count(), 1);

    let metrics = dir.path().join("run/metrics.jsonl");
    let text = fs::read_to_string(&metrics).unwrap();
    fs::write(&metrics, text.replacen("\"epoch\":1", "\"epoch\":7", 1)).unwrap();
    let differs = dir.run(&["reproduce", "run"]);
    assert_eq!(differs.code, Some(1), "{}", differs.stdout);
    assert!(differs.stdout.contains("metrics.jsonl differs in line 1"), "{}", differs.stdout);

    dir.file("old.txt", "the dog saw the cat and the dog ran away from the cat . ".repeat(30));
    dir.expect_error(&["reproduce", "run"], &["its text has changed", "restore"]);
    dir.expect_error(&["reproduce", "nowhere"], &["nowhere is not a run"]);
}

#[test]
fn a_run_with_epochs_of_a_number_of_steps_is_resumed_and_reproduced_exactly() {
    let dir = TestDir::new();
    texts(&dir);
    let windows = ["--set", "train.steps_per_epoch=3"];
    let tbptt = ["--set", "train.steps_per_epoch=3", "--set", "train.mode=tbptt", "--set", "train.batch_size=4"];
    for (mode, settings) in [("windows", &windows[..]), ("tbptt", &tbptt)] {
        let (whole, parts, again) = (format!("{mode}-whole"), format!("{mode}-parts"), format!("{mode}-again"));
        let train = |run: &str, epochs| {
            train_on(&dir, "old.txt", &[settings, &["--set", epochs, "--out", run]].concat());
        };
        train(&whole, "train.epochs=5");
        train(&parts, "train.epochs=2");
        dir.run_ok(&["train", "--resume", &parts, "--set", "train.epochs=5"]);
        let file = |run: &str, name| fs::read(dir.path().join(run).join(name)).unwrap();
        assert!(file(&whole, "weights.bpk") == file(&parts, "weights.bpk"));
        let metrics = String::from_utf8(file(&whole, "metrics.jsonl")).unwrap();
        let ends = metrics.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let ends = ends.filter(|line| line["event"] == "epoch").map(|line| line["step"].as_u64().unwrap());
        assert_eq!(ends.collect::<Vec<_>>(), [3, 6, 9, 12, 15]);
        let changed = ["train", "--resume", &parts, "--set", "train.epochs=6", "--set", "train.steps_per_epoch=4"];
        dir.expect_error(&changed, &["`train.steps_per_epoch`", "only `train.epochs`"]);
        let verdict = dir.json(&["reproduce", &whole, "--json", "--out", &again]);
        assert_eq!(verdict["identical"], true, "{verdict}");
    }
    let too_many = ["train", "--text", "old.txt", "--set", "train.steps_per_epoch=9223372036854775807"];
    dir.expect_error(&too_many, &["`train.steps_per_epoch` is 9223372036854775807", "at most 2^63 - 1 steps"]);
}

/// Burn's CPU backends split work independently of the number of threads.
#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let dir = TestDir::new();
    texts(&dir);
    for backend in ["flex", "ndarray"] {
        let train = |threads: &str| {
            let run = format!("{backend}-{threads}");
            let mut args = vec!["train", "--text", "old.txt", "--backend", backend, "--out", &run];
            args.extend(tiny());
            // Large enough for the work to be split.
            args.extend(["--set", "model.embedding_dim=64", "--set", "model.layers[0].units=128"]);
            let done = dir.command(&args).env("RAYON_NUM_THREADS", threads).output().unwrap();
            assert!(done.status.success());
            fs::read(dir.path().join(run).join("weights.bpk")).unwrap()
        };
        assert!(train("1") == train("3"), "{backend}");
    }
}

#[test]
fn far_more_threads_than_processors_are_not_started() {
    let dir = TestDir::new();
    texts(&dir);
    let run = |args: &[&str], threads: &str| {
        let done = common::output(dir.command(args).env("RAYON_NUM_THREADS", threads).output().unwrap());
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        done
    };
    let train = |threads: &str| {
        let args = [&["train", "--text", "old.txt", "--out", threads], FLEX, &tiny()].concat();
        let done = run(&args, threads);
        (done.stderr, fs::read(dir.path().join(threads).join("weights.bpk")).unwrap())
    };
    let (messages, weights) = train("10000");
    let processors = std::thread::available_parallelism().unwrap().get();
    let used = 4 * processors;
    let warning = format!(
        "RAYON_NUM_THREADS is 10000, but this machine has {}; {used} threads are",
        counted(processors, "processor")
    );
    assert!(messages.contains(&warning), "{messages}");
    let record: Value = serde_json::from_slice(&fs::read(dir.path().join("10000/run.json")).unwrap()).unwrap();
    assert_eq!(record["threads"], used);
    let (messages, same) = train("1");
    assert!(!messages.contains("RAYON_NUM_THREADS") && same == weights, "{messages}");
    let generated = run(&["generate", "--model", "1", "--max-tokens", "2"], "many");
    assert!(generated.stderr.contains("RAYON_NUM_THREADS is `many`, which is not a number"), "{}", generated.stderr);
    let generate = ["generate", "--model", "1", "--num-samples", "70", "--max-tokens", "3", "--seed", "1"];
    assert_eq!(run(&generate, "10000").stdout, run(&generate, "1").stdout);
}

#[test]
fn runs_are_listed_and_compared() {
    let dir = TestDir::new();
    texts(&dir);
    assert!(dir.run_ok(&["runs"]).stderr.contains("no runs under runs"));
    train_on(&dir, "old.txt", &["--out", "runs/a"]);
    train_on(&dir, "old.txt", &["--out", "runs/b", "--set", "train.learning_rate=0.01"]);
    train_on(&dir, "new.txt", &["--out", "runs/c"]);
    fs::create_dir(dir.path().join("runs/no-run")).unwrap();
    let listed = dir.json(&["runs", "--json"]);
    let names: Vec<&str> = listed["runs"].as_array().unwrap().iter().map(|run| run["run"].as_str().unwrap()).collect();
    assert_eq!(names, ["runs/c", "runs/b", "runs/a"]);
    for run in listed["runs"].as_array().unwrap() {
        assert_eq!((&run["state"], &run["epochs"]), (&"finished".into(), &1.into()));
        assert!(run["best_valid_loss_nats_per_token"].as_f64().unwrap() > 0.0);
        assert!(run["bytes"].as_u64().unwrap() > 1_000);
        let score = fs::read(dir.path().join(run["run"].as_str().unwrap()).join("score.json")).unwrap();
        let score: Value = serde_json::from_slice(&score).unwrap();
        assert_eq!(run["bits_per_byte"], score["rows"][0]["bits_per_byte"]);
    }
    let table = dir.run_ok(&["runs"]).stdout;
    assert!(table.contains("bits/byte") && table.contains("runs/a") && table.contains("1 of 1"), "{table}");

    let compared = dir.run_ok(&["compare", "runs/a", "runs/b"]);
    assert!(compared.stdout.contains("train.learning_rate"), "{}", compared.stdout);
    assert!(!compared.stderr.contains("warning"), "{}", compared.stderr);
    let svg = fs::read_to_string(dir.path().join("runs/compare.svg")).unwrap();
    assert!(svg.contains("runs/a, validation") && svg.contains("runs/b, training"));
    let other = dir.run_ok(&["compare", "runs/a", "runs/c", "--out", "other.svg"]);
    assert!(other.stderr.contains("runs/c was not evaluated on"), "{}", other.stderr);
    dir.expect_error(&["compare", "runs/a"], &["2"]);
    dir.expect_error(&["compare", "runs/a", "runs/no-run"], &["runs/no-run is not a run", "expected"]);
}

#[test]
fn a_finished_run_writes_a_report_a_chart_and_tensorboard_files() {
    let dir = TestDir::new();
    texts(&dir);
    train_on(&dir, "old.txt", &["--out", "run", "--set", "windows.stride=1", "--set", "train.epochs=3"]);
    let read = |file: &str| fs::read_to_string(dir.path().join("run").join(file)).unwrap();
    let report: Value = serde_json::from_str(&read("score.json")).unwrap();
    let rows = report["rows"].as_array().unwrap();
    let names: Vec<&str> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert!(names[0].starts_with("this model"), "{names:?}");
    assert_eq!(names[2..], ["counting", "5-gram", "unigram", "uniform"]);
    let loss = |at: usize| rows[at]["loss_nats_per_token"].as_f64().unwrap();
    assert!(loss(3) < loss(4) && loss(4) < loss(5), "{rows:?}");
    let counting = &report["counting"];
    assert_eq!(rows[0]["bits_per_byte"], counting["network_bits_per_byte"]);
    let bits = |at: usize| rows[at]["bits_per_byte"].as_f64().unwrap();
    assert!((bits(2) - counting["bits_per_byte"].as_f64().unwrap()).abs() < 1e-12 && bits(0) > 0.0, "{report}");
    let sentence = counting["sentence"].as_str().unwrap();
    assert!(sentence.contains("counting (Kneser–Ney of order") && read("score.md").contains(sentence), "{sentence}");
    let (written, held_out) = (&report["copied"], &report["copied_by_held_out_text"]);
    assert!(written["tokens"].as_u64().unwrap() > 8, "{report}");
    assert_eq!(written["tokens"], held_out["tokens"]);
    // The whole text repeats one sentence: hardly any n-gram is new.
    assert_eq!(report["copied_by_held_out_text"]["novel_ngrams"][0][1], 0.0);
    assert!(read("score.md").contains("| 5-gram |"), "{}", read("score.md"));
    assert!(read("loss.svg").contains("validation"));
    assert!(read("tensorboard/metadata.tsv").lines().any(|name| name == "cat"));
    assert!(read("tensorboard/projector_config.pbtxt").contains("embedding.tsv"));
    let run: Value = serde_json::from_str(&read("run.json")).unwrap();
    assert_eq!((&run["backend"], &run["seed"]), (&"flex".into(), &1.into()));
    assert_eq!(run["text_sha256"].as_str().unwrap().len(), 64);
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_shows_the_run_and_is_restored() {
    let dir = TestDir::new();
    texts(&dir);
    let train = |more: &[&str]| {
        let train = ["train", "--text", "old.txt", "--backend", "flex"];
        common::on_terminal(&dir, &[&train[..], &tiny(), more].concat())
    };
    let Some(shown) = train(&["--out", "shown"]) else { return };
    let (enter, leave) = ("\x1b[?1049h", "\x1b[?1049l");
    let screen = shown.find(enter).expect("a screen")..shown.find(leave).expect("restored");
    assert!(shown[screen.clone()].contains("nats/token"), "{shown}");
    // The epoch summaries and the result are printed afterwards.
    let after = &shown[screen.end..];
    assert!(after.contains("\x1b[?25h"), "the cursor stays hidden: {after}");
    assert!(after.contains("epoch 1/1: train loss") && after.contains("\nall scores, "), "{after}");
    let plain = train(&["--out", "plain", "--no-tui"]).unwrap();
    assert!(!plain.contains(enter) && plain.contains("epoch 1/1: train loss"), "{plain}");
}

#[test]
fn a_finished_or_rejected_resume_changes_nothing() {
    let dir = TestDir::new();
    texts(&dir);
    train_on(&dir, "old.txt", &["--out", "runs/a"]);
    train_on(&dir, "new.txt", &["--out", "runs/b"]);
    let newest = |dir: &TestDir| dir.json(&["runs", "--json"])["runs"][0]["run"].clone();
    let before = dir.state_of("runs/a");
    let resume = ["train", "--resume", "runs/a"];
    let done = dir.run_ok(&resume);
    assert!(done.stderr.contains("runs/a has finished its 1 epoch;"), "{}", done.stderr);
    assert_eq!(done.stdout, "runs/a\n");
    dir.expect_error(&[&resume[..], &["--set", "seed=9"]].concat(), &["`seed`"]);
    let longer = ["train", "--resume", "runs/a", "--set", "train.epochs=2"];
    let text = fs::read(dir.path().join("old.txt")).unwrap();
    // Another text, on another backend.
    dir.file("old.txt", "the dog saw the cat and the dog ran away from the cat . ".repeat(30));
    dir.expect_error(&[&longer[..], &["--backend", "ndarray"]].concat(), &["runs/a cannot be resumed"]);
    fs::remove_file(dir.path().join("old.txt")).unwrap();
    let lost = ["runs/a was trained on", "old.txt, which does not exist: put the file back there"];
    dir.expect_error(&longer, &lost);
    dir.expect_error(&["reproduce", "runs/a"], &lost);
    dir.expect_error(&["train", "--init-from", "runs/a"], &[lost[1], "--text"]);
    dir.expect_error(&["evaluate", "--model", "runs/a"], &[lost[1], "--text"]);
    assert!(before == dir.state_of("runs/a"));
    assert_eq!(newest(&dir), "runs/b");

    // The backend of the run is used unless another one is named.
    dir.file("old.txt", text);
    let resumed = dir.run_ok(&longer);
    assert!(resumed.stderr.contains("on flex"), "{}", resumed.stderr);
    assert!(common::warnings(&resumed.stderr).is_empty(), "{}", resumed.stderr);
    let longer = ["train", "--resume", "runs/a", "--set", "train.epochs=3", "--backend", "ndarray"];
    let resumed = dir.run_ok(&longer);
    assert!(resumed.stderr.contains("the backend was flex, now ndarray"), "{}", resumed.stderr);
    let record: Value = serde_json::from_slice(&fs::read(dir.path().join("runs/a/run.json")).unwrap()).unwrap();
    assert_eq!((&record["backend"], &record["device"]), (&"flex".into(), &"default".into()));
    assert_eq!(record["later"][0], "the backend was flex, now ndarray");
}

#[test]
fn commands_find_the_right_run_by_its_name_and_without_one() {
    let dir = TestDir::new();
    texts(&dir);
    train_on(&dir, "old.txt", &["--out", "runs/a", "--set", "train.epochs=2"]);
    let checkpoints = fs::read_dir(dir.path().join("runs/a/checkpoints")).unwrap();
    let last = checkpoints.map(|entry| entry.unwrap().path()).max().unwrap();
    // As if it had been killed in its second epoch.
    fs::remove_dir_all(last).unwrap();
    train_on(&dir, "old.txt", &["--out", "runs/b"]);
    // Names work without `runs/`. A copy is not the newest run.
    let repeated = dir.run_ok(&["reproduce", "b"]);
    assert!(repeated.stdout.contains("runs/b-again-1 is bit-identical to runs/b"), "{}", repeated.stdout);
    let newest = dir.run_ok(&["generate", "--max-tokens", "2"]);
    assert!(newest.stderr.contains("model runs/b,"), "{}", newest.stderr);
    let resumed = dir.run_ok(&["train", "--resume"]);
    assert!(resumed.stderr.contains("runs/a is the newest unfinished run"), "{}", resumed.stderr);
    assert_eq!(resumed.stdout, "runs/a\n");
    let resumed = dir.run_ok(&["train", "--resume"]);
    assert!(resumed.stderr.contains("runs/a is the newest finished run"), "{}", resumed.stderr);
    for args in [
        &["generate", "--model", "b", "--max-tokens", "2"][..],
        &["evaluate", "--model", "b"],
        &["compare", "a", "runs/b", "--out", "compare.svg"],
        &["gradients", "--model", "b", "--max-lag", "2"],
        &["train", "--resume", "b"],
        &["train", "--init-from", "b", "--out", "tuned"],
    ] {
        dir.run_ok(&[args, if args[0] == "compare" { &[] } else { FLEX }].concat());
    }
    fs::remove_dir_all(dir.path().join("runs/b")).unwrap();
    dir.expect_error(&["reproduce", "tuned"], &["tuned started from the model", "runs/b", "put it back there"]);
    dir.run_ok(&["train", "--resume", "tuned", "--set", "train.epochs=2"]);
}

/// Opening a pipe would wait for its writer.
#[cfg(unix)]
#[test]
fn pipes_in_place_of_the_files_of_a_run_are_not_opened() {
    let dir = TestDir::new();
    assert_eq!(dir.train(&["--out", "run"]).code, Some(0));
    let resume = ["train", "--resume", "run", "--set", "train.epochs=2"];
    let generate = ["generate", "--model", "run"];
    for (file, command) in [
        ("lock", &resume[..]),
        ("metrics.jsonl", &resume),
        ("metrics.jsonl", &["compare", "run", "run"]),
        ("config.toml", &["compare", "run", "run"]),
        ("config.toml", &["reproduce", "run"]),
        ("run.json", &["reproduce", "run"]),
        ("manifest.json", &generate),
        ("weights.bpk", &generate),
    ] {
        let path = dir.path().join("run").join(file);
        let bytes = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        dir.expect_error(command, &[file, "it is a pipe, expected a regular file"]);
        dir.run_ok(&["runs", "."]);
        fs::remove_file(&path).unwrap();
        fs::write(&path, bytes).unwrap();
    }
}
