//! What pronouns refer to.

use super::animacy::{Animacy, animacy, gender, kind_of_name};
use super::word_lists::VAGUE;
use crate::lexicon::{Gender, LEXICON};
use crate::morphology::singular;
use crate::parse::{Clause, NounPhrase, Sentence, noun_phrase};
use crate::tag::Tag;

/// Something that a later pronoun can refer to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entity {
    /// How a question names it.
    name: String,
    /// Its head in lower case: mentions with the same head are one entity.
    head: String,
    animacy: Animacy,
    gender: Gender,
    is_plural: bool,
    is_subject: bool,
    /// Whether it is no name.
    is_common: bool,
    /// Whether its head is a name.
    is_name: bool,
    /// The number of the sentence, and the token at which it begins.
    place: (usize, usize),
}

/// A pronoun that refers to something before it.
pub struct Pronoun<'a> {
    /// In lower case.
    pub word: &'a str,
    /// The number of its sentence.
    pub number: usize,
    /// Its token.
    pub token: usize,
    /// Whether it is the subject of its clause.
    pub is_subject: bool,
}

/// The entities of the sentences so far.
#[derive(Debug, Default)]
pub struct References {
    entities: Vec<Entity>,
    /// Names of the paragraph whose kind is known, as "Bristol University" is a university, with their sentence.
    named: Vec<(String, String, usize)>,
}

impl References {
    /// Remembers the noun phrases of a sentence but those of direct speech, and forgets those that are too far back.
    pub fn add(&mut self, sentence: &Sentence, clauses: &[Clause], number: usize) {
        self.entities.retain(|entity| entity.place.0 + MAX_DISTANCE >= number);
        let (mut at, mut is_quoted) = (0, false);
        while let Some(token) = sentence.get(at) {
            match token.text.as_str() {
                "\"" => is_quoted = !is_quoted,
                "“" => is_quoted = true,
                "”" => is_quoted = false,
                _ => {}
            }
            match noun_phrase(sentence, at).filter(|_| !is_quoted) {
                Some(noun) => {
                    let is_subject = clauses.iter().any(|clause| clause.subject.tokens.start == noun.tokens.start);
                    self.add_phrase(sentence, &noun, is_subject, number);
                    at = noun.tokens.end;
                }
                None => at += 1,
            }
        }
    }

    fn add_phrase(&mut self, sentence: &Sentence, noun: &NounPhrase, is_subject: bool, number: usize) {
        let head = &sentence.tokens[noun.head];
        // "the first", "on Sundays"
        let is_time = LEXICON.is_time(&head.lower) || LEXICON.is_time(&singular(&head.lower));
        if noun.is_pronoun(sentence)
            || is_time
            || VAGUE.contains(&head.lower)
            || matches!(head.tag, Tag::Adj | Tag::Num)
        {
            return;
        }
        let tokens = &sentence.tokens[noun.tokens.start..noun.core_end];
        if tokens.iter().any(|token| matches!(token.tag, Tag::Poss | Tag::Pron)) || noun.is_joined {
            return;
        }
        let words: Vec<&str> = tokens
            .iter()
            .enumerate()
            .map(|(at, token)| match (at, token.lower.as_str()) {
                (0, "a" | "an" | "the" | "this" | "one" | "some") => "the",
                (0, _) if !matches!(token.tag, Tag::Name | Tag::Num) && !token.is_capitalised() => token.text.as_str(),
                (0, lower) if token.tag != Tag::Name && !LEXICON.is_nationality(lower) => lower,
                _ => token.text.as_str(),
            })
            .collect();
        let name = words.join(" ").replace(" 's", "'s").replace(" ’s", "’s").replace(" ,", ",");
        // "in Albany": an unknown name after such a preposition is rather a place.
        let before = noun.tokens.start.checked_sub(1).map(|at| &sentence.tokens[at]);
        let is_placed = head.tag == Tag::Name
            && animacy(sentence, noun) == Animacy::Unknown
            && before.is_some_and(|before| before.is_any(&["in", "at", "from", "near", "to", "into"]));
        let is_only_name = tokens.iter().skip(usize::from(tokens[0].is("the"))).all(|token| token.tag == Tag::Name);
        if let Some(kind) = kind_of_name(sentence, &noun.core()).filter(|_| is_only_name) {
            self.named.push((kind, name.clone(), number));
        }
        self.entities.push(Entity {
            name,
            head: sentence.tokens[noun.head].lower.clone(),
            animacy: if is_placed { Animacy::Thing } else { animacy(sentence, noun) },
            gender: gender(sentence, noun),
            is_plural: noun.is_plural(sentence),
            is_subject,
            is_common: sentence.tokens[noun.head].tag == Tag::Noun,
            is_name: sentence.tokens[noun.head].tag == Tag::Name,
            place: (number, noun.tokens.start),
        });
    }

    /// The name that "the city" refers to: the only one of its kind in the sentences before.
    pub fn named(&self, kind: &str, number: usize) -> Option<&str> {
        let mut of_kind = self.named.iter().filter(|it| it.0 == kind && it.2 < number).map(|it| it.1.as_str());
        let first = of_kind.next()?;
        of_kind.all(|name| name == first).then_some(first)
    }

    /// The name of what a pronoun at a token of a sentence refers to: the only possibility in the sentence before this
    /// token, or else in the last sentence that has one. The subject of a clause is likely to be a subject there, too.
    /// Only a name stands for it in a text that is no story.
    pub fn resolve(&self, pronoun: &Pronoun, is_story: bool) -> Option<&str> {
        let found = self.referent(pronoun)?;
        let is_person = ["he", "him", "she", "her"].contains(&pronoun.word);
        let is_certain = is_story || found.is_name && (!is_person || found.animacy == Animacy::Person);
        is_certain.then_some(found.name())
    }

    fn referent(&self, pronoun: &Pronoun) -> Option<&Entity> {
        let Pronoun { word: pronoun, number, token, is_subject } = *pronoun;
        // A thing that is a subject may be an animal that is in no list: it is a possibility, but no answer.
        let is_personal = ["he", "him", "his", "she", "her"].contains(&pronoun);
        let fits = |entity: &&Entity| fits(entity, pronoun) || is_personal && entity.may_be_person();
        let of = |number: usize| self.entities.iter().filter(move |it| it.place.0 == number).filter(fits);
        // "They" are rather persons or a subject.
        let is_they = ["they", "them", "their"].contains(&pronoun);
        let of = |number: usize| of(number).filter(|it| !is_they || it.is_subject || it.animacy == Animacy::Person);
        let here: Vec<&Entity> = of(number).filter(|it| it.place.1 < token).collect();
        if ["it", "its"].contains(&pronoun) {
            // Too many things could be meant but by a subject after a subject.
            let before: Vec<&Entity> = of(number.checked_sub(1)?).collect();
            return only(&subjects(&before)).filter(|_| is_subject && here.is_empty());
        }
        if !here.is_empty() {
            return choose(&here, is_subject, is_personal);
        }
        let earlier = (number.saturating_sub(MAX_DISTANCE)..number).rev().map(|number| of(number).collect::<Vec<_>>());
        if is_they && !is_subject {
            return None;
        }
        let nearest = earlier.into_iter().find(|entities| !entities.is_empty())?;
        choose(&nearest, is_subject, is_personal)
    }
}

impl Entity {
    fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is the subject of a clause, and a thing by its noun.
    fn may_be_person(&self) -> bool {
        self.animacy == Animacy::Thing && self.is_subject && !self.is_plural && self.is_common
    }
}

/// A pronoun refers at most this many sentences back.
const MAX_DISTANCE: usize = 3;

/// The entities that are subjects.
fn subjects<'a>(entities: &[&'a Entity]) -> Vec<&'a Entity> {
    entities.iter().copied().filter(|entity| entity.is_subject).collect()
}

/// The only entity, or the only subject for a subject; a personal pronoun is no thing.
fn choose<'a>(entities: &[&'a Entity], is_subject: bool, is_personal: bool) -> Option<&'a Entity> {
    let found = only(entities).or_else(|| only(&subjects(entities)).filter(|_| is_subject));
    found.filter(|entity| !(is_personal && entity.may_be_person()))
}

/// The only entity.
fn only<'a>(entities: &[&'a Entity]) -> Option<&'a Entity> {
    let (first, rest) = entities.split_first()?;
    rest.iter().all(|entity| entity.head == first.head).then_some(first)
}

fn fits(entity: &Entity, pronoun: &str) -> bool {
    let person = entity.animacy != Animacy::Thing;
    match pronoun {
        "he" | "him" | "his" => person && !entity.is_plural && entity.gender != Gender::Female,
        "she" | "her" => person && !entity.is_plural && entity.gender != Gender::Male,
        "it" | "its" => {
            let is_known = entity.animacy != Animacy::Unknown && !(person && entity.gender != Gender::Unknown);
            is_known && !entity.is_plural
        }
        "they" | "them" | "their" => entity.is_plural,
        _ => false,
    }
}

/// Whether an owner, "his" or "her", in the same clause can refer to its subject: a thing that has "her breath" is an
/// animal that is in no list.
pub fn can_own(sentence: &Sentence, subject: &NounPhrase, pronoun: &str) -> bool {
    let is_noun = sentence.tokens[subject.head].tag == Tag::Noun && !subject.is_joined;
    can_refer(sentence, subject, pronoun) || is_noun && ["his", "her"].contains(&pronoun)
}

/// Whether a pronoun in the same clause can refer to this noun phrase.
pub fn can_refer(sentence: &Sentence, noun: &NounPhrase, pronoun: &str) -> bool {
    let head = &sentence.tokens[noun.head];
    if noun.is_pronoun(sentence) {
        let group = |word: &str| {
            [["he", "him", "his"], ["she", "her", "hers"], ["it", "its", "its"], ["they", "them", "their"]]
                .into_iter()
                .position(|group| group.contains(&word))
        };
        return group(&head.lower).is_some() && group(&head.lower) == group(pronoun);
    }
    let entity = Entity {
        name: String::new(),
        head: String::new(),
        animacy: animacy(sentence, noun),
        gender: gender(sentence, noun),
        is_plural: noun.is_plural(sentence),
        is_subject: true,
        is_common: head.tag == Tag::Noun,
        is_name: head.tag == Tag::Name,
        place: (0, 0),
    };
    fits(&entity, pronoun)
}
