//! A lock on a directory for one process. It is released when the process ends, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::error::{Error, Result, io};

/// The name of the lock file.
pub const FILE: &str = "lock";

/// A held lock. The lock file stays after the release: the system releases the lock when the process ends, even if
/// it is killed.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Locks `directory` and writes the id of this process into its lock file.
    ///
    /// # Errors
    /// If another process holds the lock (the error names it), or the file system reports an error.
    pub fn acquire(directory: &Path) -> Result<Self> {
        let path = directory.join(FILE);
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
        Ok(Self { _file: file })
    }

    /// The id of the process that holds the lock of `directory`, if any. On Windows, where others cannot read a
    /// locked file, it is `of unknown id`.
    pub fn holder(directory: &Path) -> Option<String> {
        let mut file = File::open(directory.join(FILE)).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Some(process(&mut file)),
            _ => None,
        }
    }
}

/// The process id in a lock file.
fn process(file: &mut File) -> String {
    let mut text = String::new();
    match file.read_to_string(&mut text) {
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
        assert_eq!(Lock::holder(folder.path()), None);
        Lock::acquire(folder.path()).unwrap();
    }
}
