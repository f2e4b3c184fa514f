//! Saves tokenizers as JSON and loads them.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::source::strip_byte_order_mark;
use crate::subwords;
use crate::tokenizer::Tokenizer;

/// Version of the format written by [`Tokenizer::to_json`].
const FORMAT: u64 = 1;

impl Tokenizer {
    /// The tokenizer as readable JSON. Equal tokenizers give equal bytes. That of subwords can be loaded by Hugging Face's
    /// `tokenizers`.
    pub fn to_json(&self) -> String {
        if self.vocabulary.is_subwords() {
            return subwords::to_json(self);
        }
        let saved = Saved { format: FORMAT, tokenizer: self };
        // Strings, numbers and lists only, written to memory: this cannot fail.
        let mut json = serde_json::to_string_pretty(&saved).expect("a tokenizer is plain data");
        json.push('\n');
        json
    }

    /// Loads a tokenizer saved by [`Self::to_json`].
    ///
    /// # Errors
    /// If the JSON is malformed, has a different format version, or contains inconsistent values.
    pub fn from_json(json: &str) -> Result<Self> {
        let bad = |error: serde_json::Error| Error::BadTokenizer { problem: error.to_string() };
        let json = strip_byte_order_mark(json);
        let tokenizer = if subwords::is_subword_file(json) {
            subwords::read_saved(json)?
        } else {
            let FormatVersion { format } = serde_json::from_str(json).map_err(bad)?;
            if format != FORMAT {
                return Err(Error::TokenizerFormat { found: format, expected: FORMAT });
            }
            serde_json::from_str::<SavedOwned>(json).map_err(bad)?.tokenizer
        };
        tokenizer.cleaner.validate()?;
        tokenizer.pre_tokenizer.validate()?;
        tokenizer.oov.validate_for_training()?;
        Ok(tokenizer)
    }
}

#[derive(Serialize)]
struct Saved<'a> {
    format: u64,
    tokenizer: &'a Tokenizer,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedOwned {
    #[serde(rename = "format")]
    _format: u64,
    tokenizer: Tokenizer,
}

/// The field that every format version has.
#[derive(Deserialize)]
struct FormatVersion {
    format: u64,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::segmentation::Segmentation;
    use crate::test_strategies;
    use crate::tokenize::{CharacterOptions, PreTokenizer, WordOptions};
    use crate::tokenizer::tests::{TEXT, all_options, fit, keras_lowercase};

    #[test]
    fn invalid_json_is_rejected_with_a_one_line_message() {
        let json = keras_lowercase(TEXT, 0, true).to_json();
        for (broken, expected) in [
            (json[..json.len() / 2].to_owned(), "not a saved tokenizer"),
            ("{}".to_owned(), "missing field `format`"),
            (json.replace("\"format\": 1", "\"format\": 2"), "format 2"),
            (json.replace("\"lower-case\"", "\"lowercase\""), "lowercase"),
            (json.replace("\"dragon\"", "\"fox\""), "contains `fox` twice"),
            (json.replace("\"story_mark\"", "\"storymark\""), "storymark"),
            (json.replace("\"splitter\"", "\"pre_tokenizer\""), "pre_tokenizer"),
            (json.replace("\"rare\": \"unknown\"", "\"rare\": \"error\""), "policy `error`"),
        ] {
            let message = Tokenizer::from_json(&broken).unwrap_err().to_string();
            assert!(message.contains(expected) && !message.contains('\n'), "{message}");
        }
    }

    #[test]
    fn character_options_missing_in_old_files_have_defaults() {
        let pre_tokenizer = PreTokenizer::Characters(CharacterOptions::default());
        let tokenizer = fit("prose", pre_tokenizer, TEXT, 0, false);
        let json = tokenizer.to_json();
        let old = json.replace("\"unit\": \"scalars\",", "").replace(",\n      \"jamo\": false", "");
        assert!(!old.contains("unit") && !old.contains("jamo"), "{old}");
        assert_eq!(Tokenizer::from_json(&old).unwrap(), tokenizer);
        assert_eq!(Tokenizer::from_json(&format!("\u{feff}{old}")).unwrap(), tokenizer);
    }

    #[test]
    fn the_segmentation_is_saved_only_if_it_is_not_by_spaces() {
        let json = |options: WordOptions| fit("prose", options.into(), TEXT, 0, false).to_json();
        assert!(!json(WordOptions::default()).contains("segmentation"));
        assert!(json(WordOptions::default().segmentation(Segmentation::Dictionary)).contains("\"dictionary\""));
        let passage: PreTokenizer = serde_json::from_str(r#"{"kind":"passage"}"#).unwrap();
        assert_eq!(passage.segmentation(), Segmentation::Spaces);
        assert_eq!(serde_json::to_string(&passage).unwrap(), r#"{"kind":"passage"}"#);
    }

    proptest! {
        #![proptest_config(test_strategies::cases(256))]

        #[test]
        fn saving_and_loading_round_trips(text in test_strategies::text(), unknown in any::<bool>()) {
            for preset in crate::clean::PRESETS {
                for pre_tokenizer in [
                    PreTokenizer::Words(WordOptions::default()),
                    WordOptions::default().segmentation(Segmentation::Dictionary).into(),
                    PreTokenizer::Characters(CharacterOptions::default()),
                    PreTokenizer::Characters(all_options()),
                ] {
                    let tokenizer = fit(preset, pre_tokenizer, &text, 2, unknown);
                    let json = tokenizer.to_json();
                    let back = Tokenizer::from_json(&json).unwrap();
                    prop_assert_eq!(&back, &tokenizer);
                    prop_assert_eq!(back.to_json(), json);
                }
            }
        }
    }
}
