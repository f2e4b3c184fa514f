//! A property of every rule and preset: cleaning in chunks equals cleaning the whole text.

use proptest::prelude::*;

use super::{Cleaner, PRESETS, PunctuationSet, RuleSpec};
use crate::test_strategies;

fn every_cleaner() -> Vec<Cleaner> {
    let replace = |from: &str, to: &str| RuleSpec::Replace { from: from.into(), to: to.into(), times: 2 };
    let rules = [
        RuleSpec::Prepend { text: "| ".into(), times: 3 },
        RuleSpec::LowerCase,
        replace("\n\n\n\n\n", "| "),
        replace("..", "."),
        replace(".. ", ""),
        replace("가한글", "가"),
        RuleSpec::CollapseSpaces { to: ". ".into() },
        RuleSpec::Trim,
        RuleSpec::TrimLines,
        RuleSpec::KeepLineEnds,
        RuleSpec::SpacePunctuation { set: PunctuationSet::Keras },
        RuleSpec::SpacePunctuation { set: PunctuationSet::Typographic },
        RuleSpec::SpacePunctuation { set: PunctuationSet::Unicode },
        RuleSpec::CollapseWhiteSpace,
        RuleSpec::Nfc,
        RuleSpec::Nfkc,
        RuleSpec::StripPunctuation,
        RuleSpec::DigitsToOne { token: "<n>".into() },
    ];
    let alone = rules.iter().map(|rule| Cleaner::new(vec![rule.clone()]));
    let presets = PRESETS.iter().map(|name| Cleaner::preset(name).unwrap());
    let kept = PRESETS.iter().map(|name| Cleaner::preset(name).unwrap().keep_line_ends());
    let none_and_all = [Cleaner::default(), Cleaner::new(rules.to_vec())];
    alone.chain(presets).chain(kept).chain(none_and_all).collect()
}

fn in_chunks<'a>(cleaner: &Cleaner, chunks: impl IntoIterator<Item = &'a str>) -> String {
    let (mut stream, mut out) = (cleaner.stream(), String::new());
    for chunk in chunks {
        stream.push(chunk, &mut out);
    }
    stream.finish(&mut out);
    out
}

proptest! {
    #![proptest_config(test_strategies::cases(512))]

    #[test]
    fn chunked_cleaning_equals_cleaning_at_once((text, cuts) in test_strategies::text_and_cuts()) {
        for cleaner in every_cleaner() {
            let whole = cleaner.clean(&text);
            let chunks = test_strategies::cut(&text, &cuts);
            prop_assert_eq!(&in_chunks(&cleaner, chunks), &whole, "{:?}", cleaner.rules());
            let characters = text.char_indices().map(|(at, c)| &text[at..at + c.len_utf8()]);
            prop_assert_eq!(&in_chunks(&cleaner, characters), &whole, "{:?}", cleaner.rules());
        }
    }
}

#[test]
fn chunked_cleaning_of_a_long_text_equals_cleaning_at_once() {
    let text = "Ein Füchslein…  sah\n\n\n\n\n🦊 e\u{301}한글 3.14 ".repeat(5_000);
    for cleaner in every_cleaner() {
        let mut chunks = Vec::new();
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (chunk, tail) = rest.split_at(rest.floor_char_boundary(997));
            chunks.push(chunk);
            rest = tail;
        }
        assert_eq!(in_chunks(&cleaner, chunks), cleaner.clean(&text), "{:?}", cleaner.rules());
    }
}
