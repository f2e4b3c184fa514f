//! Run directories: a new one for each run, and the newest finished one for those who name none.

use std::fs;
use std::path::{Path, PathBuf};

use durable::directory;
use models::Purpose;
use models::artifact::{MANIFEST, about_any};
use trainer::Checkpoints;

use crate::error::{Error, Result};

/// Where runs are kept, in the working directory.
const RUNS: &str = "runs";

/// Makes the directory of a new run: `out`, or the first free `runs/NAME-1`, `runs/NAME-2`, ….
///
/// # Errors
/// If `out` exists: a run never overwrites another.
pub fn create(out: Option<&Path>, name: &str) -> Result<PathBuf> {
    if let Some(out) = out {
        if let Some(parent) = out.parent() {
            directory::create(parent)?;
        }
        return match fs::create_dir(out) {
            Ok(()) => {
                out.parent().map_or(Ok(()), directory::sync)?;
                Ok(out.into())
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                let out = out.display();
                Err(Error::new(format!(
                    "{out} exists, and a run never overwrites: name another `--out`, delete it, or, \
                     if it is a run that was kept, go on by `--resume {out}`"
                )))
            }
            Err(error) => Err(Error::io(out, "made")(error)),
        };
    }
    directory::create(Path::new(RUNS))?;
    let mut number = 1;
    loop {
        let path = Path::new(RUNS).join(format!("{name}-{number}"));
        match fs::create_dir(&path) {
            Ok(()) => {
                directory::sync(Path::new(RUNS))?;
                return Ok(path);
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(Error::io(path, "made")(error)),
        }
    }
}

/// The run that was named, or the one whose checkpoint is the newest.
///
/// # Errors
/// If none is named and none has a checkpoint.
pub fn to_resume(named: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = named {
        return Ok(path.into());
    }
    let kept = all(Path::new(RUNS))?.into_iter().filter_map(|run| {
        let newest = Checkpoints::of(&run).newest_path().ok()?;
        Some((newest.metadata().and_then(|data| data.modified()).ok()?, run))
    });
    kept.max().map(|(_, run)| run).ok_or_else(|| {
        Error::new(
            "there is no run under runs/ to go on with: train one with `cargo xtask train` (or \
             `pastiche train`), or name its directory: `--resume DIR`",
        )
    })
}

/// The directories in `folder`, by name; none if it is not there.
///
/// # Errors
/// If it cannot be read.
pub fn all(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(Error::io(folder, "read"))?,
    };
    let mut runs: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    runs.retain(|path| path.is_dir());
    runs.sort();
    Ok(runs)
}

/// The model that was named, or the newest finished run, whose network is for `purpose` if one is named.
///
/// # Errors
/// If none is named and none is finished; says how to train one.
pub fn model(named: Option<&Path>, purpose: Option<Purpose>) -> Result<PathBuf> {
    if let Some(path) = named {
        return Ok(path.into());
    }
    let finished = fs::read_dir(RUNS).into_iter().flatten().flatten().filter_map(|entry| {
        let manifest = entry.path().join(MANIFEST);
        let written = manifest.metadata().and_then(|data| data.modified()).ok()?;
        if let Some(purpose) = purpose {
            about_any(&entry.path()).ok().filter(|about| about.purpose == purpose)?;
        }
        Some((written, entry.path()))
    });
    finished.max().map(|(_, path)| path).ok_or_else(|| {
        let (what, config) = match purpose {
            Some(Purpose::Asking) => (" of a network that asks questions", " --config configs/qa.toml"),
            Some(Purpose::Writing) | None => ("", ""),
        };
        Error::new(format!(
            "there is no finished run{what} under runs/: train one with `cargo xtask train{config}` (or \
             `pastiche train{config}`), or name a model directory with `--model`",
        ))
    })
}
