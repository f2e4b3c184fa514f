//! `cargo xtask ci`: all that must pass before anything lands, step by step, tests last.
//!
//! Every step uses the release profile and one set of features, so that dependencies are built
//! once for checks of the source (clippy, docs) and once for running (main job, tests).

use std::process::{Command, ExitCode};
use std::time::Instant;

use args::Backend;

use crate::cargo::{cargo, not_started, number, root};
use crate::{features, main_job, test, tidy};

/// A step that did not pass: the exit code, and a line if the step's own words are not enough.
pub struct Failure {
    /// What the launcher ends with
    pub code: i32,
    /// What went wrong, or nothing when the child has said it
    pub what: String,
}

type Step = (&'static str, fn() -> Result<(), Failure>);

const STEPS: [Step; 7] = [
    ("format", || finish(cargo().args(["fmt", "--all", "--check"]))),
    ("tidy", || if tidy::all_is_well() { Ok(()) } else { Err(Failure::new(1, "")) }),
    ("clippy", clippy),
    ("docs", docs),
    ("main job on ndarray", || main_job::run(Backend::Ndarray, None)),
    ("main job on flex", || main_job::run(Backend::Flex, None)),
    ("main job on wgpu", wgpu),
];

/// Runs every step until one fails.
pub fn run() -> Result<ExitCode, String> {
    let started = Instant::now();
    for (name, step) in STEPS {
        println!("\n==> {name}");
        let began = Instant::now();
        if let Err(failure) = step() {
            return Ok(failed(name, &failure));
        }
        println!("==> {name}: ok in {:.1} s", began.elapsed().as_secs_f64());
    }
    println!("\n==> tests, after {:.1} s; nothing follows them", started.elapsed().as_secs_f64());
    match finish(&mut test::command()) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(failure) => Ok(failed("tests", &failure)),
    }
}

fn clippy() -> Result<(), Failure> {
    let (features, (variable, value)) = features::of_the_source();
    let mut command = cargo();
    command.args(["clippy", "--release", "--all-targets"]).args(features).env(variable, value);
    finish(command.args(["--", "-D", "warnings"]))
}

fn docs() -> Result<(), Failure> {
    let (features, (variable, value)) = features::of_the_source();
    let mut command = cargo();
    command.args(["doc", "--release", "--no-deps"]).args(features).env(variable, value);
    finish(command.env("RUSTDOCFLAGS", "-D warnings"))
}

/// The main job on Mesa's software Vulkan, which needs no graphics card.
fn wgpu() -> Result<(), Failure> {
    if main_job::software_vulkan() {
        return main_job::run(Backend::Wgpu, Some("cpu"));
    }
    let missing = "no software Vulkan here (Debian's package is mesa-vulkan-drivers)";
    if std::env::var("CI").is_ok_and(|ci| ci == "true") {
        return Err(Failure::new(1, missing));
    }
    println!("skipped: {missing}");
    Ok(())
}

/// Runs a command in the workspace's root to its end, its words shown as they come.
fn finish(command: &mut Command) -> Result<(), Failure> {
    let status = command
        .current_dir(root())
        .status()
        .map_err(|error| Failure::new(1, not_started(command, &error)))?;
    if status.success() { Ok(()) } else { Err(Failure::new(number(status), "")) }
}

fn failed(name: &str, failure: &Failure) -> ExitCode {
    if !failure.what.is_empty() {
        eprintln!("error: {}", failure.what);
    }
    eprintln!("==> {name}: failed with exit code {}", failure.code);
    ExitCode::from(u8::try_from(failure.code).unwrap_or(1))
}

impl Failure {
    /// A failure with this exit code and this line.
    pub fn new(code: i32, what: impl Into<String>) -> Self {
        Self { code, what: what.into() }
    }
}
