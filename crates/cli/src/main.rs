//! The binary `pastiche`: the front door, where text, model, trainer and writer are introduced to
//! one another. What each command does has a file of its own under `commands`.

mod commands;
mod config;
mod corpus;
mod device;
mod embedded;
mod error;
mod observers;
mod output;
mod report;
mod run;
mod tensorboard;
mod view;

use std::process::ExitCode;

use args::Command;
use clap::{Parser, Subcommand};
use error::Error;

/// A training step frees and asks for the same megabytes again and again, which the system's allocator gives
/// back to the system in between.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Teaches a small recurrent network to write in the manner of any text
#[derive(Parser)]
#[command(name = "pastiche", version, arg_required_else_help = true)]
struct Front {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    #[command(flatten)]
    Program(Box<Command>),
    /// Do the works of the benchmark, as `cargo xtask bench` asks for them line by line
    #[command(hide = true)]
    Bench(commands::bench::Bench),
}

/// The stack that the system gives a main thread.
const STACK: usize = 8 << 20;

fn main() -> ExitCode {
    let task = args::parse::<Front>().task;
    let backend = match &task {
        Task::Program(command) => command.backend(),
        Task::Bench(bench) => Some(&bench.backend),
    };
    let done = device::Choice::of(backend).and_then(|choice| {
        choice.announce();
        kernels::fuse(are_kernels_wanted()?);
        // The main thread would sleep and be woken again at every loop that the pool's threads share; as
        // one of them it works along.
        let pool = rayon::ThreadPoolBuilder::new().stack_size(STACK).build_global();
        pool.map_err(|error| Error::new(format!("no threads can be started: {error}")))?;
        rayon::scope(|_| match task {
            Task::Program(command) => run(*command, &choice),
            Task::Bench(bench) => commands::bench::run(&bench, &choice).map(|()| ExitCode::SUCCESS),
        })
    });
    match done {
        Ok(code) => code,
        Err(error) => {
            output::tell(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// The environment variable that turns the fused kernels off, to see whether a fault is theirs.
const KERNELS_VARIABLE: &str = "PASTICHE_KERNELS";

fn are_kernels_wanted() -> error::Result<bool> {
    match std::env::var(KERNELS_VARIABLE).as_deref() {
        Err(_) | Ok("on") => Ok(true),
        Ok("off") => Ok(false),
        Ok(found) => {
            Err(Error::new(format!("{KERNELS_VARIABLE} is `{found}`; expected `on` or `off`")))
        }
    }
}

fn run(command: Command, choice: &device::Choice) -> error::Result<ExitCode> {
    match command {
        Command::Train(args) => return commands::train::run(&args, choice),
        Command::Reproduce(args) => return commands::reproduce::run(&args, choice),
        Command::Generate(args) => commands::generate::run(&args, choice),
        Command::Prepare(args) => commands::prepare::run(&args),
        Command::Summary(args) => commands::summary::run(&args),
        Command::Evaluate(args) => commands::evaluate::run(&args, choice),
        Command::Ask(args) => commands::ask::run(&args, choice),
        Command::Fetch(args) => commands::fetch::run(&args),
        Command::Probe(args) => commands::probe::run(&args, choice),
        Command::Import(args) => commands::import::run(&args, choice),
        Command::Export(args) => commands::export::run(&args, choice),
        Command::Runs(args) => commands::runs::run(&args),
        Command::Compare(args) => commands::compare::run(&args),
    }?;
    Ok(ExitCode::SUCCESS)
}
