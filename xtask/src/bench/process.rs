//! A process of our program that runs to its end, with its messages in a log.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::worker::last_line;
use crate::cargo::not_started;

/// Starts the program in `folder`; its stderr is written to `log`.
pub fn start(command: &mut Command, folder: &Path, log: &Path) -> Result<Child, String> {
    let errors = File::create(log).map_err(|error| format!("{} cannot be written: {error}", log.display()))?;
    let command = command.current_dir(folder).stdin(Stdio::null()).stderr(errors);
    command.spawn().map_err(|error| not_started(command, &error))
}

/// Waits for a process and calls `poll` with its id at regular intervals; an error quotes its last message.
pub fn finish(child: &mut Child, log: &Path, interval: Duration, mut poll: impl FnMut(u32)) -> Result<(), String> {
    loop {
        poll(child.id());
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => {
                let message = last_line(log).unwrap_or_default();
                return Err(format!("pastiche ended with {status}: {message}"));
            }
            Ok(None) => std::thread::sleep(interval),
            Err(error) => return Err(format!("cannot wait for pastiche: {error}")),
        }
    }
}
