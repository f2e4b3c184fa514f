//! `metrics.jsonl`: one object a line, to plot from, and how it is read back.

use std::path::Path;

use serde_json::{Value, json};
use trainer::{EpochReport, Heard, Marks, Observer, Plan, Retreat, StepReport};

use crate::error::{Error, Result};
use crate::observers::rewindable_file::Marked;

/// The file's name in a run directory.
pub const NAME: &str = "metrics.jsonl";
/// Steps between two lines within an epoch.
pub const EVERY_STEPS: usize = 50;

/// The observer that writes numbers down.
pub struct MetricsFile {
    file: Marked,
}

impl MetricsFile {
    /// Writes `metrics.jsonl` in `run`.
    pub fn new(run: &Path) -> Self {
        Self { file: Marked::new(run, NAME) }
    }

    fn write(&mut self, line: &Value) -> Heard {
        self.file.append(&format!("{line}\n"))
    }
}

impl<M> Observer<M> for MetricsFile {
    fn planned(&mut self, plan: &Plan) -> Heard {
        self.file.open(&plan.marks)?;
        Ok(())
    }

    fn stepped(&mut self, step: &StepReport) -> Heard {
        if !step.step.is_multiple_of(EVERY_STEPS) {
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

    fn epoch_ended(&mut self, epoch: &EpochReport, _model: &M) -> Heard {
        let mut line = json!({"event": "epoch", "valid_perplexity": epoch.valid_perplexity()});
        if let (Value::Object(line), Value::Object(report)) = (&mut line, json!(epoch)) {
            line.extend(report);
        }
        self.write(&line)
    }

    fn saving(&mut self, marks: &mut Marks) -> Heard {
        self.file.mark(marks)
    }

    fn retreated(&mut self, retreat: &Retreat) -> Heard {
        self.file.go_back(&retreat.marks)?;
        self.write(&json!({
            "event": "retreat",
            "step_of_run": retreat.step,
            "reason": retreat.reason,
            "learning_rate": retreat.learning_rate,
            "halvings": retreat.halvings,
        }))
    }
}

/// What a run wrote down: points by the step of the run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curves {
    /// Mean training losses, nats a token, of 50 steps each; of whole epochs where these have fewer.
    pub train: Vec<(f64, f64)>,
    /// Validation losses, nats a token.
    pub valid: Vec<(f64, f64)>,
    /// The factors of updates.
    pub learning_rate: Vec<(f64, f64)>,
}

impl Curves {
    /// The last step that is told of.
    pub fn steps(&self) -> u64 {
        let points = self.train.iter().chain(&self.valid);
        points.map(|point| point.0 as u64).max().unwrap_or(0)
    }
}

/// Reads the curves of `run`.
///
/// # Errors
/// If the file cannot be read or holds a line that is no object.
pub fn curves(run: &Path) -> Result<Curves> {
    let mut curves = Curves::default();
    let mut epochs = Vec::new();
    let mut before = Within::default();
    for value in lines(run)? {
        let point =
            |step: &str, value_of: &str| Some((value[step].as_f64()?, value[value_of].as_f64()?));
        match value["event"].as_str() {
            Some("step") => {
                let within = Within::read(&value);
                curves.train.extend(within.and_then(|within| within.since(&before)));
                before = within.unwrap_or_default();
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
        // Epochs too short for a single line within them.
        curves.train = epochs;
    }
    Ok(curves)
}

/// How far an epoch had come at a line.
#[derive(Clone, Copy, Default)]
struct Within {
    epoch: u64,
    step: f64,
    step_of_run: f64,
    /// The mean training loss of the epoch so far.
    mean: f64,
}

impl Within {
    fn read(line: &Value) -> Option<Self> {
        Some(Self {
            epoch: line["epoch"].as_u64()?,
            step: line["step"].as_f64()?,
            step_of_run: line["step_of_run"].as_f64()?,
            mean: line["train_loss_nats_per_token"].as_f64()?,
        })
    }

    /// The mean loss of the steps since the line `before`: that of a single step says little.
    fn since(self, before: &Self) -> Option<(f64, f64)> {
        let (steps, sum) = match before.epoch == self.epoch {
            true => (self.step - before.step, self.mean * self.step - before.mean * before.step),
            false => (self.step, self.mean * self.step),
        };
        (steps > 0.0).then(|| (self.step_of_run, sum / steps))
    }
}

/// All lines of `run` but a last one that is being written, or was when its writer died.
fn lines(run: &Path) -> Result<Vec<Value>> {
    let path = run.join(NAME);
    let text = std::fs::read_to_string(&path).map_err(Error::io(&path, "read"))?;
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    let line = |(at, line): (usize, &str)| {
        serde_json::from_str(line)
            .map_err(|error| Error::new(format!("{}, line {}: {error}", path.display(), at + 1)))
    };
    text[..whole].lines().enumerate().map(line).collect()
}

/// The lines of `run` without times and speeds, which no two runs share.
///
/// # Errors
/// If the file cannot be read or holds a line that is no object.
pub fn timeless_lines(run: &Path) -> Result<Vec<Value>> {
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
    fn going_back_keeps_what_was_written_before_the_mark() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        std::fs::write(&path, "{\"a\":1}\n{\"a\":2}\n{\"a").unwrap();
        let mut file = MetricsFile::new(folder.path());
        file.file.open(&Marks::from([(NAME.into(), 8)])).unwrap();
        let mut marks = Marks::new();
        <MetricsFile as Observer>::saving(&mut file, &mut marks).unwrap();
        assert_eq!(marks[NAME], 8);
        file.write(&json!({"a": 3})).unwrap();
        let retreat = Retreat {
            reason: "too hot".into(),
            step: 7,
            learning_rate: 0.5,
            halvings: 1,
            reports: Vec::new(),
            marks,
        };
        <MetricsFile as Observer>::retreated(&mut file, &retreat).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((lines.len(), lines[0]), (2, "{\"a\":1}"));
        assert!(lines[1].contains("\"reason\":\"too hot\""), "{text}");
    }

    #[test]
    fn curves_are_read_by_the_step_of_the_run() {
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
        assert_eq!(curves(folder.path()).unwrap(), expected);
        let timeless = timeless_lines(folder.path()).unwrap();
        assert_eq!(
            timeless[3],
            json!({"event": "epoch", "step": 60, "valid_loss_nats_per_token": 4.0})
        );
        std::fs::write(folder.path().join(NAME), text.clone() + "{\"ev").unwrap();
        assert_eq!(curves(folder.path()).unwrap(), expected);
        std::fs::write(folder.path().join(NAME), text + "{\"ev\n").unwrap();
        assert!(curves(folder.path()).unwrap_err().to_string().contains("line 5"));
    }
}
