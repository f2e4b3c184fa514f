//! Words and marks of a sentence with their positions.

use std::ops::Range;

use crate::tag::Tag;

/// A word or a mark.
#[derive(Clone, Debug)]
pub struct Token {
    /// Bytes of the passage.
    pub bytes: Range<usize>,
    /// As in the passage.
    pub text: String,
    /// In lower case.
    pub lower: String,
    /// Its part of speech, once it is known.
    pub tag: Tag,
    /// How much worse the best reading of the sentence is in which this token has a part of speech of another kind.
    pub margin: i32,
    /// Whether the text has it after a given name or a title.
    pub is_surname: bool,
    /// Whether a quotation mark before it was left out.
    pub is_after_quote: bool,
}

impl Token {
    fn new(passage: &str, bytes: Range<usize>) -> Self {
        let text = passage[bytes.clone()].to_owned();
        let lower = text.to_lowercase().replace('’', "'");
        Self { bytes, text, lower, tag: Tag::Mark, margin: i32::MAX, is_surname: false, is_after_quote: false }
    }

    /// Whether it begins with a capital letter.
    pub fn is_capitalised(&self) -> bool {
        self.text.starts_with(char::is_uppercase)
    }

    /// Whether it has a letter or a digit.
    pub fn is_word(&self) -> bool {
        self.text.contains(char::is_alphanumeric)
    }

    /// Whether it is this word, in lower case.
    pub fn is(&self, word: &str) -> bool {
        self.lower == word
    }

    /// Whether it is one of these words, in lower case.
    pub fn is_any(&self, words: &[&str]) -> bool {
        words.contains(&self.lower.as_str())
    }
}

/// Abbreviations that keep their full stop.
const ABBREVIATIONS: [&str; 20] = [
    "mr", "mrs", "ms", "dr", "st", "jr", "sr", "prof", "gen", "col", "capt", "lt", "vs", "etc", "no", "vol", "ca", "c",
    "rev", "hon",
];

/// The tokens of a sentence. Marks are tokens of their own but for those within a word, as in "well-known", "3.5" and
/// "U.S."; "'s" and "n't" are tokens.
pub fn tokenize(passage: &str, sentence: Range<usize>) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut at = sentence.start;
    while let Some(first) = passage[at..sentence.end].chars().next() {
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let length = word_length(&passage[at..sentence.end]);
        if length == 0 {
            tokens.push(Token::new(passage, at..at + first.len_utf8()));
            at += first.len_utf8();
            continue;
        }
        let clitic = at + length - clitic_length(&passage[at..at + length]);
        tokens.push(Token::new(passage, at..clitic));
        if clitic < at + length {
            tokens.push(Token::new(passage, clitic..at + length));
        }
        at += length;
    }
    tokens
}

/// The bytes of the word at the beginning of a text; 0 if it does not begin with a word.
fn word_length(text: &str) -> usize {
    let mut letters = text.char_indices().peekable();
    let mut end = 0;
    while let Some((at, letter)) = letters.next() {
        let next = letters.peek().map(|&(_, next)| next);
        let joins = |next: Option<char>| end > 0 && next.is_some_and(char::is_alphanumeric);
        let before = text[..at].chars().next_back();
        let is_part = match letter {
            '-' => joins(next) || end > 0 && before != Some('-') && next.is_some_and(char::is_whitespace),
            '‐' | '\'' | '’' => joins(next),
            '–' => before.is_some_and(char::is_alphabetic) && next.is_some_and(char::is_alphabetic),
            '.' if is_abbreviation(&text[..at]) => true,
            ',' | '.' => {
                let digits = before.is_some_and(|it| it.is_ascii_digit());
                digits && next.is_some_and(|next| next.is_ascii_digit())
            }
            '%' => before.is_some_and(|it| it.is_ascii_digit()),
            '$' | '£' | '€' => at == 0 && next.is_some_and(|next| next.is_ascii_digit()),
            _ => letter.is_alphanumeric() || is_mark_of_letter(letter),
        };
        if !is_part {
            break;
        }
        end = at + letter.len_utf8();
    }
    end
}

/// Whether a full stop after this belongs to it: "Mr", "U", "U.S".
fn is_abbreviation(word: &str) -> bool {
    let last = word.rsplit('.').next().unwrap_or_default();
    let is_initial = last.chars().count() == 1 && last.starts_with(char::is_uppercase) && last != "I";
    is_initial || ABBREVIATIONS.contains(&word.to_lowercase().as_str())
}

fn is_mark_of_letter(letter: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&letter)
}

/// The bytes of the clitic at the end of a word: "'s", "n't", "'ll" and so on.
fn clitic_length(word: &str) -> usize {
    let lower = word.to_lowercase().replace('’', "'");
    let Some(clitic) = ["n't", "'s", "'ll", "'ve", "'re", "'d", "'m"].into_iter().find(|it| lower.ends_with(it)) else {
        return 0;
    };
    if clitic.len() == lower.len() {
        return 0;
    }
    word.chars().rev().take(clitic.chars().count()).map(char::len_utf8).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        let tokens = tokenize(text, 0..text.len());
        assert!(tokens.iter().all(|token| text[token.bytes.clone()] == token.text));
        tokens.into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn marks_are_tokens_but_within_words_and_numbers() {
        assert_eq!(texts("A well-known man, 3.5%."), ["A", "well-known", "man", ",", "3.5%", "."]);
        assert_eq!(texts("Mr. U.S. Smith paid $1,500."), ["Mr.", "U.S.", "Smith", "paid", "$1,500", "."]);
        assert_eq!(texts("(in 1990–1995)"), ["(", "in", "1990", "–", "1995", ")"]);
    }

    #[test]
    fn clitics_are_tokens() {
        assert_eq!(texts("The fox's tail didn't move."), ["The", "fox", "'s", "tail", "did", "n't", "move", "."]);
        assert_eq!(texts("the miller’s wife"), ["the", "miller", "’s", "wife"]);
        assert_eq!(texts("the foxes' den"), ["the", "foxes", "'", "den"]);
    }
}
