//! The launcher's front door: `cargo xtask <command>`, one arm a command, one file an arm.
//!
//! It never knows Burn, so that help and housekeeping cost seconds, not a build of the program.

mod bench;
mod build;
mod cargo;
mod ci;
mod features;
mod launch;
mod main_job;
mod parity;
mod python;
mod test;
mod tidy;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Pastiche: small recurrent networks that write in the manner of a text
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Front {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    #[command(flatten)]
    Program(Box<args::Command>),
    /// Run all tests; what follows goes to `cargo test`
    Test {
        /// Arguments of `cargo test`, as in `cargo xtask test --test laws -- --nocapture`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<OsString>,
    },
    /// Run all that must pass before anything lands: format, lints, docs, the main job, tests
    Ci,
    /// Measure speed and memory, beside PyTorch and Keras if asked to, and record them
    Bench(Box<bench::Bench>),
    /// Compare the fixtures of the tests with the real PyTorch and Keras; needs Python 3.11
    Parity {
        /// Write the fixtures instead
        #[arg(long)]
        write: bool,
    },
    /// Check the order of the house: doorplates, arrows, licences, configuration keys
    Tidy,
}

fn main() -> ExitCode {
    // Clap drops a leading `--`; what is handed on is taken from the words as they were given.
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let outcome = match args::parse::<Front>().task {
        Task::Program(command) => launch::run(&command, &words),
        Task::Test { .. } => test::run(&words[1..]),
        Task::Ci => ci::run(),
        Task::Bench(asked) => bench::run(&asked),
        Task::Parity { write } => parity::run(write),
        Task::Tidy => tidy::run(),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Front::command().debug_assert();
    }

    #[test]
    fn test_takes_any_flags_of_cargo() {
        let words = ["xtask", "test", "--test", "laws", "--", "--nocapture"];
        assert!(matches!(Front::try_parse_from(words).unwrap().task, Task::Test { .. }));
    }

    #[test]
    fn commands_of_the_program_stand_beside_those_of_the_house() {
        let words = ["xtask", "train", "--set", "train.epochs=3", "--backend", "flex"];
        let Task::Program(command) = Front::try_parse_from(words).unwrap().task else {
            panic!("`train` was not read as a command of the program");
        };
        assert_eq!(command.backend().unwrap().backend, Some(args::Backend::Flex));
    }
}
