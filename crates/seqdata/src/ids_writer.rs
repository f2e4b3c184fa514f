//! Ids as they come, one after the other: in memory while they are few, in a temporary file when
//! they are many. Knows no text.

use std::io;
use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::ids::{Bytes, Ids, Width};
use crate::mapped::Unnamed;

/// Ids that are widened and stored together.
const TOGETHER: usize = 16 * 1024;

/// Bytes of ids that are held in memory, 64 MiB: 33 million words in two bytes each. That is the
/// text of a thousand novels, and next to what training needs it is little.
const HELD: usize = 64 << 20;

/// Takes ids and makes [`Ids`] of them.
///
/// They begin with a byte each and are widened when a larger one arrives, so that a text of few
/// different tokens costs a byte a token. Beyond 64 MiB they lie in a file without a name, in
/// the system's folder for such files, which the environment variable `TMPDIR` (on Windows, `TMP`)
/// names; the file is gone when the ids are, or the program.
pub struct IdsWriter {
    /// Ids that are not stored yet.
    fresh: Vec<u32>,
    width: Width,
    stored: Stored,
    /// Bytes that are stored, and how many of them are held in memory at most.
    length: usize,
    held: usize,
    folder: PathBuf,
    /// The first thing that went wrong; nothing is stored after it.
    failed: Option<io::Error>,
}

enum Stored {
    Held(Vec<u8>),
    Written(Unnamed),
}

impl Default for IdsWriter {
    fn default() -> Self {
        Self::holding(HELD)
    }
}

impl IdsWriter {
    /// For ids that stay in memory, however many there are.
    pub(crate) fn in_memory() -> Self {
        Self::holding(usize::MAX)
    }

    fn holding(held: usize) -> Self {
        Self {
            fresh: Vec::new(),
            width: Width::default(),
            stored: Stored::Held(Vec::new()),
            length: 0,
            held,
            folder: std::env::temp_dir(),
            failed: None,
        }
    }

    /// Appends an id. What goes wrong is told by [`check`](Self::check) and
    /// [`finish`](Self::finish).
    #[inline]
    pub fn push(&mut self, id: u32) {
        self.fresh.push(id);
        if self.fresh.len() == TOGETHER {
            self.store();
        }
    }

    /// How many ids came.
    pub fn len(&self) -> usize {
        self.length / self.width as usize + self.fresh.len()
    }

    /// Whether none came.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Tells whether all ids could be stored so far: worth asking now and then, where there are many.
    ///
    /// # Errors
    /// [`Error::TemporaryFile`] if the disk is full or refuses.
    pub fn check(&mut self) -> Result<()> {
        match self.failed.take() {
            None => Ok(()),
            Some(source) => Err(Error::TemporaryFile { folder: self.folder.clone(), source }),
        }
    }

    /// The ids.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn finish(mut self) -> Result<Ids> {
        self.store();
        self.check()?;
        let bytes = match self.stored {
            Stored::Held(mut bytes) => {
                bytes.shrink_to_fit();
                Bytes::Held(bytes)
            }
            Stored::Written(file) => Bytes::Mapped(
                file.map()
                    .map_err(|source| Error::TemporaryFile { folder: self.folder, source })?,
            ),
        };
        Ok(Ids::new(self.width, bytes))
    }

    #[cold]
    fn store(&mut self) {
        if self.failed.is_none() {
            self.failed = self.try_store().err();
        }
        self.fresh.clear();
    }

    fn try_store(&mut self) -> io::Result<()> {
        let top = self.fresh.iter().fold(0, |top, &id| top.max(id));
        let width = self.width.max(Width::of(top));
        if width > self.width {
            self.widen(width)?;
        }
        let mut bytes = Vec::with_capacity(self.fresh.len() * width as usize);
        narrow(&self.fresh, width, &mut bytes);
        self.append(&bytes)
    }

    /// Stores anew, each id in `width`, what is stored.
    fn widen(&mut self, width: Width) -> io::Result<()> {
        let from = std::mem::replace(&mut self.width, width);
        let stored = std::mem::replace(&mut self.stored, Stored::Held(Vec::new()));
        self.length = 0;
        let mut wide = Vec::new();
        let mut again = |bytes: &[u8]| {
            wide.clear();
            let id = |id: &[u8]| id.iter().rev().fold(0, |id, &byte| id << 8 | u32::from(byte));
            let ids: Vec<u32> = bytes.chunks_exact(from as usize).map(id).collect();
            narrow(&ids, width, &mut wide);
            self.append(&wide)
        };
        let block = TOGETHER * from as usize;
        match stored {
            Stored::Held(bytes) => bytes.chunks(block).try_for_each(again),
            Stored::Written(file) => file.read_blocks(block, &mut again),
        }
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.length += bytes.len();
        if let Stored::Held(held) = &mut self.stored {
            if self.length <= self.held {
                held.extend_from_slice(bytes);
                return Ok(());
            }
            let mut file = Unnamed::new(&self.folder)?;
            file.append(held)?;
            self.stored = Stored::Written(file);
        }
        match &mut self.stored {
            Stored::Held(_) => Ok(()),
            Stored::Written(file) => file.append(bytes),
        }
    }
}

/// Appends `ids`, none of which is too large, to `bytes`.
fn narrow(ids: &[u32], width: Width, bytes: &mut Vec<u8>) {
    match width {
        Width::One => bytes.extend(ids.iter().map(|&id| id as u8)),
        Width::Two => {
            ids.iter().for_each(|&id| bytes.extend_from_slice(&(id as u16).to_le_bytes()))
        }
        Width::Four => ids.iter().for_each(|&id| bytes.extend_from_slice(&id.to_le_bytes())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// More than are stored together, and wider towards the end.
    fn many() -> Vec<u32> {
        let small = (0..40_000).map(|id| id % 256);
        let middle = (0..40_000).map(|id| id % 65_536);
        small.chain(middle).chain([70_000]).chain(0..40_000).collect()
    }

    #[test]
    fn ids_widen_without_changing_wherever_they_are() {
        for held in [0, 1, 20_000, 70_000, 200_000, usize::MAX] {
            for count in [0, 1, 16_384, 50_000, 80_000, 120_001] {
                let written = &many()[..count];
                let mut writer = IdsWriter::holding(held);
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
    fn a_folder_that_refuses_is_named_in_one_line() {
        let mut writer = IdsWriter { folder: "/no/such/folder".into(), ..IdsWriter::holding(10) };
        (0..TOGETHER as u32).for_each(|id| writer.push(id));
        let message = writer.check().unwrap_err().to_string();
        assert!(message.starts_with("the ids of the text do not fit into memory and cannot be written to a temporary file in `/no/such/folder`: "), "{message}");
        assert!(
            message
                .ends_with("; make room there, or name another folder by TMPDIR (on Windows, TMP)"),
            "{message}"
        );
        assert_eq!(message.lines().count(), 1);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_told() {
        let mut writer =
            IdsWriter { stored: Stored::Written(Unnamed::full()), ..IdsWriter::holding(0) };
        (0..3 * TOGETHER as u32).for_each(|id| writer.push(id % 200));
        let message = writer.finish().unwrap_err().to_string();
        assert!(message.contains("No space left on device"), "{message}");
    }
}
