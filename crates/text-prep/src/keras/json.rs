//! Reads and writes the JSON of Keras's `tokenizer.to_json()`.
//!
//! The format: `{"class_name": "Tokenizer", "config": {…}}`, where the five dictionaries inside
//! `config` are strings that contain JSON.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::python_json::dumps;
use super::{KerasConfig, KerasTokenizer};
use crate::error::{Error, Result};
use crate::source::strip_byte_order_mark;
use crate::token_counter::TokenCounter;

#[derive(Serialize, Deserialize)]
struct Saved {
    class_name: String,
    config: SavedConfig,
}

#[derive(Serialize, Deserialize)]
struct SavedConfig {
    num_words: Option<usize>,
    filters: String,
    lower: bool,
    split: String,
    char_level: bool,
    oov_token: Option<String>,
    document_count: u64,
    word_counts: String,
    word_docs: String,
    index_docs: String,
    index_word: String,
    word_index: String,
}

impl KerasTokenizer {
    /// The JSON of Keras's `to_json()`. Equal tokenizers give equal bytes.
    pub fn to_json(&self) -> String {
        let KerasConfig { num_words, filters, lower, split, char_level, oov_token } = self.config.clone();
        let index_docs = self.word_docs.iter().filter_map(|(word, docs)| Some((self.index(word)?, docs)));
        dumps(&Saved {
            class_name: "Tokenizer".to_owned(),
            config: SavedConfig {
                num_words,
                filters,
                lower,
                split,
                char_level,
                oov_token,
                document_count: self.document_count,
                word_counts: dictionary(self.word_counts.iter()),
                word_docs: dictionary(self.word_docs.iter()),
                index_docs: dictionary(index_docs),
                index_word: dictionary(self.word_index.iter().map(|(word, index)| (index, word))),
                word_index: dictionary(self.word_index.iter()),
            },
        })
    }

    /// Loads the JSON of Keras's `to_json()` or of [`Self::to_json`]. `index_docs` and `index_word`
    /// are derived from the other dictionaries and not read.
    ///
    /// # Errors
    /// [`Error::BadKeras`] if the JSON is malformed, or an index is repeated or out of range.
    pub fn from_json(json: &str) -> Result<Self> {
        let saved: Saved = serde_json::from_str(strip_byte_order_mark(json)).map_err(|error| {
            bad(format!("{error}; expected the result of Keras's `tokenizer.to_json()`: export the file again"))
        })?;
        if saved.class_name != "Tokenizer" {
            return Err(bad(format!(
                "`class_name` is `{}`, expected `Tokenizer`: use the JSON of a `Tokenizer`",
                saved.class_name
            )));
        }
        let config = saved.config;
        let mut tokenizer = Self::new(KerasConfig {
            num_words: config.num_words,
            filters: config.filters,
            lower: config.lower,
            split: config.split,
            char_level: config.char_level,
            oov_token: config.oov_token,
        })?;
        tokenizer.document_count = config.document_count;
        tokenizer.word_counts = read_dictionary("word_counts", &config.word_counts)?;
        tokenizer.word_docs = read_dictionary("word_docs", &config.word_docs)?;
        tokenizer.word_index = read_dictionary("word_index", &config.word_index)?;
        check_indices(&tokenizer.word_index)?;
        tokenizer.index_words();
        Ok(tokenizer)
    }
}

fn bad(problem: String) -> Error {
    Error::BadKeras { problem }
}

/// A Python dictionary as a JSON string, in the given order.
fn dictionary<K: ToString, V: Into<Value>>(entries: impl Iterator<Item = (K, V)>) -> String {
    dumps(&entries.map(|(key, value)| (key.to_string(), value.into())).collect::<Map<_, _>>())
}

fn read_dictionary(name: &str, json: &str) -> Result<TokenCounter> {
    let entries: Map<String, Value> = serde_json::from_str(json)
        .map_err(|error| bad(format!("`{name}` is not a JSON dictionary: {error}; export the file again")))?;
    let mut values = TokenCounter::new();
    for (word, value) in entries {
        let value = value.as_u64().ok_or_else(|| {
            bad(format!(
                "`{name}` gives `{word}` the value {value}, expected an integer of at least 0: export the file again"
            ))
        })?;
        values.set(&word, value);
    }
    Ok(values)
}

/// Checks that indices are unique and between 1 and the number of words plus 1 (an `oov_token` that
/// also occurs in the text leaves a gap).
fn check_indices(word_index: &TokenCounter) -> Result<()> {
    let max = word_index.len() + 1;
    let mut used = vec![false; max + 1];
    for (word, index) in word_index.iter() {
        let at = usize::try_from(index).unwrap_or(usize::MAX);
        if !(1..=max).contains(&at) || std::mem::replace(&mut used[at], true) {
            return Err(bad(format!(
                "`word_index` gives `{word}` the index {index}, expected a unique index from 1 to {max}: export the file again"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::test_strategies;

    /// Derived by hand from `Tokenizer.get_config` and `json.dumps`: five inner dictionaries as
    /// strings, Python's separators, ASCII only.
    const EXPECTED: &str = concat!(
        r#"{"class_name": "Tokenizer", "config": {"num_words": null, "#,
        r##""filters": "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n", "lower": true, "split": " ", "##,
        r#""char_level": false, "oov_token": "<OOV>", "document_count": 2, "#,
        r#""word_counts": "{\"a\": 1, \"\\u00e9\": 2}", "word_docs": "{\"a\": 1, \"\\u00e9\": 2}", "#,
        r#""index_docs": "{\"3\": 1, \"2\": 2}", "#,
        r#""index_word": "{\"1\": \"<OOV>\", \"2\": \"\\u00e9\", \"3\": \"a\"}", "#,
        r#""word_index": "{\"<OOV>\": 1, \"\\u00e9\": 2, \"a\": 3}"}}"#,
    );

    #[test]
    fn the_json_equals_that_of_keras() {
        let config = KerasConfig { oov_token: Some("<OOV>".into()), ..KerasConfig::default() };
        let mut tokenizer = KerasTokenizer::new(config).unwrap();
        tokenizer.fit_on_texts(&["a é", "É"]);
        assert_eq!(tokenizer.to_json(), EXPECTED);
        assert_eq!(KerasTokenizer::from_json(EXPECTED).unwrap(), tokenizer);
        // As a Windows editor saves it.
        assert_eq!(KerasTokenizer::from_json(&format!("\u{feff}{EXPECTED}")).unwrap(), tokenizer);
    }

    #[test]
    fn invalid_json_is_rejected_with_a_one_line_message() {
        for (broken, expected) in [
            ("{".to_owned(), "EOF"),
            (EXPECTED.replace("\"Tokenizer\"", "\"Model\""), "`class_name` is `Model`"),
            (EXPECTED.replace("\\\"a\\\": 3", "\\\"a\\\": 2"), "`a` the index 2"),
            (EXPECTED.replace("\\\"a\\\": 3", "\\\"a\\\": 0"), "`a` the index 0"),
            (EXPECTED.replace("\\\"a\\\": 3", "\\\"a\\\": 99999999999"), "index 99999999999"),
            (EXPECTED.replace("\\\"a\\\": 1", "\\\"a\\\": -1"), "value -1"),
            (EXPECTED.replace("\"split\": \" \"", "\"split\": \"\""), "`split` is empty"),
        ] {
            let message = KerasTokenizer::from_json(&broken).unwrap_err().to_string();
            assert!(message.contains(expected) && !message.contains('\n'), "{message}");
        }
    }

    proptest! {
        #![proptest_config(test_strategies::cases(256))]

        #[test]
        fn saving_and_loading_round_trips(
            texts in prop::collection::vec(test_strategies::text(), 0..5),
            char_level in any::<bool>(),
            oov in any::<bool>(),
        ) {
            let oov_token = oov.then(|| "fox".to_owned());
            let config = KerasConfig { char_level, oov_token, ..KerasConfig::default() };
            let mut tokenizer = KerasTokenizer::new(config).unwrap();
            tokenizer.fit_on_texts(&texts);
            let back = KerasTokenizer::from_json(&tokenizer.to_json()).unwrap();
            prop_assert_eq!(&back, &tokenizer);
            prop_assert_eq!(back.texts_to_sequences(&texts), tokenizer.texts_to_sequences(&texts));
        }
    }
}
