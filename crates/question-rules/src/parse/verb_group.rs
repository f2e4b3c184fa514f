//! Verbs with their auxiliaries.

use std::ops::Range;

use super::Sentence;
use crate::lexicon::LEXICON;
use crate::tag::Tag;
use crate::token::Token;

/// A finite verb with its auxiliaries and the adverbs among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerbGroup {
    /// Its tokens.
    pub tokens: Range<usize>,
    /// The first auxiliary; none for a verb without auxiliary, other than a form of "be".
    pub auxiliary: Option<usize>,
    /// The verb that carries the meaning.
    pub main: usize,
    /// Whether it has a negation.
    pub is_negative: bool,
    /// Whether it is passive.
    pub is_passive: bool,
}

impl VerbGroup {
    /// The base form of the verb that carries the meaning.
    pub fn base(&self, sentence: &Sentence) -> String {
        base_form(sentence, self.main)
    }

    /// Whether the main verb is a form of "be".
    pub fn is_copula(&self, sentence: &Sentence) -> bool {
        self.base(sentence) == "be"
    }
}

/// Whether the base form of a verb is known, not guessed.
pub fn has_known_base(sentence: &Sentence, at: usize) -> bool {
    LEXICON.base(&sentence.tokens[at].lower).is_some()
}

/// The base form of a verb.
pub fn base_form(sentence: &Sentence, at: usize) -> String {
    let Token { lower, tag, .. } = &sentence.tokens[at];
    let is_past = matches!(tag, Tag::Past | Tag::Part);
    match if is_past { LEXICON.base_of_past(lower) } else { LEXICON.base(lower) } {
        Some(base) => base.to_owned(),
        None => guess(lower, *tag),
    }
}

/// The base form of a regular verb that is in no list.
fn guess(form: &str, tag: Tag) -> String {
    let stem = match tag {
        Tag::Past | Tag::Part => form.strip_suffix("ed"),
        Tag::Ing => form.strip_suffix("ing"),
        Tag::Third => return form.strip_suffix('s').unwrap_or(form).to_owned(),
        _ => return form.to_owned(),
    };
    let Some(stem) = stem else { return form.to_owned() };
    let ends = |endings: &[&str]| endings.iter().any(|end| stem.ends_with(end));
    if let Some(stem) = stem.strip_suffix('i') {
        format!("{stem}y")
    } else if ends(&["at", "iz", "is", "ut", "ag", "ur", "iv", "uc", "erv", "olv", "ang", "enc", "anc", "ibl", "abl"]) {
        format!("{stem}e")
    } else {
        stem.to_owned()
    }
}

/// The verb group that begins at a token with a finite verb, possibly after adverbs.
pub fn verb_group(sentence: &Sentence, start: usize) -> Option<VerbGroup> {
    let tag = |at: usize| sentence.get(at).map(|token| token.tag);
    let is_adverb = |at: usize| matches!(tag(at), Some(Tag::Adv | Tag::Neg));
    let is_negation = |at: usize| tag(at) == Some(Tag::Neg);
    let mut at = start;
    let mut is_negative = false;
    while is_adverb(at) {
        is_negative |= is_negation(at);
        at += 1;
    }
    let first = at;
    if !tag(first)?.is_finite() {
        return None;
    }
    let (mut main, mut is_passive) = (first, false);
    loop {
        let mut next = main + 1;
        while is_adverb(next) {
            next += 1;
        }
        let base = base_form(sentence, main);
        let continues = match (tag(main)?, base.as_str(), tag(next)) {
            (Tag::Modal, _, Some(Tag::Inf)) => true,
            (_, "be", Some(Tag::Part | Tag::Ing)) => true,
            (_, "have", Some(Tag::Part)) => true,
            (_, "do", Some(Tag::Inf)) => next > main + 1 || main == first,
            _ => false,
        };
        if !continues {
            break;
        }
        is_passive = base == "be" && tag(next) == Some(Tag::Part);
        main = next;
    }
    is_negative |= (first..=main + 1).any(is_negation);
    let end = if is_negation(main + 1) { main + 2 } else { main + 1 };
    let has_auxiliary = main > first || base_form(sentence, first) == "be" || tag(first) == Some(Tag::Modal);
    Some(VerbGroup { tokens: start..end, auxiliary: has_auxiliary.then_some(first), main, is_negative, is_passive })
}
