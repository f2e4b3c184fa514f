//! Words set as a sentence that a person reads.
//!
//! The gaps are those of [`crate::Joiner`]; here is only what its tokens never are: words cut off
//! by an apostrophe or behind a number.
//!
//! What it does not know: how the text was spaced before it was cut.

use crate::chars::is_apostrophe;
use crate::tokenize::{Joiner, Splitter, Words};

/// Joins words, such as those of [`words`](super::words()) or a model, to a sentence: no space
/// before a comma nor inside brackets, straight quotes opened and closed by turns, and in one what was
/// written in one: Newton|'s, husbands|', 1990|s, and|/|or.
pub fn join<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let mut joiner = Joiner::new(&Splitter::Words(Words::default()), None);
    let mut apostrophes = words.iter().filter(|&&word| word == "'").count();
    let mut quote_open = false;
    let mut held = String::new();
    for word in words {
        let mut belongs = belongs_to(word, &held);
        if word == "'" {
            // Quotes come in pairs: an odd one behind an s is the possessive of a plural.
            belongs = !quote_open && apostrophes % 2 == 1 && held.ends_with(['s', 'S']);
            quote_open ^= !belongs;
            apostrophes -= 1;
        }
        if !belongs && !held.is_empty() {
            joiner.push(&held);
            held.clear();
        }
        held.push_str(word);
    }
    if !held.is_empty() {
        joiner.push(&held);
    }
    joiner.into_text()
}

/// Whether `word` was cut off from what stands before it.
fn belongs_to(word: &str, before: &str) -> bool {
    let mut chars = word.chars();
    let cut_off = chars.next().is_some_and(is_apostrophe) && chars.next().is_some();
    let of_a_number = || matches!(word, "s" | "st" | "nd" | "rd" | "th");
    let behind_a_word = before.ends_with(char::is_alphanumeric);
    let behind_a_slash = before.len() > 1 && before.ends_with('/');
    (cut_off || word == "/") && behind_a_word
        || before.ends_with(char::is_numeric) && of_a_number()
        || behind_a_slash && word.starts_with(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::words;
    use super::*;
    use crate::samples;

    #[test]
    fn words_become_a_sentence() {
        for (words, expected) in [
            ("what is newton 's law ?", "what is newton's law?"),
            ("don 't , he said ; no : yes !", "don't, he said; no: yes!"),
            ("it ( the \" fox \" ) is well - known", "it (the \"fox\") is well-known"),
            ("$ 5 bn in the 1990 s , the 21 st", "$5 bn in the 1990s, the 21st"),
            ("34 % of the u.s . army", "34% of the u.s. army"),
            ("and / or 10 / 10 , / a /", "and/or 10/10, / a/"),
            ("its husbands ' names", "its husbands' names"),
            ("of foxes ' and ' b ' , a", "of foxes' and 'b', a"),
            ("say yes ' now '", "say yes 'now'"),
            ("", ""),
            ("'s", "'s"),
        ] {
            assert_eq!(join(words.split_whitespace()), expected);
        }
        assert_eq!(join(["", "a", "", "b"]), "a b");
    }

    proptest! {
        #![proptest_config(samples::cases(1024))]

        #[test]
        fn a_sentence_is_cut_into_its_words_again(order in prop::collection::vec(0usize..26, 0..20)) {
            const WORDS: [&str; 26] = [
                "fox", "the", "Newton", "U.S", "'s", "'t", "1,000", "1990", "7", "s", "th", "km",
                ",", ".", "?", "(", ")", "[", "]", "-", "$", "%", "\"", "한글", "/", "'",
            ];
            let first: Vec<&str> = order.iter().map(|&at| WORDS[at]).collect();
            // What is cut off has to have something it was cut off from.
            let first: Vec<&str> = (0..first.len())
                .filter(|&at| first[at].len() == 1 || !first[at].starts_with('\'')
                    || at > 0 && first[at - 1].ends_with(char::is_alphanumeric)
                        && !first[at - 1].starts_with('\''))
                .map(|at| first[at])
                .collect();
            let text = join(first.iter().copied());
            let again: Vec<&str> = words(&text).into_iter().map(|word| &text[word.range]).collect();
            prop_assert_eq!(again, first, "{}", text);
        }
    }
}
