//! Questions about English sentences by transformation rules: grammatical by construction, without training.
//!
//! | module | contents |
//! |---|---|
//! | `token` | the words and marks of a sentence |
//! | `lexicon`, `morphology` | word lists, and the forms of verbs and nouns |
//! | `tag`, `tagger` | parts of speech |
//! | `parse` | phrases and clauses |
//! | `rules` | the transformations of a clause into questions, and what pronouns refer to |
//! | `question` | questions with features, and reasons why something was left out |
//!
//! What is doubtful is left out, with the reason. A text in another language gives no questions.

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

use parse::Sentence;
use rules::References;
use tagger::Cases;
use token::Token;

/// Longer sentences, in tokens, are left out: few of them are recognised.
const MAX_TOKENS: usize = 70;

/// The questions about each of `sentences`, which are byte ranges of `passage` in their order. A pronoun is replaced by
/// what it refers to in its sentence or in the one before, or else the question is left out.
pub fn candidates(passage: &str, sentences: &[Range<usize>]) -> Vec<Candidates> {
    let mut references = References::default();
    let mut cases = Cases::default();
    let mut tokenized = Vec::with_capacity(sentences.len());
    for sentence in sentences {
        let tokens = token::tokenize(passage, sentence.clone());
        cases.add(&tokens);
        tokenized.push(tokens);
    }
    let each = sentences.iter().zip(tokenized).enumerate();
    each.map(|(number, (sentence, tokens))| of_sentence(sentence, tokens, number, &cases, &mut references)).collect()
}

fn of_sentence(
    sentence: &Range<usize>,
    tokens: Vec<Token>,
    number: usize,
    cases: &Cases,
    references: &mut References,
) -> Candidates {
    let mut found = Candidates::default();
    let mut leave_out = |reason| {
        found.left_out.push(LeftOut { bytes: sentence.clone(), rule: None, reason });
    };
    let is_quoted = tokens.iter().any(|token| ["\"", "“", "”", "``", "''", "‘"].contains(&token.text.as_str()));
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
        rules::ask(&parsed, clause, clauses.get(at + 1), references, number, &mut found);
    }
    found
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
