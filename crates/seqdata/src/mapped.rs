//! Bytes that are too many for memory: written to a temporary file without a name, then read as if
//! they were memory. The one `unsafe` of this crate.
//!
//! What it does not know: that the bytes are ids.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::ops::{Deref, Range};
use std::path::Path;
use std::sync::Arc;

use memmap2::{Mmap, MmapOptions};

/// A file that no folder lists, and that is gone when it is closed or the program ends, however it
/// ends. Nobody but the owner of this value can reach it.
#[derive(Debug)]
pub(crate) struct Unnamed(File);

impl Unnamed {
    /// An empty file in `folder`.
    pub fn new(folder: &Path) -> io::Result<Self> {
        tempfile::tempfile_in(folder).map(Self)
    }

    /// Writes behind all that was written.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    /// Hands the whole content to `each` in blocks of `block` bytes, the last of which may be shorter.
    pub fn read_blocks(
        mut self,
        block: usize,
        mut each: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        self.0.rewind()?;
        let mut bytes = Vec::with_capacity(block);
        while Read::by_ref(&mut self.0).take(block as u64).read_to_end(&mut bytes)? > 0 {
            each(&bytes)?;
            bytes.clear();
        }
        Ok(())
    }

    /// The content, which is not to be empty, as memory.
    pub fn map(self) -> io::Result<Mapped> {
        let length = self.0.metadata()?.len() as usize;
        let whole = map(&self, 0..length)?;
        Ok(Mapped(Arc::new((self, whole))))
    }

    /// A disk without room.
    #[cfg(all(test, target_os = "linux"))]
    pub fn full() -> Self {
        Self(File::options().write(true).open("/dev/full").unwrap())
    }
}

/// The content of a file without a name, as memory: the system reads what is looked at, and forgets
/// it again when memory is short.
#[derive(Clone, Debug)]
pub(crate) struct Mapped(Arc<(Unnamed, Mmap)>);

/// Bytes that are mapped together by those who read one after the other.
const SECTION: usize = 16 << 20;

impl Mapped {
    /// Hands the bytes of `range` to `each`, in sections of a multiple of four bytes. What was read is
    /// let go at once, so that it does not count as this program's memory.
    ///
    /// # Panics
    /// If the range ends behind the content.
    pub fn for_each_section(&self, range: Range<usize>, mut each: impl FnMut(&[u8])) {
        let (file, whole) = &*self.0;
        assert!(range.end <= whole.len(), "bytes {range:?} of {}", whole.len());
        for start in range.clone().step_by(SECTION) {
            let section = start..range.end.min(start + SECTION);
            match map(file, section.clone()) {
                Ok(section) => each(&section),
                // No room for another mapping: there is one already.
                Err(_) => each(&whole[section]),
            }
        }
    }
}

fn map(file: &Unnamed, range: Range<usize>) -> io::Result<Mmap> {
    let mut part = MmapOptions::new();
    part.offset(range.start as u64).len(range.len());
    // SAFETY: what is mapped must neither change nor shrink while it is read. This file was made
    // without a name by `tempfile`, so no other program can open it (but through `/proc`, by one that
    // could write into this memory as well), and its only handle is in
    // `file`, which nobody outside this module can reach. `Unnamed::map` is the one way to a
    // mapping; it takes the file from those who could write to it, and a `Mapped` has no function
    // that writes. `range` lies within the file: `map` takes its length, and `for_each_section` checks.
    // The mapping itself is read-only.
    #[allow(unsafe_code)]
    unsafe {
        part.map(&file.0)
    }
}

impl Deref for Mapped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let written = || {
            let mut file = Unnamed::new(folder.path()).unwrap();
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
    fn sections_are_the_whole() {
        let mut file = Unnamed::new(&std::env::temp_dir()).unwrap();
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
    fn nothing_behind_the_end_is_read() {
        let mut file = Unnamed::new(&std::env::temp_dir()).unwrap();
        file.append(b"abc").unwrap();
        file.map().unwrap().for_each_section(1..4, |_| ());
    }
}
