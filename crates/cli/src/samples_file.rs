//! `samples.md`: what the model wrote after each epoch, at three temperatures, to read.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use durable::Journal;
use models::LanguageModel;
use trainer::{EpochReport, Heard, Marks, Observer, Plan, Retreat};

use crate::speaker::Speaker;

/// The file's name in a run directory.
const NAME: &str = "samples.md";
/// Cautious, balanced and as bold as the text itself.
const TEMPERATURES: [f64; 3] = [0.2, 0.5, 1.0];

/// The observer that writes samples down.
pub struct SamplesFile {
    path: PathBuf,
    journal: Option<Journal>,
    speaker: Speaker,
}

impl SamplesFile {
    /// Writes `samples.md` in `run`.
    pub fn new(run: &Path, speaker: Speaker) -> Self {
        Self { path: run.join(NAME), journal: None, speaker }
    }

    fn write(&mut self, text: &str) -> Heard {
        let Some(journal) = &mut self.journal else { return Ok(()) };
        Ok(journal.append(text.as_bytes())?)
    }
}

impl Observer for SamplesFile {
    fn planned(&mut self, plan: &Plan) -> Heard {
        let keep = plan.marks.get(NAME).copied().unwrap_or(0);
        self.journal = Some(Journal::open(&self.path, keep)?);
        if keep == 0 { self.write("# Samples\n") } else { Ok(()) }
    }

    fn epoch_ended(&mut self, epoch: &EpochReport, model: &LanguageModel) -> Heard {
        let mut text = String::new();
        let loss = epoch.valid_loss_nats_per_token;
        writeln!(text, "\n## Epoch {}, validation loss {loss:.3} nats a token", epoch.epoch)?;
        for temperature in TEMPERATURES {
            let sample = self.speaker.speak_once(model, temperature, epoch.step)?;
            writeln!(text, "\nTemperature {temperature}:\n\n> {sample}")?;
        }
        self.write(&text)
    }

    fn saving(&mut self, marks: &mut Marks) -> Heard {
        if let Some(journal) = &mut self.journal {
            marks.insert(NAME.into(), journal.mark()?);
        }
        Ok(())
    }

    fn retreated(&mut self, retreat: &Retreat) -> Heard {
        match &mut self.journal {
            Some(journal) => Ok(journal.cut(retreat.marks.get(NAME).copied().unwrap_or(0))?),
            None => Ok(()),
        }
    }
}
