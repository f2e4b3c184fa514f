//! The law of cleaning, for every rule and every preset: pieces or whole, the text is the same.
//!
//! What it does not know: what the text should be; each rule's own file says that.

use proptest::prelude::*;

use super::{Cleaner, PRESETS, PunctuationSet, RuleSpec};
use crate::samples;

fn every_cleaner() -> Vec<Cleaner> {
    let replace =
        |from: &str, to: &str| RuleSpec::Replace { from: from.into(), to: to.into(), times: 2 };
    let rules = [
        RuleSpec::Prepend { text: "| ".into(), times: 3 },
        RuleSpec::LowerCase,
        replace("\n\n\n\n\n", "| "),
        replace("..", "."),
        replace(".. ", ""),
        replace("가한글", "가"),
        RuleSpec::CollapseSpaces { to: ". ".into() },
        RuleSpec::Trim,
        RuleSpec::SpacePunctuation { set: PunctuationSet::Keras },
        RuleSpec::SpacePunctuation { set: PunctuationSet::Unicode },
        RuleSpec::CollapseWhiteSpace,
        RuleSpec::Nfc,
        RuleSpec::Nfkc,
        RuleSpec::StripPunctuation,
        RuleSpec::DigitsToOne { token: "<n>".into() },
    ];
    let alone = rules.iter().map(|rule| Cleaner::new(vec![rule.clone()]));
    let presets = PRESETS.iter().map(|name| Cleaner::preset(name).unwrap());
    let none_and_all = [Cleaner::default(), Cleaner::new(rules.to_vec())];
    alone.chain(presets).chain(none_and_all).collect()
}

fn in_pieces<'a>(cleaner: &Cleaner, pieces: impl IntoIterator<Item = &'a str>) -> String {
    let (mut stream, mut out) = (cleaner.stream(), String::new());
    for piece in pieces {
        stream.push(piece, &mut out);
    }
    stream.finish(&mut out);
    out
}

proptest! {
    #![proptest_config(samples::cases(512))]

    #[test]
    fn pieces_or_whole_the_text_is_the_same((text, cuts) in samples::text_and_cuts()) {
        for cleaner in every_cleaner() {
            let whole = cleaner.clean(&text);
            let pieces = samples::cut(&text, &cuts);
            prop_assert_eq!(&in_pieces(&cleaner, pieces), &whole, "{:?}", cleaner.rules());
            let characters = text.char_indices().map(|(at, c)| &text[at..at + c.len_utf8()]);
            prop_assert_eq!(&in_pieces(&cleaner, characters), &whole, "{:?}", cleaner.rules());
        }
    }
}

#[test]
fn long_texts_are_cut_inside_without_a_trace() {
    let text = "Ein Füchslein…  sah\n\n\n\n\n🦊 e\u{301}한글 3.14 ".repeat(5_000);
    for cleaner in every_cleaner() {
        let mut pieces = Vec::new();
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (piece, tail) = rest.split_at(rest.floor_char_boundary(997));
            pieces.push(piece);
            rest = tail;
        }
        assert_eq!(in_pieces(&cleaner, pieces), cleaner.clean(&text), "{:?}", cleaner.rules());
    }
}
