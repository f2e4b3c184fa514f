//! The words of a text by their case, and which names are persons.

use std::collections::HashSet;

use crate::lexicon::LEXICON;
use crate::token::Token;

/// The words of a passage by their case, which tells names from other words at the beginning of a sentence.
#[derive(Debug, Default)]
pub struct Cases {
    lower: HashSet<String>,
    names: HashSet<String>,
    surnames: HashSet<String>,
    places: HashSet<String>,
    /// Words within sentences, and how many of them are capitalised and no weekdays.
    counts: (usize, usize),
}

/// A text with fewer capitalised words within sentences, as a fraction, is a story about characters without names.
const STORY_NAMES: f64 = 0.02;
/// They name nobody.
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

impl Cases {
    /// Reads the words of a sentence.
    pub fn add(&mut self, tokens: &[Token]) {
        let mut is_first = true;
        // A heading in capitals has no names.
        let is_counted = tokens.iter().any(|token| token.is_word() && !token.is_capitalised());
        for (at, token) in tokens.iter().enumerate().filter(|(_, token)| token.is_word()) {
            if !token.is_capitalised() {
                self.lower.insert(token.lower.clone());
            } else if !is_first {
                self.names.insert(token.lower.clone());
            }
            // Direct speech begins with a capital letter.
            let begins = at == 0 || !tokens[at - 1].is_word() && !tokens[at - 1].is_any(&[",", "-"]);
            if is_counted && !begins && !token.is("i") {
                self.counts.0 += 1;
                // A month may belong to a date, "May 2004", which is not the time of a story.
                let is_name = token.is_capitalised() && !token.is_any(&WEEKDAYS);
                self.counts.1 += usize::from(is_name);
            }
            is_first = false;
        }
        self.add_surnames(tokens);
    }

    /// "Alan Turing" and "President Wilson" tell that "Turing" and "Wilson" are persons.
    fn add_surnames(&mut self, tokens: &[Token]) {
        for name in tokens.split(|token| !(token.is_word() && token.is_capitalised())) {
            let [first, .., last] = name else { continue };
            let is_person = LEXICON.is_given_name(&first.lower) || LEXICON.is_title(&first.lower);
            let is_thing = LEXICON.is_place(&last.lower) || LEXICON.kind_of_place(&last.lower).is_some();
            // "Harvard University"
            if is_thing {
                self.places.insert(name[name.len() - 2].lower.clone());
            }
            if is_person && !is_thing && LEXICON.known(&last.lower).is_none() {
                self.surnames.insert(last.lower.clone());
            }
        }
    }

    /// Whether the text has almost no names: "the fox" is then as good as a name.
    pub fn is_story(&self) -> bool {
        let (words, names) = self.counts;
        (names as f64) < STORY_NAMES * words as f64
    }

    /// Whether it is the name of a person, in lower case.
    pub fn is_surname(&self, lower: &str) -> bool {
        self.surnames.contains(lower) && !self.places.contains(lower)
    }

    /// Whether a word, in lower case, is only capitalised or never, within sentences.
    pub fn is_name(&self, lower: &str) -> Option<bool> {
        match (self.names.contains(lower), self.lower.contains(lower)) {
            (true, false) => Some(true),
            (false, true) => Some(false),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::tokenize;

    #[test]
    fn weekdays_are_no_names() {
        let is_story = |text: &str| {
            let mut cases = Cases::default();
            cases.add(&tokenize(text, 0..text.len()));
            cases.is_story()
        };
        assert!(is_story("The grey cat slept under the bridge on Monday, and the baker found it on Sunday."));
        assert!(!is_story("The president of the company resigned in May 2004."));
        assert!(!is_story("The grey cat slept under the bridge of Verona, and Anna Weber found it on Sunday."));
    }
}
