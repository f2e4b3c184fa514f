//! How far parts reach whose structure is not needed.

use super::Sentence;
use super::noun_phrase::{Place, base, begins_verb, joined};
use crate::question::Reason;
use crate::tag::Tag;

/// The end of a part whose structure is kept as it is: at most one clause, up to a mark or a conjunction before a verb.
pub fn opaque(sentence: &Sentence, start: usize) -> Result<usize, Reason> {
    let mut at = start;
    while !sentence.is_end(at) {
        let token = &sentence.tokens[at];
        if token.tag == Tag::Mark {
            let tag = |at: usize| sentence.get(at).map(|token| token.tag);
            let of_adjectives = at > start
                && tag(at + 1) == Some(Tag::Adj)
                && (tag(at - 1) == Some(Tag::Adj) || sentence.tokens[at - 1].text.contains('-'));
            if token.text == "," && !of_adjectives && !is_list(sentence, at) {
                break;
            }
            if token.text != "," {
                return Err(Reason::UnclearStructure);
            }
        }
        let of_numbers = at > start && sentence.tokens[at - 1].tag == Tag::Num;
        if token.tag == Tag::Conj && !of_numbers {
            let begins_clause = base(sentence, at + 1).is_some_and(|noun| begins_verb(sentence, noun.tokens.end));
            if begins_verb(sentence, at + 1) || begins_clause {
                break;
            }
        }
        at += 1;
    }
    if at == start { Err(Reason::UnclearStructure) } else { Ok(at) }
}

/// Whether the comma is within a list that ends with "and" and a noun phrase.
fn is_list(sentence: &Sentence, comma: usize) -> bool {
    let before = (0..comma).rev().find_map(|start| base(sentence, start).filter(|noun| noun.tokens.end == comma));
    let Some(start) = before.map(|noun| noun.tokens.start) else { return false };
    joined(sentence, start, Place::Object).is_some_and(|noun| noun.tokens.end > comma)
}

/// Whether "and" with a noun phrase follows a later comma or noun phrase.
pub fn is_listed(sentence: &Sentence, start: usize) -> bool {
    let end = (start..).find(|&at| sentence.is_end(at)).unwrap_or(start);
    (start..end).any(|at| sentence.tokens[at].tag == Tag::Conj && base(sentence, at + 1).is_some())
}
