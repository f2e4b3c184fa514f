//! `runs`: lists all runs in a folder, the newest first, with progress, best loss, age and size.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use args::Runs;
use durable::Lock;
use models::bundle::{MANIFEST, read_metadata};
use serde::Serialize;
use trainer::{Checkpoints, Progress};

use crate::error::{Result, bail};
use crate::output::{print, print_json, status};
use crate::run::directory;
use crate::run::init::CONFIG;
use crate::view::format::{decimals, duration};

/// One run.
#[derive(Serialize)]
struct Row {
    run: String,
    state: String,
    epochs: usize,
    epochs_planned: Option<usize>,
    steps: u64,
    best_valid_loss_nats_per_token: Option<f64>,
    /// The same loss in bits per byte, which runs with different tokens have in common, from the report of a finished run.
    bits_per_byte: Option<f64>,
    /// Since the last change of a file.
    age_seconds: f64,
    bytes: u64,
}

/// Runs the command.
pub fn run(args: &Runs) -> Result<()> {
    let folder = args.folder.as_deref().unwrap_or(Path::new(directory::RUNS));
    // The default folder appears with the first run.
    if args.folder.is_some() && !folder.is_dir() {
        bail!("{} is not a folder; expected one that holds runs, such as {}", folder.display(), directory::RUNS);
    }
    let mut runs: Vec<Row> = directory::list(folder)?.iter().filter_map(|path| row(path)).collect();
    runs.sort_by(|one, other| one.age_seconds.total_cmp(&other.age_seconds));
    if args.json {
        return print_json(&BTreeMap::from([("runs", runs)]));
    }
    if runs.is_empty() {
        status(&format!(
            "no runs under {}: train one with `cargo xtask train` (or `pastiche train`)",
            folder.display()
        ));
        return Ok(());
    }
    print(&table(&runs))
}

/// The row of the run in `path`; `None` if it is not a run.
fn row(path: &Path) -> Option<Row> {
    if !path.join(CONFIG).is_file() && !path.join(MANIFEST).is_file() {
        return None;
    }
    let progress = Checkpoints::of(path).progress();
    let model = read_metadata(path).ok();
    let (changed, bytes) = changed_and_size(path);
    let broken = progress.is_err();
    let progress = progress.ok().flatten();
    let state = match (Lock::holder(path), &progress) {
        (Some(process), _) => format!("running, process {process}"),
        _ if broken => "damaged".into(),
        (None, Some(progress)) if progress.is_finished() => "finished".into(),
        (None, Some(progress)) if progress.should_stop_early() => "finished early".into(),
        (None, Some(_)) => "unfinished".into(),
        (None, None) if model.as_ref().is_some_and(|model| model.epochs == 0) => "imported model".into(),
        (None, None) if model.is_some() => "model".into(),
        (None, None) if directory::is_in_pretraining(path) => "in pretraining".into(),
        (None, None) => "not started".into(),
    };
    let best = progress.as_ref().and_then(Progress::best);
    Some(Row {
        run: path.display().to_string(),
        state,
        epochs: progress.as_ref().map_or(0, |progress| progress.epochs.len()),
        epochs_planned: progress.as_ref().map(|progress| progress.config.epochs),
        steps: progress.as_ref().map_or(0, |progress| progress.steps),
        best_valid_loss_nats_per_token: best
            .map(|best| best.valid_loss_nats_per_token)
            .or_else(|| model.and_then(|about| about.valid_loss())),
        bits_per_byte: bits_per_byte(path),
        age_seconds: changed.elapsed().map_or(0.0, |age| age.as_secs_f64()),
        bytes,
    })
}

/// The loss of the model in bits per byte, as the report in `run` says.
pub(super) fn bits_per_byte(run: &Path) -> Option<f64> {
    let report = durable::read::small_text(&run.join("score.json")).ok()?;
    serde_json::from_str::<serde_json::Value>(&report).ok()?["rows"][0]["bits_per_byte"].as_f64()
}

/// The time of the last change in `folder`, and its size in bytes.
fn changed_and_size(folder: &Path) -> (SystemTime, u64) {
    let mut changed = SystemTime::UNIX_EPOCH;
    let mut bytes = 0;
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(data) = entry.metadata() else { continue };
            if data.is_dir() {
                folders.push(entry.path());
                continue;
            }
            bytes += data.len();
            if entry.file_name() == durable::lock::FILE {
                // A rejected `--resume` writes it, too.
                continue;
            }
            changed = changed.max(data.modified().unwrap_or(SystemTime::UNIX_EPOCH));
        }
    }
    (changed, bytes)
}

fn table(runs: &[Row]) -> String {
    let heading = ["run", "state", "epochs", "best loss", "bits/byte", "age", "size"].map(String::from);
    let number = |number: Option<f64>| number.map_or("–".into(), |number| decimals(number, 3));
    let rows = runs.iter().map(|row| {
        [
            row.run.clone(),
            row.state.clone(),
            match row.epochs_planned {
                Some(planned) => format!("{} of {planned}", row.epochs),
                None => "–".into(),
            },
            number(row.best_valid_loss_nats_per_token),
            number(row.bits_per_byte),
            duration(row.age_seconds),
            format!("{:.1} MB", row.bytes as f64 / 1e6),
        ]
    });
    crate::output::columns(std::iter::once(heading).chain(rows))
}
