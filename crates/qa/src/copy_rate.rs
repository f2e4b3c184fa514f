//! How written questions use their text: words taken from it, answers given away, and whether the
//! right thing is asked for at all.
//!
//! What it does not know: whether a question makes sense.

use std::collections::HashSet;

use crate::borrowed;

/// A written question, what it was written from and what a person asked.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a, S> {
    /// The question that was written.
    pub question: &'a [S],
    /// The text that it is about.
    pub source: &'a [S],
    /// The answer that it should ask for.
    pub answer: &'a [S],
    /// The question that a person asked.
    pub truth: &'a [S],
}

/// Counts over questions; divided once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copying {
    /// Questions.
    pub questions: u64,
    /// Their words and marks, each time they came.
    pub words: u64,
    /// Those that stand somewhere in the question's source.
    pub copied: u64,
    /// Questions that hold their whole answer, its words in a row. No answer is never held.
    pub leaked: u64,
    /// Questions that begin with the word that the true one begins with.
    pub begun_right: u64,
}

impl Copying {
    /// Counts a question.
    pub fn add<S: AsRef<str>>(&mut self, asked: Asked<S>) {
        let [question, source, answer, truth] =
            [asked.question, asked.source, asked.answer, asked.truth].map(borrowed);
        let source: HashSet<&str> = source.into_iter().collect();
        self.questions += 1;
        self.words += question.len() as u64;
        self.copied += question.iter().filter(|word| source.contains(*word)).count() as u64;
        // A window cannot be of no words.
        let leaked = !answer.is_empty() && question.windows(answer.len()).any(|run| run == answer);
        self.leaked += u64::from(leaked);
        let begun_right = !question.is_empty() && question.first() == truth.first();
        self.begun_right += u64::from(begun_right);
    }

    /// The share of written words that stand in the source, from 0 to 1; 0 where there are none.
    pub fn copied_share(&self) -> f64 {
        self.copied as f64 / self.words.max(1) as f64
    }

    /// The share of questions that give their answer away, from 0 to 1; 0 where there are none.
    pub fn leaked_share(&self) -> f64 {
        self.leaked as f64 / self.questions.max(1) as f64
    }

    /// The share of questions that begin with the right word, from 0 to 1; 0 where there are none.
    pub fn begun_right_share(&self) -> f64 {
        self.begun_right as f64 / self.questions.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copying(cases: &[[&str; 4]]) -> Copying {
        let mut copying = Copying::default();
        for case in cases {
            let [question, source, answer, truth] =
                case.map(|text| text.split_whitespace().collect::<Vec<_>>());
            copying.add(Asked {
                question: &question,
                source: &source,
                answer: &answer,
                truth: &truth,
            });
        }
        copying
    }

    #[test]
    fn words_are_looked_for_in_their_own_source() {
        let found = copying(&[
            ["who saw the grapes ?", "a fox saw the grapes .", "a fox", "who was hungry ?"],
            ["what was the fox ?", "the grapes were high .", "high", "how high were they ?"],
        ]);
        assert_eq!((found.words, found.copied), (10, 4));
        assert_eq!((found.leaked_share(), found.begun_right_share()), (0.0, 0.5));
        assert_eq!(found.copied_share(), 0.4);
    }

    #[test]
    fn an_answer_leaks_only_in_one_piece() {
        let leaks = |question, answer| copying(&[[question, "", answer, ""]]).leaked == 1;
        assert!(leaks("did the hungry fox leave ?", "hungry fox"));
        assert!(leaks("fox", "fox"));
        assert!(!leaks("did the fox go hungry ?", "hungry fox"));
        assert!(!leaks("hungry , fox ?", "hungry fox"));
        assert!(!leaks("foxes ?", "fox"));
        assert!(!leaks("fox", "fox grapes"));
        assert!(!leaks("fox", "") && !leaks("", ""));
    }

    #[test]
    fn nothing_written_is_neither_copied_nor_right() {
        let found = copying(&[["", "a fox", "fox", ""]]);
        assert_eq!(found, Copying { questions: 1, ..Copying::default() });
        let none = Copying::default();
        let shares = [none.copied_share(), none.leaked_share(), none.begun_right_share()];
        assert_eq!(shares, [0.0; 3]);
    }
}
