//! Questions about numbers and owners.

use std::ops::Range;

use super::Asker;
use super::animacy::{Animacy, animacy};
use super::word_lists::QUANTITIES;
use super::wording::Piece;
use crate::lexicon::LEXICON;
use crate::morphology::singular;
use crate::parse::{NounPhrase, Phrase, PhraseKind};
use crate::question::{Reason, Rule};
use crate::tag::Tag;

/// Adjectives after a measure: "300 metres long".
const MEASURED: [&str; 9] = ["long", "tall", "high", "wide", "deep", "old", "thick", "heavy", "large"];
/// Verbs, in their base form, with an amount of money.
const PAYING: [&str; 10] = ["cost", "pay", "earn", "spend", "raise", "receive", "donate", "lose", "invest", "charge"];
/// Currencies.
const MONEY: [&str; 6] = ["dollar", "euro", "pound", "franc", "mark", "shilling"];

impl Asker<'_> {
    /// "How long is the river?" and "How much did the bridge cost?"
    pub(super) fn measures(&mut self) {
        let clause = self.clause().clone();
        let sentence = self.writer.sentence;
        let Some(first) = clause.phrases.first() else { return };
        let Some(noun) = first.noun.clone().filter(|_| first.kind == PhraseKind::Noun) else { return };
        if !noun.tokens.clone().any(|at| self.token(at).tag == Tag::Num) {
            return;
        }
        let start = first.tokens.start;
        let pieces = if clause.verb.is_copula(sentence) {
            let is_adjective =
                |it: &&Phrase| matches!(it.kind, PhraseKind::Adjective | PhraseKind::Adverb) && it.tokens.len() == 1;
            let Some(second) = clause.phrases.get(1).filter(is_adjective) else { return };
            let adjective = self.token(second.tokens.start);
            if !adjective.is_any(&MEASURED) {
                return;
            }
            self.inverted(&format!("how {}", adjective.lower), &[start, second.tokens.start])
        } else {
            let money = |at: usize| {
                let token = self.token(at);
                token.text.starts_with(['$', '£', '€']) || MONEY.contains(&singular(&token.lower).as_str())
            };
            if !PAYING.contains(&clause.verb.base(sentence).as_str()) || !noun.tokens.clone().any(money) {
                return;
            }
            self.inverted("how much", &[start])
        };
        self.add(Rule::Number, noun.tokens, pieces, 1);
    }

    /// "The city has a population of 20,000": "What is the population of the city?"
    pub(super) fn quantities(&mut self) {
        let clause = self.clause().clone();
        if clause.verb.base(self.writer.sentence) != "have" || clause.verb.tokens.len() != 1 {
            return;
        }
        let Some((phrase, noun)) = self.object_phrase() else { return };
        let (start, noun) = (phrase.tokens.start, noun.clone());
        let of = noun.core_end;
        let is_quantity = QUANTITIES.contains(&self.token(noun.head).lower) && noun.head == start + 1;
        if !is_quantity
            || !self.token(start).is_any(&["a", "an"])
            || of + 1 >= noun.tokens.end
            || !self.token(of).is("of")
        {
            return;
        }
        let Some(number) = (of + 1..noun.tokens.end).find(|&at| self.token(at).tag == Tag::Num) else { return };
        let be = if self.token(clause.verb.main).is("had") { "was" } else { "is" };
        let quantity = &self.token(noun.head).lower;
        let mut pieces = vec![Piece::Words(format!("what {be} the {quantity} of"))];
        pieces.push(Piece::Tokens(clause.subject.tokens.clone()));
        pieces.extend(self.rest(&[start]));
        self.add(Rule::Number, number..noun.tokens.end, Ok(pieces), 2);
    }

    pub(super) fn numbers(&mut self) {
        let subject = self.clause().subject.clone();
        if let Some((number, words)) = self.counted(&subject) {
            let mut pieces = vec![Piece::Words(words), Piece::Tokens(number.end..subject.tokens.end)];
            pieces.push(Piece::Tokens(self.clause().verb.tokens.clone()));
            pieces.extend(self.rest(&[]));
            self.add(Rule::Number, number, Ok(pieces), 2);
        }
        let Some((phrase, noun)) = self.object_phrase() else { return };
        // "3,000 metres high"
        if self.clause().verb.is_copula(self.writer.sentence) {
            return;
        }
        let (start, noun) = (phrase.tokens.start, noun.clone());
        if let Some((number, words)) = self.counted(&noun) {
            let pieces = self.writer.inverted().map(|(auxiliary, verb)| {
                let mut pieces = vec![Piece::Words(words), Piece::Tokens(number.end..noun.tokens.end)];
                pieces.push(Piece::Words(auxiliary));
                pieces.push(Piece::Tokens(self.clause().subject.tokens.clone()));
                pieces.extend(verb);
                pieces.extend(self.rest(&[start]));
                pieces
            });
            self.add(Rule::Number, number, pieces, 2);
        }
    }

    /// The number at the beginning of a noun phrase, and the question words for it.
    fn counted(&self, noun: &NounPhrase) -> Option<(Range<usize>, String)> {
        let is_number = |at: &usize| self.token(*at).tag != Tag::Adv;
        let start = noun.tokens.clone().find(is_number)?;
        let end = (start..noun.tokens.end).find(|&at| self.token(at).tag != Tag::Num)?;
        if end == start || noun.is_joined {
            return None;
        }
        let first = self.token(start);
        let is_percentage = first.text.ends_with('%') || self.token(end).is_any(&["percent"]);
        if is_percentage {
            let of = if first.text.ends_with('%') { end } else { end + 1 };
            let is_share = self.writer.sentence.get(of).is_some_and(|token| token.is("of"));
            return (is_share && of < noun.tokens.end).then(|| (start..of, "what percentage".into()));
        }
        let head = self.token(noun.head);
        let is_counted = noun.head >= end && head.tag == Tag::Nouns && !LEXICON.is_time(&head.lower);
        let is_money = first.text.starts_with(['$', '£', '€']);
        let is_money = is_money || MONEY.contains(&singular(&head.lower).as_str());
        (is_counted && !is_money && !first.is("one")).then(|| (start..end, "how many".into()))
    }

    pub(super) fn owners(&mut self) {
        let subject = self.clause().subject.clone();
        if let Some(owner) = subject.owner.clone() {
            let mut pieces = vec![Piece::Words("whose".into()), Piece::Tokens(owner.end + 1..subject.tokens.end)];
            pieces.push(Piece::Tokens(self.clause().verb.tokens.clone()));
            pieces.extend(self.rest(&[]));
            let pieces = self.owner_is_person(&owner).map(|()| pieces);
            self.add(Rule::Possessor, owner, pieces, 2);
        }
        let verb = &self.clause().verb;
        if verb.is_passive || verb.is_copula(self.writer.sentence) {
            return;
        }
        let Some((phrase, noun)) = self.object_phrase() else { return };
        let (start, noun) = (phrase.tokens.start, noun.clone());
        let Some(owner) = noun.owner.clone().filter(|_| !noun.is_joined) else { return };
        let pieces = self.owner_is_person(&owner).and_then(|()| self.writer.inverted()).map(|(auxiliary, verb)| {
            let mut pieces = vec![Piece::Words("whose".into()), Piece::Tokens(owner.end + 1..noun.tokens.end)];
            pieces.push(Piece::Words(auxiliary));
            pieces.push(Piece::Tokens(self.clause().subject.tokens.clone()));
            pieces.extend(verb);
            pieces.extend(self.rest(&[start]));
            pieces
        });
        self.add(Rule::Possessor, owner, pieces, 2);
    }

    fn owner_is_person(&self, owner: &Range<usize>) -> Result<(), Reason> {
        // "women's football", "the club's women's team"
        let is_general = owner.len() == 1 && self.token(owner.start).tag == Tag::Nouns;
        if is_general || owner.clone().any(|at| self.token(at).tag == Tag::Owner) {
            return Err(Reason::UnclearStructure);
        }
        let head = owner.end - 1;
        let noun = NounPhrase { tokens: owner.clone(), head, core_end: owner.end, owner: None, is_joined: false };
        match animacy(self.writer.sentence, &noun) {
            Animacy::Person => Ok(()),
            _ => Err(Reason::UnknownAnimacy),
        }
    }
}
