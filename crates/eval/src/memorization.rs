//! How much of a sample is copied from the training text: the longest common sequence of tokens, and the
//! fraction of n-grams that are not in the training text.

mod continued_runs;

use crate::suffix_array::suffix_array;

/// The lengths of the counted n-grams, in tokens.
const LENGTHS: std::ops::RangeInclusive<usize> = 2..=8;

/// A text that samples are compared with. It takes 12 bytes per token, including 4 for the text.
#[derive(Clone, Debug)]
pub struct TrainingText {
    text: Vec<u32>,
    /// The suffix array of the text.
    order: Vec<u32>,
    /// For each position, how many suffixes are smaller than the one there, including the empty suffix.
    ranks: Vec<u32>,
    /// The document token, which no match contains.
    document: Option<u32>,
}

/// What a sample has in common with a [`TrainingText`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memorization {
    /// The longest common sequence of tokens, the first in the sample if there are several.
    pub longest: Match,
    /// The n-grams of 2 to 8 tokens, the shortest first.
    pub ngrams: Vec<NovelNgrams>,
}

/// Consecutive tokens that occur both in a sample and in a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Match {
    /// Tokens; 0 if there is no match, and the positions then have no meaning.
    pub length: usize,
    /// The start in the sample, in tokens.
    pub in_sample: usize,
    /// The start in the text, in tokens; one of them, if there are several.
    pub in_text: usize,
}

/// The n-grams of one length in a sample that are not in a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NovelNgrams {
    /// Tokens per n-gram.
    pub n: usize,
    /// All n-grams of the sample, counting repetitions; 0 if the sample is shorter than n.
    pub total: usize,
    /// Those that are not in the text, counting repetitions.
    pub novel: usize,
}

impl NovelNgrams {
    /// The fraction of novel n-grams, from 0 to 1; 0 if the sample has no n-grams.
    pub fn novel_fraction(&self) -> f64 {
        self.novel as f64 / self.total.max(1) as f64
    }
}

impl TrainingText {
    /// Sorts the suffixes of `text` in linear time. With the id `document` between documents, n-grams and common sequences
    /// do not go beyond a document.
    ///
    /// # Panics
    /// If `text` has 2³² − 1 ids or more.
    pub fn new(text: Vec<u32>, document: Option<u32>) -> Self {
        let order = suffix_array(&text);
        let mut ranks = vec![0; text.len() + 1];
        (1..).zip(&order).for_each(|(rank, &at)| ranks[at as usize] = rank);
        Self { text, order, ranks, document }
    }

    /// The text.
    pub fn text(&self) -> &[u32] {
        &self.text
    }

    /// What `sample` has in common with the text. Takes time proportional to m log N for m tokens in
    /// a text of N, however much is copied.
    pub fn compare(&self, sample: &[u32]) -> Memorization {
        let rests = rests_before(sample, |token| Some(token) == self.document);
        let matches = self.matches_within_documents(sample);
        let longer = |longest: Match, &at: &Match| if at.length > longest.length { at } else { longest };
        let longest = matches.iter().fold(Match::default(), longer);
        let ngrams = LENGTHS.map(|n| {
            let whole = || matches.iter().zip(&rests).filter(|&(_, &rest)| rest >= n);
            let novel = whole().filter(|(at, _)| at.length < n).count();
            NovelNgrams { n, total: whole().count(), novel }
        });
        Memorization { longest, ngrams: ngrams.collect() }
    }

    /// The sequences of at least `shortest` tokens that `sample` has in common with the text, in their order; without those
    /// that are within a longer one. None contains the id `unknown`, which stands for different words here and there.
    pub fn copied_runs(&self, sample: &[u32], shortest: usize, unknown: Option<u32>) -> Vec<Match> {
        let mut end = 0;
        let longer = |run: &Match| {
            let is_longer = run.length >= shortest.max(1) && run.in_sample + run.length > end;
            end = if is_longer { run.in_sample + run.length } else { end };
            is_longer
        };
        let ends = [self.document, unknown];
        let runs = self.matches_before(sample, |token| ends.contains(&Some(token)));
        runs.into_iter().filter(longer).collect()
    }

    /// The longest match at each position of `sample` that does not go beyond a document.
    fn matches_within_documents(&self, sample: &[u32]) -> Vec<Match> {
        self.matches_before(sample, |token| Some(token) == self.document)
    }

    /// The longest match at each position of `sample` before the next token that is an end.
    fn matches_before(&self, sample: &[u32], is_end: impl Fn(u32) -> bool) -> Vec<Match> {
        let mut matches = self.longest_matches(sample);
        let rests = rests_before(sample, is_end);
        matches.iter_mut().zip(rests).for_each(|(at, rest)| at.length = at.length.min(rest));
        matches
    }

    /// The longest match at each position of `sample`. The suffix of the text with the longest common
    /// prefix is next to the position where the sample's suffix would be inserted into the suffix array.
    fn longest_matches(&self, sample: &[u32]) -> Vec<Match> {
        let ranks = self.ranks_of_suffixes(sample);
        let before = self.common_prefixes(sample, |at| ranks[at].checked_sub(1));
        let after = self.common_prefixes(sample, |at| Some(ranks[at]));
        before.zip(after).map(|(one, other)| if one.length > other.length { one } else { other }).collect()
    }

    /// For each suffix of `sample`, how many suffixes of the text are smaller.
    ///
    /// Computed from right to left: a suffix of the text is smaller if its first token is smaller, or if the
    /// first tokens are equal and its rest is smaller than the rest of the sample's suffix, whose rank is
    /// already known.
    fn ranks_of_suffixes(&self, sample: &[u32]) -> Vec<usize> {
        let mut ranks = vec![0; sample.len()];
        let mut rest = 0;
        for (rank, &token) in ranks.iter_mut().zip(sample).rev() {
            let is_smaller = |&at: &u32| {
                let at = at as usize;
                (self.text[at], self.ranks[at + 1]) < (token, rest)
            };
            *rank = self.order.partition_point(is_smaller);
            rest = *rank as u32 + 1;
        }
        ranks
    }

    /// The common prefix of each suffix of `sample` with its `neighbour` in the suffix array.
    ///
    /// Without their first tokens the two have a common prefix one token shorter, and every suffix between
    /// them has one at least as long (Kasai et al. 2001). So only the tokens after that length are compared.
    fn common_prefixes(
        &self,
        sample: &[u32],
        neighbour: impl Fn(usize) -> Option<usize>,
    ) -> impl Iterator<Item = Match> {
        let mut length: usize = 0;
        (0..sample.len()).map(move |in_sample| {
            length = length.saturating_sub(1);
            let Some(&at) = neighbour(in_sample).and_then(|slot| self.order.get(slot)) else {
                return Match::default();
            };
            let in_text = at as usize;
            let pairs = sample[in_sample + length..].iter().zip(&self.text[in_text + length..]);
            length += pairs.take_while(|(one, other)| one == other).count();
            Match { length, in_sample, in_text }
        })
    }
}

/// For each position of `sample`, how many tokens follow before the next one that is an end.
fn rests_before(sample: &[u32], is_end: impl Fn(u32) -> bool) -> Vec<usize> {
    let mut rest = 0;
    let mut rests: Vec<usize> = sample
        .iter()
        .rev()
        .map(|&token| {
            rest = if is_end(token) { 0 } else { rest + 1 };
            rest
        })
        .collect();
    rests.reverse();
    rests
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn compare(text: &[u32], sample: &[u32]) -> Memorization {
        TrainingText::new(text.to_vec(), None).compare(sample)
    }

    fn brute_force(text: &[u32], sample: &[u32]) -> Memorization {
        let find = |tokens: &[u32]| text.windows(tokens.len()).position(|window| window == tokens);
        let mut longest = Match::default();
        for in_sample in 0..sample.len() {
            for end in in_sample + 1..=sample.len() {
                if let (length, Some(in_text)) = (end - in_sample, find(&sample[in_sample..end]))
                    && length > longest.length
                {
                    longest = Match { length, in_sample, in_text };
                }
            }
        }
        let ngrams = (2..=8).map(|n| {
            let all = sample.windows(n);
            let novel = all.clone().filter(|ngram| find(ngram).is_none()).count();
            NovelNgrams { n, total: all.count(), novel }
        });
        Memorization { longest, ngrams: ngrams.collect() }
    }

    #[test]
    fn the_longest_match_has_its_positions() {
        let found = compare(&[9, 1, 2, 3, 4, 8], &[1, 2, 7, 2, 3, 4, 5]);
        assert_eq!(found.longest, Match { length: 3, in_sample: 3, in_text: 2 });
        let [two, three, four, ..] = found.ngrams[..] else { panic!("{found:?}") };
        assert_eq!(two, NovelNgrams { n: 2, total: 6, novel: 3 });
        assert_eq!(three, NovelNgrams { n: 3, total: 5, novel: 4 });
        assert_eq!((two.novel_fraction(), four.novel_fraction()), (0.5, 1.0));
    }

    #[test]
    fn a_sample_equal_to_the_text_is_one_match() {
        let text: Vec<u32> = (0..50).map(|at| at % 7).collect();
        let found = compare(&text, &text);
        assert_eq!(found.longest, Match { length: 50, in_sample: 0, in_text: 0 });
        assert!(found.ngrams.iter().all(|ngrams| ngrams.novel == 0 && ngrams.novel_fraction() == 0.0));
    }

    #[test]
    fn copied_runs_are_the_longest_ones_and_may_overlap() {
        let text = TrainingText::new(vec![0, 1, 2, 3, 4, 0, 3, 4, 5, 6, 0, 7, 1, 7, 2, 0], Some(0));
        let runs = |sample: &[u32], shortest| {
            let found = text.copied_runs(sample, shortest, Some(7));
            found.into_iter().map(|run| (run.in_sample, run.length, run.in_text)).collect::<Vec<_>>()
        };
        assert_eq!(runs(&[9, 1, 2, 3, 4, 5, 6, 0, 1, 2], 3), [(1, 4, 1), (3, 4, 6)]);
        assert_eq!(runs(&[2, 9, 1, 2], 2), [(2, 2, 1)]);
        // Unknown words are no copies of each other.
        assert_eq!(runs(&[1, 7, 2], 1), [(0, 1, 12), (2, 1, 14)]);
        // Of no tokens there is none.
        assert_eq!(runs(&[9, 9], 0), []);
    }

    #[test]
    fn what_goes_beyond_a_document_is_no_match_and_no_ngram() {
        let text = TrainingText::new(vec![0, 1, 2, 0, 3, 4, 5, 0], Some(0));
        let found = text.compare(&[1, 2, 0, 3, 4, 5, 0, 5, 3]);
        assert_eq!(found.longest, Match { length: 3, in_sample: 3, in_text: 4 });
        let [two, three, four, ..] = found.ngrams[..] else { panic!("{found:?}") };
        assert_eq!(two, NovelNgrams { n: 2, total: 4, novel: 1 });
        assert_eq!((three, four.total), (NovelNgrams { n: 3, total: 1, novel: 0 }, 0));
        // A text without documents has no token that ends a match.
        assert_eq!(compare(&[1, 2, 0, 3], &[1, 2, 0, 3]).longest.length, 4);
    }

    #[test]
    fn an_empty_text_or_sample_has_no_match() {
        let found = compare(&[], &[1, 2, 3]);
        assert_eq!(found.longest.length, 0);
        assert_eq!((found.ngrams[0].total, found.ngrams[0].novel), (2, 2));
        let found = compare(&[1, 2, 3], &[]);
        assert_eq!(found.longest, Match::default());
        assert!(found.ngrams.iter().all(|ngrams| ngrams.total == 0 && ngrams.novel_fraction() == 0.0));
    }

    #[test]
    fn a_sample_shorter_than_n_has_no_ngrams_of_n() {
        let totals = compare(&[1, 2, 3], &[3, 2, 1]).ngrams.into_iter().map(|ngrams| ngrams.total);
        assert_eq!(totals.collect::<Vec<_>>(), [2, 1, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn long_repetition_is_not_slow() {
        let found = compare(&[5; 300_000], &[5; 300_001]);
        assert_eq!((found.longest.length, found.longest.in_sample), (300_000, 0));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn it_equals_brute_force(
            text in prop::collection::vec(0u32..4, 0..80),
            sample in prop::collection::vec(0u32..5, 0..40),
        ) {
            let mut found = compare(&text, &sample);
            let expected = brute_force(&text, &sample);
            let Match { length, in_sample, in_text } = found.longest;
            prop_assert_eq!(&text[in_text..][..length], &sample[in_sample..][..length]);
            // Any of the positions in the text is correct.
            found.longest.in_text = expected.longest.in_text;
            prop_assert_eq!(found, expected);
        }
    }
}
