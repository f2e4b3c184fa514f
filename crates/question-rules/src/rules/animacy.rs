//! Whether a noun phrase is a person: "who" or "what".

use super::word_lists::{BODIES, KINDS, STATES, THINGS};
use crate::lexicon::{Gender, LEXICON};
use crate::morphology::singular;
use crate::parse::{NounPhrase, Sentence, noun_phrase};
use crate::tag::Tag;

/// What a noun phrase refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Animacy {
    /// A person or an animal.
    Person,
    /// A thing, a place, an organisation.
    Thing,
    /// A name of something unknown.
    Unknown,
}

/// Whether a noun phrase is a body of people that acts: "The committee elected …".
pub fn is_acting_body(sentence: &Sentence, noun: &NounPhrase, base: &str) -> bool {
    let head = &sentence.tokens[noun.head];
    let is_noun = head.tag.is_noun();
    is_noun && BODIES.contains(&singular(&head.lower)) && !STATES.contains(base)
}

/// What a noun phrase refers to.
pub fn animacy(sentence: &Sentence, noun: &NounPhrase) -> Animacy {
    let head = &sentence.tokens[noun.head];
    // "a goat or sheep's horn"
    if noun.is_joined && sentence.tokens[noun.core_end..noun.tokens.end].iter().any(|token| token.tag == Tag::Owner) {
        return Animacy::Unknown;
    }
    // "Washington and his men"
    let other = noun.is_joined.then(|| noun.tokens.end - 1).map(|last| &sentence.tokens[last]);
    let has_people =
        other.is_some_and(|last| matches!(last.tag, Tag::Noun | Tag::Nouns) && LEXICON.is_person(&last.lower));
    if has_people && animacy(sentence, &noun.core()) != Animacy::Person {
        return Animacy::Unknown;
    }
    // "Which states" has another form for each kind.
    if noun.is_joined && kind_of_place(sentence, &noun.core()).is_some() {
        return Animacy::Unknown;
    }
    // "a number of kings"
    if (head.is_any(&["number", "majority", "minority", "group", "handful", "couple", "pair", "lot", "crowd"])
        || head.is_any(&["most", "many", "some", "all", "several", "few", "half"]))
        && sentence.get(noun.core_end).is_some_and(|token| token.is("of"))
        && let Some(inner) = noun_phrase(sentence, noun.core_end + 1)
    {
        return animacy(sentence, &inner);
    }
    let first = &sentence.tokens[noun.owner.as_ref().map_or(noun.tokens.start, |owner| owner.end + 1)];
    match head.tag {
        Tag::Name => {
            let words = &sentence.tokens[noun.tokens.start..=noun.head];
            let names: Vec<_> = words.iter().filter(|token| token.tag == Tag::Name).collect();
            let is_titled = names.len() > 1 && LEXICON.is_title(&names[0].lower);
            let is_people = first.is("the") && names.len() == 1 && LEXICON.is_nationality(&head.lower);
            // "the commander Chen Youding"
            let is_described = sentence.tokens[noun.tokens.start..noun.head]
                .iter()
                .any(|token| token.tag == Tag::Noun && LEXICON.is_person(&token.lower));
            let is_acronym = head.text.len() > 1 && head.text.chars().all(|it| it.is_uppercase() || it == '.');
            let is_of = sentence.get(noun.core_end).is_some_and(|token| token.is("of"));
            let is_thing = KINDS.contains(&head.lower) || THINGS.contains(&head.lower);
            let is_place = LEXICON.is_place(&head.lower) || kind_of_place(sentence, noun).is_some();
            if is_thing || is_place || is_acronym {
                Animacy::Thing
            } else if is_titled
                || LEXICON.is_given_name(&names[0].lower)
                || is_people
                || is_described
                || head.is_surname
            {
                Animacy::Person
            } else if is_of && !first.is("the") || first.is("the") && head.lower.ends_with('s') {
                // "Bohemond of Taranto", "the Bolsheviks", "the Andes"
                if LEXICON.is_person(&head.lower) { Animacy::Person } else { Animacy::Unknown }
            } else if first.is("the") {
                if LEXICON.is_person(&head.lower) { Animacy::Person } else { Animacy::Thing }
            } else if LEXICON.is_person(&head.lower) {
                Animacy::Person
            } else {
                Animacy::Unknown
            }
        }
        Tag::Adj if first.is("the") => Animacy::Person,
        Tag::Noun | Tag::Nouns => {
            let ends = |endings: &[&str]| endings.iter().any(|end| head.lower.trim_end_matches('s').ends_with(end));
            let of_people = LEXICON.is_person(&head.lower)
                || ends(&["ist", "ian"]) && !head.is_any(&["list", "lists", "checklist", "checklists"]);
            if of_people { Animacy::Person } else { Animacy::Thing }
        }
        Tag::Pron if head.is_any(&["he", "she", "him", "her", "who", "i", "we", "you", "everyone", "someone"]) => {
            Animacy::Person
        }
        Tag::Pron => Animacy::Unknown,
        _ => Animacy::Thing,
    }
}

/// The kind of thing that a name is, as "Bristol University", "the Ming dynasty" and "Germany" are.
pub fn kind_of_name(sentence: &Sentence, noun: &NounPhrase) -> Option<String> {
    if noun.is_joined || noun.owner.is_some() {
        return None;
    }
    let head = &sentence.tokens[noun.head];
    let is_of_name = sentence.get(noun.core_end).is_some_and(|of| of.is("of"))
        && sentence.get(noun.core_end + 1).is_some_and(|name| name.tag == Tag::Name);
    let is_named = match head.tag {
        // "Bristol University", but not "the University"
        Tag::Name => noun.head > noun.tokens.start && sentence.tokens[noun.head - 1].tag != Tag::Det,
        // "the city of Ulm"
        Tag::Noun if is_of_name => sentence.tokens[noun.tokens.start].is("the"),
        Tag::Noun => noun.head > noun.tokens.start && sentence.tokens[noun.head - 1].tag == Tag::Name,
        _ => false,
    };
    if let Some(kind) = kind_of_place(sentence, noun) {
        return Some(kind.to_owned());
    }
    // "Lake Erie"
    let first = &sentence.tokens[noun.tokens.start];
    let is_leading = head.tag == Tag::Name && noun.head > noun.tokens.start && noun.tokens.end == noun.core_end;
    if is_leading && first.tag == Tag::Name {
        match first.lower.as_str() {
            "hurricane" | "lake" => return Some(first.lower.clone()),
            "mount" => return Some("mountain".to_owned()),
            _ => {}
        }
    }
    let is_kind = is_named && KINDS.contains(&head.lower) && !head.lower.ends_with('s');
    is_kind.then(|| head.lower.clone())
}

/// What a place in the list of places is: "country".
pub fn kind_of_place(sentence: &Sentence, noun: &NounPhrase) -> Option<&'static str> {
    let start = noun.tokens.start + usize::from(sentence.tokens[noun.tokens.start].is("the"));
    let words: Vec<&str> = sentence.tokens[start..noun.core_end].iter().map(|token| token.lower.as_str()).collect();
    let is_whole = noun.tokens.end == noun.core_end && !noun.is_joined && sentence.tokens[noun.head].tag == Tag::Name;
    LEXICON.kind_of_place(&words.join(" ")).filter(|_| is_whole)
}

/// The gender of a person.
pub fn gender(sentence: &Sentence, noun: &NounPhrase) -> Gender {
    let start = noun.owner.as_ref().map_or(noun.tokens.start, |owner| owner.end);
    let words = sentence.tokens[start..=noun.head].iter().filter(|token| token.tag.is_noun());
    words.map(|token| LEXICON.gender(&token.lower)).find(|gender| *gender != Gender::Unknown).unwrap_or(Gender::Unknown)
}

/// Verbs whose subject is a person if it is a name.
const PERSONAL: [&str; 58] = [
    "attempt",
    "try",
    "refuse",
    "contest",
    "accuse",
    "advocate",
    "criticise",
    "criticize",
    "reject",
    "hope",
    "decide",
    "order",
    "resign",
    "conclude",
    "introduce",
    "serve",
    "say",
    "write",
    "marry",
    "die",
    "believe",
    "argue",
    "paint",
    "compose",
    "study",
    "think",
    "bear",
    "claim",
    "discover",
    "invent",
    "propose",
    "teach",
    "publish",
    "learn",
    "ask",
    "tell",
    "reply",
    "suggest",
    "describe",
    "note",
    "observe",
    "recall",
    "sing",
    "perform",
    "retire",
    "resign",
    "graduate",
    "attend",
    "convince",
    "persuade",
    "admire",
    "love",
    "meet",
    "travel",
    "visit",
    "sail",
    "explain",
    "coin",
];

/// Verbs whose subject is a person or an animal, whatever the noun.
const ANIMATE: [&str; 18] = [
    "reside", "emigrate", "settle", "wish", "marry", "laugh", "weep", "beg", "hope", "want", "promise", "sleep", "eat",
    "drink", "cry", "sing", "think", "hear",
];

/// Whether a verb, in its base form, tells that its subject is a person or an animal.
pub fn is_animate(base: &str) -> bool {
    ANIMATE.contains(&base)
}

/// Whether a verb, in its base form, tells that a name is a person.
pub fn is_personal(base: &str) -> bool {
    PERSONAL.contains(&base)
}
