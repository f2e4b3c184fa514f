//! The rules as data: what a configuration writes and a model keeps.
//!
//! What it does not know: how a rule does its work.

use serde::{Deserialize, Serialize};

use super::Rule;
use super::collapse_spaces::CollapseSpaces;
use super::collapse_white_space::CollapseWhiteSpace;
use super::digits::DigitsToOne;
use super::lower_case::LowerCase;
use super::normalize::{Form, Normalize};
use super::prepend::Prepend;
use super::replace::Replace;
use super::space_punctuation::{SpaceKerasPunctuation, SpaceUnicodePunctuation};
use super::strip_punctuation::StripPunctuation;
use super::trim::Trim;
use crate::error::{Error, Result};

/// One cleaning rule. In TOML: `{ rule = "replace", from = "\n", to = " " }`.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(tag = "rule", rename_all = "kebab-case", try_from = "Written")]
pub enum RuleSpec {
    /// Puts `text`, `times` times over, in front.
    Prepend {
        /// What is put in front.
        text: String,
        /// How often.
        times: usize,
    },
    /// Lower case, character by character; Σ becomes σ even where a word ends.
    LowerCase,
    /// Every `from` becomes `to`, `times` times over; leftmost first and without overlap, as
    /// Python's `str.replace`.
    Replace {
        /// What is looked for; not empty.
        from: String,
        /// What takes its place.
        to: String,
        /// How often `to` is written.
        times: usize,
    },
    /// Every run of two or more U+0020 becomes `to`.
    CollapseSpaces {
        /// What takes the run's place.
        to: String,
    },
    /// Removes white space at both ends, as Python's `str.strip`.
    Trim,
    /// A space on both sides of every punctuation character.
    SpacePunctuation {
        /// What counts as punctuation.
        set: PunctuationSet,
    },
    /// Every run of two or more white-space characters becomes one space.
    CollapseWhiteSpace,
    /// Unicode Normalization Form C.
    Nfc,
    /// Unicode Normalization Form KC.
    Nfkc,
    /// Removes punctuation and symbols; between two words' letters one space takes their place.
    /// Apostrophes inside words stay.
    StripPunctuation,
    /// Every run of decimal digits, of any script, becomes `token`.
    DigitsToOne {
        /// What takes the run's place.
        token: String,
    },
}

/// What [`RuleSpec::SpacePunctuation`] takes for punctuation.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum PunctuationSet {
    /// ``!"#$%&()*+,-./:;<=>?@[\]^_`{|}~``: ASCII punctuation without the apostrophe.
    Keras,
    /// Unicode's punctuation and symbols (general categories P* and S*) except apostrophes
    /// (' and ’) inside words. What modifies a symbol stays with it: ❤️ and 👩‍🔬 are one.
    Unicode,
}

/// More text than this is no prefix and no separator but a slip of the keyboard.
const REPETITION_LIMIT: usize = 1 << 20;

impl RuleSpec {
    /// Checks the rule's values.
    ///
    /// # Errors
    /// [`Error::BadRule`] when `from` is empty, or a repeated text is longer than a mebibyte.
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

    /// Whether the rule gives punctuation spaces of its own, and which.
    pub(crate) fn spaces(&self) -> Option<PunctuationSet> {
        match self {
            Self::SpacePunctuation { set } => Some(*set),
            _ => None,
        }
    }

    pub(super) fn start(&self) -> Box<dyn Rule> {
        match self {
            Self::Prepend { text, times } => Box::new(Prepend::new(text.repeat(*times))),
            Self::LowerCase => Box::new(LowerCase),
            Self::Replace { from, to, times } => Box::new(Replace::new(from, to.repeat(*times))),
            Self::CollapseSpaces { to } => Box::new(CollapseSpaces::new(to)),
            Self::Trim => Box::new(Trim::default()),
            Self::SpacePunctuation { set: PunctuationSet::Keras } => {
                Box::new(SpaceKerasPunctuation)
            }
            Self::SpacePunctuation { set: PunctuationSet::Unicode } => {
                Box::new(SpaceUnicodePunctuation::default())
            }
            Self::CollapseWhiteSpace => Box::new(CollapseWhiteSpace::default()),
            Self::Nfc => Box::new(Normalize::new(Form::C)),
            Self::Nfkc => Box::new(Normalize::new(Form::Kc)),
            Self::StripPunctuation => Box::new(StripPunctuation::default()),
            Self::DigitsToOne { token } => Box::new(DigitsToOne::new(token)),
        }
    }
}

/// A rule as it stands in a file. Apart from [`RuleSpec`] because serde refuses unknown keys
/// only where a variant has braces, and because values are checked on the way.
#[derive(Deserialize)]
#[serde(tag = "rule", rename_all = "kebab-case", deny_unknown_fields)]
enum Written {
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

impl TryFrom<Written> for RuleSpec {
    type Error = Error;

    fn try_from(written: Written) -> Result<Self> {
        let rule = match written {
            Written::Prepend { text, times } => Self::Prepend { text, times },
            Written::LowerCase {} => Self::LowerCase,
            Written::Replace { from, to, times } => Self::Replace { from, to, times },
            Written::CollapseSpaces { to } => Self::CollapseSpaces { to },
            Written::Trim {} => Self::Trim,
            Written::SpacePunctuation { set } => Self::SpacePunctuation { set },
            Written::CollapseWhiteSpace {} => Self::CollapseWhiteSpace,
            Written::Nfc {} => Self::Nfc,
            Written::Nfkc {} => Self::Nfkc,
            Written::StripPunctuation {} => Self::StripPunctuation,
            Written::DigitsToOne { token } => Self::DigitsToOne { token },
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
    fn what_cannot_be_meant_is_refused() {
        for rules in [
            r#"[{ rule = "lowercase" }]"#,
            r#"[{ rule = "trim", to = "" }]"#,
            r#"[{ rule = "replace", from = "", to = "a" }]"#,
            r#"[{ rule = "prepend", text = "| ", times = 99999999 }]"#,
        ] {
            assert!(from_toml(rules).is_err(), "{rules}");
        }
        let bad =
            Cleaner::new(vec![RuleSpec::Replace { from: String::new(), to: "a".into(), times: 1 }]);
        assert!(bad.validate().is_err());
        assert_eq!(bad.clean("abc"), "abc");
    }

    #[test]
    fn every_preset_survives_json_and_toml() {
        for name in super::super::PRESETS {
            let rules = Cleaner::preset(name).unwrap();
            let json = serde_json::to_string(&rules).unwrap();
            assert_eq!(serde_json::from_str::<Cleaner>(&json).unwrap(), rules);
            let toml = toml::to_string(&File { rules: rules.clone() }).unwrap();
            assert_eq!(toml::from_str::<File>(&toml).unwrap().rules, rules);
        }
    }
}
