//! `cargo xtask mpi-test`: several processes under `mpirun` train to the same weights as one, and a job ends whatever breaks.
//!
//! Where it may, the test makes four network namespaces that are four computers to MPI, and removes them. Otherwise all
//! processes run on this one, and what needs several computers is skipped.

mod faults;
mod hosts;
mod job;
mod training;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use hosts::Hosts;
use job::Job;

use crate::cargo::{cargo, not_started, root};
use crate::ci::Failure;
use crate::features::BackendSet;
use crate::{mpi, mpirun, output};

/// What a test needs to start jobs.
struct Bench {
    /// The program.
    pastiche: PathBuf,
    /// The example of the crate `ranks`, which only adds numbers.
    adder: PathBuf,
    /// Computers, if there are several.
    hosts: Option<Hosts>,
    /// An empty folder.
    folder: tempfile::TempDir,
}

/// A part of the test. Returns what it found, in words.
type Step = fn(&Bench) -> Result<String, String>;

/// Runs the test by itself.
pub fn run() -> Result<ExitCode, String> {
    match test(BackendSet::Portable) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(Failure { code, reason }) if reason.is_empty() => Ok(ExitCode::from(u8::try_from(code).unwrap_or(1))),
        Err(Failure { reason, .. }) => Err(reason),
    }
}

/// The step of `cargo xtask ci`. Where MPI is missing it is skipped, except in CI with all backends.
pub fn test(backends: BackendSet) -> Result<(), Failure> {
    if let Some(missing) = mpi::missing() {
        if backends == BackendSet::Portable && std::env::var("CI").is_ok_and(|ci| ci == "true") {
            return Err(Failure::new(format!("this machine lacks {missing}, but CI requires it")));
        }
        output::print(format_args!("skipped: this machine lacks {missing}"));
        return Ok(());
    }
    let [pastiche, adder] = build(backends)?;
    let folder = tempfile::tempdir().map_err(|error| Failure::new(format!("no temporary folder: {error}")))?;
    let hosts = Hosts::create(folder.path());
    match &hosts {
        Ok(_) => output::print("four network namespaces are four computers"),
        Err(reason) => {
            output::print(format_args!("skipped: several computers ({reason}); all processes run on this one"))
        }
    }
    let bench = Bench { pastiche, adder, hosts: hosts.ok(), folder };
    let steps: [(&str, Step); 3] =
        [("wrong launchers", wrong_launchers), ("training", training::test), ("faults", faults::test)];
    for (name, step) in steps {
        let began = Instant::now();
        let found = step(&bench).map_err(|reason| Failure::new(format!("{name}: {reason}")))?;
        output::print(format_args!("{name}: {found} ({:.1} s)", began.elapsed().as_secs_f64()));
    }
    Ok(())
}

/// Builds the program and the example with the features of the tests, so that the tests need not compile them again.
fn build(backends: BackendSet) -> Result<[PathBuf; 2], Failure> {
    let build = |target: [&str; 2]| {
        let mut command = cargo();
        command.current_dir(root()).args(["build", "--release", "--message-format", "json-render-diagnostics"]);
        command.args(backends.workspace_args()).args(target).stderr(std::process::Stdio::inherit());
        let built = command.output().map_err(|error| Failure::new(not_started(&command, &error)))?;
        if !built.status.success() {
            return Err(Failure::of_child(built.status));
        }
        let lines = String::from_utf8_lossy(&built.stdout).into_owned();
        let path = lines.lines().filter_map(|line| executable(line, target[1])).next_back();
        path.ok_or_else(|| Failure::new(format!("cargo built no {}", target[1])))
    };
    Ok([build(["--bin", "pastiche"])?, build(["--example", "ranks_job"])?])
}

/// The path of a program, if this line of cargo's output names it.
fn executable(line: &str, name: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(line).ok()?;
    let is_it = message["reason"] == "compiler-artifact" && message["target"]["name"] == name;
    message["executable"].as_str().filter(|_| is_it).map(PathBuf::from)
}

impl Bench {
    /// `mpirun` for this number of ranks, of which each is on another computer if there are several.
    fn mpirun(&self, ranks: usize) -> Command {
        match &self.hosts {
            Some(hosts) => hosts.mpirun(ranks),
            None => {
                let mut command = mpirun::command(ranks, &[]);
                mpirun::set(&mut command, "btl_vader_single_copy_mechanism", "none");
                command
            }
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// The program refuses within a second to be one of several that do not know each other, and says so once.
fn wrong_launchers(bench: &Bench) -> Result<String, String> {
    let cases: [(&[&str], &str); 3] = [
        (
            &["train", "--dry-run"],
            "srun has started 4 processes, but without an interface for MPI: use `srun --mpi=pmix`",
        ),
        (&["runs"], "but only `train` runs as several: start one"),
        (&["train", "--ranks", "2"], "`--ranks` is an option of `cargo xtask train`"),
    ];
    for (words, expected) in cases {
        for rank in ["0", "1"] {
            let mut command = Command::new(&bench.pastiche);
            command.args(words).current_dir(bench.path()).env("SLURM_STEP_NUM_TASKS", "4").env("SLURM_PROCID", rank);
            let output = command.output().map_err(|error| not_started(&command, &error))?;
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            let is_right =
                if rank == "0" { text.lines().count() == 1 && text.contains(expected) } else { text.is_empty() };
            if output.status.success() || !is_right {
                return Err(format!("rank {rank} of `{}` printed: {text}", words.join(" ")));
            }
        }
    }
    Ok("refused in one line".into())
}
