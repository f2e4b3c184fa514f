//! The rules on a text, paragraph by paragraph.

use std::ops::Range;

use question_rules::{Candidates, Rules};
use text_prep::spans::paragraphs;

/// Makes the questions by rules about the sentences of a text when they are wanted, in order.
pub(super) struct ParagraphRules<'a> {
    rules: Rules<'a>,
    paragraphs: Vec<Range<usize>>,
    /// The number of paragraphs that have begun.
    begun: usize,
}

impl<'a> ParagraphRules<'a> {
    /// For a text with these sentences, which are byte ranges in order.
    pub fn new(text: &'a str, sentences: impl IntoIterator<Item = Range<usize>>) -> Self {
        Self { rules: Rules::new(text, sentences), paragraphs: paragraphs(text), begun: 0 }
    }

    /// What the rules find in the next sentence.
    pub fn next(&mut self, sentence: &Range<usize>) -> Candidates {
        let before = self.begun;
        while self.paragraphs.get(self.begun).is_some_and(|paragraph| paragraph.start <= sentence.start) {
            self.begun += 1;
        }
        if self.begun > before {
            self.rules.begin_paragraph(self.paragraphs[self.begun - 1].clone());
        }
        self.rules.candidates(sentence)
    }
}

#[cfg(test)]
mod tests {
    use text_prep::spans::sentences;

    use super::*;

    #[test]
    fn pronouns_do_not_refer_to_another_paragraph() {
        let last_questions = |text: &str| {
            let sentences = sentences(text);
            let mut rules = ParagraphRules::new(text, sentences.iter().cloned());
            let all: Vec<Candidates> = sentences.iter().map(|sentence| rules.next(sentence)).collect();
            let last = all.last().unwrap().questions.iter();
            last.map(|one| one.question.clone()).collect::<Vec<_>>()
        };
        let together = last_questions("Anna Weber sold the mill in 1526.\nShe died in Ulm in 1879.");
        assert!(together.contains(&"Where did Anna Weber die in 1879?".to_owned()), "{together:?}");
        assert!(last_questions("Anna Weber sold the mill in 1526.\n\nShe died in Ulm in 1879.").is_empty());
    }
}
