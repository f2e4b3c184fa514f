//! The text that tokens write, and where each of them is in it.

use std::ops::Range;

use text_prep::{Detokenizer, Tokenizer};

/// The text that tokens write together. It may differ from the text that they are the tokens of: in spaces, and in words that
/// the vocabulary does not have.
#[derive(Debug, PartialEq)]
pub(crate) struct WrittenText {
    pub text: String,
    /// Where each token is in the text, in characters. Those that write a character together are all there.
    pub tokens: Vec<Range<usize>>,
}

/// The names of the tokens of a text: what each would add to the text before it.
pub(crate) struct TokenNames<'a> {
    tokenizer: &'a Tokenizer,
    before: Detokenizer,
}

impl<'a> TokenNames<'a> {
    /// At the beginning of a text.
    pub fn new(tokenizer: &'a Tokenizer) -> Self {
        Self { tokenizer, before: tokenizer.detokenizer() }
    }

    /// The name of `id` here, see [`Tokenizer::token_text`].
    pub fn name(&self, id: u32) -> String {
        self.tokenizer.token_text(&self.before, id)
    }

    /// Goes on after `id`.
    pub fn push(&mut self, id: u32) {
        self.before.push(self.tokenizer.vocabulary.written(id));
    }
}

impl WrittenText {
    /// The text of these ids.
    pub fn new(tokenizer: &Tokenizer, ids: &[u32]) -> Self {
        let mut detokenizer = tokenizer.detokenizer();
        // The characters before what is pending.
        let mut certain = 0;
        let mut token = |&id: &u32| {
            let before = detokenizer.pending();
            let pushed = detokenizer.push(tokenizer.vocabulary.written(id)).to_owned();
            let after = pushed.clone() + &detokenizer.pending();
            // What changes nothing is a part of what is pending.
            let start = if after == before { certain } else { certain + common_characters(&before, &after) };
            let range = start..certain + after.chars().count();
            certain += pushed.chars().count();
            range
        };
        let tokens = ids.iter().map(&mut token).collect();
        Self { text: detokenizer.into_text(), tokens }
    }
}

/// The number of characters with which both begin.
fn common_characters(one: &str, other: &str) -> usize {
    one.chars().zip(other.chars()).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use text_prep::{CharacterOptions, Cleaner, OovPolicy, PreTokenizer, Vocabulary, WordOptions};

    use super::*;

    fn tokenizer(pre_tokenizer: PreTokenizer, tokens: &[&str]) -> Tokenizer {
        Tokenizer {
            cleaner: Cleaner::preset("verbatim").unwrap(),
            pre_tokenizer,
            vocabulary: Vocabulary::from_counts(tokens.iter().map(|token| (*token, 1)), 1, true),
            document_separator: None,
            oov: OovPolicy::Unknown,
        }
    }

    fn written(tokenizer: &Tokenizer, tokens: &[&str]) -> WrittenText {
        let id = |token: &&str| tokenizer.vocabulary.id(token).unwrap();
        WrittenText::new(tokenizer, &tokens.iter().map(id).collect::<Vec<_>>())
    }

    #[test]
    fn parts_of_a_syllable_are_where_the_syllable_is() {
        let tokens = ["a", "\u{1112}", "\u{1161}", "\u{11ab}"];
        let tokenizer = tokenizer(CharacterOptions::default().jamo(true).into(), &tokens);
        let found = written(&tokenizer, &tokens);
        assert_eq!(found, WrittenText { text: "a한".into(), tokens: vec![0..1, 1..2, 1..2, 1..2] });
        // Also where the last syllable may still get a final consonant.
        let found = written(&tokenizer, &["\u{1112}", "\u{1161}", "a", "\u{1112}", "\u{1161}"]);
        assert_eq!(found, WrittenText { text: "하a하".into(), tokens: vec![0..1, 0..1, 1..2, 2..3, 2..3] });
    }

    #[test]
    fn the_text_has_the_spaces_between_words() {
        let tokenizer = tokenizer(WordOptions::default().into(), &["the", "fox"]);
        let found = written(&tokenizer, &["the", "fox"]);
        assert_eq!(found, WrittenText { text: "the fox".into(), tokens: vec![0..3, 3..7] });
    }
}
