//! What follows the verb of a clause.

use super::continuation::{after_comma, after_conjunction};
use super::extent::opaque;
use super::noun_phrase::{NounPhrase, Place, after_adverbs, base, begins_verb, joined};
use super::verb_group::base_form;
use super::{Phrase, PhraseKind, Sentence};
use crate::lexicon::LEXICON;
use crate::question::Reason;
use crate::tag::Tag;

/// The phrases after a verb, where they end, and what follows.
#[derive(Clone)]
pub struct Predicate {
    /// In their order.
    pub phrases: Vec<Phrase>,
    /// The first token after them.
    pub end: usize,
    /// Phrases and clauses that were skipped.
    pub cut_off: usize,
    /// A relative clause that begins after a comma: the noun phrase that it belongs to, and the token after the pronoun.
    pub relatives: Vec<(NounPhrase, usize)>,
    /// Where the last relative clause or apposition that was skipped ends.
    pub skipped_to: Option<usize>,
    /// Where the next clause begins, and whether it has the same subject.
    pub next: Option<(usize, bool)>,
}

/// Words that begin a clause of cause.
pub const CAUSES: [&str; 1] = ["because"];

/// Noun phrases that are adverbs.
const ADVERBIAL: [&str; 14] = [
    "home",
    "a little",
    "a little while",
    "a bit",
    "a while",
    "a long time",
    "a long way",
    "a good deal",
    "a great deal",
    "a lot",
    "all day",
    "all night",
    "the most",
    "very well",
];

/// The phrases from a token to the end of the clause, or to a comma after which it is not recognised.
pub fn predicate(sentence: &Sentence, start: usize) -> Result<Predicate, Reason> {
    let mut found =
        Predicate { phrases: Vec::new(), end: start, cut_off: 0, relatives: Vec::new(), skipped_to: None, next: None };
    let mut at = start;
    // What was found before the last comma that does not separate parts of a list.
    let mut before_comma = None;
    while !sentence.is_end(at) {
        if sentence.is_mark(at, ",") && !found.phrases.is_empty() && !continues_list(sentence, at) {
            before_comma = Some(Predicate { end: at, cut_off: found.cut_off + 1, ..found.clone() });
        }
        match step(sentence, at, &mut found) {
            Ok(Some(end)) => at = end,
            Ok(None) => break,
            Err(reason) => return before_comma.ok_or(reason),
        }
    }
    found.end = at;
    if found.next.is_none() && sentence.is_mark(at, ";") {
        found.next = Some((at + 1, false));
    }
    Ok(found)
}

/// Whether a list may go on after a comma.
fn continues_list(sentence: &Sentence, comma: usize) -> bool {
    let Some(next) = sentence.get(comma + 1) else { return false };
    let end = base(sentence, comma + 1).map_or(comma + 2, |noun| noun.tokens.end);
    let is_part = !matches!(next.tag, Tag::Wh | Tag::Sub | Tag::Prep);
    is_part && (sentence.is_mark(end, ",") || sentence.get(end).is_some_and(|it| it.tag == Tag::Conj))
}

/// Adds the phrase that begins at a token; returns where it ends, or `None` if the clause ends here.
fn step(sentence: &Sentence, at: usize, found: &mut Predicate) -> Result<Option<usize>, Reason> {
    let token = &sentence.tokens[at];
    if token.is("including") {
        found.cut_off += 1;
        return opaque(sentence, at + 1).map(Some);
    }
    match token.tag {
        Tag::Mark if token.text == "," => return after_comma(sentence, at, found),
        Tag::Mark => return Err(Reason::UnclearStructure),
        Tag::Conj => return after_conjunction(sentence, at, found),
        _ => {}
    }
    let (kind, end, noun) = phrase(sentence, at)?;
    if kind == PhraseKind::Apposition {
        // A reduced or restrictive relative clause belongs to the noun phrase before it.
        let last = found.phrases.last_mut().ok_or(Reason::UnclearStructure)?;
        let noun = last.noun.as_mut().ok_or(Reason::UnclearStructure)?;
        noun.tokens.end = end;
        last.tokens.end = end;
    } else {
        found.phrases.push(Phrase { kind, tokens: at..end, noun });
    }
    Ok(Some(end))
}

/// A phrase: its kind, its end and its noun phrase.
pub type Found = (PhraseKind, usize, Option<NounPhrase>);

/// The phrase that begins at a token.
pub fn phrase(sentence: &Sentence, at: usize) -> Result<Found, Reason> {
    let token = &sentence.tokens[at];
    let tag = |at: usize| sentence.get(at).map(|token| token.tag);
    if token.is_any(&CAUSES) && sentence.get(at + 1).is_some_and(|next| next.is("of")) {
        let noun = joined(sentence, at + 2, Place::Object).ok_or(Reason::UnclearStructure)?;
        return Ok((PhraseKind::Cause, noun.tokens.end, Some(noun)));
    }
    if token.is("due") && sentence.get(at + 1).is_some_and(|next| next.is("to")) {
        let noun = joined(sentence, at + 2, Place::Object).ok_or(Reason::UnclearStructure)?;
        return Ok((PhraseKind::Cause, noun.tokens.end, Some(noun)));
    }
    match token.tag {
        Tag::Prep
            if token.is_any(&["before", "after", "since", "until"])
                && joined(sentence, at + 1, Place::Subject)
                    .is_some_and(|noun| begins_verb(sentence, noun.tokens.end)) =>
        {
            Ok((PhraseKind::Subordinate, opaque(sentence, at + 1)?, None))
        }
        Tag::Prep => prepositional(sentence, at),
        Tag::To => Ok((PhraseKind::Infinitive, opaque(sentence, at + 1)?, None)),
        Tag::Ing | Tag::Part if base(sentence, at).is_none() || !is_modifier(sentence, at) => {
            let after_noun = at > 0 && tag(at - 1).is_some_and(|tag| tag.is_noun() || tag == Tag::Num);
            let kind = if after_noun { PhraseKind::Apposition } else { PhraseKind::Gerund };
            Ok((kind, opaque(sentence, at + 1)?, None))
        }
        // "long before the war"
        Tag::Adv if sentence.get(at + 1).is_some_and(|next| next.is_any(&["before", "after"])) => {
            phrase(sentence, at + 1)
        }
        Tag::Adv if token.is("so") && sentence.get(at + 1).is_some_and(|next| next.is("that")) => {
            Ok((PhraseKind::Subordinate, opaque(sentence, at + 2)?, None))
        }
        Tag::Adv if base(sentence, at).is_none() => Ok((PhraseKind::Adverb, at + 1, None)),
        Tag::Neg => Err(Reason::Negation),
        // "the chain that he holds"; but "told the fox that he was old"
        Tag::Sub if token.is("that") && at > 0 && sentence.tokens[at - 1].tag.is_noun() && !tells(sentence, at) => {
            Ok((PhraseKind::Apposition, opaque(sentence, at + 1)?, None))
        }
        Tag::Sub if token.is("that") => {
            let end = opaque(sentence, at + 1)?;
            // "that Parliament, as the law says, decides"
            let has_verb = (at + 1..end).any(|at| sentence.tokens[at].tag.is_finite());
            if has_verb { Ok((PhraseKind::Content, end, None)) } else { Err(Reason::UnclearStructure) }
        }
        // "are designated as house officers"
        Tag::Sub
            if token.is("as")
                && at > 0
                && tag(at - 1) == Some(Tag::Part)
                && joined(sentence, at + 1, Place::Object)
                    .is_some_and(|noun| !begins_verb(sentence, noun.tokens.end)) =>
        {
            let noun = joined(sentence, at + 1, Place::Object).ok_or(Reason::UnclearStructure)?;
            Ok((PhraseKind::Prepositional, noun.tokens.end, Some(noun)))
        }
        Tag::Sub if token.is_any(&["than", "as"]) => Err(Reason::UnclearStructure),
        Tag::Sub => {
            let kind = if token.is_any(&CAUSES) { PhraseKind::Cause } else { PhraseKind::Subordinate };
            Ok((kind, opaque(sentence, at + 1)?, None))
        }
        Tag::Wh => {
            let after_noun = at > 0 && tag(at - 1).is_some_and(|tag| tag.is_noun() || tag == Tag::Num);
            let is_relative = after_noun && token.is_any(&["who", "which", "that", "whose", "whom", "where"]);
            let kind = if is_relative { PhraseKind::Apposition } else { PhraseKind::Content };
            Ok((kind, opaque(sentence, at + 1)?, None))
        }
        // "a network operated by …"
        Tag::Past if is_reduced(sentence, at) => Ok((PhraseKind::Apposition, opaque(sentence, at + 1)?, None)),
        tag if tag.is_finite() => Err(Reason::UnclearStructure),
        _ => {
            if let Some(noun) = joined(sentence, at, Place::Object) {
                if begins_verb(sentence, noun.tokens.end) {
                    // A clause without "that": "he said the fox was old".
                    let says = at > 0 && sentence.tokens[at - 1].tag.is_verb();
                    return if says {
                        Ok((PhraseKind::Content, opaque(sentence, at)?, None))
                    } else {
                        // A relative clause without pronoun: "the bread he had stolen".
                        Err(Reason::UnclearStructure)
                    };
                }
                let words: Vec<&str> = noun.tokens.clone().map(|at| sentence.tokens[at].lower.as_str()).collect();
                // "farther south"
                let is_direction = sentence.tokens[noun.head].is_any(&["north", "south", "east", "west"])
                    && !matches!(token.tag, Tag::Det | Tag::Poss);
                if is_direction || ADVERBIAL.contains(&words.join(" ").as_str()) {
                    return Ok((PhraseKind::Adverb, noun.tokens.end, None));
                }
                return Ok((PhraseKind::Noun, noun.tokens.end, Some(noun)));
            }
            if token.tag != Tag::Adj && token.tag != Tag::Adv {
                return Err(Reason::UnclearStructure);
            }
            let mut end = at;
            while matches!(tag(end), Some(Tag::Adj | Tag::Adv))
                || (matches!(tag(end), Some(Tag::Conj)) && tag(end + 1) == Some(Tag::Adj))
            {
                end += 1;
            }
            Ok((PhraseKind::Adjective, end, None))
        }
    }
}

/// Verbs with a person and a clause.
const TELLING: [&str; 12] = [
    "tell", "inform", "remind", "show", "convince", "persuade", "warn", "promise", "assure", "teach", "advise",
    "notify",
];

/// Whether the verb before a token is one that takes a person and a clause.
fn tells(sentence: &Sentence, at: usize) -> bool {
    let verb = (0..at).rev().find(|&at| sentence.tokens[at].tag.is_verb());
    verb.is_some_and(|verb| TELLING.contains(&base_form(sentence, verb).as_str()))
}

/// Whether a verb is rather a participle that belongs to the noun before it: "operated by", "built in".
pub fn is_reduced(sentence: &Sentence, at: usize) -> bool {
    let follows_noun = at > 0 && sentence.tokens[at - 1].tag.is_noun();
    let next = sentence.get(at + 1);
    let has_no_object =
        next.is_some_and(|next| next.is_any(&["by", "in", "at", "for", "from", "to", "with", "on", "as"]));
    follows_noun && has_no_object && can_be_participle(sentence, at)
}

/// Whether a participle stands before its noun.
fn is_modifier(sentence: &Sentence, at: usize) -> bool {
    sentence.get(at + 1).is_some_and(|next| next.tag.is_noun())
}

/// A preposition, or several, with its object.
pub fn prepositional(sentence: &Sentence, at: usize) -> Result<Found, Reason> {
    let mut object = at + 1;
    // "from under the bed", "such as", "according to"
    while sentence.get(object).is_some_and(|token| matches!(token.tag, Tag::Prep)) {
        object += 1;
    }
    let Some(next) = sentence.get(object) else { return Err(Reason::UnclearStructure) };
    if next.tag == Tag::To && sentence.tokens[at].is_any(&["according", "due", "prior"]) {
        object += 1;
    }
    if let Some(noun) = joined(sentence, object, Place::Object) {
        return Ok((PhraseKind::Prepositional, noun.tokens.end, Some(noun)));
    }
    match next.tag {
        Tag::Ing if sentence.is_end(object + 1) || sentence.is_mark(object + 1, ",") => {
            Ok((PhraseKind::Prepositional, object + 1, None))
        }
        Tag::Ing | Tag::Wh => Ok((PhraseKind::Prepositional, opaque(sentence, object + 1)?, None)),
        // A particle: "he gave it up".
        _ if sentence.tokens[at]
            .is_any(&["in", "on", "over", "by", "about", "across", "around", "through", "under", "off"]) =>
        {
            Ok((PhraseKind::Adverb, at + 1, None))
        }
        _ => Err(Reason::UnclearStructure),
    }
}

/// Whether a past tense could as well be a participle.
pub fn can_be_participle(sentence: &Sentence, at: usize) -> bool {
    let Some(token) = sentence.get(after_adverbs(sentence, at)) else { return false };
    let known = LEXICON.known(&token.lower);
    token.tag == Tag::Past
        && !token.is_any(&["had", "did", "was", "were"])
        && known.map_or(token.lower.ends_with("ed"), |known| known.iter().any(|choice| choice.0 == Tag::Part))
}
