//! Texts in other encodings, with byte order marks and control characters.

use std::fs;
use std::process::Stdio;

use serde_json::Value;

use crate::common::{self, TestDir, tiny};

/// A text that a tiny model is trained on, with letters that differ in every encoding.
pub fn text() -> String {
    "The café on the corner sold a loaf. A grey cat saw the crow, and the crow flew away.\n".repeat(40)
}

pub fn latin(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
}

pub fn utf16le(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// `args` with the settings of the tiny model.
pub fn train<'a>(args: &[&'a str]) -> Vec<&'a str> {
    [&["train"], &tiny()[..], &["--set", "windows.context_len=5"], args].concat()
}

/// The counts that `prepare` prints.
pub fn prepared(dir: &TestDir, args: &[&str]) -> Value {
    dir.json(&[&["prepare", "--json", "--set", "windows.context_len=5"], args].concat())
}

pub fn vocabulary(dir: &TestDir, run: &str) -> String {
    fs::read_to_string(dir.path().join(run).join("vocabulary.tsv")).unwrap()
}

pub fn weights(dir: &TestDir, run: &str) -> Vec<u8> {
    fs::read(dir.path().join(run).join("weights.bpk")).unwrap()
}

/// Runs the program with `text` on standard input.
pub fn with_input(dir: &TestDir, args: &[&str], text: &[u8]) -> common::CommandOutput {
    // A file: the tests of processes write to pipes.
    let input = dir.file("input", text);
    let mut command = dir.command(args);
    command.stdin(fs::File::open(input).unwrap());
    common::output(command.output().unwrap())
}

/// Runs the program in a shell that replaces `<(…)` by a pipe.
pub fn in_shell(dir: &TestDir, args: &[&str]) -> common::CommandOutput {
    let program = dir.command(&[]);
    let line = format!("\"$0\" {}", common::with_config(args).join(" "));
    let mut command = std::process::Command::new("bash");
    command.args(["-c", &line]).arg(program.get_program()).current_dir(dir.path()).stdin(Stdio::null());
    command.env_remove("PASTICHE_BACKEND").env("RAYON_NUM_THREADS", "2");
    common::output(command.output().unwrap())
}

#[test]
fn a_text_is_read_by_its_mark_or_in_the_encoding_that_is_named() {
    let dir = TestDir::new();
    dir.file("utf8.txt", text());
    dir.file("utf16.txt", utf16le(&format!("\u{feff}{}", text())));
    dir.file("utf16-plain.txt", utf16le(&text()));
    dir.file("utf32.txt", text().chars().flat_map(|c| u32::from(c).to_be_bytes()).collect::<Vec<u8>>());
    dir.file("latin.txt", latin(&text()));
    let expected = prepared(&dir, &["--text", "utf8.txt"]);
    assert_eq!(prepared(&dir, &["--text", "utf16.txt"]), expected);
    for (file, label) in [("utf16-plain.txt", "utf-16le"), ("utf32.txt", "utf-32be"), ("latin.txt", "windows-1252")] {
        assert_eq!(prepared(&dir, &["--text", file, "--encoding", label]), expected);
        let set = format!("text.encoding={label}");
        assert_eq!(prepared(&dir, &["--text", file, "--set", &set]), expected);
        let named = [format!("`--encoding {label}` or the key `text.encoding`"), format!("`{file}`")];
        dir.expect_error(&["prepare", "--text", file], &named.each_ref().map(String::as_str));
    }
    dir.expect_error(&["prepare", "--text", "latin.txt", "--encoding", "klingon"], &["`klingon`", "windows-1252"]);
    dir.expect_error(&["prepare", "--encoding", "latin1"], &["`text.encoding` is given with `text.dataset`"]);
}

#[test]
fn every_command_with_a_configuration_reads_a_text_in_the_encoding_that_is_named() {
    let dir = TestDir::new();
    dir.file("utf8.txt", text());
    dir.file("latin.txt", latin(&text()));
    dir.run_ok(&train(&["--text", "utf8.txt", "--out", "run"]));
    dir.run_ok(&["export", "run.safetensors", "--layout", "keras", "--model", "run"]);
    let settings = [&tiny()[..], &["--set", "windows.context_len=5"]].concat();
    for command in [
        &["summary", "--json"][..],
        &["gradients", "--json", "--steps", "1", "--max-lag", "3"],
        &["import", "run.safetensors", "--layout", "keras", "--out"],
    ] {
        let is_import = command[0] == "import";
        let args = |out: &'static str, text: &[&'static str]| {
            let out = if is_import { &[out][..] } else { &[] };
            [command, out, &settings, &["--text"], text].concat()
        };
        let expected = dir.run_ok(&args("utf8", &["utf8.txt"])).stdout;
        let found = dir.run_ok(&args("latin", &["latin.txt", "--encoding", "windows-1252"])).stdout;
        assert_eq!(found.replace("latin", "utf8"), expected, "{command:?}");
        dir.expect_error(&args("none", &["latin.txt"]), &["`latin.txt` is not UTF-8", "`--encoding windows-1252`"]);
    }
    assert_eq!(vocabulary(&dir, "latin"), vocabulary(&dir, "utf8"));
}

#[test]
fn commands_with_a_trained_model_default_to_its_encoding() {
    let dir = TestDir::new();
    dir.file("latin.txt", latin(&text()));
    dir.file("utf8.txt", text());
    dir.file("prompt.txt", latin("The café"));
    dir.run_ok(&train(&["--text", "latin.txt", "--encoding", "latin1", "--out", "run"]));
    let evaluated = |text: &[&str]| dir.json(&[&["evaluate", "--model", "run", "--json"], text].concat());
    let expected = evaluated(&["--text", "latin.txt"]);
    assert_eq!(expected["unknown_share"], 0.0);
    assert_eq!(evaluated(&["--text", "utf8.txt", "--encoding", "utf-8"]), expected);
    assert!(evaluated(&["--text", "utf8.txt"])["unknown_share"].as_f64().unwrap() > 0.0);
    dir.expect_error(&["evaluate", "--model", "run", "--encoding", "latin1"], &["without `--text` or `--data`"]);

    let generate = ["generate", "--model", "run", "--seed", "1", "--max-tokens", "3"];
    let generated = |prompt: &[&str]| dir.run_ok(&[&generate, prompt].concat()).stdout;
    let from_file = generated(&["--prompt-file", "prompt.txt"]);
    assert_eq!(from_file, generated(&["--prompt", "The café"]));
    // Byte order marks are in no prompt.
    assert_eq!(from_file, generated(&["--prompt", "\u{feff}The café"]));
    dir.file("marked.txt", utf16le("\u{feff}The café"));
    assert_eq!(from_file, generated(&["--prompt-file", "marked.txt"]));
    let invalid = [&generate[..], &["--prompt-file", "prompt.txt", "--encoding", "utf-8"]].concat();
    dir.expect_error(&invalid, &["`prompt.txt` is not UTF-8", "`--encoding windows-1252` names the encoding"]);

    let from = |more: &[&str]| {
        let from = ["train", "--init-from", "run", "--set", "train.epochs=1"];
        dir.run(&[&from, more].concat())
    };
    let started = from(&["--text", "latin.txt", "--out", "again"]);
    assert_eq!(started.code, Some(0), "{}", started.stderr);
    assert!(started.stderr.contains("read as latin1") && started.stderr.contains("`--encoding`"), "{}", started.stderr);
    let named = from(&["--text", "utf8.txt", "--encoding", "utf-8", "--out", "named"]);
    assert_eq!(named.code, Some(0), "{}", named.stderr);
    assert!(weights(&dir, "again") == weights(&dir, "named"), "the same text gives another model");
    // A text that a configuration names is read in the same way.
    for (file, more, out) in [("latin.txt", "", "configured"), ("utf8.txt", "encoding = \"utf-8\"\n", "other")] {
        dir.file("my.toml", format!("[text]\npath = \"{file}\"\n{more}[windows]\ncontext_len = 5\nstride = 9\n"));
        let started = from(&["--config", "my.toml", "--out", out]);
        assert_eq!(started.code, Some(0), "{}", started.stderr);
        assert_eq!(started.stderr.contains("read as latin1"), more.is_empty(), "{}", started.stderr);
    }
    assert!(weights(&dir, "configured") == weights(&dir, "other"), "the same text gives another model");
}

#[test]
fn byte_order_marks_are_in_no_token() {
    let dir = TestDir::new();
    let part = text();
    dir.file("joined.txt", format!("\u{feff}{part}\u{feff}{part}"));
    dir.file("plain.txt", format!("{part}{part}"));
    for kind in ["words", "characters"] {
        let kind = format!("tokens.kind={kind}");
        let run = |file| dir.run_ok(&train(&["--text", file, "--set", &kind, "--out", &format!("{file}-{kind}")]));
        run("joined.txt");
        run("plain.txt");
        let [joined, plain] = ["joined.txt", "plain.txt"].map(|file| format!("{file}-{kind}"));
        assert!(!vocabulary(&dir, &joined).contains('\u{feff}'));
        assert!(weights(&dir, &joined) == weights(&dir, &plain), "the marks change the model");
    }
    let mut config = fs::read_to_string(dir.path().join("plain.txt-tokens.kind=words/config.toml")).unwrap();
    config.insert(0, '\u{feff}');
    dir.file("marked.toml", config);
    prepared(&dir, &["--config", "marked.toml"]);
}

#[test]
fn control_characters_are_reported_with_number_and_place_and_rejected_kept_or_removed() {
    let dir = TestDir::new();
    let lines = text();
    dir.file("nul.txt", format!("{lines}\0\0{lines}"));
    let nul = "2 control characters, the first U+0000 (NUL) in line 41, column 1";
    dir.expect_error(&train(&["--text", "nul.txt"]), &["`nul.txt`", nul, "`--set text.control_characters=remove`"]);
    assert!(!dir.path().join("runs").exists());
    dir.file("esc.txt", format!("{lines}\u{1b}]0;title\u{7}{lines}"));
    let found = "2 control characters, the first U+001B (ESC) in line 41, column 1";
    let with = |file: &'static str, policy: &str, out: &'static str| {
        let set = format!("text.control_characters={policy}");
        let characters = ["--set", "tokens.kind=characters", "--set", "clean.preset=verbatim"];
        dir.run(&train(&[&["--text", file, "--set", &set, "--out", out], &characters[..]].concat()))
    };
    dir.expect_error(&train(&["--text", "esc.txt", "--set", "text.control_characters=reject"]), &["`esc.txt`", found]);
    for (file, policy, kept) in [
        ("esc.txt", "reject-nul", true),
        ("esc.txt", "keep", true),
        ("nul.txt", "keep", true),
        ("esc.txt", "remove", false),
    ] {
        let output = with(file, policy, "run");
        assert_eq!(output.code, Some(0), "{}", output.stderr);
        let expected = if file == "esc.txt" { found } else { nul };
        let warning = format!("warning: {file} has {expected}; they are {}", if kept { "kept" } else { "removed" });
        assert!(output.stderr.contains(&warning), "{policy}: {}", output.stderr);
        let tokens = vocabulary(&dir, "run");
        let is_token = tokens.contains(if file == "esc.txt" { "\\u{1b}" } else { "\\u{0}" });
        assert_eq!(is_token, kept, "{policy}: {tokens}");
        // The model's own text and others are read in the same way.
        dir.run_ok(&["evaluate", "--model", "run"]);
        dir.run_ok(&["evaluate", "--model", "run", "--text", file]);
        fs::remove_dir_all(dir.path().join("run")).unwrap();
    }
}

#[test]
fn a_run_of_an_earlier_version_is_reproduced_with_all_characters() {
    let dir = TestDir::new();
    dir.file("my.txt", format!("{}\0\u{1b}{}", text(), text()));
    dir.run_ok(&train(&["--text", "my.txt", "--set", "text.control_characters=keep", "--out", "run"]));
    let config = dir.path().join("run/config.toml");
    let saved = fs::read_to_string(&config).unwrap();
    let earlier = saved.replacen("control_characters = \"keep\"\n", "", 1);
    assert_ne!(earlier, saved);
    fs::write(&config, &earlier).unwrap();
    dir.run_ok(&["reproduce", "run", "--out", "again"]);
    assert!(!fs::read_to_string(dir.path().join("again/config.toml")).unwrap().contains("control_characters"));
    dir.run_ok(&["evaluate", "--model", "again"]);
    dir.run_ok(&["train", "--resume", "again", "--set", "train.epochs=2"]);
    // A new run checks its text.
    let from = ["train", "--init-from", "again", "--set", "train.epochs=1"];
    dir.expect_error(&from, &["U+0000 (NUL)", "`--set text.control_characters=remove`"]);
}

#[test]
fn a_text_that_is_set_replaces_that_of_the_configuration() {
    let dir = TestDir::new();
    dir.file("my.txt", text());
    let expected = prepared(&dir, &["--text", "my.txt"]);
    assert_eq!(prepared(&dir, &["--set", "text.path=my.txt"]), expected);
    dir.file("my.toml", "[text]\npath = \"my.txt\"\nencoding = \"latin1\"\n");
    let fables = prepared(&dir, &[]);
    assert_ne!(fables, expected);
    assert_eq!(prepared(&dir, &["--set", "text.dataset=fables"]), fables);
    dir.run_ok(&["prepare", "--config", "my.toml", "--set", "text.dataset=fables"]);
    for both in [["--set", "text.path=my.txt"], ["--text", "my.txt"]] {
        let args = [&["prepare", "--set", "text.dataset=fables"], &both[..]].concat();
        dir.expect_error(&args, &["`text.dataset` and `text.path` are both given"]);
    }
    dir.run_ok(&train(&["--text", "my.txt", "--set", "train.epochs=1", "--out", "run"]));
    let from = ["train", "--init-from", "run", "--new-tokens", "unk", "--set", "train.epochs=1", "--out", "from"];
    let first_edition =
        ["--set", "text.dataset=fables", "--set", "text.edition=1", "--set", "split.valid_fraction=0.3"];
    dir.run_ok(&[&from[..], &first_edition].concat());
    let config = fs::read_to_string(dir.path().join("from/config.toml")).unwrap();
    assert!(config.contains("dataset = \"fables\"\nedition = 1\n") && !config.contains("my.txt"), "{config}");
    let line = |n| format!("{{\"context\": \"Fox {n} ran.\", \"question\": \"Who ran {n}?\", \"answer\": \"Fox\"}}\n");
    dir.file("my.jsonl", (0..4).map(line).collect::<String>());
    let questions = ["prepare", "--json", "--config", "configs/qa.toml", "--set", "vocabulary.min_count=1"];
    let expected = dir.json(&[&questions[..], &["--text", "my.jsonl"]].concat());
    assert_eq!(dir.json(&[&questions[..], &["--set", "data.path=my.jsonl"]].concat()), expected);
    let both = ["--set", "data.path=my.jsonl", "--set", "data.dataset=fables-qa"];
    dir.expect_error(&[&questions[..], &both].concat(), &["`data.dataset` and `data.path` are both given"]);
}

#[test]
fn a_changed_text_of_a_run_is_reported_as_changed() {
    let dir = TestDir::new();
    dir.file("my.txt", text());
    dir.run_ok(&train(&["--text", "my.txt", "--set", "train.epochs=1", "--out", "file"]));
    let args = train(&["--text", "-", "--set", "train.epochs=1", "--out", "piped"]);
    let output = with_input(&dir, &args, text().as_bytes());
    assert_eq!(output.code, Some(0), "{}", output.stderr);
    for (run, file) in [("file", "my.txt"), ("piped", "piped/text.txt")] {
        let checkpoint = dir.newest_checkpoint(run);
        let resume = ["train", "--resume", run, "--set", "train.epochs=2"];
        let from = ["train", "--init-from", run, "--out", "new"];
        let commands = [&["evaluate", "--model", run][..], &["evaluate", "--model", &checkpoint], &resume, &from];
        // The same characters are no change, whatever else is wrong.
        let error = dir.run(&[&from[..], &["--set", "windows.context_len=9000"]].concat()).stderr;
        assert!(error.contains("lower `windows.context_len`") && !error.contains("changed"), "{error}");
        for changed in ["The cat saw a crow.\n", "", "\0"] {
            dir.file(file, changed);
            let expected = if changed.len() > 1 {
                ["has changed since training (SHA-256 ", "restore it"]
            } else {
                ["may have changed since training: restore it", file]
            };
            for command in commands.iter().chain(&[&["reproduce", run][..]]) {
                dir.expect_error(command, &[&format!("the text of {run}"), expected[0], expected[1]]);
                assert!(!dir.run(command).stderr.contains("context_len"), "{command:?}");
            }
        }
        // Another text is not that of the run.
        dir.file("short.txt", "The cat saw a crow.\n");
        let error = dir.run(&[&from[..], &["--text", "short.txt"]].concat()).stderr;
        assert!(error.contains("lower `windows.context_len`") && !error.contains("changed"), "{error}");
        dir.file(file, text());
        dir.run_ok(commands[0]);
    }
    assert!(!dir.path().join("new").exists() && !dir.path().join("runs").exists());
}

#[test]
fn what_training_rejects_is_rejected_before() {
    let dir = TestDir::new();
    dir.file("my.txt", text());
    let questions = ["--config", "configs/qa.toml", "--set"];
    for (args, expected) in [
        (vec!["--text", "my.txt", "--set", "init.from=none"], "none is not a model directory"),
        ([&questions[..], &["model.vectors.path=none"]].concat(), "none cannot be opened"),
        ([&questions[..], &["data.encoding=klingon"]].concat(), "`data.encoding` is given with `data.dataset`"),
        ([&questions[..], &["data.path=my.txt", "--encoding", "klingon"]].concat(), "`klingon`"),
    ] {
        for command in ["prepare", "train"] {
            dir.expect_error(&[&[command], &args[..]].concat(), &[expected]);
        }
    }
    dir.expect_error(&["summary", "--text", "my.txt", "--set", "init.from=none"], &["none is not a model directory"]);
    // The model determines the vocabulary.
    dir.run_ok(&train(&["--text", "my.txt", "--set", "train.epochs=1", "--out", "run"]));
    let set = ["--set", "init.from=run", "--set", "init.new_tokens=unk"];
    let vocabulary = |args: &[&str]| prepared(&dir, args)["model_vocabulary"].clone();
    assert_eq!(vocabulary(&set), vocabulary(&["--text", "my.txt"]));
    dir.run_ok(&[&["summary"], &set[..]].concat());
    dir.expect_error(&["prepare", "--set", "init.from=run"], &["--new-tokens unk"]);
}
