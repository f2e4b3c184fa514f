//! A tokenizer as JSON and back.
//!
//! What it does not know: where the JSON is kept.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::tokenizer::Tokenizer;

/// The format that [`Tokenizer::to_json`] writes.
const FORMAT: u64 = 1;

impl Tokenizer {
    /// The tokenizer as JSON to read by eye or by [`Self::from_json`]; the same bytes every time.
    pub fn to_json(&self) -> String {
        let saved = Saved { format: FORMAT, tokenizer: self };
        // Strings, numbers and lists only, written to memory: nothing here can fail.
        let mut json = serde_json::to_string_pretty(&saved).expect("a tokenizer is plain data");
        json.push('\n');
        json
    }

    /// Reads what [`Self::to_json`] wrote.
    ///
    /// # Errors
    /// When it is no such JSON, has another format, or contradicts itself.
    pub fn from_json(json: &str) -> Result<Self> {
        let bad = |error: serde_json::Error| Error::BadTokenizer { problem: error.to_string() };
        let Format { format } = serde_json::from_str(json).map_err(bad)?;
        if format != FORMAT {
            return Err(Error::TokenizerFormat { found: format, expected: FORMAT });
        }
        let SavedOwned { tokenizer, .. } = serde_json::from_str(json).map_err(bad)?;
        tokenizer.cleaner.validate()?;
        tokenizer.splitter.validate()?;
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

/// The one key that every format has.
#[derive(Deserialize)]
struct Format {
    format: u64,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::samples;
    use crate::tokenize::{Characters, Splitter, Words};
    use crate::tokenizer::tests::{TEXT, book, every_setting, fit};

    #[test]
    fn what_is_no_tokenizer_is_refused_in_one_line() {
        let json = book(TEXT, 0, true).to_json();
        for (broken, expected) in [
            (json[..json.len() / 2].to_owned(), "not a saved tokenizer"),
            ("{}".to_owned(), "missing field `format`"),
            (json.replace("\"format\": 1", "\"format\": 2"), "format 2"),
            (json.replace("\"lower-case\"", "\"lowercase\""), "lowercase"),
            (json.replace("\"dragon\"", "\"fox\""), "holds `fox` twice"),
            (json.replace("\"story_mark\"", "\"storymark\""), "storymark"),
        ] {
            let message = Tokenizer::from_json(&broken).unwrap_err().to_string();
            assert!(message.contains(expected) && !message.contains('\n'), "{message}");
        }
    }

    #[test]
    fn characters_saved_before_they_had_settings_are_scalars() {
        let splitter = Splitter::Characters(Characters::default());
        let tokenizer = fit("prose", splitter, TEXT, 0, false);
        let json = tokenizer.to_json();
        let old =
            json.replace("\"unit\": \"scalars\",", "").replace(",\n      \"jamo\": false", "");
        assert!(!old.contains("unit") && !old.contains("jamo"), "{old}");
        assert_eq!(Tokenizer::from_json(&old).unwrap(), tokenizer);
    }

    proptest! {
        #![proptest_config(samples::cases(256))]

        #[test]
        fn what_was_saved_is_what_is_loaded(text in samples::text(), unknown in any::<bool>()) {
            for preset in ["book", "prose", "verbatim"] {
                for splitter in [
                    Splitter::Words(Words::default()),
                    Splitter::Characters(Characters::default()),
                    Splitter::Characters(every_setting()),
                ] {
                    let tokenizer = fit(preset, splitter, &text, 2, unknown);
                    let json = tokenizer.to_json();
                    let back = Tokenizer::from_json(&json).unwrap();
                    prop_assert_eq!(&back, &tokenizer);
                    prop_assert_eq!(back.to_json(), json);
                }
            }
        }
    }
}
