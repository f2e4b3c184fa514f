//! Runs a command of the program: chooses features, builds, then replaces the launcher by the program.
//!
//! The arguments are passed on unchanged; the program reads the environment and `backend.toml` itself.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, ExitCode};

use args::{Backend, BackendFile, Command as ProgramCommand};
use clap::ValueEnum;

use crate::{build, cargo, features};

/// Builds `pastiche` for the backend of `command` and runs it with `arguments`.
pub fn run(command: &ProgramCommand, arguments: &[OsString]) -> Result<ExitCode, String> {
    let requested = match command.backend() {
        Some(backend) => backend.backend.or_else(|| backend_of_run(command)),
        None => features::backend_from_env()?,
    };
    let listed = std::env::var(features::FEATURES_VARIABLE).ok();
    let features = features::choose(requested, listed.as_deref(), &BackendFile::read(Path::new("."))?)?;
    if let ProgramCommand::Train(train) = command
        && train.launch.ranks.is_some()
    {
        return train_on_ranks(train, arguments, &features);
    }
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

#[cfg(unix)]
fn train_on_ranks(train: &args::Train, arguments: &[OsString], features: &str) -> Result<ExitCode, String> {
    crate::ranks::run(train, arguments, features)
}

#[cfg(not(unix))]
fn train_on_ranks(_: &args::Train, _: &[OsString], _: &str) -> Result<ExitCode, String> {
    Err("`--ranks` needs MPI, which is supported only on Unix".into())
}

/// The backend of the run that `command` resumes or repeats by its name, which the program uses if no other is named.
fn backend_of_run(command: &ProgramCommand) -> Option<Backend> {
    let run = match command {
        ProgramCommand::Train(train) => train.resume.as_ref()?.as_ref()?,
        ProgramCommand::Reproduce(reproduce) => &reproduce.run,
        _ => return None,
    };
    recorded_backend(run).or_else(|| recorded_backend(&Path::new("runs").join(run)))
}

fn recorded_backend(run: &Path) -> Option<Backend> {
    let path = run.join("run.json");
    // Opening a pipe would wait for a writer.
    let text = path.metadata().ok().filter(|found| found.is_file()).and_then(|_| std::fs::read_to_string(path).ok())?;
    let value: serde_json::Value = serde_json::from_str(&text).ok()?;
    Backend::from_str(value["backend"].as_str()?, false).ok()
}

#[cfg(test)]
mod tests {
    use args::{Reproduce, Train};

    use super::*;

    #[test]
    fn the_backend_of_a_named_run_is_built() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().to_path_buf();
        std::fs::write(run.join("run.json"), r#"{"backend": "flex"}"#).unwrap();
        let resume = |resume| ProgramCommand::Train(Train { resume, ..Train::default() });
        assert_eq!(backend_of_run(&resume(Some(Some(run.clone())))), Some(Backend::Flex));
        assert_eq!(backend_of_run(&resume(Some(None))), None);
        assert_eq!(backend_of_run(&resume(Some(Some(run.join("none"))))), None);
        let reproduce = Reproduce { run, out: None, json: false, backend: args::BackendArgs::default() };
        assert_eq!(backend_of_run(&ProgramCommand::Reproduce(reproduce)), Some(Backend::Flex));
    }
}
