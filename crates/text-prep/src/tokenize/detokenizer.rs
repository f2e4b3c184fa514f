//! From tokens back to text, one token at a time.
//!
//! What it does not know: ids.

use super::Splitter;
use super::characters::CharacterJoiner;
use super::spacing::WordJoiner;
use crate::clean::Cleaner;

/// Joins tokens to text; made anew for every text.
///
/// A joiner may hold back half a Hangul syllable until the next token decides about it. So it keeps
/// the text and gives it away by [`into_text`](Self::into_text) alone, which writes what was held
/// back; whoever hands pieces on as they come asks for the last one by [`finish`](Self::finish).
///
/// Laws, each tested over random text:
/// - characters: `join(split(text)) == text`, whatever the settings, save that capitals which the
///   splitter lowers stay small; the pieces join to the text, and none ends within a syllable;
/// - words: `split(clean(join(tokens))) == tokens` for tokens that `split` made of text cleaned
///   by `book`, `prose` or `verbatim`. It holds between story marks (a paragraph break is not a
///   story mark, and `book` puts marks in front), and not for stems.
#[derive(Clone, Debug)]
pub struct Joiner {
    text: String,
    way: Way,
}

#[derive(Clone, Debug)]
enum Way {
    Words(WordJoiner),
    Characters(CharacterJoiner),
}

impl Joiner {
    /// A joiner for tokens of `splitter`, for text whose cleaning spaces Unicode's punctuation,
    /// as `prose` does.
    pub fn new(splitter: &Splitter, story_mark: Option<&str>) -> Self {
        let way = match splitter {
            Splitter::Words(_) | Splitter::Passage => Way::Words(WordJoiner::new(story_mark)),
            Splitter::Characters(characters) => Way::Characters(CharacterJoiner::new(*characters)),
        };
        Self { text: String::new(), way }
    }

    /// The same for text that `cleaner` has cleaned and is to clean again.
    #[must_use]
    pub fn for_cleaner(mut self, cleaner: &Cleaner) -> Self {
        if let Way::Words(words) = &mut self.way {
            words.clean_by(cleaner);
        }
        self
    }

    /// Takes the next token and gives the piece of text that is certain by now, perhaps none.
    pub fn push(&mut self, token: &str) -> &str {
        let start = self.text.len();
        match &mut self.way {
            Way::Words(words) => words.push(token, &mut self.text),
            Way::Characters(characters) => characters.push(token, &mut self.text),
        }
        &self.text[start..]
    }

    /// Gives what was held back. Should further tokens come, they do not join it.
    pub fn finish(&mut self) -> &str {
        let start = self.text.len();
        match &mut self.way {
            Way::Words(_) => {}
            Way::Characters(characters) => characters.finish(&mut self.text),
        }
        &self.text[start..]
    }

    /// All of the text, what was held back included.
    pub fn into_text(mut self) -> String {
        self.finish();
        self.text
    }
}

impl<'a> Extend<&'a str> for Joiner {
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
    use super::super::tests::{every_character_splitter, tokens};
    use super::super::{Capitals, Characters};
    use super::*;
    use crate::chars::push_lower;
    use crate::samples;

    /// The pieces in order, with the one that `finish` gives.
    fn pieces(splitter: &Splitter, tokens: &[String]) -> Vec<String> {
        let mut joiner = Joiner::new(splitter, Some("|"));
        let mut pieces: Vec<String> =
            tokens.iter().map(|token| joiner.push(token).to_owned()).collect();
        pieces.push(joiner.finish().to_owned());
        assert_eq!(joiner.into_text(), pieces.concat());
        pieces
    }

    fn expected(characters: Characters, text: &str) -> String {
        let mut lower = String::new();
        match characters.capitals {
            Capitals::Lower => push_lower(text, &mut lower),
            Capitals::Keep | Capitals::Shift => lower.push_str(text),
        }
        lower
    }

    #[test]
    fn all_short_texts_of_difficult_characters_come_back() {
        const LETTERS: [&str; 12] =
            ["가", "각", "ᄀ", "ᅡ", "ᆨ", "ᆞ", "ㄱ", "a", "A", "ǅ", "\u{301}", "<shift>"];
        let mut texts = vec![String::new()];
        for _ in 0..4 {
            let longer = |text: &String| LETTERS.map(|letter| format!("{text}{letter}"));
            texts = texts.iter().flat_map(longer).collect();
            for characters in every_character_splitter() {
                let splitter = Splitter::Characters(characters);
                for text in &texts {
                    let joined = pieces(&splitter, &tokens(&splitter, text)).concat();
                    assert_eq!(joined, expected(characters, text), "{characters:?}");
                }
            }
        }
        assert_eq!(texts.len(), 20_736);
    }

    proptest! {
        #![proptest_config(samples::cases(1024))]

        #[test]
        fn characters_join_to_the_text(text in samples::text()) {
            for characters in every_character_splitter() {
                let splitter = Splitter::Characters(characters);
                let tokens = tokens(&splitter, &text);
                let joined = pieces(&splitter, &tokens).concat();
                prop_assert_eq!(&joined, &expected(characters, &text), "{:?}", tokens);
            }
        }

        #[test]
        fn no_piece_ends_within_a_syllable(text in samples::text()) {
            let text: String = text.chars().filter(|&c| !is_conjoining(c)).nfc().collect();
            for characters in every_character_splitter() {
                let splitter = Splitter::Characters(characters);
                let tokens = tokens(&splitter, &text);
                prop_assert!(!tokens.iter().any(|token| token == super::super::SEAM));
                for piece in pieces(&splitter, &tokens) {
                    prop_assert!(!piece.contains(is_conjoining), "{:?} of {:?}", piece, tokens);
                }
            }
        }

        #[test]
        fn any_tokens_join_without_being_composed_twice(order in prop::collection::vec(0usize..8, 0..12)) {
            // A model writes tokens in any order; what it writes is never half-composed.
            const TOKENS: [&str; 8] =
                ["\u{1112}", "\u{1161}", "\u{11ab}", "<seam>", "<shift>", "a", "A", "\u{301}"];
            let characters = Characters { jamo: true, capitals: Capitals::Shift, ..Characters::default() };
            let mut joiner = Joiner::new(&Splitter::Characters(characters), None);
            joiner.extend(order.iter().map(|&at| TOKENS[at]));
            let text = joiner.into_text();
            let plain = order.iter().map(|&at| TOKENS[at]).filter(|token| token.len() < 4);
            let plain: String = plain.collect();
            prop_assert_eq!(text.nfd().collect::<String>().to_lowercase(), plain.nfd().collect::<String>().to_lowercase());
            let seamless = order.iter().all(|&at| !matches!(at, 3 | 4 | 7));
            prop_assert!(!seamless || is_nfc(&text), "{:?}", text);
        }
    }
}
