//! The Python environment of `parity` and `bench --peers`: PyTorch and Keras in the versions of
//! `xtask/parity/requirements.txt`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{cargo, output};

/// The pinned versions.
const REQUIREMENTS: &str = "xtask/parity/requirements.txt";

/// The path of Python in an environment with all requirements; creates the environment if needed.
pub fn environment(root: &Path) -> Result<PathBuf, String> {
    let folder = root.join("target/parity");
    let python = folder.join("venv/bin/python");
    let requirements = root.join(REQUIREMENTS);
    let required = std::fs::read_to_string(&requirements)
        .map_err(|error| format!("{} cannot be read: {error}", requirements.display()))?;
    // Written last: without it, or with other contents, the environment is incomplete.
    let stamp = folder.join("requirements.txt");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == required) {
        return Ok(python);
    }
    output::status("creating a Python environment with PyTorch and Keras (several gigabytes, once)");
    let venv = folder.join("venv");
    finish(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
    finish(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(&requirements))?;
    std::fs::write(&stamp, required).map_err(|error| format!("{} cannot be written: {error}", stamp.display()))?;
    Ok(python)
}

/// A command that runs one of our Python programs in the workspace root.
pub fn program(python: &Path, root: &Path, path: &str) -> Command {
    let mut command = Command::new(python);
    command.current_dir(root).arg(path);
    // Keeps Python's caches out of the source folders.
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

fn finish(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|error| {
        let reason = cargo::not_started(command, &error);
        format!("{reason} (Python 3.11 or later with venv is needed)")
    })?;
    if status.success() { Ok(()) } else { Err(format!("{} ended with {status}", command.get_program().display())) }
}
