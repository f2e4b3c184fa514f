//! SQuAD's two scores of an answer (Rajpurkar et al. 2016): equal to a true one, and how many words
//! they share.
//!
//! What it does not know: where in a text an answer stands.

use std::collections::HashMap;

/// The answers of a corpus, counted; divided once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answers {
    exact: u64,
    f1: f64,
    answers: u64,
}

impl Answers {
    /// Counts an answer by the best of several true ones, for each score by itself. True answers of
    /// which nothing is left when normalised are passed over; where there are no others, the right
    /// answer is to say nothing.
    pub fn add(&mut self, written: &str, truths: &[impl AsRef<str>]) {
        let written = normalise_answer(written);
        let mut truths: Vec<_> = truths.iter().map(|it| normalise_answer(it.as_ref())).collect();
        truths.retain(|truth| !truth.is_empty());
        if truths.is_empty() {
            truths.push(String::new());
        }
        self.exact += u64::from(truths.contains(&written));
        self.f1 += truths.iter().map(|truth| shared_words(&written, truth)).fold(0.0, f64::max);
        self.answers += 1;
    }

    /// Answers that equal a true one, in per cent; 0 where there are none.
    pub fn exact_match(&self) -> f64 {
        100.0 * self.exact as f64 / self.answers.max(1) as f64
    }

    /// The mean of [`f1`] over all answers, in per cent; 0 where there are none.
    pub fn f1(&self) -> f64 {
        100.0 * self.f1 / self.answers.max(1) as f64
    }
}

/// Whether two answers are equal once normalised.
pub fn exact_match(written: &str, truth: &str) -> bool {
    normalise_answer(written) == normalise_answer(truth)
}

/// The share of words that two normalised answers have in common, from 0 to 1.
///
/// With `m` the words that both hold, each as often as in the one that holds it less often,
/// `P = m / written` and `R = m / truth`,
///
/// ```text
/// F1 = 2 P R / (P + R) = 2 m / (written + truth)
/// ```
///
/// Two answers of which nothing is left agree, as in SQuAD 2.0's program; that of 1.1 gives them an
/// F1 of 0 and an exact match.
pub fn f1(written: &str, truth: &str) -> f64 {
    shared_words(&normalise_answer(written), &normalise_answer(truth))
}

/// Lower case, without ASCII punctuation, without the articles `a`, `an` and `the`, and with one
/// space between words.
pub fn normalise_answer(text: &str) -> String {
    let mut bare = text.to_lowercase();
    bare.retain(|letter| !letter.is_ascii_punctuation());
    let mut kept = String::with_capacity(bare.len());
    // An article may touch a mark that is not ASCII: `a–b` is `–b`. What it leaves is a space.
    for piece in pieces(&bare) {
        kept.push_str(if ["a", "an", "the"].contains(&piece) { " " } else { piece });
    }
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Runs of letters and digits, and what stands between them.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let inside = rest.chars().next()?.is_alphanumeric();
        let end = rest.find(|letter: char| letter.is_alphanumeric() != inside);
        let (piece, behind) = rest.split_at(end.unwrap_or(rest.len()));
        rest = behind;
        Some(piece)
    })
}

/// F1 of two answers that are normalised already.
fn shared_words(written: &str, truth: &str) -> f64 {
    if written.is_empty() || truth.is_empty() {
        return f64::from(written == truth);
    }
    let mut left: HashMap<&str, usize> = HashMap::new();
    truth.split(' ').for_each(|word| *left.entry(word).or_default() += 1);
    let take = |word: &str| left.get_mut(word).filter(|times| **times > 0).map(|times| *times -= 1);
    let shared = written.split(' ').filter_map(take).count();
    2.0 * shared as f64 / (written.split(' ').count() + truth.split(' ').count()) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_normalised_as_squad_does() {
        let cases = [
            ("The  Fox's den.", "foxs den"),
            ("U.S. $10.7 million", "us 107 million"),
            ("an a the", ""),
            ("A theory; another an", "theory another"),
            // Typographic marks stay, but an article may touch them.
            ("the “Fox”—a beast", "“fox”— beast"),
            ("a–b", "–b"),
            ("vitamin_a", "vitamina"),
            ("포도는 높았다!", "포도는 높았다"),
            ("ÉTÉ\u{a0}1917", "été 1917"),
            ("", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(normalise_answer(text), expected, "{text}");
            assert_eq!(normalise_answer(expected), expected);
        }
    }

    #[test]
    fn a_word_is_shared_no_more_often_than_both_hold_it() {
        assert_eq!(f1("fox fox fox grapes", "fox fox"), 2.0 / 3.0);
        assert_eq!((f1("the sour grapes", "Grapes, sour"), f1("fox", "crow")), (1.0, 0.0));
        assert!(!exact_match("the sour grapes", "Grapes, sour") && exact_match("the fox", "Fox!"));
    }

    #[test]
    fn nothing_agrees_with_nothing_alone() {
        assert_eq!((f1("", ""), f1("the", ""), f1("fox", ""), f1("", "fox")), (1.0, 1.0, 0.0, 0.0));
    }

    #[test]
    fn each_score_takes_its_own_best_truth() {
        let mut answers = Answers::default();
        assert_eq!((answers.exact_match(), answers.f1()), (0.0, 0.0));
        answers.add("the fox", &["a hungry fox", "fox"]);
        answers.add("hungry fox", &["crow", "a fox", "the"]);
        answers.add("crow", &[] as &[&str]);
        answers.add("", &["a", "."]);
        assert_eq!(answers.exact_match(), 50.0);
        assert!((answers.f1() - 25.0 * (1.0 + 2.0 / 3.0 + 0.0 + 1.0)).abs() < 1e-12);
    }
}
