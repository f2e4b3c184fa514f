//! `cargo xtask parity`: computes the fixtures anew with the real PyTorch and Keras, in a Python
//! environment that it makes itself, and compares them with the committed ones.
//!
//! The tests read the committed files alone and need no Python.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::cargo;

/// The programs and the pinned versions.
const PROGRAMS: &str = "xtask/parity";
const REQUIREMENTS: &str = "xtask/parity/requirements.txt";

/// Runs the comparison, or writes the fixtures if `write`.
pub fn run(write: bool) -> Result<ExitCode, String> {
    let root = cargo::root();
    let python = environment(root)?;
    let mut command = Command::new(&python);
    command.current_dir(root).arg(Path::new(PROGRAMS).join("parity.py"));
    command.args(write.then_some("--write"));
    // Python would leave its caches beside the sources.
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    // Keras's tokenizer writes the elements of a set in Python's order.
    command.env("PYTHONHASHSEED", "0");
    cargo::hand_over(command)
}

/// The Python of an environment that holds what the requirements name; made if it is not there.
fn environment(root: &Path) -> Result<PathBuf, String> {
    let place = root.join("target/parity");
    let python = place.join("venv/bin/python");
    let wanted = root.join(REQUIREMENTS);
    let wanted = std::fs::read_to_string(&wanted)
        .map_err(|error| format!("{} cannot be read: {error}", wanted.display()))?;
    // Written last: an environment without it, or with another one, is not whole.
    let stamp = place.join("requirements.txt");
    if std::fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(python);
    }
    eprintln!("making a Python environment with PyTorch and Keras, some gigabytes, once");
    let venv = place.join("venv");
    finish(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
    finish(
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--requirement"])
            .arg(root.join(REQUIREMENTS)),
    )?;
    std::fs::write(&stamp, wanted)
        .map_err(|error| format!("{} cannot be written: {error}", stamp.display()))?;
    Ok(python)
}

fn finish(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|error| {
        format!(
            "{} (Python 3.11 or later with venv is needed)",
            cargo::not_started(command, &error)
        )
    })?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("{} ended with {status}", command.get_program().display())),
    }
}
