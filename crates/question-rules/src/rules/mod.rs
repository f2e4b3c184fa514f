//! The transformations of a clause into questions.

mod adjuncts;
mod agents;
mod animacy;
mod arguments;
mod checks;
mod numbers;
mod prepositions;
mod reference;
mod specific;
mod word_lists;
mod wording;

use std::ops::Range;

pub use reference::References;

use self::specific::definite;
use self::word_lists::{KEPT_LEADS, NEED_OBJECT, NO_NOUN, TWO_OBJECTS};
use self::wording::Piece;
pub use self::wording::Writer;
use crate::lexicon::LEXICON;
use crate::parse::{Clause, NounPhrase, Phrase, PhraseKind, can_be_participle, noun_phrase};
use crate::question::{Candidates, Features, LeftOut, Reason, Rule, RuleQuestion};
use crate::tag::Tag;
use crate::token::Token;

/// The most words of a question.
const MAX_QUESTION: usize = 20;
/// The most words of an answer.
const MAX_ANSWER: usize = 14;
/// Leading phrases with more words are cut off.
const MAX_LEAD: usize = 7;

/// Makes the questions about one clause.
pub struct Asker<'a> {
    writer: Writer<'a>,
    sentence_words: usize,
    is_story: bool,
    found: &'a mut Candidates,
}

/// A question in the making.
struct Draft {
    rule: Rule,
    answer: Range<usize>,
    pieces: Vec<Piece>,
    /// The fewest words of meaning.
    min_content: usize,
}

/// Adds the questions about a clause, and what was left out.
pub fn ask(writer: Writer, next: Option<&Clause>, found: &mut Candidates) {
    let (sentence, clause, is_story) = (writer.sentence, writer.clause, writer.is_story);
    let sentence_words = sentence.tokens.iter().filter(|token| token.is_word()).count();
    let mut asker = Asker { writer, sentence_words, is_story, found };
    let parts = clause.phrases.iter().map(|phrase| phrase.tokens.clone()).chain([clause.subject.tokens.clone()]);
    let has_negation = parts
        .flatten()
        .any(|at| sentence.tokens[at].is_any(&["no", "nor", "neither", "none", "nothing", "nobody", "not"]));
    // "Neither the king nor the queen came."
    let before = clause.subject.tokens.start.checked_sub(1);
    let has_negation = has_negation || before.is_some_and(|at| sentence.tokens[at].is_any(&["neither", "nor", "not"]));
    if clause.verb.is_negative || has_negation {
        let whole = clause.subject.tokens.start..clause.verb.tokens.end;
        return asker.leave_out(whole, None, Reason::Negation);
    }
    // "dedicated and opened the library": the first verb lacks its object.
    // "The force is due to …" has no other predicate.
    let lacks_object = clause.phrases.is_empty() && next.is_some_and(|next| next.subject == clause.subject);
    let is_reason = clause.phrases.first().is_some_and(|first| first.kind == PhraseKind::Cause);
    if lacks_object || is_reason && clause.verb.is_copula(sentence) {
        let whole = clause.subject.tokens.start..clause.verb.tokens.end;
        return asker.leave_out(whole, None, Reason::UnclearStructure);
    }
    // "may, on her marriage, change": the verb is not found
    let is_modal = sentence.tokens[clause.verb.main].tag == Tag::Modal;
    if is_modal || asker.is_uncertain() || asker.disagrees() || asker.is_participle() || asker.has_loose_noun() {
        let whole = clause.subject.tokens.start..clause.verb.tokens.end;
        return asker.leave_out(whole, None, Reason::UnclearStructure);
    }
    asker.subject();
    if clause.is_opaque {
        // What is before the subject was recognised.
        asker.opaque_complement();
        asker.times();
        asker.places();
        asker.causes(next);
        return;
    }
    asker.complement();
    asker.object();
    asker.prepositional();
    asker.agent();
    asker.times();
    asker.places();
    asker.causes(next);
    asker.numbers();
    asker.measures();
    asker.quantities();
    asker.owners();
    asker.appositions();
}

impl Asker<'_> {
    fn clause(&self) -> &Clause {
        self.writer.clause
    }

    fn token(&self, at: usize) -> &Token {
        &self.writer.sentence.tokens[at]
    }

    /// Whether a verb or a noun that carries the structure could as well be something else.
    fn is_uncertain(&self) -> bool {
        let clause = self.clause();
        let verbs = clause.verb.tokens.clone().filter(|&at| self.token(at).tag.is_verb());
        let head = std::iter::once(clause.subject.head);
        verbs.chain(head).any(|at| self.token(at).margin <= 1)
    }

    /// Whether the verb is rather a participle: "a crowd announced by the newspaper".
    fn is_participle(&self) -> bool {
        let clause = self.clause();
        let sentence = self.writer.sentence;
        let is_by = clause.phrases.first().is_some_and(|it| self.token(it.tokens.start).is("by") && it.noun.is_some());
        // "programs designed to help"
        let base = clause.verb.base(sentence);
        let has_object =
            clause.phrases.first().is_some_and(|it| matches!(it.kind, PhraseKind::Noun | PhraseKind::Content));
        let lacks_object = !has_object && NEED_OBJECT.contains(&base);
        // "Names used as surnames are …"
        let next = self.token(clause.verb.tokens.end).tag;
        let lacks_object = lacks_object || clause.is_opaque && matches!(next, Tag::Prep | Tag::Sub | Tag::To);
        clause.verb.auxiliary.is_none() && (is_by || lacks_object) && can_be_participle(sentence, clause.verb.main)
    }

    /// Whether a noun phrase follows another one, or an adjective begins the object of "keep", so that the sentence was misread.
    fn has_loose_noun(&self) -> bool {
        let clause = self.clause();
        let base = clause.verb.base(self.writer.sentence);
        // "Further south lies the crater."
        let first = clause.phrases.iter().find(|phrase| phrase.kind != PhraseKind::Adverb);
        let begins = first.is_some_and(|it| it.kind == PhraseKind::Noun && !self.is_time(it));
        if begins && NO_NOUN.contains(&base) {
            return true;
        }
        let is_noun = |phrase: &Phrase| phrase.kind == PhraseKind::Noun && !self.is_time(phrase);
        let follows = clause
            .phrases
            .windows(2)
            .any(|pair| is_noun(&pair[0]) && is_noun(&pair[1]) && pair[0].tokens.end == pair[1].tokens.start);
        let keeps = ["keep", "make", "find", "leave", "render", "hold", "turn"].contains(&base.as_str());
        let first = clause.phrases.first();
        let is_bare =
            first.is_some_and(|it| it.kind == PhraseKind::Noun && self.token(it.tokens.start).tag == Tag::Adj);
        follows && (clause.verb.is_passive || !TWO_OBJECTS.contains(&base)) || keeps && is_bare
    }

    /// Whether the verb does not agree with the subject in number, so that the sentence was misread.
    fn disagrees(&self) -> bool {
        let clause = self.clause();
        let head = self.token(clause.subject.head);
        let verb = self.token(clause.verb.auxiliary.unwrap_or(clause.verb.main));
        let known = LEXICON.known(&head.lower).unwrap_or_default();
        let has_both = known.iter().any(|it| it.0 == Tag::Noun) && known.iter().any(|it| it.0 == Tag::Nouns);
        let is_plural = clause.subject.is_plural(self.writer.sentence);
        let is_noun =
            matches!(head.tag, Tag::Noun | Tag::Nouns) && !has_both && !head.is_any(&["number", "majority", "half"]);
        is_noun
            && (verb.tag == Tag::Plain && !is_plural
                || verb.tag == Tag::Third && is_plural && !clause.subject.is_joined)
    }

    /// The phrases that a question keeps, but those that are left out by their first token: first those after the verb,
    /// then those before the subject.
    fn rest(&self, without: &[usize]) -> Vec<Piece> {
        let clause = self.clause();
        let keep = |phrase: &&Phrase| {
            use PhraseKind::*;
            matches!(phrase.kind, Noun | Prepositional | Adjective | Adverb | Infinitive | Gerund | Content)
                && !without.contains(&phrase.tokens.start)
        };
        // "that night" refers to another sentence, and is not needed.
        let is_needed = |phrase: &&Phrase| {
            !self.is_time(phrase) || self.writer.write(&[Piece::Tokens(phrase.tokens.clone())]).is_ok()
        };
        let after = clause.phrases.iter().filter(keep).filter(is_needed);
        let after = after.map(|phrase| Piece::Tokens(phrase.tokens.clone()));
        let short = |phrase: &&Phrase| phrase.tokens.len() <= MAX_LEAD && !self.is_connecting(phrase);
        let lead = clause.lead.iter().filter(|it| matches!(it.kind, PhraseKind::Noun | PhraseKind::Prepositional));
        let lead = lead.filter(keep).filter(short).filter(|phrase| self.is_kept_lead(phrase));
        let lead = lead.map(|phrase| Piece::Tokens(phrase.tokens.clone()));
        // A leading phrase that refers to another sentence is not needed.
        let lead = lead.filter(|piece| self.writer.write(std::slice::from_ref(piece)).is_ok());
        after.chain(lead).collect()
    }

    /// Whether a leading phrase tells a time or a place and stands alone, so that it can follow the verb.
    fn is_kept_lead(&self, phrase: &Phrase) -> bool {
        let lead = &self.clause().lead;
        let is_kept = |phrase: &Phrase| KEPT_LEADS.contains(&self.token(phrase.tokens.start).lower);
        // "On a night in January 2009"
        let is_alone = lead.iter().all(is_kept)
            || !lead.iter().any(|it| it.tokens.end == phrase.tokens.start || it.tokens.start == phrase.tokens.end);
        let first = self.token(phrase.tokens.start);
        let is_as_of = first.is("as") && self.token(phrase.tokens.start + 1).is("of");
        is_alone && (phrase.kind == PhraseKind::Noun || KEPT_LEADS.contains(&first.lower) || is_as_of)
    }

    /// Whether a leading phrase only connects the sentence with others: "for example".
    fn is_connecting(&self, phrase: &Phrase) -> bool {
        let words: Vec<&str> = phrase.tokens.clone().map(|at| self.token(at).lower.as_str()).collect();
        let whole = words.join(" ");
        let connecting = [
            "for example",
            "for instance",
            "in addition",
            "in fact",
            "in contrast",
            "in general",
            "in particular",
            "on the other hand",
            "on the contrary",
            "of course",
            "at last",
            "at length",
            "in turn",
            "as a result",
            "in short",
            "by contrast",
            "at first",
            "in practice",
            "in theory",
            "in response",
            "as such",
            "by comparison",
            "at once",
        ];
        connecting.contains(&whole.as_str())
            || ["according", "unlike", "like", "besides", "despite", "of"].contains(&words[0])
            || self.token(phrase.tokens.start).tag == Tag::Prep && words.len() == 1
    }

    /// A question word, the inverted clause, and what it keeps without some phrases.
    fn inverted(&self, question_word: &str, without: &[usize]) -> Result<Vec<Piece>, Reason> {
        let (auxiliary, verb) = self.writer.inverted()?;
        let mut pieces = vec![Piece::Words(format!("{question_word} {auxiliary}"))];
        pieces.push(Piece::Tokens(self.clause().subject.tokens.clone()));
        pieces.extend(verb);
        pieces.extend(self.rest(without));
        Ok(pieces)
    }

    /// Adds a question, or why there is none.
    fn add(&mut self, rule: Rule, answer: Range<usize>, pieces: Result<Vec<Piece>, Reason>, min_content: usize) {
        let result =
            pieces.and_then(|pieces| self.finish(&Draft { rule, answer: answer.clone(), pieces, min_content }));
        match result {
            Ok(question) => self.found.questions.push(question),
            Err(reason) => self.leave_out(answer, Some(rule), reason),
        }
    }

    fn leave_out(&mut self, tokens: Range<usize>, rule: Option<Rule>, reason: Reason) {
        let bytes = self.bytes(&tokens);
        self.found.left_out.push(LeftOut { bytes, rule, reason });
    }

    fn bytes(&self, tokens: &Range<usize>) -> Range<usize> {
        self.token(tokens.start).bytes.start..self.token(tokens.end - 1).bytes.end
    }

    fn finish(&self, draft: &Draft) -> Result<RuleQuestion, Reason> {
        let answer: Vec<&Token> =
            draft.answer.clone().map(|at| self.token(at)).filter(|token| token.is_word()).collect();
        let refers = answer.first().is_none_or(|first| {
            first.is_any(&[
                "this", "these", "those", "such", "another", "others", "other", "same", "that", "one", "some", "there",
                "any", "each",
            ]) || first.tag == Tag::Pron && draft.rule != Rule::Cause
        });
        if refers {
            return Err(Reason::NeedsContext);
        }
        let pointing = [
            "this",
            "these",
            "such",
            "ones",
            "today",
            "following",
            "previous",
            "latter",
            "former",
            "aforementioned",
            "similar",
        ];
        if answer.iter().any(|token| token.is_any(&pointing)) {
            return Err(Reason::NeedsContext);
        }
        // "blew harder"
        let adverbs = ["harder", "louder", "faster", "longer", "deeper", "higher", "further", "farther", "closer"];
        if answer.len() == 1 && answer[0].is_any(&adverbs) {
            return Err(Reason::UnclearStructure);
        }
        if answer.iter().take(2).any(|token| token.is_any(&["other", "same", "another"])) {
            return Err(Reason::NeedsContext);
        }
        // Parentheses within the answer.
        let has_gap = draft.answer.clone().skip(1).any(|at| {
            let token = self.token(at);
            token.is_after_quote || token.bytes.start > self.token(at - 1).bytes.end + 2
        });
        if has_gap {
            return Err(Reason::UnclearStructure);
        }
        let wording = self.writer.write(&draft.pieces)?;
        if self.is_fragment(draft) {
            return Err(Reason::UnclearStructure);
        }
        if self.is_vague(&draft.answer) || self.is_vague(&self.clause().subject.tokens) {
            return Err(Reason::NeedsContext);
        }
        // "the city" and "the two forces" need the text, but not characters of a story.
        let answer_start = draft.answer.start;
        let is_pointing = definite(self.writer.sentence, answer_start, draft.answer.end)
            .is_some_and(|it| it.is_bare || self.token(answer_start + 1).tag == Tag::Num);
        if !self.is_story {
            if wording.definites > 0 || is_pointing || self.is_open(draft) {
                return Err(Reason::NeedsContext);
            }
            if self.is_anonymous(draft, &wording, answer.len()) {
                return Err(Reason::TooGeneral);
            }
        }
        if self.is_cut_off(draft) {
            return Err(Reason::UnclearStructure);
        }
        if wording.words > MAX_QUESTION || answer.len() > MAX_ANSWER {
            return Err(Reason::TooLong);
        }
        let base = self.clause().verb.base(self.writer.sentence);
        // Without its subject, a question needs a name or a number, or more words.
        let is_who = wording.text.starts_with("Who ") && !["be", "become", "remain"].contains(&base.as_str());
        // "Who lost its collar?" is neither about a person nor about a thing.
        let is_odd = wording.text.contains(" its ");
        let is_acted = is_who && !is_odd && self.clause().phrases.iter().any(|phrase| phrase.noun.is_some());
        let is_general = draft.rule == Rule::Subject && wording.content < 3 && wording.specific == 0 && !is_acted;
        if is_general || wording.content < draft.min_content {
            return Err(Reason::TooGeneral);
        }
        let is_meaningful = |token: &&&Token| token.tag.is_noun() || token.tag == Tag::Num;
        let lower = wording.text.to_lowercase();
        let asked: Vec<&str> = lower.split(|letter: char| !letter.is_alphanumeric()).collect();
        // "Which university": the kind is part of the name.
        let asked = if lower.starts_with("which ") { &asked[2..] } else { &asked[..] };
        // A long answer may have a word of the question.
        let checked = if answer.len() > 6 { 3 } else { answer.len() };
        if answer.iter().take(checked).filter(is_meaningful).any(|token| asked.contains(&token.lower.as_str())) {
            return Err(Reason::ContainsAnswer);
        }
        let of_words = |count: usize| count as f64 / wording.words.max(1) as f64;
        let verb = self.token(self.clause().verb.auxiliary.unwrap_or(self.clause().verb.main));
        let answer_head = noun_phrase(self.writer.sentence, answer_start).map(|noun| self.token(noun.head).tag);
        Ok(RuleQuestion {
            question: format!("{}?", wording.text),
            answer: self.bytes(&draft.answer),
            rule: draft.rule,
            features: Features {
                question_words: wording.words,
                answer_words: answer.len(),
                sentence_words: self.sentence_words,
                ambiguity: of_words(wording.ambiguous),
                cut_off: self.clause().cut_off,
                replaced_pronouns: wording.replaced,
                is_later_clause: self.clause().is_later,
                specific_words: of_words(wording.specific),
                names: wording.names,
                described: wording.described,
                content_words: wording.content,
                is_past: verb.tag == Tag::Past,
                is_opaque: self.clause().is_opaque,
                answers_with_name: matches!(answer_head, Some(Tag::Name)),
                is_story: self.is_story,
            },
        })
    }

    /// The first object: the noun phrase after the verb, possibly after a particle; with two, the second one.
    fn object_phrase(&self) -> Option<(&Phrase, &NounPhrase)> {
        let phrases = &self.clause().phrases;
        let first = phrases.iter().position(|phrase| phrase.kind != PhraseKind::Adverb)?;
        let is_noun = |at: usize| phrases.get(at).is_some_and(|it| it.kind == PhraseKind::Noun && !self.is_time(it));
        let at = if is_noun(first) && is_noun(first + 1) { first + 1 } else { first };
        let phrase = phrases.get(at).filter(|_| is_noun(at))?;
        Some((phrase, phrase.noun.as_ref()?))
    }
}
