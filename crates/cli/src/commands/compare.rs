//! `compare`: the losses of several runs in one picture, and their numbers side by side.

use std::path::Path;

use args::Compare;
use models::artifact::{MANIFEST, about_any, tokenizer};
use serde::Serialize;
use trainer::Checkpoints;

use crate::error::{Error, Result};
use crate::observers::metrics_file::{Curves, curves};
use crate::output::{columns, print, print_json, tell};
use crate::report::run_charts::{self, Named};
use crate::run::init::{CONFIG, is_run};

/// What is told of one run.
#[derive(Serialize)]
struct Column {
    run: String,
    epochs: usize,
    steps: u64,
    best_valid_loss_nats_per_token: Option<f64>,
    last_valid_loss_nats_per_token: Option<f64>,
    /// Whether its losses can be held against the first run's: the same held-out text in the same tokens.
    comparable: bool,
}

/// All of it.
#[derive(Serialize)]
struct Comparison {
    picture: String,
    runs: Vec<Column>,
    /// Settings that differ: key and one value a run.
    settings: Vec<(String, Vec<String>)>,
}

/// Runs the command.
pub fn run(args: &Compare) -> Result<()> {
    args.runs.iter().try_for_each(|run| is_run(run))?;
    let all: Vec<Curves> = args.runs.iter().map(|run| curves(run)).collect::<Result<_>>()?;
    let names: Vec<String> = args.runs.iter().map(|run| run.display().to_string()).collect();
    // Ids say the same of two texts whose words are exchanged one for one: all three must agree.
    let held_out = |run: &Path| {
        // A run that is not finished may have no model yet.
        let newest = Checkpoints::of(run).newest_path().ok();
        let place = if run.join(MANIFEST).is_file() { run.to_path_buf() } else { newest? };
        let about = about_any(&place).ok()?;
        Some((about.valid_sha256, about.window, tokenizer(&place).ok()?))
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
    let named: Vec<Named> =
        names.iter().zip(&all).map(|(name, curves)| Named { run: Some(name), curves }).collect();
    run_charts::losses(&args.out, &named, &[])?;
    let comparison = Comparison {
        picture: args.out.display().to_string(),
        runs,
        settings: settings(&args.runs)?,
    };
    if args.json {
        return print_json(&comparison);
    }
    let (first, others) = comparison.runs.split_first().expect("there are two at the least");
    if !first.comparable {
        tell(&format!("warning: nothing says what judged {}: it has no model", first.run));
    }
    for run in others.iter().filter(|run| first.comparable && !run.comparable) {
        tell(&format!(
            "warning: {} was not judged by the held-out tokens of {}: its losses are drawn, but not to be \
             held against the others",
            run.run, first.run
        ));
    }
    tell(&format!("drawn in {}", comparison.picture));
    print(&table(&comparison))
}

/// The keys in which the configurations differ.
fn settings(runs: &[std::path::PathBuf]) -> Result<Vec<(String, Vec<String>)>> {
    let mut tables = Vec::new();
    for run in runs {
        let path = run.join(CONFIG);
        let text = std::fs::read_to_string(&path).map_err(Error::io(&path, "read"))?;
        // A run's configuration is complete, whatever it is about.
        let config: toml::Table = crate::config::parse(&text, &path.display().to_string())?;
        tables.push(crate::config::flat(&config));
    }
    let mut keys: Vec<String> = tables.iter().flat_map(|table| table.keys().cloned()).collect();
    keys.sort();
    keys.dedup();
    let values = keys.into_iter().map(|key| {
        let value =
            |table: &toml::Table| table.get(&key).map_or("–".into(), toml::Value::to_string);
        let values: Vec<String> = tables.iter().map(value).collect();
        (key, values)
    });
    Ok(values.filter(|(_, values)| values.iter().any(|value| *value != values[0])).collect())
}

fn table(comparison: &Comparison) -> String {
    let runs = &comparison.runs;
    let number =
        |number: Option<f64>| number.map_or("–".to_string(), |number| format!("{number:.3}"));
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
