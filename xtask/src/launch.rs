//! Runs a command of the program: chooses features, builds, then replaces the launcher by the program.
//!
//! The arguments are passed on unchanged; the program reads the environment and `backend.toml` itself.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode};

use args::BackendFile;

use crate::{build, cargo, features};

/// Builds `pastiche` for the backend of `command` and runs it with `arguments`.
pub fn run(command: &args::Command, arguments: &[OsString]) -> Result<ExitCode, String> {
    let requested = match command.backend() {
        Some(backend) => backend.backend,
        None => features::backend_from_env()?,
    };
    let listed = std::env::var(features::FEATURES_VARIABLE).ok();
    let features = features::choose(requested, listed.as_deref(), &BackendFile::read(Path::new("."))?)?;
    match build::pastiche(&features)? {
        Ok(path) => {
            let mut program = Command::new(path);
            program.args(arguments);
            cargo::remove_launcher_env(&mut program);
            cargo::replace_process(program)
        }
        Err(status) => Ok(cargo::exit_code(status)),
    }
}
