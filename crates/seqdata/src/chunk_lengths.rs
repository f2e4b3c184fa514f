//! Lengths of chunks that vary from step to step, so that backpropagation does not always end at the same places of the
//! text (Merity, Keskar and Socher 2018, "Regularizing and Optimizing LSTM Language Models", section 4.1).

use crate::random::Random;

/// The probability of the given mean length; otherwise the mean is half of it.
const PROBABILITY: f64 = 0.95;
/// The shortest length that is drawn, as in the program of the paper, unless the mean is shorter.
const SHORTEST: f64 = 5.0;

/// The distribution of the lengths of the chunks of a stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VaryingLengths {
    /// The seed that the lengths of each pass are drawn with.
    pub seed: u64,
    /// The mean of 19 out of 20 lengths; half of it is that of the others.
    pub mean: usize,
    /// The standard deviation of both.
    pub deviation: f64,
}

impl VaryingLengths {
    /// The number of chunks of a stream of this length, which is the same in all passes.
    pub fn chunks(&self, stream_len: usize) -> usize {
        let mean = self.mean as f64 * (PROBABILITY + (1.0 - PROBABILITY) / 2.0);
        ((stream_len as f64 / mean).round() as usize).clamp(1, stream_len.max(1)).min(stream_len)
    }

    /// Where each chunk of a stream of this length ends in `pass`. The lengths are drawn one by one, and then all of them
    /// are scaled by the factor, usually close to 1, that makes their sum the length of the stream.
    pub fn ends(&self, stream_len: usize, pass: usize) -> Vec<usize> {
        let count = self.chunks(stream_len);
        let mut random = Random::keyed(self.seed, "chunk lengths", &[pass as u64]);
        let mut sum = 0.0;
        let sums: Vec<f64> = std::iter::repeat_with(|| {
            sum += self.draw(&mut random);
            sum
        })
        .take(count)
        .collect();
        let scale = stream_len as f64 / sums.last().copied().unwrap_or(1.0);
        let mut last_end = 0;
        let end = |(index, sum): (usize, f64)| {
            // Rounding leaves at least one id to every chunk.
            let end = ((sum * scale).round() as usize).clamp(last_end + 1, stream_len - (count - 1 - index));
            last_end = end;
            end
        };
        sums.into_iter().enumerate().map(end).collect()
    }

    /// A length before it is scaled.
    fn draw(&self, random: &mut Random) -> f64 {
        let mean = self.mean as f64;
        let center = if random.uniform() < PROBABILITY { mean } else { mean / 2.0 };
        (center + self.deviation * random.normal()).trunc().max(SHORTEST.min(mean))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lengths of the chunks that end there.
    fn lengths(ends: &[usize]) -> Vec<usize> {
        let starts = std::iter::once(0).chain(ends.iter().copied());
        starts.zip(ends).map(|(start, end)| end - start).collect()
    }

    #[test]
    fn the_chunks_of_a_pass_are_the_whole_stream() {
        for (stream_len, mean, deviation) in [(0, 70, 5.0), (1, 70, 5.0), (40, 70, 5.0), (1_000, 8, 4.0), (999, 1, 0.5)]
        {
            let varying = VaryingLengths { seed: 1, mean, deviation };
            for pass in 1..4 {
                let ends = varying.ends(stream_len, pass);
                assert_eq!(ends.len(), varying.chunks(stream_len));
                assert_eq!(ends.last().copied().unwrap_or(0), stream_len);
                assert!(lengths(&ends).iter().all(|&length| length > 0), "{ends:?}");
            }
        }
    }

    #[test]
    fn lengths_have_the_distribution_of_the_paper() {
        let varying = VaryingLengths { seed: 1, mean: 70, deviation: 5.0 };
        let lengths = lengths(&varying.ends(1_000_000, 1));
        let near = |center: f64| -> Vec<f64> {
            lengths.iter().map(|&length| length as f64).filter(|length| (length - center).abs() < 17.5).collect()
        };
        let (long, short) = (near(70.0), near(35.0));
        let share = short.len() as f64 / lengths.len() as f64;
        assert!((share - 0.05).abs() < 0.01, "{share}");
        assert!((long.len() + short.len()) as f64 > 0.99 * lengths.len() as f64);
        for (found, center) in [(long, 70.0), (short, 35.0)] {
            let mean = found.iter().sum::<f64>() / found.len() as f64;
            let variance = found.iter().map(|length| (length - mean).powi(2)).sum::<f64>() / found.len() as f64;
            assert!((mean - center).abs() < 1.0, "{mean}");
            assert!((variance.sqrt() - 5.0).abs() < 0.5, "{variance}");
        }
    }

    #[test]
    fn lengths_depend_on_seed_and_pass_alone() {
        let varying = |seed| VaryingLengths { seed, mean: 20, deviation: 3.0 };
        let ends = varying(1).ends(5_000, 2);
        assert_eq!(varying(1).ends(5_000, 2), ends);
        assert_ne!(varying(1).ends(5_000, 3), ends);
        assert_ne!(varying(2).ends(5_000, 2), ends);
    }
}
