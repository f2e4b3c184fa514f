//! Child processes: the right cargo, its environment, and exit codes.

use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus};

/// The root of the workspace that the launcher was compiled in.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask/ is in the workspace root")
}

/// The cargo that started the launcher, without the variables that it set for the launcher.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    remove_launcher_env(&mut command);
    command
}

/// Removes the variables with which `cargo run` describes the launcher's own package.
pub fn remove_launcher_env(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name);
        }
    }
}

/// Replaces the launcher's process by `command`, so that Ctrl-C and signals reach it directly.
#[cfg(unix)]
pub fn replace_process(mut command: Command) -> Result<ExitCode, String> {
    use std::os::unix::process::CommandExt;
    let error = command.exec();
    Err(not_started(&command, &error))
}

/// Runs `command` and returns its exit code.
#[cfg(not(unix))]
pub fn replace_process(mut command: Command) -> Result<ExitCode, String> {
    let status = command.status().map_err(|error| not_started(&command, &error))?;
    Ok(exit_code(status))
}

/// The message for a program that could not be started.
pub fn not_started(command: &Command, error: &std::io::Error) -> String {
    format!("{} could not be started: {error}", command.get_program().display())
}

/// The exit code that a shell would show: 128 + n for signal n.
pub fn shell_code(status: ExitStatus) -> i32 {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal: Option<i32> = None;
    status.code().or(signal.map(|signal| 128 + signal)).unwrap_or(1)
}

/// [`shell_code`] as the launcher's own exit code.
pub fn exit_code(status: ExitStatus) -> ExitCode {
    ExitCode::from(u8::try_from(shell_code(status)).unwrap_or(1))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn a_signal_becomes_128_plus_its_number() {
        assert_eq!(shell_code(ExitStatus::from_raw(2)), 130);
        assert_eq!(shell_code(ExitStatus::from_raw(101 << 8)), 101);
        assert_eq!(shell_code(ExitStatus::from_raw(0)), 0);
    }

    #[test]
    fn the_root_contains_the_workspace() {
        assert!(root().join("xtask/Cargo.toml").is_file());
    }
}
