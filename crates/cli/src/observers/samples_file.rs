//! `samples.md`: samples of the model after each epoch.

use std::fmt::Write as _;
use std::path::Path;

use trainer::{EpochReport, FileOffsets, Observer, ObserverResult, Plan, Rollback};

use crate::observers::rewindable_file::RewindableFile;
use crate::observers::sampling::SampleCache;
use crate::view::format::decimals;

/// The observer that writes `samples.md`.
pub struct SamplesFile<M> {
    file: RewindableFile,
    samples: SampleCache<M>,
}

impl<M> SamplesFile<M> {
    /// Writes `samples.md` in `run`.
    pub fn new(run: &Path, samples: SampleCache<M>) -> Self {
        Self { file: RewindableFile::new(run, "samples.md"), samples }
    }
}

impl<M> Observer<M> for SamplesFile<M> {
    fn on_start(&mut self, plan: &Plan) -> ObserverResult {
        if self.file.open(&plan.file_offsets)? {
            self.file.append("# Samples\n")?;
        }
        Ok(())
    }

    fn before_epoch_end(&mut self, steps: u64, model: &M) -> ObserverResult {
        Ok(self.samples.fill(model, steps)?)
    }

    fn on_epoch_end(&mut self, epoch: &EpochReport, model: &M) -> ObserverResult {
        let mut text = String::new();
        let loss = decimals(epoch.valid_loss_nats_per_token, 3);
        writeln!(text, "\n## Epoch {}, validation loss {loss} nats/token", epoch.epoch)?;
        for &temperature in self.samples.temperatures() {
            let Some(sample) = self.samples.sample(model, temperature, epoch.step)? else { continue };
            writeln!(text, "\nTemperature {temperature}:\n\n> {sample}")?;
        }
        self.file.append(&text)
    }

    fn before_checkpoint(&mut self, offsets: &mut FileOffsets) -> ObserverResult {
        self.file.record_offset(offsets)
    }

    fn on_rollback(&mut self, rollback: &Rollback) -> ObserverResult {
        // After the rollback, the same steps give other weights.
        self.samples.clear();
        self.file.rewind(&rollback.file_offsets)
    }
}
