//! Directories that appear and go as a whole.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;

use crate::error::{Result, io};
use crate::failpoint::reach;

/// Makes the names in `directory` durable: a rename outlives a power cut only after this. Where
/// directories cannot be opened (Windows) the system does it by itself.
///
/// # Errors
/// If the file system refuses.
pub fn sync(directory: &Path) -> Result<()> {
    // The parent of a bare name.
    let directory = if directory == Path::new("") { Path::new(".") } else { directory };
    let synced = || {
        reach("sync", directory)?;
        match cfg!(unix) {
            true => File::open(directory)?.sync_all(),
            false => Ok(()),
        }
    };
    synced().map_err(io(directory, "synced"))
}

/// Makes `directory`, and those that it lies in, if they are not there, and their names durable.
///
/// # Errors
/// If the file system refuses.
pub fn create(directory: &Path) -> Result<()> {
    // The parent of a bare name is here.
    if directory == Path::new("") || directory.is_dir() {
        return Ok(());
    }
    directory.parent().map_or(Ok(()), create)?;
    match reach("create", directory).and_then(|()| fs::create_dir(directory)) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(io(directory, "made")(error));
        }
        _ => {}
    }
    directory.parent().map_or(Ok(()), sync)
}

/// Puts the finished directory `beside` in its `place`, which must be free.
///
/// # Errors
/// If the file system refuses.
pub fn publish(beside: &Path, place: &Path) -> Result<()> {
    sync(beside)?;
    reach("rename", place)
        .and_then(|()| fs::rename(beside, place))
        .map_err(io(place, "renamed"))?;
    place.parent().map_or(Ok(()), sync)
}

/// Removes `directory` and all in it. It goes by another name first, so that no half of it is ever
/// found under its own; [`sweep`] clears what a dying process leaves under the other one.
///
/// # Errors
/// If the file system refuses.
pub fn discard(directory: &Path) -> Result<()> {
    let Some(name) = directory.file_name() else { return Ok(()) };
    let mut other = std::ffi::OsString::from(LEAVING);
    other.push(name);
    let other = directory.with_file_name(other);
    remove(&other)?;
    let moved = reach("discard", directory).and_then(|()| fs::rename(directory, &other));
    match moved {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io(directory, "removed")(error)),
        Ok(()) => remove(&other),
    }
}

/// Clears what [`discard`] left unfinished in `parent`, and all whose names begin with `beside`.
///
/// # Errors
/// If the file system refuses.
pub fn sweep(parent: &Path, beside: &str) -> Result<()> {
    let entries = match fs::read_dir(parent) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(io(parent, "read"))?,
    };
    for entry in entries {
        let entry = entry.map_err(io(parent, "read"))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(LEAVING) || name.starts_with(beside) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// Before the name of a directory that is about to go.
const LEAVING: &str = "leaving-";

/// Removes a directory that nobody looks for any more.
///
/// # Errors
/// If the file system refuses.
pub fn remove(directory: &Path) -> Result<()> {
    if !directory.exists() {
        return Ok(());
    }
    let removed = reach("remove", directory).and_then(|()| fs::remove_dir_all(directory));
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(io(directory, "removed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_appears_and_goes_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let (beside, place) = (folder.path().join("writing-1"), folder.path().join("one"));
        fs::create_dir(&beside).unwrap();
        fs::write(beside.join("file"), b"x").unwrap();
        publish(&beside, &place).unwrap();
        assert!(!beside.exists() && place.join("file").exists());
        discard(&place).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        discard(&place).unwrap();
    }

    #[test]
    fn directories_are_made_one_in_another() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b/c");
        create(&deep).unwrap();
        assert!(deep.is_dir());
        create(&deep).unwrap();
        create(Path::new("")).unwrap();
        fs::write(folder.path().join("file"), b"").unwrap();
        let error = create(&folder.path().join("file/d")).unwrap_err().to_string();
        assert!(error.contains("cannot be made"), "{error}");
    }

    #[test]
    fn what_a_dying_process_leaves_is_swept_away_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["leaving-one", "writing-2", "two"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        sweep(folder.path(), "writing-").unwrap();
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].as_ref().unwrap().file_name(), "two");
        sweep(&folder.path().join("nowhere"), "writing-").unwrap();
    }
}
