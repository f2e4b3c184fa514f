//! `cargo xtask bench`: measures the program's speed and memory, the machine's GEMM rate and, with
//! `--peers`, PyTorch and Keras. A missed target is reported, not an error. `bench recipes` compares configurations.
//!
//! Every program is one process for the whole benchmark; the processes take turns.

mod cpu_contention;
mod machine;
mod process;
mod process_metrics;
mod profile;
mod program;
mod recipes;
mod report;
mod results;
mod rounds;
mod targets;
mod worker;
mod workloads;

use std::path::{Path, PathBuf};
use std::process::{ExitCode, ExitStatus};

use args::{Backend, BackendArgs, BackendFile};
use clap::{Subcommand, ValueEnum};

use self::machine::{Machine, today};
use self::profile::Profiles;
use self::program::Program;
use self::recipes::{Comparison, Recipes};
use self::results::{Measured, Results};
use self::rounds::Rounds;
use self::workloads::Kind;
use crate::{build, cargo, features, output};

/// The folder of the records.
const RECORDS: &str = "benchmarks/record";

/// Arguments of `bench`.
#[derive(clap::Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Bench {
    /// Something else than speed and memory
    #[command(subcommand)]
    other: Option<Other>,
    /// Measure PyTorch and Keras too; needs Python 3.11 and several gigabytes for an environment
    #[arg(long)]
    peers: bool,
    /// Measure PyTorch's training steps also as compiled by `torch.compile`; needs a C++ compiler and several minutes more
    #[arg(long, requires = "peers")]
    compile: bool,
    /// Say where the time of training steps and tokens goes, in a build that counts it; the times themselves are those of
    /// a run without this option
    #[arg(long, conflicts_with = "peers")]
    profile: bool,
    /// Only these workloads, as in `train-lstm-32,gemm`; recorded only with `--out`
    #[arg(long, value_name = "WORKLOAD,WORKLOAD", value_delimiter = ',')]
    only: Vec<String>,
    /// Number of rounds
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = positive())]
    repetitions: u64,
    /// Number of threads per program [default: all cores]
    #[arg(long, value_name = "N", value_parser = positive())]
    threads: Option<u64>,
    /// Limit all programs to AVX2 on a processor with AVX-512
    #[arg(long)]
    avx2: bool,
    /// Measure training steps in bf16, those of PyTorch by `torch.autocast`; needs a processor with AVX512-BF16
    #[arg(long, conflicts_with_all = ["avx2", "compile", "profile"])]
    bf16: bool,
    /// Backend and device
    #[command(flatten)]
    backend: BackendArgs,
    /// The record's name in benchmarks/record/MACHINE/ [default: today's date and `-bench`]
    #[arg(long, value_name = "NAME", value_parser = record_name)]
    out: Option<String>,
    /// Aesop's fables [default: the file of `fetch aesop`]
    #[arg(long, value_name = "FILE")]
    text: Option<PathBuf>,
    /// The text to prepare, repeated to 100 MB [default: the built-in fables]
    #[arg(long, value_name = "FILE")]
    prose: Option<PathBuf>,
}

impl Bench {
    /// This machine, with the vectors that the programs may use.
    fn machine(&self) -> Result<Machine, String> {
        let machine = Machine::current();
        if self.avx2 { machine.limited_to_avx2() } else { Ok(machine) }
    }
}

/// What else is measured.
#[derive(Subcommand, Clone, Debug)]
enum Other {
    /// Train the configurations in benchmarks/recipes and the automatic one on several texts, each for the same time, and
    /// record and compare their bits per byte
    Recipes(Recipes),
}

fn positive() -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(1..=1024)
}

/// A record's name is not a path: it is always written to the folder of its machine.
fn record_name(word: &str) -> Result<String, String> {
    let word = word.strip_suffix(".csv").unwrap_or(word);
    if word.is_empty() || word.starts_with('.') || word.contains(['/', '\\']) {
        Err("expected a name such as `2026-11-24-kernels`".into())
    } else {
        Ok(word.into())
    }
}

/// Measures what is asked for.
pub fn run(options: &Bench) -> Result<ExitCode, String> {
    match &options.other {
        None if options.profile => run_profile(options),
        None => run_workloads(options),
        Some(Other::Recipes(recipes)) => run_recipes(recipes),
    }
}

/// Trains configurations on texts, records and prints the results.
fn run_recipes(options: &Recipes) -> Result<ExitCode, String> {
    // Reports a misspelled name before anything is built.
    let comparison = Comparison::new(options)?;
    let machine = Machine::current();
    let threads = options.threads.map_or(machine.cores, |threads| threads as usize);
    match build(&options.backend, threads, false)? {
        Ok(program) => comparison.run(&program, &machine).map(|()| ExitCode::SUCCESS),
        Err(status) => Ok(cargo::exit_code(status)),
    }
}

/// Measures, prints, records. Fails only if something could not be measured.
fn run_workloads(options: &Bench) -> Result<ExitCode, String> {
    // Reports a misspelled name before anything is built.
    workloads::select(&options.only, Backend::Ndarray)?;
    let machine = options.machine()?;
    let threads = options.threads.map_or(machine.cores, |threads| threads as usize);
    let program = match build(&options.backend, threads, false)? {
        Ok(program) => Program { limit_to_avx2: options.avx2, bf16: options.bf16, ..program },
        Err(status) => return Ok(cargo::exit_code(status)),
    };
    let mut selected = workloads::select(&options.only, program.backend)?;
    if options.bf16 {
        selected.retain(|workload| matches!(workload.kind, Kind::Train(_) | Kind::Fma));
    }
    let (for_workers, for_processes): (Vec<_>, Vec<_>) =
        selected.into_iter().partition(|workload| workload.is_for_workers());
    let mut workers = vec![program.worker(options.prose.as_deref())?];
    if options.peers {
        workers.extend(program.peers(options.compile)?);
    } else if for_workers.iter().any(|workload| workload.kind == Kind::Gemm) {
        workers.extend(program.numpy()?);
    }
    let programs = workers.iter().map(|worker| worker.info.clone()).collect();
    let repetitions = options.repetitions as usize;
    let (mut measured, mut failures) = (Vec::new(), Vec::new());
    for workload in for_workers {
        output::status(workload.name);
        let rounds = rounds::measure(workload, &mut workers, repetitions, rounds::PAUSE);
        print_problems(&rounds);
        failures.extend(rounds.failures);
        measured.push(Measured { workload, config: "", values: rounds.values, others: rounds.others });
    }
    // No worker may run while whole processes are measured.
    drop(workers);
    let folder = tempfile::tempdir().map_err(|error| format!("cannot create a temporary folder: {error}"));
    let text = options.text.as_deref();
    match folder.and_then(|at| process_metrics::measure(at.path(), &program, &for_processes, repetitions, text)) {
        Ok(more) => measured.extend(more),
        Err(failure) => {
            output::status(format_args!("error: {failure}"));
            failures.push(failure);
        }
    }

    let results = Results { machine, threads, repetitions, programs, workloads: measured };
    output::print(report::tables(&results));
    if !failures.is_empty() {
        return Err(format!("not recorded, because {} measurements failed", failures.len()));
    }
    if let Some(path) = record_path(options, &results.machine, program.backend) {
        report::write(&cargo::root().join(&path), &report::csv(&results))?;
        output::print(path.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Says where the time of the workloads goes. Fails if one of them could not be measured.
fn run_profile(options: &Bench) -> Result<ExitCode, String> {
    // Reports a misspelled name before anything is built.
    profile::select(&options.only, Backend::Ndarray)?;
    let machine = options.machine()?;
    let threads = options.threads.map_or(machine.cores, |threads| threads as usize);
    let program = match build(&options.backend, threads, true)? {
        Ok(program) => Program { limit_to_avx2: options.avx2, bf16: options.bf16, ..program },
        Err(status) => return Ok(cargo::exit_code(status)),
    };
    if program.backend.is_gpu() {
        return Err(
            "`--profile` counts the time of CPUs; choose a backend for them, such as `--backend ndarray`".into()
        );
    }
    let mut worker = program.worker(None)?;
    let mut workloads = Vec::new();
    for workload in profile::select(&options.only, program.backend)? {
        output::status(workload.name);
        workloads.push(profile::measure(workload, &mut worker, options.repetitions)?);
    }
    let repetitions = options.repetitions as usize;
    let run = Results { machine, threads, repetitions, programs: vec![worker.info.clone()], workloads: Vec::new() };
    let profiles = Profiles { run, workloads };
    output::print(profiles.table());
    if let Some(path) = record_path(options, &profiles.run.machine, program.backend) {
        report::write(&cargo::root().join(&path), &profiles.csv())?;
        output::print(path.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints what the tables do not show.
fn print_problems(rounds: &Rounds) {
    if rounds.discarded > 0 {
        let count = rounds.discarded;
        output::status(format_args!("  {count} rounds repeated, because other programs were busy"));
    }
    if let Some(others) = rounds.others.filter(|&others| others > cpu_contention::LIMIT) {
        let percent = 100.0 * others;
        output::status(format_args!("  warning: other programs still used up to {percent:.0} % of a core"));
    }
    for failure in &rounds.failures {
        output::status(format_args!("  error: {failure}"));
    }
}

/// Builds our program, with counters of its time if `profile`, or returns how cargo ended.
fn build(requested: &BackendArgs, threads: usize, profile: bool) -> Result<Result<Program, ExitStatus>, String> {
    let file = BackendFile::read(Path::new("."))?;
    let listed = std::env::var(features::FEATURES_VARIABLE).ok();
    let features = features::choose(requested.backend, listed.as_deref(), &file)?;
    let backend = requested.backend.or(file.backend).or_else(|| default_backend(&features));
    let backend = backend.ok_or_else(|| format!("the features `{features}` contain no backend"))?;
    // A device in backend.toml belongs to the backend in backend.toml.
    let of_file = || file.device.clone().filter(|_| file.backend.is_none_or(|b| b == backend));
    let device = requested.device.clone().or_else(of_file);
    let features = if profile { format!("{features},{}", features::PROFILE) } else { features };
    Ok(build::pastiche(&features)?.map(|path| Program {
        path,
        backend,
        device,
        threads,
        limit_to_avx2: false,
        bf16: false,
    }))
}

/// The backend that the program itself prefers among those compiled in.
fn default_backend(features: &str) -> Option<Backend> {
    let is_compiled = |backend: &&Backend| features.split(',').any(|name| name == backend.name());
    Backend::value_variants().iter().find(is_compiled).copied()
}

/// The path of the record. A run of some workloads is recorded only under a name of its own.
fn record_path(options: &Bench, machine: &Machine, backend: Backend) -> Option<PathBuf> {
    let date = || today().unwrap_or_else(|| "undated".into());
    let name = match &options.out {
        Some(name) => name.clone(),
        None if !options.only.is_empty() => return None,
        None if options.bf16 => format!("{}-bf16", date()),
        None if options.profile => format!("{}-profile", date()),
        None if backend.is_gpu() => format!("{}-bench-{}", date(), backend.name()),
        None => format!("{}-bench", date()),
    };
    Some(Path::new(RECORDS).join(machine.name()).join(format!("{name}.csv")))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        bench: Bench,
    }

    fn options(words: &[&str]) -> Result<Bench, clap::Error> {
        Cli::try_parse_from([&["bench"], words].concat()).map(|cli| cli.bench)
    }

    #[test]
    fn a_full_run_is_recorded_by_date_and_a_partial_run_by_name() {
        let machine = Machine { model: "AMD EPYC".into(), vectors: "avx2", is_limited: false, cores: 2 };
        let path = |words: &[&str]| {
            let path = record_path(&options(words).unwrap(), &machine, Backend::Flex)?;
            Some(path.to_str().unwrap().replace('\\', "/"))
        };
        let full = path(&["--peers"]).unwrap();
        assert!(full.starts_with("benchmarks/record/epyc-avx2-2-cores/2"), "{full}");
        assert!(full.ends_with("-bench.csv"), "{full}");
        assert_eq!(path(&["--only", "gemm,prepare"]), None);
        let on_gpu = record_path(&options(&[]).unwrap(), &machine, Backend::Wgpu).unwrap();
        assert!(on_gpu.to_str().unwrap().ends_with("-bench-wgpu.csv"), "{on_gpu:?}");
        assert!(path(&["--peers", "--bf16"]).unwrap().ends_with("-bf16.csv"));
        assert!(path(&["--profile"]).unwrap().ends_with("-profile.csv"));
        assert_eq!(path(&["--profile", "--only", "generate-1"]), None);
        let named = path(&["--only", "gemm", "--out", "try.csv"]).unwrap();
        assert_eq!(named, "benchmarks/record/epyc-avx2-2-cores/try.csv");
    }

    #[test]
    fn names_outside_the_folder_zero_counts_and_wrong_combinations_are_rejected() {
        assert!(options(&["--out", "../try"]).is_err());
        assert!(options(&["--out", ".csv"]).is_err());
        assert!(options(&["--repetitions", "0"]).is_err());
        assert!(options(&["--threads", "0"]).is_err());
        assert!(options(&["--profile", "--peers"]).is_err());
        assert!(options(&["--compile"]).is_err());
    }

    #[test]
    fn recipes_have_options_of_their_own() {
        let recipes = options(&["recipes", "--threads", "1"]).unwrap();
        assert!(matches!(recipes.other, Some(Other::Recipes(Recipes { threads: Some(1), .. }))));
        assert!(options(&["--threads", "1", "recipes"]).is_err());
        assert!(options(&["recipes", "--peers"]).is_err());
    }

    #[test]
    fn the_default_backend_is_the_programs_own() {
        assert_eq!(default_backend("flex"), Some(Backend::Flex));
        assert_eq!(default_backend("wgpu,ndarray"), Some(Backend::Ndarray));
        assert_eq!(default_backend(""), None);
    }
}
