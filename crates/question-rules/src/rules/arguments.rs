//! Questions about the subject, the object and what belongs to the verb.

use std::ops::Range;

use super::Asker;
use super::animacy::{Animacy, animacy, is_acting_body, is_animate, is_personal, kind_of_name};
use super::prepositions::belongs_to_verb;
use super::reference::can_own;
use super::word_lists::{ACTION_ENDINGS, EVENTS, MOVING, UNIQUE};
use super::wording::Piece;
use crate::lexicon::LEXICON;
use crate::parse::{NounPhrase, Phrase, PhraseKind, noun_phrase};
use crate::question::{Reason, Rule};
use crate::tag::Tag;

/// Verbs that have no object.
const WITHOUT_OBJECT: [&str; 19] = [
    "become", "remain", "seem", "come", "go", "lie", "sit", "stand", "fall", "arrive", "die", "sleep", "live", "look",
    "talk", "appear", "happen", "walk", "let",
];

/// Verbs that mean little without their object.
const LIGHT: [&str; 6] = ["take", "make", "have", "give", "do", "get"];

/// Verbs that say what something is called, in the passive: "was named Victoria".
const NAMING: [&str; 8] = ["name", "call", "elect", "appoint", "declare", "consider", "title", "rename"];

impl Asker<'_> {
    /// The question word for a noun phrase; none for pronouns.
    pub(super) fn question_word(&self, noun: &NounPhrase, person: &str) -> Result<String, Reason> {
        if noun.is_pronoun(self.writer.sentence) {
            return Err(Reason::UnknownReference);
        }
        let head = self.token(noun.head);
        if head.tag == Tag::Num || head.is_any(&["second", "third", "first", "rest", "percent"]) {
            return Err(Reason::NeedsContext);
        }
        if let Some(kind) = kind_of_name(self.writer.sentence, noun) {
            return Ok(format!("which {kind}"));
        }
        match animacy(self.writer.sentence, noun) {
            Animacy::Person => Ok(person.into()),
            Animacy::Thing => Ok("what".into()),
            Animacy::Unknown => Err(Reason::UnknownAnimacy),
        }
    }

    pub(super) fn subject(&mut self) {
        let subject = self.clause().subject.clone();
        let pieces = self.subject_pieces(&subject);
        self.add(Rule::Subject, subject.tokens, pieces, 2);
    }

    fn subject_pieces(&self, subject: &NounPhrase) -> Result<Vec<Piece>, Reason> {
        let sentence = self.writer.sentence;
        let clause = self.clause();
        let base = clause.verb.base(sentence);
        if self.token(subject.tokens.start).tag == Tag::Poss {
            return Err(Reason::NeedsContext);
        }
        if clause.verb.is_copula(sentence) && clause.phrases.first().is_none_or(|first| self.is_general(first)) {
            return Err(Reason::TooGeneral);
        }
        let is_class =
            self.token(subject.head).is_any(&["example", "examples", "type", "types", "kind", "kinds", "form"]);
        if base == "include" && subject.is_plural(sentence) {
            return Err(Reason::TooGeneral);
        }
        if is_class && ["be", "include"].contains(&base.as_str()) {
            return Err(Reason::TooGeneral);
        }
        if clause.verb.is_copula(sentence) && subject.is_plural(sentence) {
            return Err(Reason::UnclearStructure);
        }
        let is_active = !clause.verb.is_passive;
        let word = match self.question_word(subject, "who") {
            Err(Reason::UnknownAnimacy) if is_active && is_personal(&base) => "who".into(),
            // "The lapwing left her nest." "The committee elected a speaker."
            Ok(word) if word == "what" => {
                let is_body = is_active && is_acting_body(sentence, subject, &base);
                let is_person = is_active && is_animate(&base) || self.owns_as_person(subject) || is_body;
                if is_person { "who".into() } else { word }
            }
            word => word?,
        };
        // "What was founded in 2009?" does not ask for "the club".
        let is_bare = subject.tokens.len() == 2 && self.token(subject.tokens.start).is("the");
        let is_unique = UNIQUE.contains(&self.token(subject.head).lower) || self.token(subject.head).tag == Tag::Name;
        if word == "what" && is_bare && !is_unique {
            return Err(Reason::NeedsContext);
        }
        let mut pieces = vec![Piece::Words(word)];
        pieces.extend(self.writer.singular_verb());
        pieces.extend(self.rest(&[]));
        Ok(pieces)
    }

    /// Whether the subject has something with "his" or "her".
    fn owns_as_person(&self, subject: &NounPhrase) -> bool {
        let object = self.clause().phrases.first().filter(|phrase| phrase.kind == PhraseKind::Noun);
        let owners = object.into_iter().flat_map(|phrase| phrase.tokens.clone()).map(|at| self.token(at));
        let mut personal = owners.filter(|token| token.tag == Tag::Poss && token.is_any(&["his", "her"]));
        personal.any(|token| can_own(self.writer.sentence, subject, &token.lower))
    }

    /// Whether a phrase after "be" describes many things: "a city", "important".
    fn is_general(&self, phrase: &Phrase) -> bool {
        match phrase.kind {
            PhraseKind::Noun => {
                let first = self.token(phrase.tokens.start);
                // "is its first bridge": "its" would refer to the answer.
                if first.tag == Tag::Poss {
                    return true;
                }
                !(first.is("the") || first.tag == Tag::Name || first.tag == Tag::Poss)
            }
            PhraseKind::Prepositional => {
                !self.token(phrase.tokens.start).is_any(&["in", "at", "on", "under", "near", "behind"])
            }
            PhraseKind::Infinitive | PhraseKind::Content => true,
            PhraseKind::Gerund => false,
            _ => phrase.tokens.len() < 2,
        }
    }

    pub(super) fn complement(&mut self) {
        let clause = self.clause().clone();
        let sentence = self.writer.sentence;
        let base = clause.verb.base(sentence);
        let is_naming = clause.verb.is_passive && NAMING.contains(&base.as_str());
        if !(clause.verb.is_copula(sentence) || base == "become" || is_naming) {
            return;
        }
        let Some(first) = clause.phrases.first().filter(|it| it.kind == PhraseKind::Noun && !self.is_time(it)) else {
            return;
        };
        let is_attached = |it: &&Phrase| {
            let is_agent = clause.verb.is_passive && self.token(it.tokens.start).is("by");
            it.kind == PhraseKind::Prepositional && !self.is_time(it) && !is_agent
        };
        let following = clause.phrases[1..].iter().take_while(is_attached);
        let attached: Vec<&Phrase> = following.collect();
        let end = attached.last().map_or(first.tokens.end, |last| last.tokens.end);
        let mut without: Vec<usize> = attached.iter().map(|phrase| phrase.tokens.start).collect();
        without.push(first.tokens.start);
        // The answer would be cut off: "a body consisting of an upper body, the State Senate, …"
        let after = |phrase: &&Phrase| phrase.tokens.start == end || phrase.tokens.start == end + 1;
        let is_continued = clause.phrases.iter().filter(after).any(|phrase| {
            use PhraseKind::*;
            let is_list = phrase.kind == Apposition && clause.subject.is_plural(sentence);
            is_list || matches!(phrase.kind, Infinitive | Gerund | Content) && phrase.tokens.start == end
        });
        let has_verb = (first.tokens.start..end).any(|at| self.token(at).tag.is_verb());
        let is_perfect = clause.verb.auxiliary.is_some_and(|at| self.token(at).is_any(&["has", "have", "had"]));
        let is_duration = self.token(first.tokens.start).tag == Tag::Num
            && (first.tokens.start..end).any(|at| LEXICON.is_time(&self.token(at).lower));
        let is_list = self.writer.sentence.is_mark(end, ";") && clause.subject.is_plural(sentence);
        let is_cut = is_duration
            || is_list
            || is_continued
            || is_perfect && base == "be"
            || has_verb && self.writer.sentence.is_mark(end, ",");
        // "9,000 feet high", "8 feet apart"
        let is_measure = clause.phrases.iter().any(|phrase| {
            let is_number = self.token(first.tokens.start).tag == Tag::Num;
            let kind = phrase.kind;
            phrase.tokens.start == end && (kind == PhraseKind::Adjective || kind == PhraseKind::Adverb && is_number)
        });
        // "less fragile": an adjective in no list
        let is_compared = self.token(first.tokens.start).is_any(&["less", "more", "as", "so", "too"]);
        if is_cut || is_measure || is_compared {
            return self.leave_out(first.tokens.clone(), Some(Rule::Complement), Reason::UnclearStructure);
        }
        let pieces = self.complement_word(&clause.subject, first).and_then(|word| {
            // What comes after an answer with its prepositions is not about the subject.
            self.inverted(word, &without)
        });
        self.add(Rule::Complement, first.tokens.start..end, pieces, 1);
    }

    /// A description after "be" that was not recognised as a whole: "Oslo is a city that …".
    pub(super) fn opaque_complement(&mut self) {
        let clause = self.clause().clone();
        let sentence = self.writer.sentence;
        let is_name = self.token(clause.subject.head).tag == Tag::Name;
        let Some(first) = clause.phrases.first().filter(|_| clause.verb.is_copula(sentence) && is_name) else { return };
        let noun = noun_phrase(sentence, first.tokens.start).filter(|noun| self.token(noun.head).tag == Tag::Noun);
        let has_article = self.token(first.tokens.start).is_any(&["a", "an", "the"]);
        let Some(noun) = noun.filter(|noun| has_article && noun.tokens.end < first.tokens.end) else { return };
        let (start, answer) = (first.tokens.start, first.tokens.clone());
        let described = Phrase { kind: PhraseKind::Noun, tokens: answer.clone(), noun: Some(noun) };
        let word = self.complement_word(&clause.subject, &described);
        let pieces = word.and_then(|word| self.inverted(word, &[start]));
        self.add(Rule::Complement, answer, pieces, 1);
    }

    fn complement_word(&self, subject: &NounPhrase, complement: &Phrase) -> Result<&'static str, Reason> {
        let sentence = self.writer.sentence;
        if self.clause().verb.is_passive || self.clause().verb.base(sentence) == "become" {
            return Ok("what");
        }
        let is_person = complement.noun.as_ref().is_some_and(|noun| animacy(sentence, noun) == Animacy::Person);
        if subject.is_pronoun(sentence) {
            return Err(Reason::UnknownReference);
        }
        let is_direction = complement.noun.as_ref().is_some_and(|noun| {
            self.token(noun.head).is_any(&["north", "south", "east", "west"])
                && !self.token(noun.tokens.start).is("the")
        });
        let head = self.token(subject.head);
        if is_direction || head.tag == Tag::Num || head.is("percent") {
            return Err(Reason::UnclearStructure);
        }
        let is_name = self.token(subject.head).tag == Tag::Name;
        match animacy(sentence, subject) {
            Animacy::Person if is_person && (is_name || self.is_definite_name(complement)) => Ok("who"),
            Animacy::Person => Err(Reason::TooGeneral),
            // "the city"
            Animacy::Thing if subject.tokens.len() == 2 && self.token(subject.tokens.start).is("the") && !is_name => {
                Err(Reason::TooGeneral)
            }
            Animacy::Thing => Ok("what"),
            Animacy::Unknown if is_person => Ok("who"),
            Animacy::Unknown if complement.noun.is_some() => Ok("what"),
            Animacy::Unknown => Err(Reason::UnknownAnimacy),
        }
    }

    fn is_definite_name(&self, phrase: &Phrase) -> bool {
        phrase.noun.as_ref().is_some_and(|noun| self.token(noun.head).tag == Tag::Name)
    }

    pub(super) fn object(&mut self) {
        let sentence = self.writer.sentence;
        let verb = &self.clause().verb;
        let base = verb.base(sentence);
        if verb.is_copula(sentence) || verb.is_passive || WITHOUT_OBJECT.contains(&base.as_str()) {
            return;
        }
        let Some((phrase, noun)) = self.object_phrase() else { return };
        let (start, noun) = (phrase.tokens.start, noun.clone());
        let includes_people = base == "include" && self.clause().subject.is_plural(sentence);
        if base == "have" || includes_people {
            return self.leave_out(noun.tokens, Some(Rule::Object), Reason::TooGeneral);
        }
        // "take place", "make use"
        if noun.tokens.len() == 1 && LIGHT.contains(&base.as_str()) && self.token(start).tag == Tag::Noun {
            return self.leave_out(noun.tokens, Some(Rule::Object), Reason::TooGeneral);
        }
        let (answer, attached) = self.with_attached(start, &noun);
        let after = self.clause().phrases.iter().find(|it| it.tokens.start >= answer.end);
        let is_complex = after.is_some_and(|after| {
            use PhraseKind::*;
            matches!(after.kind, Adjective | Gerund | Noun) && !self.is_time(after)
                || after.kind == Infinitive && ["make", "let", "find", "have", "use"].contains(&base.as_str())
        });
        // "include killer cells; helper cells; and others"
        let is_list =
            sentence.is_mark(answer.end, ";") && ["include", "comprise", "involve", "contain"].contains(&base.as_str());
        let is_complex = is_complex || is_list || self.is_loose(&answer, &base);
        let pieces = if is_complex {
            Err(Reason::UnclearStructure)
        } else {
            let mut without = attached;
            without.push(start);
            let word = self.question_word(&noun, "whom");
            word.and_then(|word| self.inverted(&word, &without))
        };
        self.add(Rule::Object, answer, pieces, 2);
    }

    /// Whether a prepositional phrase follows an object that may belong to it or to the verb: "a rise in prices".
    pub(super) fn is_loose(&self, object: &Range<usize>, base: &str) -> bool {
        let next = self.clause().phrases.iter().find(|it| it.tokens.start == object.end);
        let Some(next) = next.filter(|it| it.kind == PhraseKind::Prepositional && !self.is_time(it)) else {
            return false;
        };
        let preposition = self.token(next.tokens.start);
        let is_place = next.noun.as_ref().is_some_and(|noun| {
            let head = self.token(noun.head);
            LEXICON.is_place(&head.lower) || head.tag == Tag::Name
        });
        let is_moved = preposition.is_any(&["to", "into", "from", "through"]) && MOVING.contains(base);
        let is_event = next.noun.as_ref().is_some_and(|noun| EVENTS.contains(&self.token(noun.head).lower));
        let is_of_verb = belongs_to_verb(base, &preposition.lower)
            || preposition.is_any(&["after", "before", "since", "until", "about"])
            || preposition.is_any(&["in", "at"]) && is_event
            || is_moved
            || preposition.is_any(&["in", "at", "near", "under", "during"]) && is_place
            || preposition.is("on")
                && is_place
                && next.noun.as_ref().is_none_or(|it| self.token(it.head).tag != Tag::Name);
        !is_of_verb
    }

    /// A noun phrase with the prepositional phrases after it that belong to it, and where these begin.
    pub(super) fn with_attached(&self, start: usize, noun: &NounPhrase) -> (Range<usize>, Vec<usize>) {
        let head = &self.token(noun.head).lower;
        let is_action = ACTION_ENDINGS.has_end_of(head);
        let mut end = noun.tokens.end;
        let mut attached = Vec::new();
        for phrase in self.clause().phrases.iter().filter(|phrase| phrase.tokens.start > start) {
            let preposition = self.token(phrase.tokens.start);
            let always = preposition.is_any(&["between", "about", "against", "among", "of", "than"]);
            let belongs = always || is_action && preposition.is_any(&["for", "from", "to", "with", "on", "in"]);
            if phrase.kind != PhraseKind::Prepositional
                || phrase.tokens.start != end
                || !belongs
                || self.is_time(phrase)
            {
                break;
            }
            end = phrase.tokens.end;
            attached.push(phrase.tokens.start);
        }
        (start..end, attached)
    }
}
