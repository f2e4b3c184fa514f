//! `samples.md`: what the model wrote after each epoch, at three temperatures, to read.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use models::LanguageModel;
use trainer::{EpochReport, Heard, Observer};

use crate::error::{Error, Result};
use crate::speaker::Speaker;

/// Cautious, balanced and as bold as the text itself.
const TEMPERATURES: [f64; 3] = [0.2, 0.5, 1.0];

/// The observer that writes samples down.
pub struct SamplesFile {
    path: PathBuf,
    text: String,
    speaker: Speaker,
}

impl SamplesFile {
    /// Opens `samples.md` in `run`, keeping the samples of the first `done` epochs.
    pub fn open(run: &Path, done: usize, speaker: Speaker) -> Result<Self> {
        let path = run.join("samples.md");
        let written = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(Error::io(path, "read")(error)),
        };
        let from = written.find(&heading(done + 1)).unwrap_or(written.len());
        let text = match done {
            0 => "# Samples\n".to_string(),
            _ => written[..from].to_string(),
        };
        Ok(Self { path, text, speaker })
    }
}

fn heading(epoch: usize) -> String {
    format!("\n## Epoch {epoch},")
}

impl Observer for SamplesFile {
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
