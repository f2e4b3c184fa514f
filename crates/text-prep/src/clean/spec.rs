//! Cleaning rules as data, as written in a configuration and saved with a model.

use serde::{Deserialize, Serialize};

use super::Rule;
use super::collapse_spaces::CollapseSpaces;
use super::collapse_white_space::CollapseWhiteSpace;
use super::digits::DigitsToOne;
use super::lines::{KeepLineEnds, TrimLines};
use super::lower_case::LowerCase;
use super::normalize::{Form, Normalize};
use super::prepend::Prepend;
use super::replace::Replace;
use super::space_punctuation::{SpaceKerasPunctuation, SpaceTypographicPunctuation, SpaceUnicodePunctuation};
use super::strip_punctuation::StripPunctuation;
use super::trim::Trim;
use crate::error::{Error, Result};

/// One cleaning rule. In TOML: `{ rule = "replace", from = "\n", to = " " }`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(tag = "rule", rename_all = "kebab-case", try_from = "RuleTable")]
pub enum RuleSpec {
    /// Prepends `text`, repeated `times` times.
    Prepend {
        /// The string to prepend.
        text: String,
        /// Number of repetitions.
        times: usize,
    },
    /// Lower-cases character by character; Σ becomes σ even at the end of a word.
    LowerCase,
    /// Replaces every `from` by `to`, repeated `times` times. Matches are leftmost and do not overlap,
    /// as in Python's `str.replace`.
    Replace {
        /// The string to find; not empty.
        from: String,
        /// The replacement.
        to: String,
        /// Number of repetitions of `to`.
        times: usize,
    },
    /// Replaces every run of two or more U+0020 by `to`.
    CollapseSpaces {
        /// The replacement.
        to: String,
    },
    /// Removes white space at both ends, as Python's `str.strip`.
    Trim,
    /// Removes white space at both ends of every line, so that indented lines are joined as others.
    TrimLines,
    /// Makes every line end a word of its own, whose token is `"\n"`: in the cleaned text it is U+FDD0, a noncharacter,
    /// between spaces. White space around a line end is removed. See [`Cleaner::keep_line_ends`](super::Cleaner::keep_line_ends).
    KeepLineEnds,
    /// Puts a space on both sides of every punctuation character.
    SpacePunctuation {
        /// Which characters count as punctuation.
        set: PunctuationSet,
    },
    /// Replaces every run of two or more white-space characters by one space.
    CollapseWhiteSpace,
    /// Unicode Normalization Form C.
    Nfc,
    /// Unicode Normalization Form KC.
    Nfkc,
    /// Removes punctuation and symbols; between word characters they become one space. Apostrophes
    /// inside words are kept.
    StripPunctuation,
    /// Replaces every run of decimal digits of any script by `token`.
    DigitsToOne {
        /// The replacement.
        token: String,
    },
}

/// The characters that count as punctuation for [`RuleSpec::SpacePunctuation`].
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum PunctuationSet {
    /// ``!"#$%&()*+,-./:;<=>?@[\]^_`{|}~``: ASCII punctuation without the apostrophe.
    Keras,
    /// Keras's set and all Unicode punctuation and symbols that are not ASCII, except ’ inside words. Modifiers stay with
    /// their symbol.
    Typographic,
    /// Unicode punctuation and symbols (general categories P* and S*) except apostrophes (' and ’)
    /// inside words. Modifiers stay with their symbol: ❤️ and 👩‍🔬 are not split.
    Unicode,
}

/// Maximum length of a repeated string, in bytes; more is a typing error.
const REPETITION_LIMIT: usize = 1 << 20;

impl RuleSpec {
    /// Checks the rule's values.
    ///
    /// # Errors
    /// [`Error::BadRule`] if `from` is empty, or a repeated string is longer than 1 MiB.
    pub fn validate(&self) -> Result<()> {
        let repeated = |rule, text: &str, times: usize| {
            if text.len().saturating_mul(times) > REPETITION_LIMIT {
                return Err(Error::BadRule {
                    rule,
                    problem: format!(
                        "repeats {} bytes {times} times: expected at most {REPETITION_LIMIT} bytes in all; lower `times`",
                        text.len()
                    ),
                });
            }
            Ok(())
        };
        match self {
            Self::Replace { from, .. } if from.is_empty() => Err(Error::BadRule {
                rule: "replace",
                problem: "has an empty `from`: expected the text to look for; fill it in or remove the rule".to_owned(),
            }),
            Self::Replace { to, times, .. } => repeated("replace", to, *times),
            Self::Prepend { text, times } => repeated("prepend", text, *times),
            _ => Ok(()),
        }
    }

    /// The punctuation that this rule puts spaces around, if any.
    pub(crate) fn spaced_punctuation(&self) -> Option<PunctuationSet> {
        match self {
            Self::SpacePunctuation { set } => Some(*set),
            _ => None,
        }
    }

    pub(super) fn build(&self) -> Box<dyn Rule> {
        match self {
            Self::Prepend { text, times } => Box::new(Prepend::new(text.repeat(*times))),
            Self::LowerCase => Box::new(LowerCase),
            Self::Replace { from, to, times } => Box::new(Replace::new(from, to.repeat(*times))),
            Self::CollapseSpaces { to } => Box::new(CollapseSpaces::new(to)),
            Self::Trim => Box::new(Trim::default()),
            Self::TrimLines => Box::new(TrimLines::default()),
            Self::KeepLineEnds => Box::new(KeepLineEnds::default()),
            Self::SpacePunctuation { set: PunctuationSet::Keras } => Box::new(SpaceKerasPunctuation),
            Self::SpacePunctuation { set: PunctuationSet::Typographic } => {
                Box::new(SpaceTypographicPunctuation::default())
            }
            Self::SpacePunctuation { set: PunctuationSet::Unicode } => Box::new(SpaceUnicodePunctuation::default()),
            Self::CollapseWhiteSpace => Box::new(CollapseWhiteSpace::default()),
            Self::Nfc => Box::new(Normalize::new(Form::C)),
            Self::Nfkc => Box::new(Normalize::new(Form::Kc)),
            Self::StripPunctuation => Box::new(StripPunctuation::default()),
            Self::DigitsToOne { token } => Box::new(DigitsToOne::new(token)),
        }
    }
}

/// The serialized form of a rule. Separate from [`RuleSpec`] because serde rejects unknown keys only in
/// variants with braces, and because the values are validated in the conversion.
#[derive(Deserialize)]
#[serde(tag = "rule", rename_all = "kebab-case", deny_unknown_fields)]
enum RuleTable {
    Prepend {
        text: String,
        #[serde(default = "once")]
        times: usize,
    },
    LowerCase {},
    Replace {
        from: String,
        to: String,
        #[serde(default = "once")]
        times: usize,
    },
    CollapseSpaces {
        to: String,
    },
    Trim {},
    TrimLines {},
    KeepLineEnds {},
    SpacePunctuation {
        set: PunctuationSet,
    },
    CollapseWhiteSpace {},
    Nfc {},
    Nfkc {},
    StripPunctuation {},
    DigitsToOne {
        token: String,
    },
}

fn once() -> usize {
    1
}

impl TryFrom<RuleTable> for RuleSpec {
    type Error = Error;

    fn try_from(table: RuleTable) -> Result<Self> {
        let rule = match table {
            RuleTable::Prepend { text, times } => Self::Prepend { text, times },
            RuleTable::LowerCase {} => Self::LowerCase,
            RuleTable::Replace { from, to, times } => Self::Replace { from, to, times },
            RuleTable::CollapseSpaces { to } => Self::CollapseSpaces { to },
            RuleTable::Trim {} => Self::Trim,
            RuleTable::TrimLines {} => Self::TrimLines,
            RuleTable::KeepLineEnds {} => Self::KeepLineEnds,
            RuleTable::SpacePunctuation { set } => Self::SpacePunctuation { set },
            RuleTable::CollapseWhiteSpace {} => Self::CollapseWhiteSpace,
            RuleTable::Nfc {} => Self::Nfc,
            RuleTable::Nfkc {} => Self::Nfkc,
            RuleTable::StripPunctuation {} => Self::StripPunctuation,
            RuleTable::DigitsToOne { token } => Self::DigitsToOne { token },
        };
        rule.validate()?;
        Ok(rule)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Cleaner;
    use super::*;

    #[derive(Deserialize, Serialize)]
    struct File {
        rules: Cleaner,
    }

    fn from_toml(rules: &str) -> std::result::Result<Cleaner, toml::de::Error> {
        toml::from_str::<File>(&format!("rules = {rules}")).map(|file| file.rules)
    }

    #[test]
    fn rules_are_written_as_tables() {
        let cleaner = from_toml(
            r#"[{ rule = "lower-case" }, { rule = "replace", from = "\n", to = " " },
                { rule = "space-punctuation", set = "unicode" }]"#,
        )
        .unwrap();
        assert_eq!(
            cleaner.rules(),
            [
                RuleSpec::LowerCase,
                RuleSpec::Replace { from: "\n".into(), to: " ".into(), times: 1 },
                RuleSpec::SpacePunctuation { set: PunctuationSet::Unicode },
            ]
        );
    }

    #[test]
    fn invalid_rules_are_rejected() {
        for rules in [
            r#"[{ rule = "lowercase" }]"#,
            r#"[{ rule = "trim", to = "" }]"#,
            r#"[{ rule = "replace", from = "", to = "a" }]"#,
            r#"[{ rule = "prepend", text = "| ", times = 99999999 }]"#,
        ] {
            assert!(from_toml(rules).is_err(), "{rules}");
        }
        let bad = Cleaner::new(vec![RuleSpec::Replace { from: String::new(), to: "a".into(), times: 1 }]);
        assert!(bad.validate().is_err());
        assert_eq!(bad.clean("abc"), "abc");
    }

    #[test]
    fn every_preset_round_trips_through_json_and_toml() {
        for name in super::super::PRESETS {
            let rules = Cleaner::preset(name).unwrap();
            let json = serde_json::to_string(&rules).unwrap();
            assert_eq!(serde_json::from_str::<Cleaner>(&json).unwrap(), rules);
            let toml = toml::to_string(&File { rules: rules.clone() }).unwrap();
            assert_eq!(toml::from_str::<File>(&toml).unwrap().rules, rules);
        }
    }
}
