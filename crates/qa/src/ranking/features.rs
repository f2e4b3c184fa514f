//! What the ranking knows of a question about an answer, as numbers of comparable size.

use std::collections::{BTreeMap, HashSet};

use question_rules::Rule;

/// What is measured of a question.
#[derive(Clone, Debug, PartialEq)]
pub struct Measures<'a> {
    /// The keys of the words of the question.
    pub question: &'a [&'a str],
    /// The keys of the words of the sentence.
    pub sentence: &'a [&'a str],
    /// The keys of the words of the answer.
    pub answer: &'a [&'a str],
    /// The loss of the question under a language model, in nats per token; `None` without one.
    pub fluency: Option<f64>,
    /// The geometric mean of the probabilities of the question's words under the network that generated it; `None` for a
    /// question by rules.
    pub question_probability: Option<f64>,
    /// The network's probability that the answer, or a span close to it, is the answer to the question; `None` without a
    /// network.
    pub answer_probability: Option<f64>,
    /// Whether the network's most probable answer to the question is exactly the answer; `None` without a network.
    pub is_answered_exactly: Option<bool>,
    /// The rule that made the question, if one did.
    pub rule: Option<RuleMeasures>,
}

/// What a rule says of its question.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RuleMeasures {
    /// The rule.
    pub rule: Rule,
    /// What it measured.
    pub features: question_rules::Features,
}

/// The features of a question by name. A feature without a value is left out, which has the same effect as an average
/// value: all are centred and scaled, roughly, to a mean of 0 and a standard deviation of 1 over the questions of a data set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Features(pub(super) BTreeMap<&'static str, f64>);

/// The feature that every question has.
pub(super) const CONSTANT: &str = "constant";

/// A probability of 0 counts as this one.
const MIN_PROBABILITY: f64 = 1e-3;

impl Features {
    /// The features of a question.
    pub fn of(measures: &Measures) -> Self {
        let Measures { question, sentence, answer, .. } = *measures;
        let words = |words: &[&str]| (words.len().max(1) as f64).ln();
        let probability = |p: f64| p.max(MIN_PROBABILITY).ln();
        let mut all = BTreeMap::from([
            (CONSTANT, 1.0),
            ("question_words", scaled(words(question), 2.4, 0.4)),
            ("answer_words", scaled(words(answer), 0.9, 0.7)),
            ("sentence_words", scaled(words(sentence), 3.2, 0.5)),
            ("repeated_words", scaled(repeated(question), 0.1, 0.1)),
            ("copied_words", scaled(share_in(question, sentence), 0.6, 0.2)),
            ("answer_in_question", scaled(share_in(answer, question), 0.2, 0.3)),
        ]);
        let answered = measures.answer_probability;
        all.extend(answered.map(|p| ("answer_probability", scaled(probability(p), -1.0, 1.5))));
        all.extend(measures.is_answered_exactly.map(|exactly| ("answered_exactly", f64::from(exactly))));
        all.extend(measures.fluency.map(|nats| ("fluency", scaled(nats, 4.0, 1.0))));
        let network =
            measures.question_probability.map(|p| ("question_probability", scaled(probability(p), -1.0, 0.5)));
        all.extend(network);
        if let Some(RuleMeasures { rule, features }) = measures.rule {
            all.extend([
                ("rule", 1.0),
                (name(rule), 1.0),
                ("ambiguity", scaled(features.ambiguity, 0.2, 0.2)),
                ("cut_off", scaled(features.cut_off as f64, 1.0, 1.0)),
                ("replaced_pronouns", features.replaced_pronouns as f64),
                ("later_clause", f64::from(features.is_later_clause)),
                ("specific_words", scaled(features.specific_words, 0.2, 0.2)),
            ]);
        }
        Self(all)
    }
}

fn scaled(value: f64, centre: f64, scale: f64) -> f64 {
    (value - centre) / scale
}

/// The fraction of `words` that occur earlier among them.
fn repeated(words: &[&str]) -> f64 {
    let different: HashSet<&&str> = words.iter().collect();
    (words.len() - different.len()) as f64 / words.len().max(1) as f64
}

/// The fraction of `words` that are in `others`.
fn share_in(words: &[&str], others: &[&str]) -> f64 {
    words.iter().filter(|word| others.contains(word)).count() as f64 / words.len().max(1) as f64
}

/// The name of the feature of a rule.
fn name(rule: Rule) -> &'static str {
    match rule {
        Rule::Subject => "rule_subject",
        Rule::Object => "rule_object",
        Rule::Complement => "rule_complement",
        Rule::Prepositional => "rule_prepositional",
        Rule::Agent => "rule_agent",
        Rule::Time => "rule_time",
        Rule::Duration => "rule_duration",
        Rule::Place => "rule_place",
        Rule::Number => "rule_number",
        Rule::Cause => "rule_cause",
        Rule::Possessor => "rule_possessor",
        Rule::Apposition => "rule_apposition",
        Rule::Abbreviation => "rule_abbreviation",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_left_out() {
        let measures = Measures {
            question: &["who", "saw", "the", "the", "crow", "?"],
            sentence: &["the", "fox", "saw", "the", "crow", "."],
            answer: &["the", "fox"],
            fluency: None,
            question_probability: Some(0.0),
            answer_probability: Some(0.5),
            is_answered_exactly: Some(true),
            rule: None,
        };
        let Features(network) = Features::of(&measures);
        assert!(!network.contains_key("fluency") && !network.contains_key("rule"), "{network:?}");
        assert!(network.values().all(|value| value.is_finite()), "{network:?}");
        let close = |name: &str, expected: f64| assert!((network[name] - expected).abs() < 1e-9, "{name}: {network:?}");
        close("repeated_words", (1.0 / 6.0 - 0.1) / 0.1);
        close("copied_words", (4.0 / 6.0 - 0.6) / 0.2);
        close("answer_in_question", (0.5 - 0.2) / 0.3);
        let rule = RuleMeasures { rule: Rule::Subject, features: question_rules::Features::default() };
        let by_rule = Measures { rule: Some(rule), question_probability: None, fluency: Some(5.0), ..measures.clone() };
        let without_network = Measures { answer_probability: None, is_answered_exactly: None, ..by_rule.clone() };
        let Features(without_network) = Features::of(&without_network);
        assert!(["answer_probability", "answered_exactly"].iter().all(|name| !without_network.contains_key(name)));
        let Features(by_rule) = Features::of(&by_rule);
        assert_eq!((by_rule["rule_subject"], by_rule["fluency"]), (1.0, 1.0));
        assert!(!by_rule.contains_key("question_probability"));
    }

    #[test]
    fn every_rule_has_a_feature_of_its_own() {
        let names: HashSet<&str> = Rule::ALL.into_iter().map(name).collect();
        assert_eq!(names.len(), Rule::ALL.len());
    }
}
