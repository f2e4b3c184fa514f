//! `reproduce`: trains a finished run again from its saved configuration and compares the results bit by bit.

use std::path::Path;
use std::process::ExitCode;

use args::{ConfigArgs, Reproduce};
use burn::tensor::Device;
use durable::read::{self, Accept};
use models::bundle::{MANIFEST, TOKENIZER, WEIGHTS};
use serde::Serialize;
use serde_json::Value;
use trainer::{Checkpoints, StopReason};

use super::train::{NewRun, train_new};
use crate::base;
use crate::config::{AnyConfig, Config, QaExperiment, read_any};
use crate::device::BackendSelection;
use crate::error::{Error, Result, bail};
use crate::observers::dashboard::ViewOptions;
use crate::observers::metrics_file::lines_without_times;
use crate::output::{print, print_json, status, warn};
use crate::run::experiment::{Experiment, Setup};
use crate::run::init::{
    CONFIG, SAME_TEXT, check_is_run, check_questions, check_text, check_vectors, check_was_trained, new_experiment,
    restore_extended_size, restore_valid_streams,
};
use crate::run::provenance::{Origin, Provenance};
use crate::run::ranks::TrainRanks;
use crate::run::signals::EXIT_INTERRUPTED;
use crate::run::{changed_text, directory, initial_model};
use crate::view::format::counted;

/// The result of the comparison.
#[derive(Serialize)]
struct Comparison {
    run: String,
    again: String,
    identical: bool,
    /// Equal lines of `metrics.jsonl` before the first difference, not counting times and speeds.
    equal_lines: usize,
    /// Descriptions of the differences.
    differences: Vec<String>,
}

/// Runs the command.
pub fn run(args: &Reproduce, backend: &BackendSelection) -> Result<ExitCode> {
    let args = &Reproduce { run: directory::resolve(&args.run), ..args.clone() };
    let run = &args.run;
    check_is_run(run)?;
    check_was_trained(run, "there is no training to repeat")?;
    let before = Provenance::read(run)?;
    let progress = Checkpoints::of(run).progress()?;
    if !progress.is_some_and(|progress| progress.is_finished() || progress.should_stop_early()) {
        bail!(
            "{0} is not finished, so there is no result to compare: finish it first with `train --resume {0}`",
            run.display()
        );
    }
    let backend = backend.for_run(&args.backend, &before.backend, before.device.as_deref())?;
    let name = run.display().to_string();
    let path = run.join(CONFIG);
    // A configuration that a user names may be a pipe, that of a run is a file.
    Accept::File.check(&path).map_err(Error::io(&path, "read"))?;
    let config = ConfigArgs { config: Some(path), ..ConfigArgs::default() };
    let device = backend.open()?;
    match read_any(&config)?.0.saved_in(run) {
        AnyConfig::LanguageModel(mut config) => {
            restore_valid_streams(run, &mut config)?;
            restore_extended_size(run, &mut config)?;
            config.text = config.text.for_another_run()?;
            check_text(&name, &config, SAME_TEXT)?;
            check_vectors(&name, &config.model.vectors)?;
            check_origin(&name, &config, &before)?;
            let given = config.clone();
            let new = changed_text::explain(new_experiment(*config, None, &device), run, &given, "");
            let (experiment, model, origin) = new?;
            warn(&experiment.warnings);
            train_again(args, &experiment, model, origin, &device, &backend)
        }
        AnyConfig::Questions(mut config) => {
            config.data = config.data.for_another_run()?;
            check_questions(&name, &config, SAME_TEXT)?;
            check_vectors(&name, &config.model.vectors)?;
            let experiment = changed_text::explain_questions(QaExperiment::new(*config), run, "")?;
            warn(&experiment.warnings);
            train_again(args, &experiment, experiment.init_model(&device)?, None, &device, &backend)
        }
    }
}

/// Trains the run again and compares the results.
fn train_again<C: Experiment>(
    args: &Reproduce,
    experiment: &C,
    model: C::Network,
    origin: Option<Origin>,
    device: &Device,
    backend: &BackendSelection,
) -> Result<ExitCode> {
    let run = &args.run;
    warn(experiment.length_warning().as_slice());
    let before = Provenance::read(run)?;
    let now = Provenance::current(experiment.input_hashes(), backend, before.from.clone());
    let before_files = files(run)?;
    let before_lines = lines_without_times(run)?;
    for (what, before, now) in [
        ("text", &before.inputs.text_sha256, &now.inputs.text_sha256),
        ("training split", &before.inputs.train_sha256, &now.inputs.train_sha256),
        ("validation split", &before.inputs.valid_sha256, &now.inputs.valid_sha256),
    ] {
        if before != now {
            bail!(
                "{} cannot be reproduced: its {what} has changed (SHA-256 {}, now {}): restore the text",
                run.display(),
                short(before),
                short(now)
            );
        }
    }
    for difference in now.differences(&before).iter().chain(&before.later) {
        status(&format!("warning: {difference}: the results may differ slightly"));
    }
    let name = run.file_name().map_or("run".into(), |name| name.to_string_lossy());
    let create_run = || directory::create(args.out.as_deref(), &format!("{name}-again"));
    let ranks = &TrainRanks::alone();
    let setup = Setup { device, backend, view: ViewOptions { on_terminal: !args.json, svg: None }, ranks };
    let references = experiment.references();
    let (reproduces, planned_minutes) = (Some(run.clone()), before.planned_minutes);
    let new = NewRun { experiment, model, origin, reproduces, plan: None, planned_minutes, references };
    let (again, stop_reason) = train_new(new, create_run, setup)?;
    if let StopReason::Requested { .. } = stop_reason {
        status("stopped before there was a result to compare");
        return Ok(ExitCode::from(EXIT_INTERRUPTED));
    }
    let comparison = compare(run, &again, before_files, before_lines)?;
    let code = if comparison.identical { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    let printed = if args.json { print_json(&comparison) } else { print(&summary(&comparison)) };
    printed.map(|()| code)
}

/// Checks that the trained model that the run started from has not changed.
fn check_origin(run: &str, config: &Config, before: &Provenance) -> Result<()> {
    let (Some(model), Some(origin)) = (&config.init.from, &before.from) else { return Ok(()) };
    let is_base = base::is_base(model);
    if !is_base && !model.join(MANIFEST).is_file() {
        bail!(
            "{run} started from the model {}, which does not exist or is incomplete: put it back there to repeat the \
             run; to resume it or to generate text, it is not needed",
            model.display()
        );
    }
    let now = initial_model::manifest_sha256(model)?;
    if now == origin.manifest_sha256 {
        return Ok(());
    }
    if is_base {
        bail!(
            "{run} started from another built-in base (SHA-256 {}, here {}): repeat it with the program that trained \
             it, {}",
            short(&origin.manifest_sha256),
            short(&now),
            before.program
        );
    }
    bail!("the model {}, which the run started from, has changed: restore it", model.display())
}

/// The first characters of a hash. One that was read from a file may be damaged.
fn short(hash: &str) -> String {
    hash.chars().take(12).collect()
}

/// The files that must be equal byte by byte.
fn files(run: &Path) -> Result<Vec<(&'static str, Vec<u8>)>> {
    let read = |file| {
        let path = run.join(file);
        Ok((file, read::file(&path).map_err(Error::io(&path, "read"))?))
    };
    [WEIGHTS, TOKENIZER].into_iter().map(read).collect()
}

fn compare(run: &Path, again: &Path, before: Vec<(&'static str, Vec<u8>)>, one: Vec<Value>) -> Result<Comparison> {
    let now = files(again)?;
    let changed = before.iter().zip(&now).filter(|(before, now)| before != now);
    let mut differences: Vec<String> = changed.map(|((file, _), _)| format!("{file} differs")).collect();
    let other = lines_without_times(again)?;
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
    Ok(Comparison {
        run: run.display().to_string(),
        again: again.display().to_string(),
        identical: differences.is_empty(),
        equal_lines,
        differences,
    })
}

fn summary(comparison: &Comparison) -> String {
    let Comparison { run, again, identical, equal_lines, differences } = comparison;
    if *identical {
        let lines = counted(*equal_lines, "line");
        format!("{again} is bit-identical to {run}: weights, tokenizer and {lines} of metrics\n")
    } else {
        format!("{again} differs from {run}: {}\n", differences.join("; "))
    }
}
