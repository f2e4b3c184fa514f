//! How far samples of a text can be compressed.

use std::io::Write;

use flate2::Compression;
use flate2::write::DeflateEncoder;

/// The bytes of a sample: twice the distance at which the algorithm finds repetitions.
const BLOCK: usize = 64 * 1024;

/// Samples of the text that is pushed: blocks that begin at byte 0, 128 Ki, 256 Ki, 512 Ki and so on, and its last one
/// as far as it goes. A gigabyte has 14 of them.
#[derive(Default)]
pub(super) struct Sampler {
    /// The bytes of the text so far.
    position: u64,
    /// Where the current or next block begins.
    start: u64,
    block: Vec<u8>,
    sampled: u64,
    compressed: u64,
}

impl Sampler {
    pub fn push(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let to_start = self.start.saturating_sub(self.position);
            let is_between = to_start > 0;
            let len = if is_between { to_start } else { (BLOCK - self.block.len()) as u64 };
            let (part, tail) = rest.split_at(rest.len().min(usize::try_from(len).unwrap_or(usize::MAX)));
            if !is_between {
                self.block.extend_from_slice(part);
            }
            self.position += part.len() as u64;
            rest = tail;
            if self.block.len() == BLOCK {
                self.end_block();
            }
        }
    }

    fn end_block(&mut self) {
        self.sampled += self.block.len() as u64;
        self.compressed += compressed_len(&self.block);
        self.block.clear();
        self.start = (2 * self.start).max(2 * BLOCK as u64);
    }

    /// 1 − the compressed size / the size of the samples, at least 0.
    pub fn redundancy(mut self) -> f64 {
        if !self.block.is_empty() {
            self.end_block();
        }
        if self.sampled == 0 {
            return 0.0;
        }
        (1.0 - self.compressed as f64 / self.sampled as f64).max(0.0)
    }
}

/// The bytes of `block` after compression by deflate.
fn compressed_len(block: &[u8]) -> u64 {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    let compressed = encoder.write_all(block).and_then(|()| encoder.finish());
    compressed.expect("memory can be written").len() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_samples_do_not_depend_on_the_chunks() {
        let text: Vec<u8> = (0..400_000u64).map(|n| (n * n % 251) as u8).collect();
        let redundancy = |len: usize| {
            let mut sampler = Sampler::default();
            text.chunks(len).for_each(|chunk| sampler.push(chunk));
            assert!(sampler.sampled <= 3 * BLOCK as u64);
            sampler.redundancy()
        };
        let expected = redundancy(text.len());
        assert!(expected > 0.0);
        for len in [1, 1_000, BLOCK - 1, BLOCK, BLOCK + 1, 300_000] {
            assert_eq!(redundancy(len), expected, "{len}");
        }
    }

    #[test]
    fn only_what_repeats_is_redundant() {
        let redundancy = |bytes: &[u8]| {
            let mut sampler = Sampler::default();
            sampler.push(bytes);
            sampler.redundancy()
        };
        assert_eq!(redundancy(b""), 0.0);
        assert_eq!(redundancy(b"a fox"), 0.0);
        assert!(redundancy(&[b'a'; 6_000]) > 0.99);
        // Numbers that look random.
        let mut state = 1u64;
        let bytes: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        })
        .take(100_000)
        .collect();
        assert!(redundancy(&bytes) < 0.01);
    }
}
