//! Questions about the object of a preposition that belongs to the verb.

use super::Asker;
use super::wording::Piece;
use crate::parse::PhraseKind;
use crate::question::{Reason, Rule};

/// Verbs, in their base form, with prepositions that belong to them.
const WITH_PREPOSITION: [(&str, &[&str]); 48] = [
    ("consist", &["of"]),
    ("belong", &["to"]),
    ("depend", &["on", "upon"]),
    ("lead", &["to"]),
    ("result", &["in", "from"]),
    ("refer", &["to"]),
    ("focus", &["on"]),
    ("base", &["on"]),
    ("rely", &["on", "upon"]),
    ("contribute", &["to"]),
    ("derive", &["from"]),
    ("associate", &["with"]),
    ("know", &["for", "as"]),
    ("designate", &["as"]),
    ("define", &["as"]),
    ("describe", &["as"]),
    ("regard", &["as"]),
    ("use", &["for", "as"]),
    ("add", &["to"]),
    ("divide", &["into"]),
    ("convert", &["to", "into"]),
    ("replace", &["with"]),
    ("look", &["at", "for", "after"]),
    ("speak", &["to", "with"]),
    ("talk", &["to", "with", "about"]),
    ("ask", &["for"]),
    ("listen", &["to"]),
    ("apply", &["to"]),
    ("name", &["after", "for"]),
    ("compose", &["of"]),
    ("make", &["of", "from"]),
    ("turn", &["into"]),
    ("participate", &["in"]),
    ("differ", &["from"]),
    ("suffer", &["from"]),
    ("die", &["of", "from"]),
    ("give", &["to"]),
    ("sell", &["to"]),
    ("compare", &["with", "to"]),
    ("provide", &["with"]),
    ("cover", &["with", "by"]),
    ("fill", &["with"]),
    ("surround", &["by"]),
    ("call", &["for", "upon"]),
    ("deal", &["with"]),
    ("wait", &["for"]),
    ("feed", &["on"]),
    ("limit", &["to"]),
];

/// Whether a preposition belongs to a verb in its base form: "look at".
pub fn belongs_to_verb(base: &str, preposition: &str) -> bool {
    WITH_PREPOSITION.iter().any(|(verb, prepositions)| *verb == base && prepositions.contains(&preposition))
}

impl Asker<'_> {
    pub(super) fn prepositional(&mut self) {
        let sentence = self.writer.sentence;
        let base = self.clause().verb.base(sentence);
        let phrases = self.clause().phrases.clone();
        let first = phrases.iter().position(|phrase| phrase.kind != PhraseKind::Noun).unwrap_or(phrases.len());
        let Some(phrase) = phrases.get(first).filter(|phrase| first <= 1 && phrase.kind == PhraseKind::Prepositional)
        else {
            return;
        };
        let start = phrase.tokens.start;
        let Some(noun) = phrase.noun.as_ref().filter(|noun| noun.tokens.start == start + 1) else { return };
        if !belongs_to_verb(&base, &self.token(start).lower) || self.is_time(phrase) {
            return;
        }
        let answer = noun.tokens.clone();
        let pieces = self.question_word(noun, "whom").and_then(|word| {
            if self.is_loose(&answer, &base) {
                return Err(Reason::UnclearStructure);
            }
            let (auxiliary, verb) = self.writer.inverted()?;
            let mut pieces = vec![Piece::Words(format!("{word} {auxiliary}"))];
            pieces.push(Piece::Tokens(self.clause().subject.tokens.clone()));
            pieces.extend(verb);
            pieces.extend(phrases[..first].iter().map(|phrase| Piece::Tokens(phrase.tokens.clone())));
            pieces.push(Piece::Tokens(start..start + 1));
            let mut without: Vec<usize> = phrases[..first].iter().map(|phrase| phrase.tokens.start).collect();
            without.push(start);
            pieces.extend(self.rest(&without));
            Ok(pieces)
        });
        self.add(Rule::Prepositional, answer, pieces, 2);
    }
}
