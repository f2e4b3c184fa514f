//! Checkpoints: complete model directories that also hold the training state.
//!
//! A checkpoint is written to a temporary directory, synced, and renamed once it is complete; only then are older
//! ones removed. If the process is killed at any moment, the newest complete checkpoint survives.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use burn::optim::ModuleOptimizer;
use burn::tensor::Device;
use durable::{Lock, directory, read};
use models::{ModelBundle, Network, State};

use crate::checkpoint_parts::{self as parts, PROGRESS, from_json, inconsistent};
use crate::error::{Error, Result};
use crate::progress::Progress;
use crate::task::TrainTask;

pub use crate::checkpoint_parts::Checkpoint;

/// Prefix of the temporary directories.
const TEMPORARY: &str = "writing-";

/// How many of the newest milestones ([`Progress::is_milestone`]) are kept: the newest may already be diverged.
const MILESTONES: usize = 2;

/// The checkpoints of one run.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    directory: PathBuf,
    /// The lock of the run directory.
    lock: Option<Lock>,
}

impl Checkpoints {
    /// The checkpoints in this run directory.
    pub fn of(run_dir: &Path) -> Self {
        Self { directory: run_dir.join("checkpoints"), lock: None }
    }

    /// The directory of all checkpoints.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The run of the checkpoint in this directory, if it is one.
    pub fn run_of(directory: &Path) -> Option<PathBuf> {
        let directory = std::path::absolute(directory).ok()?;
        step_of(directory.file_name()?)?;
        let run = directory.parent()?.parent()?;
        (Self::of(run).directory == directory.parent()?).then(|| run.into())
    }

    /// The same, saved only as long as `lock` still belongs to the run directory.
    pub(crate) fn with_lock(self, lock: Option<Lock>) -> Self {
        Self { lock, ..self }
    }

    /// Checks that the run directory is still the one that was locked.
    ///
    /// # Errors
    /// If it was deleted, moved or replaced.
    pub(crate) fn check_lock(&self) -> Result<()> {
        Ok(self.lock.as_ref().map_or(Ok(()), Lock::check)?)
    }

    /// The directory of the checkpoint after `steps` updates.
    pub fn path(&self, steps: u64) -> PathBuf {
        self.directory.join(format!("step-{steps:08}"))
    }

    /// The number of updates of each complete checkpoint, ascending.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub fn steps(&self) -> Result<Vec<u64>> {
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(self.io("read", source)),
        };
        let mut steps = Vec::new();
        for entry in entries {
            let name = entry.map_err(|source| self.io("read", source))?.file_name();
            steps.extend(step_of(&name));
        }
        steps.sort_unstable();
        Ok(steps)
    }

    /// Removes what a killed process left: incomplete checkpoints, and old ones that are no longer needed.
    ///
    /// # Errors
    /// If the file system reports an error.
    pub fn remove_incomplete(&self, progress: &Progress) -> Result<()> {
        directory::remove_incomplete(&self.directory, TEMPORARY)?;
        self.remove_old(progress)
    }

    /// Saves a checkpoint, then removes older ones that are no longer needed. The run directory must exist.
    ///
    /// # Errors
    /// If the file system reports an error; then the earlier checkpoints are untouched.
    pub fn save<M: Network>(
        &self,
        mut bundle: ModelBundle<M>,
        raw_model: Option<&M>,
        optimizer: &ModuleOptimizer,
        rnn_state: Option<&State>,
        progress: &Progress,
    ) -> Result<()> {
        let weights = parts::add(&mut bundle, raw_model, optimizer, rnn_state, progress)?;
        let target = self.path(progress.steps);
        let temporary = self.directory.join(format!("{TEMPORARY}{:08}", progress.steps));
        directory::remove(&temporary)?;
        // Not the run directory: it may have been moved.
        directory::create_in_parent(&self.directory)?;
        directory::create_in_parent(&temporary)?;
        let saved = bundle.save_with_weights(&temporary, &weights).map_err(Error::from).and_then(|()| {
            // Saving takes a while, and from here on complete checkpoints are removed.
            self.check_lock()?;
            // One of the same step exists if it is saved again with new file offsets.
            directory::discard(&target)?;
            Ok(directory::publish(&temporary, &target)?)
        });
        if saved.is_err() {
            let _ = fs::remove_dir_all(&temporary);
        }
        saved?;
        self.remove_old(progress)
    }

    /// Removes all checkpoints but the newest, the newest milestones, and the best one according to each of these.
    fn remove_old(&self, progress: &Progress) -> Result<()> {
        let steps = self.steps()?;
        let keep_last = progress.config.checkpoint_policy.keep_last;
        let mut keep = Vec::new();
        let mut milestones = 0;
        for (at, &step) in steps.iter().rev().enumerate() {
            // A damaged checkpoint is reported when it is needed.
            let progress = self.progress_at(step).ok();
            // With the config that was saved in the checkpoint: it may have changed since.
            let is_milestone = progress.as_ref().is_some_and(Progress::is_milestone);
            if at < keep_last || (is_milestone && milestones < MILESTONES) {
                keep.push(step);
                keep.extend(progress.as_ref().and_then(Progress::best).map(|best| best.step));
            }
            milestones += usize::from(is_milestone);
        }
        for step in steps {
            if !keep.contains(&step) {
                directory::discard(&self.path(step))?;
            }
        }
        Ok(())
    }

    /// Removes all checkpoints after `steps` updates.
    ///
    /// # Errors
    /// If the file system reports an error.
    pub fn remove_after(&self, steps: u64) -> Result<()> {
        let later = self.steps()?.into_iter().rev().take_while(|&step| step > steps);
        later.into_iter().try_for_each(|step| Ok(directory::discard(&self.path(step))?))
    }

    /// Checks that the newest checkpoint is complete and undamaged.
    ///
    /// # Errors
    /// If there is none, or it is damaged; the message says what to do.
    pub fn verify(&self) -> Result<()> {
        let path = self.newest_path()?;
        models::bundle::verify(&path).map_err(|error| self.damaged(error.into()))
    }

    /// Loads the newest checkpoint.
    ///
    /// # Errors
    /// If there is none, or it is damaged or its parts do not belong together; the message says what to do.
    pub fn load_newest<M: TrainTask>(&self, device: &Device) -> Result<Checkpoint<M>> {
        parts::load(&self.newest_path()?, device).map_err(|error| self.damaged(error))
    }

    /// Adds what to do to an error about the files of the newest checkpoint.
    fn damaged(&self, error: Error) -> Error {
        match error {
            Error::Model(
                models::Error::Missing { .. }
                | models::Error::HashMismatch { .. }
                | models::Error::NotAModel(_)
                | models::Error::Manifest { .. }
                | models::Error::Inconsistent { .. },
            ) => {
                let fix = match self.steps().unwrap_or_default()[..] {
                    [.., _, newest] => {
                        let path = self.path(newest);
                        format!("delete {} and resume again from the previous one", path.display())
                    }
                    _ => "there is no earlier one: start a new run".into(),
                };
                Error::Damaged { reason: error.to_string(), fix }
            }
            error => error,
        }
    }

    /// The directory of the newest checkpoint.
    ///
    /// # Errors
    /// If there is none.
    pub fn newest_path(&self) -> Result<PathBuf> {
        let none = || Error::NoCheckpoint(self.directory.clone());
        Ok(self.path(*self.steps()?.last().ok_or_else(none)?))
    }

    /// The newest undamaged checkpoint of fewer than `diverged` − 1 updates, preferably a milestone. Step `diverged`,
    /// counted from 1, started from the weights after `diverged` − 1 updates, which may be diverged themselves.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub fn rollback_point<M: TrainTask>(&self, diverged: u64, device: &Device) -> Result<Option<Checkpoint<M>>> {
        let mut good: Vec<u64> = self.steps()?;
        good.retain(|&step| step + 1 < diverged);
        let is_milestone = |&step: &u64| self.progress_at(step).is_ok_and(|progress| progress.is_milestone());
        let (milestones, others): (Vec<u64>, Vec<u64>) = good.into_iter().partition(is_milestone);
        let mut candidates = milestones.into_iter().rev().chain(others.into_iter().rev());
        Ok(candidates.find_map(|step| parts::load(&self.path(step), device).ok()))
    }

    /// The progress at the newest checkpoint; `None` if there is no checkpoint.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn progress(&self) -> Result<Option<Progress>> {
        let Some(&steps) = self.steps()?.last() else { return Ok(None) };
        let progress = self.progress_at(steps)?;
        progress.check().map_err(|reason| inconsistent(&self.path(steps), PROGRESS, reason))?;
        Ok(Some(progress))
    }

    fn progress_at(&self, steps: u64) -> Result<Progress> {
        let path = self.path(steps).join(PROGRESS);
        let bytes = read::small_file(&path).map_err(|source| Error::Io { path: path.clone(), verb: "read", source })?;
        from_json(&bytes, &path)
    }

    /// Loads the model after `steps` updates, without the training state.
    ///
    /// # Errors
    /// If it is missing or damaged.
    pub fn load_model<M: Network>(&self, steps: u64, device: &Device) -> Result<ModelBundle<M>> {
        Ok(parts::load_model(&self.path(steps), device)?)
    }

    fn io(&self, verb: &'static str, source: std::io::Error) -> Error {
        Error::Io { path: self.directory.clone(), verb, source }
    }
}

/// The number of updates of the checkpoint with this name.
fn step_of(name: &OsStr) -> Option<u64> {
    name.to_str()?.strip_prefix("step-")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use models::LanguageModel;

    use super::*;

    #[test]
    fn a_run_without_checkpoints_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::of(folder.path());
        let Err(error) = checkpoints.load_newest::<LanguageModel>(&Device::flex()) else {
            panic!("there was a checkpoint");
        };
        assert!(error.to_string().contains("holds no complete checkpoint"), "{error}");
    }
}
