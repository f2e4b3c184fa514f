//! Questions about agents and appositions.

use super::Asker;
use super::animacy::{Animacy, animacy, is_acting_body};
use super::wording::Piece;
use crate::lexicon::LEXICON;
use crate::parse::{Phrase, PhraseKind};
use crate::question::{Reason, Rule};
use crate::tag::Tag;

impl Asker<'_> {
    pub(super) fn agent(&mut self) {
        if !self.clause().verb.is_passive {
            return;
        }
        let phrases = self.clause().phrases.clone();
        let is_agent =
            |phrase: &&Phrase| phrase.kind == PhraseKind::Prepositional && self.token(phrase.tokens.start).is("by");
        let Some(phrase) = phrases.iter().find(is_agent).filter(|phrase| !self.is_time(phrase)) else { return };
        let Some(noun) = phrase.noun.clone() else { return };
        // "What was it connected to the sea by?"
        let is_simple = |other: &Phrase| other.kind == PhraseKind::Adverb || other == phrase || self.is_time(other);
        if !phrases.iter().all(is_simple) {
            return self.leave_out(noun.tokens, Some(Rule::Agent), Reason::UnclearStructure);
        }
        let person_verbs =
            ["write", "paint", "compose", "found", "discover", "invent", "direct", "design", "kill", "marry"];
        let base = self.clause().verb.base(self.writer.sentence);
        let word = match self.question_word(&noun, "who") {
            Err(Reason::UnknownAnimacy) if person_verbs.contains(&base.as_str()) => Ok("who".into()),
            // "The speaker was elected by the committee."
            Ok(word) if word == "what" && is_acting_body(self.writer.sentence, &noun, &base) => Ok("who".into()),
            word => word,
        };
        let start = phrase.tokens.start;
        let pieces = word.and_then(|word| {
            let (auxiliary, verb) = self.writer.inverted()?;
            let mut pieces = vec![Piece::Words(format!("{word} {auxiliary}"))];
            pieces.push(Piece::Tokens(self.clause().subject.tokens.clone()));
            pieces.extend(verb);
            let before = phrases.iter().filter(|it| it.tokens.start < start && it.kind != PhraseKind::Prepositional);
            let without: Vec<usize> = before.clone().map(|it| it.tokens.start).chain(std::iter::once(start)).collect();
            pieces.extend(before.map(|phrase| Piece::Tokens(phrase.tokens.clone())));
            pieces.push(Piece::Words("by".into()));
            pieces.extend(self.rest(&without));
            Ok(pieces)
        });
        self.add(Rule::Agent, noun.tokens, pieces, 2);
    }

    pub(super) fn appositions(&mut self) {
        let clause = self.clause().clone();
        let mut described = clause.subject.clone();
        for phrase in &clause.phrases {
            if phrase.kind != PhraseKind::Apposition {
                if let Some(noun) = &phrase.noun {
                    described = noun.clone();
                }
                continue;
            }
            let Some(noun) = &phrase.noun else { continue };
            let is_name = self.token(described.head).tag == Tag::Name && described.tokens.len() < 5;
            if !is_name || !self.token(phrase.tokens.start).is("the") || described.tokens.end + 1 != phrase.tokens.start
            {
                continue;
            }
            // "during the late Ottoman period" is past, too.
            if phrase.tokens.clone().any(|at| LEXICON.is_time(&self.token(at).lower)) {
                continue;
            }
            // In a past clause it is not known whether the description still holds.
            if clause.verb.tokens.clone().any(|at| self.token(at).tag == Tag::Past) {
                self.leave_out(described.tokens.clone(), Some(Rule::Apposition), Reason::UnclearStructure);
                continue;
            }
            let word = match animacy(self.writer.sentence, noun) {
                Animacy::Person => "who",
                _ => "what",
            };
            let pieces = vec![Piece::Words(format!("{word} is")), Piece::Tokens(phrase.tokens.clone())];
            self.add(Rule::Apposition, described.tokens.clone(), Ok(pieces), 2);
        }
    }
}
