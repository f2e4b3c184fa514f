//! `samples.md`: what the network said after each epoch, to read.

use std::fmt::Write as _;
use std::path::Path;

use trainer::{EpochReport, Heard, Marks, Observer, Plan, Retreat};

use crate::observers::rewindable_file::Marked;
use crate::observers::sampling::Speaker;

/// The observer that writes samples down.
pub struct SamplesFile<M> {
    file: Marked,
    speaker: Speaker<M>,
}

impl<M> SamplesFile<M> {
    /// Writes `samples.md` in `run`.
    pub fn new(run: &Path, speaker: Speaker<M>) -> Self {
        Self { file: Marked::new(run, "samples.md"), speaker }
    }
}

impl<M> Observer<M> for SamplesFile<M> {
    fn planned(&mut self, plan: &Plan) -> Heard {
        match self.file.open(&plan.marks)? {
            true => self.file.append("# Samples\n"),
            false => Ok(()),
        }
    }

    fn epoch_ended(&mut self, epoch: &EpochReport, model: &M) -> Heard {
        let mut text = String::new();
        let loss = epoch.valid_loss_nats_per_token;
        writeln!(text, "\n## Epoch {}, validation loss {loss:.3} nats a token", epoch.epoch)?;
        for &temperature in self.speaker.temperatures() {
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
