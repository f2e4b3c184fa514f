//! Runs the built binary in a folder of its own. Not every test file uses all of it.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A working directory with nothing in it.
pub struct Desk {
    folder: tempfile::TempDir,
}

/// What a command answered.
pub struct Answer {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// A network small enough for a test, on the fables that come with the binary.
pub const TINY: &[&str] = &[
    "train.epochs=1",
    "model.embedding=8",
    "model.layers[0].units=8",
    "windows.step=9",
    "samples.tokens=8",
    "samples.every_steps=40",
];

impl Desk {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// The binary with these arguments, not yet started.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pastiche"));
        command.args(args).current_dir(self.path()).stdin(Stdio::null());
        command.env_remove("PASTICHE_BACKEND").env("RAYON_NUM_THREADS", "2");
        // Graphics libraries complain on standard error where it is missing.
        command.env("XDG_RUNTIME_DIR", self.path());
        command
    }

    /// Runs the binary and waits.
    pub fn run(&self, args: &[&str]) -> Answer {
        answer(self.command(args).output().unwrap())
    }

    /// Runs the binary, which must succeed.
    pub fn must(&self, args: &[&str]) -> Answer {
        let answer = self.run(args);
        assert_eq!(answer.code, Some(0), "{args:?}: {}", answer.stderr);
        answer
    }

    /// Runs the binary, which must print one JSON object and nothing else on standard output.
    pub fn json(&self, args: &[&str]) -> Value {
        let answer = self.must(args);
        let value: Value = serde_json::from_str(&answer.stdout).expect("one JSON value");
        assert!(value.is_object(), "{value}");
        assert_eq!(answer.stdout.lines().count(), 1, "{}", answer.stdout);
        value
    }

    /// Trains the tiny network with further arguments.
    pub fn train(&self, more: &[&str]) -> Answer {
        self.run(&[&["train"], tiny().as_slice(), more].concat())
    }

    /// Runs the binary, which must refuse in one line that holds all of `expected`.
    pub fn refuses(&self, args: &[&str], expected: &[&str]) {
        refused(&self.run(args), &format!("{args:?}"), expected);
    }
}

/// `--set` before each of the tiny settings.
pub fn tiny() -> Vec<&'static str> {
    TINY.iter().flat_map(|setting| ["--set", *setting]).collect()
}

pub fn answer(output: Output) -> Answer {
    Answer {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The command failed with one line of error that holds all of `expected`.
pub fn refused(answer: &Answer, what: &str, expected: &[&str]) {
    assert!(answer.code.is_some_and(|code| code != 0), "{what} succeeded: {}", answer.stderr);
    assert!(!answer.stderr.contains("panicked"), "{what}: {}", answer.stderr);
    let errors: Vec<&str> =
        answer.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "{what}: {}", answer.stderr);
    assert_eq!(answer.stderr.lines().last(), Some(errors[0]), "{what}: {}", answer.stderr);
    for part in expected {
        assert!(errors[0].contains(part), "{what}: `{part}` is not in: {}", errors[0]);
    }
}

/// A real text that is not part of the project, if it lies beside it.
pub fn dataset(name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let places = [
        std::env::var_os("PASTICHE_DATASETS").map(PathBuf::from),
        Some(root.join("datasets/aesop")),
        Some(root.join("../shared/datasets")),
    ];
    let found = places.into_iter().flatten().map(|place| place.join(name));
    let Some(path) = found.into_iter().find(|path| path.is_file()) else {
        skipped(&format!("{name} is not in place (fetch aesop, or set PASTICHE_DATASETS)"));
        return None;
    };
    Some(path.canonicalize().unwrap())
}

/// Says so when a test has nothing to test, past the test runner, which hides what passes.
pub fn skipped(why: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}
