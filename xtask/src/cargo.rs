//! Cargo as a child: which one, for which workspace, and how its end becomes ours.

use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus};

/// The workspace's root, as it was when the launcher was compiled.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask/ lies in the workspace's root")
}

/// The same cargo that started the launcher, without the variables it set for the launcher.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    forget_the_launcher(&mut command);
    command
}

/// Removes what `cargo run` told the launcher about itself and would mislead another program.
pub fn forget_the_launcher(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(name);
        }
    }
}

/// Lets `command` take the launcher's place, so that Ctrl-C and signals reach it directly.
#[cfg(unix)]
pub fn hand_over(mut command: Command) -> Result<ExitCode, String> {
    use std::os::unix::process::CommandExt;
    let error = command.exec();
    Err(not_started(&command, &error))
}

/// Runs `command` and ends as it ended.
#[cfg(not(unix))]
pub fn hand_over(mut command: Command) -> Result<ExitCode, String> {
    let status = command.status().map_err(|error| not_started(&command, &error))?;
    Ok(exit_code(status))
}

/// What to say when a program could not be started at all.
pub fn not_started(command: &Command, error: &std::io::Error) -> String {
    format!("{} could not be started: {error}", command.get_program().display())
}

/// The number that a shell would show: the exit code, or 128 + n for the signal n.
pub fn number(status: ExitStatus) -> i32 {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal: Option<i32> = None;
    status.code().or(signal.map(|signal| 128 + signal)).unwrap_or(1)
}

/// [`number`] as the launcher's own exit code.
pub fn exit_code(status: ExitStatus) -> ExitCode {
    ExitCode::from(u8::try_from(number(status)).unwrap_or(1))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn a_signal_becomes_128_and_its_number() {
        assert_eq!(number(ExitStatus::from_raw(2)), 130);
        assert_eq!(number(ExitStatus::from_raw(101 << 8)), 101);
        assert_eq!(number(ExitStatus::from_raw(0)), 0);
    }

    #[test]
    fn the_root_holds_the_workspace() {
        assert!(root().join("xtask/Cargo.toml").is_file());
    }
}
