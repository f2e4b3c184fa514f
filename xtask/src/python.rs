//! The Python environment that parity and the benchmark's peers share, with PyTorch and Keras as pinned
//! in `xtask/parity/requirements.txt`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cargo;

/// The pinned versions.
const REQUIREMENTS: &str = "xtask/parity/requirements.txt";

/// The Python of an environment that holds what the requirements name; made if it is not there.
pub fn environment(root: &Path) -> Result<PathBuf, String> {
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

/// A program of ours, to be run by `python` from the workspace's root.
pub fn program(python: &Path, root: &Path, path: &str) -> Command {
    let mut command = Command::new(python);
    command.current_dir(root).arg(path);
    // Python would leave its caches beside the sources.
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command
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
