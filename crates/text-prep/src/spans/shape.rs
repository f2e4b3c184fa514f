//! The shape of a word: lower case, capitalized, number, punctuation.

use crate::chars::{is_extender, is_punctuation};

/// How a word is written, which its [`key`](super::key()) no longer shows. A categorical input feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WordShape {
    /// All cased letters are lower-case: fox, 's, e.g
    Lower,
    /// Only the first cased letter is a capital: Fox, A
    Title,
    /// Two or more cased letters, all capitals: NATO, U.S
    Upper,
    /// Any other mixture of case: McDonald, iPhone
    Mixed,
    /// Numerals, perhaps with punctuation, without letters: 1,000
    Number,
    /// Only punctuation and symbols: ?, €, 🦊
    Punctuation,
    /// Letters without case (한글), and everything else.
    Other,
}

impl WordShape {
    /// The shape of `word`.
    pub fn of(word: &str) -> Self {
        let (mut capitals, mut lower, mut first_is_capital) = (0, 0, false);
        for c in word.chars() {
            // ǅ is neither upper nor lower case, but starts words like a capital.
            if c.is_uppercase() || is_title_case(c) {
                first_is_capital |= capitals + lower == 0;
                capitals += 1;
            } else if c.is_lowercase() {
                lower += 1;
            }
        }
        match (capitals, lower) {
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
        } else if word.chars().any(is_punctuation) && word.chars().filter(bare).all(is_punctuation) {
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
    fn words_of_every_kind_have_the_expected_shape() {
        for (words, shape) in [
            ("fox 's e.g a é straße", WordShape::Lower),
            ("Fox A É ǅungla 'Neil Σ", WordShape::Title),
            ("NATO U.S ÉA", WordShape::Upper),
            ("McDonald iPhone aB", WordShape::Mixed),
            ("7 3.14 1,000 ½ ٣ 1'000", WordShape::Number),
            (". ? - € 🦊 ❤\u{fe0f} 👩\u{200d}🔬", WordShape::Punctuation),
            ("한글 漢 \u{301}", WordShape::Other),
        ] {
            for word in words.split(' ') {
                assert_eq!(WordShape::of(word), shape, "{word}");
            }
        }
        assert_eq!(WordShape::of(""), WordShape::Other);
    }
}
