//! BLEU (Papineni et al. 2002): how many runs of one to four words a written text shares with its
//! references.
//!
//! What it does not know: how texts were split; scores of one splitting do not compare with
//! those of another.

use std::collections::HashMap;

use crate::borrowed;

/// The longest runs that are counted, in words.
pub const LONGEST: usize = 4;

/// The counts of a corpus, from which BLEU is computed once.
///
/// With `c` the words written and `r` the references' words,
///
/// ```text
/// pₙ = Σ min(times written, times in the reference with the most) / Σ times written
/// BP = 1 if c ≥ r, else exp(1 − r/c)
/// BLEU-N = BP · exp(Σ ln pₙ / N), n = 1 … N
/// ```
///
/// where the sums run over all n-grams of all texts. Nothing is smoothed: where no n-gram is shared
/// BLEU is 0. The numbers are those of sacreBLEU with `tokenize="none"`, `smooth_method="none"`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bleu {
    /// Shared n-grams, the shortest first
    shared: [u64; LONGEST],
    /// Written n-grams, the shortest first
    written: [u64; LONGEST],
    /// r, each text's part being the length of its reference that is closest to it in length
    reference_words: u64,
}

impl Bleu {
    /// Counts a text and what people wrote in its place. Of references that are equally close in
    /// length the shorter one counts.
    ///
    /// # Panics
    /// If there is no reference.
    pub fn add<S: AsRef<str>, R: AsRef<[S]>>(
        &mut self,
        written: &[impl AsRef<str>],
        references: &[R],
    ) {
        let written = borrowed(written);
        let references: Vec<_> = references.iter().map(|words| borrowed(words.as_ref())).collect();
        let distance = |length: usize| (length.abs_diff(written.len()), length);
        let closest = references.iter().map(Vec::len).min_by_key(|&length| distance(length));
        self.reference_words += closest.expect("a text is scored beside a reference") as u64;
        for order in 1..=LONGEST {
            let known: Vec<_> = references.iter().map(|words| counts(words, order)).collect();
            for (ngram, times) in counts(&written, order) {
                let most = known.iter().filter_map(|counts| counts.get(ngram)).max();
                self.written[order - 1] += times;
                self.shared[order - 1] += times.min(most.copied().unwrap_or(0));
            }
        }
    }

    /// BLEU over n-grams of 1 to `order` words, in per cent.
    ///
    /// # Panics
    /// If `order` is 0 or above [`LONGEST`].
    pub fn score(&self, order: usize) -> f64 {
        assert!((1..=LONGEST).contains(&order), "BLEU-{order}: 1 to {LONGEST} words are counted");
        // The logarithm of a precision of 0 is −∞, and so the score 0.
        let logarithms: f64 = self.precisions()[..order].iter().map(|p| p.ln()).sum();
        self.brevity_penalty() * (logarithms / order as f64).exp()
    }

    /// pₙ for n = 1 … [`LONGEST`], in per cent; 0 where no n-gram was written.
    pub fn precisions(&self) -> [f64; LONGEST] {
        std::array::from_fn(|at| 100.0 * self.shared[at] as f64 / self.written[at].max(1) as f64)
    }

    /// BP: from 0, where nothing was written, to 1, where it was not less than the references.
    pub fn brevity_penalty(&self) -> f64 {
        let (written, reference) = (self.written[0], self.reference_words);
        if written >= reference {
            return 1.0;
        }
        // Nothing written divides by 0: exp(1 − ∞) is the 0 that is meant.
        (1.0 - reference as f64 / written as f64).exp()
    }
}

/// How many times each run of `order` words comes.
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
        for (written, references) in texts {
            let references: Vec<_> = references.iter().map(|text| words(text)).collect();
            bleu.add(&words(written), &references);
        }
        bleu
    }

    #[test]
    fn the_same_words_score_a_hundred() {
        let same = bleu(&[("what is the fox 's name ?", &["what is the fox 's name ?"])]);
        for order in 1..=LONGEST {
            assert!((same.score(order) - 100.0).abs() < 1e-12);
        }
        assert_eq!((same.precisions(), same.brevity_penalty()), ([100.0; 4], 1.0));
    }

    #[test]
    fn a_word_counts_no_more_often_than_in_one_reference() {
        // Papineni's own example: 2 of 7, although the two references hold 3.
        let references = ["the cat is on the mat", "there is a cat on the mat"];
        let found = bleu(&[("the the the the the the the", &references)]);
        assert!((found.score(1) - 200.0 / 7.0).abs() < 1e-12);
        assert_eq!((found.precisions()[1], found.score(2)), (0.0, 0.0));
    }

    #[test]
    fn of_equally_close_references_the_shorter_counts() {
        for references in [["a b", "a b c d"], ["a b c d", "a b"]] {
            assert_eq!(bleu(&[("a b c", &references)]).reference_words, 2);
        }
    }

    #[test]
    fn counts_are_summed_before_they_are_divided() {
        let found = bleu(&[("a b c d", &["a b c d"]), ("x", &["a b c d"])]);
        assert_eq!(found.precisions(), [80.0, 100.0, 100.0, 100.0]);
        assert!((found.brevity_penalty() - (1.0 - 8.0 / 5.0f64).exp()).abs() < 1e-15);
    }

    #[test]
    fn nothing_written_scores_nothing() {
        let found = bleu(&[("", &["the fox"])]);
        assert_eq!((found.brevity_penalty(), found.score(1), found.score(4)), (0.0, 0.0, 0.0));
        assert_eq!((Bleu::default().score(1), Bleu::default().brevity_penalty()), (0.0, 1.0));
    }

    #[test]
    #[should_panic(expected = "beside a reference")]
    fn a_text_needs_a_reference() {
        bleu(&[("the fox", &[])]);
    }
}
