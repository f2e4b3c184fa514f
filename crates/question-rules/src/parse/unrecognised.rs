//! A predicate that is not recognised, for questions that keep it as it is.

use super::extent::is_listed;
use super::noun_phrase::begins_verb;
use super::predicate::{Predicate, is_reduced};
use super::{Phrase, PhraseKind, Sentence};
use crate::tag::Tag;

/// The most tokens of a predicate that is not recognised.
const MAX_OPAQUE: usize = 16;

/// What follows a verb as one phrase, for questions that keep it as it is. It ends with the clause, or else where a comma
/// begins something that can be left out. `None` if another clause or a misread verb may be in it.
pub fn unrecognised(sentence: &Sentence, start: usize) -> Option<Predicate> {
    let whole = (start..).find(|&at| sentence.is_end(at))?;
    // A colon or a dash begins a part of what is before it.
    let mark = sentence.get(whole)?;
    if !mark.is_any(&[".", "!", ";"]) {
        return None;
    }
    let begins_addition = |at: usize| {
        let Some(next) = sentence.get(at + 1) else { return false };
        let adds = matches!(next.tag, Tag::Wh | Tag::Ing | Tag::Part | Tag::Sub)
            || next.is_any(&["including", "such", "with", "but", "although", "while"]);
        sentence.is_mark(at, ",") && adds && !is_listed(sentence, at + 1)
    };
    let end = (start + 3..whole).find(|&at| begins_addition(at)).unwrap_or(whole);
    if end < start + 3 || end > start + MAX_OPAQUE {
        return None;
    }
    // Each finite verb needs a word that begins its clause.
    let mut clauses = 0;
    for (at, token) in sentence.tokens.iter().enumerate().take(end).skip(start) {
        match token.tag {
            // "took the timber and built a cabin"
            Tag::Conj if begins_verb(sentence, at + 1) => clauses += 1,
            Tag::Sub if token.is_any(&["as", "than"]) => {}
            Tag::Wh | Tag::Sub => clauses += 1,
            Tag::Mark if token.text != "," => return None,
            Tag::Past if is_reduced(sentence, at) => {}
            tag if tag.is_finite() && clauses == 0 => return None,
            tag if tag.is_finite() => clauses -= 1,
            _ => {}
        }
    }
    let phrases = vec![Phrase { kind: PhraseKind::Content, tokens: start..end, noun: None }];
    let cut_off = usize::from(end < whole);
    Some(Predicate { phrases, end, cut_off, relatives: Vec::new(), skipped_to: None, next: None })
}
