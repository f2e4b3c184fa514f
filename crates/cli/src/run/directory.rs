//! Run directories: creating a new one, and finding a run by its name or the newest one.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use durable::{Lock, directory};
use models::Network;
use models::bundle::{MANIFEST, read_metadata};
use qa::QuestionModel;
use trainer::Checkpoints;

use crate::base;
use crate::error::{Error, Result, bail};
use crate::output::status;
use crate::run::provenance::Provenance;

/// The default directory of runs, relative to the working directory.
pub const RUNS: &str = "runs";
/// The directory of pretraining in that of its run.
pub const PRETRAINING: &str = "pretraining";

/// Creates the directory of a new run: `out`, or the first unused one of `runs/NAME-1`, `runs/NAME-2`, ….
///
/// # Errors
/// If `out` exists (a run never overwrites another), or the directory cannot be created.
pub fn create(out: Option<&Path>, name: &str) -> Result<PathBuf> {
    create_or(out, name, |out| {
        let out = out.display();
        format!("choose another `--out`, delete it, or, if it is a saved run, resume it with `--resume {out}`")
    })
}

/// As [`create`], for a model without training, which cannot be resumed.
///
/// # Errors
/// As [`create`].
pub fn create_for_model(out: Option<&Path>, name: &str) -> Result<PathBuf> {
    create_or(out, name, |_| "choose another `--out`, or delete it".into())
}

/// As [`create`]; `advice` says what to do if the directory exists.
fn create_or(out: Option<&Path>, name: &str, advice: impl FnOnce(&Path) -> String) -> Result<PathBuf> {
    if let Some(out) = out {
        if let Some(parent) = out.parent() {
            directory::create(parent)?;
        }
        if create_new(out)? {
            return Ok(out.into());
        }
        bail!("{} exists and is never overwritten: {}", out.display(), advice(out));
    }
    directory::create(Path::new(RUNS))?;
    let mut number = 1;
    loop {
        let path = join(Path::new(RUNS), format!("{name}-{number}"));
        if create_new(&path)? {
            return Ok(path);
        }
        number += 1;
    }
}

/// `folder/name`, on Windows with a slash, too: run directories are printed as they are typed.
fn join(folder: &Path, name: impl AsRef<OsStr>) -> PathBuf {
    let name = name.as_ref();
    if cfg!(windows) {
        [folder.as_os_str(), OsStr::new("/"), name].into_iter().collect::<std::ffi::OsString>().into()
    } else {
        folder.join(name)
    }
}

/// Creates a directory; false if it exists.
fn create_new(path: &Path) -> Result<bool> {
    match fs::create_dir(path) {
        Ok(()) => {
            path.parent().map_or(Ok(()), directory::sync)?;
            Ok(true)
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(Error::io(path, "created")(error)),
    }
}

/// `path`, or the run of this name under `runs/` if there is no such path.
pub fn resolve(path: &Path) -> PathBuf {
    let under = join(Path::new(RUNS), path);
    if path.is_relative() && !path.exists() && under.is_dir() { under } else { path.into() }
}

/// The model at `path`: the built-in base if that is its name, or else as [`resolve`]. A directory that has the name, too, is
/// reported.
pub fn resolve_model(path: &Path) -> PathBuf {
    let resolved = resolve(path);
    if !base::is_base(path) {
        return resolved;
    }
    if resolved.is_dir() {
        let directory = if resolved == path { base_here() } else { resolved.display().to_string() };
        status(&format!("`{}` is the built-in base model; the directory of this name is `{directory}`", base::NAME));
    }
    path.into()
}

/// The directory in the working directory that has the name of the built-in base.
fn base_here() -> String {
    format!("./{}", base::NAME)
}

/// The run `named`. Without a name, the newest run, whose name is printed: runs that are not being trained come first, and
/// of these the unfinished ones.
///
/// # Errors
/// If none is named and none has a checkpoint.
pub fn find_resumable(named: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = named {
        let run = resolve(path);
        // Messages name it as it is given to other options, for which the bare name is the built-in base.
        return Ok(if base::is_base(&run) && run.is_dir() { base_here().into() } else { run });
    }
    let candidates = list(Path::new(RUNS))?.into_iter().filter(|run| !is_copy(run)).filter_map(|run| {
        let newest = Checkpoints::of(&run).newest_path();
        let newest = newest.or_else(|_| pretraining_checkpoints(&run).newest_path()).ok()?;
        let saved = newest.metadata().and_then(|data| data.modified()).ok()?;
        let progress = Checkpoints::of(&run).progress().ok().flatten();
        let is_unfinished = progress.is_none_or(|progress| !progress.is_finished() && !progress.should_stop_early());
        Some((Lock::holder(&run).is_none(), is_unfinished, saved, run))
    });
    let Some((_, is_unfinished, _, run)) = candidates.max() else {
        bail!(
            "no run under runs/ can be resumed: train one with `cargo xtask train` (or `pastiche train`), or name \
             its directory with `--resume DIR`"
        );
    };
    let kind = if is_unfinished { "unfinished" } else { "finished" };
    status(&format!("{} is the newest {kind} run", run.display()));
    Ok(run)
}

/// The checkpoints of the language model that the model of `run` starts from.
pub fn pretraining_checkpoints(run: &Path) -> Checkpoints {
    Checkpoints::of(&run.join(PRETRAINING))
}

/// Whether `run` was interrupted before its first step, in its pretraining.
pub fn is_in_pretraining(run: &Path) -> bool {
    let has_checkpoint = |checkpoints: Checkpoints| checkpoints.newest_path().is_ok();
    !has_checkpoint(Checkpoints::of(run)) && has_checkpoint(pretraining_checkpoints(run))
}

/// Whether `run` repeats another run, to compare them. Such a run is used only if it is named.
fn is_copy(run: &Path) -> bool {
    Provenance::read(run).is_ok_and(|run| run.reproduces.is_some())
}

/// The directories in `folder`, sorted by name; empty if `folder` does not exist.
///
/// # Errors
/// If it cannot be read.
pub fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(Error::io(folder, "read"))?,
    };
    let mut runs: Vec<PathBuf> = entries.flatten().map(|entry| join(folder, entry.file_name())).collect();
    runs.retain(|path| path.is_dir());
    runs.sort();
    Ok(runs)
}

/// The model `named`, which may be the name of the built-in base, or else the newest model of a run, of this kind if given.
///
/// # Errors
/// If none is named and no run has a model.
pub fn find_model(named: Option<&Path>, kind: Option<&str>) -> Result<PathBuf> {
    if let Some(path) = named {
        return Ok(resolve_model(path));
    }
    newest_model(kind).ok_or_else(|| {
        let (what, config) = if kind == Some(QuestionModel::KIND) {
            (" of a question generation model", " --config configs/qa.toml")
        } else {
            ("", "")
        };
        Error::new(format!(
            "no finished run{what} under runs/: train one with `cargo xtask train{config}` (or \
             `pastiche train{config}`), or give a model directory with `--model`",
        ))
    })
}

/// The newest model of a run, of this kind if given, if there is one.
pub fn newest_model(kind: Option<&str>) -> Option<PathBuf> {
    let entries = fs::read_dir(RUNS).into_iter().flatten().flatten();
    let finished = entries.filter(|entry| !is_copy(&entry.path())).filter_map(|entry| {
        let manifest = entry.path().join(MANIFEST);
        let written = manifest.metadata().and_then(|data| data.modified()).ok()?;
        if let Some(kind) = kind {
            read_metadata(entry.path()).ok().filter(|metadata| metadata.kind == kind)?;
        }
        Some((written, join(Path::new(RUNS), entry.file_name())))
    });
    finished.max().map(|(_, path)| path)
}
