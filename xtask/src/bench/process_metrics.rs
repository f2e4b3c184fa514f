//! Measurements of whole Pastiche processes: peak memory of training, and time to the first generated token.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::process::{finish, start};
use super::program::Program;
use super::results::Measured;
use super::workloads::{Kind, Workload};
use crate::cargo::root;
use crate::output;

/// The configuration of the Keras baseline, for which the targets were set.
pub const BASELINE_CONFIG: &str = "keras-baseline.toml";
/// Used if the text of the Keras baseline is missing.
pub const SUBSTITUTE_CONFIG: &str = "lstm.toml";

/// Where `fetch aesop` writes the text.
const BASELINE_TEXT: &str = "datasets/aesop/aesop.txt";
/// The minimum number of timed starts; each takes only milliseconds.
const MIN_STARTS: usize = 7;
/// The time between two reads of a training process's memory.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// Trains for an epoch in an empty folder and measures the requested properties of that process and of its model.
pub fn measure(
    folder: &Path,
    program: &Program,
    workloads: &[&'static Workload],
    repetitions: usize,
    text: Option<&Path>,
) -> Result<Vec<Measured>, String> {
    if workloads.is_empty() {
        return Ok(Vec::new());
    }
    let log = folder.join("log");
    let config = prepare(program, text, folder, &log)?;
    output::status(format_args!("training an epoch of {config}"));
    let peak = train(program, config, folder, &log)?;
    let mut all = Vec::new();
    for &workload in workloads {
        let values = if workload.kind == Kind::FirstToken {
            output::status(workload.name);
            first_token_times(program, repetitions.max(MIN_STARTS), folder, &log)?
        } else {
            peak.into_iter().collect()
        };
        all.push(Measured { workload, config, values: vec![values], others: None });
    }
    Ok(all)
}

/// Copies the baseline's text to where training reads it, and returns the configuration. If the text is missing,
/// that is [`SUBSTITUTE_CONFIG`], which trains on the built-in fables.
fn prepare(program: &Program, text: Option<&Path>, folder: &Path, log: &Path) -> Result<&'static str, String> {
    let fetched: PathBuf = root().join(BASELINE_TEXT);
    let Some(text) = text.or_else(|| fetched.exists().then_some(&fetched)) else {
        output::status(format_args!(
            "{BASELINE_TEXT} is missing and --text is not set: measuring {SUBSTITUTE_CONFIG} instead of \
             {BASELINE_CONFIG}"
        ));
        return Ok(SUBSTITUTE_CONFIG);
    };
    let text = std::path::absolute(text).map_err(|error| format!("{} cannot be found: {error}", text.display()))?;
    let mut fetch = program.command();
    fetch.args(["fetch", "aesop", "--from"]).arg(text);
    finish(&mut start(fetch.stdout(Stdio::null()), folder, log)?, log, POLL_INTERVAL, |_| ())?;
    Ok(BASELINE_CONFIG)
}

/// Trains an epoch and returns the peak resident memory in MB; `None` without `/proc`.
fn train(program: &Program, config: &str, folder: &Path, log: &Path) -> Result<Option<f64>, String> {
    let mut train = program.command();
    train.args(["train", "--no-tui", "--out", "model", "--set", "train.epochs=1", "--config"]);
    train.arg(root().join("configs").join(config));
    program.on_device(&mut train);
    let mut child = start(train.stdout(Stdio::null()), folder, log)?;
    let mut peak = None;
    finish(&mut child, log, POLL_INTERVAL, |id| peak = peak_megabytes(id).or(peak))?;
    Ok(peak)
}

/// Milliseconds from process start to the first output byte, for `count` starts after one that only fills the
/// file cache.
fn first_token_times(program: &Program, count: usize, folder: &Path, log: &Path) -> Result<Vec<f64>, String> {
    let mut all = Vec::new();
    for _ in 0..=count {
        let mut generate = program.command();
        generate.args(["generate", "--model", "model", "--max-tokens", "1", "--seed", "1"]);
        program.on_device(&mut generate);
        let started = Instant::now();
        let mut child = start(generate.stdout(Stdio::piped()), folder, log)?;
        let mut stdout = child.stdout.take().expect("piped");
        // There is no prompt, so the first byte belongs to the first token.
        let first = stdout.read_exact(&mut [0]);
        let elapsed = started.elapsed();
        // Read to the end, so that the process does not write into a closed pipe.
        let rest = stdout.read_to_end(&mut Vec::new());
        finish(&mut child, log, POLL_INTERVAL, |_| ())?;
        first.and(rest).map_err(|error| format!("generate printed nothing: {error}"))?;
        all.push(1e3 * elapsed.as_secs_f64());
    }
    all.remove(0);
    Ok(all)
}

/// The peak so far of a running process (Linux). It never falls, so the last poll misses only what happened in
/// the last milliseconds.
fn peak_megabytes(process: u32) -> Option<f64> {
    parse_peak(&std::fs::read_to_string(format!("/proc/{process}/status")).ok()?)
}

fn parse_peak(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_converted_to_megabytes() {
        let status = "Name:\tpastiche\nVmPeak:\t  900000 kB\nVmHWM:\t  100000 kB\nVmRSS:\t 5 kB\n";
        assert_eq!(parse_peak(status), Some(102.4));
        assert_eq!(parse_peak("Name:\tpastiche\nState:\tZ (zombie)\n"), None);
    }

    #[cfg(unix)]
    mod with_scripts {
        use super::super::*;
        use crate::bench::workloads::WORKLOADS;

        /// A program whose commands are scripts in `folder`.
        fn program(folder: &Path, train: &str) -> Program {
            let scripts = [("train", train), ("generate", "cat model/word"), ("fetch", "test -f $3")];
            for (name, script) in scripts {
                std::fs::write(folder.join(name), script).unwrap();
            }
            Program::of_scripts()
        }

        fn workloads() -> Vec<&'static Workload> {
            WORKLOADS.iter().filter(|workload| !workload.is_for_workers()).collect()
        }

        #[test]
        fn training_and_generation_are_measured() {
            let folder = tempfile::tempdir().unwrap();
            let program = program(folder.path(), "mkdir model; echo once > model/word");
            let text = folder.path().join("text.txt");
            std::fs::write(&text, "Once").unwrap();
            let all = measure(folder.path(), &program, &workloads(), 9, Some(&text)).unwrap();
            let names: Vec<_> = all.iter().map(|m| (m.workload.name, m.config)).collect();
            assert_eq!(names, [("peak-memory", BASELINE_CONFIG), ("first-token", BASELINE_CONFIG)]);
            assert_eq!(all[1].values[0].len(), 9);
            assert!(all[1].values[0].iter().all(|&milliseconds| milliseconds > 0.0));
        }

        #[test]
        fn the_message_of_a_failed_program_is_quoted() {
            let folder = tempfile::tempdir().unwrap();
            let program = program(folder.path(), "echo 'no room' >&2; exit 2");
            let folder = folder.path();
            let error = train(&program, "lstm.toml", folder, &folder.join("log")).unwrap_err();
            assert!(error.contains("exit status: 2") && error.contains("no room"), "{error}");
        }

        #[test]
        fn a_program_that_prints_nothing_is_an_error() {
            let folder = tempfile::tempdir().unwrap();
            let program = program(folder.path(), "");
            std::fs::create_dir(folder.path().join("model")).unwrap();
            std::fs::write(folder.path().join("model/word"), "").unwrap();
            let log = folder.path().join("log");
            let error = first_token_times(&program, 1, folder.path(), &log).unwrap_err();
            assert!(error.contains("printed nothing"), "{error}");
        }
    }
}
