//! `cargo xtask bench`: how fast the program is, beside the machine's own speed and, with `--peers`,
//! beside PyTorch and Keras. It reports and does not judge.
//!
//! Every program is a process of its own that lives as long as the benchmark does; they take turns.

mod machine;
mod neighbours;
mod outside;
mod program;
mod record;
mod results;
mod rounds;
mod statistics;
mod table;
mod targets;
mod worker;
mod works;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use args::{Backend, BackendArgs, BackendChoice};
use clap::ValueEnum;

use self::machine::{Machine, today};
use self::program::Program;
use self::results::{Done, Results};
use self::rounds::Rounds;
use self::works::Work;
use crate::{build, cargo, features};

/// Where records lie.
const RECORDS: &str = "benchmarks/record";

/// Arguments of `bench`.
#[derive(clap::Args, Clone, Debug)]
pub struct Bench {
    /// Measure PyTorch and Keras too; needs Python 3.11, and makes an environment of some gigabytes
    #[arg(long)]
    peers: bool,
    /// Do these works alone, as in `train-lstm-32,gemm`; without `--out` nothing is recorded then
    #[arg(long, value_name = "WORK,WORK", value_delimiter = ',')]
    only: Vec<String>,
    /// How many rounds
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = positive())]
    repetitions: u64,
    /// How many threads each program computes with [default: all cores]
    #[arg(long, value_name = "N", value_parser = positive())]
    threads: Option<u64>,
    /// Where we compute
    #[command(flatten)]
    backend: BackendArgs,
    /// The record's name in benchmarks/record/MACHINE/ [default: today's date and `-bench`]
    #[arg(long, value_name = "NAME", value_parser = name)]
    out: Option<String>,
    /// Aesop's fables, if `fetch aesop` has not put them in place
    #[arg(long, value_name = "FILE")]
    text: Option<PathBuf>,
    /// The text to prepare, repeated to 100 MB [default: the built-in fables]
    #[arg(long, value_name = "FILE")]
    prose: Option<PathBuf>,
}

fn positive() -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(1..=1024)
}

/// A record's name is no path: it lies with those of its machine.
fn name(word: &str) -> Result<String, String> {
    let word = word.strip_suffix(".csv").unwrap_or(word);
    match word.is_empty() || word.starts_with('.') || word.contains(['/', '\\']) {
        true => Err("expected a name such as `2026-11-24-kernels`".into()),
        false => Ok(word.into()),
    }
}

/// Measures, prints, records. Fails only if something could not be measured.
pub fn run(asked: &Bench) -> Result<ExitCode, String> {
    // Whatever is misspelled is said before anything is built.
    works::chosen(&asked.only, Backend::Ndarray)?;
    let machine = Machine::here();
    let threads = asked.threads.map_or(machine.cores, |threads| threads as usize);
    let program = match built(&asked.backend, threads)? {
        Ok(program) => program,
        Err(status) => return Ok(cargo::exit_code(status)),
    };
    let works = works::chosen(&asked.only, program.backend)?;
    let mut workers = vec![program.worker(asked.prose.as_deref())?];
    if asked.peers {
        workers.extend(program.peers()?);
    }
    let programs = workers.iter().map(|worker| worker.hello.clone()).collect();
    let repetitions = asked.repetitions as usize;
    let (with_workers, outside): (Vec<_>, Vec<_>) =
        works.into_iter().partition(|work| work.is_for_workers());

    let mut failures = Vec::new();
    let mut works = Vec::new();
    for work in with_workers {
        eprintln!("{}", work.name);
        let rounds = rounds::measure(work, &mut workers, repetitions, rounds::PAUSE);
        tell(&rounds);
        failures.extend(rounds.failures);
        works.push(Done { work, on: "", values: rounds.values, others: rounds.others });
    }
    // Whole processes are measured without company.
    drop(workers);
    works.extend(from_outside(asked, &program, &outside, &mut failures));

    let results = Results { machine, threads, repetitions, programs, works };
    println!("{}", table::render(&results));
    if !failures.is_empty() {
        return Err(format!("not recorded, for {} measurements failed", failures.len()));
    }
    if let Some(path) = destination(asked, &results.machine, program.backend) {
        record::write(&cargo::root().join(&path), &record::csv(&results))?;
        println!("{}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// What the tables do not show.
fn tell(rounds: &Rounds) {
    if rounds.disturbed > 0 {
        eprintln!("  {} rounds more, for other programs were busy", rounds.disturbed);
    }
    if let Some(others) = rounds.others.filter(|&others| others > neighbours::CALM) {
        let percent = 100.0 * others;
        eprintln!("  warning: others took up to {percent:.0} % of a core all the same");
    }
    for failure in &rounds.failures {
        eprintln!("  error: {failure}");
    }
}

fn from_outside(
    asked: &Bench,
    program: &Program,
    works: &[&'static Work],
    failures: &mut Vec<String>,
) -> Vec<Done> {
    let repetitions = asked.repetitions as usize;
    let done = outside::measure(program, works, repetitions, asked.text.as_deref());
    done.unwrap_or_else(|failure| {
        eprintln!("error: {failure}");
        failures.push(failure);
        Vec::new()
    })
}

/// Builds our program, or says how cargo ended.
fn built(
    asked: &BackendArgs,
    threads: usize,
) -> Result<Result<Program, std::process::ExitStatus>, String> {
    let file = BackendChoice::read(Path::new("."))?;
    let listed = std::env::var(features::FEATURES_VARIABLE).ok();
    let features = features::choose(asked.backend, listed.as_deref(), &file)?;
    let backend = asked.backend.or(file.backend).or_else(|| first(&features));
    let backend =
        backend.ok_or_else(|| format!("no backend is among the features `{features}`"))?;
    // A device in backend.toml belongs to the backend in backend.toml.
    let filed = || file.device.clone().filter(|_| file.backend.is_none_or(|b| b == backend));
    let device = asked.device.clone().or_else(filed);
    Ok(match build::pastiche(&features)? {
        build::Outcome::Built(path) => Ok(Program { path, backend, device, threads }),
        build::Outcome::Failed(status) => Err(status),
    })
}

/// The backend that the program itself prefers among those compiled in.
fn first(features: &str) -> Option<Backend> {
    let compiled = |backend: &&Backend| features.split(',').any(|name| name == backend.name());
    Backend::value_variants().iter().find(compiled).copied()
}

/// Where the record goes. Some works alone are no record of a machine, unless they are named.
fn destination(asked: &Bench, machine: &Machine, backend: Backend) -> Option<PathBuf> {
    let name = match &asked.out {
        Some(name) => name.clone(),
        None if asked.only.is_empty() && backend.is_graphics() => {
            format!("{}-bench-{}", today(), backend.name())
        }
        None if asked.only.is_empty() => format!("{}-bench", today()),
        None => return None,
    };
    Some(Path::new(RECORDS).join(machine.name()).join(format!("{name}.csv")))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Front {
        #[command(flatten)]
        bench: Bench,
    }

    fn asked(words: &[&str]) -> Result<Bench, clap::Error> {
        Front::try_parse_from([&["bench"], words].concat()).map(|front| front.bench)
    }

    #[test]
    fn a_whole_run_is_recorded_by_its_date_and_a_part_by_its_name() {
        let machine = Machine { model: "AMD EPYC".into(), vectors: "avx2", cores: 2 };
        let path = |words: &[&str]| {
            let path = destination(&asked(words).unwrap(), &machine, Backend::Flex)?;
            Some(path.to_str().unwrap().replace('\\', "/"))
        };
        let whole = path(&["--peers"]).unwrap();
        assert!(whole.starts_with("benchmarks/record/epyc-avx2-2-cores/2"), "{whole}");
        assert!(whole.ends_with("-bench.csv"), "{whole}");
        assert_eq!(path(&["--only", "gemm,prepare"]), None);
        let graphics = destination(&asked(&[]).unwrap(), &machine, Backend::Wgpu).unwrap();
        assert!(graphics.to_str().unwrap().ends_with("-bench-wgpu.csv"), "{graphics:?}");
        let named = path(&["--only", "gemm", "--out", "try.csv"]).unwrap();
        assert_eq!(named, "benchmarks/record/epyc-avx2-2-cores/try.csv");
    }

    #[test]
    fn names_that_lead_elsewhere_and_no_rounds_are_refused() {
        assert!(asked(&["--out", "../try"]).is_err());
        assert!(asked(&["--out", ".csv"]).is_err());
        assert!(asked(&["--repetitions", "0"]).is_err());
        assert!(asked(&["--threads", "0"]).is_err());
    }

    #[test]
    fn without_a_choice_the_first_backend_is_the_programs_own() {
        assert_eq!(first("flex"), Some(Backend::Flex));
        assert_eq!(first("wgpu,ndarray"), Some(Backend::Ndarray));
        assert_eq!(first(""), None);
    }
}
