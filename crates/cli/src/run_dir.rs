//! Run directories: a new one for each run, and the newest finished one for those who name none.

use std::fs;
use std::path::{Path, PathBuf};

use models::artifact::MANIFEST;

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
            fs::create_dir_all(parent).map_err(Error::io(parent, "made"))?;
        }
        return match fs::create_dir(out) {
            Ok(()) => Ok(out.into()),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                let out = out.display();
                Err(Error::new(format!(
                    "{out} exists, and a run never overwrites: name another `--out`, delete it, or, \
                     if it is a run with a finished epoch, go on by `--resume {out}`"
                )))
            }
            Err(error) => Err(Error::io(out, "made")(error)),
        };
    }
    fs::create_dir_all(RUNS).map_err(Error::io(RUNS, "made"))?;
    let mut number = 1;
    loop {
        let path = Path::new(RUNS).join(format!("{name}-{number}"));
        match fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(Error::io(path, "made")(error)),
        }
    }
}

/// The model that was named, or the newest finished run.
///
/// # Errors
/// If none is named and none is finished; says how to train one.
pub fn model(named: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = named {
        return Ok(path.into());
    }
    let finished = fs::read_dir(RUNS).into_iter().flatten().flatten().filter_map(|entry| {
        let manifest = entry.path().join(MANIFEST);
        let written = manifest.metadata().and_then(|data| data.modified()).ok()?;
        Some((written, entry.path()))
    });
    finished.max().map(|(_, path)| path).ok_or_else(|| {
        Error::new(
            "there is no finished run under runs/: train one with `cargo xtask train` (or \
             `pastiche train`), or name a model directory with `--model`",
        )
    })
}
