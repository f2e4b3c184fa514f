//! Checkpoints: complete model directories that also hold the optimizer and the position.
//!
//! A checkpoint is written into a directory beside its final name and renamed when it is whole.
//! The last one and the best one are kept; others go when the new one is in place.

use std::fs;
use std::path::{Path, PathBuf};

use burn::optim::{ModuleOptimizer, OptimizerRecord};
use burn::tensor::{Bytes, Device};
use models::Artifact;
use serde::{Deserialize, Serialize};

use crate::config::TrainConfig;
use crate::error::{Error, Result};
use crate::observer::EpochReport;

const OPTIMIZER: &str = "optimizer.bpk";
const PROGRESS: &str = "progress.json";

/// How a run is trained and how far it has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The numbers that it is trained by.
    pub config: TrainConfig,
    /// The hash of the training windows.
    pub train_sha256: String,
    /// One report a finished epoch, in order.
    pub epochs: Vec<EpochReport>,
}

impl Progress {
    /// The epoch with the lowest validation loss; the earlier one of two equals.
    pub fn best(&self) -> Option<&EpochReport> {
        let loss = |report: &EpochReport| report.valid_loss_nats_per_token;
        let finite = self.epochs.iter().filter(|report| loss(report).is_finite());
        finite.min_by(|a, b| loss(a).total_cmp(&loss(b)))
    }
}

/// The checkpoints of one run.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    directory: PathBuf,
}

impl Checkpoints {
    /// The checkpoints under this run.
    pub fn of(run: &Path) -> Self {
        Self { directory: run.join("checkpoints") }
    }

    /// Where the checkpoint of `epoch` lies.
    pub fn path(&self, epoch: usize) -> PathBuf {
        self.directory.join(format!("epoch-{epoch:04}"))
    }

    /// The epochs with a complete checkpoint, in order.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub fn epochs(&self) -> Result<Vec<usize>> {
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(self.io("read", source)),
        };
        let mut epochs = Vec::new();
        for entry in entries {
            let name = entry.map_err(|source| self.io("read", source))?.file_name();
            let epoch = name.to_str().and_then(|name| name.strip_prefix("epoch-"));
            if let Some(epoch) = epoch.and_then(|epoch| epoch.parse().ok()) {
                epochs.push(epoch);
            }
        }
        epochs.sort_unstable();
        Ok(epochs)
    }

    /// Saves the checkpoint of the last epoch in `progress`, then drops those that are neither
    /// last nor best.
    ///
    /// # Errors
    /// If the file system refuses; then the earlier checkpoints are untouched.
    pub fn save(
        &self,
        mut artifact: Artifact,
        optimizer: &ModuleOptimizer,
        progress: &Progress,
    ) -> Result<()> {
        let epoch = progress.epochs.last().map_or(0, |report| report.epoch);
        let bytes = optimizer.into_bytes().map_err(|error| Error::Burn(error.to_string()))?;
        artifact.extra.insert(OPTIMIZER.into(), bytes.to_vec());
        let text = serde_json::to_string_pretty(progress).expect("a report is plain data");
        artifact.extra.insert(PROGRESS.into(), text.into_bytes());

        let place = self.path(epoch);
        let beside = self.directory.join(format!("writing-{epoch:04}"));
        remove(&beside)?;
        let written = artifact.save(&beside).map_err(Error::from).and_then(|()| {
            remove(&place)?;
            fs::rename(&beside, &place).map_err(|source| self.io("written", source))
        });
        if written.is_err() {
            let _ = fs::remove_dir_all(&beside);
        }
        written?;

        let best = progress.best().map(|report| report.epoch);
        for old in self.epochs()? {
            if old != epoch && Some(old) != best {
                remove(&self.path(old))?;
            }
        }
        Ok(())
    }

    /// The newest checkpoint: its model, its optimizer's memory and how far it had come.
    ///
    /// # Errors
    /// If there is none, or it is not whole.
    pub fn newest(&self, device: &Device) -> Result<(Artifact, OptimizerRecord, Progress)> {
        let none = || Error::NoCheckpoint(self.directory.clone());
        let path = self.path(*self.epochs()?.last().ok_or_else(none)?);
        let mut artifact = Artifact::load(&path, device)?;
        let refuse = |reason| Error::Resume { directory: path.clone(), reason };
        let mut take = |name: &str| {
            let missing = || refuse(format!("{name} is not part of it"));
            artifact.extra.remove(name).ok_or_else(missing)
        };
        let (optimizer, progress) = (take(OPTIMIZER)?, take(PROGRESS)?);
        let optimizer = OptimizerRecord::from_bytes(Bytes::from_bytes_vec(optimizer))
            .map_err(|error| refuse(format!("{OPTIMIZER}: {error}")))?;
        let progress = serde_json::from_slice(&progress)
            .map_err(|error| refuse(format!("{PROGRESS}: {error}")))?;
        Ok((artifact, optimizer, progress))
    }

    /// The model of `epoch`, without what only training needs.
    ///
    /// # Errors
    /// If it is not there or not whole.
    pub fn model(&self, epoch: usize, device: &Device) -> Result<Artifact> {
        let mut artifact = Artifact::load(&self.path(epoch), device)?;
        artifact.extra.remove(OPTIMIZER);
        artifact.extra.remove(PROGRESS);
        Ok(artifact)
    }

    fn io(&self, verb: &'static str, source: std::io::Error) -> Error {
        Error::Io { path: self.directory.clone(), verb, source }
    }
}

fn remove(directory: &Path) -> Result<()> {
    match fs::remove_dir_all(directory) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(Error::Io { path: directory.into(), verb: "removed", source }),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Method;
    use crate::optimizer::{OptimizerConfig, RmspropConfig};
    use crate::schedule::Schedule;

    use super::*;

    fn report(epoch: usize, loss: f64) -> EpochReport {
        EpochReport {
            epoch,
            train_loss_nats_per_token: loss,
            valid_loss_nats_per_token: loss,
            valid_accuracy: 0.1,
            learning_rate: 0.001,
            seconds: 1.0,
            tokens_per_second: 1.0,
        }
    }

    fn best(losses: &[f64]) -> Option<usize> {
        let config = TrainConfig {
            seed: 1,
            epochs: losses.len(),
            method: Method::Windows,
            batch_size: 1,
            learning_rate: 0.1,
            schedule: Schedule::Constant,
            optimizer: OptimizerConfig::Rmsprop(RmspropConfig::default()),
            clip: None,
            look_every: 0,
        };
        let epochs = losses.iter().enumerate().map(|(at, &loss)| report(at + 1, loss)).collect();
        let progress = Progress { config, train_sha256: String::new(), epochs };
        progress.best().map(|report| report.epoch)
    }

    #[test]
    fn the_best_epoch_is_the_earliest_of_the_lowest() {
        assert_eq!(best(&[3.0, 2.0, 2.0, 2.5]), Some(2));
        assert_eq!(best(&[]), None);
    }

    #[test]
    fn a_number_that_is_none_is_never_best() {
        assert_eq!(best(&[f64::NAN, -f64::NAN, f64::NEG_INFINITY, 9.0]), Some(4));
    }

    #[test]
    fn a_run_without_checkpoints_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let Err(error) = Checkpoints::of(folder.path()).newest(&Device::flex()) else {
            panic!("there was a checkpoint");
        };
        assert!(error.to_string().contains("holds no complete checkpoint"), "{error}");
    }
}
