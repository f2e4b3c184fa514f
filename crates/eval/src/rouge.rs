//! ROUGE-L (Lin 2004): the longest common subsequence of words of a candidate and a reference. Texts are given as
//! words; there is no stemming.

use crate::as_strs;

/// The mean ROUGE-L of a corpus.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RougeL {
    sum: f64,
    texts: u64,
}

impl RougeL {
    /// Adds a candidate, scored by its best reference; without references its score is 0.
    pub fn add<S: AsRef<str>, R: AsRef<[S]>>(&mut self, candidate: &[impl AsRef<str>], references: &[R]) {
        let scores = references.iter().map(|reference| rouge_l(candidate, reference.as_ref()));
        self.sum += scores.fold(0.0, f64::max);
        self.texts += 1;
    }

    /// The mean over all candidates, in percent; 0 if there are none.
    pub fn score(&self) -> f64 {
        100.0 * self.sum / self.texts.max(1) as f64
    }
}

/// ROUGE-L of a candidate and a reference, from 0 to 1.
///
/// With `l` the length of the longest common subsequence, precision `P = l / candidate`, recall
/// `R = l / reference` and β = 1,
///
/// ```text
/// F = (1 + β²) P R / (R + β² P) = 2 l / (candidate + reference)
/// ```
///
/// as in the Python package `rouge-score` without stemming. An empty candidate has a score of 0, even with an
/// empty reference.
pub fn rouge_l(candidate: &[impl AsRef<str>], reference: &[impl AsRef<str>]) -> f64 {
    let (candidate, reference) = (as_strs(candidate), as_strs(reference));
    let common = longest_common_subsequence(&candidate, &reference);
    2.0 * common as f64 / (candidate.len() + reference.len()).max(1) as f64
}

/// The length of the longest common subsequence.
///
/// `l[i, j] = l[i−1, j−1] + 1` where the words are equal, else `max(l[i−1, j], l[i, j−1])`; only
/// one row is stored.
fn longest_common_subsequence(a: &[&str], b: &[&str]) -> usize {
    let mut row = vec![0; b.len() + 1];
    for word in a {
        let mut diagonal = 0;
        for (at, other) in b.iter().enumerate() {
            let above = row[at + 1];
            row[at + 1] = if word == other { diagonal + 1 } else { above.max(row[at]) };
            diagonal = above;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        text.split_whitespace().collect()
    }

    #[test]
    fn lins_example() {
        // Both candidates have the same bigrams in common with the reference, but not the same word order.
        let reference = words("police killed the gunman");
        assert_eq!(rouge_l(&words("police kill the gunman"), &reference), 0.75);
        assert_eq!(rouge_l(&words("the gunman kill police"), &reference), 0.5);
    }

    #[test]
    fn longer_candidates_have_a_lower_score() {
        assert_eq!(rouge_l(&words("a b c d e f"), &words("b f")), 0.5);
        assert_eq!(rouge_l(&words("여우 는 어디 에"), &words("여우 는 어디 에")), 1.0);
    }

    #[test]
    fn empty_candidates_have_a_score_of_0() {
        let none: [&str; 0] = [];
        assert_eq!((rouge_l(&none, &["a"]), rouge_l(&["a"], &none)), (0.0, 0.0));
        assert_eq!(rouge_l(&none, &none), 0.0);
        assert_eq!(RougeL::default().score(), 0.0);
    }

    #[test]
    fn the_score_is_the_mean_over_the_best_references() {
        let mut rouge = RougeL::default();
        rouge.add(&words("a b"), &[words("c d"), words("a b"), words("a d")]);
        rouge.add(&words("a b"), &[words("a c")]);
        rouge.add(&words("a b"), &[words("c d")]);
        assert_eq!(rouge.score(), 50.0);
    }
}
