//! The law of short cuts: whatever a rule or a splitter passes over in strides, the text is what the
//! plain way gives, which looks at every character of the whole text by itself.
//!
//! What it does not know: pieces; `laws.rs` and `text_stream.rs` bind those to the whole.

use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization;

use super::{Cleaner, PunctuationSet, RuleSpec};
use crate::chars::{
    JOINER, is_apostrophe, is_extender, is_punctuation, is_symbol, is_white_space,
    is_word_character,
};
use crate::samples;
use crate::tokenize::{Characters, Splitter, Words};

fn space_punctuation(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let (mut out, mut at) = (String::new(), 0);
    while at < chars.len() {
        let c = chars[at];
        let beside = |other: Option<&char>| other.is_some_and(|&c| is_word_character(c));
        let before = at.checked_sub(1).and_then(|at| chars.get(at));
        let inside = is_apostrophe(c) && beside(before) && beside(chars.get(at + 1));
        // A mark upon a sign belongs to the sign and makes no word of it.
        let upon_sign = at > 0 && out.ends_with(' ') && before.is_some_and(|&c| is_extender(c));
        at += 1;
        if !is_punctuation(c) || (inside && !upon_sign) {
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
            joined = next == JOINER;
            at += 1;
        }
        out.push(' ');
    }
    out
}

fn collapse_white_space(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let runs = chars.chunk_by(|&a, &b| is_white_space(a) == is_white_space(b));
    let collapsed = runs.map(|run| match run.len() > 1 && is_white_space(run[0]) {
        true => " ".to_owned(),
        false => run.iter().collect(),
    });
    collapsed.collect()
}

fn prose(text: &str) -> String {
    let text: String = text.nfc().collect();
    let text = collapse_white_space(&space_punctuation(&text.replace('\n', " ")));
    text.trim_matches(is_white_space).to_owned()
}

fn rule(rule: RuleSpec, text: &str) -> String {
    Cleaner::new(vec![rule]).clean(text)
}

fn tokens(splitter: &Splitter, text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    splitter.for_each_token(text, |token| tokens.push(token.to_owned()));
    tokens
}

/// Difficult pieces, and what lies in strides between them.
fn texts() -> impl Strategy<Value = String> {
    let ascii = prop::collection::vec(prop::sample::select(b"aZ0 ,.'-\n\t\x1c".as_slice()), 0..80);
    let ascii = ascii.prop_map(|bytes| bytes.into_iter().map(char::from).collect());
    let any = prop::collection::vec(any::<char>(), 0..20).prop_map(String::from_iter);
    let plain = "[a-z ]{0,60}";
    let piece = prop_oneof![3 => samples::text(), 2 => ascii, 1 => any, 2 => plain];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(samples::cases(4_096))]

    #[test]
    fn strides_give_what_single_steps_give(text in texts()) {
        let set = PunctuationSet::Unicode;
        prop_assert_eq!(rule(RuleSpec::SpacePunctuation { set }, &text), space_punctuation(&text));
        prop_assert_eq!(rule(RuleSpec::CollapseWhiteSpace, &text), collapse_white_space(&text));
        prop_assert_eq!(rule(RuleSpec::Nfc, &text), text.nfc().collect::<String>());
        prop_assert_eq!(rule(RuleSpec::Nfkc, &text), text.nfkc().collect::<String>());
        prop_assert_eq!(Cleaner::preset("prose").unwrap().clean(&text), prose(&text));
    }

    #[test]
    fn tokens_are_what_stands_between_white_space_or_every_character(text in texts()) {
        let words = text.split(is_white_space).filter(|word| !word.is_empty());
        let expected: Vec<String> = words.map(str::to_owned).collect();
        prop_assert_eq!(tokens(&Splitter::Words(Words::default()), &text), expected);
        let expected: Vec<String> = text.chars().map(String::from).collect();
        prop_assert_eq!(tokens(&Splitter::Characters(Characters::default()), &text), expected);
    }
}
