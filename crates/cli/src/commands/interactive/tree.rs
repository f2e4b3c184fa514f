//! A text that is written in steps, with all of its branches.

use serde::{Serialize, Serializer};

/// Who wrote a part of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Author {
    /// It is the prompt.
    Prompt,
    /// It was typed.
    Typed,
    /// It was chosen from the likeliest tokens.
    Chosen,
    /// The model wrote it.
    Sampled,
}

impl Author {
    /// All, in the order in which they are reported.
    pub const ALL: [Self; 4] = [Self::Prompt, Self::Typed, Self::Chosen, Self::Sampled];

    /// The name, as it is saved.
    pub fn name(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Typed => "typed",
            Self::Chosen => "chosen",
            Self::Sampled => "sampled",
        }
    }
}

/// A token of a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Token {
    /// The id.
    pub id: u32,
    /// Its log-probability, saved as a probability.
    #[serde(rename = "probability", serialize_with = "probability")]
    pub log_prob: f64,
    /// The bytes of the text before it that remain: all, unless it completes a syllable.
    pub start: usize,
    /// What it writes there.
    pub text: String,
}

fn probability<S: Serializer>(log_prob: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(log_prob.exp())
}

/// One choice, one typed text, or the tokens that were sampled at once.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// The step before it; `None` for the prompt.
    pub parent: Option<usize>,
    /// Who wrote it.
    pub author: Author,
    /// Its tokens; none for the prompt.
    pub tokens: Vec<Token>,
    /// The step after it that was visited last.
    #[serde(skip)]
    next: Option<usize>,
}

/// All steps. Each is numbered; 0 is the prompt.
#[derive(Clone, Debug)]
pub struct Tree {
    prompt: String,
    steps: Vec<Step>,
    current: usize,
}

/// A piece of the text: what a token wrote, or the prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece<'a> {
    /// Its text.
    pub text: &'a str,
    /// Who wrote it.
    pub author: Author,
    /// −ln p in nats; `None` for the prompt.
    pub nats: Option<f64>,
}

impl Tree {
    /// A text that begins with `prompt`.
    pub fn new(prompt: &str) -> Self {
        let first = Step { parent: None, author: Author::Prompt, tokens: Vec::new(), next: None };
        Self { prompt: prompt.into(), steps: vec![first], current: 0 }
    }

    /// All steps by their number.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The number of the last step of the text.
    pub fn current(&self) -> usize {
        self.current
    }

    /// The prompt.
    pub fn prompt(&self) -> &str {
        &self.prompt
    }

    /// Appends a step to the text; the same step as an earlier one after the same text is that one.
    pub fn add(&mut self, author: Author, tokens: Vec<Token>) {
        let parent = Some(self.current);
        let is_same = |step: &Step| step.parent == parent && step.author == author && step.tokens == tokens;
        let number = self.steps.iter().position(is_same).unwrap_or(self.steps.len());
        if number == self.steps.len() {
            self.steps.push(Step { parent, author, tokens, next: None });
        }
        self.steps[self.current].next = Some(number);
        self.current = number;
    }

    /// Goes back by at most this number of steps. Returns by how many.
    pub fn undo(&mut self, steps: usize) -> usize {
        let mut done = 0;
        while let Some(parent) = self.steps[self.current].parent.filter(|_| done < steps) {
            self.steps[parent].next = Some(self.current);
            self.current = parent;
            done += 1;
        }
        done
    }

    /// Goes forward by a step, to the one that was visited last. Returns whether there is one.
    pub fn redo(&mut self) -> bool {
        let next = self.steps[self.current].next;
        self.current = next.unwrap_or(self.current);
        next.is_some()
    }

    /// Goes to a step. Returns whether it exists.
    pub fn go(&mut self, number: usize) -> bool {
        let exists = number < self.steps.len();
        if exists {
            self.current = number;
        }
        exists
    }

    /// The last step of each branch.
    pub fn branches(&self) -> Vec<usize> {
        let has_next = |number: usize| self.steps.iter().any(|step| step.parent == Some(number));
        (0..self.steps.len()).filter(|&number| !has_next(number)).collect()
    }

    /// The ids of the text after the prompt.
    pub fn ids(&self) -> Vec<u32> {
        self.tokens_to(self.current).map(|(_, token)| token.id).collect()
    }

    /// The text.
    pub fn text(&self) -> String {
        self.text_to(self.current)
    }

    /// The text up to this step.
    pub fn text_to(&self, number: usize) -> String {
        self.pieces_to(number).into_iter().map(|piece| piece.text).collect()
    }

    /// The pieces of the text.
    pub fn pieces(&self) -> Vec<Piece<'_>> {
        self.pieces_to(self.current)
    }

    fn pieces_to(&self, number: usize) -> Vec<Piece<'_>> {
        let mut pieces = vec![Piece { text: &self.prompt, author: Author::Prompt, nats: None }];
        let mut len = self.prompt.len();
        for (author, token) in self.tokens_to(number) {
            // What the token replaces: the end of a piece, or whole ones.
            while len > token.start {
                let last = pieces.last_mut().expect("a text has bytes");
                let kept = last.text.len().saturating_sub(len - token.start);
                len -= last.text.len() - kept;
                last.text = &last.text[..kept];
                if kept == 0 {
                    pieces.pop();
                }
            }
            pieces.push(Piece { text: &token.text, author, nats: Some(-token.log_prob) });
            len += token.text.len();
        }
        pieces
    }

    fn tokens_to(&self, number: usize) -> impl Iterator<Item = (Author, &Token)> {
        let mut path: Vec<usize> = std::iter::successors(Some(number), |&number| self.steps[number].parent).collect();
        path.reverse();
        path.into_iter().flat_map(|number| {
            let Step { author, tokens, .. } = &self.steps[number];
            tokens.iter().map(move |token| (*author, token))
        })
    }

    /// The characters of the text that each author wrote.
    pub fn shares(&self) -> [(Author, usize); 4] {
        let pieces = self.pieces();
        Author::ALL.map(|author| {
            let own = pieces.iter().filter(|piece| piece.author == author);
            (author, own.map(|piece| piece.text.chars().count()).sum())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A step of one token that is appended to `before`.
    fn token(id: u32, before: &str, text: &str) -> Vec<Token> {
        vec![Token { id, log_prob: -1.0, start: before.len(), text: text.into() }]
    }

    #[test]
    fn steps_that_are_undone_stay_as_branches() {
        let mut tree = Tree::new("the");
        tree.add(Author::Chosen, token(1, "the", " fox"));
        tree.add(Author::Typed, token(2, "the fox", " ran"));
        assert_eq!((tree.text().as_str(), tree.ids()), ("the fox ran", vec![1, 2]));
        assert_eq!((tree.undo(1), tree.text().as_str()), (1, "the fox"));
        tree.add(Author::Sampled, token(3, "the fox", " sat"));
        assert_eq!(tree.branches(), [2, 3]);
        assert_eq!((tree.undo(9), tree.undo(1), tree.text().as_str()), (2, 0, "the"));
        assert!(tree.redo() && tree.redo() && !tree.redo());
        assert_eq!(tree.text(), "the fox sat");
        assert!(tree.go(2) && !tree.go(4));
        assert_eq!((tree.text().as_str(), tree.text_to(1).as_str()), ("the fox ran", "the fox"));
        // The same choice again is the same step.
        tree.undo(2);
        tree.add(Author::Chosen, token(1, "the", " fox"));
        assert_eq!((tree.current(), tree.steps().len()), (1, 4));
    }

    #[test]
    fn a_token_can_complete_the_syllable_before_it() {
        let mut tree = Tree::new("a ");
        tree.add(Author::Typed, token(1, "a ", "하"));
        tree.add(Author::Chosen, token(2, "a ", "한"));
        tree.add(Author::Chosen, token(3, "a 한", "b"));
        assert_eq!(tree.text(), "a 한b");
        let authors: Vec<(&str, Author)> = tree.pieces().iter().map(|piece| (piece.text, piece.author)).collect();
        assert_eq!(authors, [("a ", Author::Prompt), ("한", Author::Chosen), ("b", Author::Chosen)]);
        let shares = [(Author::Prompt, 2), (Author::Typed, 0), (Author::Chosen, 2), (Author::Sampled, 0)];
        assert_eq!(tree.shares(), shares);
    }

    #[test]
    fn tokens_are_saved_with_their_probability() {
        let json = serde_json::to_value(&token(7, "a", " fox")[0]).unwrap();
        assert_eq!(
            (json["id"].as_u64(), json["text"].as_str(), json["start"].as_u64()),
            (Some(7), Some(" fox"), Some(1))
        );
        assert!((json["probability"].as_f64().unwrap() - 0.367_879).abs() < 1e-5);
    }
}
