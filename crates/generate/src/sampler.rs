//! Chooses the next token: the same seed and sample number give the same choices.

use seqdata::Random;

use crate::error::Result;
use crate::sampling::Sampling;

/// One sample's way of choosing.
#[derive(Clone, Debug)]
pub struct Sampler {
    sampling: Sampling,
    random: Random,
    /// Ids that are never written.
    reserved: Vec<u32>,
    /// The story mark: it may stand many times in a row, but no text begins with it.
    mark: Option<u32>,
    /// Whether nothing has been written.
    at_start: bool,
    /// What has been read and written.
    past: Vec<u32>,
}

impl Sampler {
    /// The sampler of sample number `sample` under `seed`.
    pub fn new(
        sampling: Sampling,
        seed: u64,
        sample: u64,
        reserved: impl IntoIterator<Item = u32>,
        mark: Option<u32>,
    ) -> Self {
        let random = Random::keyed(seed, "sample", &[sample]);
        let reserved = reserved.into_iter().collect();
        Self { sampling, random, reserved, mark, at_start: true, past: Vec::new() }
    }

    /// Takes note of ids that were read, not chosen.
    pub fn read(&mut self, ids: &[u32]) {
        self.past.extend_from_slice(ids);
    }

    /// Chooses an id by its logit.
    ///
    /// # Errors
    /// If a logit is no number, or none of an id that may be written is finite.
    pub fn choose(&mut self, logits: &[f32]) -> Result<u32> {
        let mut logits: Vec<f64> = logits.iter().map(|&logit| logit.into()).collect();
        let early_mark = self.mark.filter(|_| self.at_start);
        for &id in self.reserved.iter().chain(&early_mark) {
            logits[id as usize] = f64::NEG_INFINITY;
        }
        let repeats = self.repeats();
        if !repeats.is_empty() {
            let mut unrepeated = logits.clone();
            for id in repeats {
                unrepeated[id as usize] = f64::NEG_INFINITY;
            }
            // Where every token would repeat something, repeating is better than falling silent.
            if unrepeated.iter().any(|logit| logit.is_finite()) {
                logits = unrepeated;
            }
        }
        let id = self.draw(&self.sampling.probabilities(&logits)?);
        self.past.push(id);
        self.at_start = false;
        Ok(id)
    }

    /// The ids that would end a run of n tokens which stands in the past already.
    fn repeats(&self) -> Vec<u32> {
        let Some(n) = self.sampling.no_repeat else { return Vec::new() };
        let Some(start) = (self.past.len() + 1).checked_sub(n) else { return Vec::new() };
        let last = &self.past[start..];
        self.past
            .windows(n)
            .filter(|run| run[..n - 1] == *last && Some(run[n - 1]) != self.mark)
            .map(|run| run[n - 1])
            .collect()
    }

    /// Draws by inverting the cumulative distribution.
    fn draw(&mut self, probabilities: &[f64]) -> u32 {
        let point = self.random.uniform();
        let mut reached = 0.0;
        let mut last = 0;
        for (id, &probability) in probabilities.iter().enumerate() {
            if probability > 0.0 {
                reached += probability;
                last = id;
                if point < reached {
                    break;
                }
            }
        }
        // Rounding may leave the sum a hair under one: the last possible token takes the rest.
        last as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampler(sampling: Sampling, sample: u64) -> Sampler {
        Sampler::new(sampling, 1, sample, [0], None)
    }

    #[test]
    fn frequencies_match_probabilities() {
        let logits = [9.0, 1.0, 2.0, 0.5];
        let mut banned = logits.map(f64::from);
        banned[0] = f64::NEG_INFINITY;
        let expected = Sampling::default().probabilities(&banned).unwrap();
        let mut sampler = sampler(Sampling::default(), 0);
        let mut counts = [0u32; 4];
        let draws = 40_000;
        for _ in 0..draws {
            counts[sampler.choose(&logits).unwrap() as usize] += 1;
        }
        assert_eq!(counts[0], 0, "a reserved id was written");
        for (count, probability) in counts.into_iter().zip(expected) {
            let deviation = (probability * (1.0 - probability) / f64::from(draws)).sqrt();
            let found = f64::from(count) / f64::from(draws);
            assert!((found - probability).abs() <= 4.0 * deviation, "{found} for {probability}");
        }
    }

    #[test]
    fn the_same_seed_and_number_choose_alike() {
        let run = |sample| {
            let mut sampler = sampler(Sampling::default(), sample);
            (0..50).map(|_| sampler.choose(&[0.0; 20]).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(run(0), run(0));
        assert_ne!(run(0), run(1));
    }

    #[test]
    fn no_run_of_n_tokens_comes_twice() {
        let sampling = Sampling { no_repeat: Some(2), ..Sampling::default() };
        let mut sampler = sampler(sampling, 0);
        sampler.read(&[1, 2]);
        let mut written = vec![1, 2];
        // Four ids that may be written make sixteen different pairs at most.
        for _ in 0..10 {
            written.push(sampler.choose(&[0.0, 0.3, 0.2, 0.1, 0.0]).unwrap());
        }
        let mut pairs: Vec<&[u32]> = written.windows(2).collect();
        let count = pairs.len();
        pairs.sort_unstable();
        pairs.dedup();
        assert_eq!(pairs.len(), count, "{written:?}");
    }

    #[test]
    fn where_all_would_repeat_something_is_still_written() {
        let sampling = Sampling { no_repeat: Some(1), ..Sampling::default() };
        let mut sampler = sampler(sampling, 0);
        let written: Vec<u32> = (0..4).map(|_| sampler.choose(&[0.0; 3]).unwrap()).collect();
        assert!(written.iter().all(|id| [1, 2].contains(id)), "{written:?}");
    }

    #[test]
    fn a_mark_may_repeat_but_begins_no_text() {
        let sampling = Sampling { no_repeat: Some(2), temperature: 0.0, ..Sampling::default() };
        let mut sampler = Sampler::new(sampling, 1, 0, [0], Some(1));
        sampler.read(&[1, 1, 1]);
        let choose = |_| sampler.choose(&[0.0, 2.0, 1.0]).unwrap();
        let written: Vec<u32> = (0..5).map(choose).collect();
        assert_eq!(written, [2, 1, 1, 1, 1]);
    }
}
