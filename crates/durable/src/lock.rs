//! A lock on a directory for one process. It is released when the process ends, however it ends. It belongs to the
//! directory's path: a process whose directory was moved, deleted or replaced can find out.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Result, io};
use crate::read::Accept;

/// The name of the lock file.
pub const FILE: &str = "lock";

/// A held lock, released when the last clone is dropped. The lock file stays after the release: the system releases
/// the lock when the process ends, even if it is killed.
#[derive(Clone, Debug)]
pub struct Lock {
    directory: PathBuf,
    file: Arc<File>,
}

impl Lock {
    /// Locks `directory` and writes the id of this process into its lock file.
    ///
    /// # Errors
    /// If another process holds the lock (the error names it), the directory is replaced meanwhile, or the file system
    /// reports an error.
    pub fn acquire(directory: &Path) -> Result<Self> {
        let path = directory.join(FILE);
        if path.exists() {
            Accept::File.check(&path).map_err(io(&path, "opened"))?;
        }
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true);
        let mut file = options.open(&path).map_err(io(&path, "opened"))?;
        // `holder` takes the lock for a moment: try again a few times.
        let mut locked = file.try_lock();
        for _ in 0..5 {
            if !matches!(locked, Err(TryLockError::WouldBlock)) {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
            locked = file.try_lock();
        }
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::Locked { path: directory.into(), process: process(&mut file) });
            }
            Err(TryLockError::Error(error)) => return Err(io(&path, "locked")(error)),
        }
        file.set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| writeln!(file, "{}", std::process::id()))
            .map_err(io(&path, "written"))?;
        let lock = Self { directory: directory.into(), file: Arc::new(file) };
        lock.check()?;
        Ok(lock)
    }

    /// Checks that the directory's path still leads to the locked directory, with one or two calls of the system.
    /// Afterwards another process may have locked another directory of the same name.
    ///
    /// # Errors
    /// If the directory was deleted, moved or replaced since.
    pub fn check(&self) -> Result<()> {
        if is_at(&self.file, &self.directory.join(FILE)) {
            return Ok(());
        }
        Err(Error::LockLost { path: self.directory.clone() })
    }

    /// `result`, with the error of [`check`](Self::check) if the directory was lost: then that is why its files could not
    /// be read or written.
    ///
    /// # Errors
    /// Those of `result`.
    pub fn explain<T, E: From<Error>>(&self, result: std::result::Result<T, E>) -> std::result::Result<T, E> {
        result.map_err(|error| self.check().err().map_or(error, E::from))
    }

    /// The id of the process that holds the lock of `directory`, if any. On Windows, where others cannot read a
    /// locked file, it is `of unknown id`.
    pub fn holder(directory: &Path) -> Option<String> {
        let mut file = Accept::File.open(&directory.join(FILE)).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Some(process(&mut file)),
            _ => None,
        }
    }
}

/// Whether `path` leads to the open `file`. If the system does not report it, it counts as true.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), path.metadata()) {
        (Ok(locked), Ok(found)) => (locked.dev(), locked.ino()) == (found.dev(), found.ino()),
        (_, Err(error)) => ![NotFound, NotADirectory].contains(&error.kind()),
        (Err(_), Ok(_)) => true,
    }
}

/// Whether `path` exists: Windows neither moves nor deletes a directory with an open file.
#[cfg(not(unix))]
fn is_at(_file: &File, path: &Path) -> bool {
    path.is_file()
}

/// The process id in a lock file.
fn process(file: &mut File) -> String {
    let mut text = String::new();
    match file.take(20).read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() => text.trim().to_string(),
        _ => "of unknown id".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_names_its_holder_and_is_released_on_drop() {
        let folder = tempfile::tempdir().unwrap();
        let process = if cfg!(windows) { "of unknown id".into() } else { std::process::id().to_string() };
        assert_eq!(Lock::holder(folder.path()), None);
        let lock = Lock::acquire(folder.path()).unwrap();
        assert_eq!(Lock::holder(folder.path()), Some(process.clone()));
        let error = Lock::acquire(folder.path()).unwrap_err().to_string();
        assert!(error.contains(&format!("process {process}")), "{error}");
        drop(lock);
        // A process that another test is just starting holds the open file for a moment.
        let released = (0..500).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(2));
            Lock::holder(folder.path()).is_none()
        });
        assert!(released);
        Lock::acquire(folder.path()).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_directory_that_is_moved_deleted_or_replaced_is_noticed() {
        use std::fs;

        let folder = tempfile::tempdir().unwrap();
        let (run, moved) = (folder.path().join("run"), folder.path().join("moved"));
        fs::create_dir(&run).unwrap();
        let lock = Lock::acquire(&run).unwrap();
        lock.check().unwrap();
        fs::rename(&run, &moved).unwrap();
        let error = lock.check().unwrap_err().to_string();
        assert!(error.contains("run was deleted, moved or replaced"), "{error}");
        // A write that failed because of it is reported as such; nothing is created under the old name.
        let written = crate::directory::create_in_parent(&run.join("checkpoints"));
        assert!(matches!(written, Err(Error::Io { .. })));
        assert!(matches!(lock.explain(written), Err(Error::LockLost { .. })));
        assert!(!run.exists());
        // The lock moves with the directory; the old name can be used again, but not by the first process.
        assert!(matches!(Lock::acquire(&moved), Err(Error::Locked { .. })));
        fs::create_dir(&run).unwrap();
        let second = Lock::acquire(&run).unwrap();
        assert!(matches!(lock.check(), Err(Error::LockLost { .. })));
        second.check().unwrap();
        fs::remove_dir_all(&run).unwrap();
        assert!(matches!(second.check(), Err(Error::LockLost { .. })));
    }
}
