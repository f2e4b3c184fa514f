//! A Kneser–Ney model of n-grams: what a text can be guessed by from the last few tokens alone, as
//! they were counted. A network that is worth its weights guesses better.
//!
//! What it does not know: networks, and what the ids stand for.

use std::ops::Range;

use crate::suffix_array::suffix_array;

/// What is taken from each count where no n-gram came once, so that nothing tells how much to take.
const DISCOUNT_UNKNOWN: f64 = 0.5;

/// A Kneser–Ney model (Kneser and Ney 1995) in the interpolated form of Chen and Goodman (1998), of
/// ids below V. With h for a context and h′ for h without its first token:
///
/// ```text
/// p(w | h) = max(c(h w) − D, 0) / c(h •)  +  D · N(h •) / c(h •) · p(w | h′)
/// p(w | no context) = max(c(w) − D, 0) / c(•)  +  D · N(•) / c(•) · 1 / V
/// ```
///
/// c(h w) is how often `h w` comes if it is n tokens long; if it is shorter, how many different
/// tokens come before it. c(h •) is the sum over all w, N(h •) how many w have a count above 0. A
/// context after which nothing was counted is shortened. The discount D is n₁ / (n₁ + 2 n₂) for
/// each length, n₁ and n₂ being how many n-grams of it have the counts 1 and 2.
///
/// On Aesop's fables, by the seed's recipe, n-grams of up to 5 tokens come to 4.42 nats a token.
/// Three discounts a length, Chen and Goodman's modified form, would come to 4.39.
#[derive(Clone, Debug)]
pub struct NGrams {
    vocabulary: usize,
    /// A trie: level k holds the k-grams, level 0 the empty one.
    levels: Vec<Level>,
}

/// The n-grams of one length in the order of a dictionary, each a row.
#[derive(Clone, Debug, Default)]
struct Level {
    /// The last token of each.
    tokens: Vec<u32>,
    /// c of each.
    counts: Vec<u32>,
    /// D.
    discount: f64,
    /// Row r begins the rows `begins[r]..begins[r + 1]` of the next level.
    begins: Vec<u32>,
    /// c(h •) of each row h.
    totals: Vec<u32>,
    /// D · N(h •) / c(h •) of each row h: what is left for the shorter context.
    freed: Vec<f64>,
}

impl NGrams {
    /// Counts the n-grams of 1 to `order` tokens in `train`, whose ids are below `vocabulary`.
    ///
    /// While it counts, a token takes 16 bytes, its own 4 included. A different n-gram takes 24,
    /// one of `order` tokens 8: 3.6 million words of novels come to 257 MB in all at order 5.
    ///
    /// # Panics
    /// If `order` is 0, an id is not below `vocabulary`, or `train` holds 2³² − 1 ids or more.
    pub fn count(train: &[u32], order: usize, vocabulary: usize) -> Self {
        assert!(order > 0, "n-grams of 0 tokens");
        if let Some(&top) = train.iter().max() {
            assert!((top as usize) < vocabulary, "id {top} in a vocabulary of {vocabulary}");
        }
        let suffixes = suffix_array(train);
        let mut levels = vec![Level { tokens: vec![0], counts: vec![0], ..Level::default() }];
        // The row of the (k − 1)-gram at each position; the empty one stands everywhere.
        let mut rows = vec![0; train.len() + 1];
        for length in 1..=order {
            let (longer, longer_rows) =
                levels[length - 1].lengthen(train, &suffixes, &rows, length);
            levels.push(longer);
            rows = longer_rows;
        }
        // Only now are all counts what they are to be.
        for length in 1..=order {
            let (shorter, longer) = levels.split_at_mut(length);
            longer[0].discount = discount(&longer[0].counts);
            shorter[length - 1].sum(&longer[0]);
        }
        Self { vocabulary, levels }
    }

    /// p(next | context), above 0, from the last n − 1 tokens of `context` or as many as there are.
    /// Over all ids below the vocabulary's size the sum is one, whatever the context.
    pub fn probability(&self, context: &[u32], next: u32) -> f64 {
        let mut probability = 1.0 / self.vocabulary as f64;
        let longest = context.len().min(self.levels.len() - 2);
        for length in 0..=longest {
            let (level, longer) = (&self.levels[length], &self.levels[length + 1]);
            let row = self.row(&context[context.len() - length..]);
            // Nothing was counted after a longer context either.
            let Some(row) = row.filter(|&row| level.totals[row] > 0) else { break };
            let count = level.next(row, next, longer).map_or(0, |row| longer.counts[row]);
            let kept = (f64::from(count) - longer.discount).max(0.0);
            probability = kept / f64::from(level.totals[row]) + level.freed[row] * probability;
        }
        probability
    }

    /// The mean of −ln p over `ids[judged]`, in nats a token, each judged by the ids before it; not
    /// a number if `judged` is empty.
    ///
    /// # Panics
    /// If `judged` ends after `ids`, or one of its ids is not below the vocabulary's size.
    pub fn nats_per_token(&self, ids: &[u32], judged: Range<usize>) -> f64 {
        let nats = |at: usize| {
            let (id, size) = (ids[at], self.vocabulary);
            assert!((id as usize) < size, "id {id} in a vocabulary of {size}");
            -self.probability(&ids[..at], id).ln()
        };
        judged.clone().map(nats).sum::<f64>() / judged.len() as f64
    }

    /// The row of `ngram` in the level of its length.
    fn row(&self, ngram: &[u32]) -> Option<usize> {
        let mut levels = self.levels.windows(2).zip(ngram);
        levels.try_fold(0, |row, (pair, &token)| pair[0].next(row, token, &pair[1]))
    }
}

impl Level {
    /// The level of the n-grams of `length` tokens, one more than here, and the row of the one at
    /// each position; counts here become those of different tokens before.
    ///
    /// Equal n-grams are neighbours among the sorted suffixes, less the few too short for one.
    fn lengthen(
        &mut self,
        train: &[u32],
        suffixes: &[u32],
        rows: &[u32],
        length: usize,
    ) -> (Self, Vec<u32>) {
        let mut longer = Self::default();
        let mut longer_rows = vec![0; train.len() + 1];
        let mut last: &[u32] = &[];
        self.counts.fill(0);
        for &at in suffixes {
            let at = at as usize;
            let Some(ngram) = train.get(at..at + length) else { continue };
            if ngram != last {
                let row = longer.tokens.len() as u32;
                let beginning = rows[at] as usize;
                self.begins.resize(self.begins.len().max(beginning + 1), row);
                self.counts[rows[at + 1] as usize] += 1;
                longer.tokens.push(ngram[length - 1]);
                longer.counts.push(0);
                last = ngram;
            }
            let row = longer.tokens.len() - 1;
            longer.counts[row] += 1;
            longer_rows[at] = row as u32;
        }
        self.begins.resize(self.tokens.len() + 1, longer.tokens.len() as u32);
        (longer, longer_rows)
    }

    /// The row in `longer` of the n-gram that is `row` here and then `token`.
    fn next(&self, row: usize, token: u32, longer: &Self) -> Option<usize> {
        let (begin, end) = (self.begins[row] as usize, self.begins[row + 1] as usize);
        longer.tokens[begin..end].binary_search(&token).ok().map(|at| begin + at)
    }

    /// Sums up what comes after each row.
    fn sum(&mut self, longer: &Self) {
        for ends in self.begins.windows(2) {
            let counts = &longer.counts[ends[0] as usize..ends[1] as usize];
            let total: u32 = counts.iter().sum();
            let different = counts.iter().filter(|&&count| count > 0).count();
            self.totals.push(total);
            self.freed.push(longer.discount * different as f64 / f64::from(total.max(1)));
        }
    }
}

/// D = n₁ / (n₁ + 2 n₂): above 0, and at most 1.
fn discount(counts: &[u32]) -> f64 {
    let with = |count| counts.iter().filter(|&&other| other == count).count() as f64;
    let (n1, n2) = (with(1), with(2));
    if n1 == 0.0 { DISCOUNT_UNKNOWN } else { n1 / (n1 + 2.0 * n2) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const VOCABULARY: u32 = 5;

    /// The equations, word for word.
    fn naive(train: &[u32], order: usize, context: &[u32], next: u32) -> f64 {
        let length = context.len() + 1;
        let count = |ngram: &[u32]| match length == order {
            true => train.windows(length).filter(|&window| window == ngram).count(),
            false => {
                let windows = train.windows(length + 1).filter(|window| window[1..] == *ngram);
                windows.map(|window| window[0]).collect::<BTreeSet<_>>().len()
            }
        };
        let with = |wanted| {
            let ngrams: BTreeSet<_> = train.windows(length).collect();
            ngrams.into_iter().filter(|ngram| count(ngram) == wanted).count() as f64
        };
        let d = if with(1) == 0.0 { 0.5 } else { with(1) / (with(1) + 2.0 * with(2)) };
        let shorter = match context {
            [] => 1.0 / f64::from(VOCABULARY),
            [_, shorter @ ..] => naive(train, order, shorter, next),
        };
        let c = |token| count(&[context, &[token]].concat()) as f64;
        let total: f64 = (0..VOCABULARY).map(c).sum();
        let different = (0..VOCABULARY).filter(|&token| c(token) > 0.0).count() as f64;
        if total == 0.0 {
            return shorter;
        }
        (c(next) - d).max(0.0) / total + d * different / total * shorter
    }

    #[test]
    fn four_ids_are_guessed_as_by_hand() {
        // 1 2 and 2 1 come twice, 1 3 once: D = 1 / (1 + 2 · 2). One token comes before each of 1,
        // 2 and 3: D = 1, and without context all four are alike.
        let model = NGrams::count(&[1, 2, 1, 2, 1, 3], 2, 4);
        let expected = [
            (1, 2, 1.8 / 3.0 + 0.4 / 3.0 / 4.0),
            (1, 3, 0.8 / 3.0 + 0.4 / 3.0 / 4.0),
            (1, 1, 0.4 / 3.0 / 4.0),
            (2, 1, 1.8 / 2.0 + 0.2 / 2.0 / 4.0),
            (3, 0, 0.25),
        ];
        for (context, next, expected) in expected {
            let found = model.probability(&[0, context], next);
            assert!((found - expected).abs() < 1e-12, "p({next} | {context}) = {found}");
        }
        let nats = model.nats_per_token(&[3, 1, 2, 1], 2..4);
        assert!((nats + (expected[0].2.ln() + expected[3].2.ln()) / 2.0).abs() < 1e-12);
    }

    #[test]
    fn an_empty_text_leaves_all_ids_alike() {
        assert_eq!(NGrams::count(&[], 3, 8).probability(&[1, 2, 3], 4), 0.125);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_id_has_a_share_and_together_they_are_one(
            train in prop::collection::vec(0..VOCABULARY, 0..60),
            order in 1usize..6,
            // 5 is in no text.
            context in prop::collection::vec(0..=VOCABULARY, 0..7),
        ) {
            let model = NGrams::count(&train, order, VOCABULARY as usize);
            let shares = (0..VOCABULARY).map(|next| model.probability(&context, next));
            prop_assert!(shares.clone().all(|share| share > 0.0));
            prop_assert!((shares.sum::<f64>() - 1.0).abs() < 1e-12);
        }

        #[test]
        fn it_is_what_the_equations_say(
            train in prop::collection::vec(0..VOCABULARY - 1, 0..40),
            order in 1usize..5,
            context in prop::collection::vec(0..VOCABULARY, 4),
            next in 0..VOCABULARY,
        ) {
            let found = NGrams::count(&train, order, VOCABULARY as usize).probability(&context, next);
            let expected = naive(&train, order, &context[5 - order..], next);
            prop_assert!((found - expected).abs() < 1e-12, "{} instead of {}", found, expected);
        }
    }
}
