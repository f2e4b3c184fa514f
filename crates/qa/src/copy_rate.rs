//! How generated questions use their text: the rate of copied words, leaked answers and correct first words.

use std::collections::HashSet;

/// A generated question with its source text, its answer and the reference question.
#[derive(Clone, Copy, Debug)]
pub struct ComparedQuestion<'a, S> {
    /// The generated question.
    pub question: &'a [S],
    /// The text that it was generated from.
    pub source: &'a [S],
    /// The answer that it is about.
    pub answer: &'a [S],
    /// The reference question.
    pub reference: &'a [S],
}

/// Counts over questions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CopyRate {
    /// The number of questions.
    pub questions: u64,
    /// The number of their tokens.
    pub words: u64,
    /// Tokens that occur in the source of their question.
    pub copied: u64,
    /// Questions that contain their whole, non-empty answer as consecutive words.
    pub leaked: u64,
    /// Questions with the same first word as the reference.
    pub first_word_correct: u64,
}

impl CopyRate {
    /// Adds a question.
    pub fn add<S: AsRef<str>>(&mut self, compared: ComparedQuestion<S>) {
        let ComparedQuestion { question, source, answer, reference } = compared;
        let [question, source, answer, reference] =
            [question, source, answer, reference].map(|words| words.iter().map(AsRef::as_ref).collect::<Vec<&str>>());
        let source: HashSet<&str> = source.into_iter().collect();
        self.questions += 1;
        self.words += question.len() as u64;
        self.copied += question.iter().filter(|word| source.contains(*word)).count() as u64;
        // `windows` panics for size 0.
        let leaked = !answer.is_empty() && question.windows(answer.len()).any(|run| run == answer);
        self.leaked += u64::from(leaked);
        let first_word_correct = !question.is_empty() && question.first() == reference.first();
        self.first_word_correct += u64::from(first_word_correct);
    }

    /// The fraction of tokens that occur in the source; 0 if there are none.
    pub fn copied_fraction(&self) -> f64 {
        self.copied as f64 / self.words.max(1) as f64
    }

    /// The fraction of questions that contain their answer; 0 if there are none.
    pub fn leaked_fraction(&self) -> f64 {
        self.leaked as f64 / self.questions.max(1) as f64
    }

    /// The fraction of questions with the reference's first word; 0 if there are none.
    pub fn first_word_accuracy(&self) -> f64 {
        self.first_word_correct as f64 / self.questions.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy_rate(cases: &[[&str; 4]]) -> CopyRate {
        let mut rate = CopyRate::default();
        for case in cases {
            let [question, source, answer, reference] = case.map(|text| text.split_whitespace().collect::<Vec<_>>());
            rate.add(ComparedQuestion { question: &question, source: &source, answer: &answer, reference: &reference });
        }
        rate
    }

    #[test]
    fn words_are_compared_with_the_source_of_their_question() {
        let found = copy_rate(&[
            ["who saw the grapes ?", "a fox saw the grapes .", "a fox", "who was hungry ?"],
            ["what was the fox ?", "the grapes were high .", "high", "how high were they ?"],
        ]);
        assert_eq!((found.words, found.copied), (10, 4));
        assert_eq!((found.leaked_fraction(), found.first_word_accuracy()), (0.0, 0.5));
        assert_eq!(found.copied_fraction(), 0.4);
    }

    #[test]
    fn an_answer_leaks_only_as_consecutive_words() {
        let leaks = |question, answer| copy_rate(&[[question, "", answer, ""]]).leaked == 1;
        assert!(leaks("did the hungry fox leave ?", "hungry fox"));
        assert!(leaks("fox", "fox"));
        assert!(!leaks("did the fox go hungry ?", "hungry fox"));
        assert!(!leaks("hungry , fox ?", "hungry fox"));
        assert!(!leaks("foxes ?", "fox"));
        assert!(!leaks("fox", "fox grapes"));
        assert!(!leaks("fox", "") && !leaks("", ""));
    }

    #[test]
    fn an_empty_question_is_neither_copied_nor_correct() {
        let found = copy_rate(&[["", "a fox", "fox", ""]]);
        assert_eq!(found, CopyRate { questions: 1, ..CopyRate::default() });
        let none = CopyRate::default();
        let rates = [none.copied_fraction(), none.leaked_fraction(), none.first_word_accuracy()];
        assert_eq!(rates, [0.0; 3]);
    }
}
