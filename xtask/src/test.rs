//! `cargo xtask test`: every test, in release, with every backend.
//!
//! Profile and features are those of the checks and the main job, so that Burn is built once.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use crate::{cargo, features};

/// Lets `cargo test` take over; `rest` goes to it.
pub fn run(rest: &[OsString]) -> Result<ExitCode, String> {
    if let Some(flag) = selection(rest) {
        return Err(format!(
            "`{flag}` would be ignored, for all crates are tested together with one set of \
             features; run `cargo test --release {flag} NAME` for one crate alone"
        ));
    }
    let mut command = command();
    command.args(rest);
    cargo::hand_over(command)
}

/// The test command itself, without further arguments.
pub fn command() -> Command {
    let mut command = cargo::cargo();
    command.current_dir(cargo::root()).args(["test", "--release"]);
    command.args(features::of_the_workspace());
    command
}

/// The flag that picks a package, which cargo passes over in silence beside `--workspace`.
fn selection(rest: &[OsString]) -> Option<&'static str> {
    let ours = rest.iter().filter_map(|word| word.to_str()).take_while(|&word| word != "--");
    ours.into_iter().find_map(|word| match word {
        _ if word == "--package" || word.starts_with("--package=") => Some("--package"),
        _ if word.starts_with("-p") => Some("-p"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_flag_is_seen_only_before_the_dashes() {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        assert_eq!(selection(&words("--test laws -p models")), Some("-p"));
        assert_eq!(selection(&words("--package=models")), Some("--package"));
        assert_eq!(selection(&words("laws -- -p")), None);
        assert_eq!(selection(&words("--profile release")), None);
    }
}
