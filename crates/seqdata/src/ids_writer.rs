//! Collects ids one by one: in memory up to a limit, beyond it in a temporary file.

use std::io;
use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::ids::{Bytes, Ids, Width};
use crate::mmap::AnonymousFile;

/// Ids that are converted and stored at once.
const BLOCK: usize = 16 * 1024;

/// Bytes of ids that are kept in memory, 64 MiB: 33 million ids of two bytes each, about a thousand
/// novels. Training needs far more memory than that.
const MEMORY_LIMIT: usize = 64 << 20;

/// Builds [`Ids`] from single ids.
///
/// Ids start with one byte each and are widened when a larger id arrives, so that a text with few distinct
/// tokens takes one byte per token. Beyond 64 MiB they are in an unnamed file in the system's temporary
/// folder, which the environment variable `TMPDIR` (on Windows, `TMP`) sets. The file is removed when the
/// ids are dropped or the program ends.
pub struct IdsWriter {
    /// Ids that are not stored yet, fewer than [`BLOCK`].
    pending: Vec<u32>,
    width: Width,
    stored: Stored,
    /// Bytes stored.
    stored_len: usize,
    /// Bytes that may be stored in memory.
    memory_limit: usize,
    folder: PathBuf,
    /// The first error; nothing is stored after it.
    failed: Option<io::Error>,
}

enum Stored {
    InMemory(Vec<u8>),
    InFile(AnonymousFile),
}

impl Default for IdsWriter {
    fn default() -> Self {
        Self::with_memory_limit(MEMORY_LIMIT)
    }
}

impl IdsWriter {
    /// For ids that always stay in memory.
    pub(crate) fn in_memory() -> Self {
        Self::with_memory_limit(usize::MAX)
    }

    fn with_memory_limit(memory_limit: usize) -> Self {
        Self {
            pending: Vec::new(),
            width: Width::default(),
            stored: Stored::InMemory(Vec::new()),
            stored_len: 0,
            memory_limit,
            folder: std::env::temp_dir(),
            failed: None,
        }
    }

    /// Appends an id. Errors are returned by [`check`](Self::check) and [`finish`](Self::finish).
    #[inline]
    pub fn push(&mut self, id: u32) {
        self.pending.push(id);
        if self.pending.len() == BLOCK {
            self.store();
        }
    }

    /// The number of ids so far.
    pub fn len(&self) -> usize {
        self.stored_len / self.width as usize + self.pending.len()
    }

    /// Whether there are no ids.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the first error of storing ids. For many ids, call it from time to time.
    ///
    /// # Errors
    /// [`Error::TemporaryFile`] if the temporary file cannot be made or written.
    pub fn check(&mut self) -> Result<()> {
        match self.failed.take() {
            None => Ok(()),
            Some(source) => Err(Error::TemporaryFile { folder: self.folder.clone(), source }),
        }
    }

    /// The collected ids.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn finish(mut self) -> Result<Ids> {
        self.store();
        self.check()?;
        let bytes = match self.stored {
            Stored::InMemory(mut bytes) => {
                bytes.shrink_to_fit();
                Bytes::InMemory(bytes)
            }
            Stored::InFile(file) => {
                Bytes::Mapped(file.map().map_err(|source| Error::TemporaryFile { folder: self.folder, source })?)
            }
        };
        Ok(Ids::new(self.width, bytes))
    }

    #[cold]
    fn store(&mut self) {
        if self.failed.is_none() {
            self.failed = self.try_store().err();
        }
        self.pending.clear();
    }

    fn try_store(&mut self) -> io::Result<()> {
        let max = self.pending.iter().fold(0, |max, &id| max.max(id));
        let width = self.width.max(Width::of(max));
        if width > self.width {
            self.widen(width)?;
        }
        let mut bytes = Vec::with_capacity(self.pending.len() * width as usize);
        encode(&self.pending, width, &mut bytes);
        self.append(&bytes)
    }

    /// Rewrites the stored ids with `width` bytes each.
    fn widen(&mut self, width: Width) -> io::Result<()> {
        let from = std::mem::replace(&mut self.width, width);
        let stored = std::mem::replace(&mut self.stored, Stored::InMemory(Vec::new()));
        self.stored_len = 0;
        let mut wide = Vec::new();
        let mut rewrite = |bytes: &[u8]| {
            wide.clear();
            let id = |id: &[u8]| id.iter().rev().fold(0, |id, &byte| id << 8 | u32::from(byte));
            let ids: Vec<u32> = bytes.chunks_exact(from as usize).map(id).collect();
            encode(&ids, width, &mut wide);
            self.append(&wide)
        };
        let block = BLOCK * from as usize;
        match stored {
            Stored::InMemory(bytes) => bytes.chunks(block).try_for_each(rewrite),
            Stored::InFile(file) => file.read_blocks(block, &mut rewrite),
        }
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stored_len += bytes.len();
        if let Stored::InMemory(memory) = &mut self.stored {
            if self.stored_len <= self.memory_limit {
                memory.extend_from_slice(bytes);
                return Ok(());
            }
            let mut file = AnonymousFile::new(&self.folder)?;
            file.append(memory)?;
            self.stored = Stored::InFile(file);
        }
        match &mut self.stored {
            Stored::InMemory(_) => Ok(()),
            Stored::InFile(file) => file.append(bytes),
        }
    }
}

/// Appends `ids`, which all fit into `width`, to `bytes`.
fn encode(ids: &[u32], width: Width, bytes: &mut Vec<u8>) {
    match width {
        Width::One => bytes.extend(ids.iter().map(|&id| id as u8)),
        Width::Two => ids.iter().for_each(|&id| bytes.extend_from_slice(&(id as u16).to_le_bytes())),
        Width::Four => ids.iter().for_each(|&id| bytes.extend_from_slice(&id.to_le_bytes())),
    }
}

/// In memory, whatever the number of ids.
impl FromIterator<u32> for Ids {
    fn from_iter<I: IntoIterator<Item = u32>>(ids: I) -> Self {
        let mut writer = IdsWriter::in_memory();
        ids.into_iter().for_each(|id| writer.push(id));
        writer.finish().expect("writing to memory does not fail")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Several blocks of ids; later blocks need a larger width.
    fn many() -> Vec<u32> {
        let small = (0..40_000).map(|id| id % 256);
        let middle = (0..40_000).map(|id| id % 65_536);
        small.chain(middle).chain([70_000]).chain(0..40_000).collect()
    }

    #[test]
    fn widening_keeps_the_ids_in_memory_and_in_a_file() {
        for memory_limit in [0, 1, 20_000, 70_000, 200_000, usize::MAX] {
            for count in [0, 1, 16_384, 50_000, 80_000, 120_001] {
                let written = &many()[..count];
                let mut writer = IdsWriter::with_memory_limit(memory_limit);
                written.iter().for_each(|&id| writer.push(id));
                assert_eq!(writer.len(), count);
                let ids = writer.finish().unwrap();
                assert_eq!(ids.slice(0..count), written);
                assert!(ids.iter().eq(written.iter().copied()));
                let width = [4, 2, 1][usize::from(count <= 80_000) + usize::from(count <= 16_384)];
                assert_eq!(ids.width(), width, "{count}");
            }
        }
    }

    #[test]
    fn the_error_names_an_unusable_folder_in_one_line() {
        let mut writer = IdsWriter { folder: "/no/such/folder".into(), ..IdsWriter::with_memory_limit(10) };
        (0..BLOCK as u32).for_each(|id| writer.push(id));
        let message = writer.check().unwrap_err().to_string();
        let start = "the ids of the text do not fit into memory and cannot be written to a temporary file in \
                     `/no/such/folder`: ";
        let end = "; free disk space there, or set TMPDIR (on Windows, TMP) to another folder";
        assert!(message.starts_with(start) && message.ends_with(end), "{message}");
        assert_eq!(message.lines().count(), 1);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_reported() {
        let mut writer = IdsWriter { stored: Stored::InFile(AnonymousFile::full()), ..IdsWriter::with_memory_limit(0) };
        (0..3 * BLOCK as u32).for_each(|id| writer.push(id % 200));
        let message = writer.finish().unwrap_err().to_string();
        assert!(message.contains("No space left on device"), "{message}");
    }
}
