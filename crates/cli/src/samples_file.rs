//! `samples.md`: what the model wrote after each epoch, at three temperatures, to read.

use std::fmt::Write as _;
use std::path::Path;

use models::LanguageModel;
use trainer::{EpochReport, Heard, Marks, Observer, Plan, Retreat};

use crate::marked::Marked;
use crate::speaker::Speaker;

/// Cautious, balanced and as bold as the text itself.
const TEMPERATURES: [f64; 3] = [0.2, 0.5, 1.0];

/// The observer that writes samples down.
pub struct SamplesFile {
    file: Marked,
    speaker: Speaker,
}

impl SamplesFile {
    /// Writes `samples.md` in `run`.
    pub fn new(run: &Path, speaker: Speaker) -> Self {
        Self { file: Marked::new(run, "samples.md"), speaker }
    }
}

impl Observer for SamplesFile {
    fn planned(&mut self, plan: &Plan) -> Heard {
        match self.file.open(&plan.marks)? {
            true => self.file.append("# Samples\n"),
            false => Ok(()),
        }
    }

    fn epoch_ended(&mut self, epoch: &EpochReport, model: &LanguageModel) -> Heard {
        let mut text = String::new();
        let loss = epoch.valid_loss_nats_per_token;
        writeln!(text, "\n## Epoch {}, validation loss {loss:.3} nats a token", epoch.epoch)?;
        for temperature in TEMPERATURES {
            let sample = self.speaker.speak_once(model, temperature, epoch.step)?;
            writeln!(text, "\nTemperature {temperature}:\n\n> {sample}")?;
        }
        self.file.append(&text)
    }

    fn saving(&mut self, marks: &mut Marks) -> Heard {
        self.file.mark(marks)
    }

    fn retreated(&mut self, retreat: &Retreat) -> Heard {
        // The weights after these steps will be others.
        self.speaker.forget();
        self.file.go_back(&retreat.marks)
    }
}
