//! `samples.md`: what the model wrote after each epoch, at three temperatures, to read.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use models::LanguageModel;
use trainer::{EpochReport, Heard, Observer, Plan};

use crate::error::{Error, Result};
use crate::speaker::Speaker;

/// Cautious, balanced and as bold as the text itself.
const TEMPERATURES: [f64; 3] = [0.2, 0.5, 1.0];

/// The observer that writes samples down.
pub struct SamplesFile {
    path: PathBuf,
    done: usize,
    text: String,
    speaker: Speaker,
}

impl SamplesFile {
    /// Writes `samples.md` in `run`, of which `done` epochs are finished.
    pub fn new(run: &Path, done: usize, speaker: Speaker) -> Self {
        Self { path: run.join("samples.md"), done, text: "# Samples\n".into(), speaker }
    }

    /// Takes over the samples of the finished epochs.
    fn take_over(&mut self) -> Result<()> {
        if self.done == 0 {
            return Ok(());
        }
        match std::fs::read_to_string(&self.path) {
            Ok(written) => {
                let from = written.find(&heading(self.done + 1)).unwrap_or(written.len());
                self.text = written[..from].to_string();
                Ok(())
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(Error::io(&self.path, "read")(error)),
        }
    }
}

fn heading(epoch: usize) -> String {
    format!("\n## Epoch {epoch},")
}

impl Observer for SamplesFile {
    fn planned(&mut self, _plan: &Plan) -> Heard {
        Ok(self.take_over()?)
    }

    fn epoch_ended(&mut self, epoch: &EpochReport, model: &LanguageModel) -> Heard {
        let text = &mut self.text;
        let loss = epoch.valid_loss_nats_per_token;
        writeln!(text, "{} validation loss {loss:.3} nats a token", heading(epoch.epoch))?;
        for temperature in TEMPERATURES {
            let sample = self.speaker.speak(model, temperature)?;
            writeln!(text, "\nTemperature {temperature}:\n\n> {sample}")?;
        }
        Ok(models::artifact::write_atomically(&self.path, text.as_bytes())?)
    }
}
