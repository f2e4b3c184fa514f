//! An append-only file of a run that is truncated to its length at the last checkpoint when the run is resumed or
//! rolled back; later content is then written again.

use std::path::{Path, PathBuf};

use durable::Journal;
use trainer::{FileOffsets, ObserverResult};

/// Opened only when the run starts, so that a rejected run leaves no file.
pub struct RewindableFile {
    name: &'static str,
    path: PathBuf,
    journal: Option<Journal>,
}

impl RewindableFile {
    /// The file `name` in `run`; `name` is also its key in [`FileOffsets`].
    pub fn new(run: &Path, name: &'static str) -> Self {
        Self { name, path: run.join(name), journal: None }
    }

    /// Opens the file, truncates it to its recorded offset, and returns whether it is now empty.
    pub fn open(&mut self, offsets: &FileOffsets) -> durable::Result<bool> {
        let offset = offsets.get(self.name).copied().unwrap_or(0);
        self.journal = Some(Journal::open(&self.path, offset)?);
        Ok(offset == 0)
    }

    /// Appends `text`.
    pub fn append(&mut self, text: &str) -> ObserverResult {
        match &mut self.journal {
            Some(journal) => Ok(journal.append(text.as_bytes())?),
            None => Ok(()),
        }
    }

    /// Syncs the file to disk and records its length.
    pub fn record_offset(&mut self, offsets: &mut FileOffsets) -> ObserverResult {
        if let Some(journal) = &mut self.journal {
            offsets.insert(self.name.into(), journal.synced_len()?);
        }
        Ok(())
    }

    /// Truncates the file to its recorded offset.
    pub fn rewind(&mut self, offsets: &FileOffsets) -> ObserverResult {
        match &mut self.journal {
            Some(journal) => Ok(journal.truncate(offsets.get(self.name).copied().unwrap_or(0))?),
            None => Ok(()),
        }
    }
}
