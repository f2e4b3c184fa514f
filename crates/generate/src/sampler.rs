//! Samples the next token; the same seed and sample number give the same tokens.

use kernels::inference::draw;
use seqdata::Random;

use crate::error::Result;
use crate::mirostat::Mirostat;
use crate::sampling::Sampling;

/// Samples the tokens of one text.
#[derive(Clone, Debug)]
pub struct Sampler {
    sampling: Sampling,
    random: Random,
    /// Ids that are never sampled.
    reserved: Vec<u32>,
    /// The id of the document separator. It may be repeated, but a text does not begin with it.
    separator: Option<u32>,
    /// The id of the document token. It may be repeated, but a document is not empty.
    document: Option<u32>,
    /// Whether no id has been sampled.
    at_start: bool,
    /// The ids of the prompt and those sampled.
    history: Vec<u32>,
    /// The state of Mirostat, if it is on.
    mirostat: Option<Mirostat>,
}

impl Sampler {
    /// The sampler for sample number `sample` with the seed of `sampling`. Ids in `reserved` are never sampled;
    /// `separator` is the id of the document separator.
    pub fn new(
        sampling: Sampling,
        sample: u64,
        reserved: impl IntoIterator<Item = u32>,
        separator: Option<u32>,
    ) -> Self {
        let random = Random::keyed(sampling.seed, "sample", &[sample]);
        let reserved = reserved.into_iter().collect();
        let (document, at_start, history) = (None, true, Vec::new());
        let mirostat = sampling.mirostat.map(Mirostat::new);
        Self { sampling, random, reserved, separator, document, at_start, history, mirostat }
    }

    /// Sets the id of the document token: `no_repeat_ngram` and `repetition_penalty` do not apply to it, and it is not
    /// sampled right after itself, as no document is empty.
    #[must_use]
    pub fn document_id(self, document: Option<u32>) -> Self {
        Self { document, ..self }
    }

    /// Adds ids of the prompt to the history.
    pub fn extend_history(&mut self, ids: &[u32]) {
        self.history.extend_from_slice(ids);
    }

    /// The ids of the prompt and those sampled.
    pub fn history(&self) -> &[u32] {
        &self.history
    }

    /// Samples an id from `logits`, one per token.
    ///
    /// # Errors
    /// If a logit is NaN, or no allowed id has a finite one.
    pub fn sample(&mut self, logits: &[f32]) -> Result<u32> {
        let given = logits;
        let mut logits: Vec<f64> = given.iter().map(|&logit| logit.into()).collect();
        self.penalize_repetition(given, &mut logits);
        let early_separator = self.separator.filter(|_| self.at_start);
        let empty_document = self.document.filter(|document| self.history.last() == Some(document));
        for &id in self.reserved.iter().chain(&early_separator).chain(&empty_document) {
            logits[id as usize] = f64::NEG_INFINITY;
        }
        let repeats = self.repeats();
        if !repeats.is_empty() {
            let mut without_repeats = logits.clone();
            for id in repeats {
                without_repeats[id as usize] = f64::NEG_INFINITY;
            }
            // If every token would repeat an n-gram, repetition is allowed.
            if without_repeats.iter().any(|logit| logit.is_finite()) {
                logits = without_repeats;
            }
        }
        let mut weights = self.sampling.weights(logits)?;
        let uniform = self.random.uniform();
        // By inverting the cumulative distribution.
        let id = match &mut self.mirostat {
            None => draw(&weights, uniform),
            Some(mirostat) => mirostat.draw(&mut weights, uniform),
        };
        let id = id as u32;
        self.history.push(id);
        self.at_start = false;
        Ok(id)
    }

    /// Lowers `logits`, which are as `given`, by the repetition penalty where the ids are among the last ones.
    fn penalize_repetition(&self, given: &[f32], logits: &mut [f64]) {
        let Some(penalty) = self.sampling.repetition_penalty else { return };
        let start = self.history.len().saturating_sub(self.sampling.repetition_window.unwrap_or(usize::MAX));
        for &id in self.history[start..].iter().filter(|&&id| !self.may_repeat(id)) {
            // Computed from what was given, so that it does not matter how often the id occurs.
            let logit = f64::from(given[id as usize]);
            logits[id as usize] = if logit > 0.0 { logit / penalty } else { logit * penalty };
        }
    }

    /// Whether a token stands between documents: these may occur any number of times.
    fn may_repeat(&self, id: u32) -> bool {
        [self.separator, self.document].contains(&Some(id))
    }

    /// The ids that would complete an n-gram that is already in the history.
    fn repeats(&self) -> Vec<u32> {
        let Some(n) = self.sampling.no_repeat_ngram else { return Vec::new() };
        let Some(start) = (self.history.len() + 1).checked_sub(n) else { return Vec::new() };
        let last = &self.history[start..];
        self.history
            .windows(n)
            .filter(|ngram| ngram[..n - 1] == *last)
            .map(|ngram| ngram[n - 1])
            .filter(|&id| !self.may_repeat(id))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampler(sampling: Sampling, sample: u64) -> Sampler {
        Sampler::new(sampling.seed(1), sample, [0], None)
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
            counts[sampler.sample(&logits).unwrap() as usize] += 1;
        }
        assert_eq!(counts[0], 0, "a reserved id was sampled");
        for (count, probability) in counts.into_iter().zip(expected) {
            let standard_error = (probability * (1.0 - probability) / f64::from(draws)).sqrt();
            let found = f64::from(count) / f64::from(draws);
            assert!((found - probability).abs() <= 4.0 * standard_error, "{found} for {probability}");
        }
    }

    #[test]
    fn the_same_seed_and_number_give_the_same_ids() {
        let run = |sample| {
            let mut sampler = sampler(Sampling::default(), sample);
            (0..50).map(|_| sampler.sample(&[0.0; 20]).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(run(0), run(0));
        assert_ne!(run(0), run(1));
    }

    #[test]
    fn no_ngram_occurs_twice() {
        let sampling = Sampling::default().no_repeat_ngram(2);
        let mut sampler = sampler(sampling, 0);
        sampler.extend_history(&[1, 2]);
        let mut sampled = vec![1, 2];
        // Four allowed ids have at most sixteen distinct pairs.
        for _ in 0..10 {
            sampled.push(sampler.sample(&[0.0, 0.3, 0.2, 0.1, 0.0]).unwrap());
        }
        let mut pairs: Vec<&[u32]> = sampled.windows(2).collect();
        let count = pairs.len();
        pairs.sort_unstable();
        pairs.dedup();
        assert_eq!(pairs.len(), count, "{sampled:?}");
    }

    #[test]
    fn repetition_is_allowed_if_every_token_would_repeat() {
        let sampling = Sampling::default().no_repeat_ngram(1);
        let mut sampler = sampler(sampling, 0);
        let sampled: Vec<u32> = (0..4).map(|_| sampler.sample(&[0.0; 3]).unwrap()).collect();
        assert!(sampled.iter().all(|id| [1, 2].contains(id)), "{sampled:?}");
    }

    #[test]
    fn a_document_token_ends_a_document_but_no_empty_one() {
        let sampling = Sampling::default().no_repeat_ngram(1).temperature(0.0);
        let mut sampler = Sampler::new(sampling, 0, [0], None).document_id(Some(1));
        sampler.extend_history(&[1]);
        let sampled = [(); 3].map(|()| sampler.sample(&[0.0, 2.0, 1.0, 0.5]).unwrap());
        assert_eq!(sampled, [2, 1, 3]);
    }

    #[test]
    fn a_separator_may_repeat_but_does_not_begin_a_text() {
        let sampling = Sampling::default().no_repeat_ngram(2).temperature(0.0);
        let mut sampler = Sampler::new(sampling.seed(1), 0, [0], Some(1));
        sampler.extend_history(&[1, 1, 1]);
        let sample = |_| sampler.sample(&[0.0, 2.0, 1.0]).unwrap();
        let sampled: Vec<u32> = (0..5).map(sample).collect();
        assert_eq!(sampled, [2, 1, 1, 1, 1]);
    }

    #[test]
    fn the_repetition_penalty_divides_positive_logits_and_multiplies_negative_ones() {
        let greedy = |logits: &[f32], window: Option<usize>, count: usize| {
            let sampling = Sampling::default().temperature(0.0).repetition_penalty(1.2).repetition_window(window);
            let mut sampler = sampler(sampling, 0);
            (0..count).map(|_| sampler.sample(logits).unwrap()).collect::<Vec<u32>>()
        };
        // 3.0, 2.8 and 2.6 become 2.5, 2.33 and 2.17, once, however often the id occurs.
        let positive = [9.0, 3.0, 2.8, 2.6];
        assert_eq!(greedy(&positive, None, 6), [1, 2, 3, 1, 1, 1]);
        assert_eq!(greedy(&positive, Some(2), 6), [1, 2, 3, 1, 2, 3]);
        assert_eq!(greedy(&positive, Some(1), 6), [1, 2, 1, 2, 1, 2]);
        // −1.0, −1.1 and −1.3 become −1.2, −1.32 and −1.56.
        assert_eq!(greedy(&[9.0, -1.0, -1.1, -1.3], None, 5), [1, 2, 1, 1, 1]);
    }

    #[test]
    fn penalized_frequencies_match_the_equation() {
        let (penalty, temperature, logits) = (1.5, 0.8, [9.0, 2.0, 1.0, -1.0, 0.0]);
        let sampling = Sampling::default().repetition_penalty(penalty).temperature(temperature);
        // Tokens 1 and 3 are in the history.
        let scores = [f64::NEG_INFINITY, 2.0 / penalty, 1.0, -penalty, 0.0];
        let weights = scores.map(|score| (score / temperature).exp());
        let total: f64 = weights.iter().sum();
        let mut counts = [0u32; 5];
        let draws = 20_000u32;
        for number in 0..draws {
            let mut sampler = sampler(sampling.clone(), number.into());
            sampler.extend_history(&[1, 3, 1]);
            counts[sampler.sample(&logits).unwrap() as usize] += 1;
        }
        for (count, weight) in counts.into_iter().zip(weights) {
            let probability = weight / total;
            let standard_error = (probability * (1.0 - probability) / f64::from(draws)).sqrt();
            let found = f64::from(count) / f64::from(draws);
            assert!((found - probability).abs() <= 4.0 * standard_error, "{found} for {probability}");
        }
    }

    #[test]
    fn separators_and_document_tokens_have_no_repetition_penalty() {
        let sampling = Sampling::default().repetition_penalty(2.0).temperature(0.0);
        let sampled = |mut sampler: Sampler| {
            sampler.extend_history(&[1]);
            [(); 3].map(|()| sampler.sample(&[0.0, 3.0, 2.8, 2.6]).unwrap())
        };
        // Neither begins a text; then the separator follows again and again, but no document is empty.
        assert_eq!(sampled(Sampler::new(sampling.clone(), 0, [0], Some(1))), [2, 1, 1]);
        assert_eq!(sampled(Sampler::new(sampling, 0, [0], None).document_id(Some(1))), [2, 1, 3]);
    }

    #[test]
    fn mirostat_reaches_its_target_in_the_distribution_that_the_other_filters_leave() {
        // Zipf's law at the temperature.
        let mut logits: Vec<f32> = (0..300).map(|rank| -2.0 * (rank as f32).ln()).collect();
        logits[0] = 9.0;
        let filtered = Sampling::default().temperature(2.0).top_k(100);
        let mut scores: Vec<f64> = logits.iter().map(|&logit| logit.into()).collect();
        scores[0] = f64::NEG_INFINITY;
        let probabilities = filtered.probabilities(&scores).unwrap();
        let draws = 3_000;
        let mean = |number| {
            let mut sampler = sampler(filtered.clone().mirostat(3.5), number);
            let surprise = |_| -probabilities[sampler.sample(&logits).unwrap() as usize].log2();
            (0..draws).map(surprise).sum::<f64>() / f64::from(draws)
        };
        for number in [0, 1] {
            assert!((mean(number) - 3.5).abs() < 0.05, "{}", mean(number));
        }
    }
}
