//! Questions about times, places and causes.

use std::ops::Range;

use super::Asker;
use super::animacy::{Animacy, animacy};
use super::prepositions::belongs_to_verb;
use crate::lexicon::LEXICON;
use crate::parse::{Clause, Phrase, PhraseKind};
use crate::question::{Reason, Rule};
use crate::tag::Tag;

/// Verbs with a place after "in" or "at".
const AT_PLACES: [&str; 24] = [
    "bear",
    "locate",
    "find",
    "live",
    "die",
    "build",
    "hold",
    "open",
    "begin",
    "situate",
    "base",
    "settle",
    "found",
    "bury",
    "establish",
    "reside",
    "study",
    "teach",
    "work",
    "arrive",
    "land",
    "grow",
    "raise",
    "be",
];
/// Prepositions of places.
const PLACES: [&str; 20] = [
    "in", "at", "on", "near", "under", "beside", "behind", "above", "below", "outside", "inside", "within", "through",
    "into", "to", "by", "beneath", "around", "over", "along",
];
/// Verbs of motion, after which "to" is a place.
const MOTION: [&str; 24] = [
    "go", "come", "run", "fly", "walk", "travel", "return", "move", "flee", "sail", "march", "retreat", "creep",
    "climb", "ride", "carry", "take", "bring", "send", "emigrate", "drive", "wander", "hurry", "fall",
];

impl Asker<'_> {
    /// Whether a phrase tells a time.
    pub(super) fn is_time(&self, phrase: &Phrase) -> bool {
        let Some(noun) = &phrase.noun else { return false };
        // "a movement that began in the 1730s" is no time.
        let end = if phrase.kind == PhraseKind::Noun { noun.core_end } else { noun.tokens.end };
        let words = (noun.tokens.start..end).map(|at| self.token(at));
        let is_prepositional = phrase.kind == PhraseKind::Prepositional;
        let preposition = self.token(phrase.tokens.start);
        let prepositions = [
            "in", "on", "at", "during", "after", "before", "since", "until", "by", "from", "between", "for", "around",
            "within",
        ];
        if is_prepositional && !preposition.is_any(&prepositions) {
            return false;
        }
        let head = self.token(noun.head);
        let is_year = |text: &str| text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
        let is_decade = |text: &str| text.strip_suffix('s').is_some_and(is_year);
        let mut words = words;
        let is_period =
            head.is_any(&["war", "reign", "harvest", "era", "age", "moment", "period", "season", "renaissance"]);
        if !is_prepositional && is_period {
            return false;
        }
        let of_time = LEXICON.is_time(&head.lower)
            && !head.is_any(&["second", "may", "march", "fall", "time", "times", "spring"]);
        let names_date = words.any(|word| {
            is_year(&word.text) && (is_prepositional || phrase.kind == PhraseKind::Noun && word.tag != Tag::Num)
                || is_decade(&word.text)
        });
        // "in the middle of the night"
        let is_part =
            head.is_any(&["middle", "beginning", "end", "start", "course", "half", "part", "eve", "dead", "depth"])
                && noun
                    .tokens
                    .clone()
                    .any(|at| LEXICON.is_time(&self.token(at).lower) || is_year(&self.token(at).text));
        let is_month = |at: usize| self.token(at).tag == Tag::Name && LEXICON.is_time(&self.token(at).lower);
        // "The Sunday Times" is no time.
        let is_other = |at: usize| self.token(at).tag == Tag::Name && !is_month(at);
        let names_month = noun.tokens.clone().any(is_month) && !noun.tokens.clone().any(is_other);
        of_time || is_part || names_date || names_month
    }

    fn all_phrases(&self) -> Vec<Phrase> {
        self.clause().lead.iter().chain(&self.clause().phrases).cloned().collect()
    }

    pub(super) fn times(&mut self) {
        let phrases = self.all_phrases();
        let times: Vec<&Phrase> = phrases.iter().filter(|phrase| self.is_time(phrase)).collect();
        if times.len() > 1 {
            return self.leave_out(times[0].tokens.clone(), Some(Rule::Time), Reason::UnclearStructure);
        }
        for phrase in &phrases {
            let is_clause = phrase.kind == PhraseKind::Subordinate
                && times.is_empty()
                && self.token(phrase.tokens.start).is_any(&["when", "after", "before"])
                && !matches!(self.token(phrase.tokens.start + 1).tag, Tag::Pron | Tag::Ing | Tag::Part);
            if is_clause {
                let pieces = self.inverted("when", &[phrase.tokens.start]);
                self.add(Rule::Time, phrase.tokens.clone(), pieces, 2);
            }
        }
        let Some(phrase) = times.first() else { return };
        let noun = phrase.noun.clone().expect("a time has a noun phrase");
        let head = self.token(noun.head);
        let first = self.token(phrase.tokens.start);
        let words: Vec<&str> = phrase.tokens.clone().map(|at| self.token(at).lower.as_str()).collect();
        let is_repeated =
            words.iter().any(|word| ["every", "each", "all", "any", "same", "this", "that", "these"].contains(word));
        let is_unit =
            ["years", "months", "weeks", "days", "hours", "minutes", "centuries", "decades", "seconds", "year"];
        let has_number =
            noun.tokens.clone().any(|at| self.token(at).tag == Tag::Num || self.token(at).is_any(&["a", "an", "few"]));
        let without = [phrase.tokens.start];
        let is_prepositional = phrase.kind == PhraseKind::Prepositional;
        // "The siege lasted three months."
        let base = self.clause().verb.base(self.writer.sentence);
        if !is_prepositional && base == "last" && has_number && is_unit.contains(&head.lower.as_str()) {
            let pieces = self.inverted("how long", &without);
            return self.add(Rule::Duration, noun.tokens.clone(), pieces, 1);
        }
        if is_prepositional && first.is("for") {
            if is_unit.contains(&head.lower.as_str()) {
                let pieces = self.inverted("how long", &without);
                self.add(Rule::Duration, noun.tokens.clone(), pieces, 2);
            }
            return;
        }
        // "from May until October"
        let following = phrases.iter().find(|other| other.tokens.start == phrase.tokens.end);
        let is_range =
            following.is_some_and(|it| self.token(it.tokens.start).is_any(&["to", "until", "till", "through"]));
        // "on the evening before the wedding"
        let is_relative = following.is_some_and(|it| self.token(it.tokens.start).is_any(&["before", "after", "of"]));
        let is_half = first.is("between") && !phrase.tokens.clone().any(|at| self.token(at).is("and"));
        if first.is("from") || is_half || is_range || is_relative {
            return self.leave_out(phrase.tokens.clone(), Some(Rule::Time), Reason::UnclearStructure);
        }
        // "in three years", "two years", "ten miles a day"
        let is_rate = !is_prepositional && self.token(phrase.tokens.start).is_any(&["a", "an", "per"]);
        if is_repeated
            || is_rate
            || is_unit.contains(&head.lower.as_str()) && has_number && !noun.tokens.clone().any(|at| self.is_name(at))
        {
            return self.leave_out(phrase.tokens.clone(), Some(Rule::Time), Reason::NeedsContext);
        }
        // "When did it last?" does not ask for "until 1922".
        let question = match first.lower.as_str() {
            limit @ ("until" | "since") if is_prepositional => format!("{limit} when"),
            "by" | "within" if is_prepositional => {
                return self.leave_out(phrase.tokens.clone(), Some(Rule::Time), Reason::UnclearStructure);
            }
            _ => "when".into(),
        };
        let drops =
            question != "when" || is_prepositional && first.is_any(&["in", "on"]) && self.names_date(&noun.tokens);
        let answer = if drops { noun.tokens.clone() } else { phrase.tokens.clone() };
        let pieces = self.inverted(&question, &without);
        self.add(Rule::Time, answer, pieces, 2);
    }

    fn is_name(&self, at: usize) -> bool {
        self.token(at).tag == Tag::Name
    }

    /// Whether these tokens name a date or a century, so that the answer needs no preposition.
    fn names_date(&self, tokens: &Range<usize>) -> bool {
        tokens.clone().any(|at| {
            let token = self.token(at);
            matches!(token.tag, Tag::Name | Tag::Num)
                || token.is_any(&["century", "centuries"])
                || token.text.starts_with(|first: char| first.is_ascii_digit())
        })
    }

    pub(super) fn places(&mut self) {
        let phrases = self.all_phrases();
        let places: Vec<&Phrase> = phrases.iter().filter(|phrase| self.is_place(phrase)).collect();
        let [phrase] = places[..] else { return };
        let noun = phrase.noun.clone().expect("a place has a noun phrase");
        // "under the river between the two cities"
        let following = phrases.iter().find(|other| other.tokens.start == phrase.tokens.end);
        let is_open = following.is_some_and(|it| {
            let goes_on = !self.token(it.tokens.start).is_any(&["for", "by", "as"]);
            it.kind == PhraseKind::Prepositional && goes_on && !self.is_time(it)
        });
        if is_open {
            return self.leave_out(phrase.tokens.clone(), Some(Rule::Place), Reason::UnclearStructure);
        }
        let preposition = self.token(phrase.tokens.start);
        let drops = preposition.is_any(&["in", "at"]) && self.is_name(noun.head);
        let answer = if drops { noun.tokens.clone() } else { phrase.tokens.clone() };
        let pieces = self.inverted("where", &[phrase.tokens.start]);
        self.add(Rule::Place, answer, pieces, 2);
    }

    /// Whether a prepositional phrase tells a place, with enough certainty that it belongs to the verb.
    fn is_place(&self, phrase: &Phrase) -> bool {
        let Some(noun) = &phrase.noun else { return false };
        let preposition = self.token(phrase.tokens.start);
        if phrase.kind != PhraseKind::Prepositional || !preposition.is_any(&PLACES) || self.is_time(phrase) {
            return false;
        }
        let base = self.clause().verb.base(self.writer.sentence);
        let is_agent = self.clause().verb.is_passive && preposition.is("by");
        let is_company = preposition.is("along") && self.token(phrase.tokens.start + 1).is("with");
        if is_agent || is_company || belongs_to_verb(&base, &preposition.lower) {
            return false;
        }
        let head = self.token(noun.head);
        let in_or_at = preposition.is_any(&["in", "at"]);
        if preposition.is_any(&["to", "into", "through"]) && !MOTION.contains(&base.as_str()) {
            return false;
        }
        // "in front of the mill" tells a place, "in the middle of a war" does not.
        if noun.tokens.end > noun.core_end && !LEXICON.is_place(&head.lower) {
            return false;
        }
        let known = LEXICON.is_place(&head.lower)
            && !head.is_any(&["place", "second", "court", "branch", "fold", "well", "bank"]);
        let bank = head.is_any(&["bank", "branch", "well"]) && !in_or_at
            || head.is("well") && preposition.is_any(&["in", "into"]);
        let named = head.tag == Tag::Name
            && in_or_at
            && !LEXICON.is_nationality(&head.lower)
            && animacy(self.writer.sentence, noun) != Animacy::Person
            && AT_PLACES.contains(&base.as_str());
        if !(known || bank || named) {
            return false;
        }
        // After an object, "in" may belong to it, unless its place is a name or the phrase leads.
        let is_complement = ["be", "become"].contains(&base.as_str());
        let leads = phrase.tokens.end <= self.clause().subject.tokens.start;
        let before = self.clause().phrases.iter().take_while(|it| it.tokens.start < phrase.tokens.start).last();
        let after_verb =
            before.is_none_or(|before| before.kind != PhraseKind::Noun && before.kind != PhraseKind::Prepositional);
        leads && !is_complement
            || after_verb
            || before.is_some_and(|before| before.kind == PhraseKind::Noun) && !is_complement
    }

    pub(super) fn causes(&mut self, next: Option<&Clause>) {
        for phrase in self.all_phrases() {
            let first = phrase.tokens.start;
            let is_purpose = phrase.kind == PhraseKind::Infinitive && first < self.clause().subject.tokens.start;
            if phrase.kind == PhraseKind::Cause || is_purpose {
                let pieces = self.inverted("why", &[first]);
                self.add(Rule::Cause, phrase.tokens.clone(), pieces, 2);
            }
        }
        // "He went away, for he had seen the dogs."
        let Some(next) = next else { return };
        let start = next.subject.tokens.start;
        let is_cause = start >= 2 && self.token(start - 1).is("for") && self.token(start - 1).tag == Tag::Conj;
        if is_cause {
            let end = next.phrases.last().map_or(next.verb.tokens.end, |last| last.tokens.end);
            let pieces = self.inverted("why", &[]);
            self.add(Rule::Cause, start..end, pieces, 2);
        }
    }
}
