//! Names with their abbreviation in parentheses: "the World Health Organization (WHO)".

use std::ops::Range;

use crate::question::{Features, Rule, RuleQuestion};
use crate::token::Token;

/// Words of a name that have no letter in its abbreviation.
const WITHOUT_LETTER: [&str; 8] = ["of", "the", "and", "for", "in", "on", "to", "&"];

/// "What does WHO stand for?" for each abbreviation whose letters are the first letters of the words before it.
pub fn questions(tokens: &[Token]) -> Vec<RuleQuestion> {
    let sentence_words = tokens.iter().filter(|token| token.is_word()).count();
    let question = |at: usize| {
        let [open, abbreviation, close, ..] = &tokens[at..] else { return None };
        let name = name_before(tokens, at, &abbreviation.text)?;
        let is_pair = open.text == "(" && close.text == ")";
        is_pair.then(|| RuleQuestion {
            question: format!("What does {} stand for?", abbreviation.text),
            answer: tokens[name.start].bytes.start..tokens[name.end - 1].bytes.end,
            rule: Rule::Abbreviation,
            features: Features {
                question_words: 5,
                answer_words: name.len(),
                sentence_words,
                specific_words: 0.2,
                names: 1,
                content_words: 2,
                answers_with_name: true,
                ..Features::default()
            },
        })
    };
    (0..tokens.len()).filter_map(question).collect()
}

/// The name that ends before a token and has the letters of an abbreviation, which are at least two capital ones.
fn name_before(tokens: &[Token], end: usize, abbreviation: &str) -> Option<Range<usize>> {
    let letters: Vec<char> = abbreviation.chars().collect();
    if letters.len() < 2 || !letters.iter().all(|letter| letter.is_ascii_uppercase()) {
        return None;
    }
    let mut left = letters.len();
    let mut at = end;
    while left > 0 {
        at = at.checked_sub(1)?;
        let token = &tokens[at];
        if WITHOUT_LETTER.contains(&token.lower.as_str()) {
            continue;
        }
        // "Anti-Ballistic" has two letters.
        let parts: Vec<char> = token.text.split('-').filter_map(|part| part.chars().next()).collect();
        for first in parts.into_iter().rev() {
            left = left.checked_sub(1)?;
            if !first.eq_ignore_ascii_case(&letters[left]) {
                return None;
            }
        }
    }
    (tokens[at].text != abbreviation && end > at + 1).then_some(at..end)
}
