//! `compare`: draws the losses of several runs and prints their results and settings side by side.

use std::path::{Path, PathBuf};

use args::Compare;
use models::bundle::{MANIFEST, read_metadata, read_tokenizer};
use serde::Serialize;
use text_prep::clean::PRESETS;
use text_prep::{Cleaner, RuleSpec};
use trainer::Checkpoints;

use super::runs::bits_per_byte;
use crate::config::{flatten, parse_config};
use crate::error::{Error, Result};
use crate::observers::metrics_file::{self, Curves, read_curves};
use crate::output::{columns, print, print_json, status};
use crate::report::run_charts::{self, NamedCurves};
use crate::run::directory;
use crate::run::init::{CONFIG, check_is_run, check_was_trained};
use crate::view::format::decimals;

/// The results of one run.
#[derive(Serialize)]
struct Column {
    run: String,
    epochs: usize,
    steps: u64,
    best_valid_loss_nats_per_token: Option<f64>,
    last_valid_loss_nats_per_token: Option<f64>,
    /// The best loss in bits per byte, from the report of a finished run.
    bits_per_byte: Option<f64>,
    /// Whether its losses are comparable to the first run's: the same held-out text with the same vocabulary.
    comparable: bool,
}

/// The output.
#[derive(Serialize)]
struct Comparison {
    /// The chart; none if no run has a loss yet.
    picture: Option<String>,
    runs: Vec<Column>,
    /// The settings that differ: the key, and the value of each run.
    settings: Vec<(String, Vec<String>)>,
}

/// Runs the command.
pub fn run(args: &Compare) -> Result<()> {
    let args = &Compare { runs: args.runs.iter().map(|run| directory::resolve(run)).collect(), ..args.clone() };
    for run in &args.runs {
        if !run.join(metrics_file::NAME).is_file() {
            check_was_trained(run, "it has no metrics to compare; `evaluate` measures its loss")?;
        }
        check_is_run(run)?;
    }
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
                bits_per_byte: bits_per_byte(run),
                comparable: first.is_some() && held_out(run) == first,
            }
        })
        .collect();
    let named: Vec<NamedCurves> =
        names.iter().zip(&all).map(|(name, curves)| NamedCurves { run: Some(name), curves }).collect();
    let settings = settings(&args.runs)?;
    let out = args.out.clone().unwrap_or_else(|| args.runs[0].with_file_name("compare.svg"));
    let is_drawn = all.iter().any(|curves| curves.steps() > 0);
    if is_drawn {
        run_charts::losses(&out, &named, &[])?;
    }
    let picture = is_drawn.then(|| out.display().to_string());
    let comparison = Comparison { picture, runs, settings };
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
    match &comparison.picture {
        Some(picture) => status(&format!("chart: {picture}")),
        None => status("no chart is drawn, because no run has a loss yet"),
    }
    print(&table(&comparison))
}

/// The keys in which the configurations differ.
fn settings(runs: &[PathBuf]) -> Result<Vec<(String, Vec<String>)>> {
    let mut tables = Vec::new();
    for run in runs {
        let path = run.join(CONFIG);
        let text = durable::read::small_text(&path).map_err(Error::io(&path, "read"))?;
        // As a table, for both kinds of configuration: the one of a run is complete.
        let config: toml::Table = parse_config(&text, &path.display().to_string())?;
        tables.push(with_list_entries(flatten(&with_preset(config))));
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

/// The configuration with the name of a cleaning preset instead of its rules, which is what a fine-tuned run has in its
/// place: the rules of the model that it started from.
fn with_preset(mut config: toml::Table) -> toml::Table {
    let Some(clean) = config.get_mut("clean").and_then(toml::Value::as_table_mut) else { return config };
    let rules = clean.get("rules").and_then(|rules| rules.clone().try_into::<Vec<RuleSpec>>().ok());
    let preset = rules.and_then(|rules| {
        let has_these_rules = |name: &&&str| Cleaner::preset(name).is_ok_and(|preset| preset.rules() == rules);
        PRESETS.iter().find(has_these_rules)
    });
    if let Some(preset) = preset {
        clean.remove("rules");
        clean.insert("preset".into(), toml::Value::String(preset.to_string()));
    }
    config
}

/// The values with a row for each key of each entry of a list of tables, such as `model.layers[0].units`.
fn with_list_entries(values: toml::Table) -> toml::Table {
    let mut entries = toml::Table::new();
    for (key, value) in values {
        match &value {
            toml::Value::Array(list) if !list.is_empty() && list.iter().all(toml::Value::is_table) => {
                for (at, entry) in list.iter().enumerate() {
                    for (name, value) in with_list_entries(flatten(entry)) {
                        entries.insert(format!("{key}[{at}].{name}"), value);
                    }
                }
            }
            _ => drop(entries.insert(key, value)),
        }
    }
    entries
}

fn table(comparison: &Comparison) -> String {
    let runs = &comparison.runs;
    let number = |number: Option<f64>| number.map_or("–".to_string(), |number| decimals(number, 3));
    let row = |name: &str, cell: &dyn Fn(&Column) -> String| {
        std::iter::once(name.to_string()).chain(runs.iter().map(cell)).collect::<Vec<_>>()
    };
    let mut rows = vec![
        row("", &|run| run.run.clone()),
        row("epochs", &|run| run.epochs.to_string()),
        row("steps", &|run| run.steps.to_string()),
        row("best loss", &|run| number(run.best_valid_loss_nats_per_token)),
        row("last loss", &|run| number(run.last_valid_loss_nats_per_token)),
        row("bits/byte", &|run| number(run.bits_per_byte)),
    ];
    for (key, values) in &comparison.settings {
        rows.push(std::iter::once(key).chain(values).cloned().collect());
    }
    columns(rows)
}
