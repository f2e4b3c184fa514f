//! Directories that are created and removed atomically.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;

use crate::error::{Result, io};
use crate::failpoint::reach;

/// Makes the names in `directory` durable: only then does a rename survive a power cut. Where directories cannot be
/// opened (Windows) the system does it itself.
///
/// # Errors
/// If the file system reports an error.
pub fn sync(directory: &Path) -> Result<()> {
    // The parent of a bare name is the empty path: the current directory.
    let directory = if directory == Path::new("") { Path::new(".") } else { directory };
    let synced = || {
        reach("sync", directory)?;
        if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
    };
    synced().map_err(io(directory, "synced"))
}

/// Creates `directory` and its missing parents, and makes their names durable.
///
/// # Errors
/// If the file system reports an error.
pub fn create(directory: &Path) -> Result<()> {
    // The empty path is the current directory.
    if directory == Path::new("") || directory.is_dir() {
        return Ok(());
    }
    directory.parent().map_or(Ok(()), create)?;
    create_in_parent(directory)
}

/// Creates `directory`, unless it exists, and makes its name durable. Unlike [`create`], it does not bring back a
/// parent that another process has moved or deleted.
///
/// # Errors
/// If the parent is missing, or the file system reports another error.
pub fn create_in_parent(directory: &Path) -> Result<()> {
    match reach("create", directory).and_then(|()| fs::create_dir(directory)) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(io(directory, "created")(error));
        }
        _ => {}
    }
    directory.parent().map_or(Ok(()), sync)
}

/// Renames the complete directory `temporary` to `target`, which must not exist.
///
/// # Errors
/// If the file system reports an error.
pub fn publish(temporary: &Path, target: &Path) -> Result<()> {
    sync(temporary)?;
    reach("rename", target).and_then(|()| fs::rename(temporary, target)).map_err(io(target, "renamed"))?;
    target.parent().map_or(Ok(()), sync)
}

/// Removes `directory` with its contents. It is renamed first, so that a partly removed directory never has its own
/// name; if the process is killed, [`remove_incomplete`] removes the rest.
///
/// # Errors
/// If the file system reports an error.
pub fn discard(directory: &Path) -> Result<()> {
    let Some(name) = directory.file_name() else { return Ok(()) };
    let mut discarded = std::ffi::OsString::from(DISCARDED);
    discarded.push(name);
    let discarded = directory.with_file_name(discarded);
    remove(&discarded)?;
    match reach("discard", directory).and_then(|()| fs::rename(directory, &discarded)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io(directory, "removed")(error)),
        Ok(()) => remove(&discarded),
    }
}

/// Removes from `parent` what an interrupted [`discard`] left, and every entry whose name starts with
/// `temporary_prefix`.
///
/// # Errors
/// If the file system reports an error.
pub fn remove_incomplete(parent: &Path, temporary_prefix: &str) -> Result<()> {
    let entries = match fs::read_dir(parent) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(io(parent, "read"))?,
    };
    for entry in entries {
        let entry = entry.map_err(io(parent, "read"))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(DISCARDED) || name.starts_with(temporary_prefix) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// Name prefix of a directory that is being removed.
const DISCARDED: &str = "leaving-";

/// Removes a directory in place, if it exists.
///
/// # Errors
/// If the file system reports an error.
pub fn remove(directory: &Path) -> Result<()> {
    if !directory.exists() {
        return Ok(());
    }
    match reach("remove", directory).and_then(|()| fs::remove_dir_all(directory)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(io(directory, "removed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_published_and_discarded() {
        let folder = tempfile::tempdir().unwrap();
        let (temporary, target) = (folder.path().join("writing-1"), folder.path().join("one"));
        fs::create_dir(&temporary).unwrap();
        fs::write(temporary.join("file"), b"x").unwrap();
        publish(&temporary, &target).unwrap();
        assert!(!temporary.exists() && target.join("file").exists());
        discard(&target).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        discard(&target).unwrap();
    }

    #[test]
    fn nested_directories_are_created() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b/c");
        create(&deep).unwrap();
        assert!(deep.is_dir());
        create(&deep).unwrap();
        create(Path::new("")).unwrap();
        fs::write(folder.path().join("file"), b"").unwrap();
        let error = create(&folder.path().join("file/d")).unwrap_err().to_string();
        assert!(error.contains("cannot be created"), "{error}");
    }

    #[test]
    fn only_incomplete_directories_of_a_killed_process_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["leaving-one", "writing-2", "two"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        remove_incomplete(folder.path(), "writing-").unwrap();
        let remaining: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(remaining.len(), 1);
        assert_eq!(remaining[0].as_ref().unwrap().file_name(), "two");
        remove_incomplete(&folder.path().join("nowhere"), "writing-").unwrap();
    }
}
