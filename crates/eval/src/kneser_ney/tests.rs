//! Tests of Kneser–Ney models against their equations.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const VOCAB_SIZE: u32 = 5;

/// The equations of [`KneserNey`], evaluated directly; with `document`, those of a text of documents.
fn reference(train: &[u32], document: Option<u32>, order: usize, context: &[u32], next: u32) -> f64 {
    let length = context.len() + 1;
    let is_document = |id: u32| Some(id) == document;
    // The n-grams within a document, whose first token is no target.
    let windows = |length: usize| {
        let windows = train.windows(length).enumerate().filter(move |&(at, ngram)| match ngram {
            [single] => at > 0 || !is_document(*single),
            [_, inner @ .., _] => !inner.iter().any(|&id| is_document(id)),
            [] => false,
        });
        windows.map(|(_, ngram)| ngram)
    };
    let count = |ngram: &[u32]| {
        if length == order || length > 1 && is_document(ngram[0]) {
            windows(length).filter(|&window| window == ngram).count()
        } else {
            let windows = windows(length + 1).filter(|window| window[1..] == *ngram);
            windows.map(|window| window[0]).collect::<BTreeSet<_>>().len()
        }
    };
    let with = |wanted| {
        let ngrams: BTreeSet<_> = windows(length).collect();
        ngrams.into_iter().filter(|ngram| count(ngram) == wanted).count() as f64
    };
    let d = if with(1) == 0.0 { 0.5 } else { with(1) / (with(1) + 2.0 * with(2)) };
    let shorter = match context {
        [] => 1.0 / f64::from(VOCAB_SIZE),
        [_, shorter @ ..] => reference(train, document, order, shorter, next),
    };
    let c = |token| count(&[context, &[token]].concat()) as f64;
    let total: f64 = (0..VOCAB_SIZE).map(c).sum();
    let distinct = (0..VOCAB_SIZE).filter(|&token| c(token) > 0.0).count() as f64;
    if total == 0.0 {
        return shorter;
    }
    (c(next) - d).max(0.0) / total + d * distinct / total * shorter
}

#[test]
fn probabilities_equal_those_computed_by_hand() {
    // `1 2` and `2 1` occur twice, `1 3` once: D = 1 / (1 + 2 · 2). Each of 1, 2 and 3 has one preceding
    // token: D = 1, and without context all four ids have the same probability.
    let model = KneserNey::fit(&[1, 2, 1, 2, 1, 3], 2, 4, None);
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
fn what_precedes_a_document_has_no_influence() {
    // Every document begins with 1, whatever the one before ends with.
    let train = [0, 1, 2, 0, 1, 3, 0, 1, 2, 0, 1, 3, 0];
    let model = KneserNey::fit(&train, 4, 5, Some(0));
    for before in [&[][..], &[1, 2], &[4, 4, 4]] {
        let context = [before, &[0]].concat();
        assert_eq!(model.probability(&context, 1), model.probability(&[0], 1));
    }
    // `0 1` occurs four times. Each of the other pairs has one token before it: D = 1.
    let p = model.probability(&[0], 1);
    assert!((p - (3.0 / 4.0 + 1.0 / 4.0 * model.probability(&[], 1))).abs() < 1e-12, "{p}");
}

#[test]
fn the_longest_context_with_counts_is_seen() {
    let model = KneserNey::fit(&[1, 2, 1, 2, 1, 3], 3, 5, None);
    let seen = |context: &[u32]| {
        let SeenContext { length, count } = model.seen_context(context);
        (length, count)
    };
    // `1` has two kinds of tokens after it, which have one token before them each; `2 1` is followed by `2` and `3`.
    assert_eq!((seen(&[2, 1]), seen(&[4, 1]), seen(&[1, 3])), ((2, 2), (1, 2), (0, 3)));
    assert_eq!(KneserNey::fit(&[], 3, 8, None).seen_context(&[1]), SeenContext { length: 0, count: 0 });
}

#[test]
fn an_empty_text_gives_the_uniform_distribution() {
    assert_eq!(KneserNey::fit(&[], 3, 8, None).probability(&[1, 2, 3], 4), 0.125);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn probabilities_are_positive_and_sum_to_one(
        train in prop::collection::vec(0..VOCAB_SIZE, 0..60),
        order in 1usize..6,
        // 5 is not in the text.
        context in prop::collection::vec(0..=VOCAB_SIZE, 0..7),
    ) {
        let model = KneserNey::fit(&train, order, VOCAB_SIZE as usize, None);
        let probabilities = (0..VOCAB_SIZE).map(|next| model.probability(&context, next));
        prop_assert!(probabilities.clone().all(|p| p > 0.0));
        prop_assert!((probabilities.clone().sum::<f64>() - 1.0).abs() < 1e-12);
        for (one, other) in probabilities.zip(model.distribution(&context)) {
            prop_assert!((one - other).abs() < 1e-15);
        }
    }

    #[test]
    fn it_equals_the_equations(
        train in prop::collection::vec(0..VOCAB_SIZE - 1, 0..40),
        order in 1usize..5,
        context in prop::collection::vec(0..VOCAB_SIZE, 4),
        next in 0..VOCAB_SIZE,
    ) {
        let found = KneserNey::fit(&train, order, VOCAB_SIZE as usize, None).probability(&context, next);
        let expected = reference(&train, None, order, &context[5 - order..], next);
        prop_assert!((found - expected).abs() < 1e-12, "{} instead of {}", found, expected);
    }

    #[test]
    fn with_documents_it_equals_the_equations(
        documents in prop::collection::vec(prop::collection::vec(1..VOCAB_SIZE - 1, 0..6), 0..9),
        order in 1usize..5,
        context in prop::collection::vec(0..VOCAB_SIZE, 0..5),
        next in 0..VOCAB_SIZE,
    ) {
        let train: Vec<u32> = documents.iter().flat_map(|document| [&[0], &document[..]].concat()).chain([0]).collect();
        let model = KneserNey::fit(&train, order, VOCAB_SIZE as usize, Some(0));
        let start = context.iter().rposition(|&id| id == 0).unwrap_or(0);
        let cut = &context[start.max((context.len() + 1).saturating_sub(order))..];
        let (found, expected) = (model.probability(&context, next), reference(&train, Some(0), order, cut, next));
        prop_assert!((found - expected).abs() < 1e-12, "{} instead of {}", found, expected);
        let sum: f64 = (0..VOCAB_SIZE).map(|next| model.probability(&context, next)).sum();
        prop_assert!((sum - 1.0).abs() < 1e-12, "{}", sum);
    }
}
