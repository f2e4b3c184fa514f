//! A file that is replaced as a whole: written beside its place, synced, renamed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::directory::sync;
use crate::error::{Result, io};
use crate::failpoint::{self, reach};

/// Writes beside the final name, syncs, renames: `path` holds all of `bytes` or what it held, even
/// after a power cut.
///
/// # Errors
/// If the file system refuses; what was written beside is removed.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    Staged::write(path.into(), bytes)?.rename()?;
    path.parent().map_or(Ok(()), sync)
}

/// A file written beside its place, and removed again unless it is renamed.
#[derive(Debug)]
pub struct Staged {
    beside: PathBuf,
    place: PathBuf,
}

impl Staged {
    /// Writes `bytes` into `PLACE.writing` and syncs them.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn write(place: PathBuf, bytes: &[u8]) -> Result<Self> {
        let mut beside = place.as_os_str().to_owned();
        beside.push(".writing");
        let staged = Self { beside: beside.into(), place };
        let write = || {
            let mut file = File::create(&staged.beside)?;
            failpoint::write(&mut file, bytes, "write", &staged.place)?;
            reach("sync", &staged.place)?;
            file.sync_all()
        };
        write().map_err(io(&staged.place, "written"))?;
        Ok(staged)
    }

    /// Puts the file in its place. Durable once the directory is synced.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn rename(self) -> Result<()> {
        reach("rename", &self.place)
            .and_then(|()| fs::rename(&self.beside, &self.place))
            .map_err(io(&self.place, "renamed"))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // After the rename there is nothing left here.
        let _ = fs::remove_file(&self.beside);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_atomically(&path, b"one").unwrap();
        write_atomically(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_is_staged_and_given_up_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_atomically(&path, b"one").unwrap();
        drop(Staged::write(path.clone(), b"two").unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
