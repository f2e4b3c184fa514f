//! Runs the built binary in a temporary directory. No test file uses all of these helpers.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A temporary working directory, empty at first.
pub struct TestDir {
    folder: tempfile::TempDir,
}

/// Exit code and output of a command.
pub struct CommandOutput {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Settings of a model small enough for a test.
pub const TINY: &[&str] = &[
    "train.epochs=1",
    "model.embedding_dim=8",
    "model.layers[0].units=8",
    "windows.stride=9",
    "samples.max_tokens=8",
    "samples.every_steps=40",
];

/// Sizes of a question model small enough for a test.
pub const TINY_QUESTION_MODEL: &[&str] = &[
    "model.embedding_dim=8",
    "model.readout=8",
    "model.features=2",
    "model.encoder[0].units=4",
    "model.extractor[0].units=4",
    "model.decoder[0].units=8",
];

/// The warnings in `stderr`, without those that a test's short run of a small model gets.
pub fn warnings(stderr: &str) -> Vec<&str> {
    const OF_SHORT_RUNS: [&str; 3] =
        ["an epoch has only ", "after only ", "the model predicts held-out text about as badly as "];
    let warnings = stderr.lines().filter_map(|line| line.strip_prefix("warning: "));
    warnings.filter(|warning| !OF_SHORT_RUNS.iter().any(|start| warning.starts_with(start))).collect()
}

/// The configuration with the model of the Keras baseline, which is built in.
pub const DEFAULT_CONFIG: &str = "configs/lstm.toml";

impl TestDir {
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

    /// All files of a run but the lock, with their contents and times.
    pub fn state_of(&self, run: &str) -> Vec<(PathBuf, Vec<u8>, std::time::SystemTime)> {
        let (mut files, mut folders) = (Vec::new(), vec![self.path().join(run)]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                } else if entry.file_name() != "lock" {
                    let changed = entry.metadata().unwrap().modified().unwrap();
                    files.push((entry.path(), std::fs::read(entry.path()).unwrap(), changed));
                }
            }
        }
        files.sort();
        files
    }

    /// The newest checkpoint of a run.
    pub fn newest_checkpoint(&self, run: &str) -> String {
        let entries = std::fs::read_dir(self.path().join(run).join("checkpoints")).unwrap();
        let newest = entries.map(|entry| entry.unwrap().file_name()).max().unwrap();
        format!("{run}/checkpoints/{}", newest.to_str().unwrap())
    }

    /// A command that runs the binary with these arguments; not started yet. `train` gets a configuration, see
    /// [`with_config`].
    pub fn command(&self, args: &[&str]) -> Command {
        self.exact_command(&with_config(args))
    }

    /// A command that runs the binary with these arguments and no others.
    pub fn exact_command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pastiche"));
        command.args(args).current_dir(self.path()).stdin(Stdio::null());
        command.env_remove("PASTICHE_BACKEND").env("RAYON_NUM_THREADS", "2");
        // As on a server: the program must not let graphics libraries complain about it.
        command.env_remove("XDG_RUNTIME_DIR");
        command
    }

    /// Runs the binary.
    pub fn run(&self, args: &[&str]) -> CommandOutput {
        output(self.command(args).output().unwrap())
    }

    /// Runs the binary, which must succeed.
    pub fn run_ok(&self, args: &[&str]) -> CommandOutput {
        let output = self.run(args);
        assert_eq!(output.code, Some(0), "{args:?}: {}", output.stderr);
        output
    }

    /// Runs the binary, which must print one JSON object and nothing else on standard output.
    pub fn json(&self, args: &[&str]) -> Value {
        let output = self.run_ok(args);
        let value: Value = serde_json::from_str(&output.stdout).expect("one JSON value");
        assert!(value.is_object(), "{value}");
        assert_eq!(output.stdout.lines().count(), 1, "{}", output.stdout);
        value
    }

    /// What `evaluate` prints as JSON, without the sizes of the model: as the report of a run has it.
    pub fn evaluation(&self, args: &[&str]) -> Value {
        let mut value = self.json(&[&["evaluate", "--json"], args].concat());
        for size in ["parameters", "vocabulary"] {
            value.as_object_mut().unwrap().remove(size).unwrap();
        }
        value
    }

    /// Trains the tiny model on the embedded fables, with further arguments.
    pub fn train(&self, more: &[&str]) -> CommandOutput {
        self.run(&[&["train"], tiny_fables().as_slice(), more].concat())
    }

    /// Runs the binary, which must fail with one line of error that contains all of `expected`.
    pub fn expect_error(&self, args: &[&str], expected: &[&str]) {
        assert_error(&self.run(args), &format!("{args:?}"), expected);
    }
}

/// What the binary with these arguments shows on a terminal of 80 columns and 24 rows, which `script` of util-linux
/// provides; `None` if there is no `script`. Arguments must not contain spaces or what a shell interprets.
#[cfg(target_os = "linux")]
pub fn on_terminal(dir: &TestDir, args: &[&str]) -> Option<String> {
    on_terminal_with(dir, args, &[])
}

/// As [`on_terminal`], with further environment variables.
#[cfg(target_os = "linux")]
pub fn on_terminal_with(dir: &TestDir, args: &[&str], variables: &[(&str, &str)]) -> Option<String> {
    let args = with_config(args).join(" ");
    let command = format!("stty rows 24 cols 80; exec {} {args}", env!("CARGO_BIN_EXE_pastiche"));
    let mut script = Command::new("script");
    script.args(["-qec", &command, "/dev/null"]).current_dir(dir.path()).stdin(Stdio::null());
    script.env_remove("PASTICHE_BACKEND").env("RAYON_NUM_THREADS", "2").env("TERM", "xterm");
    script.env_remove("NO_COLOR").envs(variables.iter().copied());
    let Ok(output) = script.output() else {
        skipped("there is no `script` (Debian's package is bsdutils)");
        return None;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The same arguments; if they train and name no configuration, with the default one of the other commands, because
/// `train` alone plans a run of minutes.
pub fn with_config<'a>(args: &[&'a str]) -> Vec<&'a str> {
    let names_start = |arg: &&str| ["--config", "--resume", "--init-from", "--from"].contains(arg);
    let is_planned = args.first() == Some(&"train") && !args.iter().any(names_start);
    let config: &[&str] = if is_planned { &["--config", DEFAULT_CONFIG] } else { &[] };
    [args, config].concat()
}

/// `--set` before each of the tiny settings.
pub fn tiny() -> Vec<&'static str> {
    TINY.iter().flat_map(|setting| ["--set", *setting]).collect()
}

/// As [`tiny`], for the first edition of the embedded fables, which is shorter than the present one.
pub fn tiny_fables() -> Vec<&'static str> {
    [tiny().as_slice(), &["--set", "text.edition=1"]].concat()
}

pub fn output(output: Output) -> CommandOutput {
    CommandOutput {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Asserts that the command failed with one line of error that contains all of `expected`.
pub fn assert_error(output: &CommandOutput, what: &str, expected: &[&str]) {
    assert!(output.code.is_some_and(|code| code != 0), "{what} succeeded: {}", output.stderr);
    assert!(!output.stderr.contains("panicked"), "{what}: {}", output.stderr);
    let errors: Vec<&str> = output.stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "{what}: {}", output.stderr);
    assert_eq!(output.stderr.lines().last(), Some(errors[0]), "{what}: {}", output.stderr);
    for part in expected {
        assert!(errors[0].contains(part), "{what}: `{part}` is not in: {}", errors[0]);
    }
}

/// A text that is not part of the repository, if it is available.
pub fn find_dataset(name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folders = [
        std::env::var_os("PASTICHE_DATASETS").map(PathBuf::from),
        Some(root.join("datasets/aesop")),
        Some(root.join("../shared/datasets")),
    ];
    let found = folders.into_iter().flatten().map(|folder| folder.join(name));
    let Some(path) = found.into_iter().find(|path| path.is_file()) else {
        skipped(&format!("{name} was not found (fetch aesop, or set PASTICHE_DATASETS)"));
        return None;
    };
    Some(path.canonicalize().unwrap())
}

/// Reports a skipped test directly on standard error, because the test runner hides the output of passing tests.
pub fn skipped(why: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}
