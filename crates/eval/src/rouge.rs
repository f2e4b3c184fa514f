//! ROUGE-L (Lin 2004): how long a subsequence of words a written text shares with a reference.
//!
//! What it does not know: stems and splitting; words are equal or they are not.

use crate::borrowed;

/// The scores of a corpus's texts, summed; divided once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RougeL {
    sum: f64,
    texts: u64,
}

impl RougeL {
    /// Counts a text by its best reference; a text without one scores 0.
    pub fn add<S: AsRef<str>, R: AsRef<[S]>>(
        &mut self,
        written: &[impl AsRef<str>],
        references: &[R],
    ) {
        let scores = references.iter().map(|reference| rouge_l(written, reference.as_ref()));
        self.sum += scores.fold(0.0, f64::max);
        self.texts += 1;
    }

    /// The mean over all texts, in per cent; 0 where there are none.
    pub fn score(&self) -> f64 {
        100.0 * self.sum / self.texts.max(1) as f64
    }
}

/// ROUGE-L of one text beside one reference, from 0 to 1.
///
/// With `l` the length of their longest common subsequence, `P = l / written`, `R = l / reference`
/// and β = 1,
///
/// ```text
/// F = (1 + β²) P R / (R + β² P) = 2 l / (written + reference)
/// ```
///
/// as the Python package `rouge-score` computes it, without stemming. Nothing written scores 0, even
/// where nothing was asked for.
pub fn rouge_l(written: &[impl AsRef<str>], reference: &[impl AsRef<str>]) -> f64 {
    let (written, reference) = (borrowed(written), borrowed(reference));
    let shared = longest_common_subsequence(&written, &reference);
    2.0 * shared as f64 / (written.len() + reference.len()).max(1) as f64
}

/// How many words stand in both, in the same order, others between them or not.
///
/// `l[i, j] = l[i−1, j−1] + 1` where the words are equal, else `max(l[i−1, j], l[i, j−1])`; one row
/// of it is kept.
fn longest_common_subsequence(a: &[&str], b: &[&str]) -> usize {
    let mut row = vec![0; b.len() + 1];
    for word in a {
        let mut before = 0;
        for (at, other) in b.iter().enumerate() {
            let above = row[at + 1];
            row[at + 1] = if word == other { before + 1 } else { above.max(row[at]) };
            before = above;
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
    fn lins_own_example() {
        // "police killed the gunman" beside two that share as many bigrams, not as long an order.
        let reference = words("police killed the gunman");
        assert_eq!(rouge_l(&words("police kill the gunman"), &reference), 0.75);
        assert_eq!(rouge_l(&words("the gunman kill police"), &reference), 0.5);
    }

    #[test]
    fn longer_texts_pay_for_their_length() {
        assert_eq!(rouge_l(&words("a b c d e f"), &words("b f")), 0.5);
        assert_eq!(rouge_l(&words("여우 는 어디 에"), &words("여우 는 어디 에")), 1.0);
    }

    #[test]
    fn empty_texts_score_nothing() {
        let none: [&str; 0] = [];
        assert_eq!((rouge_l(&none, &["a"]), rouge_l(&["a"], &none)), (0.0, 0.0));
        assert_eq!(rouge_l(&none, &none), 0.0);
        assert_eq!(RougeL::default().score(), 0.0);
    }

    #[test]
    fn the_best_reference_counts_and_the_sum_is_divided_once() {
        let mut rouge = RougeL::default();
        rouge.add(&words("a b"), &[words("c d"), words("a b"), words("a d")]);
        rouge.add(&words("a b"), &[words("a c")]);
        rouge.add(&words("a b"), &[words("c d")]);
        assert_eq!(rouge.score(), 50.0);
    }
}
