//! `compare`: draws the losses of several runs and prints their results and settings side by side.

use std::path::Path;

use args::Compare;
use models::bundle::{MANIFEST, read_metadata, read_tokenizer};
use serde::Serialize;
use trainer::Checkpoints;

use crate::config::{flatten, parse_config};
use crate::error::{Error, Result};
use crate::observers::metrics_file::{Curves, read_curves};
use crate::output::{columns, print, print_json, status};
use crate::report::run_charts::{self, NamedCurves};
use crate::run::directory;
use crate::run::init::{CONFIG, check_is_run};

/// The results of one run.
#[derive(Serialize)]
struct Column {
    run: String,
    epochs: usize,
    steps: u64,
    best_valid_loss_nats_per_token: Option<f64>,
    last_valid_loss_nats_per_token: Option<f64>,
    /// Whether its losses are comparable to the first run's: the same held-out text with the same vocabulary.
    comparable: bool,
}

/// The output.
#[derive(Serialize)]
struct Comparison {
    picture: String,
    runs: Vec<Column>,
    /// The settings that differ: the key, and the value of each run.
    settings: Vec<(String, Vec<String>)>,
}

/// Runs the command.
pub fn run(args: &Compare) -> Result<()> {
    let args = &Compare { runs: args.runs.iter().map(|run| directory::resolve(run)).collect(), ..args.clone() };
    args.runs.iter().try_for_each(|run| check_is_run(run))?;
    let all: Vec<Curves> = args.runs.iter().map(|run| read_curves(run)).collect::<Result<_>>()?;
    let names: Vec<String> = args.runs.iter().map(|run| run.display().to_string()).collect();
    // Texts that differ by a one-to-one exchange of words have equal ids, so compare the tokenizers, too.
    let held_out = |run: &Path| {
        // An unfinished run may have no model yet.
        let newest = Checkpoints::of(run).newest_path().ok();
        let directory = if run.join(MANIFEST).is_file() { run.to_path_buf() } else { newest? };
        let metadata = read_metadata(&directory).ok()?;
        Some((metadata.valid_sha256, metadata.window, read_tokenizer(&directory).ok()?))
    };
    let first = held_out(&args.runs[0]);
    let runs: Vec<Column> = args
        .runs
        .iter()
        .zip(&all)
        .map(|(run, curves)| {
            let losses = || curves.valid.iter().map(|point| point.1);
            Column {
                run: run.display().to_string(),
                epochs: curves.valid.len(),
                steps: curves.steps(),
                best_valid_loss_nats_per_token: losses().reduce(f64::min),
                last_valid_loss_nats_per_token: losses().next_back(),
                comparable: first.is_some() && held_out(run) == first,
            }
        })
        .collect();
    let named: Vec<NamedCurves> =
        names.iter().zip(&all).map(|(name, curves)| NamedCurves { run: Some(name), curves }).collect();
    run_charts::losses(&args.out, &named, &[])?;
    let comparison = Comparison { picture: args.out.display().to_string(), runs, settings: settings(&args.runs)? };
    if args.json {
        return print_json(&comparison);
    }
    let (first, others) = comparison.runs.split_first().expect("there are at least two");
    if !first.comparable {
        status(&format!("warning: the validation data of {} is unknown: it has no model", first.run));
    }
    for run in others.iter().filter(|run| first.comparable && !run.comparable) {
        status(&format!(
            "warning: {} was not evaluated on the held-out tokens of {}: its losses are drawn, but are not \
             comparable",
            run.run, first.run
        ));
    }
    status(&format!("chart: {}", comparison.picture));
    print(&table(&comparison))
}

/// The keys in which the configurations differ.
fn settings(runs: &[std::path::PathBuf]) -> Result<Vec<(String, Vec<String>)>> {
    let mut tables = Vec::new();
    for run in runs {
        let path = run.join(CONFIG);
        let text = durable::read::small_text(&path).map_err(Error::io(&path, "read"))?;
        // As a table, for both kinds of configuration: the one of a run is complete.
        let config: toml::Table = parse_config(&text, &path.display().to_string())?;
        tables.push(flatten(&config));
    }
    let mut keys: Vec<String> = tables.iter().flat_map(|table| table.keys().cloned()).collect();
    keys.sort();
    keys.dedup();
    let values = keys.into_iter().map(|key| {
        let value = |table: &toml::Table| table.get(&key).map_or("–".into(), toml::Value::to_string);
        let values: Vec<String> = tables.iter().map(value).collect();
        (key, values)
    });
    Ok(values.filter(|(_, values)| values.iter().any(|value| *value != values[0])).collect())
}

fn table(comparison: &Comparison) -> String {
    let runs = &comparison.runs;
    let number = |number: Option<f64>| number.map_or("–".to_string(), |number| format!("{number:.3}"));
    let row = |name: &str, cell: &dyn Fn(&Column) -> String| {
        std::iter::once(name.to_string()).chain(runs.iter().map(cell)).collect::<Vec<_>>()
    };
    let mut rows = vec![
        row("", &|run| run.run.clone()),
        row("epochs", &|run| run.epochs.to_string()),
        row("steps", &|run| run.steps.to_string()),
        row("best loss", &|run| number(run.best_valid_loss_nats_per_token)),
        row("last loss", &|run| number(run.last_valid_loss_nats_per_token)),
    ];
    for (key, values) in &comparison.settings {
        rows.push(std::iter::once(key).chain(values).cloned().collect());
    }
    columns(rows)
}
