//! Questions about English sentences by transformation rules: grammatical by construction, without training.
//!
//! | module | contents |
//! |---|---|
//! | `abbreviations` | questions about abbreviations |
//! | `token` | the words and marks of a sentence |
//! | `cases` | the words of a text by their case |
//! | `language` | whether a text is English |
//! | `lexicon`, `morphology` | word lists, and the forms of verbs and nouns |
//! | `tag`, `tagger` | parts of speech |
//! | `parse` | phrases and clauses |
//! | `rules` | the transformations of a clause into questions, and what pronouns refer to |
//! | `question` | questions with features, and reasons why something was left out |
//!
//! What is doubtful is left out, with the reason. A paragraph that is not English by its function
//! words gives no questions, nor does one of few words in a text that is not English.

mod abbreviations;
mod cases;
mod language;
mod lexicon;
mod morphology;
mod parse;
mod question;
mod rules;
mod tag;
mod tagger;
mod token;

use std::ops::Range;

pub use question::{Candidates, Features, LeftOut, Reason, Rule, RuleQuestion};

use cases::Cases;
use parse::Sentence;
use rules::{References, Writer};
use tag::Tag;
use token::Token;

/// Longer sentences, in tokens, are left out: few of them are recognised.
const MAX_TOKENS: usize = 70;

/// The questions about each of `sentences`, which are byte ranges of `passage` in their order. The passage is one paragraph:
/// a pronoun is replaced by what it refers to in its sentence or in one of the three before, or else the question is left
/// out.
pub fn candidates(passage: &str, sentences: &[Range<usize>]) -> Vec<Candidates> {
    let mut rules = Rules::new(passage, sentences.iter().cloned());
    rules.begin_paragraph(0..passage.len());
    sentences.iter().map(|sentence| rules.candidates(sentence)).collect()
}

/// The questions about a text, sentence by sentence.
#[derive(Debug)]
pub struct Rules<'a> {
    text: &'a str,
    cases: Cases,
    text_is_english: bool,
    paragraph_is_english: bool,
    references: References,
    /// The number of the next sentence in its paragraph.
    number: usize,
}

impl<'a> Rules<'a> {
    /// For a text with these sentences, which are byte ranges. Their words are read, but questions are only made by
    /// [`candidates`](Self::candidates).
    pub fn new(text: &'a str, sentences: impl IntoIterator<Item = Range<usize>>) -> Self {
        let text_is_english = language::is_english(text);
        let mut cases = Cases::default();
        sentences.into_iter().for_each(|sentence| cases.add(&token::tokenize(text, sentence)));
        let paragraph_is_english = text_is_english;
        Self { text, cases, text_is_english, paragraph_is_english, references: References::default(), number: 0 }
    }

    /// Begins with a paragraph, in bytes of the text. Pronouns do not refer to earlier ones. A paragraph that is not English
    /// gives no questions; one of few words is as English as the text.
    pub fn begin_paragraph(&mut self, paragraph: Range<usize>) {
        let paragraph = &self.text[paragraph];
        self.paragraph_is_english =
            if language::is_long_enough(paragraph) { language::is_english(paragraph) } else { self.text_is_english };
        self.references = References::default();
        self.number = 0;
    }

    /// The questions about the next sentence of the paragraph, in bytes of the text.
    pub fn candidates(&mut self, sentence: &Range<usize>) -> Candidates {
        if !self.paragraph_is_english {
            let left_out = LeftOut { bytes: sentence.clone(), rule: None, reason: Reason::NotEnglish };
            return Candidates { questions: Vec::new(), left_out: vec![left_out] };
        }
        let tokens = token::tokenize(self.text, sentence.clone());
        let found = of_sentence(sentence, tokens, self.number, &self.cases, &mut self.references);
        self.number += 1;
        found
    }
}

fn of_sentence(
    sentence: &Range<usize>,
    tokens: Vec<Token>,
    number: usize,
    cases: &Cases,
    references: &mut References,
) -> Candidates {
    let mut found = Candidates { questions: abbreviations::questions(&tokens), left_out: Vec::new() };
    let mut leave_out = |reason| {
        found.left_out.push(LeftOut { bytes: sentence.clone(), rule: None, reason });
    };
    let (tokens, is_quoted) = without_short_quotations(tokens);
    let (mut tokens, cut_off) = without_parentheses(tokens);
    let is_statement = tokens.last().is_some_and(|last| [".", "!"].contains(&last.text.as_str()));
    if !is_statement || tokens.len() < 4 {
        leave_out(Reason::NotAStatement);
        return found;
    }
    if tokens.len() > MAX_TOKENS {
        leave_out(Reason::TooLong);
        return found;
    }
    tagger::tag(&mut tokens, cases);
    tag_lay(&mut tokens);
    let parsed = Sentence { tokens: &tokens };
    let (mut clauses, failure) = parse::parse(&parsed);
    for clause in &mut clauses {
        clause.cut_off += cut_off;
    }
    references.add(&parsed, &clauses, number);
    if is_quoted {
        leave_out(Reason::Quotation);
        return found;
    }
    if let Some(reason) = failure {
        leave_out(reason);
    }
    for (at, clause) in clauses.iter().enumerate() {
        let is_story = cases.is_story();
        let writer = Writer { sentence: &parsed, clause, references, number, is_story };
        rules::ask(writer, clauses.get(at + 1), &mut found);
    }
    found
}

/// "The hens lay three eggs" has the verb "lay", because "lie" has no object.
fn tag_lay(tokens: &mut [Token]) {
    let sentence = Sentence { tokens };
    let has_object = |at: usize| {
        let object = parse::noun_phrase(&sentence, at + 1);
        object.is_some_and(|noun| !lexicon::LEXICON.is_time(&sentence.tokens[noun.head].lower))
    };
    let is_lay = |at: &usize| tokens[*at].is("lay") && tokens[*at].tag == Tag::Past && has_object(*at);
    let found: Vec<usize> = (0..tokens.len()).filter(is_lay).collect();
    found.into_iter().for_each(|at| tokens[at].tag = Tag::Plain);
}

/// The most words of a quotation that is a name or a term, not something that someone says.
const SHORT_QUOTATION: usize = 5;

/// The tokens without the marks of short quotations, which are terms, and whether there are others.
fn without_short_quotations(tokens: Vec<Token>) -> (Vec<Token>, bool) {
    let is_mark = |token: &Token| ["\"", "“", "”", "``", "''", "‘"].contains(&token.text.as_str());
    let marks: Vec<usize> = (0..tokens.len()).filter(|&at| is_mark(&tokens[at])).collect();
    let is_term = |pair: &[usize]| {
        let [begin, end] = pair else { return false };
        let inner = &tokens[begin + 1..*end];
        let is_short = (1..=SHORT_QUOTATION).contains(&inner.len()) && *begin > 0;
        is_short && inner.iter().all(Token::is_word) && !tokens[begin - 1].is_any(&[",", ":"])
    };
    if marks.is_empty() || !marks.chunks(2).all(is_term) {
        return (tokens, !marks.is_empty());
    }
    let mut kept: Vec<Token> = Vec::with_capacity(tokens.len());
    let mut is_after_quote = false;
    for token in tokens {
        if is_mark(&token) {
            is_after_quote = true;
        } else {
            kept.push(Token { is_after_quote, ..token });
            is_after_quote = false;
        }
    }
    (kept, false)
}

/// The tokens that are not within parentheses or brackets, and the number of pairs.
fn without_parentheses(tokens: Vec<Token>) -> (Vec<Token>, usize) {
    let (mut depth, mut pairs) = (0_usize, 0);
    let mut kept = Vec::with_capacity(tokens.len());
    for token in tokens {
        match token.text.as_str() {
            "(" | "[" => depth += 1,
            ")" | "]" => {
                // One without its beginning stays, so that the sentence is not recognised.
                if depth == 0 {
                    kept.push(token);
                } else {
                    depth -= 1;
                    pairs += 1;
                }
            }
            _ if depth == 0 => kept.push(token),
            _ => {}
        }
    }
    (kept, pairs)
}
