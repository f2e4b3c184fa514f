//! A temporary file without a name that is written, then memory-mapped and read. The only `unsafe` code of this
//! crate.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::ops::{Deref, Range};
use std::path::Path;
use std::sync::Arc;

use memmap2::{Mmap, MmapOptions};

/// A file without a directory entry. It is removed when it is closed or the program ends for any reason.
/// Only the owner of this value can access it.
#[derive(Debug)]
pub(crate) struct AnonymousFile(File);

impl AnonymousFile {
    /// An empty file in `folder`.
    pub fn new(folder: &Path) -> io::Result<Self> {
        tempfile::tempfile_in(folder).map(Self)
    }

    /// Appends `bytes`.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    /// Calls `each` with the whole content, in blocks of `block` bytes; the last may be shorter.
    pub fn read_blocks(mut self, block: usize, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        self.0.rewind()?;
        let mut bytes = Vec::with_capacity(block);
        while Read::by_ref(&mut self.0).take(block as u64).read_to_end(&mut bytes)? > 0 {
            each(&bytes)?;
            bytes.clear();
        }
        Ok(())
    }

    /// Maps the content, which must not be empty, into memory.
    pub fn map(self) -> io::Result<MappedFile> {
        let length = self.0.metadata()?.len() as usize;
        let whole = map(&self, 0..length)?;
        Ok(MappedFile(Arc::new((self, whole))))
    }

    /// A file on a full disk.
    #[cfg(all(test, target_os = "linux"))]
    pub fn full() -> Self {
        Self(File::options().write(true).open("/dev/full").unwrap())
    }
}

/// A memory-mapped [`AnonymousFile`]: the system loads pages on access and drops them when memory is
/// short.
#[derive(Clone, Debug)]
pub(crate) struct MappedFile(Arc<(AnonymousFile, Mmap)>);

/// Bytes per mapping in sequential reads.
const SECTION: usize = 16 << 20;

impl MappedFile {
    /// Calls `each` with the bytes of `range`, in sections of a multiple of four bytes. Each section is unmapped
    /// after use, so that it does not count as memory of this process.
    ///
    /// # Panics
    /// If `range` ends after the content.
    pub fn for_each_section(&self, range: Range<usize>, mut each: impl FnMut(&[u8])) {
        let (file, whole) = &*self.0;
        assert!(range.end <= whole.len(), "bytes {range:?} of {}", whole.len());
        for start in range.clone().step_by(SECTION) {
            let section = start..range.end.min(start + SECTION);
            match map(file, section.clone()) {
                Ok(section) => each(&section),
                // No address space for another mapping: use the existing one.
                Err(_) => each(&whole[section]),
            }
        }
    }
}

fn map(file: &AnonymousFile, range: Range<usize>) -> io::Result<Mmap> {
    let mut part = MmapOptions::new();
    part.offset(range.start as u64).len(range.len());
    // SAFETY: a mapped file must neither change nor shrink while it is read. `tempfile` made this file
    // without a name, so no other process can open it (except through `/proc`, by a process that could
    // also write to this memory), and its only handle is in `file`, which is private to this module.
    // `AnonymousFile::map` is the only way to a mapping; it consumes the writable value, and `MappedFile`
    // has no function that writes. `range` is within the file: `AnonymousFile::map` passes the file's
    // length, and `for_each_section` checks. The mapping is read-only.
    #[allow(unsafe_code)]
    unsafe {
        part.map(&file.0)
    }
}

impl Deref for MappedFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mapping_has_the_written_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let written = || {
            let mut file = AnonymousFile::new(folder.path()).unwrap();
            file.append(b"abc").unwrap();
            file.append(b"defgh").unwrap();
            file
        };
        let mapped = written().map().unwrap();
        assert_eq!(&mapped[..], b"abcdefgh");
        let mut blocks = Vec::new();
        written()
            .read_blocks(3, |block| {
                blocks.push(block.to_vec());
                Ok(())
            })
            .unwrap();
        assert_eq!(blocks, [&b"abc"[..], b"def", b"gh"]);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert_eq!(&mapped.clone()[6..], b"gh");
    }

    #[test]
    fn the_sections_join_to_the_whole_range() {
        let mut file = AnonymousFile::new(&std::env::temp_dir()).unwrap();
        let bytes: Vec<u8> = (0..SECTION + 10_000).map(|at| (at % 251) as u8).collect();
        file.append(&bytes).unwrap();
        let mapped = file.map().unwrap();
        for range in [0..0, 0..bytes.len(), 5..SECTION + 5, 8_000..bytes.len() - 1, 3..4] {
            let mut read = Vec::new();
            mapped.for_each_section(range.clone(), |section| read.extend_from_slice(section));
            assert!(read == bytes[range]);
        }
    }

    #[test]
    #[should_panic(expected = "bytes 1..4 of 3")]
    fn a_range_after_the_end_is_rejected() {
        let mut file = AnonymousFile::new(&std::env::temp_dir()).unwrap();
        file.append(b"abc").unwrap();
        file.map().unwrap().for_each_section(1..4, |_| ());
    }
}
