//! Noun phrases, with "of", owners and coordination.

use std::ops::Range;

use super::Sentence;
use crate::tag::Tag;

/// A noun phrase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NounPhrase {
    /// Its tokens.
    pub tokens: Range<usize>,
    /// Its most important token.
    pub head: usize,
    /// The end of the part that its head ends, before "of" and the like.
    pub core_end: usize,
    /// The tokens of an owner with "'s", without "'s".
    pub owner: Option<Range<usize>>,
    /// Whether several phrases are joined with "and".
    pub is_joined: bool,
}

impl NounPhrase {
    /// Its first part, without "of" and what is joined to it.
    pub fn core(&self) -> Self {
        Self { tokens: self.tokens.start..self.core_end, is_joined: false, ..self.clone() }
    }

    /// Whether it is in the plural.
    pub fn is_plural(&self, sentence: &Sentence) -> bool {
        let head = &sentence.tokens[self.head];
        self.is_joined
            || head.tag == Tag::Nouns
            || head.is_any(&["they", "we", "these", "those", "both", "many", "few", "several", "some", "all", "others"])
            || head.tag == Tag::Adj && !head.is("other")
    }

    /// Whether it is a single pronoun.
    pub fn is_pronoun(&self, sentence: &Sentence) -> bool {
        self.tokens.len() == 1 && sentence.tokens[self.head].tag == Tag::Pron
    }
}

/// The noun phrase that begins at a token, without "of" and coordination.
pub fn base(sentence: &Sentence, start: usize) -> Option<NounPhrase> {
    use Tag::*;
    let tag = |at: usize| sentence.get(at).map(|token| token.tag);
    let single = |head| NounPhrase { tokens: start..head + 1, head, core_end: head + 1, owner: None, is_joined: false };
    if tag(start)? == Pron {
        return Some(single(start));
    }
    let (mut at, mut head, mut owner) = (start, None, None);
    let mut has_determiner = false;
    while let Some(now) = tag(at) {
        match now {
            Det | Poss if head.is_none() && (at == start || tag(at - 1) == Some(Det) || tag(at - 1) == Some(Adv)) => {
                has_determiner = true;
            }
            Noun if head.is_some() && sentence.tokens[at].is("home") => break,
            Noun | Nouns | Name => head = Some(at),
            // "computer programming"
            Ing if head.is_some_and(|head| head + 1 == at)
                && tag(at - 1) == Some(Noun)
                && tag(at + 1).is_none_or(|next| next == Mark || next.is_finite())
                && (at - 1 == start && start > 0 && tag(start - 1) == Some(Prep)) =>
            {
                head = Some(at);
            }
            Num if head.is_none_or(|head| head + 1 == at) => head = Some(at),
            Adj if head.is_none_or(|head| head + 1 == at && matches!(tag(at + 1), Some(Noun | Nouns | Name))) => {}
            // An adverb of an adjective or a number: "very old", "about two".
            Adv if head.is_none() && matches!(tag(at + 1), Some(Adj | Num | Part)) => {}
            Adv if head.is_none()
                && at == start
                && matches!(tag(at + 1), Some(Det))
                && sentence.tokens[at].is("only") => {}
            // A participle before a noun: "a broken window".
            Part | Ing if head.is_none() && at > start && matches!(tag(at + 1), Some(Noun | Nouns | Adj)) => {}
            Ing if head.is_none() && has_determiner && tag(at - 1) != Some(Adv) => head = Some(at),
            // "a big, bad wolf", "black and white cats"
            Mark if sentence.is_mark(at, ",") && head.is_none() && at > start => {
                if !(tag(at - 1) == Some(Adj) && matches!(tag(at + 1), Some(Adj | Conj))) {
                    break;
                }
            }
            Conj if head.is_none()
                && at > start
                && (tag(at - 1) == Some(Adj) || sentence.is_mark(at - 1, ","))
                && tag(at + 1) == Some(Adj) =>
            {
                if !matches!(tag(at + 2), Some(Noun | Nouns | Adj)) {
                    break;
                }
            }
            Owner => {
                let end = head? + 1;
                if end != at || !matches!(tag(at + 1), Some(Noun | Nouns | Name | Adj | Num)) {
                    break;
                }
                owner = Some(start..end);
                head = None;
            }
            _ => break,
        }
        at += 1;
    }
    let head = match head {
        Some(head) => head,
        // "the poor", "the Portuguese"
        None if owner.is_none()
            && has_determiner
            && at == start + 2
            && tag(at - 1) == Some(Adj)
            && (tag(at).is_none_or(|tag| tag.is_finite() || tag == Prep) || sentence.is_end(at)) =>
        {
            at - 1
        }
        None => return None,
    };
    Some(NounPhrase { tokens: start..head + 1, head, core_end: head + 1, owner, is_joined: false })
}

/// A noun phrase with what "of" adds.
pub fn with_of(sentence: &Sentence, start: usize) -> Option<NounPhrase> {
    let mut phrase = base(sentence, start)?;
    while sentence.get(phrase.tokens.end).is_some_and(|token| token.is("of")) {
        let Some(inner) = joined(sentence, phrase.tokens.end + 1, Place::AfterOf) else { break };
        phrase.tokens.end = inner.tokens.end;
    }
    Some(phrase)
}

/// Where a noun phrase stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Before the verb.
    Subject,
    /// After it.
    Object,
    /// After "of".
    AfterOf,
}

/// A noun phrase with coordination: "the fox, the crow and the owl".
pub fn joined(sentence: &Sentence, start: usize, place: Place) -> Option<NounPhrase> {
    let first = with_of(sentence, start)?;
    let mut end = first.tokens.end;
    let mut whole = first.clone();
    loop {
        let comma = sentence.is_mark(end, ",");
        let conjunction_at = if comma { end + 1 } else { end };
        let conjunction = sentence.get(conjunction_at).filter(|token| token.is_any(&["and", "or"]));
        let next = match (comma, conjunction) {
            (_, Some(_)) => conjunction_at + 1,
            (true, None) => end + 1,
            (false, None) => break,
        };
        // "talked to their wives, and the wives to the window"
        let is_pair = comma && conjunction.is_some() && end == first.tokens.end;
        let Some(other) = with_of(sentence, next) else { break };
        if is_pair && sentence.get(other.tokens.end).is_some_and(|token| matches!(token.tag, Tag::Prep | Tag::To)) {
            break;
        }
        if other.is_pronoun(sentence) && place != Place::Subject {
            break;
        }
        // After "and", a new clause may begin.
        if place != Place::Subject && begins_verb(sentence, other.tokens.end) {
            break;
        }
        end = other.tokens.end;
        if conjunction.is_some() {
            whole.tokens.end = end;
            whole.is_joined = true;
            break;
        }
        if place == Place::AfterOf {
            break;
        }
    }
    Some(whole)
}

/// The token after adverbs, but not particles: "out came a mouse".
pub fn after_adverbs(sentence: &Sentence, at: usize) -> usize {
    let particles = ["out", "down", "up", "in", "here", "there", "away", "off", "back", "on", "over"];
    let is_adverb = |at: &usize| {
        let token = sentence.get(*at);
        token.is_some_and(|token| matches!(token.tag, Tag::Adv | Tag::Neg) && !token.is_any(&particles))
    };
    (at..).find(|at| !is_adverb(at)).unwrap_or(at)
}

/// Whether a finite verb, possibly after adverbs, begins at a token.
pub fn begins_verb(sentence: &Sentence, at: usize) -> bool {
    let at = after_adverbs(sentence, at);
    sentence.get(at).is_some_and(|token| token.tag.is_finite())
}
