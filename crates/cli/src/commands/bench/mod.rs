//! `bench`, hidden: does the works of the benchmark one at a time, as the launcher asks for them.
//!
//! A line of JSON in, a line of JSON out, until the input ends; `benchmarks/README.md` says what the works
//! are. While nothing is asked for, nothing is computed.

mod matrices;
mod preparing;
mod training;
mod writing;

use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::path::PathBuf;

use args::BackendArgs;
use burn::tensor::Device;
use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::device::Choice;
use crate::error::{Error, Result};

/// Arguments of `bench`.
#[derive(Args)]
pub struct Bench {
    /// The text to prepare, as often as it takes [default: the built-in fables]
    #[arg(long, value_name = "FILE")]
    prose: Option<PathBuf>,
    /// Backend and device.
    #[command(flatten)]
    pub backend: BackendArgs,
}

/// A work that is built and warm.
trait Work {
    /// Does so many steps; gives what the answer says.
    fn run(&mut self, steps: u64) -> Result<Value>;
}

/// The works that are built, by name.
type Works = HashMap<String, Box<dyn Work>>;

/// What the launcher asks for.
#[derive(Deserialize)]
#[serde(untagged)]
enum Request {
    Run { work: String, steps: u64 },
    Forget { forget: String },
}

/// Runs the command.
pub fn run(args: &Bench, choice: &Choice) -> Result<()> {
    let device = choice.open()?;
    let mut works = Works::new();
    say(&json!({
        "name": "Pastiche",
        "version": env!("CARGO_PKG_VERSION"),
        "threads": rayon::current_num_threads(),
        "backend": choice.name(),
    }))?;
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|error| Error::new(format!("stdin cannot be read: {error}")))?;
        let answer = answer(&line, &mut works, args, &device);
        say(&answer.unwrap_or_else(|error| json!({ "error": error.to_string() })))?;
    }
    Ok(())
}

fn answer(line: &str, works: &mut Works, args: &Bench, device: &Device) -> Result<Value> {
    let request = serde_json::from_str(line)
        .map_err(|error| Error::new(format!("`{line}` is no request: {error}")))?;
    let (name, steps) = match request {
        Request::Run { work, steps } => (work, steps),
        Request::Forget { forget } => {
            works.remove(&forget);
            return Ok(json!({}));
        }
    };
    if !works.contains_key(&name) {
        let Some(mut built) = build(&name, args, device)? else {
            return Ok(json!({ "unsupported": true }));
        };
        built.run(1)?;
        works.insert(name.clone(), built);
    }
    works.get_mut(&name).expect("it was built just now").run(steps)
}

fn build(work: &str, args: &Bench, device: &Device) -> Result<Option<Box<dyn Work>>> {
    Ok(match work {
        "gemm" => Some(Box::new(matrices::Product::new(rayon::current_num_threads()))),
        "gemm-1" => Some(Box::new(matrices::Product::new(1))),
        "prepare" => Some(Box::new(preparing::Preparing::new(args.prose.as_deref())?)),
        _ => match training::Training::new(work, device)? {
            Some(training) => Some(Box::new(training)),
            None => writing::Writing::new(work, device)?
                .map(|writing| Box::new(writing) as Box<dyn Work>),
        },
    })
}

fn say(answer: &Value) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{answer}")
        .and_then(|()| out.flush())
        .map_err(|error| Error::new(format!("stdout cannot be written: {error}")))
}
