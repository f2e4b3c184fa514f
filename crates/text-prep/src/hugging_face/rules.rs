//! Cleaning rules as normalizers and pre-tokenizers of Hugging Face's `tokenizers`. Patterns use only what the regular
//! expressions of Oniguruma and of Rust's `fancy-regex` have in common; their library is built with either.

use serde_json::{Value, json};

use super::{not_expressible, replace};
use crate::clean::{Cleaner, LINE_END, PunctuationSet, RuleSpec};
use crate::error::Result;

/// White space as this crate defines it.
pub(super) const WHITE_SPACE: &str = "[\\s\u{1c}-\u{1f}]+";
/// The same without line ends, for one character.
const BLANK: &str = "(?:[^\\S\\n]|[\u{1c}-\u{1f}])";

/// Cleaning rules there.
#[derive(Default)]
pub(super) struct Cleaning {
    /// What changes the text.
    pub normalizers: Vec<Value>,
    /// The pattern of punctuation that is a token of its own, if spaces are put around it.
    pub punctuation: Option<String>,
}

/// The rules of `cleaner` without those that put something before the text.
pub(super) fn mapped(cleaner: &Cleaner) -> Result<Cleaning> {
    let mut cleaning = Cleaning::default();
    for rule in cleaner.rules() {
        if cleaning.punctuation.is_some() {
            match rule {
                // Words are divided at white space anyway.
                RuleSpec::CollapseWhiteSpace | RuleSpec::Trim | RuleSpec::TrimLines | RuleSpec::Prepend { .. } => {
                    continue;
                }
                _ => {
                    return Err(not_expressible("a cleaning rule follows the one that puts spaces around punctuation"));
                }
            }
        }
        match rule {
            RuleSpec::Prepend { .. } => {}
            RuleSpec::SpacePunctuation { set } => cleaning.punctuation = Some(punctuation(*set)),
            _ => cleaning.normalizers.extend(normalizers(rule)?),
        }
    }
    Ok(cleaning)
}

/// What a rule is there.
fn normalizers(rule: &RuleSpec) -> Result<Vec<Value>> {
    let pattern = |pattern: String, content: &str| replace(json!({"Regex": pattern}), content);
    Ok(match rule {
        RuleSpec::LowerCase => vec![json!({"type": "Lowercase"})],
        RuleSpec::Replace { from, to, times } => vec![replace(json!({"String": from}), &to.repeat(*times))],
        RuleSpec::CollapseSpaces { to } => vec![pattern(" {2,}".into(), to)],
        RuleSpec::Trim => vec![pattern(format!("\\A{WHITE_SPACE}|{WHITE_SPACE}\\z"), "")],
        RuleSpec::TrimLines => {
            vec![pattern(format!("\\A{BLANK}+|{BLANK}+\\z"), ""), pattern(format!("{BLANK}*\\n{BLANK}*"), "\n")]
        }
        // Of several line ends each becomes one.
        RuleSpec::KeepLineEnds => vec![
            pattern(format!("{BLANK}*\\n{BLANK}*"), &format!(" {LINE_END} ")),
            pattern(format!("{LINE_END}  (?={LINE_END})"), &format!("{LINE_END} ")),
        ],
        RuleSpec::CollapseWhiteSpace => vec![pattern("[\\s\u{1c}-\u{1f}]{2,}".into(), " ")],
        RuleSpec::Nfc => vec![json!({"type": "NFC"})],
        RuleSpec::Nfkc => vec![json!({"type": "NFKC"})],
        RuleSpec::DigitsToOne { token } => vec![pattern("\\p{Nd}+".into(), token)],
        RuleSpec::StripPunctuation => return Err(not_expressible("a cleaning rule removes punctuation")),
        RuleSpec::Prepend { .. } | RuleSpec::SpacePunctuation { .. } => Vec::new(),
    })
}

/// The pattern of one punctuation character with its modifiers.
fn punctuation(set: PunctuationSet) -> String {
    let (apostrophes, others) = match set {
        PunctuationSet::Keras => return "[!-&(-/:-@\\[-`{-~]".into(),
        // The straight apostrophe is like a letter.
        PunctuationSet::Typographic => ("’", "(?!['’])[\\p{P}\\p{S}]"),
        PunctuationSet::Unicode => ("['’]", "(?!['’])[\\p{P}\\p{S}]"),
    };
    let word = "[\\p{L}\\p{M}\\p{N}]";
    let joiner = '\u{200d}';
    let modifiers = format!("(?:[\\p{{M}}{joiner}\u{1f3fb}-\u{1f3ff}]|(?<={joiner})\\p{{S}})*");
    // An apostrophe inside a word is a part of it.
    format!("(?:(?<!{word}){apostrophes}|{apostrophes}(?!{word})|{others}){modifiers}")
}
