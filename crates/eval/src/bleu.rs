//! BLEU (Papineni et al. 2002): the modified precision of the candidates' n-grams of one to four words. Texts are
//! given as words; scores with different tokenizations are not comparable.

use std::collections::HashMap;

use crate::as_strs;

/// The maximum n-gram length, in words.
pub const MAX_ORDER: usize = 4;

/// The n-gram counts of a corpus, from which corpus BLEU is computed.
///
/// With `c` the number of words in the candidates and `r` that in the references closest to them in length,
///
/// ```text
/// pₙ = Σ min(count in the candidate, highest count in a reference) / Σ count in the candidate
/// BP = 1 if c ≥ r, else exp(1 − r/c)
/// BLEU-N = BP · exp(Σ ln pₙ / N), n = 1 … N
/// ```
///
/// where the sums are over all n-grams of all candidates. There is no smoothing: if no n-gram matches,
/// BLEU is 0. The scores equal those of sacreBLEU with `tokenize="none"`, `smooth_method="none"`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bleu {
    /// Matching n-grams by length, from 1.
    matching: [u64; MAX_ORDER],
    /// N-grams of the candidates by length, from 1.
    total: [u64; MAX_ORDER],
    /// r: the length of the reference closest in length, summed over the candidates.
    reference_words: u64,
}

impl Bleu {
    /// Adds a candidate with its references. If two references are equally close in length, the shorter one is used.
    ///
    /// # Panics
    /// If there are no references.
    pub fn add<S: AsRef<str>, R: AsRef<[S]>>(&mut self, candidate: &[impl AsRef<str>], references: &[R]) {
        let candidate = as_strs(candidate);
        let references: Vec<_> = references.iter().map(|words| as_strs(words.as_ref())).collect();
        let distance = |length: usize| (length.abs_diff(candidate.len()), length);
        let closest_length = references.iter().map(Vec::len).min_by_key(|&length| distance(length));
        self.reference_words += closest_length.expect("a candidate needs a reference") as u64;
        for order in 1..=MAX_ORDER {
            let reference_counts: Vec<_> = references.iter().map(|words| counts(words, order)).collect();
            for (ngram, count) in counts(&candidate, order) {
                let max = reference_counts.iter().filter_map(|counts| counts.get(ngram)).max();
                self.total[order - 1] += count;
                self.matching[order - 1] += count.min(max.copied().unwrap_or(0));
            }
        }
    }

    /// BLEU over n-grams of 1 to `order` words, in percent.
    ///
    /// # Panics
    /// If `order` is 0 or above [`MAX_ORDER`].
    pub fn score(&self, order: usize) -> f64 {
        assert!((1..=MAX_ORDER).contains(&order), "BLEU-{order}: the order must be 1 to {MAX_ORDER}");
        // The logarithm of a precision of 0 is −∞, so that the score is 0.
        let logarithms: f64 = self.precisions()[..order].iter().map(|p| p.ln()).sum();
        self.brevity_penalty() * (logarithms / order as f64).exp()
    }

    /// pₙ for n = 1 … [`MAX_ORDER`], in percent; 0 if the candidates have no n-gram of this length.
    pub fn precisions(&self) -> [f64; MAX_ORDER] {
        std::array::from_fn(|at| 100.0 * self.matching[at] as f64 / self.total[at].max(1) as f64)
    }

    /// BP: from 0 for empty candidates to 1 if the candidates are not shorter than the references.
    pub fn brevity_penalty(&self) -> f64 {
        let (candidate, reference) = (self.total[0], self.reference_words);
        if candidate >= reference {
            return 1.0;
        }
        // For empty candidates this is exp(1 − ∞) = 0.
        (1.0 - reference as f64 / candidate as f64).exp()
    }
}

/// The count of each n-gram of `order` words.
fn counts<'a, 'w>(words: &'a [&'w str], order: usize) -> HashMap<&'a [&'w str], u64> {
    let mut counts = HashMap::new();
    words.windows(order).for_each(|ngram| *counts.entry(ngram).or_default() += 1);
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        text.split_whitespace().collect()
    }

    fn bleu(texts: &[(&str, &[&str])]) -> Bleu {
        let mut bleu = Bleu::default();
        for (candidate, references) in texts {
            let references: Vec<_> = references.iter().map(|text| words(text)).collect();
            bleu.add(&words(candidate), &references);
        }
        bleu
    }

    #[test]
    fn equal_texts_have_a_score_of_100() {
        let same = bleu(&[("what is the fox 's name ?", &["what is the fox 's name ?"])]);
        for order in 1..=MAX_ORDER {
            assert!((same.score(order) - 100.0).abs() < 1e-12);
        }
        assert_eq!((same.precisions(), same.brevity_penalty()), ([100.0; 4], 1.0));
    }

    #[test]
    fn matches_are_clipped_to_the_highest_count_in_one_reference() {
        // Papineni's example: 2 of 7, although the two references have 3 together.
        let references = ["the cat is on the mat", "there is a cat on the mat"];
        let found = bleu(&[("the the the the the the the", &references)]);
        assert!((found.score(1) - 200.0 / 7.0).abs() < 1e-12);
        assert_eq!((found.precisions()[1], found.score(2)), (0.0, 0.0));
    }

    #[test]
    fn the_shorter_of_two_equally_close_references_is_used() {
        for references in [["a b", "a b c d"], ["a b c d", "a b"]] {
            assert_eq!(bleu(&[("a b c", &references)]).reference_words, 2);
        }
    }

    #[test]
    fn counts_are_summed_before_division() {
        let found = bleu(&[("a b c d", &["a b c d"]), ("x", &["a b c d"])]);
        assert_eq!(found.precisions(), [80.0, 100.0, 100.0, 100.0]);
        assert!((found.brevity_penalty() - (1.0 - 8.0 / 5.0f64).exp()).abs() < 1e-15);
    }

    #[test]
    fn an_empty_candidate_has_a_score_of_0() {
        let found = bleu(&[("", &["the fox"])]);
        assert_eq!((found.brevity_penalty(), found.score(1), found.score(4)), (0.0, 0.0, 0.0));
        assert_eq!((Bleu::default().score(1), Bleu::default().brevity_penalty()), (0.0, 1.0));
    }

    #[test]
    #[should_panic(expected = "needs a reference")]
    fn a_candidate_needs_a_reference() {
        bleu(&[("the fox", &[])]);
    }
}
