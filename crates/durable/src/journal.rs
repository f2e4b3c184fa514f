//! An append-only file that can be truncated to an earlier length.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::directory::sync;
use crate::error::{Error, Result, io};
use crate::failpoint::{self, reach};
use crate::read::Accept;

/// An append-only file. Truncating it to a recorded length removes everything appended later, including incomplete
/// lines.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Opens `path` and truncates it to its first `keep` bytes. A missing file is created.
    ///
    /// # Errors
    /// If the file is shorter than `keep`, or the file system reports an error.
    pub fn open(path: &Path, keep: u64) -> Result<Self> {
        let is_new = !path.exists();
        if !is_new {
            // Opening a pipe would wait for its reader.
            Accept::File.check(path).map_err(io(path, "opened"))?;
        }
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
        journal.truncate(keep)?;
        Ok(journal)
    }

    /// Appends `bytes`.
    ///
    /// # Errors
    /// If the file system reports an error.
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        failpoint::write(&mut self.file, bytes, "append", &self.path).map_err(io(&self.path, "written"))
    }

    /// Syncs the file and returns its length in bytes; everything up to there survives a power cut.
    ///
    /// # Errors
    /// If the file system reports an error.
    pub fn synced_len(&mut self) -> Result<u64> {
        let mut sync = || {
            reach("sync", &self.path)?;
            self.file.sync_all()?;
            self.file.stream_position()
        };
        sync().map_err(io(&self.path, "synced"))
    }

    /// Truncates the file to its first `keep` bytes; a shorter file is left unchanged.
    ///
    /// # Errors
    /// If the file system reports an error.
    pub fn truncate(&mut self, keep: u64) -> Result<()> {
        let mut truncate = || {
            if self.file.metadata()?.len() > keep {
                reach("cut", &self.path)?;
                self.file.set_len(keep)?;
            }
            self.file.seek(SeekFrom::End(0)).map(|_| ())
        };
        truncate().map_err(io(&self.path, "truncated"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_is_truncated_to_a_recorded_length() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        let mut journal = Journal::open(&path, 0).unwrap();
        journal.append(b"one\n").unwrap();
        let len = journal.synced_len().unwrap();
        journal.append(b"two\nthr").unwrap();
        drop(journal);

        let mut journal = Journal::open(&path, len).unwrap();
        journal.append(b"2\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\n2\n");
        journal.truncate(len).unwrap();
        journal.append(b"3\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\n3\n");
        journal.truncate(1_000).unwrap();
        assert_eq!(journal.synced_len().unwrap(), 6);
        let error = Journal::open(&path, 7).unwrap_err().to_string();
        assert!(error.contains("holds 6 bytes") && error.contains("7"), "{error}");
    }
}
