//! `run.json`: the program, data and machine of a run, so that it can be reproduced and compared.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use durable::write_atomically;
use kernels::SimdLevel;
use serde::{Deserialize, Serialize};

use crate::device::BackendSelection;
use crate::error::{Error, Result};

/// The file's name in a run directory.
pub const NAME: &str = "run.json";
/// The version of Burn that this program is built on, as pinned in the workspace's manifest.
const BURN: &str = "0.22.1";

/// Everything that can affect the numerical results of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Name and version of this program.
    pub program: String,
    /// The version of Burn.
    pub burn: String,
    /// The backend.
    pub backend: String,
    /// The device of the backend; `None` if it was not recorded.
    #[serde(default)]
    pub device: Option<String>,
    /// The vector instructions of the CPU kernels, such as `avx2`, by which sums are added in another order; `None` if they
    /// were not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simd: Option<String>,
    /// The number of threads of Rayon's pool, which parallelizes the CPU backends.
    pub threads: usize,
    /// The number of processes that train together, each with so many threads; results do not depend on it. If the run was
    /// resumed, that of the last time.
    #[serde(default = "one")]
    pub ranks: usize,
    /// How the validation loss is computed, in words; empty if it was not recorded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub validation: Vec<String>,
    /// The run's seed and data.
    #[serde(flatten)]
    pub inputs: InputHashes,
    /// The model from which the weights were initialized, if any.
    pub from: Option<Origin>,
    /// The machine.
    pub machine: Machine,
    /// The start time, in seconds since 1970.
    pub started_unix: u64,
    /// Changes of these values when the run was resumed, as text.
    #[serde(default)]
    pub later: Vec<String>,
    /// The run that this one repeats, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reproduces: Option<PathBuf>,
    /// The time for which the number of its steps was chosen, in minutes; `None` if that number was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned_minutes: Option<f64>,
    /// The number of updates at the end of the run, once all of its reports are written; 0 before. `None` if an earlier
    /// version, which did not record it, made the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reported_steps: Option<u64>,
}

/// The number of processes of a run whose record has none: earlier versions trained with one.
fn one() -> usize {
    1
}

/// The model from which a run's weights were initialized.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Its directory.
    pub model: PathBuf,
    /// SHA-256 of its manifest, which contains the hashes of all its files.
    pub manifest_sha256: String,
    /// The base model that its weights come from, directly or through other runs, or that it is. `None` if there is none, or
    /// if an earlier version, which did not record it, made the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<BaseOrigin>,
}

/// The base model that the weights of a run come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaseOrigin {
    /// Its directory, or the name of the built-in base.
    pub model: PathBuf,
    /// SHA-256 of its manifest.
    pub manifest_sha256: String,
}

/// The machine that a run was made on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Operating system and architecture.
    pub system: String,
    /// The CPU's name; empty if unknown.
    pub processor: String,
    /// The number of logical CPUs available to this program.
    pub processors: usize,
    /// The size of the memory; 0 if unknown.
    pub memory_bytes: u64,
}

/// The seed and the data of a run, on which its results depend besides the configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputHashes {
    /// The run's seed.
    pub seed: u64,
    /// SHA-256 of the text as it was read.
    pub text_sha256: String,
    /// SHA-256 of the training data.
    pub train_sha256: String,
    /// SHA-256 of the validation data.
    pub valid_sha256: String,
}

impl Provenance {
    /// The provenance of a run of this process.
    pub fn current(inputs: InputHashes, backend: &BackendSelection, from: Option<Origin>) -> Self {
        Self {
            program: concat!("pastiche ", env!("CARGO_PKG_VERSION")).into(),
            burn: BURN.into(),
            backend: backend.name().into(),
            device: Some(backend.device_name().into()),
            simd: Some(SimdLevel::selected().name().into()),
            threads: rayon::current_num_threads(),
            ranks: one(),
            validation: Vec::new(),
            inputs,
            from,
            machine: Machine::current(),
            started_unix: unix_seconds() as u64,
            later: Vec::new(),
            reproduces: None,
            planned_minutes: None,
            reported_steps: Some(0),
        }
    }

    /// Writes `run.json` into `run`.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, run: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self).expect("the record is serializable") + "\n";
        Ok(write_atomically(&run.join(NAME), text.as_bytes())?)
    }

    /// Reads `run.json` in `run`.
    ///
    /// # Errors
    /// If it does not exist or is invalid.
    pub fn read(run: &Path) -> Result<Self> {
        let path = run.join(NAME);
        let text = durable::read::small_text(&path).map_err(Error::io(&path, "read"))?;
        serde_json::from_str(&text).map_err(|error| Error::new(format!("{} cannot be read: {error}", path.display())))
    }

    /// The changes since `before` that may affect numerical results.
    pub fn differences(&self, before: &Self) -> Vec<String> {
        let pairs = [
            ("the program", &before.program, &self.program),
            ("Burn", &before.burn, &self.burn),
            ("the backend", &before.backend, &self.backend),
            ("the CPU", &before.machine.processor, &self.machine.processor),
            ("the system", &before.machine.system, &self.machine.system),
        ];
        let devices = before.device.as_ref().zip(self.device.as_ref());
        let device =
            devices.filter(|_| before.backend == self.backend).map(|(before, now)| ("the device", before, now));
        let simd = before.simd.as_ref().zip(self.simd.as_ref());
        let simd = simd.map(|(before, now)| ("the vector instruction set", before, now));
        let changed = pairs.into_iter().chain(device).chain(simd).filter(|(_, before, now)| before != now);
        changed.map(|(what, before, now)| format!("{what} was {before}, now {now}")).collect()
    }
}

impl Machine {
    /// This machine.
    pub fn current() -> Self {
        Self {
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            processor: processor_name(),
            processors: processors(),
            memory_bytes: memory("MemTotal").unwrap_or(0),
        }
    }

    /// The memory that programs can still get, in bytes; `None` if unknown.
    pub fn available_memory() -> Option<u64> {
        memory("MemAvailable")
    }
}

/// An amount of memory in bytes that Linux lists as `key`.
fn memory(key: &str) -> Option<u64> {
    let kib: u64 = value_in("/proc/meminfo", key)?.strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// The value of the first line of `file` that begins with `key`, after a colon.
fn value_in(file: &str, key: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    Some(line.split_once(':')?.1.trim().to_string())
}

/// The model of this computer's processor; empty where it is not known.
pub fn processor_name() -> String {
    value_in("/proc/cpuinfo", "model name").unwrap_or_default()
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Seconds since 1970.
pub fn unix_seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_burn_is_the_pinned_one() {
        let manifest = include_str!("../../../../Cargo.toml");
        assert!(manifest.contains(&format!("burn = {{ version = \"={BURN}\"")), "{BURN}");
    }

    #[test]
    fn a_written_record_is_read_back_and_changes_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let machine = Machine::current();
        let before = Provenance {
            program: "pastiche 0.0.9".into(),
            burn: BURN.into(),
            backend: "flex".into(),
            device: Some("default".into()),
            simd: Some("avx2".into()),
            threads: rayon::current_num_threads(),
            ranks: 4,
            validation: vec!["carried: each token".into()],
            inputs: InputHashes {
                seed: 1,
                text_sha256: "0".into(),
                train_sha256: "1".into(),
                valid_sha256: "2".into(),
            },
            from: Some(Origin {
                model: "runs/a".into(),
                manifest_sha256: "3".into(),
                base: Some(BaseOrigin { model: "base".into(), manifest_sha256: "4".into() }),
            }),
            machine,
            started_unix: 7,
            later: vec!["the backend was flex, now ndarray".into()],
            reproduces: Some("runs/b".into()),
            planned_minutes: Some(0.5),
            reported_steps: Some(40),
        };
        before.write(folder.path()).unwrap();
        assert_eq!(Provenance::read(folder.path()).unwrap(), before);
        assert!(before.differences(&before).is_empty());
        let now = Provenance { backend: "ndarray".into(), ..before.clone() };
        assert_eq!(now.differences(&before), ["the backend was flex, now ndarray"]);
        let now = Provenance { device: Some("cpu".into()), ..before.clone() };
        assert_eq!(now.differences(&before), ["the device was default, now cpu"]);
        let narrower = Provenance { simd: Some("scalar".into()), ..before.clone() };
        assert_eq!(narrower.differences(&before), ["the vector instruction set was avx2, now scalar"]);
        let alone = Provenance { ranks: 1, ..before.clone() };
        assert!(alone.differences(&before).is_empty(), "the weights have the same bits");
        let early = Provenance { device: None, simd: None, ..before.clone() };
        assert!(now.differences(&early).is_empty() && narrower.differences(&early).is_empty());
    }

    #[test]
    fn a_record_of_an_earlier_version_is_read() {
        let origin: Origin = serde_json::from_str(r#"{"model":"runs/a","manifest_sha256":"3"}"#).unwrap();
        assert_eq!(origin, Origin { model: "runs/a".into(), manifest_sha256: "3".into(), base: None });
        let record = r#"{
            "program": "", "burn": "", "backend": "flex", "threads": 2, "seed": 1, "text_sha256": "", "train_sha256": "",
            "valid_sha256": "", "from": null, "started_unix": 7,
            "machine": {"system": "", "processor": "", "processors": 2, "memory_bytes": 0}
        }"#;
        let before: Provenance = serde_json::from_str(record).unwrap();
        assert_eq!((before.threads, before.ranks, before.reported_steps), (2, 1, None));
    }
}
