//! `cargo xtask test`: all tests, in release, with every backend.
//!
//! Profile and features are those of the checks and the smoke tests, so that Burn is compiled once. What is compared with
//! another implementation is tested before, by itself: its dependencies change the features of others.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use crate::cargo;
use crate::features::BackendSet;

/// Runs `cargo test` with the further arguments `rest`.
pub fn run(rest: &[OsString]) -> Result<ExitCode, String> {
    if let Some(flag) = package_flag(rest) {
        return Err(format!(
            "`{flag}` has no effect here, because all crates are tested together with one set of \
             features; run `cargo test --release {flag} pastiche-NAME` to test one crate"
        ));
    }
    if rest.is_empty() {
        let mut reference = reference_command();
        let status = reference.status().map_err(|error| cargo::not_started(&reference, &error))?;
        if !status.success() {
            return Ok(ExitCode::from(u8::try_from(cargo::shell_code(status)).unwrap_or(1)));
        }
    }
    let mut command = command(BackendSet::Portable);
    command.args(rest);
    cargo::replace_process(command)
}

/// The tests of subwords against the crate `tokenizers`.
pub fn reference_command() -> Command {
    let mut command = cargo::cargo();
    command.current_dir(cargo::root()).args(["test", "--release", "--package", "pastiche-text-prep"]);
    command.args(["--features", "reference", "--lib", "subwords"]);
    command
}

/// The test command with these backends, without further arguments.
pub fn command(backends: BackendSet) -> Command {
    let mut command = cargo::cargo();
    command.current_dir(cargo::root()).args(["test", "--release"]);
    command.args(backends.workspace_args());
    command
}

/// A flag that selects a package; cargo silently ignores it together with `--workspace`.
fn package_flag(rest: &[OsString]) -> Option<&'static str> {
    let flags = rest.iter().filter_map(|word| word.to_str()).take_while(|&word| word != "--");
    flags.into_iter().find_map(|word| match word {
        _ if word == "--package" || word.starts_with("--package=") => Some("--package"),
        _ if word.starts_with("-p") => Some("-p"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_flag_is_found_only_before_the_dashes() {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        assert_eq!(package_flag(&words("--test properties -p models")), Some("-p"));
        assert_eq!(package_flag(&words("--package=models")), Some("--package"));
        assert_eq!(package_flag(&words("properties -- -p")), None);
        assert_eq!(package_flag(&words("--profile release")), None);
    }
}
