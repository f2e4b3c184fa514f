//! Files that are created or replaced atomically: written under a temporary name, synced, renamed.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::directory::sync;
use crate::error::{Error, Result, io};
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

/// Creates files, each with its contents, as [`write_atomically`] does. None of them may exist: of several processes that create
/// the same file, one succeeds, and the others change nothing.
///
/// # Errors
/// [`Error::Exists`] if one exists, also if it appeared meanwhile; or if the file system reports an error. Then none of the files
/// stays that this call has created.
pub fn create_atomically(files: &[(&Path, &[u8])]) -> Result<()> {
    let staged = files.iter().map(|(path, bytes)| StagedFile::write_as(temporary_name(path), (*path).into(), bytes));
    let staged = staged.collect::<Result<Vec<_>>>()?;
    let created = staged.iter().enumerate().try_for_each(|(at, file)| file.create().map_err(|error| (at, error)));
    if let Err((at, error)) = created {
        for file in &staged[..at] {
            let _ = fs::remove_file(&file.target);
        }
        return Err(error);
    }
    staged.iter().try_for_each(|file| file.target.parent().map_or(Ok(()), sync))
}

/// Removes the temporary files in `folder` that are being written: for a process that exits at once. An error is ignored, as such
/// a file harms nothing.
pub fn remove_staged(folder: &Path) {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    for file in files.filter(|file| file.file_name().to_string_lossy().ends_with(STAGED)) {
        let _ = fs::remove_file(file.path());
    }
}

/// The temporary name of `target`, which no other process, and no other file of this one, has.
fn temporary_name(target: &Path) -> PathBuf {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let mut name = target.as_os_str().to_owned();
    name.push(format!(".{}-{number}{STAGED}", std::process::id()));
    name.into()
}

/// A temporary file in the directory of its target. Removed on drop unless it was renamed.
#[derive(Debug)]
pub struct StagedFile {
    temporary: PathBuf,
    target: PathBuf,
}

impl StagedFile {
    /// Writes `bytes` to `TARGET.writing` and syncs the file. One process at a time may do so; it replaces what a killed one has
    /// left.
    ///
    /// # Errors
    /// If the file system reports an error.
    pub fn write(target: PathBuf, bytes: &[u8]) -> Result<Self> {
        let mut temporary = target.as_os_str().to_owned();
        temporary.push(STAGED);
        Self::write_as(temporary.into(), target, bytes)
    }

    fn write_as(temporary: PathBuf, target: PathBuf, bytes: &[u8]) -> Result<Self> {
        let staged = Self { temporary, target };
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

    /// Gives the file the name of its target, which must not exist. The temporary name stays until the file is dropped.
    fn create(&self) -> Result<()> {
        let create = || {
            reach("create", &self.target)?;
            // Unlike a rename, a link never replaces a file.
            match fs::hard_link(&self.temporary, &self.target) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => self.create_without_link(),
                linked => linked,
            }
        };
        create().map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => Error::Exists { path: self.target.clone() },
            _ => io(&self.target, "created")(error),
        })
    }

    /// The same on a file system without hard links: an empty file takes the name, and is replaced.
    fn create_without_link(&self) -> std::io::Result<()> {
        File::create_new(&self.target)?;
        fs::rename(&self.temporary, &self.target).inspect_err(|_| {
            let _ = fs::remove_file(&self.target);
        })
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
    fn of_two_writers_that_create_a_file_one_succeeds_and_the_other_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b, shared] = ["a", "b", "shared"].map(|name| folder.path().join(name));
        let begin = std::sync::Barrier::new(2);
        let write = |own: &Path, bytes: &[u8]| {
            begin.wait();
            create_atomically(&[(own, bytes), (shared.as_path(), bytes)])
        };
        let (one, two) = std::thread::scope(|scope| {
            let one = scope.spawn(|| write(&a, b"one"));
            let two = write(&b, b"two");
            (one.join().unwrap(), two)
        });
        assert!(one.is_ok() != two.is_ok(), "{one:?}, {two:?}");
        let (kept, gone, bytes, error) = if one.is_ok() { (&a, &b, b"one", two) } else { (&b, &a, b"two", one) };
        let error = error.unwrap_err();
        assert_eq!(error.to_string(), format!("{} exists: use another file, or delete it", shared.display()));
        assert_eq!((fs::read(kept).unwrap(), fs::read(&shared).unwrap()), (bytes.to_vec(), bytes.to_vec()));
        assert!(!gone.exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_file_is_created_where_the_file_system_has_no_links() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let staged = StagedFile::write(path.clone(), b"one").unwrap();
        staged.create_without_link().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one");
        let again = StagedFile::write(path.clone(), b"two").unwrap().create_without_link();
        assert_eq!(again.unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
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
