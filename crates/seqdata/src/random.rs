//! Random numbers as a function of a key, reproducible across processes. Bits, uniform numbers and
//! integers are equal on every machine; normal numbers depend on the system's `ln` and `cos`.
//!
//! Initial weights, dropout masks, the order of a pass and the sampler each have their own stream,
//! keyed by the run's seed, a name and numbers such as the step and the layer. No generator state is
//! carried between steps, so any step can be reproduced alone.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

/// A stream of random numbers (ChaCha with 8 rounds).
#[derive(Clone, Debug)]
pub struct Random(ChaCha8Rng);

impl Random {
    /// The stream with this key. Different keys give independent streams.
    pub fn keyed(seed: u64, name: &str, numbers: &[u64]) -> Self {
        let mut key = Sha256::new();
        key.update(seed.to_le_bytes());
        key.update((name.len() as u64).to_le_bytes());
        key.update(name);
        for number in numbers {
            key.update(number.to_le_bytes());
        }
        Self(ChaCha8Rng::from_seed(key.finalize().into()))
    }

    /// A uniform `u32`.
    pub fn bits(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// Fills `to` with what as many calls of [`bits`](Self::bits) would return.
    pub fn fill(&mut self, to: &mut [u32]) {
        for to in to.chunks_mut(64) {
            let mut bytes = [0; 64 * 4];
            let bytes = &mut bytes[..to.len() * 4];
            self.0.fill_bytes(bytes);
            for (to, &bytes) in to.iter_mut().zip(bytes.as_chunks().0) {
                *to = u32::from_le_bytes(bytes);
            }
        }
    }

    /// Skips `count` results of [`bits`](Self::bits), in constant time: threads can draw parts of a stream at once.
    pub fn skip(&mut self, count: usize) {
        self.0.set_word_pos(self.0.get_word_pos() + count as u128);
    }

    /// A uniform number in [0, 1), a multiple of 2⁻⁵³.
    pub fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * 2f64.powi(-53)
    }

    /// A uniform integer from 0, 1, …, `count - 1`, without bias (Lemire 2019, "Fast random integer
    /// generation in an interval", algorithm 5).
    ///
    /// # Panics
    /// If `count` is zero.
    pub fn below(&mut self, count: u64) -> u64 {
        assert!(count > 0, "count is 0");
        let threshold = count.wrapping_neg() % count;
        loop {
            let product = u128::from(self.0.next_u64()) * u128::from(count);
            if product as u64 >= threshold {
                return (product >> 64) as u64;
            }
        }
    }

    /// A standard normal number (Box and Muller 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// A uniform random permutation of 0, 1, …, `count - 1` (Fisher and Yates).
    pub fn permutation(&mut self, count: usize) -> Vec<u32> {
        let mut order: Vec<u32> = (0..count as u32).collect();
        for last in (1..count).rev() {
            order.swap(last, self.below(last as u64 + 1) as usize);
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_never_changes() {
        // ChaCha with 8 rounds, its key the SHA-256 of ours, computed independently of this code from the
        // reference equations (Bernstein 2008). Saved runs depend on these bits.
        let mut random = Random::keyed(1, "test", &[2, 3]);
        let drawn = [random.bits(), random.bits(), random.bits()];
        let mut again = Random::keyed(1, "test", &[2, 3]);
        assert_eq!(drawn, [again.bits(), again.bits(), again.bits()]);
        assert_eq!(drawn, PINNED);
    }

    const PINNED: [u32; 3] = [3_859_463_450, 2_328_384_127, 848_285_383];

    #[test]
    fn any_part_of_a_stream_can_be_drawn_alone() {
        let mut one_by_one = Random::keyed(1, "test", &[2, 3]);
        let stream: Vec<u32> = (0..1_000).map(|_| one_by_one.bits()).collect();
        for drawn in [0, 1, 15, 16, 63, 64, 65] {
            for skipped in [0, 1, 48, 64, 129] {
                for count in [0, 1, 63, 64, 65, 300] {
                    let mut random = Random::keyed(1, "test", &[2, 3]);
                    random.fill(&mut vec![0; drawn]);
                    random.skip(skipped);
                    let mut part = vec![0; count];
                    random.fill(&mut part);
                    let from = drawn + skipped;
                    assert_eq!(part, stream[from..from + count], "{drawn} {skipped} {count}");
                    assert_eq!(random.bits(), stream[from + count], "{drawn} {skipped} {count}");
                }
            }
        }
    }

    #[test]
    fn every_part_of_the_key_matters() {
        let first = |mut random: Random| random.bits();
        let base = first(Random::keyed(1, "a", &[1]));
        for other in [
            Random::keyed(2, "a", &[1]),
            Random::keyed(1, "b", &[1]),
            Random::keyed(1, "a", &[2]),
            Random::keyed(1, "a", &[]),
        ] {
            assert_ne!(base, first(other));
        }
    }

    #[test]
    fn samples_have_the_moments_of_their_distribution() {
        let mut random = Random::keyed(7, "moments", &[]);
        let count = 20_000;
        let (mut uniform, mut normal, mut square) = (0.0, 0.0, 0.0);
        for _ in 0..count {
            uniform += random.uniform();
            let drawn = random.normal();
            normal += drawn;
            square += drawn * drawn;
        }
        let mean = |sum: f64| sum / f64::from(count);
        assert!((mean(uniform) - 0.5).abs() < 0.01);
        assert!(mean(normal).abs() < 0.03);
        assert!((mean(square) - 1.0).abs() < 0.05);
    }

    #[test]
    fn a_permutation_has_every_index_once() {
        let mut order = Random::keyed(3, "order", &[]).permutation(1000);
        assert_ne!(order, (0..1000).collect::<Vec<u32>>());
        order.sort_unstable();
        assert_eq!(order, (0..1000).collect::<Vec<u32>>());
    }
}
