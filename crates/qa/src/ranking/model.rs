//! The ranking: weights of the features, and the confidence from which on questions are printed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::features::Features;
use super::logistic::{Row, fit, sigmoid};
use super::reliability::threshold_for;

/// The file of a model directory with the ranking that was fitted when its run ended. A model without it has the default one.
pub const RANKING: &str = "ranking.json";

/// The strength of the prior: how many questions it takes, roughly, until the weights follow them more than the prior.
const STRENGTH: f64 = 2.0;
/// The parts of cross-validation.
const FOLDS: usize = 10;
/// The share of good questions from the default threshold on.
const PRECISION: f64 = 0.6;
/// The fewest questions that a threshold is chosen by, and the smallest fraction of all.
const MIN_QUESTIONS: (usize, f64) = (15, 0.02);

/// A logistic regression on the [`Features`] of a question. Its result, the confidence, is the probability that a question
/// is good.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ranking {
    /// The weight of each feature. Features that have none do not count.
    pub weights: BTreeMap<String, f64>,
    /// The lowest confidence of the questions that are printed by default.
    pub threshold: f64,
    /// The number of held-out answers that the weights were fitted on.
    pub answers: usize,
}

/// A question with a label.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelledQuestion {
    /// Its features.
    pub features: Features,
    /// Whether it is good.
    pub is_good: bool,
    /// The number of the answer that it is about. All questions about an answer count as much as one.
    pub answer: usize,
    /// The number of the passage that the answer is in. Cross-validation keeps the questions of a passage together.
    pub passage: usize,
}

impl Default for Ranking {
    /// The weights of a model without a ranking of its own, and the prior of all others. They are not fitted: their signs say
    /// what is better, a fluent question without repeated words that is answered as it should be, made from a simple sentence.
    fn default() -> Self {
        let weights = DEFAULT_WEIGHTS.iter().map(|&(name, weight)| (name.to_owned(), weight)).collect();
        Self { weights, threshold: DEFAULT_THRESHOLD, answers: 0 }
    }
}

/// The default weights.
const DEFAULT_WEIGHTS: [(&str, f64); 22] = [
    ("fluency", -0.7),
    ("answer_probability", 0.5),
    ("answered_exactly", 0.4),
    ("question_probability", 0.6),
    ("question_words", -0.2),
    ("answer_words", -0.1),
    ("repeated_words", -0.5),
    ("copied_words", 0.1),
    ("answer_in_question", -0.3),
    ("rule", 1.0),
    ("ambiguity", -0.3),
    ("cut_off", -0.2),
    ("replaced_pronouns", -0.6),
    ("later_clause", -0.2),
    ("specific_words", 0.3),
    ("rule_time", 0.3),
    ("rule_number", 0.3),
    ("rule_duration", 0.3),
    ("rule_agent", 0.3),
    ("rule_possessor", 0.3),
    ("rule_complement", 0.3),
    ("rule_abbreviation", 2.0),
];
/// The default threshold.
const DEFAULT_THRESHOLD: f64 = 0.5;

impl Ranking {
    /// The probability that a question with these features is good.
    pub fn confidence(&self, features: &Features) -> f64 {
        let term = |(name, value): (&&str, &f64)| self.weights.get(*name).copied().unwrap_or(0.0) * value;
        sigmoid(features.0.iter().map(term).sum())
    }

    /// Fits the weights on `questions`, with `self` as the prior, and chooses the threshold. Also returns the confidence of
    /// each question by weights that were fitted without the questions of its passage.
    pub fn fit(&self, questions: &[LabelledQuestion]) -> (Self, Vec<f64>) {
        let names: BTreeSet<&str> = questions.iter().flat_map(|one| one.features.0.keys().copied()).collect();
        let names: Vec<&str> = names.into_iter().collect();
        let prior: Vec<f64> = names.iter().map(|name| self.weights.get(*name).copied().unwrap_or(0.0)).collect();
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        questions.iter().for_each(|one| *counts.entry(one.answer).or_default() += 1);
        let row = |one: &LabelledQuestion| Row {
            features: names.iter().map(|name| one.features.0.get(name).copied().unwrap_or(0.0)).collect(),
            is_positive: one.is_good,
            weight: 1.0 / counts[&one.answer] as f64,
        };
        let rows: Vec<Row> = questions.iter().map(row).collect();
        let with_weights = |fitted: Vec<f64>| {
            let fitted = names.iter().map(|&name| name.to_owned()).zip(fitted);
            Self { weights: self.weights.clone().into_iter().chain(fitted).collect(), ..self.clone() }
        };
        let mut held_out = vec![0.0; questions.len()];
        for fold in 0..FOLDS {
            let is_held_out = |at: &usize| questions[*at].passage % FOLDS == fold;
            let (test, train): (Vec<usize>, Vec<usize>) = (0..questions.len()).partition(is_held_out);
            if test.is_empty() {
                continue;
            }
            let train: Vec<Row> = train.into_iter().map(|at| rows[at].clone()).collect();
            let ranking = with_weights(fit(&train, &prior, STRENGTH));
            test.into_iter().for_each(|at| held_out[at] = ranking.confidence(&questions[at].features));
        }
        let best = best_of_each_answer(questions, &held_out);
        let min_questions = MIN_QUESTIONS.0.max((MIN_QUESTIONS.1 * best.len() as f64) as usize);
        // A calibrated confidence of `PRECISION` is reached by too few questions, or by none.
        let threshold = threshold_for(&best, PRECISION, min_questions).unwrap_or(PRECISION);
        (Self { threshold, answers: counts.len(), ..with_weights(fit(&rows, &prior, STRENGTH)) }, held_out)
    }

    /// From the file [`RANKING`]; `None` if it is not valid.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let ranking: Self = serde_json::from_slice(bytes).ok()?;
        let is_valid = ranking.weights.values().all(|weight| weight.is_finite()) && ranking.threshold.is_finite();
        is_valid.then_some(ranking)
    }

    /// The contents of the file [`RANKING`].
    pub fn to_bytes(&self) -> Vec<u8> {
        (serde_json::to_string_pretty(self).expect("a ranking is plain data") + "\n").into_bytes()
    }
}

/// The confidence of the best question about each answer, and whether it is good.
pub(crate) fn best_of_each_answer(questions: &[LabelledQuestion], confidences: &[f64]) -> Vec<(f64, bool)> {
    let mut best: BTreeMap<usize, (f64, bool)> = BTreeMap::new();
    for (one, &confidence) in questions.iter().zip(confidences) {
        let entry = best.entry(one.answer).or_insert((confidence, one.is_good));
        if confidence > entry.0 {
            *entry = (confidence, one.is_good);
        }
    }
    best.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::features::CONSTANT;

    fn question(fluency: f64, is_good: bool, answer: usize) -> LabelledQuestion {
        let features = Features(BTreeMap::from([(CONSTANT, 1.0), ("fluency", fluency)]));
        LabelledQuestion { features, is_good, answer, passage: answer / 2 }
    }

    /// Two questions about each of 80 answers: those with a low loss are good, with few exceptions.
    fn questions() -> Vec<LabelledQuestion> {
        let one = |n: usize| {
            let fluency = (n * 7 % 20) as f64 / 5.0 - 2.0;
            question(fluency, (fluency < 0.0) != n.is_multiple_of(11), n / 2)
        };
        (0..160).map(one).collect()
    }

    #[test]
    fn the_confidence_of_questions_that_were_not_seen_tells_good_from_bad() {
        let (ranking, held_out) = Ranking::default().fit(&questions());
        assert!(ranking.weights["fluency"] < -0.8, "{ranking:?}");
        let correct = held_out.iter().zip(questions()).filter(|(p, one)| (**p > 0.5) == one.is_good).count();
        assert!(correct > 130, "{correct}");
        let best = best_of_each_answer(&questions(), &held_out);
        assert_eq!((best.len(), ranking.answers), (80, 80));
        let kept: Vec<bool> = best.iter().filter(|(p, _)| *p >= ranking.threshold).map(|(_, good)| *good).collect();
        assert!(kept.len() >= 15 && kept.iter().filter(|good| **good).count() as f64 >= 0.6 * kept.len() as f64);
    }

    #[test]
    fn few_questions_change_little_and_the_weights_of_other_features_stay() {
        let prior =
            Ranking { weights: [("rule".to_owned(), 0.7), ("fluency".to_owned(), -1.0)].into(), ..Ranking::default() };
        let (few, _) = prior.fit(&[question(1.0, true, 0)]);
        assert_eq!(few.weights["rule"], 0.7);
        assert!((few.weights["fluency"] + 1.0).abs() < 0.5, "{few:?}");
        assert_eq!(few.threshold, PRECISION);
        let (none, confidences) = prior.fit(&[]);
        assert_eq!((none.weights, confidences.len()), (prior.weights, 0));
    }

    #[test]
    fn a_file_is_read_back_and_damaged_ones_are_not() {
        let ranking = Ranking::default();
        assert_eq!(Ranking::from_bytes(&ranking.to_bytes()), Some(ranking));
        for damaged in ["", "{}", "{\"weights\": {\"fluency\": 1e999}, \"threshold\": 0.5, \"answers\": 1}"] {
            assert_eq!(Ranking::from_bytes(damaged.as_bytes()), None, "{damaged}");
        }
    }
}
