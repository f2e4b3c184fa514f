//! Keras's `Tokenizer`, case by case as Keras itself answered, in committed results that `cargo xtask
//! parity` makes.

use serde::Deserialize;
use serde_json::Value;
use text_prep::keras::{KerasConfig, KerasTokenizer};

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    texts: Vec<String>,
    arguments: Arguments,
    word_index: Vec<(String, u64)>,
    word_counts: Vec<(String, u64)>,
    sequences: Vec<Vec<u64>>,
    unseen: Vec<String>,
    unseen_sequences: Vec<Vec<u64>>,
    json: String,
}

/// Python's keyword arguments, as far as they were given.
#[derive(Deserialize)]
struct Arguments {
    num_words: Option<usize>,
    filters: Option<String>,
    lower: Option<bool>,
    split: Option<String>,
    char_level: Option<bool>,
    oov_token: Option<String>,
}

impl From<Arguments> for KerasConfig {
    fn from(given: Arguments) -> Self {
        let default = Self::default();
        Self {
            num_words: given.num_words,
            filters: given.filters.unwrap_or(default.filters),
            lower: given.lower.unwrap_or(default.lower),
            split: given.split.unwrap_or(default.split),
            char_level: given.char_level.unwrap_or(default.char_level),
            oov_token: given.oov_token,
        }
    }
}

#[test]
fn every_case_is_answered_as_keras_answers_it() {
    let text = include_str!("fixtures/keras_tokenizer.json");
    let fixture: Fixture = serde_json::from_str(text).unwrap();
    assert!(fixture.cases.len() >= 8);
    for case in fixture.cases {
        let name = case.name;
        let texts: Vec<&str> = case.texts.iter().map(String::as_str).collect();
        let unseen: Vec<&str> = case.unseen.iter().map(String::as_str).collect();
        let mut tokenizer = KerasTokenizer::new(case.arguments.into()).unwrap();
        tokenizer.fit_on_texts(&texts);
        let owned = |(word, number): (&str, u64)| (word.to_string(), number);
        let index: Vec<_> = tokenizer.word_index().map(owned).collect();
        assert_eq!(index, case.word_index, "{name}");
        let counts: Vec<_> = tokenizer.word_counts().map(owned).collect();
        assert_eq!(counts, case.word_counts, "{name}");
        assert_eq!(tokenizer.texts_to_sequences(&texts), case.sequences, "{name}");
        assert_eq!(tokenizer.texts_to_sequences(&unseen), case.unseen_sequences, "{name}");
        assert_same_file(&tokenizer.to_json(), &case.json, &name);
        // Keras's own file gives the same tokenizer, and is written again to the letter.
        let read = KerasTokenizer::from_json(&case.json).unwrap();
        assert_eq!(read.texts_to_sequences(&unseen), case.unseen_sequences, "{name}");
        let index: Vec<_> = read.word_index().map(owned).collect();
        assert_eq!(index, case.word_index, "{name}");
        assert_eq!(read.to_json(), case.json, "{name}");
    }
}

/// The same file, but for the order within two dictionaries, which is that of a Python set.
fn assert_same_file(found: &str, expected: &str, name: &str) {
    let [found, expected] = [found, expected].map(|json| {
        let mut file: Value = serde_json::from_str(json).unwrap();
        for unordered in ["word_docs", "index_docs"] {
            let inner = &mut file["config"][unordered];
            *inner = serde_json::from_str(inner.as_str().unwrap()).unwrap();
        }
        file
    });
    assert_eq!(found, expected, "{name}");
}
