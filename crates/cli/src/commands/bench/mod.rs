//! `bench` (hidden): runs the workloads of the benchmark one at a time, as the launcher requests them.
//!
//! Each line of input is a request and each line of output an answer, both in JSON. `benchmarks/README.md` lists
//! the workloads. Between requests nothing is computed.

mod fma;
mod generate;
mod matmul;
mod prepare;
mod training;

use std::collections::HashMap;
use std::io::BufRead;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use args::BackendArgs;
use burn::tensor::Device;
use clap::Args;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::device::BackendSelection;
use crate::error::{Error, Result};
use crate::output::print_json;

/// Arguments of `bench`.
#[derive(Args)]
pub struct Bench {
    /// The text to prepare, repeated to the needed length [default: the built-in fables]
    #[arg(long, value_name = "FILE")]
    prose: Option<PathBuf>,
    /// Train in bf16
    #[arg(long)]
    bf16: bool,
    /// Backend and device.
    #[command(flatten)]
    pub backend: BackendArgs,
}

/// A workload, initialized and warmed up.
trait Workload {
    /// Runs this many steps and returns the answer.
    fn run(&mut self, steps: u64) -> Result<Value>;
}

/// Runs `work`, which takes this many steps, and returns its result and the answer: the seconds of a step and, in a build
/// with the feature `profile`, those of each kind of work, of all threads together.
fn timed<R>(steps: u64, work: impl FnOnce() -> Result<R>) -> Result<(R, Value)> {
    let per_step = |time: Duration| json!(time.as_secs_f64() / steps as f64);
    let start = Instant::now();
    let (result, profile) = kernels::profile::measure(rayon::current_num_threads(), work);
    let mut answer = json!({ "seconds_per_step": per_step(start.elapsed()) });
    if let Some(profile) = profile {
        let parts = profile.times().map(|(part, time)| (part.name().to_string(), per_step(time)));
        answer["profile"] = Value::Object(parts.collect::<Map<_, _>>());
    }
    Ok((result?, answer))
}

/// The initialized workloads by name.
type Workloads = HashMap<String, Box<dyn Workload>>;

/// A request of the launcher.
#[derive(Deserialize)]
#[serde(untagged)]
enum Request {
    Run { work: String, steps: u64 },
    Forget { forget: String },
}

/// Runs the command.
pub fn run(args: &Bench, backend: &BackendSelection) -> Result<()> {
    let device = backend.open()?;
    let mut workloads = Workloads::new();
    print_json(&json!({
        "name": "Pastiche",
        "version": env!("CARGO_PKG_VERSION"),
        "threads": rayon::current_num_threads(),
        "backend": backend.name(),
    }))?;
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|error| Error::new(format!("stdin cannot be read: {error}")))?;
        let answer = answer(&line, &mut workloads, args, backend, &device);
        print_json(&answer.unwrap_or_else(|error| json!({ "error": error.to_string() })))?;
    }
    Ok(())
}

fn answer(
    line: &str,
    workloads: &mut Workloads,
    args: &Bench,
    backend: &BackendSelection,
    device: &Device,
) -> Result<Value> {
    let request =
        serde_json::from_str(line).map_err(|error| Error::new(format!("`{line}` is not a request: {error}")))?;
    let (name, steps) = match request {
        Request::Run { work, steps } => (work, steps),
        Request::Forget { forget } => {
            workloads.remove(&forget);
            return Ok(json!({}));
        }
    };
    if !workloads.contains_key(&name) {
        let Some(mut built) = init(&name, args, backend, device)? else {
            return Ok(json!({ "unsupported": true }));
        };
        built.run(1)?;
        workloads.insert(name.clone(), built);
    }
    workloads.get_mut(&name).expect("it was inserted above").run(steps)
}

fn init(work: &str, args: &Bench, backend: &BackendSelection, device: &Device) -> Result<Option<Box<dyn Workload>>> {
    Ok(match work {
        "fma" => Some(Box::new(fma::FmaPeak { all_threads: true })),
        "fma-1" => Some(Box::new(fma::FmaPeak { all_threads: false })),
        "gemm" => Some(Box::new(matmul::MatrixProduct::new(rayon::current_num_threads()))),
        "gemm-1" => Some(Box::new(matmul::MatrixProduct::new(1))),
        "prepare" => Some(Box::new(prepare::Preparation::new(args.prose.as_deref())?)),
        _ => match training::Training::new(work, args.bf16, backend, device)? {
            Some(training) => Some(Box::new(training)),
            None => generate::Generation::new(work, backend, device)?.map(|generation| Box::new(generation) as _),
        },
    })
}
