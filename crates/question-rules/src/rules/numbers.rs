//! Questions about numbers and owners.

use std::ops::Range;

use super::Asker;
use super::animacy::{Animacy, animacy};
use super::wording::Piece;
use crate::lexicon::LEXICON;
use crate::parse::NounPhrase;
use crate::question::{Reason, Rule};
use crate::tag::Tag;

impl Asker<'_> {
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
        let head = owner.end - 1;
        let noun = NounPhrase { tokens: owner.clone(), head, core_end: owner.end, owner: None, is_joined: false };
        match animacy(self.writer.sentence, &noun) {
            Animacy::Person => Ok(()),
            _ => Err(Reason::UnknownAnimacy),
        }
    }
}
