//! Whether a text is English.

use crate::lexicon::LEXICON;

/// The lowest share of English function words, less [`FOREIGN`] times that of other languages, of an English text. Of 1,932
/// paragraphs of Wikipedia in English, 8 have a lower one, most of them lists of names. Hand-written paragraphs in Dutch,
/// Norwegian, French and Spanish have one below -0.5, in German below 0.1.
const LIMIT: f64 = 0.2;
/// How much a function word of another language weighs against an English one: a few English ones, such as "in" and "was",
/// are words of other languages as well.
const FOREIGN: f64 = 3.0;

/// The fewest words by which a paragraph is judged by itself.
const MIN_WORDS: usize = 20;

/// Whether a text is English, by its function words.
pub fn is_english(text: &str) -> bool {
    let words = words(text).map(str::to_lowercase);
    let (mut count, mut score) = (0.0, 0.0);
    for word in words {
        count += 1.0;
        score +=
            f64::from(u8::from(LEXICON.is_closed(&word))) - FOREIGN * f64::from(u8::from(LEXICON.is_foreign(&word)));
    }
    count > 0.0 && score / count >= LIMIT
}

/// Whether a paragraph has enough words to be judged by itself.
pub fn is_long_enough(paragraph: &str) -> bool {
    words(paragraph).nth(MIN_WORDS - 1).is_some()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphabetic()).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn english_is_told_from_other_languages() {
        for text in [
            "Tea is grown in Assam.",
            "Juan de la Cruz was one of the first friars in the convent, and he died there in 1591.",
            "On the second day there arose a great wind, and the old swallow cried to her young.",
        ] {
            assert!(is_english(text), "{text}");
        }
        for text in [
            "",
            "1815",
            "De man was in Amsterdam.",
            "Hij had een huis in de stad en was daar met zijn broer. In 1902 was het huis van de man verkocht.",
            "Han for til Bergen. Mannen var over femti da han kom hjem, men for oss er det en god by.",
            "On a vu un instant la dame à la fin. Le renard vit une grappe de raisin sur une treille.",
            "Madrid es la capital de España y me he reído. No he visto a la mujer en la casa.",
            "Er hatte die Trauben am Baum gesehen, und so was hat man selten.",
            "여우는 포도를 보았다.",
        ] {
            assert!(!is_english(text), "{text}");
        }
    }
}
