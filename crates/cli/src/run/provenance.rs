//! `run.json`: what a run was made with, so that it can be made again and the two compared.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use durable::write_atomically;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The file's name in a run directory.
pub const NAME: &str = "run.json";
/// The version of Burn that this program is built on, as pinned in the workspace's manifest.
const BURN: &str = "0.22.1";

/// What decides over the bits of a run, and where it was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Name and version of this program.
    pub program: String,
    /// The version of Burn.
    pub burn: String,
    /// The backend.
    pub backend: String,
    /// Threads that it may use.
    pub threads: usize,
    /// The run's seed.
    pub seed: u64,
    /// SHA-256 of the text as it was read.
    pub text_sha256: String,
    /// SHA-256 of what is learned from.
    pub train_sha256: String,
    /// SHA-256 of what is held out.
    pub valid_sha256: String,
    /// The model that the run began with, if it did not begin afresh.
    pub from: Option<Origin>,
    /// The machine.
    pub machine: Machine,
    /// When it began, in seconds since 1970.
    pub started_unix: u64,
    /// What was another in later sittings, in words.
    #[serde(default)]
    pub later: Vec<String>,
}

/// A model that a run began with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Its directory.
    pub model: PathBuf,
    /// SHA-256 of its manifest, which holds those of all its files.
    pub manifest_sha256: String,
}

/// What a program can learn of the machine under it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Operating system and architecture.
    pub system: String,
    /// The processor's name; empty where it is not told.
    pub processor: String,
    /// Processors that this program may use.
    pub processors: usize,
    /// Memory; 0 where it is not told.
    pub memory_bytes: u64,
}

/// What a run is a function of, besides its configuration.
#[derive(Clone, Debug)]
pub struct Hashes {
    /// The run's seed.
    pub seed: u64,
    /// SHA-256 of the text as it was read.
    pub text_sha256: String,
    /// SHA-256 of what is learned from.
    pub train_sha256: String,
    /// SHA-256 of what is held out.
    pub valid_sha256: String,
}

impl Provenance {
    /// Of a run of this process.
    pub fn now(hashes: Hashes, backend: &str, from: Option<Origin>) -> Self {
        let Hashes { seed, text_sha256, train_sha256, valid_sha256 } = hashes;
        Self {
            program: concat!("pastiche ", env!("CARGO_PKG_VERSION")).into(),
            burn: BURN.into(),
            backend: backend.into(),
            threads: threads(),
            seed,
            text_sha256,
            train_sha256,
            valid_sha256,
            from,
            machine: Machine::here(),
            started_unix: unix_seconds() as u64,
            later: Vec::new(),
        }
    }

    /// Writes it into `run`.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn write(&self, run: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self).expect("plain data") + "\n";
        Ok(write_atomically(&run.join(NAME), text.as_bytes())?)
    }

    /// Reads that of `run`.
    ///
    /// # Errors
    /// If there is none, or it cannot be understood.
    pub fn read(run: &Path) -> Result<Self> {
        let path = run.join(NAME);
        let text = std::fs::read_to_string(&path).map_err(Error::io(&path, "read"))?;
        serde_json::from_str(&text)
            .map_err(|error| Error::new(format!("{} cannot be read: {error}", path.display())))
    }

    /// What has changed from `before` to here that may change bits; nothing if nothing has.
    pub fn differences(&self, before: &Self) -> Vec<String> {
        let pairs = [
            ("the program", &before.program, &self.program),
            ("Burn", &before.burn, &self.burn),
            ("the backend", &before.backend, &self.backend),
            ("the processor", &before.machine.processor, &self.machine.processor),
            ("the system", &before.machine.system, &self.machine.system),
        ];
        let changed = pairs.into_iter().filter(|(_, before, now)| before != now);
        changed.map(|(what, before, now)| format!("{what} was {before}, now {now}")).collect()
    }
}

impl Machine {
    fn here() -> Self {
        let line = |file: &str, key: &str| {
            let text = std::fs::read_to_string(file).ok()?;
            let line = text.lines().find(|line| line.starts_with(key))?;
            Some(line.split_once(':')?.1.trim().to_string())
        };
        let memory = line("/proc/meminfo", "MemTotal").and_then(|memory| {
            memory.strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
        });
        Self {
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            processor: line("/proc/cpuinfo", "model name").unwrap_or_default(),
            processors: processors(),
            memory_bytes: memory.unwrap_or(0),
        }
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// What Rayon, which splits the work of the CPU backends, was told to use.
fn threads() -> usize {
    let asked = std::env::var("RAYON_NUM_THREADS").ok().and_then(|text| text.parse().ok());
    asked.filter(|&threads| threads > 0).unwrap_or_else(processors)
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
    fn it_is_read_as_it_was_written_and_changes_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let machine = Machine::here();
        let before = Provenance {
            program: "pastiche 0.0.9".into(),
            burn: BURN.into(),
            backend: "flex".into(),
            threads: threads(),
            seed: 1,
            text_sha256: "0".into(),
            train_sha256: "1".into(),
            valid_sha256: "2".into(),
            from: Some(Origin { model: "runs/a".into(), manifest_sha256: "3".into() }),
            machine,
            started_unix: 7,
            later: vec!["the backend was flex, now ndarray".into()],
        };
        before.write(folder.path()).unwrap();
        assert_eq!(Provenance::read(folder.path()).unwrap(), before);
        assert!(before.differences(&before).is_empty());
        let now = Provenance { backend: "ndarray".into(), ..before.clone() };
        assert_eq!(now.differences(&before), ["the backend was flex, now ndarray"]);
    }
}
