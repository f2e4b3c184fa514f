//! Mirostat 2.0: sampling with a predetermined mean surprise (Basu, Ramachandran, Keskar and Varshney 2021).
//!
//! S(x) = −log2 p(x) is the surprise of a token. A token is sampled from those with S(x) ≤ μ, and at least from the likeliest;
//! then μ ← μ − η (S(x) − τ), with the target τ and at the beginning μ = 2 τ. Over n tokens, the mean surprise is therefore
//! τ + (μ_0 − μ_n) / (η n): it approaches the target where the distributions allow tokens that are so surprising on average.

use kernels::inference::{draw, sum_of_weights};

/// η: by how much of a token's error the limit changes.
const RATE: f64 = 0.1;

/// The state of one text.
#[derive(Clone, Debug)]
pub(crate) struct Mirostat {
    /// τ, in bits.
    target: f64,
    /// μ, in bits.
    max_surprise: f64,
}

impl Mirostat {
    /// The state before the first token, with this target in bits.
    pub fn new(target: f64) -> Self {
        Self { target, max_surprise: 2.0 * target }
    }

    /// Samples an id in proportion to the weights of the tokens that are not too surprising, and adapts the limit.
    /// `uniform` is from 0 to below 1.
    pub fn draw(&mut self, weights: &mut [f64], uniform: f64) -> usize {
        let total = sum_of_weights(weights, 0.0);
        let largest = weights.iter().copied().fold(0.0, f64::max);
        let least = (total * (-self.max_surprise).exp2()).min(largest);
        weights.iter_mut().for_each(|weight| *weight = if *weight < least { 0.0 } else { *weight });
        let id = draw(weights, uniform);
        let surprise = (total / weights[id]).log2();
        self.max_surprise -= RATE * (surprise - self.target);
        id
    }
}

#[cfg(test)]
mod tests {
    use seqdata::Random;

    use super::*;

    /// Surprises of 1, 2, 3 and 3 bits.
    const WEIGHTS: [f64; 4] = [1.0, 0.5, 0.25, 0.25];

    #[test]
    fn only_tokens_up_to_the_largest_surprise_are_sampled() {
        for (max_surprise, kept) in [(-5.0, 1), (0.5, 1), (1.5, 1), (2.5, 2), (3.5, 4), (1e9, 4)] {
            let mut left = WEIGHTS;
            Mirostat { target: 2.0, max_surprise }.draw(&mut left, 0.0);
            let expected: Vec<f64> =
                WEIGHTS.iter().enumerate().map(|(at, &w)| if at < kept { w } else { 0.0 }).collect();
            assert_eq!(left.as_slice(), expected, "{max_surprise}");
        }
    }

    #[test]
    fn the_limit_starts_at_twice_the_target_and_follows_the_error() {
        let mut mirostat = Mirostat::new(2.0);
        // Each surprise is that among all tokens, also among those above the limit.
        for (uniform, id, max_surprise) in [(0.1, 0, 4.1), (0.6, 1, 4.1), (0.99, 3, 4.0), (0.8, 2, 3.9)] {
            let mut weights = WEIGHTS;
            assert_eq!(mirostat.draw(&mut weights, uniform), id);
            assert!((mirostat.max_surprise - max_surprise).abs() < 1e-12, "{mirostat:?}");
        }
        let mut mirostat = Mirostat { target: 0.5, max_surprise: 1.0 };
        let mut weights = WEIGHTS;
        mirostat.draw(&mut weights, 0.99);
        assert!((mirostat.max_surprise - 0.95).abs() < 1e-12, "{mirostat:?}");
    }

    #[test]
    fn the_mean_surprise_approaches_the_target() {
        // Zipf's law, with an entropy of about six bits.
        let zipf: Vec<f64> = (1..=300).map(|rank| 1.0 / f64::from(rank)).collect();
        let total: f64 = zipf.iter().sum();
        let entropy: f64 = zipf.iter().map(|weight| weight / total * (total / weight).log2()).sum();
        let draws = 4_000;
        for target in [3.0, 4.0, 5.0] {
            assert!(target < entropy);
            let (mut mirostat, mut random) = (Mirostat::new(target), Random::keyed(1, "mirostat", &[]));
            let mut sum = 0.0;
            for _ in 0..draws {
                let id = mirostat.draw(&mut zipf.clone(), random.uniform());
                sum += (total / zipf[id]).log2();
            }
            let mean = sum / f64::from(draws);
            let expected = target + (2.0 * target - mirostat.max_surprise) / (RATE * f64::from(draws));
            assert!((mean - expected).abs() < 1e-9, "{mean} for {expected}");
            assert!((mean - target).abs() < 0.05, "{mean} for {target}");
        }
    }
}
