//! `cargo xtask ci`: everything that must pass before a commit, step by step, tests last.
//!
//! Every step uses the release profile and one set of features, so that dependencies are compiled once
//! for checks of the source (clippy, docs) and once for running (smoke tests, tests).

use std::process::{Command, ExitCode};
use std::time::Instant;

use args::Backend;

use crate::cargo::{cargo, not_started, root, shell_code};
use crate::features::BackendSet;
use crate::{output, page_test, smoke_test, test, tidy};

/// A step that failed.
pub struct Failure {
    /// The launcher's exit code
    pub code: i32,
    /// The reason, or empty if the child process has printed it
    pub reason: String,
}

impl Failure {
    /// A failure of the launcher itself, with exit code 1.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { code: 1, reason: reason.into() }
    }

    /// A child process that failed and has printed why.
    pub fn of_child(status: std::process::ExitStatus) -> Self {
        Self { code: shell_code(status), reason: String::new() }
    }
}

type Step = (&'static str, fn(BackendSet) -> Result<(), Failure>);

const STEPS: [Step; 12] = [
    ("format", |_| finish(cargo().args(["fmt", "--all", "--check"]))),
    ("tidy", |_| if tidy::passes() { Ok(()) } else { Err(Failure::new("")) }),
    ("packages", |_| packages()),
    ("clippy", lint),
    ("clippy with one CPU backend", |_| lint_cpu_backends()),
    ("docs", docs),
    ("smoke test on ndarray", |backends| smoke_test::run(backends, Backend::Ndarray, None)),
    ("smoke test on flex", |backends| smoke_test::run(backends, Backend::Flex, None)),
    ("smoke test on wgpu", wgpu),
    ("MPI", mpi),
    ("page in Chromium", page_test::step),
    ("subwords against another implementation", |_| finish(&mut test::reference_command())),
];

/// Runs the steps with these backends until one fails.
pub fn run(backends: BackendSet) -> Result<ExitCode, String> {
    let started = Instant::now();
    for (name, step) in STEPS {
        output::print(format_args!("\n==> {name}"));
        let step_started = Instant::now();
        if let Err(failure) = step(backends) {
            return Ok(failed(name, &failure));
        }
        let seconds = step_started.elapsed().as_secs_f64();
        output::print(format_args!("==> {name}: ok in {seconds:.1} s"));
    }
    let seconds = started.elapsed().as_secs_f64();
    output::print(format_args!("\n==> tests, after {seconds:.1} s; the last step"));
    match finish(&mut test::command(backends)) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(failure) => Ok(failed("tests", &failure)),
    }
}

/// Packs the libraries as for a registry, without building the packages: names, versions and files of their manifests
/// must be complete. The program is installed from a checkout.
fn packages() -> Result<(), Failure> {
    let mut command = cargo();
    command.args(["package", "--workspace", "--exclude", "xtask", "--exclude", "pastiche-cli"]);
    finish(command.args(["--no-verify", "--allow-dirty", "--exclude-lockfile", "--quiet"]))
}

/// The packages with code that depends on the backend.
const OF_BACKENDS: [&str; 3] = ["pastiche-kernels", "pastiche", "pastiche-cli"];

/// Clippy over all targets of the workspace, with every warning as an error.
fn lint(backends: BackendSet) -> Result<(), Failure> {
    let (features, (variable, value)) = backends.source_check_args();
    let mut command = cargo();
    command.args(["clippy", "--release", "--all-targets"]).args(features).env(variable, value);
    finish(command.args(["--", "-D", "warnings"]))
}

/// Each CPU backend alone, as users build it: there, code for the others must not be left unused. Tests are left out,
/// except those of the kernels, which name backends.
fn lint_cpu_backends() -> Result<(), Failure> {
    [Backend::Ndarray, Backend::Flex].iter().try_for_each(|backend| {
        let mut command = cargo();
        command.args(["clippy", "--release", "--lib", "--bins", "--examples", "--test", "properties"]);
        command.args(OF_BACKENDS.iter().flat_map(|package| ["--package", package]));
        command.args(["--no-default-features", "--features", &format!("pastiche-cli/{}", backend.name())]);
        finish(command.args(["--", "-D", "warnings"]))
    })
}

fn docs(backends: BackendSet) -> Result<(), Failure> {
    let (features, (variable, value)) = backends.source_check_args();
    let mut command = cargo();
    command.args(["doc", "--release", "--no-deps"]).args(features).env(variable, value);
    finish(command.env("RUSTDOCFLAGS", "-D warnings"))
}

/// The smoke test on Mesa's software Vulkan, which needs no GPU.
fn wgpu(backends: BackendSet) -> Result<(), Failure> {
    if backends == BackendSet::Cpu {
        output::print(format_args!("skipped: only the CPU backends are tested"));
        return Ok(());
    }
    if smoke_test::has_software_vulkan() {
        return smoke_test::run(backends, Backend::Wgpu, Some("cpu"));
    }
    let missing = "no software Vulkan found (Debian's package is mesa-vulkan-drivers)";
    if std::env::var("CI").is_ok_and(|ci| ci == "true") {
        return Err(Failure::new(missing));
    }
    output::print(format_args!("skipped: {missing}"));
    Ok(())
}

/// Training with several processes.
#[cfg(target_os = "linux")]
fn mpi(backends: BackendSet) -> Result<(), Failure> {
    crate::mpi_test::test(backends)
}

#[cfg(not(target_os = "linux"))]
fn mpi(_: BackendSet) -> Result<(), Failure> {
    output::print(format_args!("skipped: MPI is tested only on Linux"));
    Ok(())
}

/// Runs a command in the workspace root; its output goes to the terminal.
fn finish(command: &mut Command) -> Result<(), Failure> {
    let status = command.current_dir(root()).status().map_err(|error| Failure::new(not_started(command, &error)))?;
    if status.success() { Ok(()) } else { Err(Failure::of_child(status)) }
}

fn failed(name: &str, failure: &Failure) -> ExitCode {
    if !failure.reason.is_empty() {
        output::status(format_args!("error: {}", failure.reason));
    }
    output::status(format_args!("==> {name}: failed with exit code {}", failure.code));
    ExitCode::from(u8::try_from(failure.code).unwrap_or(1))
}
