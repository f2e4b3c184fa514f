//! Phrases and clauses of a tagged sentence. What is not recognised with certainty is an error, not a guess.

mod clause;
mod continuation;
mod extent;
mod noun_phrase;
mod predicate;
mod unrecognised;
mod verb_group;

use std::ops::Range;

pub use clause::parse;
pub use noun_phrase::{NounPhrase, base as noun_phrase};
pub use predicate::can_be_participle;
pub use verb_group::{VerbGroup, has_known_base};

use crate::token::Token;

/// A clause with its subject.
#[derive(Clone, Debug)]
pub struct Clause {
    /// Phrases before the subject that can follow the verb as well.
    pub lead: Vec<Phrase>,
    /// The subject.
    pub subject: NounPhrase,
    /// The first verb with its auxiliaries.
    pub verb: VerbGroup,
    /// What follows the verb.
    pub phrases: Vec<Phrase>,
    /// Whether another clause comes before it.
    pub is_later: bool,
    /// Phrases and clauses that were cut off.
    pub cut_off: usize,
    /// Whether what follows the verb was not recognised: it is one phrase of the kind `Content`.
    pub is_opaque: bool,
}

/// A part of a clause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    /// What it is.
    pub kind: PhraseKind,
    /// Its tokens.
    pub tokens: Range<usize>,
    /// Its noun phrase; for a prepositional phrase the one after the preposition.
    pub noun: Option<NounPhrase>,
}

/// Kinds of phrases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhraseKind {
    /// A noun phrase.
    Noun,
    /// A preposition and a noun phrase.
    Prepositional,
    /// Adjectives.
    Adjective,
    /// An adverb or a particle.
    Adverb,
    /// "to" and a verb, with what follows.
    Infinitive,
    /// A verb in -ing, with what follows.
    Gerund,
    /// A clause with "that", or a question, as an object.
    Content,
    /// A clause of cause.
    Cause,
    /// A clause of time or condition.
    Subordinate,
    /// An apposition of the noun phrase before it.
    Apposition,
}

/// The tokens that the parser sees: those that are not in parentheses, by their place in the sentence.
pub struct Sentence<'a> {
    /// All tokens.
    pub tokens: &'a [Token],
}

impl<'a> Sentence<'a> {
    /// The token at a place.
    pub fn get(&self, at: usize) -> Option<&'a Token> {
        self.tokens.get(at)
    }

    /// Whether there is a mark at a place.
    pub fn is_mark(&self, at: usize, mark: &str) -> bool {
        self.get(at).is_some_and(|token| token.text == mark)
    }

    /// Whether a clause must end here.
    pub fn is_end(&self, at: usize) -> bool {
        let Some(token) = self.get(at) else { return true };
        // "-ed" is no word.
        let is_glued = self.get(at + 1).is_some_and(|next| next.bytes.start == token.bytes.end && next.is_word());
        [".", ";", ":", "!", "—"].contains(&token.text.as_str())
            || ["–", "--", "-"].contains(&token.text.as_str()) && !is_glued
    }
}
