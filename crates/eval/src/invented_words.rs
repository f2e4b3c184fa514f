//! What a model of characters invents: words that it spells and its training text does not hold.

use std::collections::HashSet;

use unicode_segmentation::UnicodeSegmentation;

/// How many invented words are named.
const NAMED: usize = 10;

/// The words of a text.
///
/// A word is what Unicode Standard Annex 29 takes for one, as long as a letter is in it: `don't`
/// and `fox` are words, `1917` is none. Capitals make no other word: `The` is `the`, for where a
/// sentence begins is not a question of spelling.
#[derive(Clone, Debug, Default)]
pub struct Lexicon(HashSet<String>);

/// How many of a text's words are in no lexicon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Novelty {
    /// All words, each time they came.
    pub words: usize,
    /// Those that the lexicon does not hold, each time they came.
    pub invented: usize,
    /// The first ten different ones, as they were written first.
    pub named: Vec<String>,
}

impl Lexicon {
    /// The words of `text`.
    pub fn of(text: &str) -> Self {
        Self(words(text).map(|(_, word)| word.to_lowercase()).collect())
    }

    /// How much of `text` is not from here. A sample may begin and stop within a word: one that
    /// touches an end of `text` is not counted.
    pub fn novelty(&self, text: &str) -> Novelty {
        let mut novelty = Novelty::default();
        let mut named = HashSet::new();
        for (at, word) in words(text) {
            if at == 0 || at + word.len() == text.len() {
                continue;
            }
            novelty.words += 1;
            let lower = word.to_lowercase();
            if self.0.contains(&lower) {
                continue;
            }
            novelty.invented += 1;
            if novelty.named.len() < NAMED && named.insert(lower) {
                novelty.named.push(word.to_owned());
            }
        }
        novelty
    }
}

impl Novelty {
    /// The share of invented words; 0 where there are none at all.
    pub fn share(&self) -> f64 {
        self.invented as f64 / self.words.max(1) as f64
    }
}

/// The words of `text` and where they begin.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.unicode_word_indices().filter(|(_, word)| word.contains(char::is_alphabetic))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn novelty(known: &str, text: &str) -> (usize, usize, String) {
        let novelty = Lexicon::of(known).novelty(text);
        (novelty.words, novelty.invented, novelty.named.join(" "))
    }

    #[test]
    fn capitals_and_numbers_are_no_invention() {
        let known = "The fox didn’t see 7 grapes. ÉTÉ";
        assert_eq!(novelty(known, " The FOX, the grapes, été 1917. "), (5, 0, "".into()));
        assert_eq!(novelty(known, " Foxen didn't: foxen! "), (3, 3, "Foxen didn't".into()));
    }

    #[test]
    fn hangul_is_judged_by_what_stands_between_spaces() {
        let known = "여우가 포도를 보았다.";
        assert_eq!(novelty(known, "그 여우가 포두를 보았다."), (3, 1, "포두를".into()));
    }

    #[test]
    fn words_at_the_ends_of_a_sample_may_be_cut_and_are_not_counted() {
        assert_eq!(novelty("the fox", "ox the fox an"), (2, 0, "".into()));
        assert_eq!(novelty("the fox", "ox. the fox an!"), (3, 1, "an".into()));
        assert_eq!(novelty("the fox", "foxen"), (0, 0, "".into()));
    }

    #[test]
    fn ten_different_words_are_named_and_all_are_counted() {
        let text: String = ('a'..='z').map(|c| format!(" x{c} x{c}")).collect();
        let novelty = Lexicon::of("").novelty(&format!("{text}."));
        assert_eq!((novelty.words, novelty.invented), (52, 52));
        assert_eq!(novelty.named.join(" "), "xa xb xc xd xe xf xg xh xi xj");
        assert_eq!((novelty.share(), Novelty::default().share()), (1.0, 0.0));
    }
}
