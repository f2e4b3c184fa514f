//! The losses of Kneser–Ney models of several orders on a held-out text, from one suffix array.

use std::ops::{Range, RangeInclusive};

use crate::kneser_ney::discount;
use crate::suffix_array::suffix_array;

/// The kinds of counts c in the equations of [`KneserNey`](crate::KneserNey): of the longest n-grams of a model their
/// occurrences, of the shorter ones the distinct tokens before them, or the occurrences if they start a document.
const KINDS: [usize; 2] = [OCCURRENCES, PRECEDING];
const OCCURRENCES: usize = 0;
const PRECEDING: usize = 1;
/// Instead of the token before the start of a text.
const NONE: u32 = u32::MAX;

/// The order of the Kneser–Ney model with the lowest loss on a held-out text.
#[derive(Clone, Debug, PartialEq)]
pub struct BestOrder {
    /// The order, in tokens; of several with the same loss, the lowest.
    pub order: usize,
    /// Its mean loss −ln p in nats per token; NaN without targets.
    pub nats_per_token: f64,
    /// All orders with their losses in nats per token.
    pub losses: Vec<(usize, f64)>,
}

impl BestOrder {
    /// Compares the models of `orders` of the text `train`. The loss of each is that of [`KneserNey::fit`] and
    /// [`KneserNey::nats_per_token`] for `held_out[targets]`.
    ///
    /// The models of two orders differ only in the counts of their longest n-grams, so the n-grams of each length are
    /// counted once, and only those of one length are in memory. The suffix array is that of both texts, so that an n-gram
    /// of the held-out text stands next to those that it is counted with. Uses 14 bytes per token of both texts, besides
    /// the two slices, and 32 per target.
    ///
    /// [`KneserNey::fit`]: crate::KneserNey::fit
    /// [`KneserNey::nats_per_token`]: crate::KneserNey::nats_per_token
    ///
    /// # Panics
    /// If there is no order, one is 0 or above 254, an id is not below `vocab_size`, `targets` ends after `held_out`, or
    /// both texts have 2³² − 1 ids or more.
    pub fn find(
        train: &[u32],
        held_out: &[u32],
        targets: Range<usize>,
        orders: RangeInclusive<usize>,
        vocab_size: usize,
        document: Option<u32>,
    ) -> Self {
        let longest = *orders.end();
        assert!(!orders.is_empty() && *orders.start() > 0 && longest < 255, "n-grams of {orders:?} tokens");
        assert!(targets.end <= held_out.len(), "targets {targets:?} of {} ids", held_out.len());
        let suffixes = Suffixes::new([train, held_out], longest, vocab_size, document);
        // The probability of each target from n-grams that are shorter than those of the model.
        let mut shorter = vec![1.0 / vocab_size as f64; targets.len()];
        let mut losses = Vec::new();
        for length in 1..=longest {
            let ngrams = suffixes.count(length, &targets);
            let counted = || ngrams.targets.iter().zip(&shorter);
            if orders.contains(&length) {
                let discount = ngrams.discount(OCCURRENCES);
                let nats = counted().map(|(kinds, &shorter)| -kinds[OCCURRENCES].probability(discount, shorter).ln());
                // Not −0, the negated logarithm of 1.
                losses.push((length, (nats.sum::<f64>() + 0.0) / targets.len() as f64));
            }
            let discount = ngrams.discount(PRECEDING);
            let longer = counted().map(|(kinds, &shorter)| kinds[PRECEDING].probability(discount, shorter));
            shorter = longer.collect();
        }
        let lower = |best: (usize, f64), &next: &(usize, f64)| if next.1 < best.1 { next } else { best };
        let (order, nats_per_token) = losses.iter().fold(losses[0], lower);
        Self { order, nats_per_token, losses }
    }
}

/// The n-grams of one length, each with both kinds of counts.
struct Ngrams {
    /// How many have the counts 1 and 2.
    with_count: [[usize; 2]; 2],
    /// The counts of the targets; zeros where the n-gram that ends with the target goes beyond its text or document.
    targets: Vec<[TargetCounts; 2]>,
}

/// The counts of a target w after a context h.
#[derive(Clone, Copy, Default)]
struct TargetCounts {
    /// c(h w).
    count: u32,
    context: ContextCounts,
}

/// The counts of a context h.
#[derive(Clone, Copy, Default)]
struct ContextCounts {
    /// c(h •).
    total: u32,
    /// N(h •).
    distinct: u32,
}

impl Ngrams {
    fn discount(&self, kind: usize) -> f64 {
        let [once, twice] = self.with_count.map(|kinds| kinds[kind]);
        discount(once, twice)
    }
}

impl TargetCounts {
    /// p(w | h), where `shorter` is the probability after the shorter context; the same if h has no counts.
    fn probability(self, discount: f64, shorter: f64) -> f64 {
        let Self { count, context: ContextCounts { total, distinct } } = self;
        if total == 0 {
            return shorter;
        }
        let total = f64::from(total);
        (f64::from(count) - discount).max(0.0) / total + discount * f64::from(distinct) / total * shorter
    }
}

/// The suffixes of a training text and of a held-out text after it, in lexicographic order.
struct Suffixes {
    train_len: usize,
    vocab_size: usize,
    /// Where each starts.
    starts: Vec<u32>,
    /// The token before each, or [`NONE`].
    before: Vec<u32>,
    /// How many tokens each has in common with the one before it in the order, as far as n-grams are counted.
    common: Vec<u8>,
    /// The length of the longest n-gram at its start that ends within its text and its document.
    longest: Vec<u8>,
    /// Those that start with the document token.
    documents: Range<usize>,
}

impl Suffixes {
    /// Sorts the suffixes for n-grams of up to `longest` tokens.
    fn new(texts: [&[u32]; 2], longest: usize, vocab_size: usize, document: Option<u32>) -> Self {
        let text = texts.concat();
        if let Some(&max) = text.iter().max() {
            assert!((max as usize) < vocab_size, "id {max} in a vocabulary of {vocab_size}");
        }
        let starts = suffix_array(&text);
        let suffix = |rank: usize| text[starts[rank] as usize..].iter().take(longest);
        let common = |rank: usize| {
            let before = suffix(rank.checked_sub(1)?);
            Some(before.zip(suffix(rank)).take_while(|(one, other)| one == other).count() as u8)
        };
        let common = (0..text.len()).map(|rank| common(rank).unwrap_or(0)).collect();
        let lengths = texts.map(|text| longest_ngrams(text, longest, document)).concat();
        let before = |&at: &u32| (at as usize).checked_sub(1).map_or(NONE, |at| text[at]);
        let number_below = |id: u32| text.iter().filter(|&&other| other < id).count();
        Self {
            train_len: texts[0].len(),
            vocab_size,
            before: starts.iter().map(before).collect(),
            common,
            longest: starts.iter().map(|&at| lengths[at as usize]).collect(),
            documents: document.map_or(0..0, |document| number_below(document)..number_below(document + 1)),
            starts,
        }
    }

    /// Counts the n-grams of `length` tokens in the training text, and finds the targets in the held-out text that end
    /// one. Equal n-grams are adjacent, and so are those with equal contexts.
    fn count(&self, length: usize, targets: &Range<usize>) -> Ngrams {
        let mut ngrams = Ngrams { with_count: [[0; 2]; 2], targets: vec![Default::default(); targets.len()] };
        let (mut context, mut ngram) = (Context::default(), Ngram::default());
        // The number of the last n-gram before which each token was seen, counted from 1.
        let (mut seen, mut number) = (vec![0u32; self.vocab_size], 0);
        for (rank, &at) in self.starts.iter().enumerate() {
            let (common, at) = (usize::from(self.common[rank]), at as usize);
            let starts_document = self.documents.contains(&rank);
            if common < length {
                ngrams.add(&mut ngram, &mut context);
                if common + 1 < length {
                    ngrams.finish(&mut context);
                }
                number += 1;
            }
            if usize::from(self.longest[rank]) < length {
                continue;
            }
            if let Some(start) = at.checked_sub(self.train_len) {
                let target = (start + length - 1).checked_sub(targets.start);
                ngram.targets.extend(target.filter(|&target| target < targets.len()));
            } else if length > 1 || at > 0 || !starts_document {
                // The first document token starts a document and ends none.
                ngram.counts[OCCURRENCES] += 1;
                let before = self.before[rank];
                let is_counted = if length > 1 && starts_document {
                    true
                } else {
                    before != NONE && std::mem::replace(&mut seen[before as usize], number) != number
                };
                ngram.counts[PRECEDING] += u32::from(is_counted);
            }
        }
        ngrams.add(&mut ngram, &mut context);
        ngrams.finish(&mut context);
        ngrams
    }
}

/// An n-gram whose occurrences are being counted.
#[derive(Default)]
struct Ngram {
    counts: [u32; 2],
    /// The targets that end it.
    targets: Vec<usize>,
}

/// A context whose n-grams are being counted.
#[derive(Default)]
struct Context {
    counts: [ContextCounts; 2],
    /// The targets after it with their counts.
    targets: Vec<(usize, [u32; 2])>,
}

impl Ngrams {
    /// Adds a counted n-gram to its context, and makes room for the next one.
    fn add(&mut self, ngram: &mut Ngram, context: &mut Context) {
        let counts = std::mem::take(&mut ngram.counts);
        for kind in KINDS {
            let (count, of_context) = (counts[kind], &mut context.counts[kind]);
            of_context.total += count;
            of_context.distinct += u32::from(count > 0);
            if let Some(with_count) = self.with_count.get_mut((count as usize).wrapping_sub(1)) {
                with_count[kind] += 1;
            }
        }
        context.targets.extend(ngram.targets.drain(..).map(|target| (target, counts)));
    }

    /// Gives the targets after a counted context their counts, and makes room for the next one.
    fn finish(&mut self, context: &mut Context) {
        let counts = std::mem::take(&mut context.counts);
        for (target, of_ngram) in context.targets.drain(..) {
            self.targets[target] = KINDS.map(|kind| TargetCounts { count: of_ngram[kind], context: counts[kind] });
        }
    }
}

/// The length of the longest n-gram at each position of `text` that ends within the text and, with the id `document` between
/// documents, within the document: at most with its end. At most `limit`.
fn longest_ngrams(text: &[u32], limit: usize, document: Option<u32>) -> Vec<u8> {
    let mut longest = vec![0; text.len()];
    let mut after = 0;
    for at in (0..text.len()).rev() {
        let ends_next = text.get(at + 1).is_some_and(|&next| Some(next) == document);
        after = if ends_next { 2 } else { (after + 1).min(limit) };
        longest[at] = after as u8;
    }
    longest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::KneserNey;

    const VOCAB_SIZE: usize = 6;
    const ORDERS: RangeInclusive<usize> = 1..=6;

    /// Compares with a model of each order.
    fn check(train: &[u32], held_out: &[u32], targets: Range<usize>, document: Option<u32>) {
        let best = BestOrder::find(train, held_out, targets.clone(), ORDERS, VOCAB_SIZE, document);
        assert_eq!(best.losses.len(), ORDERS.count());
        for (order, &(found, nats)) in ORDERS.zip(&best.losses) {
            assert_eq!(found, order);
            let model = KneserNey::fit(train, order, VOCAB_SIZE, document);
            let expected = model.nats_per_token(held_out, targets.clone());
            assert!((nats - expected).abs() < 1e-12, "order {order}: {nats} instead of {expected}");
            assert!(best.nats_per_token <= nats);
        }
        assert_eq!(best.losses[best.order - 1], (best.order, best.nats_per_token));
    }

    #[test]
    fn the_best_order_is_as_long_as_what_helps() {
        // What follows 1 2 or 3 2 depends on the first token.
        let text: Vec<u32> = (0..400)
            .flat_map(|at: u32| if at.count_ones().is_multiple_of(2) { [1, 2, 4] } else { [3, 2, 5] })
            .collect();
        let best = BestOrder::find(&text[..900], &text[900..], 10..300, 1..=2, VOCAB_SIZE, None);
        assert_eq!(best.order, 2);
        let best = BestOrder::find(&text[..900], &text[900..], 10..300, 2..=3, VOCAB_SIZE, None);
        assert_eq!(best.order, 3);
        assert!(best.nats_per_token < best.losses[0].1 - 0.1, "{best:?}");
    }

    #[test]
    fn texts_without_ids_are_uniform_or_have_no_loss() {
        check(&[], &[1, 2, 3], 0..3, None);
        check(&[0], &[0, 1, 0], 1..3, Some(0));
        let best = BestOrder::find(&[1, 2], &[1], 1..1, 2..=3, VOCAB_SIZE, None);
        assert!(best.order == 2 && best.nats_per_token.is_nan(), "{best:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn each_order_has_the_loss_of_its_model(
            train in prop::collection::vec(0u32..5, 0..80),
            // 5 is not in the text.
            held_out in prop::collection::vec(0u32..6, 1..40),
            context in 0usize..4,
        ) {
            check(&train, &held_out, context.min(held_out.len() - 1)..held_out.len(), None);
        }

        #[test]
        fn contexts_end_with_their_documents(
            train in prop::collection::vec(prop::collection::vec(1u32..5, 0..6), 0..12),
            held_out in prop::collection::vec(prop::collection::vec(1u32..6, 0..6), 1..6),
            context in 1usize..4,
        ) {
            let ids = |documents: &[Vec<u32>]| -> Vec<u32> {
                documents.iter().flat_map(|document| [&[0], &document[..]].concat()).chain([0]).collect()
            };
            let (train, held_out) = (ids(&train), ids(&held_out));
            check(&train, &held_out, context.min(held_out.len() - 1)..held_out.len(), Some(0));
        }
    }
}
