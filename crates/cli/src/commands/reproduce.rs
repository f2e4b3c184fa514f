//! `reproduce`: a finished run trained again from what it wrote down, and the two compared bit for bit.

use std::path::Path;
use std::process::ExitCode;

use args::{BackendArgs, ConfigArgs, Reproduce};
use burn::tensor::Device;
use models::artifact::{MANIFEST, TOKENIZER, WEIGHTS};
use seqdata::hash::sha256;
use serde::Serialize;
use serde_json::Value;
use trainer::{Checkpoints, Ended};

use super::train::Begun;
use crate::config::{Config, ResolvedQuestions, Written, read_any};
use crate::device::Choice;
use crate::error::{Error, Result};
use crate::observers::metrics_file::timeless_lines;
use crate::output::{print, print_json, tell, warn};
use crate::run::directory;
use crate::run::experiment::Course;
use crate::run::init::{Beginning, CONFIG, is_run};
use crate::run::provenance::{Origin, Provenance};
use crate::run::signals::INTERRUPTED;

/// What the comparison came to.
#[derive(Serialize)]
struct Verdict {
    run: String,
    again: String,
    identical: bool,
    /// Lines of `metrics.jsonl` that agree but for times and speeds.
    equal_lines: usize,
    /// What differs first, in words.
    differences: Vec<String>,
}

/// Runs the command.
pub fn run(args: &Reproduce, choice: &Choice) -> Result<ExitCode> {
    let run = &args.run;
    is_run(run)?;
    let before = Provenance::read(run)?;
    let progress = Checkpoints::of(run).progress()?;
    if !progress.is_some_and(|progress| progress.is_finished() || progress.has_lost_patience()) {
        return Err(Error::new(format!(
            "{0} is not finished, so there is no end to compare: go on with `train --resume {0}` first",
            run.display()
        )));
    }
    let choice = match args.backend {
        // What was asked for goes before what the run was made on.
        BackendArgs { backend: Some(_), .. } => choice.clone(),
        _ => choice.with_backend(&before.backend)?,
    };
    let config = ConfigArgs { config: Some(run.join(CONFIG)), ..ConfigArgs::default() };
    let device = choice.open()?;
    match read_any(&config)?.0 {
        Written::Writing(config) => {
            same_origin(&config, before.from.as_ref())?;
            let Beginning { resolved, model, origin } = Beginning::new(*config, &device)?;
            warn(&resolved.warnings);
            again(args, &resolved, model, origin, &device, &choice)
        }
        Written::Questions(config) => {
            let resolved = ResolvedQuestions::new(*config)?;
            warn(&resolved.warnings);
            again(args, &resolved, resolved.fresh(&device)?, None, &device, &choice)
        }
    }
}

/// Trains the run again, and compares.
fn again<C: Course>(
    args: &Reproduce,
    course: &C,
    model: C::Network,
    origin: Option<Origin>,
    device: &Device,
    choice: &Choice,
) -> Result<ExitCode> {
    let run = &args.run;
    let before = Provenance::read(run)?;
    let now = Provenance::now(course.hashes(), choice.name(), before.from.clone());
    let before_files = files(run)?;
    let before_lines = timeless_lines(run)?;
    for (what, before, now) in [
        ("text", &before.text_sha256, &now.text_sha256),
        ("training split", &before.train_sha256, &now.train_sha256),
        ("validation split", &before.valid_sha256, &now.valid_sha256),
    ] {
        if before != now {
            return Err(Error::new(format!(
                "{} cannot be reproduced: its {what} is not what it was (SHA-256 {}, now {}): restore \
                 the text",
                run.display(),
                &before[..12.min(before.len())],
                &now[..12],
            )));
        }
    }
    for difference in now.differences(&before).iter().chain(&before.later) {
        tell(&format!("warning: {difference}: the bits may be others"));
    }
    let name = run.file_name().map_or("run".into(), |name| name.to_string_lossy());
    let again = directory::create(args.out.as_deref(), &format!("{name}-again"))?;
    let begun = Begun { run: &again, plain: args.json };
    let outcome = begun.learn(course, model, origin, device, choice)?;
    if matches!(outcome.ended, Ended::Stopped { .. }) {
        tell("stopped before there was anything to compare");
        return Ok(ExitCode::from(INTERRUPTED));
    }
    let verdict = compare(run, &again, before_files, before_lines)?;
    let code = if verdict.identical { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    match args.json {
        true => print_json(&verdict)?,
        false => print(&said(&verdict))?,
    }
    Ok(code)
}

/// Refuses to begin with another model than the run did.
fn same_origin(config: &Config, before: Option<&Origin>) -> Result<()> {
    let (Some(model), Some(before)) = (&config.from.model, before) else { return Ok(()) };
    let manifest = model.join(MANIFEST);
    let bytes = std::fs::read(&manifest).map_err(Error::io(&manifest, "read"))?;
    match sha256(&bytes) == before.manifest_sha256 {
        true => Ok(()),
        false => Err(Error::new(format!(
            "the model {} is not the one that the run began with: restore it",
            model.display()
        ))),
    }
}

/// What two runs must share byte by byte.
fn files(run: &Path) -> Result<Vec<(&'static str, Vec<u8>)>> {
    let read = |file| {
        let path = run.join(file);
        let bytes = std::fs::read(&path).map_err(Error::io(&path, "read"))?;
        Ok((file, bytes))
    };
    [WEIGHTS, TOKENIZER].into_iter().map(read).collect()
}

fn compare(
    run: &Path,
    again: &Path,
    before: Vec<(&'static str, Vec<u8>)>,
    one: Vec<Value>,
) -> Result<Verdict> {
    let now = files(again)?;
    let changed = before.iter().zip(&now).filter(|(before, now)| before != now);
    let mut differences: Vec<String> =
        changed.map(|((file, _), _)| format!("{file} has other bytes")).collect();
    let other = timeless_lines(again)?;
    let equal_lines = one.iter().zip(&other).take_while(|(one, other)| one == other).count();
    if equal_lines < one.len().max(other.len()) {
        let show = |line: Option<&Value>| line.map_or("nothing".into(), Value::to_string);
        differences.push(format!(
            "metrics.jsonl differs in line {}: {} and now {}",
            equal_lines + 1,
            show(one.get(equal_lines)),
            show(other.get(equal_lines))
        ));
    }
    Ok(Verdict {
        run: run.display().to_string(),
        again: again.display().to_string(),
        identical: differences.is_empty(),
        equal_lines,
        differences,
    })
}

fn said(verdict: &Verdict) -> String {
    let Verdict { run, again, identical, equal_lines, differences } = verdict;
    match identical {
        true => format!(
            "{again} is {run} to the last bit: weights, tokenizer and {equal_lines} lines of metrics\n"
        ),
        false => format!("{again} is not {run}: {}\n", differences.join("; ")),
    }
}
