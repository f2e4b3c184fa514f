//! Compares BLEU, ROUGE-L and the SQuAD scores with sacreBLEU, rouge-score and SQuAD's definition, whose results
//! `cargo xtask parity` writes to a committed file.

use eval::squad::{exact_match, f1, normalize_answer};
use eval::{Bleu, RougeL, SquadScores};
use serde::Deserialize;

#[derive(Deserialize)]
struct Fixture {
    corpora: Vec<Corpus>,
    answers: Vec<Answer>,
    exact_match: f64,
    f1: f64,
}

#[derive(Deserialize)]
struct Corpus {
    name: String,
    texts: Vec<Text>,
    /// BLEU-1 to BLEU-4, in percent.
    bleu: Vec<f64>,
    precisions: Vec<f64>,
    brevity_penalty: f64,
    rouge_l: f64,
}

#[derive(Deserialize)]
struct Text {
    written: String,
    references: Vec<String>,
}

#[derive(Deserialize)]
struct Answer {
    written: String,
    truths: Vec<String>,
    normalised: String,
    exact_match: bool,
    f1: f64,
}

/// Relative to the expected value; an expected 0 must be exact.
fn assert_close(found: f64, expected: f64, name: &str) {
    let limit = 1e-9 * expected.abs();
    assert!((found - expected).abs() <= limit, "{name}: {found}, expected {expected}");
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("parity/text_scores.json")).unwrap()
}

#[test]
fn corpus_scores_equal_those_of_sacrebleu_and_rouge_score() {
    let corpora = fixture().corpora;
    assert!(corpora.len() >= 12);
    for corpus in corpora {
        let (mut bleu, mut rouge, name) = (Bleu::default(), RougeL::default(), corpus.name);
        for text in &corpus.texts {
            let references: Vec<_> = text.references.iter().map(|text| words(text)).collect();
            bleu.add(&words(&text.written), &references);
            rouge.add(&words(&text.written), &references);
        }
        assert_eq!((corpus.bleu.len(), corpus.precisions.len()), (4, 4));
        for (order, expected) in (1..).zip(corpus.bleu) {
            assert_close(bleu.score(order), expected, &format!("{name}: BLEU-{order}"));
        }
        for (found, expected) in bleu.precisions().into_iter().zip(corpus.precisions) {
            assert_close(found, expected, &format!("{name}: precisions"));
        }
        assert_close(bleu.brevity_penalty(), corpus.brevity_penalty, &format!("{name}: brevity"));
        assert_close(rouge.score(), corpus.rouge_l, &format!("{name}: ROUGE-L"));
    }
}

#[test]
fn answer_scores_equal_squads_definition() {
    let fixture = fixture();
    assert!(fixture.answers.len() >= 12);
    let mut all = SquadScores::default();
    for Answer { written, truths, normalised, exact_match: exact, f1: shared } in fixture.answers {
        assert_eq!(normalize_answer(&written), normalised);
        let mut alone = SquadScores::default();
        alone.add(&written, &truths);
        assert_close(alone.exact_match(), if exact { 100.0 } else { 0.0 }, &written);
        assert_close(alone.f1(), 100.0 * shared, &written);
        if let [truth] = &truths[..] {
            assert_eq!(exact_match(&written, truth), exact, "{written}");
            assert_close(f1(&written, truth), shared, &written);
        }
        all.add(&written, &truths);
    }
    assert_close(all.exact_match(), fixture.exact_match, "exact match");
    assert_close(all.f1(), fixture.f1, "F1");
}
