//! How a predicate goes on after a comma or a conjunction.

use super::extent::{is_listed, opaque};
use super::noun_phrase::{NounPhrase, Place, after_adverbs, base, begins_verb, joined};
use super::predicate::{CAUSES, Predicate, can_be_participle, phrase, prepositional};
use super::{Phrase, PhraseKind, Sentence};
use crate::question::Reason;
use crate::tag::Tag;

/// What follows a comma: where the clause continues, or `None` if it ends.
pub fn after_comma(sentence: &Sentence, comma: usize, found: &mut Predicate) -> Result<Option<usize>, Reason> {
    let at = comma + 1;
    let Some(token) = sentence.get(at) else { return Ok(None) };
    // "the diagnosis, monitoring or treatment"
    if token.tag == Tag::Ing && sentence.get(at + 1).is_some_and(|next| next.tag == Tag::Conj) {
        return Err(Reason::UnclearStructure);
    }
    match token.tag {
        Tag::Conj => {
            if begins_verb(sentence, at + 1) {
                found.next = Some((at + 1, true));
                return Ok(None);
            }
            found.next = Some((at + 1, false));
            Ok(None)
        }
        // "killed two hens, ate one, and carried the other away"
        tag if tag.is_finite() => {
            // "a plan, called …": a participle, or another verb of the subject.
            if !can_be_participle(sentence, at) {
                found.next = Some((at, true));
            }
            found.cut_off += 1;
            Ok(None)
        }
        Tag::Wh if token.is_any(&["who", "which"]) => {
            // After "a marmot with a quick heart", either could be meant.
            let is_clear = |last: &&Phrase| last.kind == PhraseKind::Noun || found.phrases.len() == 1;
            let last = found.phrases.last().filter(is_clear).and_then(|last| last.noun.clone());
            let is_part =
                |noun: &NounPhrase| sentence.tokens[noun.head].is_any(&["part", "kind", "type", "form", "member"]);
            if let Some(noun) = last.filter(|noun| !is_part(noun) && noun.tokens.end == noun.core_end) {
                found.relatives.push((noun, at + 1));
            }
            found.cut_off += 1;
            let end = opaque(sentence, at + 1)?;
            found.skipped_to = Some(end);
            Ok(Some(end))
        }
        Tag::Prep if token.is_any(&["including", "like", "with", "except", "unlike", "for", "of", "plus"]) => {
            found.cut_off += 1;
            opaque(sentence, at + 1).map(Some)
        }
        Tag::Prep if token.is("along") && sentence.get(at + 1).is_some_and(|next| next.is("with")) => {
            found.cut_off += 1;
            opaque(sentence, at + 2).map(Some)
        }
        Tag::Adj if token.is("such") => {
            found.cut_off += 1;
            opaque(sentence, at + 1).map(Some)
        }
        Tag::Prep => {
            let (kind, end, noun) = prepositional(sentence, at)?;
            found.phrases.push(Phrase { kind, tokens: at..end, noun });
            Ok(Some(end))
        }
        Tag::Sub => {
            let kind = if token.is_any(&CAUSES) { PhraseKind::Cause } else { PhraseKind::Subordinate };
            let end = opaque(sentence, at + 1)?;
            found.phrases.push(Phrase { kind, tokens: at..end, noun: None });
            Ok(Some(end))
        }
        Tag::Adv if token.is("so") && sentence.get(at + 1).is_some_and(|next| next.is("that")) => {
            found.cut_off += 1;
            opaque(sentence, at + 2).map(Some)
        }
        Tag::Adv => {
            found.cut_off += 1;
            // ", notably the thyroid": an addition to the phrase before.
            let next = after_adverbs(sentence, at);
            let adds = base(sentence, next).is_some_and(|noun| !begins_verb(sentence, noun.tokens.end));
            let adds = adds || sentence.get(next).is_some_and(|next| matches!(next.tag, Tag::Ing | Tag::Part));
            if adds { opaque(sentence, at + 1).map(Some) } else { Ok(Some(at + 1)) }
        }
        Tag::Ing | Tag::Part | Tag::To | Tag::Wh | Tag::Adj => {
            found.cut_off += 1;
            opaque(sentence, at + 1).map(Some)
        }
        _ => {
            let Some(noun) = base(sentence, at) else { return Err(Reason::UnclearStructure) };
            // ", a process called lipogenesis" is no clause.
            if begins_verb(sentence, noun.tokens.end) && !can_be_participle(sentence, noun.tokens.end) {
                found.next = Some((at, false));
                return Ok(None);
            }
            // "paintings, masks and old …"
            let next = noun.tokens.end + usize::from(sentence.is_mark(noun.tokens.end, ","));
            if sentence.get(next).is_some_and(|token| token.is_any(&["and", "or"])) {
                return Err(Reason::UnclearStructure);
            }
            let noun = joined(sentence, at, Place::Object).ok_or(Reason::UnclearStructure)?;
            // A list that continues after another phrase.
            if noun.is_joined
                || sentence.get(noun.tokens.end).is_some_and(|token| token.text == ",") && is_listed(sentence, at)
            {
                return Err(Reason::UnclearStructure);
            }
            let end = opaque(sentence, noun.tokens.end.max(at + 1)).unwrap_or(noun.tokens.end);
            found.phrases.push(Phrase { kind: PhraseKind::Apposition, tokens: at..end, noun: Some(noun) });
            found.skipped_to = Some(end);
            found.cut_off += 1;
            Ok(Some(end))
        }
    }
}

/// What follows a conjunction without comma: a phrase that joins the one before, after which the clause continues, or
/// `None` if it ends.
pub fn after_conjunction(
    sentence: &Sentence,
    conjunction: usize,
    found: &mut Predicate,
) -> Result<Option<usize>, Reason> {
    let at = conjunction + 1;
    // The verb may belong to a relative clause that was skipped.
    if found.skipped_to == Some(conjunction) {
        return Ok(None);
    }
    if begins_verb(sentence, at) {
        // The verb may as well belong to a clause within the last phrase.
        let last = found.phrases.last().map_or(0..0, |last| last.tokens.clone());
        // "local responsiveness and increased participation"
        let verb = after_adverbs(sentence, at);
        let is_after_year = found.phrases.last().is_some_and(|last| {
            let is_prepositional = last.kind == PhraseKind::Prepositional;
            is_prepositional && sentence.tokens[conjunction - 1].tag == Tag::Num && last.tokens.len() == 2
        });
        let modifies = !is_after_year
            && can_be_participle(sentence, at)
            && sentence.get(verb + 1).is_some_and(|next| matches!(next.tag, Tag::Noun | Tag::Nouns | Tag::Adj));
        if modifies || last.clone().any(|at| sentence.tokens[at].tag.is_finite()) {
            return Err(Reason::UnclearStructure);
        }
        found.next = Some((at, true));
        return Ok(None);
    }
    if let Some(noun) = base(sentence, at).filter(|noun| begins_verb(sentence, noun.tokens.end)) {
        // "programs and experiences designed to help"
        let is_bare = matches!(sentence.tokens[at].tag, Tag::Noun | Tag::Nouns | Tag::Adj);
        if is_bare && can_be_participle(sentence, noun.tokens.end) {
            return Err(Reason::UnclearStructure);
        }
        found.next = Some((at, false));
        return Ok(None);
    }
    let (kind, end, _) = phrase(sentence, at)?;
    match found.phrases.last_mut() {
        // The two are one phrase that no rule asks about.
        Some(last) if last.kind == kind => {
            last.tokens.end = end;
            last.noun = None;
            Ok(Some(end))
        }
        _ => Err(Reason::UnclearStructure),
    }
}
