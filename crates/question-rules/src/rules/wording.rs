//! The words of a question: parts of the sentence, with pronouns replaced, and words of the rules.

use std::ops::Range;

use super::reference::{Pronoun, References, can_own, can_refer};
use super::specific::definite;
use crate::lexicon::LEXICON;
use crate::morphology::third_person;
use crate::parse::{Clause, Sentence, VerbGroup, has_known_base};
use crate::question::Reason;
use crate::tag::Tag;
use crate::token::Token;

/// A part of a question.
#[derive(Clone, Debug)]
pub enum Piece {
    /// Tokens of the sentence.
    Tokens(Range<usize>),
    /// Words of a rule.
    Words(String),
}

/// A question's text with what was done to it.
#[derive(Clone, Debug, Default)]
pub struct Wording {
    /// Without the question mark.
    pub text: String,
    /// Its words.
    pub words: usize,
    /// Pronouns that were replaced.
    pub replaced: usize,
    /// Words that could have another part of speech.
    pub ambiguous: usize,
    /// Names and numbers.
    pub specific: usize,
    /// Nouns, names, numbers, adjectives and verbs.
    pub content: usize,
    /// Names, each of one or more words.
    pub names: usize,
    /// Descriptions without a name such as "the city", for which a reader needs the text.
    pub definites: usize,
    /// Longer ones, such as "the old bridge over the river".
    pub described: usize,
}

/// Words that refer to another sentence.
const CONTEXT: [&str; 31] = [
    "today",
    "tomorrow",
    "yesterday",
    "tonight",
    "this",
    "these",
    "those",
    "such",
    "here",
    "former",
    "latter",
    "other",
    "others",
    "another",
    "same",
    "above",
    "following",
    "ones",
    "i",
    "we",
    "you",
    "me",
    "us",
    "my",
    "our",
    "your",
    "there",
    "similar",
    "respectively",
    "mine",
    "yours",
];
/// Verbs that mean little, in their base form.
const LIGHT: [&str; 5] = ["be", "have", "do", "get", "make"];
/// Verbs after an "it" that refers to nothing.
const IMPERSONAL: [&str; 10] = ["be", "begin", "rain", "snow", "seem", "happen", "appear", "become", "grow", "take"];
/// Pronouns that can be replaced.
const PERSONAL: [&str; 10] = ["he", "she", "it", "they", "him", "her", "them", "his", "its", "their"];
/// Adverbs that connect sentences, which a question does not need.
const CONNECTING: [&str; 18] = [
    "also",
    "then",
    "thus",
    "therefore",
    "however",
    "too",
    "instead",
    "hence",
    "so",
    "moreover",
    "furthermore",
    "nevertheless",
    "meanwhile",
    "indeed",
    "again",
    "still",
    "just",
    "now",
];

/// What is needed to word a question about a clause.
pub struct Writer<'a> {
    /// The sentence.
    pub sentence: &'a Sentence<'a>,
    /// The clause.
    pub clause: &'a Clause,
    /// What pronouns refer to.
    pub references: &'a References,
    /// The number of the sentence.
    pub number: usize,
    /// Whether the text has almost no names.
    pub is_story: bool,
}

impl Writer<'_> {
    /// The words of a question.
    pub fn write(&self, pieces: &[Piece]) -> Result<Wording, Reason> {
        let mut wording = Wording::default();
        for piece in pieces {
            match piece {
                Piece::Words(words) => {
                    for word in words.split_whitespace() {
                        push(&mut wording.text, word, true);
                        wording.words += 1;
                        wording.content += usize::from(LEXICON.base(word) == Some(word) && !LIGHT.contains(&word));
                    }
                }
                Piece::Tokens(range) => self.write_tokens(range.clone(), &mut wording)?,
            }
        }
        let mut letters = wording.text.chars();
        if let Some(first) = letters.next() {
            wording.text = first.to_uppercase().chain(letters).collect();
        }
        Ok(wording)
    }

    fn write_tokens(&self, range: Range<usize>, wording: &mut Wording) -> Result<(), Reason> {
        let (start, length) = (range.start, range.len());
        let mut skipped_to = start;
        for at in range.clone() {
            if at < skipped_to {
                continue;
            }
            if let Some(definite) = definite(self.sentence, at, range.end) {
                let kind = &self.sentence.tokens[at + 1].lower;
                if let Some(name) = self.references.named(kind, self.number).filter(|_| definite.is_bare) {
                    push(&mut wording.text, name, true);
                    wording.words += name.split(' ').count();
                    wording.specific += 1;
                    wording.names += 1;
                    wording.content += 1;
                    wording.replaced += 1;
                    skipped_to = at + 2;
                    continue;
                }
                wording.definites += usize::from(definite.is_bare);
                wording.described += usize::from(!definite.is_bare);
            }
            let token = &self.sentence.tokens[at];
            let is_of_verb = self.clause.verb.tokens.contains(&at) || length == 1;
            // "so many that …"
            let next = self.sentence.get(at + 1).map(|next| next.tag);
            let is_degree = token.is("so") && matches!(next, Some(Tag::Adj | Tag::Adv | Tag::Det));
            if token.tag == Tag::Adv && token.is_any(&CONNECTING) && is_of_verb && !is_degree {
                continue;
            }
            let before_of = self.sentence.get(at + 1).is_some_and(|next| next.is("of"));
            let before_time = self.sentence.get(at + 1).is_some_and(|next| LEXICON.is_time(&next.lower));
            let refers = token.is("that") && before_time
                || token.is("that") && (before_of || matches!(token.tag, Tag::Det | Tag::Pron))
                || token.tag == Tag::Pron && !token.is_any(&PERSONAL) && !token.lower.contains("sel");
            if refers {
                return Err(Reason::NeedsContext);
            }
            if token.is_any(&CONTEXT)
                && !(token.is("other") && self.sentence.get(at + 1).is_some_and(|it| it.is("than")))
            {
                return Err(Reason::NeedsContext);
            }
            let glued = at > start && self.sentence.tokens[at - 1].bytes.end == token.bytes.start;
            let is_mark = !token.is_word() && !["“", "\"", "‘"].contains(&token.text.as_str());
            let separate = !(glued || is_mark && token.text == ",");
            let replacement = self.replacement(at, token)?;
            if replacement.is_some() {
                wording.replaced += 1;
                wording.names += 1;
            }
            let text = replacement.unwrap_or_else(|| spelling(token, self.is_first(at)));
            push(&mut wording.text, &text, separate);
            wording.words += usize::from(token.is_word() && token.tag != Tag::Owner);
            wording.ambiguous += usize::from(token.margin <= 2);
            wording.specific += usize::from(matches!(token.tag, Tag::Name | Tag::Num));
            let continues = at > start && self.sentence.tokens[at - 1].tag == Tag::Name;
            wording.names += usize::from(self.is_own_name(at) && !continues);
            let is_content = token.tag.is_noun() || token.tag.is_verb() || matches!(token.tag, Tag::Adj | Tag::Num);
            let is_light =
                token.tag == Tag::Modal || LEXICON.base(&token.lower).is_some_and(|base| LIGHT.contains(&base));
            wording.content += usize::from(is_content && !is_light);
        }
        Ok(())
    }

    /// What stands for a pronoun; `None` if the token stays.
    fn replacement(&self, at: usize, token: &Token) -> Result<Option<String>, Reason> {
        let is_owner = token.tag == Tag::Poss;
        if !(is_owner || token.tag == Tag::Pron) {
            return Ok(None);
        }
        if !token.is_any(&PERSONAL) {
            return Ok(None);
        }
        let subject = &self.clause.subject;
        let is_subject = subject.tokens.contains(&at);
        let in_subject = is_subject && !subject.is_pronoun(self.sentence);
        // "a woodcutter and his wife"
        if in_subject && is_owner && subject.head < at && can_refer(self.sentence, &subject.core(), &token.lower) {
            return Ok(None);
        }
        // "the fox lost his tail": refers to the subject, which is in the question or is asked about.
        if is_owner && !is_subject && can_own(self.sentence, subject, &token.lower) {
            let objects = self.clause.phrases.iter().filter(|phrase| phrase.tokens.end <= at);
            let others = objects.filter_map(|phrase| phrase.noun.as_ref());
            let is_unique = !others.into_iter().any(|noun| can_refer(self.sentence, noun, &token.lower));
            if is_unique {
                return Ok(None);
            }
        }
        let is_first = is_subject && !in_subject;
        // Whose it is, is rarely certain: "the doctors by their use of herbs".
        if is_owner {
            return Err(Reason::UnknownReference);
        }
        // "it began to rain", "it seems", "it was late"
        let verb = self.clause.verb.base(self.sentence);
        if is_first && token.is("it") && IMPERSONAL.contains(&verb.as_str()) {
            return Err(Reason::UnknownReference);
        }
        let pronoun = Pronoun { word: &token.lower, number: self.number, token: at, is_subject: is_first };
        let found = self.references.resolve(&pronoun, self.is_story);
        let Some(name) = found else { return Err(Reason::UnknownReference) };
        if !is_first && can_refer(self.sentence, subject, &token.lower) {
            // An object that cannot be the subject itself.
            return Err(Reason::UnknownReference);
        }
        Ok(Some(name.to_owned()))
    }

    /// Whether a token is a name, but not of a month or a weekday.
    fn is_own_name(&self, at: usize) -> bool {
        let token = &self.sentence.tokens[at];
        token.tag == Tag::Name && !LEXICON.is_time(&token.lower) || LEXICON.is_nationality(&token.lower)
    }

    /// Whether a token is the first word of the sentence.
    fn is_first(&self, at: usize) -> bool {
        !self.sentence.tokens[..at].iter().any(Token::is_word)
    }

    /// The first auxiliary, or a form of "do", and the other pieces of the verb with the main verb in its form after it.
    pub fn inverted(&self) -> Result<(String, Vec<Piece>), Reason> {
        let VerbGroup { tokens, auxiliary, main, .. } = &self.clause.verb;
        let (tokens, main) = (tokens.clone(), *main);
        if let Some(auxiliary) = *auxiliary {
            let word = &self.sentence.tokens[auxiliary];
            if word.text.starts_with(['\'', '’']) || word.is_any(&["ca", "wo"]) {
                return Err(Reason::UnclearStructure);
            }
            let pieces = vec![Piece::Tokens(tokens.start..auxiliary), Piece::Tokens(auxiliary + 1..tokens.end)];
            return Ok((word.lower.clone(), pieces));
        }
        let word = &self.sentence.tokens[main];
        let auxiliary = match word.tag {
            Tag::Past => "did",
            Tag::Third => "does",
            _ => "do",
        };
        let base = self.clause.verb.base(self.sentence);
        if !has_known_base(self.sentence, main) {
            return Err(Reason::UnclearStructure);
        }
        if base == "use" && self.sentence.get(main + 1).is_some_and(|next| next.tag == Tag::To) {
            return Err(Reason::UnclearStructure);
        }
        let pieces = vec![Piece::Tokens(tokens.start..main), Piece::Words(base), Piece::Tokens(main + 1..tokens.end)];
        Ok((auxiliary.into(), pieces))
    }

    /// The verb after "who" or "what", which are singular.
    pub fn singular_verb(&self) -> Vec<Piece> {
        let VerbGroup { tokens, auxiliary, main, .. } = &self.clause.verb;
        let first = auxiliary.unwrap_or(*main);
        let token = &self.sentence.tokens[first];
        let word = match token.lower.as_str() {
            "were" => "was".into(),
            "are" | "am" => "is".into(),
            "have" if token.tag == Tag::Plain => "has".into(),
            _ if token.tag == Tag::Plain => third_person(&self.clause.verb.base(self.sentence)),
            _ => return vec![Piece::Tokens(tokens.clone())],
        };
        vec![Piece::Tokens(tokens.start..first), Piece::Words(word), Piece::Tokens(first + 1..tokens.end)]
    }
}

/// A word of the sentence, which is capitalised at its beginning only if it is a name.
fn spelling(token: &Token, is_first: bool) -> String {
    let keeps = token.tag == Tag::Name
        || LEXICON.is_nationality(&token.lower)
        || token.text.chars().skip(1).any(char::is_uppercase);
    if is_first && !keeps { token.text.to_lowercase() } else { token.text.clone() }
}

fn push(text: &mut String, word: &str, separate: bool) {
    if separate && !text.is_empty() {
        text.push(' ');
    }
    text.push_str(word);
}
