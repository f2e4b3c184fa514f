//! The options of an adaptive softmax: which tokens have a class of their own, and which are in clusters.

use std::borrow::Cow;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use text_prep::Vocabulary;

use crate::error::{Error, Result};

/// The shares of the training tokens that the tokens before the first and the second cutoff have, if none are given.
const SHARES: [f64; 2] = [0.8, 0.95];
/// The largest number of clusters.
const MAX_CLUSTERS: usize = 8;

/// An adaptive softmax (Grave et al. 2017, "Efficient softmax approximation for GPUs"): the tokens before the first cutoff, the
/// most frequent ones, have a class each in the head; the others are in clusters, each of which has one class there, and
/// a smaller projection of its own. The probability of a token in a cluster is that of the cluster times its own within it.
///
/// ```
/// use models::{AdaptiveSoftmax, LanguageModelConfig, LayerConfig};
///
/// let output = AdaptiveSoftmax::default().cutoffs([10, 25]);
/// let config = LanguageModelConfig::new(50, 8, vec![LayerConfig::lstm(16)]).adaptive_softmax(output);
/// assert_eq!(config.init(1, &kernels::default_device())?.vocab_size(), 50);
/// # Ok::<(), models::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdaptiveSoftmax {
    /// The first id of each cluster, in ascending order; each reaches to the next one or to the last id. Without any,
    /// [`fitted`](Self::fitted) chooses them.
    pub cutoffs: Vec<usize>,
    /// The size of a cluster's projection is that of the one before it, or for the first that of the head's input,
    /// divided by this number.
    pub division: usize,
}

impl Default for AdaptiveSoftmax {
    /// Cutoffs that are chosen, and a division by 4, as in the paper.
    fn default() -> Self {
        Self { cutoffs: Vec::new(), division: 4 }
    }
}

impl AdaptiveSoftmax {
    /// Sets [`cutoffs`](Self#structfield.cutoffs).
    pub fn cutoffs(self, cutoffs: impl Into<Vec<usize>>) -> Self {
        Self { cutoffs: cutoffs.into(), ..self }
    }

    /// Sets [`division`](Self#structfield.division).
    pub fn division(self, division: usize) -> Self {
        Self { division, ..self }
    }

    /// The same with cutoffs for a vocabulary, if it has none: the most frequent tokens up to 80 % of the training tokens are in
    /// the head, those up to 95 % in a first cluster, the others in a second. A vocabulary in another order than that of
    /// frequencies, such as one of subwords, has more tokens before a cutoff.
    #[must_use]
    pub fn fitted(self, vocabulary: &Vocabulary) -> Self {
        if !self.cutoffs.is_empty() {
            return self;
        }
        let counts: Vec<u64> = (0..vocabulary.len() as u32).map(|id| vocabulary.count(id)).collect();
        self.cutoffs(chosen_cutoffs(&counts))
    }

    /// Checks what does not depend on the vocabulary.
    ///
    /// # Errors
    /// Names the first setting that is out of range, or `model.tie_weights` if it is `tied`.
    pub fn check_options(&self, tied: bool) -> Result<()> {
        if tied {
            let expected = "false with an adaptive softmax, whose clusters have weights of their own";
            return Err(Error::out_of_range("model.tie_weights", true, expected));
        }
        if !(1..=64).contains(&self.division) {
            return Err(Error::out_of_range("model.output_division", self.division, "1 to 64"));
        }
        let is_ascending = self.cutoffs.is_sorted_by(|one, next| one < next) && self.cutoffs.first() != Some(&0);
        if !is_ascending || self.cutoffs.len() > MAX_CLUSTERS {
            return Err(self.bad_cutoffs(format!("at most {MAX_CLUSTERS} numbers from 1 on in ascending order")));
        }
        Ok(())
    }

    /// Checks everything.
    ///
    /// # Errors
    /// As [`check_options`](Self::check_options), and if there is no cutoff or a cluster would have no token.
    pub(crate) fn check(&self, vocab_size: usize, tied: bool) -> Result<()> {
        self.check_options(tied)?;
        match self.cutoffs.last() {
            Some(&last) if last < vocab_size => Ok(()),
            _ => Err(self.bad_cutoffs(format!("one or more numbers below {vocab_size}, the size of the vocabulary"))),
        }
    }

    fn bad_cutoffs(&self, expected: impl Into<Cow<'static, str>>) -> Error {
        Error::out_of_range("model.output_cutoffs", format!("{:?}", self.cutoffs), expected)
    }

    /// The number of tokens that have a class in the head.
    pub(crate) fn head_tokens(&self) -> usize {
        self.cutoffs[0]
    }

    /// The number of classes of the head: its tokens, then the clusters.
    pub(crate) fn head_classes(&self) -> usize {
        self.head_tokens() + self.cutoffs.len()
    }

    /// The ids of each cluster.
    pub(crate) fn clusters(&self, vocab_size: usize) -> impl Iterator<Item = Range<usize>> {
        let ends = self.cutoffs.iter().skip(1).copied().chain([vocab_size]);
        self.cutoffs.iter().copied().zip(ends).map(|(from, to)| from..to)
    }

    /// The size of the projection of the cluster at `index`, for a head with this many inputs.
    pub(crate) fn cluster_dim(&self, index: usize, inputs: usize) -> usize {
        (0..=index).fold(inputs, |size, _| size / self.division).max(1)
    }

    /// The number of weights of an output layer with this many inputs.
    pub(crate) fn num_params(&self, inputs: usize, vocab_size: usize) -> usize {
        let head = (inputs + 1) * self.head_classes();
        let clusters = self.clusters(vocab_size).enumerate().map(|(index, tokens)| {
            let dim = self.cluster_dim(index, inputs);
            (inputs + tokens.len()) * dim
        });
        head + clusters.sum::<usize>()
    }
}

/// The numbers of ids whose counts are the [`SHARES`] of all. There may be fewer of them, because each cluster has a token.
fn chosen_cutoffs(counts: &[u64]) -> Vec<usize> {
    let total: u64 = counts.iter().sum();
    let mut cutoffs: Vec<usize> = Vec::new();
    for share in SHARES {
        let mut covered = 0;
        let enough = |&count: &u64| {
            covered += count;
            covered as f64 >= share * total as f64
        };
        let ids = counts.iter().position(enough).map_or(0, |last| last + 1);
        let least = cutoffs.last().map_or(1, |before| before + 1);
        if least < counts.len() {
            cutoffs.push(ids.clamp(least, counts.len() - 1));
        }
    }
    cutoffs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cutoffs_are_chosen_by_the_shares_of_the_training_tokens() {
        // 79 of 100 before id 3, 80 before id 4; 94 before id 5, 95 before id 6.
        assert_eq!(chosen_cutoffs(&[0, 40, 39, 1, 14, 1, 2, 1, 1, 1]), [4, 6]);
        // Each cluster has a token, whatever the counts are.
        assert_eq!(chosen_cutoffs(&[100, 0, 0, 0]), [1, 2]);
        assert_eq!(chosen_cutoffs(&[0, 0, 0, 100]), [3]);
        assert_eq!(chosen_cutoffs(&[0, 0, 0]), [1, 2]);
        assert_eq!(chosen_cutoffs(&[5, 5]), [1]);
        assert!(chosen_cutoffs(&[5]).is_empty());
        let vocabulary = Vocabulary::from_counts([("a", 79), ("b", 16), ("c", 3), ("d", 2)], 1, true);
        let output = AdaptiveSoftmax::default().fitted(&vocabulary);
        // Padding and the unknown token come first.
        assert_eq!(output.cutoffs, [4, 5]);
        assert_eq!(output.clone().fitted(&Vocabulary::default()), output);
    }

    #[test]
    fn clusters_have_smaller_projections_one_after_the_other() {
        let output = AdaptiveSoftmax::default().cutoffs([3, 5, 9]).division(3);
        assert_eq!(output.clusters(20).collect::<Vec<_>>(), [3..5, 5..9, 9..20]);
        assert_eq!((0..3).map(|index| output.cluster_dim(index, 30)).collect::<Vec<_>>(), [10, 3, 1]);
        assert_eq!((output.head_tokens(), output.head_classes()), (3, 6));
    }

    #[test]
    fn settings_out_of_range_are_named() {
        let error = |output: AdaptiveSoftmax, tied| output.check(10, tied).unwrap_err().to_string();
        let default = AdaptiveSoftmax::default;
        assert!(error(default().cutoffs([2]), true).contains("`model.tie_weights` is true; expected false"));
        for division in [0, 65] {
            let error = error(default().cutoffs([2]).division(division), false);
            assert!(error.contains("`model.output_division`") && error.contains("1 to 64"), "{error}");
        }
        for cutoffs in [&[][..], &[0], &[0, 3], &[3, 3], &[4, 3], &[10], &[1, 2, 3, 4, 5, 6, 7, 8, 9]] {
            let error = error(default().cutoffs(cutoffs), false);
            assert!(error.contains("`model.output_cutoffs`") && error.contains(&format!("{cutoffs:?}")), "{error}");
        }
        default().cutoffs([1, 9]).check(10, false).unwrap();
    }
}
