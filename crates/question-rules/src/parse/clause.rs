//! The clauses of a sentence: leading phrases, the subject, the verb and what follows.

use super::noun_phrase::{NounPhrase, Place, after_adverbs, base, begins_verb, joined};
use super::predicate::{can_be_participle, predicate, prepositional};
use super::unrecognised::unrecognised;
use super::verb_group::verb_group;
use super::{Clause, Phrase, PhraseKind, Sentence};
use crate::lexicon::LEXICON;
use crate::question::Reason;
use crate::tag::Tag;
use crate::token::Token;

/// Adverbs before a verb.
const OF_VERBS: [&str; 8] = ["also", "often", "always", "still", "now", "soon", "then", "sometimes"];
/// A sentence has no more clauses than this; it bounds the time.
const MAX_CLAUSES: usize = 8;

/// The clauses that are certain, and why there are no more.
pub fn parse(sentence: &Sentence) -> (Vec<Clause>, Option<Reason>) {
    let mut clauses = Vec::new();
    let mut next = Some((0, None));
    let mut failure = None;
    while let Some((start, subject)) = next.take() {
        if clauses.len() >= MAX_CLAUSES {
            break;
        }
        match clause(sentence, start, subject, !clauses.is_empty(), &mut clauses) {
            Ok(following) => next = following,
            Err(reason) => failure = Some(reason),
        }
    }
    (clauses, failure)
}

/// Where the next clause begins, with its subject if it is the same.
type Following = Option<(usize, Option<NounPhrase>)>;

/// Adds the clause that begins at a token, and relative clauses within it.
fn clause(
    sentence: &Sentence,
    start: usize,
    given: Option<NounPhrase>,
    is_later: bool,
    clauses: &mut Vec<Clause>,
) -> Result<Following, Reason> {
    let mut at = start;
    let mut lead = Vec::new();
    let mut cut_off = 0;
    let mut relatives = Vec::new();
    let mut apposition = None;
    let subject = match given {
        Some(subject) => subject,
        None => {
            at = leading(sentence, at, &mut lead, &mut cut_off)?;
            if sentence.get(at).is_some_and(|token| token.tag == Tag::There) {
                return Err(Reason::UnclearStructure);
            }
            let mut subject = joined(sentence, at, Place::Subject).ok_or(Reason::UnclearStructure)?;
            at = after_subject(sentence, &mut subject, &mut cut_off, &mut relatives, &mut apposition)?;
            subject
        }
    };
    let verb = verb_group(sentence, at).ok_or(Reason::UnclearStructure)?;
    let recognised = predicate(sentence, verb.tokens.end);
    let is_opaque = recognised.is_err();
    let mut rest = match recognised {
        Ok(rest) => rest,
        Err(reason) => unrecognised(sentence, verb.tokens.end).ok_or(reason)?,
    };
    if let Some(apposition) = apposition {
        rest.phrases.insert(0, apposition);
    }
    relatives.append(&mut rest.relatives);
    cut_off += rest.cut_off;
    // "is written and printed": the second verb shares the auxiliary.
    if verb.auxiliary.is_some() {
        rest.next = rest.next.filter(|&(next, is_same)| !is_same || !can_be_participle(sentence, next));
    }
    let clause = Clause { lead, subject: subject.clone(), verb, phrases: rest.phrases, is_later, cut_off, is_opaque };
    clauses.push(clause);
    for (noun, start) in relatives {
        if let Ok(verb) = verb_group(sentence, start).ok_or(())
            && let Ok(rest) = predicate(sentence, verb.tokens.end)
        {
            let phrases = rest.phrases;
            let (lead, is_later, cut_off) = (Vec::new(), true, 1);
            clauses.push(Clause { lead, subject: noun, verb, phrases, is_later, cut_off, is_opaque: false });
        }
    }
    Ok(rest.next.map(|(next, is_same)| (next, is_same.then_some(subject))))
}

/// Skips conjunctions, and collects the phrases before the subject; returns where the subject begins.
fn leading(sentence: &Sentence, start: usize, lead: &mut Vec<Phrase>, cut_off: &mut usize) -> Result<usize, Reason> {
    let mut at = start;
    loop {
        let Some(token) = sentence.get(at) else { return Err(Reason::UnclearStructure) };
        let after_comma = |end: usize| if sentence.is_mark(end, ",") { end + 1 } else { end };
        match token.tag {
            Tag::Mark if token.text == "," => at += 1,
            Tag::Conj => at += 1,
            Tag::Adv if token.lower.ends_with("ly") || joined(sentence, at, Place::Subject).is_none() => {
                if !token.is_any(&["then", "so", "thus", "also", "now", "however", "therefore"]) {
                    *cut_off += 1;
                }
                at += 1;
            }
            Tag::Prep => {
                let (kind, end, noun) = prepositional(sentence, at)?;
                if end == at + 1 || begins_verb(sentence, end) {
                    return Err(Reason::UnclearStructure);
                }
                // "In 1990, 1991 and 1992" or another phrase may belong to it: only a comma or a subject may follow.
                let follows = after_comma(end);
                lead.push(Phrase { kind, tokens: at..end, noun });
                at = follows;
            }
            // "Due to the drought, …"
            _ if is_cause(sentence, at) => {
                let noun = joined(sentence, at + 2, Place::Object).ok_or(Reason::UnclearStructure)?;
                let end = noun.tokens.end;
                if !sentence.is_mark(end, ",") {
                    return Err(Reason::UnclearStructure);
                }
                lead.push(Phrase { kind: PhraseKind::Cause, tokens: at..end, noun: Some(noun) });
                at = end + 1;
            }
            // "As of 2012, …"
            Tag::Sub if token.is("as") && sentence.get(at + 1).is_some_and(|of| of.is("of")) => {
                let (kind, end, noun) = prepositional(sentence, at + 1)?;
                lead.push(Phrase { kind, tokens: at..end, noun });
                at = after_comma(end);
            }
            // Without its condition, the question would be misleading.
            Tag::Sub if token.is_any(&["if", "unless"]) => return Err(Reason::UnclearStructure),
            Tag::Sub | Tag::To | Tag::Ing | Tag::Part => {
                let comma = (at..sentence.tokens.len()).find(|&comma| {
                    let is_subject = joined(sentence, comma + 1, Place::Subject)
                        .is_some_and(|noun| begins_verb(sentence, noun.tokens.end));
                    sentence.is_mark(comma, ",") && is_subject
                });
                let Some(comma) = comma else { return Err(Reason::UnclearStructure) };
                if (at..comma).any(|at| sentence.is_end(at)) {
                    return Err(Reason::UnclearStructure);
                }
                let kind = match token.tag {
                    Tag::To => PhraseKind::Infinitive,
                    Tag::Sub if token.is("because") => PhraseKind::Cause,
                    Tag::Sub => PhraseKind::Subordinate,
                    _ => PhraseKind::Gerund,
                };
                *cut_off += 1;
                lead.push(Phrase { kind, tokens: at..comma, noun: None });
                at = comma + 1;
            }
            _ => {
                // "One night the fox …", "Every day, …"
                let Some(noun) = base(sentence, at) else { return Ok(at) };
                let end = noun.tokens.end;
                let is_time = LEXICON.is_time(&sentence.tokens[noun.head].lower);
                let subject = after_comma(end);
                let another = base(sentence, subject).is_some_and(|other| other.tokens.start == subject);
                if !is_time || begins_verb(sentence, end) || !another {
                    return Ok(at);
                }
                lead.push(Phrase { kind: PhraseKind::Noun, tokens: at..end, noun: Some(noun) });
                at = subject;
            }
        }
    }
}

/// Whether "due to" or "because of" begins at a token.
fn is_cause(sentence: &Sentence, at: usize) -> bool {
    let is = |at: usize, word| sentence.get(at).is_some_and(|token| token.is(word));
    is(at, "due") && is(at + 1, "to") || is(at, "because") && is(at + 1, "of")
}

/// Extends the subject by what belongs to it; returns where its verb begins.
fn after_subject(
    sentence: &Sentence,
    subject: &mut NounPhrase,
    cut_off: &mut usize,
    relatives: &mut Vec<(NounPhrase, usize)>,
    apposition: &mut Option<Phrase>,
) -> Result<usize, Reason> {
    let mut at = subject.tokens.end;
    while !begins_verb(sentence, at) || is_reduced_relative(sentence, at) {
        let Some(token) = sentence.get(at) else { return Err(Reason::UnclearStructure) };
        let next = sentence.get(at + 1);
        match token.tag {
            // "the union itself"
            Tag::Pron if token.lower.contains("sel") => at += 1,
            // "Republican thinking on defence" is no reduced relative clause.
            Tag::Ing if at == subject.tokens.end && subject.tokens.len() == 1 => return Err(Reason::UnclearStructure),
            Tag::Prep => {
                let (_, end, noun) = prepositional(sentence, at)?;
                if noun.is_none() {
                    return Err(Reason::UnclearStructure);
                }
                (at, subject.tokens.end) = (end, end);
            }
            Tag::Mark if token.text == "," => {
                let Some(next) = next else { return Err(Reason::UnclearStructure) };
                let close = closing_comma(sentence, at + 1).ok_or(Reason::UnclearStructure)?;
                if next.tag == Tag::Wh && next.is_any(&["who", "which"]) {
                    relatives.push((subject.clone(), at + 2));
                } else if let Some(noun) = joined(sentence, at + 1, Place::Object) {
                    let tokens = at + 1..close;
                    *apposition = Some(Phrase { kind: PhraseKind::Apposition, tokens, noun: Some(noun) });
                }
                *cut_off += 1;
                at = close + 1;
                if !begins_verb(sentence, at) {
                    return Err(Reason::UnclearStructure);
                }
                return Ok(at);
            }
            // "the hens on the other side that were fat", "the men called settlers"
            Tag::Wh | Tag::Part | Tag::Ing | Tag::Past if !token.is("what") => {
                let mut verb = at + 1;
                let is_relative = token.tag == Tag::Wh;
                if is_relative {
                    let Some(group) = verb_group(sentence, verb) else { return Err(Reason::UnclearStructure) };
                    verb = group.tokens.end;
                }
                while !begins_verb(sentence, verb) {
                    let is_open = !sentence.is_end(verb) && sentence.get(verb).is_some_and(|it| it.tag != Tag::Mark);
                    if !is_open {
                        return Err(Reason::UnclearStructure);
                    }
                    verb += 1;
                }
                // Adverbs of the verb; others may belong to the relative clause.
                let is_of_verb = |token: &Token| {
                    token.tag == Tag::Neg
                        || token.tag == Tag::Adv && (token.lower.ends_with("ly") || token.is_any(&OF_VERBS))
                };
                while verb > at && is_of_verb(&sentence.tokens[verb - 1]) {
                    verb -= 1;
                }
                (at, subject.tokens.end) = (verb, verb);
            }
            _ => return Err(Reason::UnclearStructure),
        }
    }
    Ok(at)
}

/// Whether a verb that could be a past tense is a participle after its noun: another finite verb follows in the clause.
fn is_reduced_relative(sentence: &Sentence, at: usize) -> bool {
    let next = sentence.get(after_adverbs(sentence, at) + 1);
    let is_followed = next.is_some_and(|next| {
        matches!(next.tag, Tag::Prep | Tag::To | Tag::Adv) || next.tag.is_finite() || next.tag == Tag::Name
    });
    if sentence.get(at).is_none() || !is_followed || !can_be_participle(sentence, at) {
        return false;
    }
    for token in &sentence.tokens[after_adverbs(sentence, at) + 1..] {
        match token.tag {
            Tag::Mark | Tag::Conj | Tag::Sub | Tag::Wh | Tag::To => return false,
            Tag::Prep if token.is_any(&["before", "after", "since", "until"]) => return false,
            tag if tag.is_finite() => return true,
            _ => {}
        }
    }
    false
}

/// The comma that ends an insertion: the first one before a verb.
fn closing_comma(sentence: &Sentence, start: usize) -> Option<usize> {
    let end = (start..sentence.tokens.len()).find(|&at| sentence.is_end(at))?;
    (start..end).find(|&at| sentence.is_mark(at, ",") && begins_verb(sentence, at + 1))
}
