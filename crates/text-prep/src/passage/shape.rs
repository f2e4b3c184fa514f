//! How a word is written: small, capital, a number, punctuation.
//!
//! What it does not know: what the word is.

use crate::chars::{is_extender, is_punctuation};

/// What a word's key does not tell any more: how it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// All cased letters are small: fox, 's, e.g
    Lower,
    /// The first cased letter is a capital and no other is: Fox, A
    Title,
    /// There are two cased letters or more, and all are capitals: NATO, U.S
    Upper,
    /// Any other mixture: McDonald, iPhone
    Mixed,
    /// Numerals and what stands between them, without letters: 1,000
    Number,
    /// Punctuation and symbols alone: ?, €, 🦊
    Punctuation,
    /// Letters without case (한글), and whatever else there is.
    Other,
}

impl Shape {
    /// The shape of one word.
    pub fn of(word: &str) -> Self {
        let (mut capitals, mut small, mut first_is_capital) = (0, 0, false);
        for c in word.chars() {
            // ǅ is neither, yet it begins words as a capital does.
            if c.is_uppercase() || is_title_case(c) {
                first_is_capital |= capitals + small == 0;
                capitals += 1;
            } else if c.is_lowercase() {
                small += 1;
            }
        }
        match (capitals, small) {
            (0, 0) => Self::without_case(word),
            (0, _) => Self::Lower,
            (1, _) if first_is_capital => Self::Title,
            (_, 0) => Self::Upper,
            _ => Self::Mixed,
        }
    }

    fn without_case(word: &str) -> Self {
        let bare = |c: &char| !is_extender(*c);
        if word.is_empty() || word.chars().any(char::is_alphabetic) {
            Self::Other
        } else if word.chars().any(char::is_numeric) {
            Self::Number
        } else if word.chars().any(is_punctuation) && word.chars().filter(bare).all(is_punctuation)
        {
            Self::Punctuation
        } else {
            Self::Other
        }
    }
}

fn is_title_case(c: char) -> bool {
    matches!(c, 'ǅ' | 'ǈ' | 'ǋ' | 'ǲ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_word_has_a_shape() {
        for (words, shape) in [
            ("fox 's e.g a é straße", Shape::Lower),
            ("Fox A É ǅungla 'Neil Σ", Shape::Title),
            ("NATO U.S ÉA", Shape::Upper),
            ("McDonald iPhone aB", Shape::Mixed),
            ("7 3.14 1,000 ½ ٣ 1'000", Shape::Number),
            (". ? - € 🦊 ❤\u{fe0f} 👩\u{200d}🔬", Shape::Punctuation),
            ("한글 漢 \u{301}", Shape::Other),
        ] {
            for word in words.split(' ') {
                assert_eq!(Shape::of(word), shape, "{word}");
            }
        }
        assert_eq!(Shape::of(""), Shape::Other);
    }
}
