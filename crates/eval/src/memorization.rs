//! How much of a sample stands in the text that a model learned from: the longest run of tokens
//! taken over as it is, and the share of short runs (n-grams) that the text does not hold.
//!
//! What it does not know: models, and what the ids stand for.

use crate::suffix_array::suffix_array;

/// The lengths of the n-grams that are counted, in tokens.
const LENGTHS: std::ops::RangeInclusive<usize> = 2..=8;

/// A text that samples are compared with.
///
/// It takes 12 bytes a token, the 4 of the text included.
#[derive(Clone, Debug)]
pub struct Source {
    text: Vec<u32>,
    /// Where the text's suffixes begin, the smallest first.
    order: Vec<u32>,
    /// How many suffixes are smaller than the one at each position, the empty one included.
    ranks: Vec<u32>,
}

/// What a sample has in common with a [`Source`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// The longest run of tokens that both hold, the first in the sample if there are several.
    pub longest: Run,
    /// The n-grams of 2 to 8 tokens, the shortest first.
    pub ngrams: Vec<NGramsHeld>,
}

/// Tokens that stand in a row both in a sample and in a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// Tokens; 0 if the two have none in common, and the places then mean nothing.
    pub length: usize,
    /// Where it begins in the sample, in tokens.
    pub in_sample: usize,
    /// Where it begins in the text, in tokens: one of the places, if there are several.
    pub in_text: usize,
}

/// How many n-grams of one length are in a sample and not in a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NGramsHeld {
    /// Tokens in each, n.
    pub length: usize,
    /// All of the sample's, each time they come: none if the sample is shorter than n.
    pub all: usize,
    /// Those that the text does not hold, each time they come.
    pub novel: usize,
}

impl NGramsHeld {
    /// The share of novel n-grams, from 0 to 1; 0 where there are none at all.
    pub fn share(&self) -> f64 {
        self.novel as f64 / self.all.max(1) as f64
    }
}

impl Source {
    /// Sorts the suffixes of `text`, in time linear in its length.
    ///
    /// # Panics
    /// If `text` holds 2³² − 1 ids or more.
    pub fn new(text: Vec<u32>) -> Self {
        let order = suffix_array(&text);
        let mut ranks = vec![0; text.len() + 1];
        (1..).zip(&order).for_each(|(rank, &at)| ranks[at as usize] = rank);
        Self { text, order, ranks }
    }

    /// The text.
    pub fn text(&self) -> &[u32] {
        &self.text
    }

    /// What `sample` has in common with the text. For m tokens in a text of N it takes time in
    /// proportion to m log N, whatever is copied.
    pub fn copied(&self, sample: &[u32]) -> Copied {
        let runs = self.runs(sample);
        let longer =
            |longest: Run, &run: &Run| if run.length > longest.length { run } else { longest };
        let ngrams = LENGTHS.map(|length| {
            let all = (sample.len() + 1).saturating_sub(length);
            let novel = runs[..all].iter().filter(|run| run.length < length).count();
            NGramsHeld { length, all, novel }
        });
        Copied { longest: runs.iter().fold(Run::default(), longer), ngrams: ngrams.collect() }
    }

    /// The longest run that begins at each position of `sample`. The text's suffix that agrees
    /// longest with a suffix of the sample is a neighbour of the place where that one would stand
    /// in the dictionary.
    fn runs(&self, sample: &[u32]) -> Vec<Run> {
        let places = self.places(sample);
        let before = self.agreements(sample, |at| places[at].checked_sub(1));
        let after = self.agreements(sample, |at| Some(places[at]));
        before
            .zip(after)
            .map(|(one, other)| if one.length > other.length { one } else { other })
            .collect()
    }

    /// How many suffixes of the text are smaller than each suffix of `sample`.
    ///
    /// From right to left: a suffix of the text is smaller if its first token is, or if that is the
    /// same and the rest is smaller than the rest of the sample's, whose place is known by then.
    fn places(&self, sample: &[u32]) -> Vec<usize> {
        let mut places = vec![0; sample.len()];
        let mut rest = 0;
        for (place, &token) in places.iter_mut().zip(sample).rev() {
            let is_smaller = |&at: &u32| {
                let at = at as usize;
                (self.text[at], self.ranks[at + 1]) < (token, rest)
            };
            *place = self.order.partition_point(is_smaller);
            rest = *place as u32 + 1;
        }
        places
    }

    /// How far each suffix of `sample` agrees with its neighbour in the dictionary.
    ///
    /// Without their first tokens both agree one token less, and what stands between them agrees no
    /// less (Kasai and others 2001): of each agreement all but one token need not be read again.
    fn agreements(
        &self,
        sample: &[u32],
        neighbour: impl Fn(usize) -> Option<usize>,
    ) -> impl Iterator<Item = Run> {
        let mut length: usize = 0;
        (0..sample.len()).map(move |in_sample| {
            length = length.saturating_sub(1);
            let Some(&at) = neighbour(in_sample).and_then(|slot| self.order.get(slot)) else {
                return Run::default();
            };
            let in_text = at as usize;
            let pairs = sample[in_sample + length..].iter().zip(&self.text[in_text + length..]);
            length += pairs.take_while(|(one, other)| one == other).count();
            Run { length, in_sample, in_text }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn copied(text: &[u32], sample: &[u32]) -> Copied {
        Source::new(text.to_vec()).copied(sample)
    }

    fn naive(text: &[u32], sample: &[u32]) -> Copied {
        let holds = |run: &[u32]| text.windows(run.len()).position(|window| window == run);
        let mut longest = Run::default();
        for in_sample in 0..sample.len() {
            for end in in_sample + 1..=sample.len() {
                if let (length, Some(in_text)) = (end - in_sample, holds(&sample[in_sample..end]))
                    && length > longest.length
                {
                    longest = Run { length, in_sample, in_text };
                }
            }
        }
        let ngrams = (2..=8).map(|length| {
            let all = sample.windows(length);
            let novel = all.clone().filter(|ngram| holds(ngram).is_none()).count();
            NGramsHeld { length, all: all.count(), novel }
        });
        Copied { longest, ngrams: ngrams.collect() }
    }

    #[test]
    fn a_run_is_found_where_it_stands() {
        let found = copied(&[9, 1, 2, 3, 4, 8], &[1, 2, 7, 2, 3, 4, 5]);
        assert_eq!(found.longest, Run { length: 3, in_sample: 3, in_text: 2 });
        let [two, three, four, ..] = found.ngrams[..] else { panic!("{found:?}") };
        assert_eq!(two, NGramsHeld { length: 2, all: 6, novel: 3 });
        assert_eq!(three, NGramsHeld { length: 3, all: 5, novel: 4 });
        assert_eq!((two.share(), four.share()), (0.5, 1.0));
    }

    #[test]
    fn a_sample_that_is_the_text_is_copied_whole() {
        let text: Vec<u32> = (0..50).map(|at| at % 7).collect();
        let found = copied(&text, &text);
        assert_eq!(found.longest, Run { length: 50, in_sample: 0, in_text: 0 });
        assert!(found.ngrams.iter().all(|ngrams| ngrams.novel == 0 && ngrams.share() == 0.0));
    }

    #[test]
    fn nothing_is_copied_from_an_empty_text_or_by_an_empty_sample() {
        let found = copied(&[], &[1, 2, 3]);
        assert_eq!(found.longest.length, 0);
        assert_eq!((found.ngrams[0].all, found.ngrams[0].novel), (2, 2));
        let found = copied(&[1, 2, 3], &[]);
        assert_eq!(found.longest, Run::default());
        assert!(found.ngrams.iter().all(|ngrams| ngrams.all == 0 && ngrams.share() == 0.0));
    }

    #[test]
    fn a_sample_shorter_than_n_has_no_ngrams_of_n() {
        let all = copied(&[1, 2, 3], &[3, 2, 1]).ngrams.into_iter().map(|ngrams| ngrams.all);
        assert_eq!(all.collect::<Vec<_>>(), [2, 1, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn long_repetition_costs_no_more() {
        let found = copied(&[5; 300_000], &[5; 300_001]);
        assert_eq!((found.longest.length, found.longest.in_sample), (300_000, 0));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn it_is_what_trying_all_runs_gives(
            text in prop::collection::vec(0u32..4, 0..80),
            sample in prop::collection::vec(0u32..5, 0..40),
        ) {
            let mut found = copied(&text, &sample);
            let expected = naive(&text, &sample);
            let Run { length, in_sample, in_text } = found.longest;
            prop_assert_eq!(&text[in_text..][..length], &sample[in_sample..][..length]);
            // Any of the places in the text will do.
            found.longest.in_text = expected.longest.in_text;
            prop_assert_eq!(found, expected);
        }
    }
}
