//! Checkpoints: complete model directories that also hold what training needs to go on.
//!
//! A checkpoint is written into a directory beside its final name, synced, and renamed when it is
//! whole; only then do older ones go. A process that dies at any moment leaves the newest complete one.

use std::fs;
use std::path::{Path, PathBuf};

use burn::optim::{ModuleOptimizer, OptimizerRecord};
use burn::tensor::{Bytes, Device};
use durable::directory;
use models::packed::{pack_state, pack_weights, unpack_state, unpack_weights};
use models::{Network, State, Trained};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::optimizer::packed;
use crate::progress::Progress;

const OPTIMIZER: &str = "optimizer.bpk";
const PROGRESS: &str = "progress.json";
/// The weights that are trained, where those of the model are averaged ones.
const TRAINED: &str = "trained.bpk";
/// What streams carry from one piece to the next.
const CARRIED: &str = "carried.safetensors";
/// The format of the files above that this program writes and reads.
const FORMAT: u64 = 1;

/// How many of the newest milestones stay: the newest may turn out to be of weights that had exploded.
const MILESTONES: usize = 2;

/// The checkpoints of one run.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    directory: PathBuf,
}

/// What a checkpoint is made of.
pub struct Kept<M: Network> {
    /// The model as it is judged and used, and what it says of itself.
    pub artifact: Trained<M>,
    /// The weights that are trained, if the model's are averaged.
    pub trained: Option<M>,
    /// What the optimizer remembers.
    pub optimizer: OptimizerRecord,
    /// What streams carry on, within an epoch.
    pub carried: Option<State>,
    /// How far the run had come.
    pub progress: Progress,
}

impl Checkpoints {
    /// The checkpoints under this run.
    pub fn of(run: &Path) -> Self {
        Self { directory: run.join("checkpoints") }
    }

    /// Where the checkpoint after `steps` updates lies.
    pub fn path(&self, steps: u64) -> PathBuf {
        self.directory.join(format!("step-{steps:08}"))
    }

    /// The updates behind every complete checkpoint, in order.
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
            let number = name.to_str().and_then(|name| name.strip_prefix("step-"));
            steps.extend(number.and_then(|number| number.parse::<u64>().ok()));
        }
        steps.sort_unstable();
        Ok(steps)
    }

    /// Clears what a process left that died while it saved, and what it had yet to drop.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn sweep(&self, progress: &Progress) -> Result<()> {
        directory::sweep(&self.directory, "writing-")?;
        self.drop_old(progress)
    }

    /// Saves a checkpoint of `progress`, then drops older ones that nobody will go back to.
    ///
    /// # Errors
    /// If the file system refuses; then the earlier ones are untouched.
    pub fn save<M: Network>(
        &self,
        mut artifact: Trained<M>,
        trained: Option<&M>,
        optimizer: &ModuleOptimizer,
        carried: Option<&State>,
        progress: &Progress,
    ) -> Result<()> {
        artifact.extra.insert(OPTIMIZER.into(), packed::pack(optimizer).map_err(Error::Burn)?);
        artifact.extra.insert(PROGRESS.into(), write(progress));
        if let Some(trained) = trained {
            artifact.extra.insert(TRAINED.into(), pack_weights(trained).map_err(Error::Burn)?);
        }
        if let Some(carried) = carried {
            artifact.extra.insert(CARRIED.into(), pack_state(carried).map_err(Error::Burn)?);
        }

        let place = self.path(progress.steps);
        let beside = self.directory.join(format!("writing-{:08}", progress.steps));
        directory::remove(&beside)?;
        directory::create(&self.directory)?;
        let written = artifact.save(&beside).map_err(Error::from).and_then(|()| {
            // The same step again, when a file that it marks has been lost since.
            directory::discard(&place)?;
            Ok(directory::publish(&beside, &place)?)
        });
        if written.is_err() {
            let _ = fs::remove_dir_all(&beside);
        }
        written?;
        self.drop_old(progress)
    }

    /// Drops what nobody will go back to: all but the newest, the newest milestones, and the best as each
    /// of these knows it.
    fn drop_old(&self, progress: &Progress) -> Result<()> {
        let steps = self.steps()?;
        let last = progress.config.keeping.last;
        let mut kept = Vec::new();
        let mut milestones = 0;
        for (at, &step) in steps.iter().rev().enumerate() {
            // A damaged one is told when somebody needs it.
            let progress = self.progress_at(step).ok();
            // As it was when it was saved: settings may have changed since.
            let is_milestone = progress.as_ref().is_some_and(Progress::is_milestone);
            if at < last || (is_milestone && milestones < MILESTONES) {
                kept.push(step);
                kept.extend(progress.as_ref().and_then(Progress::best).map(|best| best.step));
            }
            milestones += usize::from(is_milestone);
        }
        for step in steps {
            if !kept.contains(&step) {
                directory::discard(&self.path(step))?;
            }
        }
        Ok(())
    }

    /// Drops all checkpoints after `steps` updates.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn drop_after(&self, steps: u64) -> Result<()> {
        let later = self.steps()?.into_iter().rev().take_while(|&step| step > steps);
        later.into_iter().try_for_each(|step| Ok(directory::discard(&self.path(step))?))
    }

    /// Checks that the newest checkpoint is whole.
    ///
    /// # Errors
    /// If there is none, or it is damaged; says what to do.
    pub fn verify(&self) -> Result<()> {
        let steps = self.steps()?;
        let path = self.newest_path()?;
        models::artifact::verify(&path).map_err(|error| match error {
            models::Error::Missing { .. }
            | models::Error::Foreign { .. }
            | models::Error::NotAModel(_)
            | models::Error::Manifest { .. } => {
                let path = path.display();
                let cure = match steps.len() {
                    1 => "there is no earlier one: start anew".into(),
                    _ => format!("delete {path} and resume again to go on from the one before"),
                };
                Error::Damaged { reason: error.to_string(), cure }
            }
            error => error.into(),
        })
    }

    /// The newest checkpoint.
    ///
    /// # Errors
    /// If there is none, or it is not whole.
    pub fn newest<M: Network>(&self, device: &Device) -> Result<Kept<M>> {
        read(&self.newest_path()?, device)
    }

    /// Where the newest checkpoint lies.
    ///
    /// # Errors
    /// If there is none.
    pub fn newest_path(&self) -> Result<PathBuf> {
        let none = || Error::NoCheckpoint(self.directory.clone());
        Ok(self.path(*self.steps()?.last().ok_or_else(none)?))
    }

    /// The newest whole checkpoint of weights other than those that step `shown_by` began with: a
    /// milestone, if there is one. None if there is no such checkpoint.
    ///
    /// # Errors
    /// If the directory cannot be read.
    pub fn last_good<M: Network>(&self, shown_by: u64, device: &Device) -> Result<Option<Kept<M>>> {
        let mut good: Vec<u64> = self.steps()?;
        good.retain(|&step| step + 1 < shown_by);
        let is_milestone =
            |&step: &u64| self.progress_at(step).is_ok_and(|progress| progress.is_milestone());
        let (milestones, others): (Vec<u64>, Vec<u64>) = good.into_iter().partition(is_milestone);
        let mut candidates = milestones.into_iter().rev().chain(others.into_iter().rev());
        Ok(candidates.find_map(|step| self.at(step, device).ok()))
    }

    /// The checkpoint after `steps` updates.
    ///
    /// # Errors
    /// If it is not there or not whole.
    pub fn at<M: Network>(&self, steps: u64, device: &Device) -> Result<Kept<M>> {
        read(&self.path(steps), device)
    }

    /// How far the run had come at its newest checkpoint; none without one.
    ///
    /// # Errors
    /// If that cannot be read.
    pub fn progress(&self) -> Result<Option<Progress>> {
        self.steps()?.last().map(|&steps| self.progress_at(steps)).transpose()
    }

    fn progress_at(&self, steps: u64) -> Result<Progress> {
        let path = self.path(steps).join(PROGRESS);
        let bytes = fs::read(&path);
        let bytes =
            bytes.map_err(|source| Error::Io { path: path.clone(), verb: "read", source })?;
        parse(&bytes, &path)
    }

    /// The model after `steps` updates, without what only training needs.
    ///
    /// # Errors
    /// If it is not there or not whole.
    pub fn model<M: Network>(&self, steps: u64, device: &Device) -> Result<Trained<M>> {
        let mut artifact = Trained::<M>::load(&self.path(steps), device)?;
        for name in [OPTIMIZER, PROGRESS, TRAINED, CARRIED] {
            artifact.extra.remove(name);
        }
        Ok(artifact)
    }

    fn io(&self, verb: &'static str, source: std::io::Error) -> Error {
        Error::Io { path: self.directory.clone(), verb, source }
    }
}

fn read<M: Network>(path: &Path, device: &Device) -> Result<Kept<M>> {
    let mut artifact = Trained::<M>::load(path, device)?;
    let refuse = |reason| Error::Resume { directory: path.into(), reason };
    let mut take = |name: &str| artifact.extra.remove(name);
    let (trained, carried) = (take(TRAINED), take(CARRIED));
    let mut need = |name: &str| take(name).ok_or_else(|| refuse(format!("it holds no {name}")));
    let (optimizer, progress) = (need(OPTIMIZER)?, need(PROGRESS)?);
    let named = |name: &str, error: String| refuse(format!("{name}: {error}"));
    let trained = trained
        .map(|bytes| unpack_weights(&artifact.about.model, bytes, device))
        .transpose()
        .map_err(|error| named(TRAINED, error))?;
    let carried = carried
        .map(|bytes| unpack_state(&bytes, device))
        .transpose()
        .map_err(|error| named(CARRIED, error))?;
    let optimizer = OptimizerRecord::from_bytes(Bytes::from_bytes_vec(optimizer))
        .map_err(|error| named(OPTIMIZER, error.to_string()))?;
    let progress = parse(&progress, path)?;
    Ok(Kept { artifact, trained, optimizer, carried, progress })
}

fn write(progress: &Progress) -> Vec<u8> {
    let mut value = serde_json::json!({ "format": FORMAT });
    let progress = serde_json::to_value(progress).expect("a report is plain data");
    if let (Value::Object(value), Value::Object(progress)) = (&mut value, progress) {
        value.extend(progress);
    }
    format!("{value:#}\n").into_bytes()
}

fn parse(bytes: &[u8], path: &Path) -> Result<Progress> {
    let refuse = |reason| Error::Resume { directory: path.into(), reason };
    let unreadable = |error: serde_json::Error| refuse(format!("{PROGRESS}: {error}"));
    let value: Value = serde_json::from_slice(bytes).map_err(unreadable)?;
    // The format is looked at first: what else a later format holds is not ours to know.
    let found = value["format"].as_u64().unwrap_or(0);
    if found != FORMAT {
        return Err(refuse(format!(
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
    fn a_run_without_checkpoints_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let Err(error) = Checkpoints::of(folder.path()).newest::<LanguageModel>(&Device::flex())
        else {
            panic!("there was a checkpoint");
        };
        assert!(error.to_string().contains("holds no complete checkpoint"), "{error}");
    }

    #[test]
    fn progress_survives_being_written_and_a_later_format_is_refused() {
        let mut progress = Progress::new(config(), "00".into(), 7);
        progress.pass.nats = 0.1 + 0.2;
        progress.marks.insert("metrics.jsonl".into(), 12);
        let bytes = write(&progress);
        assert_eq!(parse(&bytes, Path::new("run")).unwrap(), progress);
        let later = String::from_utf8(bytes).unwrap().replace("\"format\": 1", "\"format\": 9");
        let error = parse(later.as_bytes(), Path::new("run")).unwrap_err().to_string();
        assert!(error.contains("format 9") && error.contains("expected 1"), "{error}");
    }
}
