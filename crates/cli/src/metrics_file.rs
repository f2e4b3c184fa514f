//! `metrics.jsonl`: one object a line, to plot from.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use models::LanguageModel;
use serde_json::{Value, json};
use trainer::{EpochReport, Heard, Observer, Plan, StepReport};

use crate::error::{Error, Result};

/// Steps between two lines within an epoch.
const EVERY_STEPS: usize = 50;

/// The observer that writes numbers down.
pub struct MetricsFile {
    path: PathBuf,
    done: usize,
    /// Opened when the run is about to begin, not when it may still be refused.
    file: Option<File>,
}

impl MetricsFile {
    /// Writes `metrics.jsonl` in `run`, of which `done` epochs are finished.
    pub fn new(run: &Path, done: usize) -> Self {
        Self { path: run.join("metrics.jsonl"), done, file: None }
    }

    /// Opens the file, keeping the lines of finished epochs alone: what an interrupted epoch wrote
    /// will be written again.
    fn open(&mut self) -> Result<()> {
        let Self { path, done, .. } = self;
        let written = match std::fs::read_to_string(&*path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(Error::io(&*path, "read")(error)),
        };
        let epoch = |line: &str| {
            let value: Value = serde_json::from_str(line).ok()?;
            value["epoch"].as_u64()
        };
        let kept: String = written
            .lines()
            .filter(|line| epoch(line).is_some_and(|epoch| epoch as usize <= *done))
            .flat_map(|line| [line, "\n"])
            .collect();
        models::artifact::write_atomically(path, kept.as_bytes())?;
        let file = OpenOptions::new().append(true).open(&*path);
        self.file = Some(file.map_err(Error::io(&*path, "opened"))?);
        Ok(())
    }

    fn write(&mut self, line: &Value) -> Heard {
        let Some(file) = &mut self.file else { return Ok(()) };
        Ok(writeln!(file, "{line}").map_err(Error::io(&self.path, "written"))?)
    }
}

impl Observer for MetricsFile {
    fn planned(&mut self, _plan: &Plan) -> Heard {
        Ok(self.open()?)
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
            "train_loss_nats_per_token": step.loss_nats_per_token,
            "tokens_per_second": step.tokens_per_second,
        }))
    }

    fn epoch_ended(&mut self, epoch: &EpochReport, _model: &LanguageModel) -> Heard {
        let mut line = json!({"event": "epoch", "valid_perplexity": epoch.valid_perplexity()});
        if let (Value::Object(line), Value::Object(report)) = (&mut line, json!(epoch)) {
            line.extend(report);
        }
        self.write(&line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reopening_keeps_finished_epochs_and_drops_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let lines = "{\"epoch\":1,\"a\":1}\n{\"epoch\":2}\n{\"epoch\":3}\n{\"epo";
        std::fs::write(&path, lines).unwrap();
        let mut file = MetricsFile::new(folder.path(), 2);
        file.open().unwrap();
        file.write(&json!({"epoch": 3})).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, "{\"epoch\":1,\"a\":1}\n{\"epoch\":2}\n{\"epoch\":3}\n");
    }
}
