//! Compact storage of token ids, in the smallest unsigned integer type that fits them all.

use std::ops::{Deref, Range};

use sha2::{Digest, Sha256};

use crate::hash::hex_digest;
use crate::mmap::MappedFile;

/// A sequence of token ids, one, two or four bytes each. Made by [`IdsWriter`](crate::IdsWriter), or
/// collected from an iterator.
#[derive(Clone, Debug)]
pub struct Ids {
    width: Width,
    /// The ids in order, little-endian.
    bytes: Bytes,
}

/// Bytes per id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Width {
    #[default]
    One = 1,
    Two = 2,
    Four = 4,
}

/// The stored bytes: in memory or in a memory-mapped file.
#[derive(Clone, Debug)]
pub(crate) enum Bytes {
    InMemory(Vec<u8>),
    Mapped(MappedFile),
}

impl Deref for Bytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Self::InMemory(bytes) => bytes,
            Self::Mapped(bytes) => bytes,
        }
    }
}

impl Bytes {
    fn for_each_section(&self, range: Range<usize>, mut each: impl FnMut(&[u8])) {
        match self {
            Self::InMemory(bytes) => each(&bytes[range]),
            Self::Mapped(bytes) => bytes.for_each_section(range, each),
        }
    }
}

impl Width {
    /// The smallest width that fits all ids up to `max`.
    pub fn of(max: u32) -> Self {
        match max {
            0..=0xff => Self::One,
            0x100..=0xffff => Self::Two,
            _ => Self::Four,
        }
    }
}

impl Ids {
    pub(crate) fn new(width: Width, bytes: Bytes) -> Self {
        Self { width, bytes }
    }

    /// The number of ids.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.width()
    }

    /// Whether there are no ids.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes per id.
    pub fn width(&self) -> usize {
        self.width as usize
    }

    /// The id at `index`.
    ///
    /// # Panics
    /// If `index` is not below [`len`](Self::len).
    #[inline]
    pub fn get(&self, index: usize) -> u32 {
        let bytes: &[u8] = &self.bytes;
        match self.width {
            Width::One => bytes[index].into(),
            Width::Two => u16::from_le_bytes(bytes.as_chunks().0[index]).into(),
            Width::Four => u32::from_le_bytes(bytes.as_chunks().0[index]),
        }
    }

    /// All ids, in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.len()).map(|index| self.get(index))
    }

    /// Calls `each` with the ids of `range`, in order. Faster than [`get`](Self::get) in a loop.
    ///
    /// # Panics
    /// If `range` ends after [`len`](Self::len).
    pub fn for_each(&self, range: Range<usize>, mut each: impl FnMut(u32)) {
        let width = self.width();
        let ids = |bytes: &[u8]| match self.width {
            Width::One => bytes.iter().for_each(|&id| each(id.into())),
            Width::Two => {
                bytes.as_chunks().0.iter().for_each(|&id| each(u16::from_le_bytes(id).into()));
            }
            Width::Four => {
                bytes.as_chunks().0.iter().for_each(|&id| each(u32::from_le_bytes(id)));
            }
        };
        self.bytes.for_each_section(range.start * width..range.end * width, ids);
    }

    /// The ids of `range` as `u32`.
    pub fn slice(&self, range: Range<usize>) -> Vec<u32> {
        let mut ids = Vec::with_capacity(range.len());
        self.for_each(range, |id| ids.push(id));
        ids
    }

    /// The SHA-256 of the ids of `range` as little-endian `u32`, in hexadecimal. It does not depend
    /// on [`width`](Self::width).
    pub fn sha256(&self, range: Range<usize>) -> String {
        const BLOCK: usize = 16 * 1024;
        let mut hasher = Sha256::new();
        let mut block = Vec::with_capacity(BLOCK);
        self.for_each(range, |id| {
            block.extend_from_slice(&id.to_le_bytes());
            if block.len() == BLOCK {
                hasher.update(&block);
                block.clear();
            }
        });
        hex_digest(hasher.chain_update(&block))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_id_determines_the_width() {
        for (written, width) in [(vec![0, 255], 1), (vec![3, 256, 65_535], 2), (vec![1, 65_536, u32::MAX, 0], 4)] {
            let ids: Ids = written.iter().copied().collect();
            assert_eq!((ids.width(), ids.len()), (width, written.len()));
            assert_eq!(ids.iter().collect::<Vec<_>>(), written);
            assert_eq!(ids.slice(1..written.len()), written[1..]);
        }
        assert!(Ids::from_iter([]).is_empty());
    }

    #[test]
    fn the_hash_does_not_depend_on_the_width() {
        let narrow: Ids = (0..10_000).map(|id| id % 200).collect();
        let wide: Ids = (0..10_000).map(|id| id % 200).chain([70_000]).collect();
        assert_eq!(narrow.sha256(3..9_000), wide.sha256(3..9_000));
        assert_ne!(narrow.sha256(0..3), wide.sha256(0..2));
        let bytes: Vec<u8> = (0..5u32).flat_map(u32::to_le_bytes).collect();
        assert_eq!(narrow.sha256(0..5), crate::hash::sha256(&bytes));
    }
}
