//! Word lists, and the parts of speech that a word can have.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use crate::morphology::{singular, third_person, with_ed, with_ing, with_s};
use crate::tag::Tag;

/// A part of speech with its weight: 0 is usual, less is rarer.
pub type Choice = (Tag, i32);

/// Everything that is known of words.
pub struct Lexicon {
    choices: HashMap<String, Vec<Choice>>,
    bases: HashMap<String, String>,
    /// Of forms of the past that are base forms of other verbs as well: "found", "saw".
    past_bases: HashMap<String, String>,
    people: HashSet<&'static str>,
    men: HashSet<&'static str>,
    women: HashSet<&'static str>,
    men_names: HashSet<&'static str>,
    women_names: HashSet<&'static str>,
    titles: HashSet<&'static str>,
    times: HashSet<&'static str>,
    places: HashSet<&'static str>,
    nationalities: HashSet<&'static str>,
    closed: HashSet<&'static str>,
    foreign: HashSet<&'static str>,
    /// What a named place is: "germany" is a country.
    named_places: HashMap<String, &'static str>,
}

/// The word lists of this crate.
pub static LEXICON: LazyLock<Lexicon> = LazyLock::new(Lexicon::load);

/// Function words and irregular forms, each with its parts of speech.
const CLOSED: &str = include_str!("lexicon/closed.txt");

/// The gender of a person or an animal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gender {
    /// "he"
    Male,
    /// "she"
    Female,
    /// Either.
    Unknown,
}

/// How much rarer a verb is than the noun that is spelled alike, where the list of verbs does not have it.
const RARE_VERB: i32 = -4;

impl Lexicon {
    fn load() -> Self {
        let mut lexicon = Self {
            choices: HashMap::new(),
            bases: HashMap::new(),
            past_bases: HashMap::new(),
            people: words(include_str!("lexicon/people.txt")),
            men: marked(include_str!("lexicon/gender.txt"), "m"),
            women: marked(include_str!("lexicon/gender.txt"), "f"),
            men_names: marked(include_str!("lexicon/given_names.txt"), "m"),
            women_names: marked(include_str!("lexicon/given_names.txt"), "f"),
            titles: words(include_str!("lexicon/titles.txt")),
            times: words(include_str!("lexicon/times.txt")),
            places: words(include_str!("lexicon/places.txt")),
            nationalities: words(include_str!("lexicon/nationalities.txt")),
            closed: CLOSED.lines().filter_map(|line| line.split_whitespace().next()).collect(),
            foreign: words(include_str!("lexicon/foreign.txt")),
            named_places: kinds_of_places(include_str!("lexicon/named_places.txt")),
        };
        for noun in words(include_str!("lexicon/nouns.txt")) {
            lexicon.add(noun, Tag::Noun, 0);
            lexicon.add(&with_s(noun), Tag::Nouns, 0);
        }
        let nouns = words(include_str!("lexicon/nouns_also_verbs.txt"));
        let verbs = words(include_str!("lexicon/verbs.txt"));
        let irregular: HashMap<&str, (&str, &str)> = include_str!("lexicon/irregular_verbs.txt")
            .lines()
            .filter_map(|line| {
                let mut forms = line.split_whitespace();
                Some((forms.next()?, (forms.next()?, forms.next()?)))
            })
            .collect();
        for &noun in nouns.iter().chain(&lexicon.people.clone()).chain(&lexicon.places.clone()) {
            lexicon.add(noun, Tag::Noun, 0);
            lexicon.add(&with_s(noun), Tag::Nouns, 0);
        }
        let mut all: Vec<&str> = verbs.union(&nouns).copied().collect();
        all.extend(irregular.keys().filter(|base| !verbs.contains(**base) && !nouns.contains(**base)));
        for base in all {
            let weight = if verbs.contains(base) || irregular.contains_key(base) { 0 } else { RARE_VERB };
            let (past, participle) = match irregular.get(base) {
                Some(&(past, participle)) => (past.to_owned(), participle.to_owned()),
                None => (with_ed(base), with_ed(base)),
            };
            for form in [&past, &participle].into_iter().filter(|form| *form != base) {
                lexicon.past_bases.insert(form.clone(), base.to_owned());
            }
            let forms = [
                (base.to_owned(), Tag::Inf, weight),
                (base.to_owned(), Tag::Plain, if past == base { weight - 2 } else { weight }),
                (third_person(base), Tag::Third, weight),
                (past, Tag::Past, 0),
                (participle, Tag::Part, 0),
                (with_ing(base), Tag::Ing, 0),
            ];
            for (form, tag, weight) in forms {
                lexicon.add(&form, tag, weight);
                let is_known =
                    lexicon.bases.get(&form).is_some_and(|known| known.len() >= base.len() || form == *known);
                if !is_known || form == base {
                    lexicon.bases.insert(form, base.to_owned());
                }
            }
        }
        for (form, base) in [("am", "be"), ("are", "be"), ("is", "be"), ("were", "be"), ("was", "be")] {
            lexicon.bases.insert(form.into(), base.into());
            lexicon.past_bases.insert(form.into(), base.into());
        }
        // "found" is the past of "find" more often than a verb of its own.
        for form in lexicon.past_bases.keys() {
            let choices = lexicon.choices.get_mut(form).map(Vec::as_mut_slice).unwrap_or_default();
            if choices.iter().any(|choice| choice.0 == Tag::Past) {
                for choice in choices.iter_mut().filter(|choice| matches!(choice.0, Tag::Plain | Tag::Inf)) {
                    choice.1 -= 2;
                }
            }
        }
        for adjective in words(include_str!("lexicon/adjectives.txt")).union(&lexicon.nationalities.clone()) {
            lexicon.add(adjective, Tag::Adj, 0);
            for form in comparison(adjective) {
                lexicon.add(&form, Tag::Adj, 0);
            }
        }
        for line in CLOSED.lines() {
            let mut parts = line.split_whitespace();
            let Some(word) = parts.next() else { continue };
            let tags = parts.filter_map(Tag::by_name).enumerate();
            lexicon.choices.insert(word.into(), tags.map(|(at, tag)| (tag, -(at as i32))).collect());
        }
        lexicon
    }

    fn add(&mut self, word: &str, tag: Tag, weight: i32) {
        let choices = self.choices.entry(word.into()).or_default();
        if !choices.iter().any(|(known, _)| *known == tag) {
            choices.push((tag, weight));
        }
    }

    /// The parts of speech that a lower-case word can have, if it is in a list.
    pub fn known(&self, word: &str) -> Option<&[Choice]> {
        self.choices.get(word).map(Vec::as_slice)
    }

    /// The base form of a verb that is in a list.
    pub fn base(&self, form: &str) -> Option<&str> {
        self.bases.get(form).map(String::as_str)
    }

    /// The base form of a past tense or participle that is in a list.
    pub fn base_of_past(&self, form: &str) -> Option<&str> {
        self.past_bases.get(form).map(String::as_str).or_else(|| self.base(form))
    }

    /// Whether a noun, in lower case, is a person or an animal of a fable. "Germans" are persons, "German" may be a language.
    pub fn is_person(&self, noun: &str) -> bool {
        let one = singular(noun);
        let is_people = one != noun && self.nationalities.contains(one.as_str());
        self.people.contains(noun) || self.people.contains(one.as_str()) || is_people
    }

    /// What a place is that has this name, in lower case and without "the": "country".
    pub fn kind_of_place(&self, name: &str) -> Option<&'static str> {
        self.named_places.get(name).copied()
    }

    /// Whether it is an English function word, in lower case.
    pub fn is_closed(&self, word: &str) -> bool {
        self.closed.contains(word)
    }

    /// Whether it is a function word of another language and no English word, in lower case.
    pub fn is_foreign(&self, word: &str) -> bool {
        self.foreign.contains(word)
    }

    /// The gender of a person, an animal or a given name, in lower case.
    pub fn gender(&self, word: &str) -> Gender {
        if self.men.contains(word) || self.men_names.contains(word) {
            Gender::Male
        } else if self.women.contains(word) || self.women_names.contains(word) {
            Gender::Female
        } else {
            Gender::Unknown
        }
    }

    /// Whether it is an adjective that is capitalised, in lower case.
    pub fn is_nationality(&self, word: &str) -> bool {
        self.nationalities.contains(word)
    }

    /// Whether it is a given name, in lower case.
    pub fn is_given_name(&self, word: &str) -> bool {
        self.men_names.contains(word) || self.women_names.contains(word)
    }

    /// Whether it is a title before a name, in lower case.
    pub fn is_title(&self, word: &str) -> bool {
        self.titles.contains(word.trim_end_matches('.'))
    }

    /// Whether it is a unit or a name of time, in lower case.
    pub fn is_time(&self, word: &str) -> bool {
        self.times.contains(word)
    }

    /// Whether it is a place, in lower case.
    pub fn is_place(&self, word: &str) -> bool {
        self.places.contains(word) || self.places.contains(singular(word).as_str())
    }
}

fn words(list: &'static str) -> HashSet<&'static str> {
    list.split_whitespace().collect()
}

/// The names of the lines that begin with what they name. Names of several words have underscores.
fn kinds_of_places(list: &'static str) -> HashMap<String, &'static str> {
    let lines = list.lines().filter_map(|line| line.split_once(' '));
    lines.flat_map(|(kind, names)| names.split(' ').map(move |name| (name.replace('_', " "), kind))).collect()
}

/// The comparative and the superlative of a short adjective.
fn comparison(adjective: &str) -> Vec<String> {
    let vowels = adjective.chars().filter(|letter| "aeiouy".contains(*letter)).count();
    if vowels > 3 || adjective.len() > 7 || adjective.ends_with("er") || adjective.contains('-') {
        return Vec::new();
    }
    // "bigger" is formed like "stopped".
    let with_ed = with_ed(adjective);
    let Some(stem) = with_ed.strip_suffix("ed") else { return Vec::new() };
    ["er", "est"].iter().map(|ending| format!("{stem}{ending}")).collect()
}

/// The words of the lines that begin with `mark`.
fn marked(list: &'static str, mark: &str) -> HashSet<&'static str> {
    let lines = list.lines().filter_map(|line| line.strip_prefix(mark)?.strip_prefix(' '));
    lines.flat_map(str::split_whitespace).collect()
}

/// Whether a word that is in no list has the ending of an abstract noun.
pub fn is_derived(word: &str) -> bool {
    let endings = [
        "ness", "ment", "tion", "sion", "ity", "ism", "ship", "ance", "ence", "logy", "ure", "tions", "sions", "ments",
    ];
    endings.iter().any(|end| word.len() > end.len() + 2 && word.ends_with(end))
}

/// The parts of speech of a word that is in no list, by its ending.
pub fn by_ending(word: &str) -> Vec<Choice> {
    let ends = |endings: &[&str]| endings.iter().any(|end| word.len() > end.len() + 2 && word.ends_with(end));
    if let Some((_, last)) = word.rsplit_once('-') {
        let is_modifier = last.ends_with("ed") || last.ends_with("ing") || last == "old" || word.starts_with("non-");
        return if is_modifier { vec![(Tag::Adj, 0)] } else { vec![(Tag::Noun, 0), (Tag::Adj, 0)] };
    }
    if ends(&["ly"]) {
        vec![(Tag::Adv, 0)]
    } else if ends(&["ing"]) {
        vec![(Tag::Ing, 0), (Tag::Noun, -2)]
    } else if word.starts_with("un") && ends(&["ed"]) {
        vec![(Tag::Adj, 0), (Tag::Part, -1)]
    } else if ends(&["ed"]) {
        vec![(Tag::Past, 0), (Tag::Part, 0), (Tag::Adj, -2)]
    } else if is_derived(word) && !ends(&["ns", "ts"]) || ends(&["ian", "ist"]) {
        vec![(Tag::Noun, 0)]
    } else if ends(&["ous", "ful", "ive", "able", "ible", "less", "ical", "ial", "ish"]) {
        vec![(Tag::Adj, 0), (Tag::Noun, -3)]
    } else if ends(&["al", "ic", "ary", "ory", "ian", "ant", "ent"]) {
        vec![(Tag::Adj, 0), (Tag::Noun, -1)]
    } else if ends(&["ize", "ise", "ify"]) {
        vec![(Tag::Inf, 0), (Tag::Plain, 0), (Tag::Noun, -3)]
    } else if ends(&["ss", "us", "is"]) {
        vec![(Tag::Noun, 0)]
    } else if ends(&["izes", "ises", "ifies"]) {
        vec![(Tag::Third, 0), (Tag::Nouns, -2)]
    } else if ends(&["s"]) {
        vec![(Tag::Nouns, 0)]
    } else if ends(&["est"]) {
        vec![(Tag::Adj, 0), (Tag::Noun, 0)]
    } else {
        vec![(Tag::Noun, 0), (Tag::Adj, -4)]
    }
}
