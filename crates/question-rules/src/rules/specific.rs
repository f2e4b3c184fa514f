//! Noun phrases that a reader understands only with the text: "the city".

use std::ops::Range;

use super::word_lists::{KINDS, THINGS, UNIQUE};
use crate::lexicon::LEXICON;
use crate::parse::{Sentence, noun_phrase};
use crate::tag::Tag;

/// A noun phrase with "the" but without a name or a number.
pub struct Definite {
    /// Whether it is only "the" and a noun.
    pub is_bare: bool,
}

/// The noun phrase with "the" that begins at a token of a part which ends at `end`; `None` if it is understood without the
/// text: a name, the only one of its kind, or "the first".
pub fn definite(sentence: &Sentence, at: usize, end: usize) -> Option<Definite> {
    let first = sentence.get(at)?;
    if !first.is_any(&["the", "both"]) || first.tag != Tag::Det {
        return None;
    }
    let noun = noun_phrase(sentence, at)?;
    let tokens = &sentence.tokens[at..noun.tokens.end.min(end)];
    let is_named = |tokens: Range<usize>| {
        sentence.tokens[tokens].iter().any(|token| {
            let is_superlative = token.tag == Tag::Adj && (token.lower.ends_with("est") || is_ordinal(&token.lower));
            let is_name = matches!(token.tag, Tag::Name) || LEXICON.is_nationality(&token.lower);
            is_name || is_superlative || token.is("most") || token.text.starts_with(|it: char| it.is_ascii_digit())
        })
    };
    let head = &sentence.tokens[noun.head];
    // "the Act"
    let known = LEXICON.known(&head.lower).unwrap_or_default();
    let is_kind =
        KINDS.contains(&head.lower) || THINGS.contains(&head.lower) || known.iter().any(|it| it.0 == Tag::Noun);
    let has_more = sentence.get(noun.tokens.end).is_some_and(|next| next.is("of"));
    if head.tag == Tag::Name && tokens.len() == 2 && is_kind && !has_more {
        return Some(Definite { is_bare: true });
    }
    let is_time = LEXICON.is_time(&head.lower);
    if is_named(at..noun.tokens.end.min(end)) || UNIQUE.contains(&head.lower) || is_time {
        return None;
    }
    // "the export of sugar", "the men who came"
    let next = sentence.get(noun.tokens.end).filter(|_| noun.tokens.end < end);
    let is_described = next.is_some_and(|next| {
        matches!(next.tag, Tag::Part | Tag::Ing | Tag::Wh | Tag::Sub) || next.is_any(&["of", "between"])
    });
    let after = noun.tokens.end.min(end);
    if is_described && is_named(after..(after + 6).min(end)) {
        return None;
    }
    Some(Definite { is_bare: tokens.len() == 2 && !is_described })
}

fn is_ordinal(word: &str) -> bool {
    let ordinals = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"];
    ordinals.contains(&word)
}
