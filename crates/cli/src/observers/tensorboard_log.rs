//! The observer that logs a run for TensorBoard, in `tensorboard/` in its directory.

use std::path::{Path, PathBuf};

use models::LmBundle;
use trainer::{EpochReport, FileOffsets, Observer, ObserverResult, Plan, Rollback, StepReport};

use crate::error::{Error, Result};
use crate::observers::metrics_file::LOG_EVERY_STEPS;
use crate::observers::sampling::{SampleCache, TEMPERATURE};
use crate::run::provenance::unix_seconds;
use crate::tensorboard::{EventFile, write_projector};

/// The folder in a run directory; also its key in [`FileOffsets`].
const FOLDER: &str = "tensorboard";

/// The observer that writes TensorBoard event files.
pub struct TensorboardLog<M> {
    directory: PathBuf,
    samples: SampleCache<M>,
    file: Option<EventFile>,
}

impl<M> TensorboardLog<M> {
    /// Logs to `tensorboard/` in `run`.
    pub fn new(run: &Path, samples: SampleCache<M>) -> Self {
        Self { directory: run.join(FOLDER), samples, file: None }
    }

    fn open(&self, keep: Option<u64>) -> Result<EventFile> {
        let directory = &self.directory;
        durable::directory::create(directory)?;
        match (EventFile::find(directory).map_err(Error::io(directory, "read"))?, keep) {
            (Some(path), Some(keep)) => Ok(EventFile::reopen(&path, keep)?),
            _ => Ok(EventFile::create(directory, unix_seconds(), std::process::id())?),
        }
    }

    fn scalars(&mut self, step: u64, values: &[(&str, f64)]) -> ObserverResult {
        let Some(file) = &mut self.file else { return Ok(()) };
        let now = unix_seconds();
        Ok(values.iter().try_for_each(|(tag, value)| file.scalar(step, now, tag, *value))?)
    }

    fn sample(&mut self, step: u64, model: &M) -> ObserverResult {
        match (&mut self.file, self.samples.sample(model, TEMPERATURE, step)?) {
            (Some(file), Some(text)) => Ok(file.text(step, unix_seconds(), "sample", &format!("> {text}"))?),
            _ => Ok(()),
        }
    }
}

impl<M> Observer<M> for TensorboardLog<M> {
    fn on_start(&mut self, plan: &Plan) -> ObserverResult {
        self.file = Some(self.open(plan.file_offsets.get(FOLDER).copied())?);
        Ok(())
    }

    fn on_step(&mut self, step: &StepReport) -> ObserverResult {
        if !step.step.is_multiple_of(LOG_EVERY_STEPS) {
            return Ok(());
        }
        self.scalars(
            step.step_of_run,
            &[
                ("train/loss_nats_per_token", step.step_loss_nats_per_token),
                ("train/learning_rate", step.learning_rate),
                ("train/tokens_per_second", step.tokens_per_second),
            ],
        )
    }

    fn on_sample(&mut self, step: &StepReport, model: &M) -> ObserverResult {
        self.sample(step.step_of_run, model)
    }

    fn on_epoch_end(&mut self, epoch: &EpochReport, model: &M) -> ObserverResult {
        self.scalars(
            epoch.step,
            &[
                ("epoch/train_loss_nats_per_token", epoch.train_loss_nats_per_token),
                ("epoch/valid_loss_nats_per_token", epoch.valid_loss_nats_per_token),
                ("epoch/valid_perplexity", epoch.valid_perplexity()),
                ("epoch/valid_accuracy", epoch.valid_accuracy),
            ],
        )?;
        self.sample(epoch.step, model)
    }

    fn before_checkpoint(&mut self, offsets: &mut FileOffsets) -> ObserverResult {
        if let Some(file) = &mut self.file {
            offsets.insert(FOLDER.into(), file.synced_len()?);
        }
        Ok(())
    }

    fn on_rollback(&mut self, rollback: &Rollback) -> ObserverResult {
        match (&mut self.file, rollback.file_offsets.get(FOLDER)) {
            (Some(file), Some(&offset)) => Ok(file.truncate(offset)?),
            _ => Ok(()),
        }
    }
}

/// Writes the embeddings of all tokens for the embedding projector.
///
/// # Errors
/// If the weights cannot be read from the device, or a file cannot be written.
pub fn write_embeddings(run: &Path, artifact: &LmBundle) -> Result<()> {
    let directory = run.join(FOLDER);
    durable::directory::create(&directory)?;
    let vectors = artifact.model.embedding.weight.val();
    let width = vectors.dims()[1];
    let values: Vec<f32> = vectors.try_into_vec_as().map_err(models::Error::from)?;
    let vocabulary = &artifact.tokenizer.vocabulary;
    let names: Vec<_> = (0..vocabulary.len() as u32).map(|id| vocabulary.readable(id).unwrap_or_default()).collect();
    let rows = names.iter().map(AsRef::as_ref).zip(values.chunks_exact(width));
    write_projector(&directory, "embedding", rows)
}
