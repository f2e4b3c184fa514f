//! `completions`: prints a script with which a shell completes commands and options.

use args::{Completions, Shell};
use clap_complete::Shell as Generator;

use crate::error::Result;
use crate::output::print_raw;

/// Runs the command for this command line.
pub fn run(args: &Completions, mut command_line: clap::Command) -> Result<()> {
    let generator = match args.shell {
        Shell::Bash => Generator::Bash,
        Shell::Elvish => Generator::Elvish,
        Shell::Fish => Generator::Fish,
        Shell::Powershell => Generator::PowerShell,
        Shell::Zsh => Generator::Zsh,
    };
    let name = command_line.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(generator, &mut command_line, name, &mut script);
    print_raw(&String::from_utf8_lossy(&script))
}
