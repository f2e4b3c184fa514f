//! Compares the optimized rules and tokenizers with simple reference implementations that process a
//! whole text character by character. Chunked input is tested in `property_tests.rs` and
//! `text_stream.rs`.

use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization;

use super::{Cleaner, PunctuationSet, RuleSpec};
use crate::chars::{
    ZERO_WIDTH_JOINER, is_apostrophe, is_extender, is_punctuation, is_symbol, is_white_space, is_word_character,
};
use crate::test_strategies;
use crate::tokenize::{CharacterOptions, PreTokenizer, WordOptions};

fn space_punctuation(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let (mut out, mut at) = (String::new(), 0);
    while at < chars.len() {
        let c = chars[at];
        let is_word = |other: Option<&char>| other.is_some_and(|&c| is_word_character(c));
        let before = at.checked_sub(1).and_then(|at| chars.get(at));
        let inside = is_apostrophe(c) && is_word(before) && is_word(chars.get(at + 1));
        // A modifier of punctuation belongs to the punctuation and is not part of a word.
        let after_modifier = at > 0 && out.ends_with(' ') && before.is_some_and(|&c| is_extender(c));
        at += 1;
        if !is_punctuation(c) || (inside && !after_modifier) {
            out.push(c);
            continue;
        }
        out.extend([' ', c]);
        let mut joined = false;
        while let Some(&next) = chars.get(at) {
            if !(is_extender(next) || (joined && is_symbol(next))) {
                break;
            }
            out.push(next);
            joined = next == ZERO_WIDTH_JOINER;
            at += 1;
        }
        out.push(' ');
    }
    out
}

fn collapse_white_space(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let runs = chars.chunk_by(|&a, &b| is_white_space(a) == is_white_space(b));
    runs.map(|run| {
        let collapse = run.len() > 1 && is_white_space(run[0]);
        if collapse { " ".to_owned() } else { run.iter().collect() }
    })
    .collect()
}

fn prose(text: &str) -> String {
    let text: String = text.nfc().collect();
    let text = collapse_white_space(&space_punctuation(&text.replace('\n', " ")));
    text.trim_matches(is_white_space).to_owned()
}

fn rule(rule: RuleSpec, text: &str) -> String {
    Cleaner::new(vec![rule]).clean(text)
}

fn tokens(pre_tokenizer: &PreTokenizer, text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    pre_tokenizer.for_each_token(text, |token| tokens.push(token.to_owned()));
    tokens
}

/// Difficult fragments, with runs of ASCII between them that the fast paths skip.
fn texts() -> impl Strategy<Value = String> {
    let ascii = prop::collection::vec(prop::sample::select(b"aZ0 ,.'-\n\t\x1c".as_slice()), 0..80);
    let ascii = ascii.prop_map(|bytes| bytes.into_iter().map(char::from).collect());
    let any = prop::collection::vec(any::<char>(), 0..20).prop_map(String::from_iter);
    let plain = "[a-z ]{0,60}";
    let part = prop_oneof![3 => test_strategies::text(), 2 => ascii, 1 => any, 2 => plain];
    prop::collection::vec(part, 0..6).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(test_strategies::cases(4_096))]

    #[test]
    fn the_rules_match_the_reference_implementation(text in texts()) {
        let set = PunctuationSet::Unicode;
        prop_assert_eq!(rule(RuleSpec::SpacePunctuation { set }, &text), space_punctuation(&text));
        prop_assert_eq!(rule(RuleSpec::CollapseWhiteSpace, &text), collapse_white_space(&text));
        prop_assert_eq!(rule(RuleSpec::Nfc, &text), text.nfc().collect::<String>());
        prop_assert_eq!(rule(RuleSpec::Nfkc, &text), text.nfkc().collect::<String>());
        prop_assert_eq!(Cleaner::preset("prose").unwrap().clean(&text), prose(&text));
    }

    #[test]
    fn tokens_are_words_between_white_space_or_single_characters(text in texts()) {
        let words = text.split(is_white_space).filter(|word| !word.is_empty());
        let expected: Vec<String> = words.map(str::to_owned).collect();
        prop_assert_eq!(tokens(&PreTokenizer::Words(WordOptions::default()), &text), expected);
        let expected: Vec<String> = text.chars().map(String::from).collect();
        prop_assert_eq!(tokens(&PreTokenizer::Characters(CharacterOptions::default()), &text), expected);
    }
}
