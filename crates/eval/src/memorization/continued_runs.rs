//! Which next tokens would continue a sequence that is copied from the training text.

use std::collections::HashMap;
use std::ops::Range;

use super::{Match, TrainingText};

impl TrainingText {
    /// For each of the tokens `next`, the longest sequence of the text that `context` would end with if the token came next; its
    /// length counts the token, and is 0 if the text does not have it. No sequence contains the id `unknown` or goes beyond a
    /// document, see [`copied_runs`](Self::copied_runs).
    ///
    /// The suffixes of the text that begin with the last k tokens of the context are a range of the suffix array, in the order of
    /// the tokens that follow. A longer sequence is in the text only if its end is, so that k is found by bisection.
    pub fn continued_runs(&self, context: &[u32], next: &[u32], unknown: Option<u32>) -> Vec<Match> {
        let is_end = |token: u32| [self.document, unknown].contains(&Some(token));
        let start = context.iter().rposition(|&token| is_end(token)).map_or(0, |at| at + 1);
        let whole = &context[start..];
        let mut ranges: HashMap<usize, Range<usize>> = HashMap::new();
        let mut range_of_last = |k: usize| -> Range<usize> {
            ranges.entry(k).or_insert_with(|| self.suffixes_with_prefix(&whole[whole.len() - k..])).clone()
        };
        // The last tokens of the context that are in the text.
        let longest = last_true(whole.len(), |k| !range_of_last(k).is_empty()).unwrap_or(0);
        let mut run = |&token: &u32| {
            let mut found = |k: usize| {
                let range = range_of_last(k);
                let next_of = |&at: &u32| self.text.get(at as usize + k).copied();
                let suffixes = &self.order[range];
                let at = suffixes.partition_point(|suffix| next_of(suffix) < Some(token));
                suffixes.get(at).filter(|suffix| next_of(suffix) == Some(token)).map(|&at| at as usize)
            };
            let length = if is_end(token) { None } else { last_true(longest, |k| found(k).is_some()) };
            let at = length.and_then(|k| Some((k, found(k)?)));
            let run = |(k, in_text)| Match { length: k + 1, in_sample: context.len() - k, in_text };
            at.map_or_else(Match::default, run)
        };
        next.iter().map(&mut run).collect()
    }

    /// The different tokens that follow `tokens` where the text has them. None is the document token, nor does any follow a
    /// sequence with it.
    pub fn followers(&self, tokens: &[u32]) -> Vec<u32> {
        let is_document = |token: u32| Some(token) == self.document;
        if tokens.iter().any(|&token| is_document(token)) {
            return Vec::new();
        }
        let suffixes = &self.order[self.suffixes_with_prefix(tokens)];
        let next = suffixes.iter().filter_map(|&at| self.text.get(at as usize + tokens.len()).copied());
        // In the order of the suffixes, equal ones are together.
        let mut followers: Vec<u32> = next.filter(|&token| !is_document(token)).collect();
        followers.dedup();
        followers
    }

    /// The range of the suffix array with the suffixes that begin with `tokens`.
    fn suffixes_with_prefix(&self, tokens: &[u32]) -> Range<usize> {
        let beginning = |&at: &u32| &self.text[at as usize..self.text.len().min(at as usize + tokens.len())];
        let start = self.order.partition_point(|at| beginning(at) < tokens);
        let count = self.order[start..].partition_point(|at| beginning(at) == tokens);
        start..start + count
    }
}

/// The largest number up to `most` for which `holds`, which holds for all below one that it holds for; `None` if not for 0.
fn last_true(most: usize, mut holds: impl FnMut(usize) -> bool) -> Option<usize> {
    if !holds(0) {
        return None;
    }
    let (mut low, mut high) = (0, most + 1);
    while high - low > 1 {
        let middle = low.midpoint(high);
        if holds(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(low)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_run_ends_with_the_next_token_and_goes_not_beyond_documents_and_unknown_words() {
        let text = TrainingText::new(vec![0, 1, 2, 3, 4, 0, 3, 4, 5, 7, 5, 0], Some(0));
        let lengths = |context: &[u32], next: &[u32]| {
            let runs = text.continued_runs(context, next, Some(7));
            runs.into_iter().map(|run| (run.length, run.in_text)).collect::<Vec<_>>()
        };
        assert_eq!(lengths(&[9, 2, 3], &[4, 5, 1, 9]), [(3, 2), (1, 8), (1, 1), (0, 0)]);
        // Neither the document token nor the unknown word is a part of a run.
        assert_eq!(lengths(&[0, 3, 4], &[5, 0, 7]), [(3, 6), (0, 0), (0, 0)]);
        assert_eq!(lengths(&[5, 7], &[5]), [(1, 8)]);
        assert_eq!(lengths(&[], &[1, 6]), [(1, 1), (0, 0)]);
        assert_eq!(text.followers(&[3, 4]), [5]);
        assert_eq!(text.followers(&[5]), [7]);
        assert_eq!((text.followers(&[]).len(), text.followers(&[0]), text.followers(&[9])), (6, vec![], vec![]));
        assert_eq!(TrainingText::new(Vec::new(), None).continued_runs(&[1], &[1], None), [Match::default()]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn they_are_the_longest_that_brute_force_finds(
            text in prop::collection::vec(0u32..4, 0..60),
            context in prop::collection::vec(0u32..5, 0..20),
        ) {
            let next: Vec<u32> = (0..5).collect();
            let runs = TrainingText::new(text.clone(), None).continued_runs(&context, &next, None);
            for (token, run) in next.into_iter().zip(runs) {
                let all = [context.as_slice(), &[token]].concat();
                let is_in_text = |tokens: &[u32]| text.windows(tokens.len()).any(|window| window == tokens);
                let longest = (1..=all.len()).rev().find(|&length| is_in_text(&all[all.len() - length..]));
                prop_assert_eq!(run.length, longest.unwrap_or(0));
                if run.length > 0 {
                    prop_assert_eq!(run.in_sample, all.len() - run.length);
                    prop_assert_eq!(&text[run.in_text..][..run.length], &all[run.in_sample..]);
                }
            }
        }
    }
}
