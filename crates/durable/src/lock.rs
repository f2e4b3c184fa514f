//! One process at a time: a lock that ends with the process that holds it, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::error::{Error, Result, io};

/// The name of the lock's file.
pub const FILE: &str = "lock";

/// Held on a directory for as long as it lives. The file stays, the lock does not: the system frees
/// it when the process ends, killed or not.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Locks `directory` for this process, whose number is written into its lock file.
    ///
    /// # Errors
    /// If another process holds the lock, which is named, or the file system refuses.
    pub fn take(directory: &Path) -> Result<Self> {
        let path = directory.join(FILE);
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true);
        let mut file = options.open(&path).map_err(io(&path, "opened"))?;
        // Whoever asks for the holder holds it himself for a moment.
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
                let process = holder(&mut file).unwrap_or_else(|| "of unknown number".into());
                return Err(Error::Locked { path: directory.into(), process });
            }
            Err(TryLockError::Error(error)) => return Err(io(&path, "locked")(error)),
        }
        file.set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| writeln!(file, "{}", std::process::id()))
            .map_err(io(&path, "written"))?;
        Ok(Self { _file: file })
    }

    /// The number of the process that holds the lock of `directory`, if one does.
    pub fn holder(directory: &Path) -> Option<String> {
        let mut file = File::open(directory.join(FILE)).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => {
                Some(holder(&mut file).unwrap_or_else(|| "of unknown number".into()))
            }
            _ => None,
        }
    }
}

fn holder(file: &mut File) -> Option<String> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_names_its_holder_and_ends_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let process = std::process::id().to_string();
        assert_eq!(Lock::holder(folder.path()), None);
        let lock = Lock::take(folder.path()).unwrap();
        assert_eq!(Lock::holder(folder.path()), Some(process.clone()));
        let error = Lock::take(folder.path()).unwrap_err().to_string();
        assert!(error.contains(&format!("process {process}")), "{error}");
        drop(lock);
        assert_eq!(Lock::holder(folder.path()), None);
        Lock::take(folder.path()).unwrap();
    }
}
