//! Invented words: words of a character model's samples that are not in its training text.

use std::collections::HashSet;

use unicode_segmentation::UnicodeSegmentation;

/// How many invented words are listed.
const MAX_EXAMPLES: usize = 10;

/// The set of words of a text.
///
/// A word is a word of Unicode Standard Annex 29 with at least one letter: `don't` and `fox` are
/// words, `1917` is not. Case is ignored, so that the start of a sentence makes no difference, and the kind of apostrophe.
#[derive(Clone, Debug, Default)]
pub struct KnownWords(HashSet<String>);

/// The words of a text that are not in [`KnownWords`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InventedWords {
    /// All words, counting repetitions.
    pub words: usize,
    /// Invented words, counting repetitions.
    pub invented: usize,
    /// The first ten distinct invented words, in the case of their first occurrence.
    pub examples: Vec<String>,
}

impl KnownWords {
    /// The words of `text`.
    pub fn new(text: &str) -> Self {
        Self(words(text).map(|(_, word)| normalized(word)).collect())
    }

    /// The invented words of `text`. A sample may begin or end within a word, so a word at the start or end
    /// of `text` is not counted.
    pub fn find_invented(&self, text: &str) -> InventedWords {
        let mut found = InventedWords::default();
        let mut listed = HashSet::new();
        for (at, word) in words(text) {
            if at == 0 || at + word.len() == text.len() {
                continue;
            }
            found.words += 1;
            let known_as = normalized(word);
            if self.0.contains(&known_as) {
                continue;
            }
            found.invented += 1;
            if found.examples.len() < MAX_EXAMPLES && listed.insert(known_as) {
                found.examples.push(word.to_owned());
            }
        }
        found
    }
}

impl InventedWords {
    /// The fraction of invented words; 0 if there are no words.
    pub fn fraction(&self) -> f64 {
        self.invented as f64 / self.words.max(1) as f64
    }
}

/// `word` in lower case with straight apostrophes.
fn normalized(word: &str) -> String {
    word.to_lowercase().replace(['’', 'ʼ'], "'")
}

/// The words of `text` with their byte positions.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.unicode_word_indices().filter(|(_, word)| word.contains(char::is_alphabetic))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invented(known: &str, text: &str) -> (usize, usize, String) {
        let found = KnownWords::new(known).find_invented(text);
        (found.words, found.invented, found.examples.join(" "))
    }

    #[test]
    fn case_is_ignored_and_numbers_are_not_words() {
        let known = "The fox didn’t see 7 grapes. ÉTÉ";
        assert_eq!(invented(known, " The FOX, the grapes, été 1917. "), (5, 0, "".into()));
        assert_eq!(invented(known, " Foxen didn't: foxen! "), (3, 2, "Foxen".into()));
        assert_eq!(invented("didn't", " Didn’t hasn’t "), (2, 1, "hasn’t".into()));
    }

    #[test]
    fn hangul_words_are_separated_by_spaces() {
        let known = "여우가 포도를 보았다.";
        assert_eq!(invented(known, "그 여우가 포두를 보았다."), (3, 1, "포두를".into()));
    }

    #[test]
    fn words_at_the_start_and_end_of_a_sample_are_not_counted() {
        assert_eq!(invented("the fox", "ox the fox an"), (2, 0, "".into()));
        assert_eq!(invented("the fox", "ox. the fox an!"), (3, 1, "an".into()));
        assert_eq!(invented("the fox", "foxen"), (0, 0, "".into()));
    }

    #[test]
    fn ten_distinct_words_are_listed_and_all_are_counted() {
        let text: String = ('a'..='z').map(|c| format!(" x{c} x{c}")).collect();
        let found = KnownWords::new("").find_invented(&format!("{text}."));
        assert_eq!((found.words, found.invented), (52, 52));
        assert_eq!(found.examples.join(" "), "xa xb xc xd xe xf xg xh xi xj");
        assert_eq!((found.fraction(), InventedWords::default().fraction()), (1.0, 0.0));
    }
}
