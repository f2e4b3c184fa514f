//! The observer that writes a run down for TensorBoard, under `tensorboard/` in its directory.

use std::path::{Path, PathBuf};

use models::Artifact;
use trainer::{EpochReport, Heard, Marks, Observer, Plan, Retreat, StepReport};

use crate::error::{Error, Result};
use crate::observers::metrics_file::EVERY_STEPS;
use crate::observers::sampling::{Speaker, TEMPERATURE};
use crate::run::provenance::unix_seconds;
use crate::tensorboard::{EventFile, write_projector};

/// The folder in a run directory, and the name of its mark.
const FOLDER: &str = "tensorboard";

/// The observer.
pub struct TensorboardLog<M> {
    directory: PathBuf,
    speaker: Speaker<M>,
    file: Option<EventFile>,
}

impl<M> TensorboardLog<M> {
    /// Writes into `tensorboard/` in `run`.
    pub fn new(run: &Path, speaker: Speaker<M>) -> Self {
        Self { directory: run.join(FOLDER), speaker, file: None }
    }

    fn open(&self, keep: Option<u64>) -> Result<EventFile> {
        let directory = &self.directory;
        durable::directory::create(directory)?;
        let found = EventFile::find(directory).map_err(Error::io(directory, "read"))?;
        match (found, keep) {
            (Some(path), Some(keep)) => Ok(EventFile::reopen(&path, keep)?),
            _ => Ok(EventFile::create(directory, unix_seconds(), std::process::id())?),
        }
    }

    fn scalars(&mut self, step: u64, values: &[(&str, f64)]) -> Heard {
        let Some(file) = &mut self.file else { return Ok(()) };
        let now = unix_seconds();
        Ok(values.iter().try_for_each(|(tag, value)| file.scalar(step, now, tag, *value))?)
    }

    fn sample(&mut self, step: u64, model: &M) -> Heard {
        let text = self.speaker.speak_once(model, TEMPERATURE, step)?;
        match &mut self.file {
            Some(file) => Ok(file.text(step, unix_seconds(), "sample", &format!("> {text}"))?),
            None => Ok(()),
        }
    }
}

impl<M> Observer<M> for TensorboardLog<M> {
    fn planned(&mut self, plan: &Plan) -> Heard {
        self.file = Some(self.open(plan.marks.get(FOLDER).copied())?);
        Ok(())
    }

    fn stepped(&mut self, step: &StepReport) -> Heard {
        if !step.step.is_multiple_of(EVERY_STEPS) {
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

    fn look(&mut self, step: &StepReport, model: &M) -> Heard {
        self.sample(step.step_of_run, model)
    }

    fn epoch_ended(&mut self, epoch: &EpochReport, model: &M) -> Heard {
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

    fn saving(&mut self, marks: &mut Marks) -> Heard {
        if let Some(file) = &mut self.file {
            marks.insert(FOLDER.into(), file.mark()?);
        }
        Ok(())
    }

    fn retreated(&mut self, retreat: &Retreat) -> Heard {
        match (&mut self.file, retreat.marks.get(FOLDER)) {
            (Some(file), Some(&mark)) => Ok(file.cut(mark)?),
            _ => Ok(()),
        }
    }
}

/// Writes the vectors of all tokens for the embedding projector.
///
/// # Errors
/// If the device does not give them back, or the file system refuses.
pub fn project(run: &Path, artifact: &Artifact) -> Result<()> {
    let directory = run.join(FOLDER);
    durable::directory::create(&directory)?;
    let vectors = artifact.model.embedding.weight.val();
    let width = vectors.dims()[1];
    let values: Vec<f32> = vectors.try_into_vec_as().map_err(models::Error::from)?;
    let vocabulary = &artifact.tokenizer.vocabulary;
    let name = |id: usize| vocabulary.token(id as u32).unwrap_or_default();
    let rows = values.chunks_exact(width).enumerate().map(|(id, vector)| (name(id), vector));
    write_projector(&directory, "embedding", rows)
}
