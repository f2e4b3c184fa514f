//! SQuAD's two scores of predicted answers (Rajpurkar et al. 2016): exact match and F1 over words.

use std::collections::HashMap;

/// The scores of a set of answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SquadScores {
    exact_matches: u64,
    f1_sum: f64,
    answers: u64,
}

impl SquadScores {
    /// Adds a predicted answer. Each score is the maximum over the gold answers. Gold answers that are
    /// empty after normalization are ignored; if there are no others, the correct answer is the empty one.
    pub fn add(&mut self, predicted: &str, gold: &[impl AsRef<str>]) {
        let predicted = normalize_answer(predicted);
        let mut gold: Vec<_> = gold.iter().map(|it| normalize_answer(it.as_ref())).collect();
        gold.retain(|answer| !answer.is_empty());
        if gold.is_empty() {
            gold.push(String::new());
        }
        self.exact_matches += u64::from(gold.contains(&predicted));
        self.f1_sum += gold.iter().map(|answer| f1_normalized(&predicted, answer)).fold(0.0, f64::max);
        self.answers += 1;
    }

    /// The percentage of answers that equal a gold answer; 0 if there are no answers.
    pub fn exact_match(&self) -> f64 {
        100.0 * self.exact_matches as f64 / self.answers.max(1) as f64
    }

    /// The mean of [`f1`] over all answers, in percent; 0 if there are no answers.
    pub fn f1(&self) -> f64 {
        100.0 * self.f1_sum / self.answers.max(1) as f64
    }
}

/// Whether two answers are equal after normalization.
pub fn exact_match(predicted: &str, gold: &str) -> bool {
    normalize_answer(predicted) == normalize_answer(gold)
}

/// F1 over the words of two answers after normalization, from 0 to 1.
///
/// With `m` the number of common words, each counted as often as in the answer with fewer of it,
/// precision `P = m / predicted` and recall `R = m / gold`,
///
/// ```text
/// F1 = 2 P R / (P + R) = 2 m / (predicted + gold)
/// ```
///
/// Two empty answers have an F1 of 1, as in the script of SQuAD 2.0; that of SQuAD 1.1 gives them an F1
/// of 0 but an exact match.
pub fn f1(predicted: &str, gold: &str) -> f64 {
    f1_normalized(&normalize_answer(predicted), &normalize_answer(gold))
}

/// Normalizes an answer: lower case, no ASCII punctuation, no articles (`a`, `an`, `the`), one space
/// between words.
pub fn normalize_answer(text: &str) -> String {
    let mut text = text.to_lowercase();
    text.retain(|c| !c.is_ascii_punctuation());
    let mut normalized = String::with_capacity(text.len());
    // Each article is replaced with a space, also next to a non-ASCII character: `a–b` becomes `–b`.
    for segment in segments(&text) {
        normalized.push_str(if ["a", "an", "the"].contains(&segment) { " " } else { segment });
    }
    normalized.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The maximal sequences of alphanumeric and of other characters, in order.
fn segments(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let alphanumeric = rest.chars().next()?.is_alphanumeric();
        let end = rest.find(|c: char| c.is_alphanumeric() != alphanumeric);
        let (segment, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        Some(segment)
    })
}

/// F1 of two normalized answers.
fn f1_normalized(predicted: &str, gold: &str) -> f64 {
    if predicted.is_empty() || gold.is_empty() {
        return f64::from(predicted == gold);
    }
    let [predicted, gold] = [predicted, gold].map(|answer| answer.split(' ').collect::<Vec<_>>());
    word_f1(&predicted, &gold)
}

/// F1 over the words of two texts, from 0 to 1, where each common word counts as often as in the text with fewer of it. Two
/// texts without words have an F1 of 1.
pub fn word_f1(one: &[impl AsRef<str>], other: &[impl AsRef<str>]) -> f64 {
    if one.is_empty() && other.is_empty() {
        return 1.0;
    }
    let mut remaining: HashMap<&str, usize> = HashMap::new();
    other.iter().for_each(|word| *remaining.entry(word.as_ref()).or_default() += 1);
    let take = |word: &str| remaining.get_mut(word).filter(|n| **n > 0).map(|n| *n -= 1);
    let common = one.iter().map(AsRef::as_ref).filter_map(take).count();
    2.0 * common as f64 / (one.len() + other.len()) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_normalized_as_by_squad() {
        let cases = [
            ("The  Fox's den.", "foxs den"),
            ("U.S. $10.7 million", "us 107 million"),
            ("an a the", ""),
            ("A theory; another an", "theory another"),
            // Non-ASCII punctuation stays, but articles next to it are removed.
            ("the “Fox”—a beast", "“fox”— beast"),
            ("a–b", "–b"),
            ("vitamin_a", "vitamina"),
            ("포도는 높았다!", "포도는 높았다"),
            ("ÉTÉ\u{a0}1917", "été 1917"),
            ("", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(normalize_answer(text), expected, "{text}");
            assert_eq!(normalize_answer(expected), expected);
        }
    }

    #[test]
    fn a_repeated_word_is_common_as_often_as_in_both() {
        assert_eq!(f1("fox fox fox grapes", "fox fox"), 2.0 / 3.0);
        assert_eq!((f1("the sour grapes", "Grapes, sour"), f1("fox", "crow")), (1.0, 0.0));
        assert_eq!((word_f1(&["river", "river"], &["river"]), word_f1(&[""; 0], &["fox"])), (2.0 / 3.0, 0.0));
        assert_eq!(word_f1(&[""; 0], &[""; 0]), 1.0);
        assert!(!exact_match("the sour grapes", "Grapes, sour") && exact_match("the fox", "Fox!"));
    }

    #[test]
    fn an_empty_answer_matches_only_an_empty_answer() {
        assert_eq!((f1("", ""), f1("the", ""), f1("fox", ""), f1("", "fox")), (1.0, 1.0, 0.0, 0.0));
    }

    #[test]
    fn each_score_takes_its_best_gold_answer() {
        let mut scores = SquadScores::default();
        assert_eq!((scores.exact_match(), scores.f1()), (0.0, 0.0));
        scores.add("the fox", &["a hungry fox", "fox"]);
        scores.add("hungry fox", &["crow", "a fox", "the"]);
        scores.add("crow", &[] as &[&str]);
        scores.add("", &["a", "."]);
        assert_eq!(scores.exact_match(), 50.0);
        assert!((scores.f1() - 25.0 * (1.0 + 2.0 / 3.0 + 0.0 + 1.0)).abs() < 1e-12);
    }
}
