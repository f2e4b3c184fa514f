//! The law of preparation: in whatever pieces a text comes, the same is made of it.
//!
//! What it does not know: what that is; `corpus.rs` says it.

use proptest::prelude::*;
use text_prep::{Characters, Cleaner, Rare, Source, Splitter, Text, Words};

use crate::choice::CountedOn;
use crate::corpus::{Prepared, Recipe};
use crate::hash::sha256;
use crate::split::Fractions;

/// Characters of one, two, three and four bytes, one after the other.
struct Characterwise<'a>(&'a str);

impl Text for Characterwise<'_> {
    fn next_piece(&mut self) -> text_prep::Result<Option<&str>> {
        let Some(c) = self.0.chars().next() else { return Ok(None) };
        let (piece, rest) = self.0.split_at(c.len_utf8());
        self.0 = rest;
        Ok(Some(piece))
    }
}

fn recipes() -> [Recipe; 3] {
    let recipe = |preset: &str, splitter: Splitter, min_count: u64, rare: Rare| Recipe {
        cleaner: Cleaner::preset(preset).unwrap(),
        splitter,
        story_mark: None,
        counted_on: CountedOn::Training,
        min_count,
        rare,
        fractions: Fractions { valid: 0.25, test: 0.1 },
        length: 1,
        step: 1,
    };
    let (words, characters) = (Words::default(), Characters::default());
    [
        recipe("prose", Splitter::Words(words.clone()), 1, Rare::Unknown),
        recipe("book", Splitter::Words(words), 2, Rare::Drop),
        recipe("verbatim", Splitter::Characters(characters), 1, Rare::Unknown),
    ]
}

/// All that is known of a prepared text, or why there is none.
fn told(prepared: crate::Result<Prepared>) -> String {
    match prepared {
        Ok(p) => {
            let (ids, split) = (p.ids.slice(0..p.ids.len()), &p.split);
            let known = p.tokenizer.vocabulary.to_tsv();
            format!("{} {:?} {ids:?} {split:?} {} {known}", p.text_sha256, p.whole, p.valid_dropped)
        }
        Err(error) => error.to_string(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_text_is_prepared_alike_in_any_pieces(text in "([a-dA-D]{1,3}[ .,’'\n-]|é|e\u{301}|한|🦊){20,60}") {
        for recipe in recipes() {
            let whole = told(Prepared::new(&text, recipe.clone()));
            let pieces = Prepared::read(&mut Characterwise(&text), recipe.clone(), None);
            prop_assert_eq!(&told(pieces), &whole);
            let mut file = Source::default().pieces(text.as_bytes(), "a.txt").unwrap();
            prop_assert_eq!(&told(Prepared::read(&mut file, recipe.clone(), None)), &whole);
            if let Ok(prepared) = Prepared::new(&text, recipe) {
                prop_assert_eq!(prepared.text_sha256, sha256(text.as_bytes()));
            }
        }
    }
}

#[test]
fn a_text_that_ends_within_a_character_names_file_and_byte() {
    let [recipe, ..] = recipes();
    let mut file = Source::default().pieces(&b"a fox \xf0\x9f\xa6"[..], "a.txt").unwrap();
    let error = Prepared::read(&mut file, recipe, None).unwrap_err().to_string();
    assert!(error.starts_with("`a.txt` is not UTF-8: byte 6 "), "{error}");
}
