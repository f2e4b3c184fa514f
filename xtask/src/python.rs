//! The Python environment of `parity` and `bench --peers`: PyTorch and Keras in the versions of
//! `xtask/parity/requirements.txt`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{cargo, output};

/// The pinned versions.
const REQUIREMENTS: &str = "xtask/parity/requirements.txt";

/// The folder of the environment.
const FOLDER: &str = "target/parity";

/// The path of Python in an environment with all requirements, if there is one.
pub fn installed(root: &Path) -> Option<PathBuf> {
    let required = std::fs::read_to_string(root.join(REQUIREMENTS)).ok()?;
    // Written last: without it, or with other contents, the environment is incomplete.
    let found = std::fs::read_to_string(root.join(FOLDER).join("requirements.txt")).ok()?;
    (found == required).then(|| root.join(FOLDER).join("venv/bin/python"))
}

/// The path of Python in an environment with all requirements; creates the environment if needed.
pub fn environment(root: &Path) -> Result<PathBuf, String> {
    if let Some(python) = installed(root) {
        return Ok(python);
    }
    let folder = root.join(FOLDER);
    let python = folder.join("venv/bin/python");
    let requirements = root.join(REQUIREMENTS);
    let required = std::fs::read_to_string(&requirements)
        .map_err(|error| format!("{} cannot be read: {error}", requirements.display()))?;
    let stamp = folder.join("requirements.txt");
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_with_other_requirements_is_not_installed() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        assert_eq!(installed(root.path()), None);
        write(REQUIREMENTS, "numpy==2.3.5\n");
        assert_eq!(installed(root.path()), None);
        let stamp = format!("{FOLDER}/requirements.txt");
        write(&stamp, "numpy==2.3.4\n");
        assert_eq!(installed(root.path()), None);
        write(&stamp, "numpy==2.3.5\n");
        assert_eq!(installed(root.path()), Some(root.path().join("target/parity/venv/bin/python")));
    }
}
