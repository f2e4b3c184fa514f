//! `metrics.jsonl`: metrics as one JSON object per line, written during a run and read for charts.

use std::path::Path;

use durable::read;
use serde::Deserialize;
use serde_json::{Value, json};
use trainer::{EpochReport, FileOffsets, Observer, ObserverResult, Plan, Rollback, StepReport};

use crate::error::{Error, Result};
use crate::observers::rewindable_file::RewindableFile;

/// The file's name in a run directory.
pub const NAME: &str = "metrics.jsonl";
/// A step line is written every this many steps of an epoch.
pub const LOG_EVERY_STEPS: usize = 50;

/// The observer that writes `metrics.jsonl`.
pub struct MetricsFile {
    file: RewindableFile,
}

impl MetricsFile {
    /// Writes `metrics.jsonl` in `run`.
    pub fn new(run: &Path) -> Self {
        Self { file: RewindableFile::new(run, NAME) }
    }

    fn write(&mut self, line: &Value) -> ObserverResult {
        self.file.append(&format!("{line}\n"))
    }
}

impl<M> Observer<M> for MetricsFile {
    fn on_start(&mut self, plan: &Plan) -> ObserverResult {
        self.file.open(&plan.file_offsets)?;
        Ok(())
    }

    fn on_step(&mut self, step: &StepReport) -> ObserverResult {
        if !step.step.is_multiple_of(LOG_EVERY_STEPS) {
            return Ok(());
        }
        self.write(&json!({
            "event": "step",
            "epoch": step.epoch,
            "step": step.step,
            "steps": step.steps,
            "step_of_run": step.step_of_run,
            "train_loss_nats_per_token": step.loss_nats_per_token,
            "step_loss_nats_per_token": step.step_loss_nats_per_token,
            "learning_rate": step.learning_rate,
            "tokens_per_second": step.tokens_per_second,
        }))
    }

    fn on_epoch_end(&mut self, epoch: &EpochReport, _model: &M) -> ObserverResult {
        let mut line = json!({"event": "epoch", "valid_perplexity": epoch.valid_perplexity()});
        if let (Value::Object(line), Value::Object(report)) = (&mut line, json!(epoch)) {
            line.extend(report);
        }
        self.write(&line)
    }

    fn before_checkpoint(&mut self, offsets: &mut FileOffsets) -> ObserverResult {
        self.file.record_offset(offsets)
    }

    fn on_rollback(&mut self, rollback: &Rollback) -> ObserverResult {
        self.file.rewind(&rollback.file_offsets)?;
        self.write(&json!({
            "event": "retreat",
            "step_of_run": rollback.step,
            "reason": rollback.reason,
            "learning_rate": rollback.learning_rate,
            "halvings": rollback.halvings,
        }))
    }
}

/// The curves of a run: points (step of the run, value).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curves {
    /// Training losses in nats/token, each the mean of 50 steps, or of an epoch if epochs are shorter than that.
    pub train: Vec<(f64, f64)>,
    /// Validation losses in nats/token.
    pub valid: Vec<(f64, f64)>,
    /// Learning rates.
    pub learning_rate: Vec<(f64, f64)>,
}

impl Curves {
    /// The last step with a recorded loss.
    pub fn steps(&self) -> u64 {
        let points = self.train.iter().chain(&self.valid);
        points.map(|point| point.0 as u64).max().unwrap_or(0)
    }
}

/// Reads the curves of `run`.
///
/// # Errors
/// If the file cannot be read or a line is not valid JSON.
pub fn read_curves(run: &Path) -> Result<Curves> {
    let mut curves = Curves::default();
    let mut epochs = Vec::new();
    let mut previous = EpochPosition::default();
    for value in lines(run)? {
        let point = |step: &str, value_of: &str| Some((value[step].as_f64()?, value[value_of].as_f64()?));
        match value["event"].as_str() {
            Some("step") => {
                let position = EpochPosition::deserialize(&value).ok();
                curves.train.extend(position.and_then(|position| position.mean_since(&previous)));
                previous = position.unwrap_or_default();
                curves.learning_rate.extend(point("step_of_run", "learning_rate"));
            }
            Some("epoch") => {
                curves.valid.extend(point("step", "valid_loss_nats_per_token"));
                epochs.extend(point("step", "train_loss_nats_per_token"));
            }
            _ => {}
        }
    }
    if curves.train.is_empty() {
        // The epochs are too short for step lines.
        curves.train = epochs;
    }
    Ok(curves)
}

/// The progress of an epoch at a step line.
#[derive(Clone, Copy, Default, Deserialize)]
struct EpochPosition {
    epoch: u64,
    step: f64,
    step_of_run: f64,
    /// The mean training loss of the epoch so far.
    #[serde(rename = "train_loss_nats_per_token")]
    mean: f64,
}

impl EpochPosition {
    /// The mean loss of the steps since the line `previous`; the loss of a single step is noisy.
    fn mean_since(self, previous: &Self) -> Option<(f64, f64)> {
        let (steps, sum) = if previous.epoch == self.epoch {
            (self.step - previous.step, self.mean * self.step - previous.mean * previous.step)
        } else {
            (self.step, self.mean * self.step)
        };
        (steps > 0.0).then(|| (self.step_of_run, sum / steps))
    }
}

/// All complete lines of `run`: a last line without a line break is ignored.
fn lines(run: &Path) -> Result<Vec<Value>> {
    let path = run.join(NAME);
    let text = read::file(&path).and_then(read::utf8).map_err(Error::io(&path, "read"))?;
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    let line = |(at, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|error| Error::new(format!("{}, line {}: {error}", path.display(), at + 1)))
    };
    text[..whole].lines().enumerate().map(line).collect()
}

/// The lines of `run` without times and speeds, which differ between any two runs.
///
/// # Errors
/// If the file cannot be read or a line is not valid JSON.
pub fn lines_without_times(run: &Path) -> Result<Vec<Value>> {
    let mut lines = lines(run)?;
    for object in lines.iter_mut().filter_map(Value::as_object_mut) {
        object.retain(|key, _| !key.contains("second"));
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollback_keeps_what_was_written_before_the_checkpoint() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        std::fs::write(&path, "{\"a\":1}\n{\"a\":2}\n{\"a").unwrap();
        let mut file = MetricsFile::new(folder.path());
        file.file.open(&FileOffsets::from([(NAME.into(), 8)])).unwrap();
        let mut offsets = FileOffsets::new();
        <MetricsFile as Observer>::before_checkpoint(&mut file, &mut offsets).unwrap();
        assert_eq!(offsets[NAME], 8);
        file.write(&json!({"a": 3})).unwrap();
        let rollback = Rollback {
            reason: "diverged".into(),
            step: 7,
            learning_rate: 0.5,
            halvings: 1,
            reports: Vec::new(),
            file_offsets: offsets,
        };
        <MetricsFile as Observer>::on_rollback(&mut file, &rollback).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((lines.len(), lines[0]), (2, "{\"a\":1}"));
        assert!(lines[1].contains("\"reason\":\"diverged\""), "{text}");
    }

    #[test]
    fn curves_are_read_with_the_step_of_the_run() {
        let folder = tempfile::tempdir().unwrap();
        let lines = [
            json!({"event": "step", "epoch": 1, "step": 50, "step_of_run": 50,
                   "train_loss_nats_per_token": 4.5, "learning_rate": 0.1, "tokens_per_second": 3.0}),
            json!({"event": "step", "epoch": 1, "step": 100, "step_of_run": 100,
                   "train_loss_nats_per_token": 4.0, "learning_rate": 0.1}),
            json!({"event": "step", "epoch": 2, "step": 50, "step_of_run": 160,
                   "train_loss_nats_per_token": 3.0, "learning_rate": 0.1}),
            json!({"event": "epoch", "step": 60, "valid_loss_nats_per_token": 4.0, "seconds": 2.0}),
        ];
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        std::fs::write(folder.path().join(NAME), &text).unwrap();
        let expected = Curves {
            train: vec![(50.0, 4.5), (100.0, 3.5), (160.0, 3.0)],
            valid: vec![(60.0, 4.0)],
            learning_rate: vec![(50.0, 0.1), (100.0, 0.1), (160.0, 0.1)],
        };
        assert_eq!(read_curves(folder.path()).unwrap(), expected);
        let without_times = lines_without_times(folder.path()).unwrap();
        assert_eq!(without_times[3], json!({"event": "epoch", "step": 60, "valid_loss_nats_per_token": 4.0}));
        std::fs::write(folder.path().join(NAME), text.clone() + "{\"ev").unwrap();
        assert_eq!(read_curves(folder.path()).unwrap(), expected);
        std::fs::write(folder.path().join(NAME), text + "{\"ev\n").unwrap();
        assert!(read_curves(folder.path()).unwrap_err().to_string().contains("line 5"));
    }
}
