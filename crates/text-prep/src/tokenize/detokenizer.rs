//! Joins tokens to text, one token at a time.

use super::PreTokenizer;
use super::characters::CharacterDetokenizer;
use super::word_spacing::WordDetokenizer;
use crate::clean::Cleaner;
use crate::subwords::SubwordDetokenizer;

/// Joins the tokens of one text.
///
/// The last syllable, or the last character of subwords, may be incomplete, so a part of the text may be pending until
/// the next token. Take the text from [`into_text`](Self::into_text), or, when streaming, the outputs of
/// [`push`](Self::push) and at the end that of [`finish`](Self::finish).
///
/// Properties, tested on random text:
/// - characters: `join(split(text)) == text` for all options (lower case with [`Capitals::Lower`]);
///   the concatenated outputs are the text, and no output ends inside a syllable;
/// - words: `split(clean(join(tokens))) == tokens` for tokens of a text cleaned by a preset. This holds
///   between document separators (a paragraph break is not a separator, and `keras-lowercase` prepends
///   separators), and not for stems;
/// - words of scripts without spaces, divided by a dictionary: `join(split(text)) == text` for text of such letters and
///   single spaces;
/// - subwords: `join(encode(text)) == text`; the concatenated outputs are the text, and bytes that are not UTF-8 are
///   U+FFFD.
///
/// [`Capitals::Lower`]: super::Capitals::Lower
#[derive(Clone, Debug)]
pub struct Detokenizer {
    text: String,
    kind: Kind,
}

/// What a token would change at the end of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddedText {
    /// The text that it would add.
    pub text: String,
    /// The characters of the pending text in whose place it would be, because the token completes a syllable.
    pub replaces: usize,
}

#[derive(Clone, Debug)]
enum Kind {
    Words(WordDetokenizer),
    Characters(CharacterDetokenizer),
    Subwords(SubwordDetokenizer),
}

impl Detokenizer {
    /// A detokenizer for the tokens of `pre_tokenizer`. Assumes that cleaning puts spaces around Unicode
    /// punctuation, as the preset `prose` does.
    pub fn new(pre_tokenizer: &PreTokenizer, document_separator: Option<&str>) -> Self {
        let kind = match pre_tokenizer {
            PreTokenizer::Words(_) | PreTokenizer::Spans(_) => {
                Kind::Words(WordDetokenizer::new(document_separator, pre_tokenizer.segmentation()))
            }
            PreTokenizer::Characters(options) => Kind::Characters(CharacterDetokenizer::new(*options)),
            PreTokenizer::Subwords(_) => Kind::Subwords(SubwordDetokenizer::default()),
        };
        Self { text: String::new(), kind }
    }

    /// Uses spacing that `cleaner` undoes, so that cleaning the text gives the same tokens again.
    #[must_use]
    pub fn for_cleaner(mut self, cleaner: &Cleaner) -> Self {
        if let Kind::Words(words) = &mut self.kind {
            words.set_cleaner(cleaner);
        }
        self
    }

    /// Adds a token and returns the text that is determined by it, which may be empty. An empty token, such as what a text
    /// has for a document token, changes nothing.
    pub fn push(&mut self, token: &str) -> &str {
        let start = self.text.len();
        match &mut self.kind {
            _ if token.is_empty() => {}
            Kind::Words(words) => words.push(token, &mut self.text),
            Kind::Characters(characters) => characters.push(token, &mut self.text),
            Kind::Subwords(subwords) => subwords.push(token, &mut self.text),
        }
        &self.text[start..]
    }

    /// Returns the pending text. Later tokens are not composed with it.
    pub fn finish(&mut self) -> &str {
        let start = self.text.len();
        match &mut self.kind {
            Kind::Words(_) => {}
            Kind::Characters(characters) => characters.finish(&mut self.text),
            Kind::Subwords(subwords) => subwords.finish(&mut self.text),
        }
        &self.text[start..]
    }

    /// The pending text, as [`finish`](Self::finish) would return it.
    pub fn pending(&self) -> String {
        let mut text = String::new();
        match &self.kind {
            Kind::Words(_) => {}
            Kind::Characters(characters) => characters.clone().finish(&mut text),
            Kind::Subwords(subwords) => subwords.clone().finish(&mut text),
        }
        text
    }

    /// What [`push`](Self::push) with `token` would change, with what would be pending after it.
    pub fn added(&self, token: &str) -> AddedText {
        // White space before a token depends on the last character.
        let text = self.text.chars().next_back().map_or_else(String::new, String::from);
        let mut next = Self { text, kind: self.kind.clone() };
        let (before, after) = (self.pending(), next.push(token).to_owned() + &next.pending());
        let kept = before.chars().zip(after.chars()).take_while(|(a, b)| a == b).count();
        AddedText { text: after.chars().skip(kept).collect(), replaces: before.chars().count() - kept }
    }

    /// Ends a document, which writes nothing but pending text: the next token is written as the first of a text.
    pub fn end_document(&mut self) -> &str {
        let start = self.text.len();
        self.finish();
        match &mut self.kind {
            Kind::Words(words) => words.end_document(),
            Kind::Characters(characters) => characters.end_document(),
            Kind::Subwords(_) => {}
        }
        &self.text[start..]
    }

    /// The text so far, without pending text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The whole text, including pending text.
    pub fn into_text(mut self) -> String {
        self.finish();
        self.text
    }
}

impl<'a> Extend<&'a str> for Detokenizer {
    fn extend<T: IntoIterator<Item = &'a str>>(&mut self, tokens: T) {
        for token in tokens {
            self.push(token);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_normalization::{UnicodeNormalization, is_nfc};

    use super::super::hangul::is_conjoining;
    use super::super::tests::{character_options, tokens};
    use super::super::{Capitals, CharacterOptions};
    use super::*;
    use crate::chars::push_lower;
    use crate::test_strategies;

    /// The outputs of `push` for each token, and of `finish`.
    fn outputs(pre_tokenizer: &PreTokenizer, tokens: &[String]) -> Vec<String> {
        let mut detokenizer = Detokenizer::new(pre_tokenizer, Some("|"));
        let mut outputs: Vec<String> = tokens.iter().map(|token| detokenizer.push(token).to_owned()).collect();
        let pending = detokenizer.pending();
        assert_eq!(added(pre_tokenizer, tokens), outputs.concat() + &pending);
        outputs.push(detokenizer.finish().to_owned());
        assert_eq!(outputs.last(), Some(&pending));
        assert_eq!(detokenizer.text(), outputs.concat());
        assert_eq!(detokenizer.into_text(), outputs.concat());
        outputs
    }

    /// The text of the tokens by what each of them adds.
    fn added(pre_tokenizer: &PreTokenizer, tokens: &[String]) -> String {
        let mut detokenizer = Detokenizer::new(pre_tokenizer, Some("|"));
        let mut text: Vec<char> = Vec::new();
        for token in tokens {
            let added = detokenizer.added(token);
            text.truncate(text.len() - added.replaces);
            text.extend(added.text.chars());
            detokenizer.push(token);
        }
        text.into_iter().collect()
    }

    fn expected(options: CharacterOptions, text: &str) -> String {
        let mut lower = String::new();
        match options.capitals {
            Capitals::Lower => push_lower(text, &mut lower),
            Capitals::Keep | Capitals::Shift => lower.push_str(text),
        }
        lower
    }

    #[test]
    fn all_short_texts_of_difficult_characters_round_trip() {
        const LETTERS: [&str; 12] = ["가", "각", "ᄀ", "ᅡ", "ᆨ", "ᆞ", "ㄱ", "a", "A", "ǅ", "\u{301}", "<shift>"];
        let mut texts = vec![String::new()];
        for _ in 0..4 {
            let longer = |text: &String| LETTERS.map(|letter| format!("{text}{letter}"));
            texts = texts.iter().flat_map(longer).collect();
            for characters in character_options() {
                let pre_tokenizer = PreTokenizer::Characters(characters);
                for text in &texts {
                    let joined = outputs(&pre_tokenizer, &tokens(&pre_tokenizer, text)).concat();
                    assert_eq!(joined, expected(characters, text), "{characters:?}");
                }
            }
        }
        assert_eq!(texts.len(), 20_736);
    }

    #[test]
    fn after_the_end_of_a_document_a_token_is_written_as_the_first_of_a_text() {
        let characters = CharacterOptions::default().jamo(true).capitals(Capitals::Shift);
        for (pre_tokenizer, first, expected) in [
            (PreTokenizer::from(crate::WordOptions::default()), &["a", "\"", "b"][..], "a \"b"),
            (characters.into(), &["a", "\u{1100}", "\u{1161}", "<shift>"][..], "a가"),
        ] {
            for second in [&["c", "\"", "d"][..], &["\u{11ab}", "c"]] {
                let alone =
                    outputs(&pre_tokenizer, &second.iter().map(ToString::to_string).collect::<Vec<_>>()).concat();
                let mut both = Detokenizer::new(&pre_tokenizer, None);
                both.extend(first.iter().copied());
                both.end_document();
                assert_eq!(both.text(), expected);
                both.extend(second.iter().copied());
                assert_eq!(both.into_text(), format!("{expected}{alone}"));
            }
        }
    }

    proptest! {
        #![proptest_config(test_strategies::cases(1024))]

        #[test]
        fn joined_characters_equal_the_text(text in test_strategies::text()) {
            for characters in character_options() {
                let pre_tokenizer = PreTokenizer::Characters(characters);
                let tokens = tokens(&pre_tokenizer, &text);
                let joined = outputs(&pre_tokenizer, &tokens).concat();
                prop_assert_eq!(&joined, &expected(characters, &text), "{:?}", tokens);
            }
        }

        #[test]
        fn no_output_ends_inside_a_syllable(text in test_strategies::text()) {
            let text: String = text.chars().filter(|&c| !is_conjoining(c)).nfc().collect();
            for characters in character_options() {
                let pre_tokenizer = PreTokenizer::Characters(characters);
                let tokens = tokens(&pre_tokenizer, &text);
                prop_assert!(!tokens.iter().any(|token| token == super::super::JAMO_SEPARATOR));
                for output in outputs(&pre_tokenizer, &tokens) {
                    prop_assert!(!output.contains(is_conjoining), "{:?} of {:?}", output, tokens);
                }
            }
        }

        #[test]
        fn tokens_in_any_order_are_composed_at_most_once(order in prop::collection::vec(0usize..8, 0..12)) {
            // A model samples tokens in any order; the text must be in NFC anyway.
            const TOKENS: [&str; 8] =
                ["\u{1112}", "\u{1161}", "\u{11ab}", "<seam>", "<shift>", "a", "A", "\u{301}"];
            let characters = CharacterOptions::default().jamo(true).capitals(Capitals::Shift);
            let mut detokenizer = Detokenizer::new(&PreTokenizer::Characters(characters), None);
            detokenizer.extend(order.iter().map(|&at| TOKENS[at]));
            let text = detokenizer.into_text();
            let plain = order.iter().map(|&at| TOKENS[at]).filter(|token| token.len() < 4);
            let plain: String = plain.collect();
            prop_assert_eq!(text.nfd().collect::<String>().to_lowercase(), plain.nfd().collect::<String>().to_lowercase());
            let without_separators = order.iter().all(|&at| !matches!(at, 3 | 4 | 7));
            prop_assert!(!without_separators || is_nfc(&text), "{:?}", text);
        }
    }
}
