//! Joins words to a readable sentence.
//!
//! Uses [`crate::Detokenizer`] and adds the cases that its tokens never have: words split at an
//! apostrophe or after a number. The original spacing is not restored.

use crate::chars::is_apostrophe;
use crate::segmentation::Segmentation;
use crate::tokenize::{Detokenizer, WordOptions};

/// Joins words, such as those of [`words`](super::words()) or of a model, to a sentence: no space before
/// a comma or inside brackets, straight quotes alternately opening and closing, and no space inside
/// Newton|'s, husbands|', 1990|s, and|/|or. With [`Segmentation::Dictionary`], words of scripts that are written without
/// spaces get none.
pub fn join<'a>(words: impl IntoIterator<Item = &'a str>, segmentation: Segmentation) -> String {
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let mut detokenizer = Detokenizer::new(&WordOptions::default().segmentation(segmentation).into(), None);
    let mut apostrophes = words.iter().filter(|&&word| word == "'").count();
    let mut quote_open = false;
    let mut pending = String::new();
    for word in words {
        let mut attached = is_attached(word, &pending);
        if word == "'" {
            // Quotes come in pairs: an unpaired one after an s is a plural possessive.
            attached = !quote_open && apostrophes % 2 == 1 && pending.ends_with(['s', 'S']);
            quote_open ^= !attached;
            apostrophes -= 1;
        }
        if !attached && !pending.is_empty() {
            detokenizer.push(&pending);
            pending.clear();
        }
        pending.push_str(word);
    }
    if !pending.is_empty() {
        detokenizer.push(&pending);
    }
    detokenizer.into_text()
}

/// Whether `word` attaches to the word before it without a space.
fn is_attached(word: &str, before: &str) -> bool {
    let mut chars = word.chars();
    let contraction = chars.next().is_some_and(is_apostrophe) && chars.next().is_some();
    let number_suffix = || matches!(word, "s" | "st" | "nd" | "rd" | "th");
    let after_word = before.ends_with(char::is_alphanumeric);
    let after_slash = before.len() > 1 && before.ends_with('/');
    (contraction || word == "/") && after_word
        || before.ends_with(char::is_numeric) && number_suffix()
        || after_slash && word.starts_with(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::words;
    use super::*;
    use crate::test_strategies;

    #[test]
    fn words_are_joined_to_a_sentence() {
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
            assert_eq!(join(words.split_whitespace(), Segmentation::Spaces), expected);
        }
        assert_eq!(join(["", "a", "", "b"], Segmentation::Spaces), "a b");
        let chinese = || "老钟 在 2024 年 停 了 吗 ？ yes".split(' ');
        assert_eq!(join(chinese(), Segmentation::Dictionary), "老钟在2024年停了吗？yes");
        assert_eq!(join(chinese(), Segmentation::Spaces), "老钟 在 2024 年 停 了 吗？ yes");
    }

    proptest! {
        #![proptest_config(test_strategies::cases(1024))]

        #[test]
        fn splitting_a_joined_sentence_gives_the_same_words(order in prop::collection::vec(0usize..26, 0..20)) {
            const WORDS: [&str; 26] = [
                "fox", "the", "Newton", "U.S", "'s", "'t", "1,000", "1990", "7", "s", "th", "km",
                ",", ".", "?", "(", ")", "[", "]", "-", "$", "%", "\"", "한글", "/", "'",
            ];
            let first: Vec<&str> = order.iter().map(|&at| WORDS[at]).collect();
            // A contraction must follow a word.
            let first: Vec<&str> = (0..first.len())
                .filter(|&at| first[at].len() == 1 || !first[at].starts_with('\'')
                    || at > 0 && first[at - 1].ends_with(char::is_alphanumeric)
                        && !first[at - 1].starts_with('\''))
                .map(|at| first[at])
                .collect();
            let text = join(first.iter().copied(), Segmentation::Spaces);
            let again: Vec<&str> = words(&text, Segmentation::Spaces).into_iter().map(|word| &text[word.range]).collect();
            prop_assert_eq!(again, first, "{}", text);
        }
    }
}
