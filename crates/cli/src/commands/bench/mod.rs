//! `bench` (hidden): runs the workloads of the benchmark one at a time, as the launcher requests them.
//!
//! Each line of input is a request and each line of output an answer, both in JSON. `benchmarks/README.md` lists
//! the workloads. Between requests nothing is computed.

mod generate;
mod matmul;
mod prepare;
mod training;

use std::collections::HashMap;
use std::io::BufRead;
use std::path::PathBuf;

use args::BackendArgs;
use burn::tensor::Device;
use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::device::BackendSelection;
use crate::error::{Error, Result};
use crate::output::print_json;

/// Arguments of `bench`.
#[derive(Args)]
pub struct Bench {
    /// The text to prepare, repeated to the needed length [default: the built-in fables]
    #[arg(long, value_name = "FILE")]
    prose: Option<PathBuf>,
    /// Backend and device.
    #[command(flatten)]
    pub backend: BackendArgs,
}

/// A workload, initialized and warmed up.
trait Workload {
    /// Runs this many steps and returns the answer.
    fn run(&mut self, steps: u64) -> Result<Value>;
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
        "gemm" => Some(Box::new(matmul::MatrixProduct::new(rayon::current_num_threads()))),
        "gemm-1" => Some(Box::new(matmul::MatrixProduct::new(1))),
        "prepare" => Some(Box::new(prepare::Preparation::new(args.prose.as_deref())?)),
        _ => match training::Training::new(work, backend, device)? {
            Some(training) => Some(Box::new(training)),
            None => generate::Generation::new(work, backend, device)?.map(|generation| Box::new(generation) as _),
        },
    })
}
