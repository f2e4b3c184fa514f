//! Checkpoints: complete model directories that also hold the training state.
//!
//! A checkpoint is written to a temporary directory, synced, and renamed once it is complete; only then are older
//! ones removed. If the process is killed at any moment, the newest complete checkpoint survives.

use std::fs;
use std::path::{Path, PathBuf};

use burn::optim::{ModuleOptimizer, OptimizerRecord};
use burn::tensor::{Bytes, Device};
use durable::{Lock, directory};
use models::serialize::{state_from_bytes, state_to_bytes, weights_from_bytes, weights_to_bytes};
use models::{ModelBundle, Network, State};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::optimizer::serialize;
use crate::progress::Progress;

const OPTIMIZER: &str = "optimizer.bpk";
const PROGRESS: &str = "progress.json";
/// The raw weights, if those of the model are averaged.
const RAW_WEIGHTS: &str = "trained.bpk";
/// The RNN state that the next batch starts from.
const RNN_STATE: &str = "carried.safetensors";
/// Format version of `progress.json`.
const FORMAT: u64 = 1;
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

/// The contents of a checkpoint.
pub struct Checkpoint<M: Network> {
    /// The model as evaluated and used, with its metadata and tokenizer.
    pub bundle: ModelBundle<M>,
    /// The model with the raw weights, if those in `bundle` are averaged.
    pub raw_model: Option<M>,
    /// The optimizer state.
    pub optimizer: OptimizerRecord,
    /// The RNN state that the next batch starts from, within an epoch of truncated BPTT.
    pub rnn_state: Option<State>,
    /// The progress of the run.
    pub progress: Progress,
}

impl Checkpoints {
    /// The checkpoints in this run directory.
    pub fn of(run_dir: &Path) -> Self {
        Self { directory: run_dir.join("checkpoints"), lock: None }
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
            let step = name.to_str().and_then(|name| name.strip_prefix("step-"));
            steps.extend(step.and_then(|step| step.parse::<u64>().ok()));
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

    /// Saves a checkpoint, then removes older ones that are no longer needed.
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
        bundle.extra_files.insert(OPTIMIZER.into(), serialize::to_bytes(optimizer).map_err(Error::Burn)?);
        bundle.extra_files.insert(PROGRESS.into(), to_json(progress));
        if let Some(model) = raw_model {
            bundle.extra_files.insert(RAW_WEIGHTS.into(), weights_to_bytes(model).map_err(Error::Burn)?);
        }
        if let Some(state) = rnn_state {
            bundle.extra_files.insert(RNN_STATE.into(), state_to_bytes(state).map_err(Error::Burn)?);
        }

        let target = self.path(progress.steps);
        let temporary = self.directory.join(format!("{TEMPORARY}{:08}", progress.steps));
        directory::remove(&temporary)?;
        directory::create(&self.directory)?;
        let saved = bundle.save(&temporary).map_err(Error::from).and_then(|()| {
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
        let steps = self.steps()?;
        let path = self.newest_path()?;
        models::bundle::verify(&path).map_err(|error| match error {
            models::Error::Missing { .. }
            | models::Error::HashMismatch { .. }
            | models::Error::NotAModel(_)
            | models::Error::Manifest { .. } => {
                let path = path.display();
                let fix = if steps.len() == 1 {
                    "there is no earlier one: start a new run".into()
                } else {
                    format!("delete {path} and resume again from the previous one")
                };
                Error::Damaged { reason: error.to_string(), fix }
            }
            error => error.into(),
        })
    }

    /// Loads the newest checkpoint.
    ///
    /// # Errors
    /// If there is none, or it is damaged.
    pub fn load_newest<M: Network>(&self, device: &Device) -> Result<Checkpoint<M>> {
        load(&self.newest_path()?, device)
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
    pub fn rollback_point<M: Network>(&self, diverged: u64, device: &Device) -> Result<Option<Checkpoint<M>>> {
        let mut good: Vec<u64> = self.steps()?;
        good.retain(|&step| step + 1 < diverged);
        let is_milestone = |&step: &u64| self.progress_at(step).is_ok_and(|progress| progress.is_milestone());
        let (milestones, others): (Vec<u64>, Vec<u64>) = good.into_iter().partition(is_milestone);
        let mut candidates = milestones.into_iter().rev().chain(others.into_iter().rev());
        Ok(candidates.find_map(|step| load(&self.path(step), device).ok()))
    }

    /// The progress at the newest checkpoint; `None` if there is no checkpoint.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn progress(&self) -> Result<Option<Progress>> {
        self.steps()?.last().map(|&steps| self.progress_at(steps)).transpose()
    }

    fn progress_at(&self, steps: u64) -> Result<Progress> {
        let path = self.path(steps).join(PROGRESS);
        let bytes = fs::read(&path).map_err(|source| Error::Io { path: path.clone(), verb: "read", source })?;
        from_json(&bytes, &path)
    }

    /// Loads the model after `steps` updates, without the training state.
    ///
    /// # Errors
    /// If it is missing or damaged.
    pub fn load_model<M: Network>(&self, steps: u64, device: &Device) -> Result<ModelBundle<M>> {
        let mut bundle = ModelBundle::<M>::load(self.path(steps), device)?;
        for name in [OPTIMIZER, PROGRESS, RAW_WEIGHTS, RNN_STATE] {
            bundle.extra_files.remove(name);
        }
        Ok(bundle)
    }

    fn io(&self, verb: &'static str, source: std::io::Error) -> Error {
        Error::Io { path: self.directory.clone(), verb, source }
    }
}

fn load<M: Network>(path: &Path, device: &Device) -> Result<Checkpoint<M>> {
    let mut bundle = ModelBundle::<M>::load(path, device)?;
    let invalid = |reason| Error::Resume { directory: path.into(), reason };
    let mut take = |name: &str| bundle.extra_files.remove(name);
    let (raw_weights, rnn_state) = (take(RAW_WEIGHTS), take(RNN_STATE));
    let mut require = |name: &str| take(name).ok_or_else(|| invalid(format!("{name} is missing")));
    let (optimizer, progress) = (require(OPTIMIZER)?, require(PROGRESS)?);
    let in_file = |name: &str, error: String| invalid(format!("{name}: {error}"));
    let raw_model = raw_weights
        .map(|bytes| weights_from_bytes(&bundle.metadata.config, bytes, device))
        .transpose()
        .map_err(|error| in_file(RAW_WEIGHTS, error))?;
    let rnn_state = rnn_state
        .map(|bytes| state_from_bytes(&bytes, device))
        .transpose()
        .map_err(|error| in_file(RNN_STATE, error))?;
    let optimizer = OptimizerRecord::from_bytes(Bytes::from_bytes_vec(optimizer))
        .map_err(|error| in_file(OPTIMIZER, error.to_string()))?;
    Ok(Checkpoint { bundle, raw_model, optimizer, rnn_state, progress: from_json(&progress, path)? })
}

fn to_json(progress: &Progress) -> Vec<u8> {
    let mut value = serde_json::json!({ "format": FORMAT });
    let progress = serde_json::to_value(progress).expect("progress is plain data");
    if let (Value::Object(value), Value::Object(progress)) = (&mut value, progress) {
        value.extend(progress);
    }
    format!("{value:#}\n").into_bytes()
}

fn from_json(bytes: &[u8], path: &Path) -> Result<Progress> {
    let invalid = |reason| Error::Resume { directory: path.into(), reason };
    let unreadable = |error: serde_json::Error| invalid(format!("{PROGRESS}: {error}"));
    let value: Value = serde_json::from_slice(bytes).map_err(unreadable)?;
    // Check the format version first: the fields of later formats are unknown.
    let found = value["format"].as_u64().unwrap_or(0);
    if found != FORMAT {
        return Err(invalid(format!(
            "its {PROGRESS} has format {found} (0 for none), expected {FORMAT}; use the program that \
             wrote it"
        )));
    }
    serde_json::from_value(value).map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use models::LanguageModel;

    use super::*;
    use crate::config::tests::config;

    #[test]
    fn a_run_without_checkpoints_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::of(folder.path());
        let Err(error) = checkpoints.load_newest::<LanguageModel>(&Device::flex()) else {
            panic!("there was a checkpoint");
        };
        assert!(error.to_string().contains("holds no complete checkpoint"), "{error}");
    }

    #[test]
    fn progress_survives_a_round_trip_and_a_later_format_is_rejected() {
        let mut progress = Progress::new(config(), "00".into(), 7);
        progress.epoch_totals.nats = 0.1 + 0.2;
        progress.file_offsets.insert("metrics.jsonl".into(), 12);
        let bytes = to_json(&progress);
        assert_eq!(from_json(&bytes, Path::new("run")).unwrap(), progress);
        let text = String::from_utf8(bytes).unwrap();
        // Serialized names that differ from the field names.
        for name in [
            "method",
            "every-step",
            "length",
            "averaging",
            "patience",
            "look_every",
            "keeping",
            "last",
            "pass",
            "marks",
        ] {
            assert!(text.contains(&format!("\"{name}\":")), "{name} is missing in {text}");
        }
        let later = text.replace("\"format\": 1", "\"format\": 9");
        let error = from_json(later.as_bytes(), Path::new("run")).unwrap_err().to_string();
        assert!(error.contains("format 9") && error.contains("expected 1"), "{error}");
    }
}
