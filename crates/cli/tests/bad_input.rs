//! Whatever is wrong with the input is said in one line; nothing is half-written.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Desk, tiny};

/// Trains with these arguments, expects a refusal and no run left behind.
fn train_refuses(desk: &Desk, args: &[&str], expected: &[&str]) {
    desk.refuses(&[&["train"], args].concat(), expected);
    let runs = fs::read_dir(desk.path().join("runs"));
    let left: Vec<_> = runs.into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    assert!(left.is_empty(), "{args:?} left {left:?}");
}

#[test]
fn texts_that_cannot_be_read() {
    let desk = Desk::new();
    train_refuses(&desk, &["--text", "none.txt"], &["none.txt"]);
    desk.file("empty.txt", "");
    train_refuses(&desk, &["--text", "empty.txt"], &["empty.txt", "empty"]);
    desk.file("latin.txt", b"caf\xe9 noir");
    train_refuses(&desk, &["--text", "latin.txt"], &["latin.txt", "byte 3", "encoding"]);
    let named = ["prepare", "--text", "latin.txt", "--set", "text.encoding=windows-1252"];
    desk.refuses(&named, &["holds"]);
    train_refuses(&desk, &["--set", "text.path=x.txt"], &["text.dataset", "text.path"]);
    desk.refuses(&["prepare", "--text", "empty.txt"], &["empty.txt"]);
}

#[test]
fn texts_that_are_too_short() {
    let desk = Desk::new();
    desk.file("short.txt", "one two three");
    let short = ["--text", "short.txt", "--set", "clean.preset=verbatim"];
    train_refuses(&desk, &short, &["holds 3 tokens", "windows.length", "longer text"]);
    desk.file("hundred.txt", "word ".repeat(100));
    let expected = ["the valid split holds", "split.valid_fraction"];
    train_refuses(&desk, &["--text", "hundred.txt"], &expected);
    let no_valid = ["--set", "split.valid_fraction=0"];
    train_refuses(&desk, &no_valid, &["split.valid_fraction", "above 0"]);
}

#[test]
fn configurations_with_faults() {
    let desk = Desk::new();
    desk.file("typo.toml", "seed = 1\n\n[train]\nepoch = 3\n");
    let expected = ["typo.toml, line 4", "`epoch`", "the nearest is `epochs`"];
    train_refuses(&desk, &["--config", "typo.toml"], &expected);
    train_refuses(&desk, &["--config", "none.toml"], &["none.toml"]);
    for (setting, expected) in [
        ("train.epochs=0", "train.epochs"),
        ("train.epochs=many", "train.epochs=many"),
        ("train.batch_size=0", "train.batch_size"),
        ("train.learning_rate=-1", "train.learning_rate"),
        ("train.optimizer.rho=2", "train.optimizer.rho"),
        ("model.dropout=1", "model.dropout"),
        ("model.embedding=0", "model.embedding"),
        ("model.layers[0].units=0", "model.layers[0].units"),
        ("model.layers[0].cell=lstn", "lstm"),
        ("model.layers=[]", "model.layers"),
        ("model.layers[0].bidirectional=true", "it has not written yet"),
        ("model.layers[0].activation=relu", "only `cell = \"rnn\"` has a choice of it"),
        ("model.layers[0].reset_after=true", "only `cell = \"gru\"` has a reset gate"),
        ("model.layers[0].recurrent_dropout=1", "model.layers[0].recurrent_dropout"),
        ("model.tied=true", "`model.layers[0].units` is 256, expected 100"),
        ("model.projection=9000", "model.projection"),
        ("model.embedding_dropout=-1", "model.embedding_dropout"),
        ("model.vectors.train=false", "model.vectors.path"),
        ("model.vectors.path=none.txt", "none.txt cannot be opened"),
        ("train.method=every", "the nearest is"),
        ("train.optimizer.beta_1=0.5", "only `train.optimizer.kind = \"adam\"` has"),
        ("train.clip.value=0", "train.clip.value"),
        ("streams.length=x", "streams.length"),
        ("windows.length=0", "windows.length"),
        ("windows.step=0", "windows.step"),
        ("vocabulary.min_count=0", "vocabulary.min_count"),
        ("samples.tokens=0", "samples.tokens"),
        ("clean.preset=bok", "book"),
        ("tokens.capitals=keep", "tokens.kind"),
        ("tokens.jamo=true", "`tokens.jamo` is given, which only `tokens.kind = \"characters\"`"),
        ("tokens.unit=graphemes", "`tokens.unit` is given, which only"),
        ("tokens.unit=grapheme", "the nearest is `graphemes`"),
        ("tokens.capitals=shifted", "known are keep, lower, shift"),
        ("tokens.jamo=yes", "tokens.jamo=yes"),
        ("tokens.stem=klingon", "english"),
        ("text.dataset=fabels", "known are"),
        ("text.encoding=utf-8", "text.encoding"),
        ("vocabulary.min_count=1800", "vocabulary.min_count"),
        ("vocabulary.min_count=99999", "vocabulary.min_count"),
    ] {
        train_refuses(&desk, &["--set", setting], &[expected]);
    }
    for (settings, expected) in [
        (["train.method=every-step", "streams.length=0"], "streams.length"),
        (["train.method=every-step", "train.batch_size=60000"], "lower `train.batch_size`"),
        (["train.optimizer.kind=adam", "train.optimizer.rho=0.5"], "kind = \"rmsprop\"` has"),
        (["train.clip.value=1", "train.clip.global_norm=1"], "more than one of"),
        (["model.tied=true", "model.projection=9"], "`model.projection` is 9, expected 100"),
    ] {
        train_refuses(&desk, &["--set", settings[0], "--set", settings[1]], &[expected]);
    }
}

#[test]
fn models_that_are_none() {
    let desk = Desk::new();
    for command in ["generate", "evaluate"] {
        desk.refuses(&[command], &["no finished run", "cargo xtask train"]);
        desk.refuses(&[command, "--model", "nowhere"], &["nowhere", "no model directory"]);
    }
    desk.refuses(&["train", "--resume", "nowhere"], &["nowhere"]);
}

#[test]
fn model_directories_with_faults() {
    let desk = Desk::new();
    assert_eq!(desk.train(&["--out", "run"]).code, Some(0));
    let weights = desk.path().join("run/weights.bpk");
    let bytes = fs::read(&weights).unwrap();
    fs::write(&weights, &bytes[..bytes.len() - 9]).unwrap();
    desk.refuses(&["generate", "--model", "run"], &["weights.bpk", "cut short"]);
    fs::remove_file(&weights).unwrap();
    desk.refuses(&["evaluate", "--model", "run"], &["weights.bpk", "missing"]);
    // A run without its weights goes on from its checkpoint all the same.
    desk.must(&["train", "--resume", "run"]);
    desk.must(&["generate", "--model", "run", "--tokens", "2"]);
    let metrics = fs::read_to_string(desk.path().join("run/metrics.jsonl")).unwrap();
    let resume = ["train", "--resume", "run"];
    let newest = newest_checkpoint(desk.path());
    let name = newest.file_name().unwrap().to_str().unwrap().to_string();
    for file in fs::read_dir(&newest).unwrap().map(|entry| entry.unwrap().file_name()) {
        let path = newest.join(file);
        let bytes = fs::read(&path).unwrap();
        let expected = ["damaged", &name, "delete", "to go on from the one before"];
        for place in [0, bytes.len() / 2, bytes.len() - 1] {
            let mut flipped = bytes.clone();
            flipped[place] ^= 1;
            fs::write(&path, &flipped).unwrap();
            desk.refuses(&resume, &expected);
        }
        fs::remove_file(&path).unwrap();
        desk.refuses(&resume, &expected);
        fs::write(&path, bytes).unwrap();
    }
    // What the refusal says is what helps.
    fs::write(newest.join("optimizer.bpk"), "no optimizer").unwrap();
    fs::remove_dir_all(&newest).unwrap();
    desk.must(&resume);
    assert!(newest.exists());

    let later = fs::read_to_string(newest.join("manifest.json")).unwrap();
    let later = later.replacen("\"format\": 2", "\"format\": 3", 1);
    fs::write(newest.join("manifest.json"), later).unwrap();
    desk.refuses(&resume, &["format 3", "expected 2"]);
    fs::remove_dir_all(desk.path().join("run/checkpoints")).unwrap();
    desk.refuses(&resume, &["nothing to resume"]);
    // The epoch was trained again from the checkpoint before, and is told once.
    let kept = fs::read_to_string(desk.path().join("run/metrics.jsonl")).unwrap();
    assert_eq!(kept.lines().count(), metrics.lines().count());
}

/// The directory of the newest checkpoint of `run`.
fn newest_checkpoint(desk: &Path) -> PathBuf {
    let checkpoints = fs::read_dir(desk.join("run/checkpoints")).unwrap();
    checkpoints.map(|entry| entry.unwrap().path()).max().unwrap()
}

#[test]
fn a_run_that_another_process_works_on() {
    let desk = Desk::new();
    assert_eq!(desk.train(&["--out", "run"]).code, Some(0));
    let lock = fs::OpenOptions::new().write(true).open(desk.path().join("run/lock")).unwrap();
    lock.lock().unwrap();
    fs::write(desk.path().join("run/lock"), "4321\n").unwrap();
    desk.refuses(&["train", "--resume", "run"], &["run is in use by process 4321", "alive"]);
    let runs = desk.json(&["runs", ".", "--json"]);
    assert_eq!(runs["runs"][0]["state"], "running, process 4321");
    drop(lock);
    desk.must(&["train", "--resume", "run"]);
}

/// `/sys` takes no directory, not even from root.
#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_takes_no_file() {
    let desk = Desk::new();
    let mut args = vec!["train", "--out", "/sys/pastiche"];
    args.extend(tiny());
    desk.refuses(&args, &["/sys/pastiche cannot be made"]);
    // Nor does a file take one.
    desk.file("plain", "");
    args[2] = "plain/run";
    desk.refuses(&args, &["plain", "cannot be made"]);
}

#[test]
fn schedules_without_sense() {
    let desk = Desk::new();
    for (settings, expected) in [
        (vec!["train.schedule.kind=step"], "`train.schedule.factor` is missing"),
        (vec!["train.schedule.factor=0.5"], "`train.schedule.factor` is given"),
        (vec!["train.schedule.kind=linear"], "constant"),
        (
            vec!["train.schedule.kind=exponential", "train.schedule.factor=1.5"],
            "`train.schedule.factor` is 1.5",
        ),
        (vec!["train.averaging=1"], "train.averaging"),
        (vec!["checkpoints.keep=0"], "checkpoints.keep"),
    ] {
        let settings: Vec<&str> = settings.iter().flat_map(|set| ["--set", *set]).collect();
        train_refuses(&desk, &settings, &[expected]);
    }
}

#[test]
fn a_run_whose_text_or_model_has_changed() {
    let desk = Desk::new();
    desk.file("my.txt", "the cat saw the dog and ran away. ".repeat(40));
    let mut args = vec!["train", "--text", "my.txt", "--out", "run"];
    args.extend(tiny());
    desk.must(&args);
    desk.must(&["evaluate", "--model", "run"]);
    for (setting, expected) in [
        ("seed=2", "`seed`"),
        ("train.learning_rate=0.1", "`train.learning_rate`"),
        ("windows.step=2", "`windows.step`"),
    ] {
        desk.refuses(&["train", "--resume", "run", "--set", setting], &[expected]);
    }
    let resized = ["train", "--resume", "run", "--set", "model.embedding=9"];
    desk.refuses(&resized, &["run", "cannot be resumed", "`model.embedding`"]);
    desk.file("my.txt", "the dog saw the cat and ran away. ".repeat(40));
    desk.refuses(&["evaluate", "--model", "run"], &["has changed since training"]);
    desk.refuses(&["train", "--resume", "run"], &["cannot be resumed"]);
}

#[test]
fn a_loss_that_runs_away() {
    let desk = Desk::new();
    let mut args = tiny();
    args.extend(["--set", "train.learning_rate=1e38", "--set", "samples.every_steps=1"]);
    let args = [&["train", "--out", "run"], &args[..]].concat();
    desk.refuses(&args, &["the loss of step", "halved 3 times", "train.learning_rate"]);
    // What it told of its end is kept.
    let metrics = fs::read_to_string(desk.path().join("run/metrics.jsonl")).unwrap();
    assert!(metrics.contains("\"halvings\":3"), "{metrics}");
}

#[test]
fn options_without_meaning() {
    let desk = Desk::new();
    assert_eq!(desk.train(&["--out", "runs/a"]).code, Some(0));
    for (options, expected) in [
        (["--temperature", "-1"], "--temperature"),
        (["--top-p", "2"], "--top-p"),
        (["--top-k", "0"], "--top-k"),
        (["--min-p", "0"], "--min-p"),
        (["--tokens", "0"], "--tokens"),
        (["--samples", "0"], "--samples"),
        (["--stop", "zyzzyva"], "zyzzyva"),
        (["--backend", "tpu"], "ndarray, flex, wgpu, cuda"),
        (["--context", "both"], "carried, window"),
        (["--seed", "one"], "--seed"),
        (["--device", "discrete:0"], "--device"),
        (["--prompt-file", "none.txt"], "none.txt"),
    ] {
        desk.refuses(&[&["generate"], &options[..]].concat(), &[expected]);
    }
    let prompt = ["generate", "--prompt", "the foks"];
    desk.refuses(&prompt, &["`foks`", "nearest", "fox", "--unseen"]);
    for policy in ["skip", "unknown"] {
        let answer = desk.must(&[&prompt[..], &["--unseen", policy, "--tokens", "2"]].concat());
        assert!(answer.stderr.contains("foks"), "{}", answer.stderr);
    }
    desk.file("short.txt", "the fox");
    // However many tokens are asked for, none is set aside in advance.
    let greedy = ["generate", "--temperature", "0", "--tokens"];
    let first = desk.must(&[&greedy[..], &["1"]].concat()).stdout;
    let endless = [&greedy[..], &["9223372036854775807", "--stop", first.trim()]].concat();
    assert_eq!(desk.must(&endless).stdout.trim(), "");
    // Twenty story marks stand before two words: one more than a window and a target need.
    desk.must(&["evaluate", "--text", "short.txt"]);
    desk.file("backend.toml", "backend = \"tpu\"");
    desk.refuses(&["generate"], &["backend.toml", "`tpu`"]);
}

#[test]
fn corpora_that_are_not_what_they_say() {
    let desk = Desk::new();
    desk.file("wrong.txt", "THE FOX AND THE GRAPES\n\n\nshort\nILLUSTRATIONS\n\n\n[");
    let fetch = ["fetch", "aesop", "--from", "wrong.txt"];
    desk.refuses(&fetch, &["wrong.txt is not the corpus `aesop`", "50,436"]);
    assert!(!desk.path().join("datasets").exists());
    desk.refuses(&["fetch", "esop"], &["unknown", "aesop", "fables"]);
    desk.refuses(&["fetch", "aesop", "--from", "none.txt"], &["none.txt"]);
    desk.refuses(&["prepare", "--set", "text.dataset=aesop"], &["fetch aesop"]);
}

/// A full disk, played by a limit on the size of files.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_nothing_half_written() {
    let desk = Desk::new();
    let sized = |blocks: u32, out: &str| {
        let mut command = std::process::Command::new("bash");
        // Ignoring the signal turns it into an error of the write, as on a full disk.
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
        command.args(["-c", &script, "bash", env!("CARGO_BIN_EXE_pastiche"), "train"]);
        command.args(tiny()).args(["--out", out]).current_dir(desk.path());
        command.env_remove("PASTICHE_BACKEND");
        common::answer(command.output().unwrap())
    };
    // No file may grow beyond 24 KiB: those of the first checkpoint do.
    common::refused(&sized(24, "run"), "a full disk", &["written", "checkpoints"]);
    assert!(!desk.path().join("run").exists());

    // A run that had something keeps it.
    assert_eq!(desk.train(&["--out", "kept"]).code, Some(0));
    let weights = fs::read(desk.path().join("kept/weights.bpk")).unwrap();
    let mut command = std::process::Command::new("bash");
    let script = "trap '' XFSZ; ulimit -f 24; exec \"$@\"";
    command.args(["-c", script, "bash", env!("CARGO_BIN_EXE_pastiche"), "train"]);
    command.args(["--resume", "kept", "--set", "train.epochs=2"]).current_dir(desk.path());
    common::refused(&common::answer(command.output().unwrap()), "resume", &["written"]);
    assert_eq!(fs::read(desk.path().join("kept/weights.bpk")).unwrap(), weights);
    desk.must(&["generate", "--model", "kept", "--tokens", "2"]);
    desk.must(&["train", "--resume", "kept", "--set", "train.epochs=2"]);
}
