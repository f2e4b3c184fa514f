//! Arguments of the commands about the program itself: `doctor`, `completions`, `man`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::BackendArgs;

/// Arguments of `doctor`.
#[derive(Args, Clone, Debug, Default)]
pub struct Doctor {
    /// Print one JSON object on standard output and nothing else there
    #[arg(long)]
    pub json: bool,
    /// Backend and device.
    #[command(flatten)]
    pub backend: BackendArgs,
}

/// Arguments of `completions`.
#[derive(Args, Clone, Debug)]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// A shell that completes commands and options.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    /// Bash
    Bash,
    /// Elvish
    Elvish,
    /// Fish
    Fish,
    /// PowerShell
    Powershell,
    /// Z shell
    Zsh,
}

/// Arguments of `man`.
#[derive(Args, Clone, Debug)]
pub struct Man {
    /// The folder for the pages, such as ~/.local/share/man/man1; it is created, and pages in it are replaced
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}
