//! Token ids in the smallest unsigned integer that holds them all. Knows no text.

use sha2::{Digest, Sha256};

use crate::hash::hexadecimal;

/// A sequence of token ids, one, two or four bytes each.
///
/// It widens by itself when a larger id arrives, so that a text of few distinct tokens costs one
/// byte a token from the start.
#[derive(Clone, Debug)]
pub enum Ids {
    /// Ids up to 255.
    U8(Vec<u8>),
    /// Ids up to 65,535.
    U16(Vec<u16>),
    /// All other ids.
    U32(Vec<u32>),
}

impl Default for Ids {
    fn default() -> Self {
        Self::U8(Vec::new())
    }
}

impl Ids {
    /// How many ids there are.
    pub fn len(&self) -> usize {
        match self {
            Self::U8(ids) => ids.len(),
            Self::U16(ids) => ids.len(),
            Self::U32(ids) => ids.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes an id takes.
    pub fn width(&self) -> usize {
        match self {
            Self::U8(_) => 1,
            Self::U16(_) => 2,
            Self::U32(_) => 4,
        }
    }

    /// The id at `index`.
    ///
    /// # Panics
    /// If `index` is not below [`len`](Self::len).
    pub fn get(&self, index: usize) -> u32 {
        match self {
            Self::U8(ids) => ids[index].into(),
            Self::U16(ids) => ids[index].into(),
            Self::U32(ids) => ids[index],
        }
    }

    /// Appends an id, widening all of them if it does not fit.
    pub fn push(&mut self, id: u32) {
        match self {
            Self::U8(ids) => match u8::try_from(id) {
                Ok(id) => ids.push(id),
                Err(_) => {
                    *self = Self::U16(ids.iter().map(|&id| id.into()).collect());
                    self.push(id);
                }
            },
            Self::U16(ids) => match u16::try_from(id) {
                Ok(id) => ids.push(id),
                Err(_) => {
                    *self = Self::U32(ids.iter().map(|&id| id.into()).collect());
                    self.push(id);
                }
            },
            Self::U32(ids) => ids.push(id),
        }
    }

    /// All ids in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.len()).map(|index| self.get(index))
    }

    /// The ids of `range` as `u32`.
    pub fn slice(&self, range: std::ops::Range<usize>) -> Vec<u32> {
        range.map(|index| self.get(index)).collect()
    }

    /// SHA-256 over the ids of `range` as little-endian `u32`, in hexadecimal: equal for equal
    /// ids, whatever their width here.
    pub fn sha256(&self, range: std::ops::Range<usize>) -> String {
        let mut hasher = Sha256::new();
        for index in range {
            hasher.update(self.get(index).to_le_bytes());
        }
        hexadecimal(hasher)
    }
}

impl FromIterator<u32> for Ids {
    fn from_iter<I: IntoIterator<Item = u32>>(ids: I) -> Self {
        let mut all = Self::default();
        ids.into_iter().for_each(|id| all.push(id));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_widen_without_changing() {
        let written = [0, 255, 256, 65_535, 65_536, 3];
        let mut widths = Vec::new();
        let mut ids = Ids::default();
        for id in written {
            ids.push(id);
            widths.push(ids.width());
        }
        assert_eq!(widths, [1, 1, 2, 2, 4, 4]);
        assert_eq!(ids.iter().collect::<Vec<_>>(), written);
    }

    #[test]
    fn the_hash_does_not_see_the_width() {
        let narrow: Ids = [1, 2, 3].into_iter().collect();
        let wide = Ids::U32(vec![1, 2, 3]);
        assert_eq!(narrow.sha256(0..3), wide.sha256(0..3));
        assert_ne!(narrow.sha256(0..3), wide.sha256(0..2));
    }
}
