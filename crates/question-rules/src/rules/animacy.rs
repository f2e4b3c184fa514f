//! Whether a noun phrase is a person: "who" or "what".

use crate::lexicon::{Gender, LEXICON};
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

/// Nouns at the end of a name that tell what it names.
const KINDS: [&str; 47] = [
    "university",
    "college",
    "school",
    "museum",
    "library",
    "church",
    "cathedral",
    "temple",
    "palace",
    "castle",
    "bridge",
    "river",
    "lake",
    "sea",
    "ocean",
    "island",
    "islands",
    "mountain",
    "mountains",
    "valley",
    "desert",
    "canal",
    "city",
    "county",
    "empire",
    "kingdom",
    "republic",
    "party",
    "company",
    "corporation",
    "association",
    "league",
    "committee",
    "council",
    "parliament",
    "senate",
    "congress",
    "court",
    "army",
    "war",
    "battle",
    "treaty",
    "act",
    "revolution",
    "theory",
    "prize",
    "award",
];

/// What a noun phrase refers to.
pub fn animacy(sentence: &Sentence, noun: &NounPhrase) -> Animacy {
    let head = &sentence.tokens[noun.head];
    // "a goat or sheep's horn"
    if noun.is_joined && sentence.tokens[noun.core_end..noun.tokens.end].iter().any(|token| token.tag == Tag::Owner) {
        return Animacy::Unknown;
    }
    // "a number of kings"
    if head.is_any(&["number", "majority", "minority", "group", "handful", "couple", "pair", "lot", "crowd"])
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
            let is_acronym = head.text.len() > 1 && head.text.chars().all(|it| it.is_uppercase() || it == '.');
            let is_of = sentence.get(noun.core_end).is_some_and(|token| token.is("of"));
            if KINDS.contains(&head.lower.as_str()) || LEXICON.is_place(&head.lower) || is_acronym {
                Animacy::Thing
            } else if is_titled || LEXICON.is_given_name(&names[0].lower) || is_people {
                Animacy::Person
            } else if first.is("the") || is_of {
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

/// The kind of thing that a name says itself to be, as in "Bristol University".
pub fn kind_of_name(sentence: &Sentence, noun: &NounPhrase) -> Option<String> {
    let head = &sentence.tokens[noun.head];
    let is_name = head.tag == Tag::Name && noun.head > noun.tokens.start && !noun.is_joined && noun.owner.is_none();
    (is_name && KINDS.contains(&head.lower.as_str())).then(|| head.lower.clone())
}

/// The gender of a person.
pub fn gender(sentence: &Sentence, noun: &NounPhrase) -> Gender {
    let start = noun.owner.as_ref().map_or(noun.tokens.start, |owner| owner.end);
    let words = sentence.tokens[start..=noun.head].iter().filter(|token| token.tag.is_noun());
    words.map(|token| LEXICON.gender(&token.lower)).find(|gender| *gender != Gender::Unknown).unwrap_or(Gender::Unknown)
}

/// Verbs whose subject is a person if it is a name.
const PERSONAL: [&str; 42] = [
    "say", "write", "marry", "die", "believe", "argue", "paint", "compose", "study", "think", "bear", "claim",
    "discover", "invent", "propose", "teach", "publish", "learn", "ask", "tell", "reply", "suggest", "describe",
    "note", "observe", "recall", "sing", "perform", "retire", "resign", "graduate", "attend", "convince", "persuade",
    "admire", "love", "meet", "travel", "visit", "sail", "explain", "coin",
];

/// Verbs whose subject is a person or an animal, whatever the noun.
const ANIMATE: [&str; 15] = [
    "wish", "marry", "laugh", "weep", "beg", "hope", "want", "promise", "sleep", "eat", "drink", "cry", "sing",
    "think", "hear",
];

/// Whether a verb, in its base form, tells that its subject is a person or an animal.
pub fn is_animate(base: &str) -> bool {
    ANIMATE.contains(&base)
}

/// Whether a verb, in its base form, tells that a name is a person.
pub fn is_personal(base: &str) -> bool {
    PERSONAL.contains(&base)
}
