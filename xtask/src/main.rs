//! The launcher, `cargo xtask <command>`: parses the command line and calls one module per command.
//!
//! It does not depend on Burn, so that help and checks take seconds and not a build of the program.

mod bench;
mod build;
mod cargo;
mod ci;
mod features;
mod launch;
mod mpi;
#[cfg(target_os = "linux")]
mod mpi_test;
#[cfg(unix)]
mod mpirun;
mod novels;
mod output;
mod page_test;
mod parity;
mod python;
#[cfg(unix)]
mod ranks;
mod smoke_test;
mod stand_in;
mod test;
mod tidy;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use features::BackendSet;

/// Pastiche: small recurrent language models that imitate the style of a text
#[derive(Parser)]
#[command(bin_name = "cargo xtask", mut_subcommand("train", args::LaunchArgs::show))]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    #[command(flatten)]
    Program(Box<args::Command>),
    /// Run all tests; further arguments are passed to `cargo test`
    Test {
        /// Arguments of `cargo test`, as in `cargo xtask test --test properties -- --nocapture`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<OsString>,
    },
    /// Run everything that must pass before a commit: format, lints, docs, packages, smoke tests, tests
    Ci {
        /// Check and test the CPU backends only, for a machine without Vulkan
        #[arg(long)]
        cpu_only: bool,
    },
    /// Train with several processes under `mpirun`, break them, and compare the weights; needs Open MPI
    MpiTest,
    /// Measure and record speed and memory, optionally those of PyTorch and Keras, too
    Bench(Box<bench::Bench>),
    /// Compare the test fixtures with the results of PyTorch and Keras; needs Python 3.11
    Parity {
        /// Write the fixtures instead
        #[arg(long)]
        write: bool,
    },
    /// Write the novels that the built-in base model is trained on as files, from one file with all of them
    Novels {
        /// The file with all novels; its hash is checked
        file: PathBuf,
        /// The folder for the files; it must not exist
        folder: PathBuf,
    },
    /// Make a benchmark of the size and form of Penn Treebank from a text in English, such as novels
    StandIn {
        /// The text
        #[arg(long, value_name = "FILE")]
        text: PathBuf,
        /// The folder for the files
        #[arg(long, value_name = "DIR", default_value = "datasets/stand-in")]
        out: PathBuf,
    },
    /// Test the page of the server with Node.js and in Chromium, with a real server
    PageTest,
    /// Check module docs, file length, crate layering, licences, local paths and wording
    Tidy,
}

fn main() -> ExitCode {
    // Clap drops a leading `--`, so the arguments are passed on as they were given.
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let result = match args::parse::<Cli>().task {
        Task::Program(command) => launch::run(&command, &arguments),
        Task::Test { .. } => test::run(&arguments[1..]),
        Task::Ci { cpu_only } => ci::run(if cpu_only { BackendSet::Cpu } else { BackendSet::Portable }),
        Task::MpiTest => run_mpi_test(),
        Task::Bench(options) => bench::run(&options),
        Task::Parity { write } => parity::run(write),
        Task::Novels { file, folder } => novels::run(&file, &folder),
        Task::StandIn { text, out } => stand_in::run(&text, &out),
        Task::PageTest => page_test::run(),
        Task::Tidy => tidy::run(),
    };
    result.unwrap_or_else(|error| {
        output::status(format_args!("error: {error}"));
        ExitCode::FAILURE
    })
}

#[cfg(target_os = "linux")]
fn run_mpi_test() -> Result<ExitCode, String> {
    mpi_test::run()
}

#[cfg(not(target_os = "linux"))]
fn run_mpi_test() -> Result<ExitCode, String> {
    Err("MPI is tested only on Linux".into())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_help_of_train_shows_how_several_processes_are_started() {
        let help =
            |words: [&str; 3]| Cli::try_parse_from(words).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(help(["xtask", "train", "--help"]).contains("--ranks <N>"));
    }

    #[test]
    fn test_takes_any_flags_of_cargo() {
        let words = ["xtask", "test", "--test", "properties", "--", "--nocapture"];
        assert!(matches!(Cli::try_parse_from(words).unwrap().task, Task::Test { .. }));
    }

    #[test]
    fn ci_can_be_limited_to_the_cpu() {
        let parse = |words: &[&str]| Cli::try_parse_from(words).unwrap().task;
        assert!(matches!(parse(&["xtask", "ci"]), Task::Ci { cpu_only: false }));
        assert!(matches!(parse(&["xtask", "ci", "--cpu-only"]), Task::Ci { cpu_only: true }));
    }

    #[test]
    fn commands_of_the_program_are_commands_of_the_launcher() {
        let words = ["xtask", "train", "--set", "train.epochs=3", "--backend", "flex"];
        let Task::Program(command) = Cli::try_parse_from(words).unwrap().task else {
            panic!("`train` was not parsed as a command of the program");
        };
        assert_eq!(command.backend().unwrap().backend, Some(args::Backend::Flex));
    }
}
