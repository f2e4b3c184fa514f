//! Compares the files with the crate `tokenizers`.

use std::str::FromStr;

use proptest::prelude::*;
use serde_json::json;
use tokenizers::Tokenizer as TheirTokenizer;

use crate::clean::{Cleaner, PRESETS, RuleSpec};
use crate::given_tokens::GivenTokens;
use crate::segmentation::Segmentation;
use crate::subwords::tests::fit as fit_subwords;
use crate::test_strategies;
use crate::tokenize::{Capitals, CharacterOptions, CharacterUnit, PreTokenizer, Punctuation, WordOptions};
use crate::tokenizer::tests::fit;
use crate::tokenizer::{OovPolicy, Tokenizer};

fn theirs(tokenizer: &Tokenizer) -> TheirTokenizer {
    let mut theirs = TheirTokenizer::from_str(&tokenizer.to_hugging_face().unwrap()).unwrap();
    // A text that spells a special token is a text.
    theirs.set_encode_special_tokens(true);
    theirs
}

/// Their ids of `text`, and ours without what is put before it.
fn ids(tokenizer: &Tokenizer, text: &str) -> [Vec<u32>; 2] {
    let mut ours = tokenizer.clone();
    let rules = ours.cleaner.rules().iter().filter(|rule| !matches!(rule, RuleSpec::Prepend { .. }));
    ours.cleaner = Cleaner::new(rules.cloned().collect());
    let found = theirs(tokenizer).encode(text, false).unwrap();
    [found.get_ids().to_vec(), ours.encode(text, OovPolicy::Unknown).unwrap().ids]
}

fn rejected(tokenizer: &Tokenizer) -> String {
    tokenizer.to_hugging_face().unwrap_err().to_string()
}

const TEXT: &str = "“Don’t go,” said the Fox.\n\n  The grapes aren't ripe... 12 of 34!\n";

#[test]
fn words_are_encoded_and_joined() {
    let tokenizer = fit("prose", WordOptions::default().into(), TEXT, 1, true);
    let [found, expected] = ids(&tokenizer, "“Don’t go,” said the wolf.");
    assert_eq!(found, expected);
    assert_eq!(theirs(&tokenizer).decode(&found, false).unwrap(), "“ Don’t go , ” said the <unknown> .");
    let without = fit("prose", WordOptions::default().into(), TEXT, 1, false);
    assert!(theirs(&without).encode("the wolf", false).is_err());
}

#[test]
fn line_ends_are_tokens() {
    let mut tokenizer = fit("prose", WordOptions::default().into(), "", 1, true);
    tokenizer.cleaner = tokenizer.cleaner.keep_line_ends();
    let clean = tokenizer.cleaner.clean(TEXT);
    let mut counter = crate::token_counter::TokenCounter::new();
    tokenizer.pre_tokenizer.for_each_token(&clean, |token| {
        counter.add(token);
    });
    tokenizer.vocabulary = crate::vocabulary::Vocabulary::from_counts(counter.iter(), 1, true);
    let [found, expected] = ids(&tokenizer, TEXT);
    assert_eq!(found, expected);
    let text = theirs(&tokenizer).decode(&found[found.len() - 2..], true).unwrap();
    assert_eq!(text, "! \n");
}

#[test]
fn what_they_cannot_express_is_rejected_with_the_reason() {
    let words = |options: WordOptions| fit("prose", options.into(), TEXT, 1, true);
    let characters = |options: CharacterOptions| fit("verbatim", options.into(), TEXT, 1, true);
    let plain = CharacterOptions::default();
    let mut literal = words(WordOptions::default());
    literal.vocabulary = crate::vocabulary::Vocabulary::from_counts([("<unknown>", 2)], 1, true);
    for (tokenizer, expected) in [
        (words(WordOptions::default().stem("english")), "their stems"),
        (words(WordOptions::default().punctuation(Punctuation::Remove)), "punctuation is removed"),
        (words(WordOptions::default().segmentation(Segmentation::Dictionary)), "by a dictionary"),
        (characters(plain.unit(CharacterUnit::Graphemes)), "grapheme clusters"),
        (characters(plain.capitals(Capitals::Shift)), "capitals have a token"),
        (characters(plain.jamo(true)), "Hangul syllables"),
        (fit("prose", plain.into(), TEXT, 1, true), "spaces around punctuation"),
        (literal, "`<unknown>` is a word and a reserved token"),
    ] {
        let error = rejected(&tokenizer);
        assert!(error.contains(expected) && error.contains("saved with the model"), "{error}");
    }
}

/// A file of `WordLevel` as their library writes it, and texts with their ids there.
fn assert_same_ids(file: serde_json::Value, tokenizer: Tokenizer, texts: &[&str]) {
    let mut theirs = TheirTokenizer::from_str(&file.to_string()).unwrap();
    theirs.set_encode_special_tokens(true);
    let given = GivenTokens::from_json(&theirs.to_string(true).unwrap()).unwrap();
    // Our ids are in another order: the tokens are counted anew.
    let vocabulary = given.vocabulary.clone().recounted([("fox", 3), ("b", 2), ("the", 1)]);
    let tokenizer = Tokenizer { vocabulary, ..tokenizer };
    given.check(&tokenizer).unwrap();
    let ids = given.ids_of(&tokenizer.vocabulary);
    for text in texts {
        let ours = tokenizer.encode(text, OovPolicy::Unknown).unwrap().ids;
        let there: Vec<u32> = ours.into_iter().map(|id| ids[id as usize].unwrap()).collect();
        assert_eq!(there, theirs.encode(*text, false).unwrap().get_ids(), "{text:?}");
    }
}

#[test]
fn files_of_theirs_give_a_text_the_same_tokens() {
    let file = |vocab: serde_json::Value, normalizer: serde_json::Value, pre_tokenizer: serde_json::Value| {
        let special = json!({"id": 0, "content": "[UNK]", "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true});
        json!({"version": "1.0", "added_tokens": [special], "normalizer": normalizer, "pre_tokenizer": pre_tokenizer,
            "model": {"type": "WordLevel", "vocab": vocab, "unk_token": "[UNK]"}})
    };
    let lower = json!({"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Lowercase"}]});
    let words = json!({"[UNK]": 0, "the": 1, "fox": 2, ".": 3, "saw": 4});
    let mut tokenizer = fit("verbatim", WordOptions::default().into(), "", 1, true);
    tokenizer.cleaner = Cleaner::new(vec![RuleSpec::Nfc, RuleSpec::LowerCase]);
    let texts = ["The  fox saw .\nthe wolf", " The fox.", "[UNK]", ""];
    assert_same_ids(file(words, lower, json!({"type": "WhitespaceSplit"})), tokenizer, &texts);
    let characters = json!({"[UNK]": 0, "a": 1, "b": 2, " ": 3, "\n": 4});
    let split = json!({"type": "Split", "pattern": {"String": ""}, "behavior": "Isolated", "invert": false});
    let tokenizer = fit("verbatim", PreTokenizer::Characters(CharacterOptions::default()), "", 1, true);
    assert_same_ids(file(characters, json!({"type": "NFC"}), split), tokenizer, &["ab c\n\nb", "여우", "b"]);
}

proptest! {
    #![proptest_config(test_strategies::cases(64))]

    #[test]
    fn they_give_a_text_the_same_ids(text in test_strategies::text(), unknown in any::<bool>()) {
        for preset in PRESETS {
            for options in [WordOptions::default(), WordOptions::default().lower_case(true)] {
                let tokenizer = fit(preset, options.into(), &text, 1, unknown);
                let [found, expected] = ids(&tokenizer, &text);
                prop_assert_eq!(found, expected, "words of {}: {:?}", preset, text);
            }
        }
        for capitals in [Capitals::Keep, Capitals::Lower] {
            let options = CharacterOptions::default().capitals(capitals);
            let tokenizer = fit("verbatim", PreTokenizer::Characters(options), &text, 1, unknown);
            let [found, expected] = ids(&tokenizer, &text);
            prop_assert_eq!(&found, &expected, "characters");
            let decoded = theirs(&tokenizer).decode(&found, true).unwrap();
            prop_assert_eq!(decoded, tokenizer.decode(&found));
        }
        let [found, expected] = ids(&fit_subwords("verbatim", &text, 300), &text);
        prop_assert_eq!(found, expected, "subwords");
    }
}
