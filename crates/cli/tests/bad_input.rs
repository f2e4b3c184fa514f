//! Invalid input is reported in one line, and no incomplete files are left.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{TestDir, tiny, tiny_fables};

/// Trains with these arguments, which must fail and leave no run.
fn expect_train_error(dir: &TestDir, args: &[&str], expected: &[&str]) {
    dir.expect_error(&[&["train"], args].concat(), expected);
    let runs = fs::read_dir(dir.path().join("runs"));
    let leftover: Vec<_> = runs.into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    assert!(leftover.is_empty(), "{args:?} left {leftover:?}");
}

#[test]
fn texts_that_cannot_be_read() {
    let dir = TestDir::new();
    expect_train_error(&dir, &["--text", "none.txt"], &["none.txt"]);
    dir.file("empty.txt", "");
    expect_train_error(&dir, &["--text", "empty.txt"], &["empty.txt", "empty"]);
    dir.file("latin.txt", b"caf\xe9 noir");
    expect_train_error(&dir, &["--text", "latin.txt"], &["latin.txt", "byte 3", "encoding"]);
    let named = ["prepare", "--text", "latin.txt", "--set", "text.encoding=windows-1252"];
    dir.expect_error(&named, &["split has 1 token,"]);
    let both = ["--set", "text.path=x.txt", "--set", "text.dataset=fables"];
    expect_train_error(&dir, &both, &["text.dataset", "text.path"]);
    expect_train_error(&dir, &["--set", "text.path=x.txt"], &["x.txt"]);
    let edition = ["--text", "empty.txt", "--set", "text.edition=1"];
    expect_train_error(&dir, &edition, &["`text.edition`", "`text.dataset`"]);
    let expected = "`text.edition` is 3; expected 1 to 2, the editions of the corpus `fables`";
    dir.expect_error(&["prepare", "--set", "text.edition=3"], &[expected]);
    dir.expect_error(&["prepare", "--set", "text.edition=0"], &["`text.edition` is 0"]);
    dir.expect_error(&["prepare", "--text", "empty.txt"], &["empty.txt"]);
    expect_train_error(&dir, &["--set", "text.dataset=../x"], &["the corpus `../x` is unknown"]);
}

#[cfg(unix)]
#[test]
fn devices_are_not_read() {
    let dir = TestDir::new();
    let expected = ["/dev/zero", "it is a device, expected a regular file"];
    for args in [["--text", "/dev/zero"], ["--config", "/dev/zero"], ["--set", "model.vectors.path=/dev/zero"]] {
        expect_train_error(&dir, &args, &expected);
    }
    dir.expect_error(&["import", "/dev/zero", "--layout", "keras"], &expected);
    dir.expect_error(&["fetch", "aesop", "--from", "/dev/zero"], &expected);
}

#[test]
fn a_picture_that_cannot_be_written() {
    let dir = TestDir::new();
    let args = [&tiny_fables()[..], &["--view-svg", "none/view.svg"]].concat();
    expect_train_error(&dir, &args, &["none/view.svg cannot be written"]);
    std::fs::create_dir(dir.path().join("folder")).unwrap();
    let args = [&tiny_fables()[..], &["--view-svg", "folder"]].concat();
    expect_train_error(&dir, &args, &["folder is not a regular file"]);
}

#[test]
fn texts_that_are_too_short() {
    let dir = TestDir::new();
    dir.file("short.txt", "one two three");
    let short = ["--text", "short.txt", "--set", "clean.preset=verbatim"];
    expect_train_error(&dir, &short, &["has 3 tokens", "windows.context_len", "longer text"]);
    dir.file("same.txt", "a".repeat(6_000));
    let merged = ["characters, but only ", "a passage that is repeated", "tokens.kind"];
    expect_train_error(&dir, &["--text", "same.txt"], &merged);
    let subwords =
        ["--text", "same.txt", "--config", concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs/subwords.toml")];
    expect_train_error(&dir, &subwords, &merged);
    expect_train_error(&dir, &["--text", "same.txt", "--init-from", "base"], &merged);
    dir.file("hundred.txt", "word ".repeat(100));
    let expected = ["the valid split has", "split.valid_fraction"];
    expect_train_error(&dir, &["--text", "hundred.txt"], &expected);
    let no_valid = ["--set", "split.valid_fraction=0"];
    expect_train_error(&dir, &no_valid, &["split.valid_fraction", "above 0"]);
}

#[test]
fn invalid_configurations() {
    let dir = TestDir::new();
    dir.file("typo.toml", "seed = 1\n\n[train]\nepoch = 3\n");
    let expected = ["typo.toml, line 4", "`epoch`", "the nearest is `epochs`"];
    expect_train_error(&dir, &["--config", "typo.toml"], &expected);
    expect_train_error(&dir, &["--config", "none.toml"], &["none.toml"]);
    for (setting, expected) in [
        ("train.epochs=0", "train.epochs"),
        ("train.epochs=many", "train.epochs=many"),
        ("train.batch_size=0", "train.batch_size"),
        ("train.shards=3", "`train.shards` is 3 with `train.batch_size` = "),
        ("train.learning_rate=-1", "train.learning_rate"),
        ("train.optimizer.rho=2", "train.optimizer.rho"),
        ("model.dropout=1", "model.dropout"),
        ("model.embedding_dim=0", "model.embedding_dim"),
        ("model.layers[0].units=0", "model.layers[0].units"),
        ("model.layers[0].cell=lstn", "lstm"),
        ("model.layers=[]", "model.layers"),
        ("model.layers[0].bidirectional=true", "the tokens that it has to predict"),
        ("model.layers[0].activation=relu", "only `cell = \"rnn\"` has an activation setting"),
        ("model.layers[0].reset_after=true", "only `cell = \"gru\"` has a reset gate"),
        ("model.layers[0].mogrifier_rank=4", "`model.layers[0].mogrifier_rounds` is 0"),
        ("model.layers=[{cell=\"gru\",units=8,cell_norm=true}]", "only `cell = \"lstm\"` has normalisation inside"),
        ("model.layers[0].recurrent_dropout=1", "model.layers[0].recurrent_dropout"),
        ("model.tie_weights=true", "`model.layers[0].units` is 256, expected 100"),
        ("model.projection=9000", "model.projection"),
        ("model.init=unifrom", "the nearest is `uniform`, known are keras, uniform"),
        ("model.init=3", "model.init"),
        ("model.embedding_dropout=-1", "model.embedding_dropout"),
        ("model.vectors.train=false", "model.vectors.path"),
        ("model.vectors.path=none.txt", "none.txt cannot be opened"),
        ("train.mode=every", "the nearest is"),
        ("train.optimizer.beta_1=0.5", "only `train.optimizer.kind = \"adam\"` or `\"adamw\"` has"),
        ("train.optimizer.weight_decay=0.1", "only `train.optimizer.kind = \"adamw\"` or `\"sgd\"` has"),
        ("train.clip.value=0", "train.clip.value"),
        ("train.bptt_len=x", "train.bptt_len"),
        ("train.bptt_deviation=3", "at most half of `train.bptt_len`"),
        ("model.input_dropout=1", "model.input_dropout"),
        ("model.activation_regularization=-1", "model.activation_regularization"),
        ("model.temporal_activation_regularization=0.1", "expected 0, or `train.mode = \"tbptt\"`"),
        ("windows.context_len=0", "windows.context_len"),
        ("windows.stride=0", "windows.stride"),
        ("vocabulary.min_count=0", "vocabulary.min_count"),
        ("samples.max_tokens=0", "samples.max_tokens"),
        ("clean.preset=pros", "did you mean `prose`"),
        ("tokens.capitals=keep", "tokens.kind"),
        ("tokens.jamo=true", "`tokens.jamo` is given, which only `tokens.kind = \"characters\"`"),
        ("tokens.unit=graphemes", "`tokens.unit` is given, which only"),
        ("tokens.unit=grapheme", "the nearest is `graphemes`"),
        ("tokens.capitals=shifted", "known are keep, lower, shift"),
        ("tokens.jamo=yes", "tokens.jamo=yes"),
        ("tokens.stem=klingon", "english"),
        ("text.dataset=fabels", "expected one of"),
        ("text.encoding=utf-8", "text.encoding"),
        ("vocabulary.min_count=18000", "vocabulary.min_count"),
        ("vocabulary.min_count=99999", "vocabulary.min_count"),
    ] {
        expect_train_error(&dir, &["--set", setting], &[expected]);
    }
    for (settings, expected) in [
        (["train.mode=tbptt", "train.bptt_len=0"], "train.bptt_len"),
        (["train.optimizer.kind=adam", "train.optimizer.rho=0.5"], "kind = \"rmsprop\"` has"),
        (["train.clip.value=1", "train.clip.global_norm=1"], "more than one of"),
        (["train.averaging_patience=5", "train.ema_decay=0.9"], "expected 0 with `train.ema_decay`"),
        (["model.tie_weights=true", "model.projection=9"], "`model.projection` is 9, expected 100"),
    ] {
        expect_train_error(&dir, &["--set", settings[0], "--set", settings[1]], &[expected]);
    }
    let settings = ["train.mode=tbptt", "train.batch_size=60000", "text.edition=1"];
    let settings: Vec<&str> = settings.iter().flat_map(|setting| ["--set", *setting]).collect();
    expect_train_error(&dir, &settings, &["lower `train.batch_size`"]);
}

#[test]
fn directories_without_a_model() {
    let dir = TestDir::new();
    dir.expect_error(&["evaluate"], &["no finished run", "cargo xtask train"]);
    for command in ["generate", "evaluate"] {
        dir.expect_error(&[command, "--model", "nowhere"], &["nowhere", "not a model directory"]);
    }
    dir.expect_error(&["train", "--resume", "nowhere"], &["nowhere"]);
}

#[test]
fn damaged_model_directories() {
    let dir = TestDir::new();
    assert_eq!(dir.train(&["--out", "run"]).code, Some(0));
    let weights = dir.path().join("run/weights.bpk");
    let bytes = fs::read(&weights).unwrap();
    fs::write(&weights, &bytes[..bytes.len() - 9]).unwrap();
    dir.expect_error(&["generate", "--model", "run"], &["weights.bpk", "truncated"]);
    fs::remove_file(&weights).unwrap();
    dir.expect_error(&["evaluate", "--model", "run"], &["weights.bpk", "missing"]);
    // A run without its weights file is resumed from its checkpoint.
    dir.run_ok(&["train", "--resume", "run"]);
    dir.run_ok(&["generate", "--model", "run", "--max-tokens", "2"]);
    let metrics = fs::read_to_string(dir.path().join("run/metrics.jsonl")).unwrap();
    let resume = ["train", "--resume", "run"];
    let newest = newest_checkpoint(dir.path());
    let name = newest.file_name().unwrap().to_str().unwrap().to_string();
    for file in fs::read_dir(&newest).unwrap().map(|entry| entry.unwrap().file_name()) {
        let path = newest.join(file);
        let bytes = fs::read(&path).unwrap();
        let expected = ["damaged", &name, "delete", "resume again from the previous one"];
        for place in [0, bytes.len() / 2, bytes.len() - 1] {
            let mut flipped = bytes.clone();
            flipped[place] ^= 1;
            fs::write(&path, &flipped).unwrap();
            dir.expect_error(&resume, &expected);
        }
        fs::remove_file(&path).unwrap();
        dir.expect_error(&resume, &expected);
        fs::write(&path, bytes).unwrap();
    }
    // The advice in the error message works.
    fs::write(newest.join("optimizer.bpk"), "no optimizer").unwrap();
    fs::remove_dir_all(&newest).unwrap();
    dir.run_ok(&resume);
    assert!(newest.exists());

    let later = fs::read_to_string(newest.join("manifest.json")).unwrap();
    let later = later.replacen("\"format\": 2", "\"format\": 3", 1);
    fs::write(newest.join("manifest.json"), later).unwrap();
    dir.expect_error(&resume, &["format 3", "expected 2"]);
    fs::remove_dir_all(dir.path().join("run/checkpoints")).unwrap();
    dir.expect_error(&resume, &["the run cannot be resumed"]);
    // The epoch was trained again from the checkpoint before, and appears once.
    let repeated = fs::read_to_string(dir.path().join("run/metrics.jsonl")).unwrap();
    assert_eq!(repeated.lines().count(), metrics.lines().count());
}

/// The directory of the newest checkpoint of `run`.
fn newest_checkpoint(dir: &Path) -> PathBuf {
    let checkpoints = fs::read_dir(dir.join("run/checkpoints")).unwrap();
    checkpoints.map(|entry| entry.unwrap().path()).max().unwrap()
}

/// On Windows a locked file cannot be read, so its process is unknown.
#[cfg(unix)]
#[test]
fn a_run_used_by_another_process() {
    let dir = TestDir::new();
    assert_eq!(dir.train(&["--out", "run"]).code, Some(0));
    let lock = fs::OpenOptions::new().write(true).open(dir.path().join("run/lock")).unwrap();
    lock.lock().unwrap();
    fs::write(dir.path().join("run/lock"), "4321\n").unwrap();
    dir.expect_error(&["train", "--resume", "run"], &["run is in use by process 4321", "alive"]);
    let runs = dir.json(&["runs", ".", "--json"]);
    assert_eq!(runs["runs"][0]["state"], "running, process 4321");
    drop(lock);
    dir.run_ok(&["train", "--resume", "run"]);
}

/// In `/sys` not even root can create a directory.
#[cfg(target_os = "linux")]
#[test]
fn a_directory_that_cannot_be_created() {
    let dir = TestDir::new();
    let mut args = vec!["train", "--out", "/sys/pastiche"];
    args.extend(tiny_fables());
    dir.expect_error(&args, &["/sys/pastiche cannot be created"]);
    // Nor can one be created inside a file.
    dir.file("plain", "");
    args[2] = "plain/run";
    dir.expect_error(&args, &["plain", "cannot be created"]);
}

#[test]
fn invalid_schedules() {
    let dir = TestDir::new();
    for (settings, expected) in [
        (vec!["train.schedule.kind=step"], "`train.schedule.factor` is missing"),
        (vec!["train.schedule.factor=0.5"], "`train.schedule.factor` is given"),
        (vec!["train.schedule.kind=linear"], "constant"),
        (vec!["train.schedule.kind=exponential", "train.schedule.factor=1.5"], "`train.schedule.factor` is 1.5"),
        (vec!["train.ema_decay=1"], "train.ema_decay"),
        (vec!["checkpoints.keep=0"], "checkpoints.keep"),
    ] {
        let settings: Vec<&str> = settings.iter().flat_map(|set| ["--set", *set]).collect();
        expect_train_error(&dir, &settings, &[expected]);
    }
}

#[test]
fn a_run_whose_text_or_model_has_changed() {
    let dir = TestDir::new();
    dir.file("my.txt", "the cat saw the dog and ran away. ".repeat(40));
    let mut args = vec!["train", "--text", "my.txt", "--out", "run"];
    args.extend(tiny());
    dir.run_ok(&args);
    dir.run_ok(&["evaluate", "--model", "run"]);
    for (setting, expected) in [
        ("seed=2", "`seed`"),
        ("train.learning_rate=0.1", "`train.learning_rate`"),
        ("windows.stride=2", "`windows.stride`"),
    ] {
        dir.expect_error(&["train", "--resume", "run", "--set", setting], &[expected]);
    }
    let resized = ["train", "--resume", "run", "--set", "model.embedding_dim=9"];
    dir.expect_error(&resized, &["run", "cannot be resumed", "`model.embedding_dim`"]);
    dir.file("my.txt", "the dog saw the cat and ran away. ".repeat(40));
    dir.expect_error(&["evaluate", "--model", "run"], &["has changed since training"]);
    dir.expect_error(&["train", "--resume", "run", "--set", "train.epochs=2"], &["cannot be resumed"]);
}

#[test]
fn a_loss_that_diverges() {
    let dir = TestDir::new();
    let mut args = tiny_fables();
    args.extend(["--set", "train.learning_rate=1e38", "--set", "samples.every_steps=1"]);
    let args = [&["train", "--out", "run"], &args[..]].concat();
    dir.expect_error(&args, &["the loss of step", "halved 3 times", "train.learning_rate"]);
    // The metrics of its end are saved.
    let metrics = fs::read_to_string(dir.path().join("run/metrics.jsonl")).unwrap();
    assert!(metrics.contains("\"halvings\":3"), "{metrics}");
}

#[test]
fn invalid_options() {
    let dir = TestDir::new();
    assert_eq!(dir.train(&["--out", "runs/a"]).code, Some(0));
    for (options, expected) in [
        (["--temperature", "-1"], "--temperature"),
        (["--top-p", "2"], "--top-p"),
        (["--top-k", "0"], "--top-k"),
        (["--min-p", "0"], "--min-p"),
        (["--typical", "1.5"], "`--typical` is 1.5; expected a number above 0 and at most 1"),
        (["--mirostat", "-2"], "`--mirostat` is -2; expected a number of bits above 0 and at most 100"),
        (["--repetition-penalty", "0.5"], "`--repetition-penalty` is 0.5; expected a number from 1 to 100"),
        (["--repetition-window", "3"], "--repetition-penalty"),
        (["--best-of", "0"], "`--best-of` is 0; expected 1 to 100"),
        (["--prompt", ""], "`--prompt` is empty; expected at least one character: leave it out"),
        (["--max-tokens", "0"], "--max-tokens"),
        (["--num-samples", "0"], "--num-samples"),
        (["--stop", "zyzzyva"], "`--stop zyzzyva`: a stop text contains `zyzzyva`, which is not in the vocabulary"),
        (["--stop", ""], "--stop"),
        (["--stop", " "], "a stop text is only white space, which is not a token of this model"),
        (["--stop", r"\q"], r"unknown escape `\q`; expected `\n`, `\r`, `\t`, `\u{…}`"),
        (["--stop", r"\u{d800}"], r"`\u{d800}` is not the number of a character"),
        (["--backend", "tpu"], "ndarray, flex, wgpu, cuda"),
        (["--state", "both"], "carry, window"),
        (["--seed", "one"], "--seed"),
        (["--device", "discrete:0"], "--device"),
        (["--prompt-file", "none.txt"], "none.txt"),
    ] {
        dir.expect_error(&[&["generate"], &options[..]].concat(), &[expected]);
    }
    let no_window = ["generate", "--repetition-penalty", "1.2", "--repetition-window", "0"];
    dir.expect_error(&no_window, &["`--repetition-window` is 0; expected 1 or more"]);
    for (option, value) in [("--typical", "0.9"), ("--mirostat", "3")] {
        let expected = format!("`{option}` is {value}; expected none at a temperature of 0");
        dir.expect_error(&["generate", "--temperature", "0", option, value], &[&expected]);
    }
    let encoded = ["generate", "--prompt", "the fox", "--encoding", "utf-16le"];
    dir.expect_error(&encoded, &["--encoding", "--prompt"]);
    let prompt = ["generate", "--prompt", "the foks"];
    dir.expect_error(&prompt, &["`foks`", "nearest", "fox", "--oov"]);
    for policy in ["drop", "unknown"] {
        let output = dir.run_ok(&[&prompt[..], &["--oov", policy, "--max-tokens", "2"]].concat());
        assert!(output.stderr.contains("foks"), "{}", output.stderr);
    }
    dir.file("short.txt", "the fox");
    // Memory is not allocated in advance for the requested number of tokens.
    let greedy = ["generate", "--temperature", "0", "--max-tokens"];
    let first = dir.run_ok(&[&greedy[..], &["1"]].concat()).stdout;
    let endless = [&greedy[..], &["9223372036854775807", "--stop", first.trim()]].concat();
    assert_eq!(dir.run_ok(&endless).stdout.trim(), "");
    // Twenty document separators come before two words: one more than a window and a target need.
    dir.run_ok(&["evaluate", "--text", "short.txt"]);
    dir.file("backend.toml", "backend = \"tpu\"");
    dir.expect_error(&["generate"], &["backend.toml", "`tpu`"]);
}

#[test]
fn files_that_are_not_the_named_corpus() {
    let dir = TestDir::new();
    dir.file("wrong.txt", "THE FOX AND THE GRAPES\n\n\nshort\nILLUSTRATIONS\n\n\n[");
    let fetch = ["fetch", "aesop", "--from", "wrong.txt"];
    dir.expect_error(&fetch, &["wrong.txt is not the corpus `aesop`", "50,436"]);
    assert!(!dir.path().join("datasets").exists());
    dir.expect_error(&["fetch", "esop"], &["unknown", "aesop", "fables"]);
    dir.expect_error(&["fetch", "aesop", "--from", "none.txt"], &["none.txt"]);
    dir.expect_error(&["prepare", "--set", "text.dataset=aesop"], &["fetch aesop"]);
}

/// A full disk, simulated by a limit on the size of files.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_no_incomplete_files() {
    let dir = TestDir::new();
    let sized = |blocks: u32, out: &str| {
        let mut command = std::process::Command::new("bash");
        // Ignoring the signal makes the write fail with an error, as on a full disk.
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
        command.args(["-c", &script, "bash", env!("CARGO_BIN_EXE_pastiche"), "train"]);
        command.args(["--config", common::DEFAULT_CONFIG]).args(tiny_fables());
        command.args(["--out", out]).current_dir(dir.path());
        command.env_remove("PASTICHE_BACKEND");
        common::output(command.output().unwrap())
    };
    // No file may exceed 24 KiB; those of the first checkpoint would.
    common::assert_error(&sized(24, "run"), "a full disk", &["written", "checkpoints"]);
    assert!(!dir.path().join("run").exists());

    // A run keeps what it had saved.
    assert_eq!(dir.train(&["--out", "saved"]).code, Some(0));
    let weights = fs::read(dir.path().join("saved/weights.bpk")).unwrap();
    let mut command = std::process::Command::new("bash");
    let script = "trap '' XFSZ; ulimit -f 24; exec \"$@\"";
    command.args(["-c", script, "bash", env!("CARGO_BIN_EXE_pastiche"), "train"]);
    command.args(["--resume", "saved", "--set", "train.epochs=2"]).current_dir(dir.path());
    common::assert_error(&common::output(command.output().unwrap()), "resume", &["written"]);
    assert_eq!(fs::read(dir.path().join("saved/weights.bpk")).unwrap(), weights);
    dir.run_ok(&["generate", "--model", "saved", "--max-tokens", "2"]);
    dir.run_ok(&["train", "--resume", "saved", "--set", "train.epochs=2"]);
}
