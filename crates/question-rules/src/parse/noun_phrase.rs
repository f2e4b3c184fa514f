//! Noun phrases, with "of", owners and coordination.

use std::ops::Range;

use super::Sentence;
use crate::lexicon::LEXICON;
use crate::tag::Tag;
use crate::token::Token;

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

/// Words that are a noun phrase before "of".
const QUANTITIES: [&str; 7] = ["most", "many", "some", "all", "several", "few", "half"];

/// The noun phrase that begins at a token, without "of" and coordination.
pub fn base(sentence: &Sentence, start: usize) -> Option<NounPhrase> {
    use Tag::*;
    let tag = |at: usize| sentence.get(at).map(|token| token.tag);
    let single = |head| NounPhrase { tokens: start..head + 1, head, core_end: head + 1, owner: None, is_joined: false };
    let is_quantity = sentence.tokens.get(start)?.is_any(&QUANTITIES);
    if tag(start)? == Pron || is_quantity && sentence.get(start + 1).is_some_and(|next| next.is("of")) {
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
            // "In 1340 Rotterdam was …"
            Name | Det if at == start + 1 && tag(start) == Some(Num) && is_year_after_preposition(sentence, start) => {
                break;
            }
            Noun | Nouns | Name => head = Some(at),
            // "computer programming"
            Ing if head.is_some_and(|head| head + 1 == at)
                && tag(at - 1) == Some(Noun)
                && tag(at + 1).is_none_or(|next| next == Mark || next.is_finite())
                && (at - 1 == start && start > 0 && tag(start - 1) == Some(Prep)) =>
            {
                head = Some(at);
            }
            // "the Far East ten years later"
            Num if head.is_some_and(|head| tag(head) != Some(Num)) && matches!(tag(at + 1), Some(Noun | Nouns)) => {
                break;
            }
            Num if head.is_none_or(|head| head + 1 == at) => head = Some(at),
            Mark if head.is_some_and(|head| head + 1 == at) && continues_name(sentence, at) => {
                at += 1;
                head = Some(at);
            }
            Adj if head.is_none_or(|head| head + 1 == at && matches!(tag(at + 1), Some(Noun | Nouns | Name))) => {}
            // An adverb of an adjective or a number: "very old", "about two".
            Adv if head.is_none() && matches!(tag(at + 1), Some(Adj | Num | Part)) && !is_particle(sentence, at) => {}
            Adv if head.is_none()
                && at == start
                && matches!(tag(at + 1), Some(Det))
                && sentence.tokens[at].is("only") => {}
            // A participle before a noun: "a broken window".
            Part | Ing if head.is_none() && at > start && matches!(tag(at + 1), Some(Noun | Nouns | Name | Adj)) => {}
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

/// Whether a token is a year after "in" and the like.
fn is_year_after_preposition(sentence: &Sentence, at: usize) -> bool {
    let text = &sentence.tokens[at].text;
    let is_year = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    let before = at.checked_sub(1).and_then(|at| sentence.get(at));
    is_year && before.is_some_and(|it| it.is_any(&["in", "by", "since", "until", "from", "during", "after", "before"]))
}

/// Whether a comma is within a date or the name of a place: "April 14, 2009", "Boston, Massachusetts".
fn continues_name(sentence: &Sentence, comma: usize) -> bool {
    let (Some(before), Some(next)) = (sentence.get(comma - 1), sentence.get(comma + 1)) else { return false };
    if !sentence.is_mark(comma, ",") {
        return false;
    }
    let is_year = next.text.len() == 4 && next.text.bytes().all(|byte| byte.is_ascii_digit());
    let is_month = |token: &Token| token.tag == Tag::Name && LEXICON.is_time(&token.lower);
    let earlier = comma.checked_sub(2).and_then(|at| sentence.get(at));
    let is_date = is_month(before) || before.tag == Tag::Num && earlier.is_some_and(is_month);
    if is_year {
        return is_date;
    }
    let following = sentence.get(comma + 2);
    let both = following.map(|following| format!("{} {}", next.lower, following.lower));
    let kind = both.and_then(|both| LEXICON.kind_of_place(&both)).or_else(|| LEXICON.kind_of_place(&next.lower));
    let is_region = matches!(kind, Some("state" | "country" | "province"));
    let is_listed = following.is_some_and(|following| following.tag == Tag::Conj)
        || (comma + 2..comma + 4).any(|at| {
            sentence.is_mark(at, ",") && sentence.get(at + 1).is_some_and(|it| matches!(it.tag, Tag::Conj | Tag::Name))
        });
    let is_place = LEXICON.kind_of_place(&before.lower).is_none_or(|kind| kind == "city");
    before.tag == Tag::Name && next.tag == Tag::Name && is_region && is_place && !is_listed
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
        // After "and", a new clause may begin, but not in "the Department of Housing and Urban Development has …".
        let is_name = |noun: &NounPhrase| sentence.tokens[noun.head].tag == Tag::Name;
        let is_one_name = place == Place::AfterOf && !comma && is_name(&first) && is_name(&other);
        if place != Place::Subject && !is_one_name && begins_verb(sentence, other.tokens.end) {
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

/// Whether an adverb is a particle: "make up", "out came a mouse".
fn is_particle(sentence: &Sentence, at: usize) -> bool {
    let particles = ["out", "down", "up", "in", "here", "there", "away", "off", "back", "on"];
    sentence.get(at).is_some_and(|token| token.is_any(&particles))
}

/// The token after adverbs, but not particles.
pub fn after_adverbs(sentence: &Sentence, at: usize) -> usize {
    let is_adverb = |at: &usize| {
        let token = sentence.get(*at);
        token.is_some_and(|token| matches!(token.tag, Tag::Adv | Tag::Neg) && !token.is("over"))
            && !is_particle(sentence, *at)
    };
    (at..).find(|at| !is_adverb(at)).unwrap_or(at)
}

/// Whether a finite verb, possibly after adverbs, begins at a token.
pub fn begins_verb(sentence: &Sentence, at: usize) -> bool {
    let at = after_adverbs(sentence, at);
    sentence.get(at).is_some_and(|token| token.tag.is_finite())
}
