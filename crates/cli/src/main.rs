//! The binary `pastiche`. Each command has a file under `commands`.

mod allocator;
mod base;
mod commands;
mod config;
mod corpus;
mod device;
mod embedded;
mod error;
mod fixed_split;
mod input;
mod long_task;
#[cfg(test)]
mod mutations;
mod observers;
mod output;
mod recipe;
mod report;
mod run;
mod surprise;
mod tensorboard;
mod view;

use std::process::ExitCode;

use args::{Command, SIMD_VARIABLE};
use clap::{CommandFactory, Parser, Subcommand};
use device::BackendSelection;
use error::{Error, Result, bail};
use kernels::cpu::simd_level::{SimdLevel, SimdLevelError};
use pastiche::threads::{ThreadCount, invalid_setting};
use ranks::Launched;
use text_prep::counted;

/// Trains small recurrent language models on any text and generates new text in its style
#[derive(Parser)]
#[command(name = "pastiche", version, arg_required_else_help = true, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: CliCommand,
}

#[derive(Subcommand)]
enum CliCommand {
    #[command(flatten)]
    Public(Box<Command>),
    /// Run the workloads of the benchmark, which `cargo xtask bench` requests line by line
    #[command(hide = true)]
    Bench(commands::bench::Bench),
}

/// What the codes mean, with which the program exits.
const EXIT_CODES: &str = "Exit codes:
  0    success; also if the reader of the output has closed it
  1    an error, a difference that `reproduce` finds, or a problem that `doctor` finds
  2    an invalid command line
  75   another of the processes that train together was lost; the run can be resumed
  130  training was stopped by Ctrl-C, SIGTERM or SIGHUP; a run can be resumed";

/// The stack size that Linux gives a main thread, in bytes.
const STACK_SIZE: usize = 8 << 20;

#[allow(unsafe_code)]
fn main() -> ExitCode {
    // The backend is selected by our own options. Burn reads this variable when it loads an optimizer, and panics if it
    // names a backend that is not compiled in.
    // SAFETY: no other thread exists yet that could read the environment during the change.
    unsafe { std::env::remove_var("BURN_DEVICE") };
    // Looking for adapters, wgpu asks for a Wayland display. Without this variable libwayland prints an error each time;
    // in a directory that cannot exist it finds no display, and says nothing.
    #[cfg(all(feature = "wgpu", target_os = "linux"))]
    if std::env::var_os("XDG_RUNTIME_DIR").is_none_or(|directory| directory.is_empty()) {
        // SAFETY: as above.
        unsafe { std::env::set_var("XDG_RUNTIME_DIR", "/dev/null") };
    }
    let launched = Launched::from_env();
    if launched.is_some_and(|launched| launched.rank > 0) {
        // Rank 0 says the same.
        output::be_quiet();
        if let Err(error) = Cli::try_parse() {
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    }
    run_process(args::parse::<Cli>().command, launched).unwrap_or_else(|error| {
        output::status(&format!("error: {}", error.full_message()));
        ExitCode::FAILURE
    })
}

fn run_process(command: CliCommand, launched: Option<Launched>) -> Result<ExitCode> {
    if let Some(launched) = launched {
        reject_several(&command, launched)?;
    }
    let options = match &command {
        CliCommand::Public(command) => command.backend(),
        CliCommand::Bench(bench) => Some(&bench.backend),
    };
    let backend = select_simd_level().and_then(|()| BackendSelection::new(options));
    // As a thread of the pool the main thread takes part in its loops, instead of sleeping and waking at each.
    let count = match launched {
        Some(launched) => ThreadCount::from_env_of_one_of(launched.count_on_host),
        None => ThreadCount::from_env(),
    };
    if let ThreadCount { threads, reduced_from: Some(requested), processors } = count {
        output::status(&format!(
            "warning: RAYON_NUM_THREADS is {requested}, but this machine has {}; {threads} threads are used",
            counted(processors, "processor")
        ));
    }
    if let Some(text) = invalid_setting() {
        let threads = count.threads;
        output::status(&format!(
            "warning: RAYON_NUM_THREADS is `{text}`, which is not a number from 0 on; threads used: {threads}"
        ));
    }
    let pool = count.pool_builder().stack_size(STACK_SIZE).build_global();
    pool.map_err(|error| Error::new(format!("no threads can be started: {error}")))?;
    rayon::scope(|_| match command {
        CliCommand::Public(command) => run(*command, backend),
        CliCommand::Bench(bench) => commands::bench::run(&bench, &backend?).map(|()| ExitCode::SUCCESS),
    })
}

/// An error if several processes were started of a command that runs as one: each would do the same.
fn reject_several(command: &CliCommand, launched: Launched) -> Result<()> {
    if matches!(command, CliCommand::Public(command) if matches!(**command, Command::Train(_))) {
        return Ok(());
    }
    let launcher = launched.launcher.name();
    bail!("{launcher} has started {} processes, but only `train` runs as several: start one", launched.count)
}

/// Limits the vector instructions of the kernels, if the environment asks for it.
fn select_simd_level() -> Result<()> {
    let Some(name) = std::env::var_os(SIMD_VARIABLE).filter(|name| !name.is_empty()) else { return Ok(()) };
    let name = name.to_string_lossy();
    match SimdLevel::select(&name) {
        Ok(()) => Ok(()),
        Err(SimdLevelError::Unavailable { available }) => {
            let available = available.join(", ");
            bail!("{SIMD_VARIABLE} is `{name}`; expected what this processor has: {available}; or unset it")
        }
        Err(SimdLevelError::InUse(used)) => bail!("{SIMD_VARIABLE} is `{name}`, but kernels already use {used}"),
    }
}

/// Runs a command. One that does not compute works whatever the backend is.
fn run(command: Command, backend: Result<BackendSelection>) -> Result<ExitCode> {
    match command {
        Command::Train(args) => return commands::train::run(&args, &backend?),
        Command::Base(args) => return commands::base::run(&args, &backend?),
        Command::Reproduce(args) => return commands::reproduce::run(&args, &backend?),
        Command::Doctor(args) => return commands::doctor::run(&args, backend),
        Command::Generate(args) => commands::generate::run(&args, &backend?),
        Command::Prepare(args) => commands::prepare::run(&args),
        Command::Summary(args) => commands::summary::run(&args),
        Command::Evaluate(args) => commands::evaluate::run(&args, &backend?),
        Command::Ask(args) => commands::ask::run(&args, &backend?),
        Command::Serve(args) => commands::serve::run(&args, &backend?),
        Command::Fetch(args) => commands::fetch::run(&args),
        Command::Gradients(args) => commands::gradients::run(&args, &backend?),
        Command::Import(args) => commands::import::run(&args, &backend?),
        Command::Export(args) => commands::export::run(&args, &backend?),
        Command::Page(args) => commands::page::run(&args, &backend?),
        Command::Runs(args) => commands::runs::run(&args),
        Command::Compare(args) => commands::compare::run(&args),
        Command::Completions(args) => commands::completions::run(&args, public_command_line()),
        Command::Man(args) => commands::man::run(&args, public_command_line()),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// The command line without the commands that are not meant for users.
fn public_command_line() -> clap::Command {
    let program = clap::Command::new("pastiche").version(env!("CARGO_PKG_VERSION")).subcommand_required(true);
    // The enum has a description of its own, which is for programmers.
    let about = Cli::command().get_about().cloned().unwrap_or_default();
    Command::augment_subcommands(program).about(about).after_help(EXIT_CODES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_command_line_is_well_formed_and_has_no_hidden_command() {
        let command_line = public_command_line();
        command_line.clone().debug_assert();
        let names: Vec<&str> = command_line.get_subcommands().map(clap::Command::get_name).collect();
        assert!(names.contains(&"train") && names.contains(&"doctor") && !names.contains(&"bench"), "{names:?}");
        assert_eq!(
            command_line.get_about().map(ToString::to_string),
            Cli::command().get_about().map(ToString::to_string)
        );
        assert!(command_line.get_after_help().is_some_and(|help| help.to_string().contains("130")));
    }
}
