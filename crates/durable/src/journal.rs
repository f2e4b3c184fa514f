//! A file that is only appended to, and that can be cut back to where it once was.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::directory::sync;
use crate::error::{Error, Result, io};
use crate::failpoint::{self, reach};

/// A file that grows. Its length at some moment is a mark; cutting it back to the mark undoes what
/// came later, whole lines and torn ones alike.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Opens `path` and keeps its first `keep` bytes. A file that is not there is made, and is empty.
    ///
    /// # Errors
    /// If the file is shorter than that, or the file system refuses.
    pub fn open(path: &Path, keep: u64) -> Result<Self> {
        let is_new = !path.exists();
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(path);
        let file = file.map_err(io(path, "opened"))?;
        let mut journal = Self { path: path.into(), file };
        if is_new {
            path.parent().map_or(Ok(()), sync)?;
            return Ok(journal);
        }
        let found = journal.file.metadata().map_err(io(path, "read"))?.len();
        if found < keep {
            return Err(Error::Shortened { path: path.into(), found, expected: keep });
        }
        journal.cut(keep)?;
        Ok(journal)
    }

    /// Appends `bytes`.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        failpoint::write(&mut self.file, bytes, "append", &self.path)
            .map_err(io(&self.path, "written"))
    }

    /// Syncs the file and gives its length in bytes: all up to here outlives a power cut.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn mark(&mut self) -> Result<u64> {
        let mut sync = || {
            reach("sync", &self.path)?;
            self.file.sync_all()?;
            self.file.stream_position()
        };
        sync().map_err(io(&self.path, "synced"))
    }

    /// Cuts the file back to its first `keep` bytes; a file that is shorter stays as it is.
    ///
    /// # Errors
    /// If the file system refuses.
    pub fn cut(&mut self, keep: u64) -> Result<()> {
        let mut cut = || {
            if self.file.metadata()?.len() > keep {
                reach("cut", &self.path)?;
                self.file.set_len(keep)?;
            }
            self.file.seek(SeekFrom::End(0)).map(|_| ())
        };
        cut().map_err(io(&self.path, "cut back"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_goes_back_to_its_mark() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        let mut journal = Journal::open(&path, 0).unwrap();
        journal.append(b"one\n").unwrap();
        let mark = journal.mark().unwrap();
        journal.append(b"two\nthr").unwrap();
        drop(journal);

        let mut journal = Journal::open(&path, mark).unwrap();
        journal.append(b"2\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\n2\n");
        journal.cut(mark).unwrap();
        journal.append(b"3\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\n3\n");
        journal.cut(1_000).unwrap();
        assert_eq!(journal.mark().unwrap(), 6);
        let error = Journal::open(&path, 7).unwrap_err().to_string();
        assert!(error.contains("holds 6 bytes") && error.contains("7"), "{error}");
    }
}
