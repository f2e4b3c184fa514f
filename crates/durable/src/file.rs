//! Files that are replaced atomically: written under a temporary name, synced, renamed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::directory::sync;
use crate::error::{Result, io};
use crate::failpoint::{self, reach};

/// What the name of a temporary file ends with.
const STAGED: &str = ".writing";

/// Writes a temporary file, syncs it and renames it to `path`. Afterwards `path` holds either all of `bytes` or its
/// old contents, even after a power cut.
///
/// # Errors
/// If the file system reports an error; then the temporary file is removed.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    StagedFile::write(path.into(), bytes)?.rename()?;
    path.parent().map_or(Ok(()), sync)
}

/// Removes the temporary files in `folder` that are being written: for a process that exits at once. An error is ignored, as such
/// a file harms nothing.
pub fn remove_staged(folder: &Path) {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    for file in files.filter(|file| file.file_name().to_string_lossy().ends_with(STAGED)) {
        let _ = fs::remove_file(file.path());
    }
}

/// A temporary file in the directory of its target. Removed on drop unless it was renamed.
#[derive(Debug)]
pub struct StagedFile {
    temporary: PathBuf,
    target: PathBuf,
}

impl StagedFile {
    /// Writes `bytes` to `TARGET.writing` and syncs the file.
    ///
    /// # Errors
    /// If the file system reports an error.
    pub fn write(target: PathBuf, bytes: &[u8]) -> Result<Self> {
        let mut temporary = target.as_os_str().to_owned();
        temporary.push(STAGED);
        let staged = Self { temporary: temporary.into(), target };
        let write = || {
            let mut file = File::create(&staged.temporary)?;
            failpoint::write(&mut file, bytes, "write", &staged.target)?;
            reach("sync", &staged.target)?;
            file.sync_all()
        };
        write().map_err(io(&staged.target, "written"))?;
        Ok(staged)
    }

    /// Renames the file to its target. Durable once the directory is synced.
    ///
    /// # Errors
    /// If the file system reports an error.
    pub fn rename(self) -> Result<()> {
        reach("rename", &self.target)
            .and_then(|()| fs::rename(&self.temporary, &self.target))
            .map_err(io(&self.target, "renamed"))
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        // After the rename there is no temporary file.
        let _ = fs::remove_file(&self.temporary);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_without_leaving_a_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_atomically(&path, b"one").unwrap();
        write_atomically(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_an_exit_leaves_half_written_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_atomically(&path, b"one").unwrap();
        std::mem::forget(StagedFile::write(path.clone(), b"two").unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        remove_staged(folder.path());
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        remove_staged(&folder.path().join("none"));
    }

    #[test]
    fn dropping_a_staged_file_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_atomically(&path, b"one").unwrap();
        drop(StagedFile::write(path.clone(), b"two").unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
