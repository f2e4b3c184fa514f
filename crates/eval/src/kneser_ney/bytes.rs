//! A Kneser–Ney model as bytes: its counts, from which the rest is computed.

use super::{KneserNey, Level};

/// The first byte.
const FORMAT: u64 = 1;
/// The highest order that is read.
pub(super) const MAX_ORDER: u64 = 254;
/// The largest vocabulary that is read: an id has 32 bits.
const MAX_IDS: u64 = 1 << 32;

impl KneserNey {
    /// The model in a compact form, which [`from_bytes`](Self::from_bytes) reads: for every n-gram, in lexicographic order,
    /// the number of the longer ones that begin with it, and for each of these the distance of its last token from that of
    /// the one before, and its count. Small numbers have one byte (LEB128).
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let document = self.document.map_or(0, |document| u64::from(document) + 1);
        for number in [FORMAT, self.vocab_size as u64, document, self.order() as u64] {
            write(&mut bytes, number);
        }
        for pair in self.levels.windows(2) {
            for row in 0..pair[0].tokens.len() {
                let children = pair[0].children(row);
                write(&mut bytes, children.len() as u64);
                let mut least = 0;
                for row in children {
                    write(&mut bytes, u64::from(pair[1].tokens[row]) - least);
                    write(&mut bytes, pair[1].counts[row].into());
                    least = u64::from(pair[1].tokens[row]) + 1;
                }
            }
        }
        bytes
    }

    /// The model that [`to_bytes`](Self::to_bytes) wrote; `None` if the bytes are others. Takes memory in proportion to
    /// their number, whatever they are.
    pub fn from_bytes(mut bytes: &[u8]) -> Option<Self> {
        let (FORMAT, vocab_size) = (read(&mut bytes)?, read(&mut bytes)?) else { return None };
        let (document, order) = (read(&mut bytes)?, read(&mut bytes)?);
        if !(1..=MAX_IDS).contains(&vocab_size) || document > vocab_size || !(1..=MAX_ORDER).contains(&order) {
            return None;
        }
        let mut levels = vec![Level { tokens: vec![0], counts: vec![0], ..Level::default() }];
        for _ in 0..order {
            let longer = levels.last_mut()?.read_next(&mut bytes, vocab_size)?;
            levels.push(longer);
        }
        let document = document.checked_sub(1).map(|document| document as u32);
        bytes.is_empty().then(|| Self::from_levels(vocab_size as usize, document, levels))
    }
}

impl Level {
    /// Reads the n-grams that begin with those of this level.
    fn read_next(&mut self, bytes: &mut &[u8], vocab_size: u64) -> Option<Self> {
        let mut longer = Self::default();
        for _ in 0..self.tokens.len() {
            self.starts.push(u32::try_from(longer.tokens.len()).ok()?);
            let (mut least, mut total) = (0, 0u32);
            for _ in 0..read(bytes)? {
                let (token, count) = (read(bytes)?.checked_add(least)?, u32::try_from(read(bytes)?).ok()?);
                if token >= vocab_size {
                    return None;
                }
                total = total.checked_add(count)?;
                longer.tokens.push(token as u32);
                longer.counts.push(count);
                least = token + 1;
            }
        }
        self.starts.push(u32::try_from(longer.tokens.len()).ok()?);
        Some(longer)
    }
}

/// Appends `number` in groups of seven bits, the lowest first; the highest bit of a byte says that another one follows.
fn write(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Removes a number that [`write`] wrote from the beginning of `bytes`.
fn read(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn counts_are_small() {
        let text: Vec<u32> = (0..10_000).map(|at| at * at % 97).collect();
        let model = KneserNey::fit(&text, 3, 100, None);
        let bytes = model.to_bytes();
        assert!(bytes.len() < 4 * model.len(), "{} bytes for {} n-grams", bytes.len(), model.len());
    }

    #[test]
    fn numbers_are_read_as_they_were_written() {
        for number in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut bytes = Vec::new();
            write(&mut bytes, number);
            let mut rest = &bytes[..];
            assert_eq!((read(&mut rest), rest.len()), (Some(number), 0));
            assert_eq!(read(&mut &bytes[..bytes.len() - 1]), None);
        }
        assert_eq!(read(&mut &[0x80; 20][..]), None);
    }

    #[test]
    fn bytes_that_are_no_model_are_rejected() {
        let bytes = KneserNey::fit(&[0, 1, 2, 0, 1, 2, 0], 2, 3, Some(0)).to_bytes();
        assert!(KneserNey::from_bytes(&bytes).is_some());
        let changed = |at: usize, byte: u8| {
            let mut bytes = bytes.clone();
            bytes[at] = byte;
            bytes
        };
        // Another format, no id, a document token and an n-gram that are no ids, no order, and a count that is not there.
        let invalid = [changed(0, 2), changed(1, 0), changed(2, 9), changed(3, 0), changed(5, 3), changed(4, 90)];
        for bytes in invalid.iter().map(Vec::as_slice).chain([&bytes[1..], &bytes[..bytes.len() - 1], &[]]) {
            assert!(KneserNey::from_bytes(bytes).is_none(), "{bytes:?}");
        }
        assert!(KneserNey::from_bytes(&[&bytes[..], &[0]].concat()).is_none());
        // Counts whose sum has more than 32 bits.
        let mut bytes = vec![1, 2, 0, 1, 2];
        for token in [0, 0] {
            write(&mut bytes, token);
            write(&mut bytes, u32::MAX.into());
        }
        assert!(KneserNey::from_bytes(&bytes).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_model_that_is_read_has_the_same_probabilities(
            documents in prop::collection::vec(prop::collection::vec(1u32..200, 0..6), 0..9),
            order in 1usize..5,
            context in prop::collection::vec(0u32..200, 0..5),
            has_documents in any::<bool>(),
        ) {
            let train: Vec<u32> = documents.iter().flat_map(|document| [&[0], &document[..]].concat()).chain([0]).collect();
            let model = KneserNey::fit(&train, order, 200, has_documents.then_some(0));
            let bytes = model.to_bytes();
            let read = KneserNey::from_bytes(&bytes).unwrap();
            prop_assert_eq!(read.to_bytes(), bytes);
            prop_assert_eq!((read.order(), read.vocab_size(), read.document()), (order, 200, has_documents.then_some(0)));
            prop_assert_eq!(read.distribution(&context), model.distribution(&context));
            prop_assert_eq!(read.seen_context(&context), model.seen_context(&context));
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(0u8..6, 0..60)) {
            if let Some(model) = KneserNey::from_bytes(&[&[1], &bytes[..]].concat()) {
                let sum: f64 = model.distribution(&[0, 1]).iter().sum();
                prop_assert!((sum - 1.0).abs() < 1e-9, "{}", sum);
            }
        }
    }
}
