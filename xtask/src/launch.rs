//! From a command of the program to the program: choose features, build, hand over.
//!
//! The words go on exactly as they were given; the program reads environment and `backend.toml`
//! itself.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode};

use args::BackendChoice;

use crate::{build, cargo, features};

/// Builds `pastiche` for the backend of `command` and lets it take over with `words`.
pub fn run(command: &args::Command, words: &[OsString]) -> Result<ExitCode, String> {
    let asked = match command.backend() {
        Some(backend) => backend.backend,
        None => features::backend_of_the_environment()?,
    };
    let listed = std::env::var(features::FEATURES_VARIABLE).ok();
    let file = BackendChoice::read(Path::new("."))?;
    let features = features::choose(asked, listed.as_deref(), &file)?;
    match build::pastiche(&features)? {
        build::Outcome::Built(path) => {
            let mut program = Command::new(path);
            program.args(words);
            cargo::forget_the_launcher(&mut program);
            cargo::hand_over(program)
        }
        build::Outcome::Failed(status) => Ok(cargo::exit_code(status)),
    }
}
